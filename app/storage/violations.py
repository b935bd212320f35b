"""Violations: the cases, found by what they are about and listed by what a reviewer asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Connection, Select, bindparam, insert, or_, select, tuple_, update

from app.storage.tables import ViolationRow


@dataclass(frozen=True, slots=True)
class KnownViolation:
    """A case as it stands. Amounts are minor units of the rule's currency, or a count."""

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

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, entry and shown: as an assessment's key."""
        return (self.rule_id, self.entry_id, self.shown)


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


def by_key(connection: Connection, keys: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], KnownViolation]:
    """The cases of (rule, entry, shown)."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    question = _ALL.where(tuple_(ViolationRow.rule_id, ViolationRow.entry_id, ViolationRow.shown).in_(wanted))
    return {case.key: case for case in _read(question, connection)}


def by_id(connection: Connection, violation_id: str) -> KnownViolation | None:
    """One case."""
    return next(iter(_read(_ALL.where(ViolationRow.id == violation_id), connection)), None)


def of_entries(connection: Connection, ids: Iterable[str]) -> list[KnownViolation]:
    """All cases of entries, withdrawn ones too, in the order in which they were opened."""
    return _read(_ALL.where(ViolationRow.entry_id.in_(sorted(set(ids)))).order_by(ViolationRow.id), connection)


class ViolationFilter(NamedTuple):
    """What narrows a list of violations; None or empty asks for nothing. `own` limits it to a person's own entries."""

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


def listed(
    connection: Connection, wanted: ViolationFilter, *, after: tuple[str] | None, limit: int
) -> list[KnownViolation]:
    """Violations, newest first. Constant cost per page, whatever the page."""
    question = _ALL.where(*_conditions(wanted))
    if after:
        question = question.where(ViolationRow.id < after[0])
    return _read(question.order_by(ViolationRow.id.desc()).limit(limit), connection)


def _conditions(wanted: ViolationFilter) -> Iterator[ColumnElement[bool]]:
    row = ViolationRow
    if wanted.own is not None:
        yield or_(row.submitted_by == wanted.own, row.giver == wanted.own)
    if wanted.employer_id is not None:
        yield or_(row.employer_id == wanted.employer_id, row.shown == wanted.employer_id)
    any_of = {
        row.state: wanted.state,
        row.rule_id: wanted.rule_id,
        row.severity: wanted.severity,
        row.kind: wanted.kind,
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
