"""Answers that were given under an idempotency key, so that every repetition gets the very same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from app.storage.database import insert_rows
from app.storage.tables import IdempotencyKeyRow

Key = tuple[str, str, str]


class Answer(NamedTuple):
    """What was asked under a key (as a fingerprint) and what was answered."""

    principal: str
    route: str
    key: str
    fingerprint: str
    status: int
    body: str
    created_at: datetime


def find(connection: Connection, keys: Iterable[Key]) -> dict[Key, Answer]:
    """The answers already given under (principal, route, key)."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    row = IdempotencyKeyRow
    rows = connection.execute(
        select(*(getattr(row, column) for column in Answer._fields)).where(
            tuple_(row.principal, row.route, row.key).in_(wanted)
        )
    )
    return {(answer.principal, answer.route, answer.key): answer for answer in (Answer._make(found) for found in rows)}


def keep(connection: Connection, answers: Sequence[Answer]) -> None:
    """Remembers answers; a unique violation means that somebody else answered under that key at this moment."""
    insert_rows(connection, IdempotencyKeyRow, Answer._fields, answers)
