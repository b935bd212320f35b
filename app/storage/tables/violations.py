"""Violations, and what reviewers did about them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base

_STANDING = text("fell_at IS NULL")


def _of_some(name: str, column: str) -> Index:
    """An index of those rows that have something in a column, which most do not."""
    having = text(f"{column} IS NOT NULL")
    return Index(name, column, "id", postgresql_where=having, sqlite_where=having)


class ViolationRow(Base):
    """The case opened for a violating assessment; it outlives the assessment and is never deleted.

    What stands last is derived, there to be asked for. Outcome, reason and action stand here while it is decided.
    `disposition_id` is the decision that stands, or that waits for a second person; a withdrawn case keeps it for when
    its ground comes back.
    """

    __tablename__ = "violations"
    __table_args__ = (
        UniqueConstraint("entry_id", "rule_id", "shown", name="violations_one_per_result"),
        Index("violations_by_state", "state", "id"),
        Index("violations_by_day", "occurred_on", "id"),
        Index("violations_by_rule", "rule_id", "id"),
        Index("violations_by_shown", "shown", "id"),
        Index("violations_by_giver", "giver", "id"),
        Index("violations_by_submitter", "submitted_by", "id"),
        Index("violations_by_due", "due_on", "id"),
        Index("violations_by_assignee", "assignee", "id"),
        Index("violations_by_severity", "severity_rank", "id"),
        Index("violations_by_amount_over", "over_scaled", "id"),
        Index("violations_by_employer", "employer_id", "id"),
        Index("violations_by_policy", "policy_id", "id"),
        Index("violations_by_kind", "kind", "id"),
        Index("violations_by_source", "source", "id"),
        Index("violations_by_recipient_type", "recipient_type", "id"),
        Index("violations_by_opened", "opened_on", "id"),
        Index("violations_by_of_limit", "of_limit", "id"),
        Index("violations_by_days_late", "days_late", "id"),
        _of_some("violations_by_cause", "cause"),
        _of_some("violations_by_cause_kind", "cause_kind"),
        _of_some("violations_by_snoozed", "snoozed_until"),
        _of_some("violations_by_outcome", "outcome"),
        _of_some("violations_by_reason", "reason_code"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[str]
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    rule_id: Mapped[str]
    shown: Mapped[str]
    subject: Mapped[str]
    policy_id: Mapped[str]
    severity: Mapped[str]
    occurred_on: Mapped[date]
    giver: Mapped[str]
    submitted_by: Mapped[str]
    direction: Mapped[str]
    kind: Mapped[str]
    employer_id: Mapped[str | None]
    counted: Mapped[int]
    aggregate: Mapped[int]
    limit_value: Mapped[int]
    over_by: Mapped[int]
    cause: Mapped[str | None]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    opened_on: Mapped[date]
    due_on: Mapped[date]
    closed_on: Mapped[date | None]
    assignee: Mapped[str | None]
    snoozed_until: Mapped[date | None]
    outcome: Mapped[str | None]
    reason_code: Mapped[str | None]
    corrective_action: Mapped[str | None]
    decided_by: Mapped[str | None]
    confirmed_by: Mapped[str | None]
    disposition_id: Mapped[str | None]
    unit: Mapped[str] = mapped_column(server_default="USD")
    over_scaled: Mapped[int] = mapped_column(server_default="0")
    of_limit: Mapped[int | None]
    severity_rank: Mapped[int] = mapped_column(server_default="0")
    recipient_type: Mapped[str | None]
    source: Mapped[str] = mapped_column(server_default="api")
    days_late: Mapped[int] = mapped_column(server_default="0")
    cause_kind: Mapped[str | None]


class ViolationVersionRow(Base):
    """A case as it stood from a place in the order of record on, whole, as canonical JSON."""

    __tablename__ = "violation_versions"
    __table_args__ = (Index("violation_versions_by_known", "violation_id", "known_from"),)

    violation_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    known_from: Mapped[int]
    document: Mapped[str]


class ViolationLinkRow(Base):
    """Two cases that belong together, as a reviewer said. The lower id stands first."""

    __tablename__ = "violation_links"
    __table_args__ = (Index("violation_links_by_other", "other_id"),)

    one_id: Mapped[str] = mapped_column(ForeignKey("violations.id"), primary_key=True)
    other_id: Mapped[str] = mapped_column(ForeignKey("violations.id"), primary_key=True)
    note: Mapped[str]
    linked_by: Mapped[str]
    linked_at: Mapped[datetime]


class QuestionRow(Base):
    """A reviewer's question to whoever gave or submitted the entry of a case, and the answer."""

    __tablename__ = "questions"
    __table_args__ = (Index("questions_by_violation", "violation_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[str] = mapped_column(ForeignKey("violations.id"))
    text: Mapped[str]
    due_on: Mapped[date]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class ExemptionRow(Base):
    """A document that exempts results under some rules on some days; the lists are canonical JSON, empty for all."""

    __tablename__ = "exemptions"
    __table_args__ = (
        UniqueConstraint("issued_by", "number", name="exemptions_one_per_number"),
        CheckConstraint("effective_from <= effective_to", name="exemptions_end_after_they_begin"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str]
    issued_by: Mapped[str]
    rule_ids: Mapped[str]
    recipient_ids: Mapped[str]
    employer_ids: Mapped[str]
    effective_from: Mapped[date]
    effective_to: Mapped[date]
    document_ref: Mapped[str]
    note: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class DispositionRow(Base):
    """How a case was decided, with the sums it was decided on; one stands at a time, the others fell.

    A waiver above the officer's own amount is complete when another person confirms it: nobody is both, and what a
    regulator made is never waived.
    """

    __tablename__ = "dispositions"
    __table_args__ = (
        Index(
            "dispositions_one_standing",
            "violation_id",
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
        Index("dispositions_by_violation", "violation_id", "id"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> decided_by", name="dispositions_four_eyes"),
        CheckConstraint("outcome <> 'waived' OR authority = 'firm'", name="dispositions_no_regulator_waived"),
        CheckConstraint("outcome <> 'duplicate' OR duplicate_of IS NOT NULL", name="dispositions_duplicate_of_one"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[str] = mapped_column(ForeignKey("violations.id"))
    outcome: Mapped[str]
    reason_code: Mapped[str]
    corrective_action: Mapped[str]
    note: Mapped[str]
    duplicate_of: Mapped[str | None] = mapped_column(ForeignKey("violations.id"))
    exemption_id: Mapped[str | None] = mapped_column(ForeignKey("exemptions.id"))
    authority: Mapped[str]
    policy_id: Mapped[str]
    giver: Mapped[str]
    counted: Mapped[int]
    aggregate: Mapped[int]
    limit_value: Mapped[int]
    needs_second_person: Mapped[int]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    confirmation_note: Mapped[str | None]
    fell_at: Mapped[datetime | None]
    fell_because: Mapped[str | None]
