"""The audit log: records in their places and the head that is locked last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select, text, update

from app.domain.audit import EMPTY, Tree
from app.storage.database import among, insert_rows
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
    _, frontier = written(tree)
    connection.execute(
        update(AuditHeadRow).where(AuditHeadRow.log_id == records[0].log_id).values(size=tree.size, frontier=frontier)
    )


def erase(connection: Connection, log_id: str, entity_ids: Iterable[str]) -> list[int]:
    """Empties the text of all records of entities that still have one; their positions, in order."""
    row = AuditRecordRow
    which = (row.log_id == log_id) & among(connection, row.entity_id, entity_ids) & (row.body != "")
    positions = list(connection.scalars(select(row.position).where(which).order_by(row.position)))
    connection.execute(update(row).where(which).values(body=""))
    return positions


class RecordFilter(NamedTuple):
    """What narrows a list of records."""

    entity_id: str | None = None
    action: str | None = None
    actor: str | None = None

    def conditions(self, log_id: str) -> Iterator[ColumnElement[bool]]:
        """What a record of the log fulfils to be one of those asked for."""
        row = AuditRecordRow
        yield row.log_id == log_id
        just = ((row.entity_id, self.entity_id), (row.action, self.action), (row.actor, self.actor))
        yield from (column == value for column, value in just if value is not None)


def listed(connection: Connection, log_id: str, wanted: RecordFilter, *, after: int, limit: int) -> list[Record]:
    """Records in the order of the log, after a position."""
    question = _ALL.where(*wanted.conditions(log_id), AuditRecordRow.position > after)
    return [Record._make(row) for row in connection.execute(question.order_by(AuditRecordRow.position).limit(limit))]


def latest(
    connection: Connection, log_id: str, wanted: RecordFilter, *, before: int | None, limit: int
) -> list[Record]:
    """Records before a position, or from the end, newest first."""
    question = _ALL.where(*wanted.conditions(log_id))
    if before is not None:
        question = question.where(AuditRecordRow.position < before)
    rows = connection.execute(question.order_by(AuditRecordRow.position.desc()).limit(limit))
    return [Record._make(row) for row in rows]


def moment_of(connection: Connection, log_id: str, position: int) -> datetime:
    """When a record was written."""
    question = select(AuditRecordRow.at).where(AuditRecordRow.log_id == log_id, AuditRecordRow.position == position)
    return connection.execute(question).scalar_one()


class Stored(NamedTuple):
    """A record as its bytes stand in the table, whatever became of them: nothing is converted, nothing is believed."""

    position: str
    entity_id: str
    entity_version: str
    action: str
    actor: str
    at: str
    body: bytes
    leaf: str


# As a blob, SQLite also hands out what is no longer text; on PostgreSQL a text cannot be anything else.
_STORED = {
    "postgresql": text("""
        SELECT position::text, entity_id, entity_version::text, action, actor,
          to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"'), body, leaf
        FROM audit_records WHERE log_id = :log_id ORDER BY audit_records.position
    """),
    "sqlite": text("""
        SELECT CAST(position AS BLOB), CAST(entity_id AS BLOB), CAST(entity_version AS BLOB), CAST(action AS BLOB),
          CAST(actor AS BLOB), CAST(at AS BLOB), CAST(body AS BLOB), CAST(leaf AS BLOB)
        FROM audit_records WHERE log_id = :log_id ORDER BY audit_records.position
    """),
}
_STORED_HEAD = {
    "postgresql": text("SELECT size::text, frontier FROM audit_heads WHERE log_id = :log_id"),
    "sqlite": text("SELECT CAST(size AS BLOB), CAST(frontier AS BLOB) FROM audit_heads WHERE log_id = :log_id"),
}


def stored(connection: Connection, log_id: str, *, page: int = 2000) -> Iterator[Stored]:
    """The whole log as it is stored, in the order of places, with flat memory."""
    question = _STORED[connection.dialect.name].execution_options(yield_per=page)
    for *columns, body, leaf in connection.execute(question, {"log_id": log_id}):
        position, entity_id, entity_version, action, actor, at = map(_readable, columns)
        yield Stored(position, entity_id, entity_version, action, actor, at, _bytes(body), _readable(leaf))


def stored_head(connection: Connection, log_id: str) -> tuple[str, str]:
    """Size and frontier of the head as they are stored; as of an empty log where there is none."""
    row = connection.execute(_STORED_HEAD[connection.dialect.name], {"log_id": log_id}).first()
    return (_readable(row[0]), _readable(row[1])) if row else written(EMPTY)


def written(tree: Tree) -> tuple[str, str]:
    """A tree's size and frontier as the head holds them."""
    return str(tree.size), json.dumps([digest.hex() for digest in tree.frontier])


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def _readable(value: object) -> str:
    return _bytes(value).decode(errors="replace")
