"""Sheets as files, read back by readers that are not ours: csv, json, openpyxl and, where it is there, LibreOffice."""

from __future__ import annotations

import csv
import gc
import io
import json
import re
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from app.services import sheets
from app.services.sheets import Amount, Column, Format, Kind, Row, Sheet, lines, written

SHEET = Sheet(
    "everything",
    (
        Column("id", heading="Entry"),
        Column("people", Kind.INTEGER),
        Column("total", Kind.MONEY),
        Column("of_limit", Kind.PERCENT),
        Column("occurred_on", Kind.DATE),
        Column("recorded_at", Kind.MOMENT),
    ),
    about=(("Period", "2026-01-01 to 2026-12-31"), ("=cmd", "@SUM(A1)")),
)
MOMENT = datetime(2026, 5, 4, 18, 30, 15, tzinfo=timezone(timedelta(hours=2)))
ROWS: list[Row] = [
    ("ent_1", 2, Amount(346_50, 2, "USD"), Decimal("115.5"), date(2026, 5, 4), MOMENT),
    ('=HYPERLINK("http://evil.test","x")', -1, Amount(-5, 3, "KWD"), Decimal("0.0"), date(1900, 1, 1), MOMENT),
    ('line\nbreak, "quoted" 🎁', 0, Amount(7, 0, "count"), None, None, None),
    (None, None, None, None, None, None),
]
HOSTILE = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", " =1", "'=1", "http://x.test", "{=1}", "=cmd|' /C calc'!A0"]


def file_of(rows: list[Row], form: Format, sheet: Sheet = SHEET) -> bytes:
    return b"".join(written(sheet, rows, form))


def test_a_csv_file_has_a_line_of_names_and_money_beside_its_currency():
    first, *rest = csv.reader(io.StringIO(file_of(ROWS, Format.CSV).decode(), newline=""))
    assert first == ["id", "people", "total", "total_currency", "of_limit", "occurred_on", "recorded_at"]
    assert rest == [
        ["ent_1", "2", "346.50", "USD", "115.5", "2026-05-04", "2026-05-04T16:30:15.000000Z"],
        [
            '\'=HYPERLINK("http://evil.test","x")',
            "-1",
            "-0.005",
            "KWD",
            "0.0",
            "1900-01-01",
            "2026-05-04T16:30:15.000000Z",
        ],
        ['line\nbreak, "quoted" 🎁', "0", "7", "count", "", "", ""],
        [""] * 7,
    ]


def test_json_and_json_lines_say_the_same_and_name_their_columns():
    whole = json.loads(file_of(ROWS, Format.JSON))
    assert whole["about"] == dict(SHEET.about)
    assert whole["columns"][2] == {"name": "total", "kind": "money", "heading": "Total"}
    assert whole["data"][0] == {
        "id": "ent_1",
        "people": 2,
        "total": {"amount": "346.50", "currency": "USD"},
        "of_limit": "115.5",
        "occurred_on": "2026-05-04",
        "recorded_at": "2026-05-04T16:30:15.000000Z",
    }
    assert [json.loads(line) for line in file_of(ROWS, Format.JSONL).splitlines()] == whole["data"]


stamp = datetime.fromisoformat  # spreadsheets have no time zones


def test_an_xlsx_file_has_typed_cells():
    book = load_workbook(io.BytesIO(file_of(ROWS, Format.XLSX)))
    assert book.sheetnames == ["everything", "About"]
    heads, first, second, third = book["everything"].iter_rows(values_only=True)
    assert heads == ("Entry", "People", "Total", "Currency", "Of limit", "Occurred on", "Recorded at")
    assert first == ("ent_1", 2, 346.5, "USD", 1.155, stamp("2026-05-04"), stamp("2026-05-04T16:30:15"))
    assert second[:5] == ('=HYPERLINK("http://evil.test","x")', -1, -0.005, "KWD", 0)
    assert third[:4] == ('line\nbreak, "quoted" 🎁', 0, 7, "count")
    formats = [cell.number_format for cell in book["everything"][2]]
    assert formats == ["General", "0", "#,##0.00", "General", "0.0%", "yyyy-mm-dd", 'yyyy-mm-dd hh:mm:ss" UTC"']
    assert list(book["About"].iter_rows(values_only=True)) == list(SHEET.about)


def test_no_text_is_a_formula_or_a_link_in_an_xlsx_file():
    sheet = Sheet("hostile", (Column("text"),), about=tuple((text, text) for text in HOSTILE))
    made = file_of([(text,) for text in HOSTILE], Format.XLSX, sheet)
    parts = zipfile.ZipFile(io.BytesIO(made))
    assert not [name for name in parts.namelist() if re.search(rb"<f[ />]", parts.read(name))]
    assert not [name for name in parts.namelist() if b"hyperlink" in parts.read(name)]
    book = load_workbook(io.BytesIO(made))
    # The file format escapes a carriage return; this reader leaves that to its caller.
    assert [unescape(cell.value) for (cell,) in book["hostile"].iter_rows(min_row=2)] == HOSTILE
    assert {cell.data_type for page in book for row in page.iter_rows() for cell in row} == {"s"}


def test_no_field_of_a_csv_file_begins_a_formula():
    sheet = Sheet("hostile", (Column("text"), Column("money", Kind.MONEY)))
    rows: list[Row] = [(text, Amount(1, 0, text)) for text in HOSTILE]
    found = list(csv.reader(io.StringIO(file_of(rows, Format.CSV, sheet).decode(), newline="")))[1:]
    assert [
        line[0].removeprefix("'") if line[0] != text else text for line, text in zip(found, HOSTILE, strict=True)
    ] == HOSTILE
    assert not [field for line in found for field in (line[0], line[2]) if field.lstrip()[:1] in set("=+-@＝")]


def test_a_number_of_more_digits_than_a_spreadsheet_keeps_is_text():
    exact, too_long = Amount(999_999_999_999_999, 2, "USD"), Amount(9_999_999_999_999_999, 2, "USD")
    sheet = Sheet("long", (Column("total", Kind.MONEY),))
    book = load_workbook(io.BytesIO(file_of([(exact,), (too_long,)], Format.XLSX, sheet)))
    cells = [row[0] for row in book["long"].iter_rows(min_row=2)]
    assert [(cell.data_type, str(cell.value)) for cell in cells] == [
        ("n", "9999999999999.99"),
        ("s", "99999999999999.99"),
    ]


def test_more_rows_than_a_worksheet_takes_go_on_in_a_further_one(monkeypatch):
    monkeypatch.setattr(sheets, "_ROWS_A_WORKSHEET", 4)
    sheet = Sheet("many", (Column("number", Kind.INTEGER),))
    book = load_workbook(io.BytesIO(file_of([(number,) for number in range(7)], Format.XLSX, sheet)))
    found = {page.title: [row[0] for row in page.iter_rows(values_only=True)] for page in book}
    assert found == {
        "many": ["Number", 0, 1, 2],
        "many (2)": ["Number", 3, 4, 5],
        "many (3)": ["Number", 6],
    }


def test_text_longer_than_a_cell_takes_is_cut_and_says_so():
    sheet = Sheet("long", (Column("text"),))
    book = load_workbook(io.BytesIO(file_of([("x" * 40_000,)], Format.XLSX, sheet)))
    text = book["long"]["A2"].value
    assert (len(text), text[-2:]) == (32_767, "x…")


@pytest.mark.parametrize("form", Format)
def test_a_sheet_without_rows_is_a_file_all_the_same(form):
    made = file_of([], form)
    match form:
        case Format.CSV:
            assert made == b"id,people,total,total_currency,of_limit,occurred_on,recorded_at\r\n"
        case Format.JSON:
            assert json.loads(made)["data"] == []
        case Format.JSONL:
            assert made == b""
        case Format.XLSX:
            assert load_workbook(io.BytesIO(made))["everything"].max_row == 1


def test_documents_of_any_kind_are_lines():
    assert b"".join(lines({"n": n} for n in range(450))).splitlines()[449] == b'{"n":449}'


@pytest.mark.parametrize("form", Format)
def test_a_row_of_another_width_is_our_mistake(form):
    with pytest.raises(ValueError, match="zip"):
        file_of([("ent_1",)], form)


# Memory


def many(rows: int) -> Iterator[Row]:
    for number in range(rows):
        text = f"ent_{number:032x}"
        yield text, number, Amount(number, 2, "USD"), Decimal(number).scaleb(-1), date(2026, 5, 4), MOMENT


def peak(rows: int, form: Format) -> int:
    """The most bytes that writing so many rows has in memory at one time."""
    gc.collect()
    tracemalloc.start()
    try:
        for _ in written(SHEET, many(rows), form):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", Format)
def test_memory_stays_flat_however_many_rows_there_are(form):
    peak(1_000, form)  # what is loaded once
    few, more = peak(5_000, form), peak(25_000, form)
    assert more < few + 100_000, (few, more)


# LibreOffice


@pytest.fixture(scope="module")
def libreoffice() -> str:
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if not found:
        pytest.skip("NO LIBREOFFICE ON THIS MACHINE: that it opens our files is unproven by this run")
    return found


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
def test_libreoffice_opens_it_with_no_formulas(libreoffice: str, tmp_path: Path, form: Format):
    sheet = Sheet("hostile", (Column("text"), Column("total", Kind.MONEY)))
    file = tmp_path / f"hostile.{form.value}"
    file.write_bytes(file_of([(text, Amount(125, 2, "USD")) for text in HOSTILE], form, sheet))
    made = [libreoffice, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", "fods"]
    subprocess.run([*made, "--outdir", str(tmp_path), str(file)], check=True, capture_output=True, timeout=200)
    opened = (tmp_path / "hostile.fods").read_text()
    assert "table:formula" not in opened
    assert opened.count('office:value="1.25"') == len(HOSTILE)
