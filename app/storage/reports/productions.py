"""Productions: reports as they were handed out, and what the books recorded since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from app.storage.database import among
from app.storage.tables import EntryVersionRow, PolicyRow, RecipientRow, ReportPartRow, ReportProductionRow


class KnownProduction(NamedTuple):
    """One report as it was produced; `asked` and `totals` are JSON, the digests SHA-256 in hex."""

    id: str
    kind: str
    asked: str
    format: str
    first: date
    last: date
    known_at: int
    rows: int
    rows_digest: str
    totals: str
    size_bytes: int
    sha256: str
    produced_by: str
    produced_at: datetime
    expires_at: datetime | None
    previous_id: str | None
    differs: int | None


_ALL = select(*(getattr(ReportProductionRow, column) for column in KnownProduction._fields))


def add(connection: Connection, production: KnownProduction) -> None:
    """A new production."""
    connection.execute(insert(ReportProductionRow).values(**production._asdict()))


def add_parts(connection: Connection, production_id: str, content: str, pieces: Iterable[bytes]) -> None:
    """What a production holds, piece by piece."""
    for position, piece in enumerate(pieces):
        connection.execute(
            insert(ReportPartRow).values(production_id=production_id, content=content, position=position, piece=piece)
        )


def by_id(connection: Connection, production_id: str) -> KnownProduction | None:
    """One production."""
    row = connection.execute(_ALL.where(ReportProductionRow.id == production_id)).first()
    return KnownProduction._make(row) if row else None


def latest(connection: Connection, kind: str, asked: str) -> KnownProduction | None:
    """The last production of the same report with the same parameters."""
    same = _ALL.where(ReportProductionRow.kind == kind, ReportProductionRow.asked == asked)
    row = connection.execute(same.order_by(ReportProductionRow.id.desc()).limit(1)).first()
    return KnownProduction._make(row) if row else None


def listed(connection: Connection, *, kind: str | None, after: str | None, limit: int) -> list[KnownProduction]:
    """Productions, newest first."""
    question = _ALL
    if kind is not None:
        question = question.where(ReportProductionRow.kind == kind)
    if after is not None:
        question = question.where(ReportProductionRow.id < after)
    rows = connection.execute(question.order_by(ReportProductionRow.id.desc()).limit(limit))
    return [KnownProduction._make(row) for row in rows]


def parts(connection: Connection, production_id: str, content: str) -> Iterator[bytes]:
    """What a production holds, one piece at a time."""
    row = ReportPartRow
    question = select(row.piece).where(row.production_id == production_id, row.content == content)
    yield from connection.scalars(question.order_by(row.position), execution_options={"yield_per": 1})


def let_go(connection: Connection, now: datetime) -> None:
    """The files of productions that have expired; what was produced, by whom and with which digest stays."""
    expired = select(ReportProductionRow.id).where(ReportProductionRow.expires_at <= now)
    connection.execute(delete(ReportPartRow).where(ReportPartRow.production_id.in_(expired)))


def last_place(connection: Connection) -> int:
    """The last place in the order of record that anything reported has, 0 where there is nothing."""
    places = (RecipientRow.touched_sequence, PolicyRow.known_from)
    return max(connection.scalar(select(func.max(place))) or 0 for place in places)


class Recorded(NamedTuple):
    """A version of an entry that was recorded: what was done, why, by whom and when."""

    entry_id: str
    version: int
    action: str
    reason: str
    recorded_by: str
    recorded_at: datetime


def recorded_since(connection: Connection, entry_ids: Iterable[str], after: int) -> list[Recorded]:
    """The versions of entries that were recorded after a place in the order of record."""
    row = EntryVersionRow
    question = select(*(getattr(row, column) for column in Recorded._fields)).where(
        among(connection, row.entry_id, entry_ids), row.known_from > after
    )
    return [Recorded._make(one) for one in connection.execute(question.order_by(row.entry_id, row.version))]
