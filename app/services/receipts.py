"""Receipts: what arrived from a connection and what came of it; a replay; and how a connection is doing.

ReceiptNotFound   404  absent, of another connection, or of somebody who was forgotten
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import Principal
from app.domain.connections import ReceiptState
from app.domain.refusals import NotFound
from app.services import connections
from app.services.desk import Desk
from app.storage import receipts
from app.storage.receipts import KnownReceipt as KnownReceipt
from app.storage.receipts import ReceiptFilter as ReceiptFilter


class ReceiptNotFound(NotFound):
    code = "receipt_not_found"


class Health(NamedTuple):
    """How a connection is doing. `lag_s` is how long the message that has waited longest has waited, in seconds."""

    last_received_at: datetime | None
    waiting: int
    lag_s: int
    failing: int
    dead: int
    counts: dict[str, int]


def listed(
    connection: Connection,
    principal: Principal,
    connection_id: str,
    wanted: ReceiptFilter,
    *,
    after: str | None,
    limit: int,
) -> list[KnownReceipt]:
    """Receipts of a connection, newest first. Raises RoleForbids or ConnectionNotFound."""
    connections.get(connection, principal, connection_id)
    return receipts.listed(connection, connection_id, wanted, after=after, limit=limit)


def get(connection: Connection, principal: Principal, connection_id: str, receipt_id: str) -> KnownReceipt:
    """One receipt. Raises RoleForbids, ConnectionNotFound or ReceiptNotFound."""
    connections.get(connection, principal, connection_id)
    found = receipts.by_id(connection, receipt_id)
    if found is None or found.connection_id != connection_id:
        raise ReceiptNotFound("The connection has no such receipt")
    return found


def replay(connection: Connection, desk: Desk, principal: Principal, connection_id: str, receipt_id: str) -> int:
    """Lets one receipt be processed again. Raises RoleForbids, ConnectionNotFound or ReceiptNotFound."""
    connections.get(connection, principal, connection_id)
    found = receipts.by_id(connection, receipt_id)
    if found is None or found.connection_id != connection_id or found.sealed is None:
        raise ReceiptNotFound("The connection has no such receipt, or what it said was erased")
    return _again(connection, desk, principal, connection_id, [receipt_id])


def replay_range(
    connection: Connection, desk: Desk, principal: Principal, connection_id: str, wanted: ReceiptFilter
) -> int:
    """Lets all of a connection's receipts that are wanted be processed again; how many those are. Raises as `get`."""
    connections.get(connection, principal, connection_id)
    return _again(connection, desk, principal, connection_id, receipts.ids(connection, connection_id, wanted))


def _again(connection: Connection, desk: Desk, principal: Principal, connection_id: str, ids: list[str]) -> int:
    many = receipts.again(connection, ids, at=desk.clock())
    if many:
        connections.note_replay(connection, desk, principal, connection_id, many)
    return many


def health(connection: Connection, desk: Desk, connection_id: str) -> Health:
    """How a connection is doing at this moment."""
    found = receipts.standing(connection, connection_id)
    waiting = found.get(ReceiptState.WAITING.value)
    lag = desk.clock() - waiting.first if waiting else None
    return Health(
        last_received_at=max((one.last for one in found.values()), default=None),
        waiting=waiting.many if waiting else 0,
        lag_s=max(0, lag.days * 86_400 + lag.seconds) if lag else 0,
        failing=receipts.failing(connection, connection_id),
        dead=found[ReceiptState.DEAD.value].many if ReceiptState.DEAD.value in found else 0,
        counts={state.value: found[state.value].many if state.value in found else 0 for state in ReceiptState},
    )
