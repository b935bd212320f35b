"""Saved views."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class SavedViewRow(Base):
    """A question that a person gave a name; `query` is canonical JSON."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner", "noun", "name", name="saved_views_one_per_name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    owner: Mapped[str]
    noun: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
