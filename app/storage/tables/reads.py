"""Reads: who looked at whose data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ReadRow(Base):
    """Somebody read something: `about` is the id that was asked for, `asked` the path with its query."""

    __tablename__ = "reads"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    person: Mapped[str] = mapped_column(index=True)
    principal: Mapped[str]
    role: Mapped[str]
    what: Mapped[str]
    about: Mapped[str | None] = mapped_column(index=True)
    asked: Mapped[str]
