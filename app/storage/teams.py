"""Teams and who is in them on which days."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Date,
    Text,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from app.domain.entries import Direction
from app.domain.teams import Part, Stay
from app.storage.database import among
from app.storage.tables import MembershipRow, TeamRow


class KnownTeam(NamedTuple):
    """A team."""

    id: str
    version: int
    name: str
    parent_id: str | None
    created_by: str
    created_at: datetime


class KnownMembership(NamedTuple):
    """Somebody's days in a team; `to_on` None is until further notice."""

    id: str
    version: int
    team_id: str
    person: str
    part: str
    from_on: date
    to_on: date | None
    created_by: str
    created_at: datetime

    @property
    def stay(self) -> Stay:
        """The days."""
        return Stay(self.person, self.from_on, self.to_on or date.max)


_TEAMS = select(*(getattr(TeamRow, column) for column in KnownTeam._fields))
_MEMBERSHIPS = select(*(getattr(MembershipRow, column) for column in KnownMembership._fields))


def by_id(connection: Connection, team_id: str) -> KnownTeam | None:
    """One team."""
    row = connection.execute(_TEAMS.where(TeamRow.id == team_id)).first()
    return KnownTeam._make(row) if row else None


def named(connection: Connection, name: str) -> KnownTeam | None:
    """The team of a name, in whatever case it is written."""
    row = connection.execute(_TEAMS.where(TeamRow.name_key == name.casefold())).first()
    return KnownTeam._make(row) if row else None


def hold(connection: Connection, team_id: str) -> KnownTeam | None:
    """One team, held until the transaction ends, so that nobody joins or leaves meanwhile."""
    row = connection.execute(_TEAMS.where(TeamRow.id == team_id).with_for_update()).first()
    return KnownTeam._make(row) if row else None


def add(connection: Connection, team: KnownTeam) -> None:
    """A new team."""
    connection.execute(insert(TeamRow).values(**team._asdict(), name_key=team.name.casefold()))


def rename(connection: Connection, team_id: str, name: str, *, version: int) -> bool:
    """A team's next version, under a name; False where it has another version by now."""
    mine = (TeamRow.id == team_id, TeamRow.version == version)
    values = {"name": name, "name_key": name.casefold(), "version": version + 1}
    return connection.execute(update(TeamRow).where(*mine).values(values)).rowcount == 1


def listed(
    connection: Connection, among_teams: Iterable[str] | None, *, after: str | None, limit: int
) -> list[KnownTeam]:
    """Teams, newest first; of all, or of some."""
    question = _TEAMS if among_teams is None else _TEAMS.where(among(connection, TeamRow.id, among_teams))
    if after:
        question = question.where(TeamRow.id < after)
    return [KnownTeam._make(row) for row in connection.execute(question.order_by(TeamRow.id.desc()).limit(limit))]


def parents(connection: Connection) -> dict[str, str | None]:
    """Every team's parent."""
    return {row.id: row.parent_id for row in connection.execute(select(TeamRow.id, TeamRow.parent_id))}


def supervised(connection: Connection, person: str, on: date) -> list[str]:
    """The teams that somebody supervises on a day."""
    row = MembershipRow
    mine = (row.person == person, row.part == Part.SUPERVISOR.value, row.from_on <= on)
    return list(connection.scalars(select(row.team_id).where(*mine, or_(row.to_on.is_(None), row.to_on >= on))))


def stays(connection: Connection, teams: Iterable[str]) -> list[Stay]:
    """The days of all members of teams."""
    row = MembershipRow
    members = (among(connection, row.team_id, teams), row.part == Part.MEMBER.value)
    found = connection.execute(select(row.person, row.from_on, row.to_on).where(*members).order_by(row.id))
    return [Stay(person, first, last or date.max) for person, first, last in found]


def membership(connection: Connection, membership_id: str) -> KnownMembership | None:
    """One membership."""
    row = connection.execute(_MEMBERSHIPS.where(MembershipRow.id == membership_id)).first()
    return KnownMembership._make(row) if row else None


def memberships_of(connection: Connection, team_id: str, person: str) -> list[KnownMembership]:
    """Everything that somebody was or is in a team."""
    mine = (MembershipRow.team_id == team_id, MembershipRow.person == person)
    return [KnownMembership._make(row) for row in connection.execute(_MEMBERSHIPS.where(*mine))]


def add_membership(connection: Connection, one: KnownMembership) -> None:
    """Somebody joins."""
    connection.execute(insert(MembershipRow).values(**one._asdict()))


def end(connection: Connection, membership_id: str, to_on: date | None, *, version: int) -> bool:
    """A membership's next version, with another last day; False where it has another version by now."""
    mine = (MembershipRow.id == membership_id, MembershipRow.version == version)
    return connection.execute(update(MembershipRow).where(*mine).values(to_on=to_on, version=version + 1)).rowcount == 1


def memberships(
    connection: Connection, team_id: str, on: date | None, *, after: str | None, limit: int
) -> list[KnownMembership]:
    """The memberships of a team, newest first; those that hold on a day, if asked."""
    row = MembershipRow
    question = _MEMBERSHIPS.where(row.team_id == team_id)
    if on is not None:
        question = question.where(row.from_on <= on, or_(row.to_on.is_(None), row.to_on >= on))
    if after:
        question = question.where(row.id < after)
    found = connection.execute(question.order_by(row.id.desc()).limit(limit))
    return [KnownMembership._make(one) for one in found]


def within(connection: Connection, stays: Sequence[Stay], row: Any) -> ColumnElement[bool]:
    """Whether an event is one of these people's on their days. `row` is a table of events."""
    whose = case((row.direction == Direction.RECEIVED.value, row.submitted_by), else_=row.giver)
    listed: Any
    if connection.dialect.name == "postgresql":
        columns = [[stay.person for stay in stays], [stay.first for stay in stays], [stay.last for stay in stays]]
        arrays: list[Any] = [
            literal(column, ARRAY(kind)) for column, kind in zip(columns, (Text, Date, Date), strict=True)
        ]
        listed = func.unnest(*arrays).table_valued("person", "first", "last").render_derived()
        person, first, last = listed.c.person, listed.c.first, listed.c.last
    else:
        text = json.dumps([[stay.person, stay.first.isoformat(), stay.last.isoformat()] for stay in stays])
        listed = func.json_each(text).table_valued("value")
        person, first, last = (func.json_extract(listed.c.value, f"$[{place}]") for place in range(3))
    days = (
        select(literal(1)).select_from(listed).where(person == whose, first <= row.occurred_on, row.occurred_on <= last)
    )
    return and_(among(connection, whose, {stay.person for stay in stays}), days.exists())


def narrowed(
    connection: Connection, row: Any, *, own: str | None, overseen: Sequence[Stay], of_team: Sequence[Stay] | None
) -> Iterator[ColumnElement[bool]]:
    """What limits a list to somebody's own events and those they oversee, and what narrows it to a team."""
    if own is not None:
        mine = or_(row.submitted_by == own, row.giver == own)
        yield or_(mine, within(connection, overseen, row)) if overseen else mine
    if of_team is not None:
        yield within(connection, of_team, row)
