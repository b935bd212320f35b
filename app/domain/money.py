"""Money as whole minor units: reading, writing, converting and dividing without a single float."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,4})?", re.ASCII)
_RATE = re.compile(r"\d{1,9}(\.\d{1,12})?", re.ASCII)


class Currency(NamedTuple):
    """An ISO 4217 code with the number of decimals of its minor unit."""

    code: str
    exponent: int


class Rate(NamedTuple):
    """An exact exchange rate: `numerator / 10 ** scale` units of the rules' currency for one of the entry's."""

    numerator: int
    scale: int

    def __str__(self) -> str:
        return format_minor(self.numerator, self.scale)


def parse_minor(text: str, exponent: int) -> int:
    """Minor units of a decimal string. ValueError for anything but digits with at most `exponent` decimals."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError("write it as a decimal string such as '125.00'")
    whole, _, decimals = text.partition(".")
    if len(decimals.rstrip("0")) > exponent:
        raise ValueError(f"at most {exponent} decimals")
    return int(whole + decimals[:exponent].ljust(exponent, "0"))


def format_minor(minor: int, exponent: int) -> str:
    """The decimal string of an amount in minor units; always with all of the currency's decimals."""
    if exponent == 0:
        return str(minor)
    sign, digits = ("-", str(-minor)) if minor < 0 else ("", str(minor))
    digits = digits.rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def parse_rate(text: str) -> Rate:
    """A rate from its decimal string. ValueError unless it is a positive decimal of at most 12 decimals."""
    if not _RATE.fullmatch(text) or Decimal(text) == 0:
        raise ValueError("write the rate as a positive decimal string such as '1.0842'")
    whole, _, decimals = text.partition(".")
    return Rate(int(whole + decimals), len(decimals))


def convert(minor: int, source: Currency, target: Currency, rate: Rate) -> int:
    """An amount in another currency, rounded half up to its minor unit."""
    scaled: int = minor * rate.numerator * 10**target.exponent
    divisor: int = 10 ** (rate.scale + source.exponent)
    return (2 * scaled + divisor) // (2 * divisor)


def divide(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts in proportion to `weights` that add back to the total; spare units go to the first-listed."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    spare = total - sum(parts)
    for place, weight in enumerate(weights):
        if spare == 0:
            break
        if weight:
            parts[place] += 1
            spare -= 1
    return parts
