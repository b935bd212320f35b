"""Distinctions: who looks alike and was found not to be the same person, and when that was taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.orm import aliased

from app.storage.database import among
from app.storage.tables import DistinctionRow, RecipientRow


class KnownDistinction(NamedTuple):
    """One distinction, standing or withdrawn. The lower recipient id stands first."""

    id: str
    version: int
    one_id: str
    other_id: str
    reason: str
    decided_by: str
    decided_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = None


_ALL = select(*(getattr(DistinctionRow, column) for column in KnownDistinction._fields))
_STANDING = DistinctionRow.withdrawn_at.is_(None)


def add(connection: Connection, distinction: KnownDistinction) -> None:
    """A new distinction. A unique violation means that somebody drew it at this moment."""
    connection.execute(insert(DistinctionRow).values(**distinction._asdict()))


def withdraw(connection: Connection, distinction: KnownDistinction) -> bool:
    """The distinction as it stands after it was withdrawn; False where somebody was quicker."""
    done = connection.execute(
        update(DistinctionRow).where(DistinctionRow.id == distinction.id, _STANDING).values(**distinction._asdict())
    )
    return done.rowcount == 1


def by_id(connection: Connection, distinction_id: str) -> KnownDistinction | None:
    """One distinction."""
    row = connection.execute(_ALL.where(DistinctionRow.id == distinction_id)).first()
    return KnownDistinction._make(row) if row else None


def between(connection: Connection, one_id: str, other_id: str) -> KnownDistinction | None:
    """The distinction that stands between two records, the lower id given first."""
    pair = (DistinctionRow.one_id == one_id) & (DistinctionRow.other_id == other_id)
    row = connection.execute(_ALL.where(pair, _STANDING)).first()
    return KnownDistinction._make(row) if row else None


def among_people(connection: Connection, people: Iterable[str]) -> set[tuple[str, str]]:
    """Which of the people are not one another, the lower id first: they or any record that turned out to be them."""
    one, other = aliased(RecipientRow), aliased(RecipientRow)
    rows = connection.execute(
        select(one.canonical_id, other.canonical_id)
        .select_from(DistinctionRow)
        .join(one, one.id == DistinctionRow.one_id)
        .join(other, other.id == DistinctionRow.other_id)
        .where(_STANDING, among(connection, one.canonical_id, people))
    )
    found = {(first, second) for first, second in rows}
    return {(min(pair), max(pair)) for pair in found}


def listed(
    connection: Connection, *, recipient_id: str | None, after: str | None, limit: int
) -> list[KnownDistinction]:
    """Distinctions, newest first."""
    question = _ALL
    if recipient_id:
        question = question.where(or_(DistinctionRow.one_id == recipient_id, DistinctionRow.other_id == recipient_id))
    if after:
        question = question.where(DistinctionRow.id < after)
    rows = connection.execute(question.order_by(DistinctionRow.id.desc()).limit(limit))
    return [KnownDistinction._make(row) for row in rows]
