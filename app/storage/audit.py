"""The audit log: records in their places and the head that is locked last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.domain.audit import EMPTY, Tree
from app.storage.database import insert_rows
from app.storage.tables import AuditHeadRow, AuditRecordRow


class Record(NamedTuple):
    """One state change in its place; `leaf` is the hex hash of exactly the bytes of `body`."""

    log_id: str
    position: int
    entity_id: str
    entity_version: int
    action: str
    actor: str
    at: datetime
    body: str
    leaf: str


_ALL = select(*(getattr(AuditRecordRow, column) for column in Record._fields))


def head(connection: Connection, log_id: str, *, hold: bool = False) -> Tree:
    """The log's tree; with `hold`, nobody else can append until the transaction ends."""
    question = select(AuditHeadRow.size, AuditHeadRow.frontier).where(AuditHeadRow.log_id == log_id)
    row = connection.execute(question.with_for_update() if hold else question).first()
    if row is None:
        if hold:
            connection.execute(insert(AuditHeadRow).values(log_id=log_id, size=0, frontier="[]"))
        return EMPTY
    return Tree(row.size, tuple(bytes.fromhex(digest) for digest in json.loads(row.frontier)))


def append(connection: Connection, records: Sequence[Record], tree: Tree) -> None:
    """Records at the end of the log, and the tree that then holds."""
    insert_rows(connection, AuditRecordRow, Record._fields, records)
    frontier = json.dumps([digest.hex() for digest in tree.frontier])
    connection.execute(
        update(AuditHeadRow).where(AuditHeadRow.log_id == records[0].log_id).values(size=tree.size, frontier=frontier)
    )


class RecordFilter(NamedTuple):
    """What narrows a list of records."""

    entity_id: str | None = None
    action: str | None = None
    actor: str | None = None


def listed(connection: Connection, log_id: str, wanted: RecordFilter, *, after: int, limit: int) -> list[Record]:
    """Records in the order of the log, after a position."""
    question = _ALL.where(AuditRecordRow.log_id == log_id, AuditRecordRow.position > after)
    for column, value in (
        (AuditRecordRow.entity_id, wanted.entity_id),
        (AuditRecordRow.action, wanted.action),
        (AuditRecordRow.actor, wanted.actor),
    ):
        if value is not None:
            question = question.where(column == value)
    return [Record._make(row) for row in connection.execute(question.order_by(AuditRecordRow.position).limit(limit))]


def moment_of(connection: Connection, log_id: str, position: int) -> datetime:
    """When a record was written."""
    question = select(AuditRecordRow.at).where(AuditRecordRow.log_id == log_id, AuditRecordRow.position == position)
    return connection.execute(question).scalar_one()


def every(connection: Connection, log_id: str, *, page: int = 5000) -> Iterator[Record]:
    """The whole log from the first record on, with flat memory."""
    last = -1
    while records := listed(connection, log_id, RecordFilter(), after=last, limit=page):
        yield from records
        last = records[-1].position
