"""Reconciliations: who has expenses or entries in a span of days, and which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select, union

from app.domain.reconciliations import Paid
from app.storage.database import among
from app.storage.tables import EntryRow, ExpenseRow

_PAID_BY_US = (EntryRow.direction == "given", EntryRow.standing == "live")


def givers(
    connection: Connection, first: date, last: date, *, own: str | None, after: str | None, limit: int
) -> list[str]:
    """Everybody who has an expense or gave something between two days, by name."""
    spent = select(ExpenseRow.giver.label("giver")).where(ExpenseRow.occurred_on.between(first, last))
    gave = select(EntryRow.giver.label("giver")).where(EntryRow.occurred_on.between(first, last), *_PAID_BY_US)
    both = union(spent, gave).subquery()
    asked = select(both.c.giver)
    if own is not None:
        asked = asked.where(both.c.giver == own)
    found = sorted(connection.scalars(asked))
    return [giver for giver in found if after is None or giver > after][:limit]


def expenses(connection: Connection, first: date, last: date, people: Sequence[str]) -> dict[str, list[Paid]]:
    """The expenses of people between two days."""
    row = ExpenseRow
    found: dict[str, list[Paid]] = {giver: [] for giver in people}
    asked = select(row.giver, row.identity, row.occurred_on, row.amount_minor, row.currency, row.entry_id)
    for giver, *said in connection.execute(
        asked.where(among(connection, row.giver, people), row.occurred_on.between(first, last))
    ):
        found[giver].append(Paid._make(said))
    return found


def entries(connection: Connection, first: date, last: date, people: Sequence[str]) -> dict[str, list[Paid]]:
    """What people gave between two days, as far as it still counts."""
    row = EntryRow
    found: dict[str, list[Paid]] = {giver: [] for giver in people}
    asked = select(row.giver, row.id, row.occurred_on, row.total_minor, row.currency)
    for giver, *said in connection.execute(
        asked.where(among(connection, row.giver, people), row.occurred_on.between(first, last), *_PAID_BY_US)
    ):
        found[giver].append(Paid._make([*said, None]))
    return found
