"""Every table: what one line of it is in the world. Money is minor units beside its currency; moments are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.domain.audit import iso


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz on PostgreSQL, sortable ISO text on SQLite, which would drop the zone."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The column type of the engine."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses naive datetimes: nothing without a zone is ever kept."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC) if dialect.name == "postgresql" else iso(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment, in UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar = {str: Text, int: BigInteger, datetime: UtcDateTime, date: Date}


class EmployerRow(Base):
    """A firm that recipients work for. `name_key` is the name as compared, so that one firm is one row."""

    __tablename__ = "employers"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    touched_sequence: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class RecipientRow(Base):
    """A natural person who got something. `match_key` finds the person again who was first named on an entry.

    `canonical_id` is the person whom this record turned out to be, at the end of all merges; otherwise its own id.
    `place_from` is the day from which type and employer are as they stand here; before it, their history says.
    """

    __tablename__ = "recipients"
    __table_args__ = (
        Index("recipients_by_name", "name_key", "id"),
        Index("recipients_by_employer", "employer_id", "id"),
        Index("recipients_by_canonical", "canonical_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str]
    type: Mapped[str]
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))
    email: Mapped[str | None]
    match_key: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str | None]
    canonical_id: Mapped[str]
    place_from: Mapped[date | None]
    touched_sequence: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class ExternalIdRow(Base):
    """A recipient's id in another system."""

    __tablename__ = "external_ids"
    __table_args__ = (Index("external_ids_by_recipient", "recipient_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))


class AliasRow(Base):
    """Another name that a recipient goes by, or went by."""

    __tablename__ = "aliases"

    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class RecipientKeyRow(Base):
    """A key that a recipient shares with whoever may be the same person; derived from what is known of them."""

    __tablename__ = "recipient_keys"
    __table_args__ = (Index("recipient_keys_by_recipient", "recipient_id"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(primary_key=True)


class PlaceRow(Base):
    """What a recipient was from a day on: their type and the employer they worked for."""

    __tablename__ = "places"

    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"), primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    type: Mapped[str]
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))


class MergeRow(Base):
    """Two records found to be one person: `drop_id` is shown under `keep_id` until the merge is undone."""

    __tablename__ = "merges"
    __table_args__ = (
        Index("merges_by_keep", "keep_id"),
        Index(
            "merges_one_per_drop",
            "drop_id",
            unique=True,
            postgresql_where=text("known_until IS NULL"),
            sqlite_where=text("known_until IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    keep_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    drop_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    reason: Mapped[str]
    merged_by: Mapped[str]
    merged_at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]
    undone_reason: Mapped[str | None]
    known_from: Mapped[int]
    known_until: Mapped[int | None]


class DistinctionRow(Base):
    """Two recipients who look alike and are not the same person, as somebody found out. The lower id stands first."""

    __tablename__ = "distinctions"
    __table_args__ = (
        Index("distinctions_by_other", "other_id"),
        Index(
            "distinctions_one_per_pair",
            "one_id",
            "other_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    one_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    other_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None]


class EntryRow(Base):
    """One entry as it stands now; what it said before is in its versions."""

    __tablename__ = "entries"
    __table_args__ = (
        Index("entries_by_day", "occurred_on", "id"),
        Index("entries_by_giver", "giver", "occurred_on", "id"),
        Index("entries_by_submitter", "submitted_by", "occurred_on", "id"),
        CheckConstraint("total_minor > 0", name="entries_total_is_positive"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    sequence: Mapped[int]
    occurred_on: Mapped[date]
    kind: Mapped[str]
    direction: Mapped[str]
    giver: Mapped[str]
    total_minor: Mapped[int]
    currency: Mapped[str]
    standing: Mapped[str]
    submitted_by: Mapped[str]
    recorded_at: Mapped[datetime]


class EntryVersionRow(Base):
    """One version of an entry, whole, as canonical JSON, with who said so and why."""

    __tablename__ = "entry_versions"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    known_from: Mapped[int]


class ApprovalRow(Base):
    """A reviewer's approval of one version of an entry; it falls when the entry goes on to another version."""

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("entry_id", "entry_version", name="approvals_one_per_version"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    entry_version: Mapped[int]
    approved_by: Mapped[str]
    approved_at: Mapped[datetime]
    note: Mapped[str]
    fell_at: Mapped[datetime | None]


class ShareRow(Base):
    """One listed person's part of one version of an entry. `client_id` is whose guest they were, or they themselves.

    Both are as named at the time, whatever was merged since and whatever a policy makes of guests; `employer_id` is
    where they worked that day, `client_employer_id` where a client did who was not there. The parts and the hosts' part
    add back to the entry's total.
    """

    __tablename__ = "shares"
    __table_args__ = (
        Index("shares_by_client", "client_id", "entry_id"),
        Index("shares_by_recipient", "recipient_id", "entry_id"),
        Index("shares_by_employer", "employer_id", "entry_id"),
        Index(
            "shares_by_client_employer",
            "client_employer_id",
            "entry_id",
            postgresql_where=text("client_employer_id IS NOT NULL"),
            sqlite_where=text("client_employer_id IS NOT NULL"),
        ),
        CheckConstraint("amount_minor >= 0", name="shares_amount_is_not_negative"),
    )

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    entry_version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    client_id: Mapped[str]
    employer_id: Mapped[str | None]
    client_employer_id: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str]


_CURRENT = text("known_until IS NULL")


class AssessmentRow(Base):
    """The answer for one rule, entry and recipient (or employer), known from one moment until the next took its place.

    Never overwritten: a new answer closes `known_until` of the old one and says its cause.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        Index(
            "assessments_current_by_subject",
            "subject",
            "rule_id",
            "occurred_on",
            "counted",
            postgresql_where=_CURRENT,
            sqlite_where=_CURRENT,
        ),
    )

    entry_id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str] = mapped_column(primary_key=True)
    known_from: Mapped[int] = mapped_column(primary_key=True)
    known_until: Mapped[int | None]
    subject: Mapped[str]
    policy_id: Mapped[str]
    occurred_on: Mapped[date]
    sequence: Mapped[int]
    counted: Mapped[int]
    aggregate: Mapped[int]
    limit_value: Mapped[int]
    outcome: Mapped[str]
    exclusion: Mapped[str | None]
    forbidden: Mapped[int]
    period_start: Mapped[date]
    period_end: Mapped[date]
    cause: Mapped[str | None]


class ViolationRow(Base):
    """The case opened for a violating assessment; it outlives the assessment and is never deleted.

    Outcome, reason and action stand here while it is decided. `disposition_id` is the decision that stands, or that
    waits for a second person; a withdrawn case keeps it for when its ground comes back.
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


_STANDING = text("fell_at IS NULL")


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


class PolicyRow(Base):
    """One version of the firm's policy: a draft until a second person publishes it, then fixed for good."""

    __tablename__ = "policies"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str]
    state: Mapped[str]
    effective_from: Mapped[date | None]
    document: Mapped[str]
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    known_from: Mapped[int | None]
    changes: Mapped[str | None]


class PublicationChangeRow(Base):
    """One result that a publication changed: before and after as canonical JSON, null where there is none."""

    __tablename__ = "publication_changes"

    policy_id: Mapped[str] = mapped_column(ForeignKey("policies.id"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str | None]
    after: Mapped[str | None]


class OperationRow(Base):
    """Long work that somebody asked for: how it stands and what came of it."""

    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    result: Mapped[str | None]
    error: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class PolicyEpochRow(Base):
    """One line: a number that grows with every publication. Writers hold it shared, a publication alone."""

    __tablename__ = "policy_epoch"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]


class ApiKeyRow(Base):
    """A key of a person or system. Only a digest of its secret is kept.

    `waiver_minor` is what its holder may waive without a second person; nothing, where it is 0.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    role: Mapped[str]
    person: Mapped[str]
    email: Mapped[str | None]
    waiver_minor: Mapped[int]
    waiver_currency: Mapped[str]
    secret_digest: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotencyKeyRow(Base):
    """A request that was carried out, under the key its caller chose, with the answer that every repetition gets."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[datetime]


class SubscriptionRow(Base):
    """Somebody outside who is told what happens: where, of which events (a JSON list of patterns), and how much.

    `position` is the place in the log up to which messages were made for it, so that the log is the outbox.
    `failing_since` is the first failure after the last success; `paused_until`, what the receiver asked for.
    """

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[str]
    payload: Mapped[str]
    state: Mapped[str]
    position: Mapped[int]
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SubscriptionSecretRow(Base):
    """A secret that a subscription's messages are signed with until it expires; sealed, never readable here."""

    __tablename__ = "subscription_secrets"
    __table_args__ = (Index("subscription_secrets_by_subscription", "subscription_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ReplayRow(Base):
    """What is told a second time: one delivery, or everything from a moment on; `position` is how far that has got."""

    __tablename__ = "replays"
    __table_args__ = (
        Index(
            "replays_unfinished",
            "subscription_id",
            "id",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    delivery_id: Mapped[str | None]
    since: Mapped[datetime | None]
    position: Mapped[int]
    until_position: Mapped[int]
    made: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """One message on its way to one subscription: the exact bytes, how often it was tried and when it is tried next.

    `message_id` comes from the audit record, so it is the same in every attempt and every replay. `position` is null
    for a test. Whoever sends it holds the `lease` until `leased_until`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_by_subscription", "subscription_id", "id"),
        Index("deliveries_by_state", "subscription_id", "state", "id"),
        Index("deliveries_by_event", "subscription_id", "event", "id"),
        Index(
            "deliveries_due",
            "subscription_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index(
            "deliveries_once_per_message",
            "subscription_id",
            "message_id",
            unique=True,
            postgresql_where=text("replay_id IS NULL"),
            sqlite_where=text("replay_id IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    message_id: Mapped[str]
    position: Mapped[int | None]
    event: Mapped[str]
    entity_id: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    replay_id: Mapped[str | None] = mapped_column(ForeignKey("replays.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DeliveryAttemptRow(Base):
    """One attempt at a delivery: the status it was answered with, or a word for why there was no answer."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index("delivery_attempts_by_delivery", "delivery_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]


class DigestRow(Base):
    """The digest of one person for one day: sent, with nothing to say, or still to be sent."""

    __tablename__ = "digests"

    person: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    position: Mapped[int]


class AuditRecordRow(Base):
    """One state change: the exact bytes that were hashed, at their place in the log."""

    __tablename__ = "audit_records"
    __table_args__ = (
        UniqueConstraint("entity_id", "entity_version", name="audit_records_contiguous"),
        CheckConstraint("position >= 0", name="audit_records_position_is_not_negative"),
    )

    log_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    entity_version: Mapped[int]
    action: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[str]
    leaf: Mapped[str]


class AuditHeadRow(Base):
    """The log's size and Merkle frontier (hex digests, largest subtree first), locked last in every transaction."""

    __tablename__ = "audit_heads"

    log_id: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    frontier: Mapped[str]
