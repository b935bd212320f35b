"""Approvals of entries, each of one version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.storage.database import among
from app.storage.tables import ApprovalRow


class KnownApproval(NamedTuple):
    """One approval, standing or fallen."""

    id: str
    entry_id: str
    entry_version: int
    approved_by: str
    approved_at: datetime
    note: str
    fell_at: datetime | None


_ALL = select(*(getattr(ApprovalRow, column) for column in KnownApproval._fields))


def add(connection: Connection, approval: KnownApproval) -> None:
    """A new approval. A unique violation means that the version was approved at this moment."""
    connection.execute(insert(ApprovalRow).values(**approval._asdict()))


def standing(connection: Connection, entry_ids: Iterable[str]) -> dict[str, KnownApproval]:
    """The approvals that stand, by entry."""
    wanted = sorted(set(entry_ids))
    if not wanted:
        return {}
    rows = connection.execute(
        _ALL.where(among(connection, ApprovalRow.entry_id, wanted), ApprovalRow.fell_at.is_(None))
    )
    return {row.entry_id: KnownApproval._make(row) for row in rows}


def fell(connection: Connection, approval_ids: Iterable[str], at: datetime) -> None:
    """Approvals that no longer stand."""
    wanted = sorted(set(approval_ids))
    if wanted:
        connection.execute(update(ApprovalRow).where(among(connection, ApprovalRow.id, wanted)).values(fell_at=at))
