"""Cases and decisions read for reports, some at a time, as they stand or as they stood at a place of record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Connection, String, cast, func, or_, select
from sqlalchemy.orm import aliased

from app.storage.database import among
from app.storage.tables import AssessmentRow, DispositionRow, ViolationRow, ViolationVersionRow

_AT_ONCE = 500


class ReportedCase(NamedTuple):
    """What reports say of a case. Amounts are minor units of the rule's currency, or a count; days are the firm's."""

    id: str
    state: str
    entry_id: str
    rule_id: str
    severity: str
    policy_id: str
    opened_on: date
    closed_on: date | None
    outcome: str | None


def cases(connection: Connection, *, first: date, last: date, at: int | None = None) -> Iterator[ReportedCase]:
    """Cases that were opened between two days, both included, in the order in which they were."""
    row = ViolationRow
    if at is None:
        now = select(*(getattr(row, column) for column in ReportedCase._fields))
        found = now.where(row.opened_on >= first, row.opened_on <= last).order_by(row.opened_on, row.id)
        yield from map(ReportedCase._make, connection.execute(found, execution_options={"yield_per": _AT_ONCE}))
        return
    version, later = ViolationVersionRow, aliased(ViolationVersionRow)
    superseded = select(later.version).where(
        later.violation_id == version.violation_id, later.version > version.version, later.known_from <= at
    )
    day = _opened_on(connection)
    then = (
        select(version.document)
        .where(version.known_from <= at, ~superseded.exists())
        .where(day >= first.isoformat(), day <= last.isoformat())
        .order_by(day, version.violation_id)
    )
    for document in connection.scalars(then, execution_options={"yield_per": _AT_ONCE}):
        yield _case(json.loads(document))


def _opened_on(connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "postgresql":
        day: ColumnElement[Any] = cast(ViolationVersionRow.document, JSON)["opened_on"].as_string()
        return day
    return func.json_extract(ViolationVersionRow.document, "$.opened_on", type_=String)


def _case(document: dict[str, Any]) -> ReportedCase:
    said = {name: document[name] for name in ReportedCase._fields}
    said["opened_on"] = date.fromisoformat(said["opened_on"])
    said["closed_on"] = date.fromisoformat(said["closed_on"]) if said["closed_on"] else None
    return ReportedCase(**said)


class ReportedDecision(NamedTuple):
    """A decision that took effect at `taken_at`: when the second person agreed, where one was needed."""

    id: str
    violation_id: str
    entry_id: str
    rule_id: str
    severity: str
    policy_id: str
    giver: str
    outcome: str
    reason_code: str
    corrective_action: str
    note: str
    counted: int
    aggregate: int
    limit_value: int
    opened_on: date
    due_on: date
    decided_by: str
    decided_at: datetime
    confirmed_by: str | None
    taken_at: datetime
    fell_at: datetime | None
    fell_because: str | None


def decisions(
    connection: Connection, *, since: datetime, until: datetime, known: datetime | None = None
) -> Iterator[ReportedDecision]:
    """Decisions that took effect from one moment until before another, in that order, as far as `known`."""
    row, case = DispositionRow, ViolationRow
    taken = func.coalesce(row.confirmed_at, row.decided_at)
    question = (
        select(
            row.id, row.violation_id, case.entry_id, case.rule_id, case.severity, row.policy_id, row.giver, row.outcome,
            row.reason_code, row.corrective_action, row.note, row.counted, row.aggregate, row.limit_value,
            case.opened_on, case.due_on, row.decided_by, row.decided_at, row.confirmed_by, taken,
            row.fell_at, row.fell_because,
        )
        .select_from(row)
        .join(case, case.id == row.violation_id)
        .where(taken >= since, taken < until, or_(row.needs_second_person == 0, row.confirmed_at.is_not(None)))
        .order_by(taken, row.id)
    )  # fmt: skip
    if known is not None:
        question = question.where(taken <= known)
    for part in connection.execute(question, execution_options={"yield_per": _AT_ONCE}).partitions():
        found = [ReportedDecision._make(one) for one in part]
        days = _days_when_decided(connection, {one.violation_id for one in found})
        for one in found:
            opened_on, due_on = days.get(one.id, (one.opened_on, one.due_on))
            decision = one._replace(opened_on=opened_on, due_on=due_on)
            fell = one.fell_at is not None and (known is None or one.fell_at <= known)
            yield decision if fell else decision._replace(fell_at=None, fell_because=None)


def _days_when_decided(connection: Connection, violation_ids: set[str]) -> dict[str, tuple[date, date]]:
    """When the case of each decision was opened and due as it was decided: one that is reopened has other days."""
    row = ViolationVersionRow
    documents = connection.scalars(
        select(row.document)
        .where(among(connection, row.violation_id, violation_ids))
        .order_by(row.violation_id, row.version)
    )
    days: dict[str, tuple[date, date]] = {}
    for document in map(json.loads, documents):
        if document["disposition_id"]:
            said = (date.fromisoformat(document["opened_on"]), date.fromisoformat(document["due_on"]))
            days.setdefault(document["disposition_id"], said)
    return days


def overturned(
    connection: Connection, *, since: datetime, until: datetime, known: datetime | None = None
) -> dict[str, int]:
    """How many decisions fell that had taken effect, from one moment until before another, by rule."""
    row, case = DispositionRow, ViolationRow
    question = (
        select(case.rule_id, func.count())
        .select_from(row)
        .join(case, case.id == row.violation_id)
        .where(row.fell_at >= since, row.fell_at < until)
        .where(or_(row.needs_second_person == 0, row.confirmed_at.is_not(None)))
        .group_by(case.rule_id)
    )
    if known is not None:
        question = question.where(row.fell_at <= known)
    return {row[0]: row[1] for row in connection.execute(question)}


class NearLimit(NamedTuple):
    """One answer near or over its limit; amounts in minor units of the rule's currency, or a count."""

    rule_id: str
    subject: str
    shown: str
    entry_id: str
    policy_id: str
    occurred_on: date
    aggregate: int
    limit_value: int
    period_start: date
    period_end: date


def near_limits(
    connection: Connection, *, first: date, last: date, at_least_percent: int, at: int | None = None
) -> Iterator[NearLimit]:
    """Answers on entries between two days that reach a share of their limit; those of one subject follow each other."""
    row = AssessmentRow
    known = (
        row.known_until.is_(None)
        if at is None
        else (row.known_from <= at) & or_(row.known_until.is_(None), row.known_until > at)
    )
    question = (
        select(*(getattr(row, column) for column in NearLimit._fields))
        .where(known, row.occurred_on >= first, row.occurred_on <= last, row.limit_value > 0, row.counted > 0)
        .where(row.aggregate * 100 >= row.limit_value * at_least_percent)
        .order_by(row.rule_id, row.subject, row.shown, row.occurred_on, row.sequence, row.entry_id)
    )
    yield from map(NearLimit._make, connection.execute(question, execution_options={"yield_per": _AT_ONCE}))
