"""Users: the firm's people who sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class UserRow(Base):
    """A person of the firm. `person` is how entries name them; `person_key` and `email_key` are both without case.

    Never deleted: whoever leaves is no longer `active`, and no key, session or token of theirs opens anything.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    person: Mapped[str] = mapped_column(unique=True)
    person_key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str | None]
    email_key: Mapped[str | None] = mapped_column(unique=True)
    role: Mapped[str]
    active: Mapped[bool]
    waiver_minor: Mapped[int]
    waiver_currency: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
