"""Teams: who works with whom and who supervises them, from day to day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class TeamRow(Base):
    """A team. Its parent never changes: a reorganisation makes a new team from a day on."""

    __tablename__ = "teams"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class MembershipRow(Base):
    """Somebody's days in a team as `part`: a member or a supervisor. Without `to_on`, until further notice."""

    __tablename__ = "memberships"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    person: Mapped[str] = mapped_column(index=True)
    part: Mapped[str]
    from_on: Mapped[date]
    to_on: Mapped[date | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
