"""Operations: long work that somebody asked for, how it stands, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.storage.tables import OperationRow


class KnownOperation(NamedTuple):
    """One operation: queued, running, succeeded or failed. `result` and `error` are JSON."""

    id: str
    kind: str
    state: str
    done: int
    total: int
    result: str | None
    error: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None


_ALL = select(*(getattr(OperationRow, column) for column in KnownOperation._fields))


def add(connection: Connection, operation: KnownOperation) -> None:
    """A new operation."""
    connection.execute(insert(OperationRow).values(**operation._asdict()))


def keep(connection: Connection, operation: KnownOperation) -> None:
    """An operation as it stands now."""
    connection.execute(update(OperationRow).where(OperationRow.id == operation.id).values(**operation._asdict()))


def by_id(connection: Connection, operation_id: str) -> KnownOperation | None:
    """One operation."""
    row = connection.execute(_ALL.where(OperationRow.id == operation_id)).first()
    return KnownOperation._make(row) if row else None


def unfinished(connection: Connection) -> list[KnownOperation]:
    """Operations that were not finished."""
    return [
        KnownOperation._make(row)
        for row in connection.execute(_ALL.where(OperationRow.state.in_(["queued", "running"])))
    ]
