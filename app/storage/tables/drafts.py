"""Drafts: entries that are proposed and wait for somebody to confirm them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class DraftRow(Base):
    """One proposed entry, and what became of it. `owner` is whose it is to confirm.

    `source` and `external_id` say which thing of another system it is about: there is one draft for each.
    `document` is the proposal as it stands, `source_document` what the source says by now, `settled_document` what it
    said when the draft was confirmed, dismissed or withdrawn.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="drafts_one_per_source"),
        Index("drafts_by_owner", "owner", "state", "id"),
        Index("drafts_by_state", "state", "id"),
        Index(
            "drafts_by_entry",
            "entry_id",
            unique=True,
            postgresql_where=text("entry_id IS NOT NULL"),
            sqlite_where=text("entry_id IS NOT NULL"),
        ),
        CheckConstraint("(state = 'confirmed') = (entry_id IS NOT NULL)", name="drafts_confirmed_by_an_entry"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[str]
    owner: Mapped[str]
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    about: Mapped[str]
    label: Mapped[str]
    occurred_on: Mapped[date | None]
    document: Mapped[str]
    source_document: Mapped[str]
    settled_document: Mapped[str | None]
    source_withdrawn_at: Mapped[datetime | None]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id"))
