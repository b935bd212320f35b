"""Delegations: a supervisor who is away names who stands in for them, from day to day."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.refusals import Conflict, NotFound, Unprocessable
from app.services.desk import Desk
from app.storage import delegations as rows
from app.storage.delegations import KnownDelegation as KnownDelegation
from app.storage.ids import new_id

LONGEST = timedelta(days=366)


class DelegationNotFound(NotFound):
    code = "delegation_not_found"


class DelegationEnded(Conflict):
    code = "delegation_ended"
    title = "The delegation has ended already"


class DelegationDays(Unprocessable):
    code = "delegation_days"
    title = "A delegation cannot have these days"


class DelegatedToThemselves(Unprocessable):
    code = "delegated_to_themselves"
    title = "Somebody else stands in"


def create(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    *,
    supervisor: str | None,
    delegate: str,
    from_on: date,
    to_on: date,
) -> KnownDelegation:
    """Somebody stands in for a supervisor: for oneself, or as an administrator for anybody but to oneself.

    Raises RoleForbids, DelegatedToThemselves or DelegationDays.
    """
    whose = supervisor if supervisor is not None else principal.person
    principal.require(Permission.READ_TEAM if whose == principal.person else Permission.MANAGE_USERS)
    if delegate.strip().casefold() == whose.strip().casefold():
        raise DelegatedToThemselves.at("/delegate", "Somebody else stands in")
    if whose != principal.person and delegate.strip().casefold() == principal.person.strip().casefold():
        raise DelegatedToThemselves.at("/delegate", "Nobody gives themselves what is somebody else's")
    if not from_on <= to_on <= from_on + LONGEST:
        raise DelegationDays.at("/to_on", f"to_on: a day from {from_on} to {from_on + LONGEST}")
    stamp, journal = desk.stamp(principal.person), desk.journal()
    made = KnownDelegation(new_id("dlg"), 1, whose, delegate, from_on, to_on, stamp.actor, stamp.at)
    rows.add(connection, made)
    facts = {"supervisor": whose, "delegate": delegate, "from": from_on.isoformat(), "to": to_on.isoformat()}
    journal.note(made.id, 1, "delegation.created", facts, stamp)
    journal.seal(connection)
    return made


def end(connection: Connection, desk: Desk, principal: Principal, delegation_id: str) -> KnownDelegation:
    """Ends a delegation at once: the supervisor, the delegate or an administrator.

    Raises RoleForbids, DelegationNotFound or DelegationEnded.
    """
    known = get(connection, principal, delegation_id)
    if principal.person not in (known.supervisor, known.delegate):
        principal.require(Permission.MANAGE_USERS)
    stamp, journal = desk.stamp(principal.person), desk.journal()
    if not rows.end(connection, delegation_id, version=known.version, at=stamp.at):
        raise DelegationEnded("The delegation has ended already")
    journal.note(delegation_id, known.version + 1, "delegation.ended", {}, stamp)
    journal.seal(connection)
    return known._replace(version=known.version + 1, ended_at=stamp.at)


def get(connection: Connection, principal: Principal, delegation_id: str) -> KnownDelegation:
    """One delegation. Raises RoleForbids, and DelegationNotFound alike for absent and not theirs."""
    all_of_them = _reads_all(principal)
    found = rows.by_id(connection, delegation_id)
    if found is None or not (all_of_them or principal.person in (found.supervisor, found.delegate)):
        raise DelegationNotFound("There is no such delegation")
    return found


def listed(connection: Connection, principal: Principal, *, after: str | None, limit: int) -> list[KnownDelegation]:
    """Delegations, newest first; a supervisor is told of those from and to them. Raises RoleForbids."""
    return rows.listed(connection, None if _reads_all(principal) else principal.person, after=after, limit=limit)


def _reads_all(principal: Principal) -> bool:
    if principal.may(Permission.MANAGE_USERS) or principal.may(Permission.READ_ALL):
        return True
    principal.require(Permission.READ_TEAM)
    return False
