"""Teams: made, renamed, joined and left from day to day; what somebody oversees follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from app.domain.access import GRANTS, Permission, Principal, Role
from app.domain.refusals import Conflict, NotFound, StaleVersion, Unprocessable
from app.domain.teams import NOBODY, Oversight, Part, Stay, beneath
from app.services.desk import Desk
from app.storage import delegations, users
from app.storage import teams as rows
from app.storage.ids import new_id
from app.storage.teams import KnownMembership as KnownMembership
from app.storage.teams import KnownTeam as KnownTeam
from app.storage.users import KnownUser


class TeamNotFound(NotFound):
    code = "team_not_found"


class MembershipNotFound(NotFound):
    code = "membership_not_found"


class TeamNameTaken(Conflict):
    code = "team_name_taken"
    title = "Another team has this name"


class TeamChanged(StaleVersion):
    code = "team_changed"
    title = "The team has another version by now"


class MembershipChanged(StaleVersion):
    code = "membership_changed"
    title = "The membership has another version by now"


class UnknownParent(Unprocessable):
    code = "unknown_parent_team"
    title = "There is no such team"


class EndsBeforeItBegins(Unprocessable):
    code = "membership_ends_early"
    title = "The membership ends before it begins"


class MembershipsMeet(Conflict):
    code = "memberships_meet"
    title = "They are in this team already on some of these days"


def oversight(connection: Connection, person: str, today: date) -> Oversight:
    """What somebody oversees: all days of everybody in the teams that they supervise today, and in those beneath.

    So are the teams of whom they stand in for, as far as that supervisor may still supervise; nobody passes on what
    they only stand in for.
    """
    absent = _still_supervising(connection, delegations.stood_in_for(connection, person, today))
    supervised = {team for one in (person, *absent) for team in rows.supervised(connection, one, today)}
    return of_teams(connection, supervised, frozenset(absent)) if supervised else NOBODY


def _still_supervising(connection: Connection, persons: list[str]) -> list[str]:
    known = users.by_person(connection, persons) if persons else {}
    return [one for one in persons if (user := known.get(users.key(one))) is None or _supervises(user)]


def _supervises(user: KnownUser) -> bool:
    return user.active and Permission.READ_TEAM in GRANTS[Role(user.role)]


def of_teams(connection: Connection, teams: Iterable[str], stands_in_for: frozenset[str] = frozenset()) -> Oversight:
    """Teams with those beneath them, and the days of their members."""
    found = beneath(rows.parents(connection), teams)
    return Oversight(found, tuple(rows.stays(connection, found)), stands_in_for)


def create(connection: Connection, desk: Desk, principal: Principal, name: str, parent_id: str | None) -> KnownTeam:
    """A new team; its parent stays what it is. Raises RoleForbids, TeamNameTaken or UnknownParent."""
    principal.require(Permission.MANAGE_USERS)
    _require_free(connection, name)
    if parent_id is not None and rows.by_id(connection, parent_id) is None:
        raise UnknownParent.at("/parent_id", "There is no team with this id")
    stamp, journal = desk.stamp(principal.person), desk.journal()
    team = KnownTeam(new_id("team"), 1, name, parent_id, stamp.actor, stamp.at)
    rows.add(connection, team)
    journal.note(team.id, 1, "team.created", {"name": name, "parent": parent_id}, stamp)
    journal.seal(connection)
    return team


def rename(
    connection: Connection, desk: Desk, principal: Principal, team_id: str, name: str, *, version: int
) -> KnownTeam:
    """A team under another name. Raises RoleForbids, TeamNotFound, TeamChanged or TeamNameTaken."""
    principal.require(Permission.MANAGE_USERS)
    team = get(connection, principal, team_id)
    if name.casefold() != team.name.casefold():
        _require_free(connection, name)
    if team.version != version or not rows.rename(connection, team_id, name, version=version):
        raise TeamChanged(f"The team is at version {team.version}; read it again")
    journal = desk.journal()
    journal.note(team_id, version + 1, "team.renamed", {"name": name}, desk.stamp(principal.person))
    journal.seal(connection)
    return team._replace(name=name, version=version + 1)


def get(connection: Connection, principal: Principal, team_id: str) -> KnownTeam:
    """One team. Raises RoleForbids, and TeamNotFound alike for absent and not theirs."""
    among = _readable(principal)
    team = rows.by_id(connection, team_id)
    if team is None or (among is not None and team_id not in among):
        raise TeamNotFound("There is no such team")
    return team


def listed(connection: Connection, principal: Principal, *, after: str | None, limit: int) -> list[KnownTeam]:
    """Teams, newest first; a supervisor is told of their own and those beneath. Raises RoleForbids."""
    return rows.listed(connection, _readable(principal), after=after, limit=limit)


def join(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    team_id: str,
    *,
    person: str,
    part: Part,
    from_on: date,
    to_on: date | None,
) -> KnownMembership:
    """Somebody is in a team from a day on. Raises RoleForbids, TeamNotFound, EndsBeforeItBegins or MembershipsMeet."""
    principal.require(Permission.MANAGE_USERS)
    if rows.hold(connection, team_id) is None:
        raise TeamNotFound("There is no such team")
    stamp, journal = desk.stamp(principal.person), desk.journal()
    made = KnownMembership(new_id("mem"), 1, team_id, person, part.value, from_on, to_on, stamp.actor, stamp.at)
    _check(connection, made)
    rows.add_membership(connection, made)
    days = {"from": from_on.isoformat(), "to": to_on and to_on.isoformat()}
    journal.note(made.id, 1, "membership.created", {"team": team_id, "person": person, "part": part, **days}, stamp)
    journal.seal(connection)
    return made


def end(
    connection: Connection, desk: Desk, principal: Principal, membership_id: str, to_on: date | None, *, version: int
) -> KnownMembership:
    """Another last day, or none. Raises RoleForbids, MembershipNotFound, MembershipChanged and what `join` raises."""
    principal.require(Permission.MANAGE_USERS)
    known = rows.membership(connection, membership_id)
    if known is None:
        raise MembershipNotFound("There is no such membership")
    rows.hold(connection, known.team_id)
    now = known._replace(to_on=to_on, version=version + 1)
    if known.version == version:
        _check(connection, now)
    if known.version != version or not rows.end(connection, membership_id, to_on, version=version):
        raise MembershipChanged(f"The membership is at version {known.version}; read it again")
    journal = desk.journal()
    facts = {"to": to_on and to_on.isoformat()}
    journal.note(membership_id, version + 1, "membership.changed", facts, desk.stamp(principal.person))
    journal.seal(connection)
    return now


def memberships(
    connection: Connection, principal: Principal, team_id: str, on: date | None, *, after: str | None, limit: int
) -> list[KnownMembership]:
    """Who is or was in a team, newest first. Raises RoleForbids or TeamNotFound."""
    get(connection, principal, team_id)
    return rows.memberships(connection, team_id, on, after=after, limit=limit)


def stays_of(connection: Connection, principal: Principal, team_id: str) -> tuple[Stay, ...]:
    """The days that a list is narrowed to by a team and those beneath it; none, where it is none of theirs."""
    among = _readable(principal)
    return of_teams(connection, [team_id]).stays if among is None or team_id in among else ()


def _readable(principal: Principal) -> frozenset[str] | None:
    """The teams that somebody may know of; None for all. Raises RoleForbids where it is none."""
    if principal.may(Permission.MANAGE_USERS) or principal.may(Permission.READ_ALL):
        return None
    principal.require(Permission.READ_TEAM)
    return principal.oversees.teams


def _require_free(connection: Connection, name: str) -> None:
    if rows.named(connection, name) is not None:
        raise TeamNameTaken.at("/name", "Another team has this name; upper and lower case make no difference")


def _check(connection: Connection, one: KnownMembership) -> None:
    if one.to_on is not None and one.to_on < one.from_on:
        raise EndsBeforeItBegins.at("/to_on", "to_on lies before from_on")
    others = rows.memberships_of(connection, one.team_id, one.person)
    if any(other.id != one.id and other.stay.meets(one.stay) for other in others):
        raise MembershipsMeet("They are a member or a supervisor of this team already; nobody supervises themselves")
