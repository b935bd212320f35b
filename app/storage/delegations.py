"""Delegations: who stands in for which supervisor."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from app.storage.tables import DelegationRow


class KnownDelegation(NamedTuple):
    """Somebody stands in for a supervisor, from a day to a day, unless it ended before."""

    id: str
    version: int
    supervisor: str
    delegate: str
    from_on: date
    to_on: date
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None


_ALL = select(*(getattr(DelegationRow, column) for column in KnownDelegation._fields))


def add(connection: Connection, one: KnownDelegation) -> None:
    """A new delegation."""
    connection.execute(insert(DelegationRow).values(**one._asdict()))


def by_id(connection: Connection, delegation_id: str) -> KnownDelegation | None:
    """One delegation."""
    row = connection.execute(_ALL.where(DelegationRow.id == delegation_id)).first()
    return KnownDelegation._make(row) if row else None


def end(connection: Connection, delegation_id: str, *, version: int, at: datetime) -> bool:
    """Ends a delegation; False where it had ended."""
    mine = (DelegationRow.id == delegation_id, DelegationRow.version == version, DelegationRow.ended_at.is_(None))
    return connection.execute(update(DelegationRow).where(*mine).values(ended_at=at, version=version + 1)).rowcount == 1


def stood_in_for(connection: Connection, delegate: str, on: date) -> list[str]:
    """The supervisors for whom somebody stands in on a day."""
    row = DelegationRow
    mine = (row.delegate == delegate, row.ended_at.is_(None), row.from_on <= on, row.to_on >= on)
    return list(connection.scalars(select(row.supervisor).where(*mine)))


def listed(connection: Connection, person: str | None, *, after: str | None, limit: int) -> list[KnownDelegation]:
    """Delegations, newest first; of all, or from and to somebody."""
    row = DelegationRow
    question = _ALL if person is None else _ALL.where(or_(row.supervisor == person, row.delegate == person))
    if after:
        question = question.where(row.id < after)
    found = connection.execute(question.order_by(row.id.desc()).limit(limit))
    return [KnownDelegation._make(one) for one in found]
