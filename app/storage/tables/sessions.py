"""Sessions: who is signed in to the console, and what they sign in with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class SessionRow(Base):
    """A user signed in with one browser, until it expires, is idle for too long, or is ended. Only a digest is kept."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_by_user", "user_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    secret_digest: Mapped[str]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PasswordRow(Base):
    """A user's password as an Argon2 hash, with how often it was got wrong since it was last right."""

    __tablename__ = "passwords"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    version: Mapped[int]
    hash: Mapped[str]
    set_at: Mapped[datetime]
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]


class SignInLinkRow(Base):
    """A link that signs a user in once, for the first time or after a forgotten password. Only a digest is kept."""

    __tablename__ = "sign_in_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    secret_digest: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
