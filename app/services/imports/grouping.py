"""Grouping: the rows that belong to one expense, put together on disk, so that the length of a file does not matter."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from app.domain.imports import ATTENDEE, Layout, Profile, Row, RowFault, key
from app.domain.refusals import Fault, Unprocessable
from app.services.imports import tables
from app.services.imports.tables import FileUnreadable, Table, TableRow

_HEADER_WITHIN = 20


class ColumnsMissing(Unprocessable):
    code = "columns_missing"
    title = "The file has not the columns of the profile"


class Group(NamedTuple):
    """The rows of one expense, or the fault of a row that cannot be read."""

    rows: Sequence[Row]
    fault: RowFault | None = None


class _Columns:
    """Where the canonical columns stand in a table."""

    def __init__(self, header: TableRow, profile: Profile) -> None:
        places: dict[str, int] = {}
        for place, name in enumerate(header.cells):
            places.setdefault(key(name), place)
        self.width = len(header.cells)
        self.by_name = {
            column: next(places[name] for name in names if name in places)
            for column, names in profile.columns.items()
            if any(name in places for name in names)
        }

    def row(self, row: TableRow) -> Row | RowFault:
        """A row by canonical columns; one that is wider than its header has slipped."""
        if any(cell.strip() for cell in row.cells[self.width :]):
            return RowFault(row.number, "", "too_many_cells", "this row has more cells than the header")
        cells = {
            column: text
            for column, place in self.by_name.items()
            if place < len(row.cells) and (text := row.cells[place].strip())
        }
        return Row(row.number, cells)


def groups(path: Path, profile: Profile, scratch: Path) -> Iterator[Group]:
    """Every expense of a file, in the order in which they begin. `scratch` is a folder for a file of our own.

    Raises FileUnreadable, FileTooRich and ColumnsMissing.
    """
    kind = tables.kind_of(path)
    with closing(_Shelf(scratch / "rows.db")) as shelf:
        if kind == "json":
            yield from _of_records(path, profile, shelf)
            return
        with tables.opened(path, kind, encoding=profile.encoding, delimiter=profile.delimiter) as found:
            if profile.layout is Layout.JOINED:
                yield from _joined(found, profile, shelf)
            else:
                if not found:
                    raise FileUnreadable("There is no table in the file")
                yield from _put_together(_rows(found[0], profile, _needed(profile)), profile, shelf)


class _Shelf:
    """Rows put down on disk under a key, to be taken up again in the order of their keys' first rows."""

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file, isolation_level=None)
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute("PRAGMA journal_mode=OFF")
        self._base.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, grp TEXT, number INTEGER, cells TEXT)")
        self._base.execute("CREATE INDEX by_grp ON rows (grp, seq)")
        self._base.execute("BEGIN")

    def put(self, group: str, row: Row) -> None:
        self._base.execute(
            "INSERT INTO rows (grp, number, cells) VALUES (?, ?, ?)", (group, row.number, json.dumps(row.cells))
        )

    def take(self, group: str) -> list[Row]:
        """The rows under a key, which are gone then."""
        found = self._base.execute("SELECT number, cells FROM rows WHERE grp = ? ORDER BY seq", (group,)).fetchall()
        if found:
            self._base.execute("DELETE FROM rows WHERE grp = ?", (group,))
        return [Row(number, json.loads(cells)) for number, cells in found]

    def all(self) -> Iterator[list[Row]]:
        """Every key's rows."""
        keys = self._base.execute("SELECT grp FROM rows GROUP BY grp ORDER BY MIN(seq)")
        for (group,) in keys:
            asked = "SELECT number, cells FROM rows WHERE grp = ? ORDER BY seq"
            yield [Row(number, json.loads(cells)) for number, cells in self._base.execute(asked, (group,))]

    def close(self) -> None:
        self._base.close()


def _needed(profile: Profile) -> list[str]:
    needed = ["occurred_on", "amount"]
    if profile.layout is not Layout.EXPENSE:
        needed.append("source_expense_id")
    needed += [] if "currency" in profile.defaults else ["currency"]
    needed += [] if "expense_kind" in profile.defaults else ["expense_kind"]
    return needed


def _rows(table: Table, profile: Profile, needed: Sequence[str]) -> Iterator[Row | RowFault]:
    """The rows below the header, which is the first row with all the columns that are needed."""
    columns, best, seen = None, set(needed), 0
    for row in table.rows:
        if columns is None:
            tried = _Columns(row, profile)
            lacking = set(needed) - tried.by_name.keys()
            best = min(best, lacking, key=len)
            columns = None if lacking else tried
            seen += 1
            if columns is None and seen >= _HEADER_WITHIN:
                break
            continue
        yield columns.row(row)
    if columns is None:
        raise ColumnsMissing(
            "No row of the file is a header that this profile knows",
            [Fault("", f"no_{name}", f"{name}: {' or '.join(profile.columns.get(name, ()))}") for name in sorted(best)],
        )


def _group_key(row: Row) -> str:
    expense = row.cells.get("source_expense_id", "")
    return json.dumps([expense, row.cells.get("source_line_id", "")]) if expense else f"row {row.number}"


def _put_together(rows: Iterator[Row | RowFault], profile: Profile, shelf: _Shelf) -> Iterator[Group]:
    for row in rows:
        if isinstance(row, RowFault):
            yield Group((), row)
        elif profile.layout is Layout.EXPENSE:
            yield Group([row])
        else:
            shelf.put(_group_key(row), row)
    yield from map(Group, shelf.all())


def _joined(found: Sequence[Table], profile: Profile, shelf: _Shelf) -> Iterator[Group]:
    """Expenses of one table with the attendees of the other."""
    if len(found) < 2:
        raise FileUnreadable("This profile joins two tables: a workbook with two sheets, or a zip of two CSV files")
    wanted = key(profile.attendee_sheet)
    second = next((table for table in found if wanted and wanted in key(table.name)), found[1])
    first = next(table for table in found if table is not second)
    by_line = False
    for row in _rows(second, profile, ["source_expense_id"]):
        if isinstance(row, RowFault):
            yield Group((), row)
            continue
        by_line = by_line or "source_line_id" in row.cells
        shelf.put(_join_key(row, by_line), row)
    for row in _rows(first, profile, _needed(profile)):
        if isinstance(row, RowFault):
            yield Group((), row)
        else:
            yield Group(_with_attendees(row, shelf.take(_join_key(row, by_line))))
    for rows in shelf.all():
        detail = "no expense of the file has this id"
        yield Group((), RowFault(rows[0].number, "source_expense_id", "attendee_of_no_expense", detail))


def _join_key(row: Row, by_line: bool) -> str:
    expense = row.cells.get("source_expense_id", "")
    return json.dumps([expense, row.cells.get("source_line_id", "") if by_line else ""])


def _with_attendees(expense: Row, attendees: Sequence[Row]) -> list[Row]:
    own = {column: text for column, text in expense.cells.items() if column not in ATTENDEE}
    whole = {column: text for column, text in expense.cells.items() if column in ATTENDEE}
    besides = [*attendees, Row(expense.number, whole)] if whole and attendees else attendees
    beside = [
        Row(expense.number, own | {column: text for column, text in row.cells.items() if column in ATTENDEE})
        for row in besides
    ]
    return beside or [expense]


def _of_records(path: Path, profile: Profile, shelf: _Shelf) -> Iterator[Group]:
    rows = _rows_of_records(path, profile)
    if profile.layout is not Layout.JOINED:
        yield from _put_together((row for group in rows for row in group), profile, shelf)
        return
    for group in rows:
        faults = [row for row in group if isinstance(row, RowFault)]
        yield Group((), faults[0]) if faults else Group([row for row in group if isinstance(row, Row)])


def _rows_of_records(path: Path, profile: Profile) -> Iterator[list[Row | RowFault]]:
    for record in tables.records(path):
        if record.fault is not None:
            yield [record.fault]
            continue
        expense = Row(record.number, _named(record.cells, profile))
        attendees = [Row(record.number, _named(one, profile)) for one in record.attendees]
        yield [*_with_attendees(expense, attendees)] if attendees else [expense]


def _named(cells: Mapping[str, str], profile: Profile) -> dict[str, str]:
    by_header = {key(name): text.strip() for name, text in cells.items() if text.strip()}
    return {
        column: by_header[name]
        for column, names in profile.columns.items()
        for name in [next((name for name in names if name in by_header), "")]
        if name
    }
