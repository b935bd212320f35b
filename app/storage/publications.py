"""What publications changed, result by result, kept for whoever asks later why a flag came or went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, literal, select, tuple_

from app.storage.database import insert_rows
from app.storage.tables import PublicationChangeRow


class KeptChange(NamedTuple):
    """One changed result; `before` and `after` are JSON, None where there is none."""

    rule_id: str
    entry_id: str
    shown: str
    before: str | None
    after: str | None


def keep_changes(
    connection: Connection, policy_id: str, changes: Iterable[tuple[str, str, str, str | None, str | None]]
) -> None:
    """A part of what a publication changed."""
    rows = [(policy_id, *change) for change in changes]
    insert_rows(connection, PublicationChangeRow, ("policy_id", *KeptChange._fields), rows)


def changes(
    connection: Connection, policy_id: str, *, after: tuple[str, str, str] | None, limit: int
) -> list[KeptChange]:
    """What a publication changed, in the order of entry, rule and shown."""
    row = PublicationChangeRow
    question = select(row.rule_id, row.entry_id, row.shown, row.before, row.after).where(row.policy_id == policy_id)
    if after:
        question = question.where(tuple_(row.entry_id, row.rule_id, row.shown) > tuple_(*map(literal, after)))
    rows = connection.execute(question.order_by(row.entry_id, row.rule_id, row.shown).limit(limit))
    return [KeptChange._make(one) for one in rows]
