"""Policy versions, and the epoch that says whether what a process remembers of them is still true."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from app.storage.tables import PolicyEpochRow, PolicyRow


class KnownPolicy(NamedTuple):
    """A version of the firm's policy; `document` is its canonical JSON."""

    id: str
    version: int
    name: str
    state: str
    effective_from: date | None
    document: str
    drafted_by: str
    drafted_at: datetime
    published_by: str | None
    published_at: datetime | None
    known_from: int | None
    changes: str | None


_ALL = select(*(getattr(PolicyRow, column) for column in KnownPolicy._fields))


def epoch(connection: Connection, *, hold: bool = False) -> int:
    """The number of the last publication; with `hold`, no publication can happen until the transaction ends."""
    question = select(PolicyEpochRow.epoch).where(PolicyEpochRow.id == 1)
    found = connection.scalar(question.with_for_update(read=True) if hold else question)
    return found or 0


def next_epoch(connection: Connection) -> None:
    """Makes everybody read the policies anew; waits for those who hold the current ones."""
    if connection.execute(update(PolicyEpochRow).values(epoch=PolicyEpochRow.epoch + 1)).rowcount == 0:
        connection.execute(insert(PolicyEpochRow).values(id=1, epoch=1))


def add(connection: Connection, policy: KnownPolicy) -> None:
    """A new version."""
    connection.execute(insert(PolicyRow).values(**policy._asdict()))


def publish(
    connection: Connection, policy_id: str, *, effective_from: date, by: str, at: datetime, known_from: int
) -> bool:
    """Fixes a draft for good; False where it is none any more."""
    done = connection.execute(
        update(PolicyRow)
        .where(PolicyRow.id == policy_id, PolicyRow.state == "draft")
        .values(
            state="published", effective_from=effective_from, published_by=by, published_at=at, known_from=known_from
        )
    )
    return done.rowcount == 1


def keep_summary(connection: Connection, policy_id: str, changes: str) -> None:
    """What a publication changed, in numbers, beside the version."""
    connection.execute(update(PolicyRow).where(PolicyRow.id == policy_id).values(changes=changes))


def last_version(connection: Connection) -> int:
    """The highest version number given so far, 0 where there is none."""
    return connection.scalar(select(func.max(PolicyRow.version))) or 0


def by_id(connection: Connection, policy_id: str) -> KnownPolicy | None:
    """One version."""
    row = connection.execute(_ALL.where(PolicyRow.id == policy_id)).first()
    return KnownPolicy._make(row) if row else None


def published(connection: Connection) -> list[KnownPolicy]:
    """All published versions, in the order of publication."""
    rows = connection.execute(_ALL.where(PolicyRow.state == "published").order_by(PolicyRow.known_from))
    return [KnownPolicy._make(row) for row in rows]


def last_known_from(connection: Connection) -> int:
    """The place in the order of record of the last publication, 0 where there is none."""
    return connection.scalar(select(func.max(PolicyRow.known_from))) or 0


def listed(connection: Connection, *, state: str | None, before: int | None, limit: int) -> list[KnownPolicy]:
    """Versions, newest first."""
    question = _ALL
    if state:
        question = question.where(PolicyRow.state == state)
    if before is not None:
        question = question.where(PolicyRow.version < before)
    return [
        KnownPolicy._make(row) for row in connection.execute(question.order_by(PolicyRow.version.desc()).limit(limit))
    ]
