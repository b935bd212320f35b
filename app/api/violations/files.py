"""Violations as a file: one row a case, or the documents of the list as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from app.api.entries.writing import rule_in, shown_as, violation_out
from app.domain.policies import PolicyBook
from app.services.sheets import Amount, Column, Format, Kind, Row, Sheet, lines, written
from app.services.violations import KnownViolation

SHEET = Sheet(
    "violations",
    (
        Column("id", heading="Violation"),
        Column("version", Kind.INTEGER),
        Column("state"),
        Column("severity"),
        Column("due_on", Kind.DATE, "Due"),
        Column("overdue"),
        Column("age_days", Kind.INTEGER),
        Column("rule_id"),
        Column("rule"),
        Column("policy_id", heading="Policy version"),
        Column("giver"),
        Column("submitted_by"),
        Column("recipient_id", heading="Recipient"),
        Column("recipient_type"),
        Column("employer_id", heading="Employer"),
        Column("direction"),
        Column("kind"),
        Column("occurred_on", Kind.DATE, "Date of the event"),
        Column("days_late", Kind.INTEGER, "Days from event to record"),
        Column("counted", Kind.MONEY),
        Column("aggregate", Kind.MONEY, "Running total"),
        Column("limit", Kind.MONEY),
        Column("over_by", Kind.MONEY),
        Column("percent_of_limit", Kind.PERCENT),
        Column("entry_id", heading="Entry"),
        Column("source"),
        Column("cause"),
        Column("cause_kind"),
        Column("opened_at", Kind.MOMENT, "Opened"),
        Column("changed_at", Kind.MOMENT, "Changed"),
        Column("closed_on", Kind.DATE, "Closed"),
        Column("assignee"),
        Column("snoozed_until", Kind.DATE),
        Column("outcome"),
        Column("reason_code"),
        Column("corrective_action"),
        Column("decided_by"),
        Column("confirmed_by"),
    ),
)


def violations_file(book: PolicyBook, found: Iterable[KnownViolation], today: date, form: Format) -> Iterator[bytes]:
    """The file of cases as they stand on a day, piece by piece."""
    if form is Format.JSONL:
        return lines(violation_out(book, case, today) for case in found)
    return written(SHEET, (_row(book, case, today) for case in found), form)


def _row(book: PolicyBook, case: KnownViolation, today: date) -> Row:
    exponent = rule_in(book, case.policy_id, case.rule_id).exponent
    shown = shown_as(case.shown)
    return (
        case.id,
        case.version,
        case.state,
        case.severity,
        case.due_on,
        "yes" if case.overdue(today) else "no",
        case.age_days(today),
        case.rule_id,
        rule_in(book, case.policy_id, case.rule_id).name,
        case.policy_id,
        case.giver,
        case.submitted_by,
        shown.get("recipient_id"),
        case.recipient_type,
        shown.get("employer_id", case.employer_id),
        case.direction,
        case.kind,
        case.occurred_on,
        case.days_late,
        *(
            Amount(minor, exponent, case.unit)
            for minor in (case.counted, case.aggregate, case.limit_value, case.over_by)
        ),
        None if case.of_limit is None else Decimal(case.of_limit).scaleb(-1),
        case.entry_id,
        case.source,
        case.cause,
        case.cause_kind,
        case.opened_at,
        case.changed_at,
        case.closed_on,
        case.assignee,
        case.snoozed_until,
        case.outcome,
        case.reason_code,
        case.corrective_action,
        case.decided_by,
        case.confirmed_by,
    )
