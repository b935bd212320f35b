"""Reading imports: how they stand, line by line, and the result as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.services.imports.deciding import ImportNotFound, may_see
from app.storage import imports as rows
from app.storage.database import Database
from app.storage.imports import KnownImport, KnownLine

_AT_ONCE = 1000
RESULT_COLUMNS = (
    "line", "first_row", "last_row", "outcome", "column", "code", "detail", "entry_id", "rep", "creates", "violations",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def get(connection: Connection, principal: Principal, import_id: str) -> KnownImport:
    """One import. Raises ImportNotFound, alike for absent and not theirs."""
    one = rows.by_id(connection, import_id)
    if one is None or one.state == rows.READING or not may_see(principal, one):
        raise ImportNotFound("There is no such import")
    return one


def listed(
    connection: Connection, principal: Principal, *, state: str | None, after: str | None, limit: int
) -> list[KnownImport]:
    """Imports, newest first; without the right to read all, one's own. Raises RoleForbids."""
    own = None
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        own = principal.person
    return rows.listed(connection, own=own, state=state, after=after, limit=limit)


def lines(
    connection: Connection, principal: Principal, import_id: str, *, outcome: str | None, after: int, limit: int
) -> list[KnownLine]:
    """Lines of an import in the order of its file. Raises ImportNotFound."""
    get(connection, principal, import_id)
    return rows.lines_with(connection, import_id, outcome, after=after, limit=limit)


def result(database: Database, import_id: str) -> Iterator[str]:
    """The result as CSV, a thousand lines at a time; one row per line, or per fault where it has several."""
    yield _csv([RESULT_COLUMNS])
    after = 0
    while True:
        with database.reading() as connection:
            some = rows.lines(connection, import_id, after=after, limit=_AT_ONCE)
        if not some:
            return
        after = some[-1].position
        yield _csv([row for line in some for row in _result_rows(line)])


def _result_rows(line: KnownLine) -> Iterator[Sequence[object]]:
    notes = json.loads(line.notes)
    outcome = line.outcome or (f"would be {line.expected}" if line.expected else "waiting")
    where = [line.position, line.first_row, line.last_row, outcome]
    creates = "; ".join(f"{name} ({firm})" if firm else name for name, firm, _ in notes.get("creates", []))
    opened = "; ".join(f"{one['rule_id']}: {one['over_by']} {one['unit']} over" for one in notes.get("violations", []))
    for fault in notes.get("faults") or [[line.first_row, "", "", notes.get("skipped", "")]]:
        row, column, code, detail = fault
        first = row or line.first_row
        yield [where[0], first, *where[2:], column, code, detail, line.entry_id or "", line.giver, creates, opened]


def _csv(found: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_safe(cell) for cell in row] for row in found])
    return text.getvalue()


def _safe(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
