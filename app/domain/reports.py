"""Reports: what their rows add up to, what they are in one digest, and how two of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.audit import canonical, iso
from app.domain.sheets import Amount, Cell, Column, Row


class Total(NamedTuple):
    """The sum of a column over all rows, per unit; whole numbers have the unit `count`."""

    column: str
    amount: Amount


def percent(part: int, whole: int) -> Decimal | None:
    """A part in percent to one decimal, rounded down so that what is under a limit never looks as if it were on it."""
    return Decimal(part * 1000 // whole).scaleb(-1) if whole else None


def twice_median(counted: Mapping[int, int]) -> int | None:
    """Twice the middle of whole numbers given as how often each occurs: of two middles, their sum. None of nothing."""
    number = sum(counted.values())
    if not number:
        return None
    low, high, seen, middles = (number - 1) // 2, number // 2, 0, list[int]()
    for value in sorted(counted):
        middles += [value for place in (low, high) if seen <= place < seen + counted[value]]
        seen += counted[value]
    return sum(middles)


class Tally:
    """Counts, adds up and digests rows on their way, so that no report is ever held as a whole."""

    def __init__(self, columns: Sequence[Column], adding: Iterable[str]) -> None:
        self.rows = 0
        self._sums: dict[tuple[int, str, int], int] = {}
        self._names = [column.name for column in columns]
        self._adding = sorted(self._names.index(name) for name in adding)
        self._digest = hashlib.sha256()

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each counted once."""
        for row in rows:
            self.rows += 1
            self._digest.update(f"{canonical(said(row))}\n".encode())
            for place in self._adding:
                self._add(place, row[place])
            yield row

    def _add(self, place: int, cell: Cell) -> None:
        if cell is None:
            return
        one = cell if isinstance(cell, Amount) else Amount(int(str(cell)), 0, "count")
        key = (place, one.unit, one.exponent)
        self._sums[key] = self._sums.get(key, 0) + one.minor

    @property
    def totals(self) -> list[Total]:
        """The sums so far, in the order of the columns and then of units."""
        return [
            Total(self._names[place], Amount(minor, exponent, unit))
            for (place, unit, exponent), minor in sorted(self._sums.items())
        ]

    @property
    def digest(self) -> str:
        """SHA-256 in hex over all rows so far: the same for the same rows, whatever the format."""
        return self._digest.hexdigest()


def said(row: Row) -> list[object]:
    """The one way a row is written: amounts with their unit, days and moments in ISO 8601."""
    return [_said(cell) for cell in row]


def _said(cell: Cell) -> object:
    match cell:
        case Amount():
            return f"{cell} {cell.unit}"
        case datetime():
            return iso(cell)
        case date():
            return cell.isoformat()
        case Decimal():
            return str(cell)
    return cell


class Difference(NamedTuple):
    """A row that two reports do not share, by its key; `before` or `after` is None where only one of them has it."""

    key: tuple[object, ...]
    before: list[object] | None
    after: list[object] | None


def differences(
    before: Iterable[Sequence[object]], after: Iterable[Sequence[object]], key: Sequence[int]
) -> list[Difference]:
    """Where two reports differ, by rows as `said`: first what is no longer there, then what changed or is new."""
    old = {tuple(row[place] for place in key): list(row) for row in before}
    new = []
    for row in after:
        name = tuple(row[place] for place in key)
        was, now = old.pop(name, None), list(row)
        if was != now:
            new.append(Difference(name, was, now))
    return [*(Difference(name, was, None) for name, was in old.items()), *new]
