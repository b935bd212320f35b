"""Sheets: typed columns and what stands in their cells, whatever file they are written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from app.domain.money import Currency, format_minor

_FORMULAS = tuple("=+-@\t\r\n'＝＋－＠")


class Kind(StrEnum):
    """What a column holds, and so how it is written in each kind of file."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    PERCENT = "percent"
    DATE = "date"
    MOMENT = "moment"


class Amount(NamedTuple):
    """Minor units of a currency, or a count of something: `unit` is the ISO 4217 code, or what is counted."""

    minor: int
    exponent: int
    unit: str

    @classmethod
    def of(cls, minor: int, currency: Currency) -> Amount:
        """Money."""
        return cls(minor, currency.exponent, currency.code)

    def __str__(self) -> str:
        return format_minor(self.minor, self.exponent)


# By kind: str, int, Amount, Decimal (115.5 is 115.5 %), date, datetime with its zone; or None for an empty cell.
Cell: TypeAlias = str | int | Amount | Decimal | date | datetime | None
Row: TypeAlias = Sequence[Cell]


class Column(NamedTuple):
    """A column: its name for programs, what it holds, and its heading for people (default: the name in words)."""

    name: str
    kind: Kind = Kind.TEXT
    heading: str = ""

    @property
    def words(self) -> str:
        """The heading."""
        return self.heading or self.name.replace("_", " ").capitalize()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it takes in a flat file: money stands beside its currency."""
        return (self.name, f"{self.name}_currency") if self.kind is Kind.MONEY else (self.name,)


class Sheet(NamedTuple):
    """What a table of rows is: a name for the file, its columns, and facts about the whole, such as its period."""

    name: str
    columns: tuple[Column, ...]
    about: tuple[tuple[str, str], ...] = ()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: what could begin one, or already stands so, gets a `'` in front.

    A reader who takes one leading `'` away has the text back.
    """
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULAS) else text


def share_of(part: int, whole: int) -> Decimal | None:
    """What a part is of a whole, in percent with one decimal, rounded half up; None of nothing.

    Both are in the same unit and not negative.
    """
    if whole <= 0:
        return None
    return Decimal((2 * part * 1000 + whole) // (2 * whole)).scaleb(-1)
