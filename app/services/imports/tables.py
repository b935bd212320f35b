"""Tables: the rows of a file, whatever its form. Nothing here needs more memory for a longer CSV or JSON Lines file."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, XmlError, ZipError

from app.domain.imports import RowFault
from app.domain.refusals import Unprocessable

MOST_COLUMNS, MOST_CELLS, LONGEST_LINE = 500, 10_000_000, 1_000_000
_MOST_UNPACKED = 256 * 1024 * 1024
_MOST_MEMBERS = 1000
_XLSX_ROWS = 200_000
_DELIMITERS = (",", ";", "\t", "|")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{1,4})?([0-9]{1,9})["']""")


class FileUnreadable(Unprocessable):
    code = "file_unreadable"
    title = "The file cannot be read"


class FileTooRich(Unprocessable):
    code = "file_too_rich"
    title = "The file unpacks to more than is read"


class TableRow(NamedTuple):
    """One row: its number in its table, and its cells as text by their place; or why it cannot be read."""

    number: int
    cells: Sequence[str]
    fault: RowFault | None = None


class Table(NamedTuple):
    """One table of a file by name; objects of JSON Lines come with their own headers, row by row."""

    name: str
    rows: Iterator[TableRow]


class Record(NamedTuple):
    """One object of JSON Lines, flattened, with the objects in its list of attendees."""

    number: int
    cells: Mapping[str, str]
    attendees: Sequence[Mapping[str, str]]
    fault: RowFault | None = None


def kind_of(path: Path) -> str:
    """csv, json, xlsx or zip, by what stands at the beginning. Raises FileUnreadable for what is none of them."""
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK\x03\x04"):
        with _archive(path) as archive:
            return "xlsx" if "xl/workbook.xml" in archive.namelist() else "zip"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "csv"
    if b"\x00" in start:
        raise FileUnreadable("Send CSV, XLSX, JSON Lines, or a zip of two CSV files")
    return "json" if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{" else "csv"


@contextmanager
def opened(path: Path, kind: str, *, encoding: str, delimiter: str | None) -> Iterator[list[Table]]:
    """The tables of a file. Raises FileUnreadable or FileTooRich, also while rows are read."""
    if kind == "xlsx":
        yield _sheets(path)
    elif kind == "zip":
        with _archive(path) as archive:
            yield [
                Table(Path(info.filename).stem.casefold(), _csv(archive.open(info), encoding, delimiter))
                for info in archive.infolist()
                if not info.is_dir() and info.filename.casefold().endswith((".csv", ".txt"))
            ]
    else:
        with path.open("rb") as file:
            yield [Table("", _csv(file, encoding, delimiter))]


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            _require_modest(archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FileUnreadable("The archive is broken, encrypted, or packed in an unusual way") from error


def _require_modest(archive: zipfile.ZipFile) -> None:
    """Unpacks everything once, as it really is and not as the directory says, and stops where it is too much."""
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise FileTooRich(f"An archive may have {_MOST_MEMBERS} members")
    room = _MOST_UNPACKED
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileUnreadable("Send the archive without a password, packed in the usual way")
        size = _real_size(archive, member, room)
        if size != member.file_size:
            raise FileUnreadable("The archive says of itself what is not so")
        room -= size


def _real_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> int:
    file = archive.fp
    if file is None:
        raise FileUnreadable("The archive is broken")
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) < 30:
        raise FileUnreadable("The archive is broken")
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    left, size = member.compress_size, 0
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(65_536, left))):
        left -= len(packed)
        while packed:
            size += len(inflate.decompress(packed, 1 << 20)) if inflate else len(packed)
            packed = inflate.unconsumed_tail if inflate else b""
            if size > room:
                raise FileTooRich(f"The file unpacks to more than {_MOST_UNPACKED} bytes")
    return size


# XLSX


def _sheets(path: Path) -> list[Table]:
    _require_small_sheets(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        return [Table(name.casefold(), _sheet(book, name)) for name in book.sheet_names[:20]]
    except (CalamineError, PasswordError, XmlError, ZipError, ValueError, OSError) as error:
        raise FileUnreadable("The workbook cannot be read") from error


def _require_small_sheets(path: Path) -> None:
    """A sheet is held whole, as a rectangle: one cell far out would make it immense."""
    with _archive(path) as archive:
        for member in archive.infolist():
            if not member.filename.casefold().startswith("xl/worksheets/"):
                continue
            width, height = _extent(archive.open(member))
            if height > _XLSX_ROWS or width > MOST_COLUMNS or width * height > MOST_CELLS:
                raise FileTooRich(f"A sheet may have {_XLSX_ROWS} rows and {MOST_COLUMNS} columns; save it as CSV")


def _extent(file: IO[bytes]) -> tuple[int, int]:
    width, height, rest = 1, 1, b""
    while piece := file.read(1 << 20):
        text = rest + piece
        for letters, digits in _REFERENCE.findall(text):
            height = max(height, int(digits))
            width = max(width, _column(letters)) if letters else width
        rest = text[-64:]
    return width, height


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _sheet(book: Any, name: str) -> Iterator[TableRow]:
    try:
        sheet = book.get_sheet_by_name(name)
        first = (sheet.start or (0, 0))[0]
        for number, row in enumerate(sheet.iter_rows(), first + 1):
            yield TableRow(number, [_text(cell) for cell in row])
    except (CalamineError, XmlError, ZipError, ValueError, OSError) as error:
        raise FileUnreadable(f"The sheet {name[:50]!r} cannot be read") from error


def _text(cell: object) -> str:
    """A cell as a person would have typed it: whole numbers without a fraction, days as ISO."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time_of_day() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time_of_day | timedelta):
        return str(cell)
    return _number(Decimal(repr(cell)))


def _number(number: Decimal) -> str:
    if not number.is_finite() or number.adjusted() > 20:
        return "not a number"
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


# CSV


def _csv(file: IO[bytes], encoding: str, delimiter: str | None) -> Iterator[TableRow]:
    """Rows of a CSV file; those that are empty are left out."""
    chosen = _encoding(file, encoding)
    lines = _Lines(file, chosen)
    try:
        first = lines.peek()
        reader = csv.reader(lines, delimiter=delimiter or max(_DELIMITERS, key=first.count), strict=True)
        while True:
            begins = lines.number + 1
            row = next(reader, None)
            if row is None:
                return
            if len(row) > MOST_COLUMNS:
                raise FileUnreadable(f"Row {begins} has more than {MOST_COLUMNS} cells")
            if any(cell.strip() for cell in row):
                yield TableRow(begins, row)
    except csv.Error as error:
        raise FileUnreadable(f"The CSV cannot be read near row {lines.number}: {error}") from error
    except UnicodeError as error:
        raise FileUnreadable(f"Near row {lines.number + 1} stands what is no text in {chosen}") from error


class _Lines:
    """Decoded lines of a file, none longer than LONGEST_LINE, with the number of the last one given."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding, newline="")
        self._ahead = ""
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def peek(self) -> str:
        """The next line, which is given again."""
        self._ahead = self._text.readline(LONGEST_LINE + 1)
        return self._ahead

    def __next__(self) -> str:
        line, self._ahead = self._ahead or self._text.readline(LONGEST_LINE + 1), ""
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST_LINE:
            raise FileUnreadable(f"Row {self.number} has more than {LONGEST_LINE} characters")
        if "\x00" in line:
            raise FileUnreadable(f"Row {self.number} holds what is no text")
        return line


def _encoding(file: IO[bytes], asked: str) -> str:
    """How the bytes are to be read: by their mark, as asked, or UTF-8 where all of it is, else cp1252."""
    start = file.read(4)
    file.seek(0)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if asked != "auto":
        return asked
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8"


# JSON Lines


def records(path: Path) -> Iterator[Record]:
    """The objects of a JSON Lines file, one a line; a line that is none is a fault of its row."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise FileUnreadable(f"Line {number} has more than {LONGEST_LINE} bytes")
            if line.strip():
                yield _record(number, line)


def _record(number: int, line: bytes) -> Record:
    try:
        value = json.loads(line.decode("utf-8-sig"), parse_float=_plain, parse_int=_plain, parse_constant=_no_constant)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        attendees = value.pop("attendees", None)
        if isinstance(attendees, list) and all(isinstance(one, dict) for one in attendees):
            return Record(number, _flat(value), [_flat(one) for one in attendees[:500]])
        if attendees is not None:
            value["attendees"] = attendees
        return Record(number, _flat(value), [])
    except (ValueError, ArithmeticError, RecursionError):
        return Record(number, {}, [], RowFault(number, "", "not_json", "this line is not one JSON object in UTF-8"))


def _plain(text: str) -> str:
    if len(text) > 40:
        raise ValueError("too long")
    return _number(Decimal(text))


def _no_constant(_text: str) -> str:
    raise ValueError("not a number")


def _flat(value: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, str]:
    if depth > 5:
        raise ValueError("too deep")
    found: dict[str, str] = {}
    for name, one in value.items():
        if isinstance(one, dict):
            found |= _flat(one, f"{before}{name}.", depth + 1)
        elif isinstance(one, list):
            found[before + name] = "\n".join(_whole(item) for item in one)
        elif one is not None:
            found[before + name] = _whole(one)
    if len(found) > MOST_COLUMNS:
        raise ValueError("too many members")
    return found


def _whole(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        raise ValueError("a list of lists")
    value.encode()  # half a character is no text
    return value.replace("\x00", " ")
