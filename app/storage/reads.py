"""Reads: who looked at whose data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.storage.database import insert_rows
from app.storage.tables import ReadRow


class KnownRead(NamedTuple):
    """Somebody read something. `about` is the id that was asked for, `asked` the path with its query."""

    id: str
    at: datetime
    person: str
    principal: str
    role: str
    what: str
    about: str | None
    asked: str


class ReadFilter(NamedTuple):
    """What narrows a list of reads; None asks for nothing."""

    person: str | None = None
    about: str | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def add(connection: Connection, reads: Sequence[KnownRead]) -> None:
    """New reads."""
    insert_rows(connection, ReadRow, KnownRead._fields, reads)


def listed(connection: Connection, wanted: ReadFilter, *, after: str | None, limit: int) -> list[KnownRead]:
    """Reads, newest first."""
    row = ReadRow
    question = select(*(getattr(row, column) for column in KnownRead._fields))
    for column, value in ((row.person, wanted.person), (row.about, wanted.about), (row.what, wanted.what)):
        if value is not None:
            question = question.where(column == value)
    if wanted.since is not None:
        question = question.where(row.at >= wanted.since)
    if wanted.until is not None:
        question = question.where(row.at < wanted.until)
    if after:
        question = question.where(row.id < after)
    return [KnownRead._make(one) for one in connection.execute(question.order_by(row.id.desc()).limit(limit))]
