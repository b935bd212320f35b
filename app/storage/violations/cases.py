"""Cases as they are kept: as they stand now, and as they stood from each place in the order of record on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, select, update

from app.domain.audit import canonical, iso
from app.storage.database import among, insert_rows
from app.storage.tables import ViolationRow, ViolationVersionRow

OVER_DECIMALS = 4  # no currency has more


@dataclass(frozen=True, slots=True)
class KnownViolation:
    """A case as it stands. Amounts are minor units of the rule's currency, or a count.

    The days are the firm's; `closed_on` is the day since which no work is left, because it is decided or withdrawn.
    What stands last is there to be asked for: `over_scaled` is `over_by` in ten-thousandths of the unit, whatever its
    decimals, `of_limit` the aggregate in tenths of a percent of the limit (None of a limit of nothing),
    `severity_rank` 0 for the gravest, `source` where the entry came from, `days_late` from the event to its record.
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
    unit: str = "USD"
    over_scaled: int = 0
    of_limit: int | None = None
    severity_rank: int = 0
    recipient_type: str | None = None
    source: str = "api"
    days_late: int = 0
    cause_kind: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, entry and shown: as an assessment's key."""
        return (self.rule_id, self.entry_id, self.shown)

    @property
    def recorded_on(self) -> date:
        """The day on which its entry was recorded."""
        return self.occurred_on + timedelta(days=self.days_late)

    def overdue(self, today: date) -> bool:
        """Whether its review should be done by now."""
        return self.closed_on is None and self.due_on < today

    def age_days(self, today: date) -> int:
        """How many days ago it was opened, or for how many it was open."""
        return ((self.closed_on or today) - self.opened_on).days


_COLUMNS = tuple(KnownViolation.__slots__)
ALL = select(*(getattr(ViolationRow, column) for column in _COLUMNS))


def read(question: Select[tuple[object, ...]], connection: Connection) -> list[KnownViolation]:
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


def from_document(document: dict[str, Any]) -> KnownViolation:
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
    return from_document(json.loads(document)) if document else None


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
    return read(ALL.where(which).order_by(ViolationRow.id).with_for_update(key_share=True), connection)


def by_id(connection: Connection, violation_id: str) -> KnownViolation | None:
    """One case."""
    return next(iter(read(ALL.where(ViolationRow.id == violation_id), connection)), None)


def of_entries_as_known(connection: Connection, ids: Iterable[str], at: int) -> list[KnownViolation]:
    """All cases of entries as they stood at a place in the order of record."""
    cases = (as_known(connection, case.id, at) for case in of_entries(connection, ids))
    return [case for case in cases if case is not None]


def of_entries(connection: Connection, ids: Iterable[str]) -> list[KnownViolation]:
    """All cases of entries, withdrawn ones too, in the order in which they were opened."""
    return read(ALL.where(among(connection, ViolationRow.entry_id, ids)).order_by(ViolationRow.id), connection)
