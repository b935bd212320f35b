"""Keeping: what may not be erased, whatever its age."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base

_ACTIVE = text("released_at IS NULL")


class LegalHoldRow(Base):
    """A hold on the entries to which everything that it names applies, until somebody releases it."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index("legal_holds_active", "id", postgresql_where=_ACTIVE, sqlite_where=_ACTIVE),
        CheckConstraint(
            "COALESCE(recipient_id, employer_id, giver) IS NOT NULL OR starts_on IS NOT NULL OR ends_on IS NOT NULL",
            name="legal_holds_name_something",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    matter: Mapped[str]
    reason: Mapped[str]
    recipient_id: Mapped[str | None] = mapped_column(ForeignKey("recipients.id"))
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))
    giver: Mapped[str | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime]
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str | None]
