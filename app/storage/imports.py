"""Imports: files of expenses with their lines, and the expenses of other systems by their identity there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, delete, func, insert, select, update

from app.storage.database import among, insert_rows
from app.storage.tables import ExpenseRow, ImportLineRow, ImportRow

READING, CHECKING, CHECKED, APPLYING, APPLIED = "reading", "checking", "checked", "applying", "applied"
CANCELLED, FAILED = "cancelled", "failed"
TWICE = "twice_in_file"


class KnownImport(NamedTuple):
    """A file as it stands. `summary` is canonical JSON; `acting_*` is in whose name it is worked on."""

    id: str
    version: int
    state: str
    purpose: str
    profile: str
    profile_version: int
    file_name: str
    file_bytes: int
    file_sha256: str
    lines: int
    checked: int
    applied: int
    summary: str
    operation_id: str | None
    acting_person: str
    acting_role: str
    created_by: str
    created_by_key: str
    idempotency_key: str
    fingerprint: str
    created_at: datetime
    touched_at: datetime


class KnownLine(NamedTuple):
    """One expense of a file. `document` and `notes` are canonical JSON; no document: it could not be read."""

    import_id: str
    position: int
    first_row: int
    last_row: int
    identity: str
    giver: str
    document: str | None
    expected: str | None
    outcome: str | None
    notes: str
    entry_id: str | None


class KnownExpense(NamedTuple):
    """An expense by its identity in its own system: what was last said of it, and what it became here."""

    identity: str
    giver: str
    occurred_on: date
    amount_minor: int
    currency: str
    exponent: int
    document: str
    entry_id: str | None
    entry_version: int | None
    draft_id: str | None
    import_id: str
    seen_at: datetime


class Settled(NamedTuple):
    """What a line came to, or would."""

    position: int
    outcome: str
    notes: str
    entry_id: str | None = None


_IMPORTS = select(*(getattr(ImportRow, column) for column in KnownImport._fields))
_LINES = select(*(getattr(ImportLineRow, column) for column in KnownLine._fields))
_EXPENSES = select(*(getattr(ExpenseRow, column) for column in KnownExpense._fields))


def add(connection: Connection, one: KnownImport) -> None:
    """A new file. A unique violation means that it came under the same key at this moment."""
    connection.execute(insert(ImportRow).values(**one._asdict()))


def keep(connection: Connection, one: KnownImport) -> None:
    """A file as it stands now; the caller holds it."""
    connection.execute(update(ImportRow).where(ImportRow.id == one.id).values(**one._asdict()))


def forget(connection: Connection, import_id: str) -> None:
    """A file that could not be read leaves nothing behind."""
    connection.execute(delete(ImportLineRow).where(ImportLineRow.import_id == import_id))
    connection.execute(delete(ImportRow).where(ImportRow.id == import_id))


def touch(connection: Connection, import_id: str, at: datetime) -> bool:
    """That it is still being read. False where it is not there any more."""
    done = connection.execute(update(ImportRow).where(ImportRow.id == import_id).values(touched_at=at))
    return done.rowcount == 1


def by_id(connection: Connection, import_id: str, *, hold: bool = False) -> KnownImport | None:
    """One file; `hold` locks it."""
    question = _IMPORTS.where(ImportRow.id == import_id)
    row = connection.execute(question.with_for_update() if hold else question).first()
    return KnownImport._make(row) if row else None


def by_key(connection: Connection, created_by_key: str, key: str) -> KnownImport | None:
    """The file that somebody handed in under a key."""
    row = connection.execute(
        _IMPORTS.where(ImportRow.created_by_key == created_by_key, ImportRow.idempotency_key == key)
    ).first()
    return KnownImport._make(row) if row else None


def waiting(connection: Connection) -> list[str]:
    """Files with work left, the one longest untouched first."""
    asked = select(ImportRow.id).where(ImportRow.state.in_([CHECKING, APPLYING]))
    return list(connection.scalars(asked.order_by(ImportRow.touched_at, ImportRow.id)))


def take(connection: Connection, import_id: str, state: str) -> KnownImport | None:
    """A file in a state, held; None where it is in another one or somebody else holds it."""
    row = connection.execute(
        _IMPORTS.where(ImportRow.id == import_id, ImportRow.state == state).with_for_update(skip_locked=True)
    ).first()
    return KnownImport._make(row) if row else None


def listed(
    connection: Connection, *, own: str | None, state: str | None, after: str | None, limit: int
) -> list[KnownImport]:
    """Files, newest first."""
    question = _IMPORTS.where(ImportRow.state != READING)
    if own is not None:
        question = question.where(ImportRow.created_by == own)
    if state is not None:
        question = question.where(ImportRow.state == state)
    if after:
        question = question.where(ImportRow.id < after)
    return [KnownImport._make(row) for row in connection.execute(question.order_by(ImportRow.id.desc()).limit(limit))]


def add_lines(connection: Connection, lines: Sequence[KnownLine]) -> None:
    """Lines of a file."""
    insert_rows(connection, ImportLineRow, KnownLine._fields, lines)


def second_ones(connection: Connection, import_id: str) -> list[int]:
    """Lines whose identity stands further up in the same file."""
    first = (
        select(ImportLineRow.identity, func.min(ImportLineRow.position).label("first"))
        .where(ImportLineRow.import_id == import_id)
        .group_by(ImportLineRow.identity)
        .having(func.count() > 1)
        .subquery()
    )
    again = select(ImportLineRow.position).join(first, first.c.identity == ImportLineRow.identity)
    return list(
        connection.scalars(again.where(ImportLineRow.import_id == import_id, ImportLineRow.position > first.c.first))
    )


def spoil(connection: Connection, import_id: str, positions: Sequence[int], notes: str) -> None:
    """Lines that cannot be taken after all, and why."""
    row = ImportLineRow
    for start in range(0, len(positions), 500):
        some = positions[start : start + 500]
        connection.execute(
            update(row).where(row.import_id == import_id, row.position.in_(some)).values(document=None, notes=notes)
        )


def lines(connection: Connection, import_id: str, *, after: int, limit: int) -> list[KnownLine]:
    """Lines of a file in its order."""
    asked = _LINES.where(ImportLineRow.import_id == import_id, ImportLineRow.position > after)
    return [KnownLine._make(row) for row in connection.execute(asked.order_by(ImportLineRow.position).limit(limit))]


def lines_with(
    connection: Connection, import_id: str, outcome: str | None, *, after: int, limit: int
) -> list[KnownLine]:
    """Lines that came, or would come, to something."""
    asked = _LINES.where(ImportLineRow.import_id == import_id, ImportLineRow.position > after)
    if outcome is not None:
        asked = asked.where(func.coalesce(ImportLineRow.outcome, ImportLineRow.expected) == outcome)
    return [KnownLine._make(row) for row in connection.execute(asked.order_by(ImportLineRow.position).limit(limit))]


def settle(connection: Connection, import_id: str, settled: Sequence[Settled], *, expected: bool) -> None:
    """What lines came to, or (`expected`) would come to."""
    if not settled:
        return
    row = ImportLineRow
    by_position: dict[str, Any] = {"notes": {one.position: one.notes for one in settled}}
    by_position["outcome"] = {one.position: one.outcome for one in settled}
    values: dict[str, Any] = {
        "notes": case(by_position["notes"], value=row.position, else_=row.notes),
        "expected" if expected else "outcome": case(by_position["outcome"], value=row.position, else_=None),
    }
    if not expected:
        values["entry_id"] = case({one.position: one.entry_id for one in settled}, value=row.position, else_=None)
    first, last = settled[0].position, settled[-1].position
    connection.execute(
        update(row).where(row.import_id == import_id, row.position.between(first, last)).values(**values)
    )


def expenses(connection: Connection, identities: Iterable[str], *, hold: bool = True) -> dict[str, KnownExpense]:
    """Expenses by identity; held, in order, where something is about to become of them."""
    asked = _EXPENSES.where(among(connection, ExpenseRow.identity, identities)).order_by(ExpenseRow.identity)
    rows = connection.execute(asked.with_for_update() if hold else asked)
    return {row.identity: KnownExpense._make(row) for row in rows}


def add_expenses(connection: Connection, found: Sequence[KnownExpense]) -> None:
    """Expenses that were not known, in the order of their identities: two imports must not wait for each other."""
    ordered = sorted(found, key=lambda one: one.identity)
    insert_rows(connection, ExpenseRow, KnownExpense._fields, ordered)


def change_expense(connection: Connection, one: KnownExpense) -> None:
    """An expense as it stands now; the caller holds it."""
    connection.execute(update(ExpenseRow).where(ExpenseRow.identity == one.identity).values(**one._asdict()))


def of_entries(connection: Connection, entry_ids: Iterable[str]) -> dict[str, str]:
    """The imports that entries came with, by entry."""
    rows = connection.execute(
        select(ExpenseRow.entry_id, ExpenseRow.import_id).where(among(connection, ExpenseRow.entry_id, entry_ids))
    )
    return {str(row.entry_id): row.import_id for row in rows}


def expenses_between(
    connection: Connection, first: date, last: date, *, giver: str | None, limit: int
) -> list[KnownExpense]:
    """Expenses of some days, in order of giver and day."""
    asked = _EXPENSES.where(ExpenseRow.occurred_on.between(first, last))
    if giver is not None:
        asked = asked.where(ExpenseRow.giver == giver)
    ordered = asked.order_by(ExpenseRow.giver, ExpenseRow.occurred_on, ExpenseRow.identity).limit(limit)
    return [KnownExpense._make(row) for row in connection.execute(ordered)]


def open_expenses(connection: Connection, giver: str, first: date, last: date) -> list[KnownExpense]:
    """Somebody's expenses of some days that no entry came of yet."""
    row = ExpenseRow
    asked = _EXPENSES.where(row.giver == giver, row.occurred_on.between(first, last), row.entry_id.is_(None))
    return [
        KnownExpense._make(one) for one in connection.execute(asked.order_by(row.occurred_on, row.identity).limit(20))
    ]


def outcome_counts(connection: Connection, import_id: str) -> dict[str, int]:
    """How many lines came, or would come, to what."""
    outcome = func.coalesce(ImportLineRow.outcome, ImportLineRow.expected)
    rows = connection.execute(
        select(outcome, func.count())
        .where(ImportLineRow.import_id == import_id, outcome.is_not(None))
        .group_by(outcome)
    )
    return {str(name): int(count) for name, count in rows}
