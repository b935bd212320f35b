"""Links: cases that belong together."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select

from app.storage.tables import ViolationLinkRow


class KnownLink(NamedTuple):
    """Another case that belongs to one, and why."""

    violation_id: str
    note: str
    linked_by: str
    linked_at: datetime


def _pair(one: str, other: str) -> dict[str, str]:
    first, second = sorted((one, other))
    return {"one_id": first, "other_id": second}


def add(connection: Connection, one: str, other: str, *, note: str, by: str, at: datetime) -> None:
    """Two cases belong together. A unique violation means that somebody said so at this moment."""
    connection.execute(insert(ViolationLinkRow).values(**_pair(one, other), note=note, linked_by=by, linked_at=at))


def of(connection: Connection, violation_id: str) -> list[KnownLink]:
    """The cases that belong to one, first linked first."""
    row = ViolationLinkRow
    rows = connection.execute(
        select(row.one_id, row.other_id, row.note, row.linked_by, row.linked_at)
        .where(or_(row.one_id == violation_id, row.other_id == violation_id))
        .order_by(row.linked_at, row.one_id, row.other_id)
    )
    return [KnownLink(other if one == violation_id else one, note, by, at) for one, other, note, by, at in rows]
