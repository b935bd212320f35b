"""A report as a PDF: one template for all, to which everything is handed as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import typst

from app.domain.audit import iso
from app.domain.refusals import Unprocessable
from app.domain.reports import Tally, Total
from app.domain.sheets import Amount, Cell, Column, Kind, Row, Sheet

MOST_ROWS = 5000
_TEMPLATE = Path(__file__).with_name("template.typ").read_bytes()
_NUMBERS = {Kind.INTEGER, Kind.MONEY, Kind.PERCENT}
_WIDEST, _NARROWEST, _LOOKED_AT = 26, 5, 200


class TooLongToPrint(Unprocessable):
    code = "too_long_to_print"
    title = "The report is too long for a PDF"


def printed(sheet: Sheet, title: str, about: str, rows: Iterable[Row], tally: Tally, moment: datetime) -> bytes:
    """The PDF. Raises TooLongToPrint beyond MOST_ROWS rows; the other formats have no such limit."""
    texts = [[_text(cell) for cell in row] for row in islice(rows, MOST_ROWS + 1)]
    if len(texts) > MOST_ROWS:
        raise TooLongToPrint(f"A PDF holds {MOST_ROWS} rows at most: take CSV or XLSX, or a shorter period")
    report = {
        "title": title,
        "about": about,
        "facts": [list(fact) for fact in sheet.about],
        "headings": [column.words for column in sheet.columns],
        "widths": _widths(sheet.columns, texts),
        "numbers": [column.kind in _NUMBERS for column in sheet.columns],
        "rows": texts,
        "totals": [_total(sheet.columns, one) for one in tally.totals],
        "footer": f"{title}: {tally.rows} rows, SHA-256 of the rows {tally.digest}",
    }
    made: bytes = typst.compile(
        _TEMPLATE, format="pdf", sys_inputs={"report": json.dumps(report)}, timestamp=int(moment.timestamp())
    )
    return made


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Amount():
            return f"{cell} {cell.unit}"
        case datetime():
            return iso(cell)[:16].replace("T", " ")
        case date():
            return cell.isoformat()
        case Decimal():
            return f"{cell} %"
    return _breakable(str(cell))


def _breakable(text: str) -> str:
    """Ids and other long words may go on in the next line at any place."""
    return " ".join(
        "\u200b".join(word[at : at + 8] for at in range(0, len(word), 8)) if len(word) > 12 else word
        for word in text.split(" ")
    )


def _widths(columns: Sequence[Column], texts: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column is beside the others, from what stands in it."""
    found = []
    for place, column in enumerate(columns):
        longest = max((len(row[place]) for row in texts[:_LOOKED_AT]), default=0)
        found.append(min(max(longest, len(column.words) // 2, _NARROWEST), _WIDEST))
    return found


def _total(columns: Sequence[Column], total: Total) -> list[str]:
    words = next(column.words for column in columns if column.name == total.column)
    unit = "" if total.amount.unit == "count" else f" {total.amount.unit}"
    return [words, f"{total.amount}{unit}"]
