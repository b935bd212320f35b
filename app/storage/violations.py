"""Violations: the cases, found by what they are about and listed by what a reviewer asks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, insert, not_, or_, select, update
from sqlalchemy.orm import aliased

from app.domain.audit import canonical, iso
from app.domain.teams import Stay, covered
from app.storage import teams
from app.storage.database import among, insert_rows
from app.storage.tables import ViolationRow, ViolationVersionRow

NOBODY = "none"


@dataclass(frozen=True, slots=True)
class KnownViolation:
    """A case as it stands. Amounts are minor units of the rule's currency, or a count.

    The days are the firm's; `closed_on` is the day since which no work is left, because it is decided or withdrawn.
    """

    id: str
    version: int
    state: str
    entry_id: str
    rule_id: str
    shown: str
    subject: str
    policy_id: str
    severity: str
    occurred_on: date
    giver: str
    submitted_by: str
    direction: str
    kind: str
    employer_id: str | None
    counted: int
    aggregate: int
    limit_value: int
    over_by: int
    cause: str | None
    opened_at: datetime
    changed_at: datetime
    opened_on: date
    due_on: date
    closed_on: date | None = None
    assignee: str | None = None
    snoozed_until: date | None = None
    outcome: str | None = None
    reason_code: str | None = None
    corrective_action: str | None = None
    decided_by: str | None = None
    confirmed_by: str | None = None
    disposition_id: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, entry and shown: as an assessment's key."""
        return (self.rule_id, self.entry_id, self.shown)

    def overdue(self, today: date) -> bool:
        """Whether its review should be done by now."""
        return self.closed_on is None and self.due_on < today

    def age_days(self, today: date) -> int:
        """How many days ago it was opened, or for how many it was open."""
        return ((self.closed_on or today) - self.opened_on).days


class ViolationFilter(NamedTuple):
    """What narrows a list of violations; None or empty asks for nothing.

    `own` limits it to a person's own entries and to those they have `overseen`; `of_team` are the days of the team
    asked for by `team_id`.

    `assignee` NOBODY asks for cases without one. `overdue` and `snoozed` are meant as of `today`.
    """

    own: str | None = None
    state: tuple[str, ...] = ()
    rule_id: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    direction: str | None = None
    kind: tuple[str, ...] = ()
    giver: str | None = None
    recipient_id: str | None = None
    employer_id: str | None = None
    entry_id: str | None = None
    occurred_from: date | None = None
    occurred_to: date | None = None
    over_at_least: int | None = None
    outcome: tuple[str, ...] = ()
    reason_code: tuple[str, ...] = ()
    assignee: str | None = None
    due_to: date | None = None
    overdue: bool | None = None
    snoozed: bool | None = None
    today: date = date.min
    overseen: tuple[Stay, ...] = ()
    team_id: str | None = None
    of_team: tuple[Stay, ...] | None = None

    def matches(self, case: KnownViolation) -> bool:
        """Whether a case is one of those asked for."""
        any_of = ((self.state, case.state), (self.rule_id, case.rule_id), (self.severity, case.severity))
        just = (
            (self.direction, case.direction),
            (self.giver, case.giver),
            (self.recipient_id, case.shown),
            (self.entry_id, case.entry_id),
        )
        return (
            self._is_of(case)
            and all(not values or value in values for values, value in (*any_of, (self.kind, case.kind)))
            and all(wanted in (None, value) for wanted, value in just)
            and self.employer_id in (None, case.employer_id, case.shown)
            and (self.occurred_from or date.min) <= case.occurred_on <= (self.occurred_to or date.max)
            and (self.over_at_least is None or case.over_by >= self.over_at_least)
            and self._matches_review(case)
        )

    def _is_of(self, case: KnownViolation) -> bool:
        about: Any = {"direction": case.direction, "giver": case.giver, "submitted_by": case.submitted_by}
        mine = self.own in (None, case.submitted_by, case.giver)
        return (mine or covered(self.overseen, **about, occurred_on=case.occurred_on)) and (
            self.of_team is None or covered(self.of_team, **about, occurred_on=case.occurred_on)
        )

    def _matches_review(self, case: KnownViolation) -> bool:
        snoozed = case.snoozed_until is not None and case.snoozed_until > self.today
        return (
            (not self.outcome or case.outcome in self.outcome)
            and (not self.reason_code or case.reason_code in self.reason_code)
            and (self.assignee is None or (case.assignee or NOBODY) == self.assignee)
            and case.due_on <= (self.due_to or date.max)
            and self.overdue in (None, case.overdue(self.today))
            and self.snoozed in (None, snoozed)
        )


_COLUMNS = tuple(KnownViolation.__slots__)
_ALL = select(*(getattr(ViolationRow, column) for column in _COLUMNS))


def _read(question: Select[tuple[object, ...]], connection: Connection) -> list[KnownViolation]:
    return [KnownViolation(*values) for values in cast("list[tuple[Any, ...]]", connection.execute(question).all())]


def add(connection: Connection, cases: Sequence[KnownViolation]) -> None:
    """New cases."""
    if cases:
        connection.execute(
            insert(ViolationRow), [{column: getattr(case, column) for column in _COLUMNS} for case in cases]
        )


def change(connection: Connection, cases: Sequence[KnownViolation]) -> None:
    """Cases as they stand after a change; the caller holds the lock on their subjects."""
    if cases:
        changed: dict[str, Any] = {column: bindparam(f"to_{column}") for column in _COLUMNS if column != "id"}
        statement = update(ViolationRow).where(ViolationRow.id == bindparam("of_id")).values(changed)
        connection.execute(
            statement,
            [{"of_id": case.id} | {f"to_{column}": getattr(case, column) for column in changed} for case in cases],
        )


def swap(connection: Connection, case: KnownViolation) -> bool:
    """One case as it stands after a change by a person; False where it no longer has the version before."""
    changed = {column: getattr(case, column) for column in _COLUMNS if column != "id"}
    done = connection.execute(
        update(ViolationRow).where(ViolationRow.id == case.id, ViolationRow.version == case.version - 1).values(changed)
    )
    return done.rowcount == 1


def last_known(connection: Connection, violation_id: str) -> int:
    """The last place in the order of record that a case has."""
    row = ViolationVersionRow
    found = connection.scalar(select(func.max(row.known_from)).where(row.violation_id == violation_id))
    return int(found or 0)


def remember(connection: Connection, cases: Iterable[tuple[KnownViolation, int]]) -> None:
    """Keeps how cases stand from places in the order of record on, for whoever asks later what was known then."""
    insert_rows(
        connection,
        ViolationVersionRow,
        ("violation_id", "version", "known_from", "document"),
        [(case.id, case.version, known_from, canonical(_document(case))) for case, known_from in cases],
    )


_DAYS = ("occurred_on", "opened_on", "due_on", "closed_on", "snoozed_until")
_MOMENTS = ("opened_at", "changed_at")


def _document(case: KnownViolation) -> dict[str, object]:
    return {column: _written(getattr(case, column)) for column in _COLUMNS}


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value


def _from_document(document: dict[str, Any]) -> KnownViolation:
    days = {name: date.fromisoformat(document[name]) for name in _DAYS if document[name]}
    moments = {name: datetime.fromisoformat(document[name]) for name in _MOMENTS}
    return KnownViolation(**(document | days | moments))


def as_known(connection: Connection, violation_id: str, at: int) -> KnownViolation | None:
    """A case as it stood at a place in the order of record; None where it was not open yet."""
    row = ViolationVersionRow
    document = connection.scalar(
        select(row.document)
        .where(row.violation_id == violation_id, row.known_from <= at)
        .order_by(row.version.desc())
        .limit(1)
    )
    return _from_document(json.loads(document)) if document else None


def all_as_known(
    connection: Connection, wanted: ViolationFilter, at: int, *, after: tuple[str] | None, limit: int
) -> list[KnownViolation]:
    """Violations as they stood at a place in the order of record, newest first."""
    row, later = ViolationVersionRow, aliased(ViolationVersionRow)
    superseded = select(later.version).where(
        later.violation_id == row.violation_id, later.version > row.version, later.known_from <= at
    )
    question = select(row.violation_id, row.document).where(row.known_from <= at, ~superseded.exists())
    if after:
        question = question.where(row.violation_id < after[0])
    found: list[KnownViolation] = []
    for _, document in connection.execute(question.order_by(row.violation_id.desc())):
        case = _from_document(json.loads(document))
        if wanted.matches(case):
            found.append(case)
        if len(found) == limit:
            break
    return found


def by_key(connection: Connection, keys: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], KnownViolation]:
    """The cases of (rule, entry, shown), held until the transaction ends, so that nobody acts on them meanwhile."""
    wanted = set(keys)
    if not wanted:
        return {}
    found = _held(connection, among(connection, ViolationRow.entry_id, {entry_id for _, entry_id, _ in wanted}))
    return {case.key: case for case in found if case.key in wanted}


def held(connection: Connection, entry_ids: Iterable[str]) -> list[KnownViolation]:
    """All cases of entries, held until the transaction ends."""
    return _held(connection, among(connection, ViolationRow.entry_id, entry_ids))


def _held(connection: Connection, which: ColumnElement[bool]) -> list[KnownViolation]:
    return _read(_ALL.where(which).order_by(ViolationRow.id).with_for_update(key_share=True), connection)


def by_id(connection: Connection, violation_id: str) -> KnownViolation | None:
    """One case."""
    return next(iter(_read(_ALL.where(ViolationRow.id == violation_id), connection)), None)


def of_entries_as_known(connection: Connection, ids: Iterable[str], at: int) -> list[KnownViolation]:
    """All cases of entries as they stood at a place in the order of record."""
    cases = (as_known(connection, case.id, at) for case in of_entries(connection, ids))
    return [case for case in cases if case is not None]


def of_entries(connection: Connection, ids: Iterable[str]) -> list[KnownViolation]:
    """All cases of entries, withdrawn ones too, in the order in which they were opened."""
    return _read(_ALL.where(among(connection, ViolationRow.entry_id, ids)).order_by(ViolationRow.id), connection)


def listed(
    connection: Connection, wanted: ViolationFilter, *, after: tuple[str] | None, limit: int
) -> list[KnownViolation]:
    """Violations, newest first. Constant cost per page, whatever the page."""
    question = _ALL.where(
        *teams.narrowed(connection, ViolationRow, own=wanted.own, overseen=wanted.overseen, of_team=wanted.of_team),
        *_conditions(wanted),
    )
    if after:
        question = question.where(ViolationRow.id < after[0])
    return _read(question.order_by(ViolationRow.id.desc()).limit(limit), connection)


def _conditions(wanted: ViolationFilter) -> Iterator[ColumnElement[bool]]:
    row = ViolationRow
    if wanted.employer_id is not None:
        yield or_(row.employer_id == wanted.employer_id, row.shown == wanted.employer_id)
    any_of = {
        row.state: wanted.state,
        row.rule_id: wanted.rule_id,
        row.severity: wanted.severity,
        row.kind: wanted.kind,
        row.outcome: wanted.outcome,
        row.reason_code: wanted.reason_code,
    }
    yield from (column.in_(values) for column, values in any_of.items() if values)
    just = {
        row.direction: wanted.direction,
        row.giver: wanted.giver,
        row.shown: wanted.recipient_id,
        row.entry_id: wanted.entry_id,
    }
    yield from (column == value for column, value in just.items() if value is not None)
    if wanted.occurred_from:
        yield row.occurred_on >= wanted.occurred_from
    if wanted.occurred_to:
        yield row.occurred_on <= wanted.occurred_to
    if wanted.over_at_least is not None:
        yield row.over_by >= wanted.over_at_least
    yield from _of_review(wanted)


def _of_review(wanted: ViolationFilter) -> Iterator[ColumnElement[bool]]:
    row = ViolationRow
    overdue = and_(row.closed_on.is_(None), row.due_on < wanted.today)
    snoozed = and_(row.snoozed_until.is_not(None), row.snoozed_until > wanted.today)
    if wanted.assignee is not None:
        yield row.assignee.is_(None) if wanted.assignee == NOBODY else row.assignee == wanted.assignee
    if wanted.due_to:
        yield row.due_on <= wanted.due_to
    for asked, holds in ((wanted.overdue, overdue), (wanted.snoozed, snoozed)):
        if asked is not None:
            yield holds if asked else not_(holds)
