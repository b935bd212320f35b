"""The scalars of the wire: text, ids, days, money and flags, each with one definition of what is accepted."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.domain.money import Currency, format_minor, parse_minor
from app.services.packs import exponent

_TEXT = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_JOINERS = frozenset("\u200c\u200d")  # some scripts are not written without them
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


_IDENTIFIER = r"^[a-z][a-z0-9_]{0,63}$"
_EMAIL = r"^[^@\s<>\"]{1,64}@[^@\s<>\"]{1,189}$"
_AMOUNT = r"^[0-9]{1,13}(\.[0-9]{1,4})?$"
_CURRENCY = r"^[A-Z]{3}$"
PATTERNS = {
    _IDENTIFIER: 'write small letters, digits and underscores, such as "institutional_employee"',
    _EMAIL: 'write an address such as "dana@northgate.com"',
    _AMOUNT: 'write the amount as a string such as "125.00", with no sign and at most 13 digits before the point',
    _CURRENCY: 'write the code of the currency in capital letters, such as "USD"',
}
"""What is asked for by each pattern, in words for whoever wrote something else."""


class In(BaseModel):
    """What comes in: nothing that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable(text: str) -> str:
    if _UNSEEN.search(text):
        raise PydanticCustomError("unreadable_text", "control characters are not accepted")
    if not any(map(_visible, text)):
        raise PydanticCustomError("blank_text", "write something, or leave the field out")
    return text


def _visible(letter: str) -> bool:
    return letter not in _BLANK_LETTERS and unicodedata.category(letter)[0] in "LNPS"


def _name(text: str) -> str:
    if not any(letter.isalnum() and letter not in _BLANK_LETTERS for letter in text):
        raise PydanticCustomError("no_name", "a name has a letter or a digit")
    if any(unicodedata.category(letter) == "Cf" and letter not in _JOINERS for letter in text):
        raise PydanticCustomError("invisible_text", "a name holds nothing that cannot be seen")
    return text


def read_fact(value: Any) -> bool | str:
    """A fact: true, false, or text. Raises a ValueError that pydantic shows for anything else."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or not 1 <= len(value) <= _TEXT:
        raise PydanticCustomError("fact_format", "write true, false, or a text of at most 200 characters")
    return _readable(value)


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,4}", value):
        raise PydanticCustomError("digits", "write a number of digits only")
    return value


def read_day(value: Any) -> date:
    """A day from its ISO string. Raises a ValueError that pydantic shows for anything else."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day_format", 'write the day as a string such as "2026-03-30"')
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day_format", "there is no such day") from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise PydanticCustomError("day_out_of_range", "a day of the years 1900 to 2999")
    return day


def read_moment(value: Any) -> datetime:
    """A moment from RFC 3339 text with its zone. Raises a ValueError that pydantic shows for anything else."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise PydanticCustomError("moment_format", 'write the moment with its zone, such as "2026-03-30T12:00:00Z"')
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment_format", "there is no such moment") from None
    # At the ends of the calendar a moment has no day in other time zones.
    if not _FIRST_DAY <= moment.date() <= _LAST_DAY:
        raise PydanticCustomError("moment_out_of_range", "a moment of the years 1900 to 2999")
    return moment


Text = Annotated[str, StringConstraints(min_length=1, max_length=_TEXT), AfterValidator(_readable)]
Name = Annotated[Text, AfterValidator(_name)]
Fact = Annotated[
    bool | str,
    BeforeValidator(read_fact),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "minLength": 1, "maxLength": _TEXT}]}),
]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_readable)]
Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=_EMAIL), AfterValidator(_readable)]
Day = Annotated[date, BeforeValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Amount = Annotated[
    str,
    StringConstraints(pattern=_AMOUNT),
    Field(description="a decimal string in the currency's unit", examples=["125.00"]),
]
CurrencyCode = Annotated[str, StringConstraints(pattern=_CURRENCY), Field(examples=["USD"])]
Limit = Annotated[
    int,
    BeforeValidator(_digits),
    Field(ge=1, le=200, description="most items on a page"),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 200, "description": "most items on a page"}),
]
Cursor = Annotated[
    str,
    StringConstraints(max_length=1000, pattern=r"^[A-Za-z0-9_-]+$"),
    Field(description="`next_cursor` of the page before"),
]


class MoneyIn(In):
    """An amount in its currency."""

    amount: Amount
    currency: CurrencyCode


class MoneyOut(BaseModel):
    """An amount in its currency."""

    amount: str
    currency: str


def currency_of(code: str) -> Currency:
    """The ISO 4217 currency of a code. Raises ValueError where there is none."""
    digits = exponent(code)
    if digits is None:
        raise ValueError("not an ISO 4217 currency")
    return Currency(code, digits)


def minor(text: str, currency: Currency) -> int:
    """Minor units of an amount. Raises ValueError where it has more decimals than the currency."""
    return parse_minor(text, currency.exponent)


def money(amount: int, currency: Currency) -> dict[str, str]:
    """Money as it goes out."""
    return {"amount": format_minor(amount, currency.exponent), "currency": currency.code}
