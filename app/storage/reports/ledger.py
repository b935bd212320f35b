"""The books read from one day to another in steady memory, as they stand or as they stood at a place of record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, String, cast, func, or_, select
from sqlalchemy.orm import aliased

from app.domain.entries import from_document
from app.storage.database import among
from app.storage.entries import KnownEntry
from app.storage.tables import EntryRow, EntryVersionRow, ShareRow

_AT_ONCE = 500
_COLUMNS = (
    EntryRow.id,
    EntryRow.sequence,
    EntryVersionRow.document,
    EntryVersionRow.version,
    EntryRow.submitted_by,
    EntryRow.recorded_at,
)


def entries(
    connection: Connection,
    *,
    first: date,
    last: date,
    at: int | None = None,
    people: Iterable[str] | None = None,
    employer_id: str | None = None,
    at_once: int = _AT_ONCE,
) -> Iterator[list[KnownEntry]]:
    """Entries between two days, both included, in the order of their days, some at a time.

    `people` and `employer_id` leave only those whose shares have to do with one of them, in any version.
    """
    question = _now(first, last) if at is None else _then(connection, first, last, at)
    if people is not None:
        shares = select(ShareRow.entry_id).where(
            or_(among(connection, ShareRow.recipient_id, people), among(connection, ShareRow.client_id, people))
        )
        question = question.where(EntryRow.id.in_(shares))
    if employer_id is not None:
        of = or_(ShareRow.employer_id == employer_id, ShareRow.client_employer_id == employer_id)
        question = question.where(EntryRow.id.in_(select(ShareRow.entry_id).where(of)))
    for part in connection.execute(question, execution_options={"yield_per": at_once}).partitions():
        yield [_known(row) for row in part]


def _now(first: date, last: date) -> Select[*tuple[Any, ...]]:
    current = (EntryVersionRow.entry_id == EntryRow.id) & (EntryVersionRow.version == EntryRow.version)
    return (
        select(*_COLUMNS)
        .join(EntryVersionRow, current)
        .where(EntryRow.occurred_on >= first, EntryRow.occurred_on <= last)
        .order_by(EntryRow.occurred_on, EntryRow.id)
    )


def _then(connection: Connection, first: date, last: date, at: int) -> Select[*tuple[Any, ...]]:
    later = aliased(EntryVersionRow)
    superseded = select(later.version).where(
        later.entry_id == EntryVersionRow.entry_id, later.version > EntryVersionRow.version, later.known_from <= at
    )
    day = _day(connection)
    return (
        select(*_COLUMNS)
        .join(EntryVersionRow, EntryVersionRow.entry_id == EntryRow.id)
        .where(EntryVersionRow.known_from <= at, ~superseded.exists())
        .where(day >= first.isoformat(), day <= last.isoformat())
        .order_by(day, EntryRow.id)
    )


def _day(connection: Connection) -> ColumnElement[Any]:
    """The day that a version says, as text; it may differ from what the entry says now."""
    if connection.dialect.name == "postgresql":
        day: ColumnElement[Any] = cast(EntryVersionRow.document, JSON)["occurred_on"].as_string()
        return day
    return func.json_extract(EntryVersionRow.document, "$.occurred_on", type_=String)


def _known(row: Any) -> KnownEntry:
    id, sequence, document, version, submitted_by, recorded_at = row
    return KnownEntry(from_document(id, sequence, json.loads(document)), version, submitted_by, recorded_at)


def how_many(connection: Connection, *, first: date, last: date) -> int:
    """About how many entries lie between two days, for whoever wants to know how long it takes."""
    question = select(func.count()).where(EntryRow.occurred_on >= first, EntryRow.occurred_on <= last)
    return int(connection.scalar(question) or 0)
