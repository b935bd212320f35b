"""Sheets as files: CSV, XLSX, JSON and JSON Lines from typed columns and rows, with flat memory however many rows.

A report or an export says what its columns are and gives its rows one by one; nobody else writes such files:

    sheet = Sheet("late-entries", (Column("entry_id"), Column("occurred_on", Kind.DATE), Column("total", Kind.MONEY)))
    rows = ((one.id, one.occurred_on, Amount.of(one.total, one.currency)) for one in found)
    pieces = sheets.written(sheet, rows, Format.CSV)    # an iterator of bytes: for a file, or for app.api.sheets

- CSV: UTF-8, CRLF, a line of names first; money in two columns, `total` and `total_currency`; days and moments in ISO
  form, moments in UTC; percent as a plain number; text that a spreadsheet could take for a formula gets a `'` in front.
- XLSX: numbers, days and moments are such cells with a format, the currency stands in the column beside; text is text
  and never a formula or a link; what has more digits than a spreadsheet keeps is text, too. More rows than a worksheet
  takes go on in a further one. Facts about the whole stand in a worksheet "About".
- JSON: `{"about": {…}, "columns": [{"name", "kind", "heading"}], "data": [{…}]}`; money is `{"amount", "currency"}`.
- JSON Lines: one object of `data` a line. `lines` writes any documents so, for lists that have their own JSON.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any

import orjson

from app.domain.audit import iso
from app.domain.sheets import Amount as Amount
from app.domain.sheets import Cell as Cell
from app.domain.sheets import Column as Column
from app.domain.sheets import Kind as Kind
from app.domain.sheets import Row as Row
from app.domain.sheets import Sheet as Sheet
from app.domain.sheets import harmless
from app.domain.sheets import share_of as share_of

_PIECE = 65_536
_ROWS_A_PIECE = 200
_ROWS_A_WORKSHEET = 1_048_576  # with the heading, as the file format has it
_LONGEST_TEXT = 32_767
_MOST_DIGITS = 15
_WIDTHS = {Kind.TEXT: 24, Kind.INTEGER: 10, Kind.MONEY: 14, Kind.PERCENT: 10, Kind.DATE: 12, Kind.MOMENT: 20}


class Format(StrEnum):
    """A kind of file."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


def written(sheet: Sheet, rows: Iterable[Row], form: Format) -> Iterator[bytes]:
    """The file, piece by piece. The rows are taken one at a time and not kept."""
    match form:
        case Format.CSV:
            return _csv(sheet, rows)
        case Format.XLSX:
            return _xlsx(sheet, rows)
        case Format.JSON:
            return _json(sheet, rows)
        case Format.JSONL:
            return lines(_document(sheet.columns, row) for row in rows)


def lines(documents: Iterable[Any]) -> Iterator[bytes]:
    """Documents as JSON Lines."""
    left = iter(documents)
    while some := list(islice(left, _ROWS_A_PIECE)):
        yield b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in some)


# CSV


def _csv(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([name for column in sheet.columns for name in column.names])
    left = iter(rows)
    while some := list(islice(left, _ROWS_A_PIECE)):
        writer.writerows(
            [field for cell, column in _pairs(sheet, row) for field in _fields(cell, column)] for row in some
        )
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _pairs(sheet: Sheet, row: Row) -> Iterator[tuple[Cell, Column]]:
    return zip(row, sheet.columns, strict=True)


def _fields(cell: Cell, column: Column) -> tuple[str, ...]:
    match cell:
        case None:
            return ("",) * len(column.names)
        case Amount():
            return (str(cell), harmless(cell.unit))
        case str():
            return (harmless(cell),)
    return (_plain(cell),)


def _plain(cell: int | Decimal | date | datetime) -> str:
    if isinstance(cell, datetime):
        return iso(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


# JSON


def _json(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    columns = [{"name": one.name, "kind": one.kind.value, "heading": one.words} for one in sheet.columns]
    head = orjson.dumps({"about": dict(sheet.about), "columns": columns})
    yield head[:-1] + b',"data":['
    left, between = iter(rows), b""
    while some := list(islice(left, _ROWS_A_PIECE)):
        yield between + b",".join(orjson.dumps(_document(sheet.columns, row)) for row in some)
        between = b","
    yield b"]}"


def _document(columns: tuple[Column, ...], row: Row) -> dict[str, Any]:
    return {column.name: _value(cell) for column, cell in zip(columns, row, strict=True)}


def _value(cell: Cell) -> Any:
    match cell:
        case Amount():
            return {"amount": str(cell), "currency": cell.unit}
        case Decimal() | date():
            return _plain(cell)
    return cell


# XLSX


def _xlsx(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    from xlsxwriter import Workbook  # type: ignore[import-untyped] # a process that writes no workbook need not hold it

    with tempfile.TemporaryFile() as file:
        # constant_memory: a row is written to disk when the next one begins.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as book:
            _Book(book, sheet).fill(rows)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


class _Book:
    """A workbook being filled, from top to bottom."""

    def __init__(self, book: Any, sheet: Sheet) -> None:
        self._book, self._sheet = book, sheet
        self._heading = book.add_format({"bold": True, "bottom": 1})
        self._formats: dict[str, Any] = {}

    def fill(self, rows: Iterable[Row]) -> None:
        """All rows, in as many worksheets as they need; at least one, though it is empty."""
        left, number = iter(rows), 1
        page = self._begun(number)
        place = 1
        for row in left:
            if place == _ROWS_A_WORKSHEET:
                number, place = number + 1, 1
                page = self._begun(number)
            self._write(page, place, row)
            place += 1
        if self._sheet.about:
            self._tell()

    def _begun(self, number: int) -> Any:
        title = self._sheet.name[:25] + (f" ({number})" if number > 1 else "")
        page = self._book.add_worksheet(title)
        page.freeze_panes(1, 0)
        place = 0
        for column in self._sheet.columns:
            heads = (column.words, "Currency")[: len(column.names)]
            for width, head in zip((_WIDTHS[column.kind], 9), heads, strict=False):
                page.set_column(place, place, width)
                page.write_string(0, place, head, self._heading)
                place += 1
        return page

    def _tell(self) -> None:
        page = self._book.add_worksheet("About")
        page.set_column(0, 1, 40)
        for place, (name, fact) in enumerate(self._sheet.about):
            self._write_text(page, place, 0, name)
            self._write_text(page, place, 1, fact)

    def _write(self, page: Any, line: int, row: Row) -> None:
        place = 0
        for cell, column in _pairs(self._sheet, row):
            self._write_cell(page, line, place, cell)
            if isinstance(cell, Amount):
                self._write_text(page, line, place + 1, cell.unit)
            place += len(column.names)

    def _write_cell(self, page: Any, line: int, place: int, cell: Cell) -> None:
        match cell:
            case None:
                return
            case str():
                self._write_text(page, line, place, cell)
            case Amount():
                form = "#,##0" + ("." + "0" * cell.exponent if cell.exponent else "")
                self._write_number(page, line, place, Decimal(cell.minor).scaleb(-cell.exponent), form)
            case int():
                self._write_number(page, line, place, Decimal(cell), "0")
            case Decimal():
                self._write_number(page, line, place, cell.scaleb(-2), "0.0%")
            case datetime():
                moment = cell.astimezone(UTC).replace(tzinfo=None)
                page.write_datetime(line, place, moment, self._format('yyyy-mm-dd hh:mm:ss" UTC"'))
            case _:
                page.write_datetime(line, place, cell, self._format("yyyy-mm-dd"))

    def _write_number(self, page: Any, line: int, place: int, number: Decimal, form: str) -> None:
        if len(number.as_tuple().digits) > _MOST_DIGITS:
            self._write_text(page, line, place, str(number))
        else:
            page.write_number(line, place, number, self._format(form))

    def _write_text(self, page: Any, line: int, place: int, text: str) -> None:
        page.write_string(line, place, text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…")

    def _format(self, form: str) -> Any:
        if form not in self._formats:
            self._formats[form] = self._book.add_format({"num_format": form})
        return self._formats[form]
