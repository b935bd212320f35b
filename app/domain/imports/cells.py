"""Cells: what people write into the fields of a spreadsheet, read without guessing."""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo

MOST_IN_A_CELL = 4000
DATE_ORDERS = ("ymd", "mdy", "dmy")
_MONTH_NAMES = (
    ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may",), ("jun", "june"),
    ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"), ("oct", "october"), ("nov", "november"),
    ("dec", "december"),
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names}
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,4})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{1,4})", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.-]+([a-z]{3,9})\.?[\s,-]+(\d{4}|\d{2})", re.ASCII)
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?[\s,-]+(\d{4})", re.ASCII)
_TIME = re.compile(r"[T\s]\s*\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s*([ap]m|z|[+-]\d{2}:?\d{2})?$", re.ASCII | re.I)
_PLAIN = re.compile(r"\d+", re.ASCII)
_YES = frozenset({"yes", "y", "true", "t", "1", "x"})
_NO = frozenset({"no", "n", "false", "f", "0"})


class CellRefused(ValueError):
    """A cell that says nothing that can be relied on. `code` never changes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def tidy(text: str) -> str:
    """A text on one line without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def key(text: str) -> str:
    """A header or a coded value as it is compared: no case, single spaces, no signs at its end."""
    return tidy(text).casefold().strip(" *:#")


def read_day(text: str, order: str | None, zone: tzinfo) -> date:
    """The day that a cell says; `order` is that of day, month and year where they are numbers.

    ISO dates and months in letters need no order. A moment with its zone is the day it was in `zone`. Raises
    CellRefused: `date_ambiguous` for 03/04/2026 where no order is declared, `date_format` for what is no day.
    """
    said = tidy(text)
    moment = _with_zone(said)
    if moment is not None:
        return _moment_day(moment, zone)
    said = _TIME.sub("", said).strip()
    if found := _ISO.fullmatch(said):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMBERS.fullmatch(said):
        return _by_order(found[1], found[2], found[3], order)
    named = said.casefold()
    if found := _DAY_MONTH.fullmatch(named):
        return _day(_year(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_DAY.fullmatch(named):
        return _day(_year(found[3]), _month(found[1]), int(found[2]))
    raise CellRefused("date_format", 'write the day as "2026-05-04", or declare another order in the profile')


def _with_zone(said: str) -> datetime | None:
    if not re.search(r"\d{2}:\d{2}.*(z|[+-]\d{2}:?\d{2})$", said, re.I):
        return None
    try:
        moment = datetime.fromisoformat(said.replace(" ", "T", 1).upper())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _moment_day(moment: datetime, zone: tzinfo) -> date:
    try:
        return moment.astimezone(zone).date()
    except (ValueError, OverflowError):
        raise CellRefused("date_format", "there is no such moment") from None


def _by_order(first: str, second: str, third: str, order: str | None) -> date:
    if len(first) > 2:
        return _day(int(first), int(second), int(third))
    if len(third) not in (2, 4):
        raise CellRefused("date_format", "the year has four digits")
    if order == "ymd":
        return _day(_year(first), int(second), int(third))
    day, month, year = int(first), int(second), _year(third)
    if order == "mdy" or (order is None and month > 12):
        day, month = month, day
    elif order is None and day <= 12 and day != month:
        raise CellRefused("date_ambiguous", f"{first}/{second}: which is the month? Declare date_order in the profile")
    return _day(year, month, day)


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) <= 2 else 0)


def _month(name: str) -> int:
    if name not in _MONTHS:
        raise CellRefused("date_format", "there is no such month")
    return _MONTHS[name]


def _day(year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        raise CellRefused("date_format", "there is no such day in the declared order") from None
    if not 1900 <= year <= 2999:
        raise CellRefused("date_format", "a day of the years 1900 to 2999")
    return found


def read_amount(text: str, mark: str, exponent: int) -> int:
    """Minor units of an amount; negative as -12.00, 12.00- or (12.00). `mark` separates the decimals.

    Thousands may be set apart, three by three, by the other mark, a space or an apostrophe. Raises CellRefused
    `amount_format` for anything else, such as more decimals than the currency has.
    """
    said = tidy(text).replace("\u2212", "-")
    negative = False
    if said.startswith("(") and said.endswith(")"):
        negative, said = True, said[1:-1].strip()
    elif said.startswith("-") or said.endswith("-"):
        negative, said = True, (said[1:] if said.startswith("-") else said[:-1]).strip()
    whole, _, decimals = said.partition(mark)
    grouped = re.split(r"[ ',.\u2019]", whole) if mark not in whole else []
    signs = {letter for letter in whole if not letter.isdigit()}
    well_grouped = len(grouped) == 1 or (
        len(signs) == 1 and 1 <= len(grouped[0]) <= 3 and all(len(part) == 3 for part in grouped[1:])
    )
    digits = "".join(grouped)
    if not well_grouped or not _PLAIN.fullmatch(digits) or len(digits) > 13 or said.endswith(mark):
        raise CellRefused("amount_format", f'write the amount as "1234{mark}50"')
    if decimals and not _PLAIN.fullmatch(decimals):
        raise CellRefused("amount_format", f'write the amount as "1234{mark}50"')
    kept = decimals.rstrip("0")
    if len(kept) > exponent:
        raise CellRefused("amount_format", f"this currency has {exponent} decimals")
    minor: int = int(digits) * 10**exponent + int(kept.ljust(exponent, "0") or "0")
    return -minor if negative else minor


def read_flag(text: str) -> bool:
    """Yes or no. Raises CellRefused `flag_format`."""
    said = key(text)
    if said in _YES or said in _NO:
        return said in _YES
    raise CellRefused("flag_format", "write yes or no")


def read_count(text: str) -> int:
    """A small whole number. Raises CellRefused `count_format`."""
    said = tidy(text)
    if not _PLAIN.fullmatch(said) or len(said) > 4 or int(said) > 1000:
        raise CellRefused("count_format", "write a whole number of at most 1000")
    return int(said)
