"""Receipts: the messages that arrived, each once, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, or_, select, update

from app.domain.connections import ConnectionState, ReceiptState
from app.storage.database import among, insert_rows
from app.storage.tables import ConnectionRow, ReceiptRow


class KnownReceipt(NamedTuple):
    """A message that arrived and was proved. `copies` counts the times it came again."""

    id: str
    connection_id: str
    fingerprint: str
    kind: str
    noun: str
    external_id: str
    occurred_at: datetime
    received_at: datetime
    copies: int
    sealed: str | None
    digest: str
    state: str
    reason: str
    attempts: int
    next_attempt_at: datetime | None
    lease: str | None
    leased_until: datetime | None
    processed_at: datetime | None


class ReceiptFilter(NamedTuple):
    """What narrows a list of receipts; None asks for nothing."""

    state: str | None = None
    kind: str | None = None
    external_id: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None


class Standing(NamedTuple):
    """How many receipts are in a state, and the first and last of them by when they came."""

    state: str
    many: int
    first: datetime
    last: datetime


_ALL = select(*(getattr(ReceiptRow, column) for column in KnownReceipt._fields))
# Written out and not bound, so that SQLite too sees that the index of what waits answers it.
_FORGOTTEN: dict[str, object] = {"sealed": None, "digest": ""}
_WAITING = ReceiptRow.state == literal_column(f"'{ReceiptState.WAITING.value}'")


def add(connection: Connection, receipts: Sequence[KnownReceipt]) -> None:
    """New receipts. A unique violation means that a copy arrived at this moment."""
    insert_rows(connection, ReceiptRow, KnownReceipt._fields, receipts)


def known(connection: Connection, connection_id: str, fingerprints: Iterable[str]) -> set[str]:
    """The fingerprints among these that arrived before."""
    wanted = among(connection, ReceiptRow.fingerprint, fingerprints)
    found = select(ReceiptRow.fingerprint).where(ReceiptRow.connection_id == connection_id, wanted)
    return set(connection.scalars(found))


def note_copies(connection: Connection, connection_id: str, fingerprints: Iterable[str]) -> None:
    """Counts a copy of each."""
    mine = (ReceiptRow.connection_id == connection_id, among(connection, ReceiptRow.fingerprint, fingerprints))
    connection.execute(update(ReceiptRow).where(*mine).values(copies=ReceiptRow.copies + 1))


def by_id(connection: Connection, receipt_id: str) -> KnownReceipt | None:
    """One receipt."""
    row = connection.execute(_ALL.where(ReceiptRow.id == receipt_id)).first()
    return KnownReceipt._make(row) if row else None


def listed(
    connection: Connection, connection_id: str, wanted: ReceiptFilter, *, after: str | None, limit: int
) -> list[KnownReceipt]:
    """Receipts of a connection, newest first."""
    question = _ALL.where(ReceiptRow.connection_id == connection_id, *_conditions(wanted))
    if after:
        question = question.where(ReceiptRow.id < after)
    rows = connection.execute(question.order_by(ReceiptRow.id.desc()).limit(limit))
    return [KnownReceipt._make(row) for row in rows]


def _conditions(wanted: ReceiptFilter) -> list[ColumnElement[bool]]:
    pairs = ((ReceiptRow.state, wanted.state), (ReceiptRow.kind, wanted.kind))
    found = [column == value for column, value in pairs if value is not None]
    if wanted.external_id is not None:
        found.append(ReceiptRow.external_id == wanted.external_id)
    if wanted.received_from is not None:
        found.append(ReceiptRow.received_at >= wanted.received_from)
    if wanted.received_to is not None:
        found.append(ReceiptRow.received_at < wanted.received_to)
    return found


def standing(connection: Connection, connection_id: str) -> dict[str, Standing]:
    """How the receipts of a connection stand, by state."""
    question = (
        select(
            ReceiptRow.state,
            func.count(),
            func.min(ReceiptRow.received_at),
            func.max(ReceiptRow.received_at),
        )
        .where(ReceiptRow.connection_id == connection_id)
        .group_by(ReceiptRow.state)
    )
    return {row[0]: Standing._make(row) for row in connection.execute(question)}


def failing(connection: Connection, connection_id: str) -> int:
    """How many wait for another attempt after one that failed."""
    mine = (ReceiptRow.connection_id == connection_id, _WAITING, ReceiptRow.attempts > 0)
    return connection.execute(select(func.count()).select_from(ReceiptRow).where(*mine)).scalar_one()


def claim(connection: Connection, *, lease: str, now: datetime, until: datetime, limit: int) -> list[KnownReceipt]:
    """Takes receipts that wait, in order of what happened first; nobody else has them until the lease runs out."""
    free = or_(ReceiptRow.leased_until.is_(None), ReceiptRow.leased_until <= now)
    active = select(ConnectionRow.id).where(ConnectionRow.state == ConnectionState.ACTIVE.value)
    due = (
        select(ReceiptRow.id)
        .where(_WAITING, ReceiptRow.next_attempt_at <= now, free, ReceiptRow.connection_id.in_(active))
        .order_by(ReceiptRow.next_attempt_at, ReceiptRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(due))
    if not ids:
        return []
    mine = among(connection, ReceiptRow.id, ids)
    connection.execute(update(ReceiptRow).where(mine).values(lease=lease, leased_until=until))
    rows = connection.execute(_ALL.where(mine).order_by(ReceiptRow.occurred_at, ReceiptRow.id))
    return [KnownReceipt._make(row) for row in rows]


def settle(connection: Connection, after: KnownReceipt, *, lease: str) -> bool:
    """Keeps how a receipt stands after an attempt; False where the lease is somebody else's by now."""
    values: dict[str, object] = {
        "state": after.state,
        "reason": after.reason,
        "attempts": after.attempts,
        "next_attempt_at": after.next_attempt_at,
        "processed_at": after.processed_at,
        "lease": None,
        "leased_until": None,
    }
    if after.state == ReceiptState.ERASED.value:
        values |= _FORGOTTEN
    mine = and_(ReceiptRow.id == after.id, ReceiptRow.lease == lease)
    return connection.execute(update(ReceiptRow).where(mine).values(values)).rowcount == 1


def again(connection: Connection, ids: Iterable[str], *, at: datetime) -> int:
    """Lets receipts wait once more, whatever came of them; those of people who were forgotten stay as they are."""
    mine = and_(among(connection, ReceiptRow.id, ids), ReceiptRow.sealed.is_not(None))
    values = {
        "state": ReceiptState.WAITING.value,
        "reason": "",
        "attempts": 0,
        "next_attempt_at": at,
        "lease": None,
        "leased_until": None,
        "processed_at": None,
    }
    return connection.execute(update(ReceiptRow).where(mine).values(values)).rowcount


def ids(connection: Connection, connection_id: str, wanted: ReceiptFilter) -> list[str]:
    """The ids of a connection's receipts, oldest first."""
    mine = select(ReceiptRow.id).where(ReceiptRow.connection_id == connection_id, *_conditions(wanted))
    return list(connection.scalars(mine.order_by(ReceiptRow.id)))


def forget(connection: Connection, connection_id: str, noun: str, external_id: str) -> None:
    """Deletes what was said of somebody who asked to be forgotten, but for the fact that something was said."""
    about = (
        ReceiptRow.connection_id == connection_id,
        ReceiptRow.noun == noun,
        ReceiptRow.external_id == external_id,
        ReceiptRow.state != ReceiptState.WAITING.value,
    )
    values = _FORGOTTEN | {"state": ReceiptState.ERASED.value}
    connection.execute(update(ReceiptRow).where(*about).values(values))
