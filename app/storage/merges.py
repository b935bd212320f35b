"""Merges: which records were found to be one person, when that was known, and when it was undone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from app.storage.database import among
from app.storage.tables import MergeRow, RecipientRow


class KnownMerge(NamedTuple):
    """One merge, standing or undone."""

    id: str
    version: int
    keep_id: str
    drop_id: str
    reason: str
    merged_by: str
    merged_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undone_reason: str | None
    known_from: int
    known_until: int | None


_ALL = select(*(getattr(MergeRow, column) for column in KnownMerge._fields))


def add(connection: Connection, merge: KnownMerge) -> None:
    """A new merge."""
    connection.execute(insert(MergeRow).values(**merge._asdict()))


def undo(connection: Connection, merge: KnownMerge) -> None:
    """The merge as it stands after it was undone."""
    connection.execute(update(MergeRow).where(MergeRow.id == merge.id).values(**merge._asdict()))


def by_id(connection: Connection, merge_id: str) -> KnownMerge | None:
    """One merge."""
    row = connection.execute(_ALL.where(MergeRow.id == merge_id)).first()
    return KnownMerge._make(row) if row else None


def standing(connection: Connection, people: Iterable[str]) -> list[KnownMerge]:
    """The merges that stand and have to do with any of the people."""
    wanted = sorted(set(people))
    rows = connection.execute(
        _ALL.where(
            MergeRow.known_until.is_(None),
            or_(among(connection, MergeRow.keep_id, wanted), among(connection, MergeRow.drop_id, wanted)),
        )
    )
    return [KnownMerge._make(row) for row in rows]


def links(connection: Connection, people: Iterable[str]) -> dict[str, str]:
    """Who of the people, and of those they turned out to be, was merged into whom directly, as it stands."""
    roots = select(RecipientRow.canonical_id).where(
        among(connection, RecipientRow.id, people), RecipientRow.canonical_id != RecipientRow.id
    )
    members = select(RecipientRow.id).where(RecipientRow.canonical_id.in_(roots))
    rows = connection.execute(
        select(MergeRow.drop_id, MergeRow.keep_id).where(MergeRow.known_until.is_(None), MergeRow.drop_id.in_(members))
    )
    return {row.drop_id: row.keep_id for row in rows}


def as_known(connection: Connection, at: int) -> dict[str, str]:
    """Who was merged into whom, directly, at a place in the order of record."""
    rows = connection.execute(
        select(MergeRow.drop_id, MergeRow.keep_id).where(
            MergeRow.known_from <= at, or_(MergeRow.known_until.is_(None), MergeRow.known_until > at)
        )
    )
    return {row.drop_id: row.keep_id for row in rows}


def listed(connection: Connection, *, recipient_id: str | None, after: str | None, limit: int) -> list[KnownMerge]:
    """Merges, newest first."""
    question = _ALL
    if recipient_id:
        question = question.where(or_(MergeRow.keep_id == recipient_id, MergeRow.drop_id == recipient_id))
    if after:
        question = question.where(MergeRow.id < after)
    return [KnownMerge._make(row) for row in connection.execute(question.order_by(MergeRow.id.desc()).limit(limit))]
