"""Access: who may ask."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ApiKeyRow(Base):
    """A key of a person or system. Only a digest of its secret is kept.

    `waiver_minor` is what its holder may waive without a second person; nothing, where it is 0. `scopes` are
    permissions with blanks between them, of which it allows no more; `replaces` is the key that it was made for.
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
    scopes: Mapped[str | None]
    replaces: Mapped[str | None]
    last_used_at: Mapped[datetime | None]
