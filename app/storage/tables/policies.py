"""Policies, what their publication changed, and long work."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class PolicyRow(Base):
    """One version of the firm's policy: a draft until a second person publishes it, then fixed for good."""

    __tablename__ = "policies"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str]
    state: Mapped[str]
    effective_from: Mapped[date | None]
    document: Mapped[str]
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    known_from: Mapped[int | None]
    changes: Mapped[str | None]


class PublicationChangeRow(Base):
    """One result that a publication changed: before and after as canonical JSON, null where there is none."""

    __tablename__ = "publication_changes"

    policy_id: Mapped[str] = mapped_column(ForeignKey("policies.id"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str | None]
    after: Mapped[str | None]


class PolicyEpochRow(Base):
    """One line: a number that grows with every publication. Writers hold it shared, a publication alone."""

    __tablename__ = "policy_epoch"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]


class OperationRow(Base):
    """Long work that somebody asked for: how it stands and what came of it."""

    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    result: Mapped[str | None]
    error: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
