"""Delegations: who stands in for which supervisor, from day to day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class DelegationRow(Base):
    """`delegate` oversees what `supervisor` oversees, from a day to a day, both included, unless it ended before."""

    __tablename__ = "delegations"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    supervisor: Mapped[str] = mapped_column(index=True)
    delegate: Mapped[str] = mapped_column(index=True)
    from_on: Mapped[date]
    to_on: Mapped[date]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
