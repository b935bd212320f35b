"""Dispositions: how cases were decided, which decision stands, and which fell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.storage.database import among
from app.storage.tables import DispositionRow


class KnownDisposition(NamedTuple):
    """One decision, with the sums it was made on in minor units of the rule's currency, or as a count."""

    id: str
    violation_id: str
    outcome: str
    reason_code: str
    corrective_action: str
    note: str
    duplicate_of: str | None
    exemption_id: str | None
    authority: str
    policy_id: str
    giver: str
    counted: int
    aggregate: int
    limit_value: int
    needs_second_person: bool
    decided_by: str
    decided_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    confirmation_note: str | None = None
    fell_at: datetime | None = None
    fell_because: str | None = None


_ALL = select(*(getattr(DispositionRow, column) for column in KnownDisposition._fields))


def add(connection: Connection, made: KnownDisposition) -> None:
    """A new decision; the one that stood before has fallen."""
    values = made._asdict() | {"needs_second_person": int(made.needs_second_person)}
    connection.execute(insert(DispositionRow).values(**values))


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownDisposition]:
    """The decisions that exist among the ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(_ALL.where(among(connection, DispositionRow.id, wanted)))
    found = (KnownDisposition._make(row) for row in rows)
    return {one.id: one._replace(needs_second_person=bool(one.needs_second_person)) for one in found}


def confirm(connection: Connection, disposition_id: str, *, by: str, at: datetime, note: str) -> None:
    """A second person agreed."""
    connection.execute(
        update(DispositionRow)
        .where(DispositionRow.id == disposition_id)
        .values(confirmed_by=by, confirmed_at=at, confirmation_note=note)
    )


def fall(connection: Connection, disposition_ids: Iterable[str], *, at: datetime, because: str) -> None:
    """Decisions that no longer stand."""
    wanted = sorted(set(disposition_ids))
    if wanted:
        connection.execute(
            update(DispositionRow)
            .where(among(connection, DispositionRow.id, wanted), DispositionRow.fell_at.is_(None))
            .values(fell_at=at, fell_because=because)
        )


def of_violation(connection: Connection, violation_id: str) -> list[KnownDisposition]:
    """All decisions of a case, first to last."""
    ids = connection.scalars(select(DispositionRow.id).where(DispositionRow.violation_id == violation_id))
    found = by_id(connection, ids)
    return [found[id] for id in sorted(found)]
