"""Imports: files of expenses, their lines, and what each expense of another system became here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ImportRow(Base):
    """One file that was handed in: how it is read, what it is for, and how far it has come.

    `checked` and `applied` count lines that were looked at in the dry run and that were carried out; `summary` is
    canonical JSON of what came of them.
    """

    __tablename__ = "imports"
    __table_args__ = (
        UniqueConstraint("created_by_key", "idempotency_key", name="imports_one_per_key"),
        Index("imports_by_creator", "created_by", "id"),
        Index("imports_by_state", "state", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[str]
    purpose: Mapped[str]
    profile: Mapped[str]
    profile_version: Mapped[int]
    file_name: Mapped[str]
    file_bytes: Mapped[int]
    file_sha256: Mapped[str]
    lines: Mapped[int]
    checked: Mapped[int]
    applied: Mapped[int]
    summary: Mapped[str]
    operation_id: Mapped[str | None]
    acting_person: Mapped[str]
    acting_role: Mapped[str]
    created_by: Mapped[str]
    created_by_key: Mapped[str]
    idempotency_key: Mapped[str]
    fingerprint: Mapped[str]
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]


class ImportLineRow(Base):
    """One expense of a file, as read; what the dry run said of it (`expected`), and what came of it (`outcome`)."""

    __tablename__ = "import_lines"

    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    first_row: Mapped[int]
    last_row: Mapped[int]
    identity: Mapped[str]
    giver: Mapped[str]
    document: Mapped[str | None]
    expected: Mapped[str | None]
    outcome: Mapped[str | None]
    notes: Mapped[str]
    entry_id: Mapped[str | None]


class ExpenseRow(Base):
    """One expense of another system, by its identity there: what was last said of it, and the entry it became.

    `entry_version` is the entry's as the import left it; a later one means that somebody amended it here.
    """

    __tablename__ = "expenses"
    __table_args__ = (
        Index("expenses_by_giver", "giver", "occurred_on"),
        Index("expenses_by_day", "occurred_on", "identity"),
        Index("expenses_by_entry", "entry_id"),
    )

    identity: Mapped[str] = mapped_column(primary_key=True)
    giver: Mapped[str]
    occurred_on: Mapped[date]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    exponent: Mapped[int]
    document: Mapped[str]
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id"))
    entry_version: Mapped[int | None]
    draft_id: Mapped[str | None]
    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id"))
    seen_at: Mapped[datetime]
