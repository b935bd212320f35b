"""Assessments: the answers of the rules."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base

_CURRENT = text("known_until IS NULL")


class AssessmentRow(Base):
    """The answer for one rule, entry and recipient (or employer), known from one moment until the next took its place.

    Never overwritten: a new answer closes `known_until` of the old one and says its cause.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        Index(
            "assessments_current_by_subject",
            "subject",
            "rule_id",
            "occurred_on",
            "counted",
            postgresql_where=_CURRENT,
            sqlite_where=_CURRENT,
        ),
    )

    entry_id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str] = mapped_column(primary_key=True)
    known_from: Mapped[int] = mapped_column(primary_key=True)
    known_until: Mapped[int | None]
    subject: Mapped[str]
    policy_id: Mapped[str]
    occurred_on: Mapped[date]
    sequence: Mapped[int]
    counted: Mapped[int]
    aggregate: Mapped[int]
    limit_value: Mapped[int]
    outcome: Mapped[str]
    exclusion: Mapped[str | None]
    forbidden: Mapped[int]
    period_start: Mapped[date]
    period_end: Mapped[date]
    cause: Mapped[str | None]
