"""Legal holds: placing them, releasing them with a reason, and reading them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.legal_holds import Scope
from app.domain.refusals import Conflict, NotFound, StaleVersion
from app.services.desk import Desk
from app.services.recipients import UnknownEmployer, UnknownRecipient
from app.storage import legal_holds as rows
from app.storage import recipients
from app.storage.ids import new_id
from app.storage.legal_holds import KnownHold as KnownHold
from app.storage.legal_holds import State as State


class HoldNotFound(NotFound):
    code = "hold_not_found"


class HoldReleased(Conflict):
    code = "hold_released"
    title = "The legal hold was released before"


class HoldChanged(StaleVersion):
    code = "hold_changed"
    title = "The legal hold has another version by now"


def place(
    connection: Connection, desk: Desk, principal: Principal, scope: Scope, *, matter: str, reason: str
) -> KnownHold:
    """A hold from now on. What was erased before stays erased.

    Raises RoleForbids, HoldOnEverything, HoldEndsEarly, UnknownRecipient or UnknownEmployer.
    """
    principal.require(Permission.HOLD_RECORDS)
    scope.check()
    if scope.recipient_id and scope.recipient_id not in recipients.by_id(connection, [scope.recipient_id]):
        raise UnknownRecipient.at("/recipient_id", "There is no recipient with this id")
    if scope.employer_id and scope.employer_id not in recipients.employers_by_id(connection, [scope.employer_id]):
        raise UnknownEmployer.at("/employer_id", "There is no employer with this id")
    stamp, journal = desk.stamp(principal.person, reason=reason), desk.journal()
    hold = KnownHold(new_id("hld"), 1, matter, reason, scope, stamp.actor, stamp.at)
    rows.add(connection, hold)
    journal.note(hold.id, 1, "legal_hold.placed", {"matter": matter, **_facts(scope)}, stamp)
    journal.seal(connection)
    return hold


def release(
    connection: Connection, desk: Desk, principal: Principal, hold_id: str, version: int, *, reason: str
) -> KnownHold:
    """Ends a hold: what it alone kept may go. Raises RoleForbids, HoldNotFound, HoldReleased or HoldChanged."""
    principal.require(Permission.HOLD_RECORDS)
    hold = get(connection, principal, hold_id)
    if hold.released_at is not None:
        raise HoldReleased("This legal hold was released before")
    if hold.version != version:
        raise HoldChanged(f"The legal hold is at version {hold.version}; read it again")
    stamp, journal = desk.stamp(principal.person, reason=reason), desk.journal()
    ended = replace(hold, version=version + 1, released_by=stamp.actor, released_at=stamp.at, release_reason=reason)
    if not rows.release(connection, ended):
        raise HoldChanged("The legal hold was changed at this moment; read it again")
    journal.note(hold.id, ended.version, "legal_hold.released", {"matter": hold.matter}, stamp)
    journal.seal(connection)
    return ended


def get(connection: Connection, principal: Principal, hold_id: str) -> KnownHold:
    """One hold. Raises RoleForbids or HoldNotFound."""
    principal.require(Permission.READ_ALL)
    hold = rows.by_id(connection, hold_id)
    if hold is None:
        raise HoldNotFound("There is no such legal hold")
    return hold


def listed(
    connection: Connection, principal: Principal, *, state: State | None, after: str | None, limit: int
) -> list[KnownHold]:
    """Holds, newest first. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    return rows.listed(connection, state=state, after=after, limit=limit)


def _facts(scope: Scope) -> dict[str, object]:
    return {
        "recipient_id": scope.recipient_id,
        "employer_id": scope.employer_id,
        "giver": scope.giver,
        "starts_on": scope.starts_on and scope.starts_on.isoformat(),
        "ends_on": scope.ends_on and scope.ends_on.isoformat(),
    }
