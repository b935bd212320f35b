"""Entries with their versions, approvals and shares, and the answers already given to their submitters."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class EntryRow(Base):
    """One entry as it stands now; what it said before is in its versions.

    `source` is where it came from. `erased_at`: its words are gone since.
    """

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
    source: Mapped[str] = mapped_column(server_default="api")
    erased_at: Mapped[datetime | None]


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
