"""The log: what happened, in its order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class AuditRecordRow(Base):
    """One state change: the exact bytes that were hashed, at their place in the log."""

    __tablename__ = "audit_records"
    __table_args__ = (
        UniqueConstraint("entity_id", "entity_version", name="audit_records_contiguous"),
        CheckConstraint("position >= 0", name="audit_records_position_is_not_negative"),
    )

    log_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    entity_version: Mapped[int]
    action: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[str]
    leaf: Mapped[str]


class AuditHeadRow(Base):
    """The log's size and Merkle frontier (hex digests, largest subtree first), locked last in every transaction."""

    __tablename__ = "audit_heads"

    log_id: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    frontier: Mapped[str]
