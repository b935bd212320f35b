"""Erasures: after its time is over, what was said and of whom goes; what was counted stays.

The sums of a person's history reach over many years, so an entry keeps its day, its amounts and its facts: every proof
can still be worked out. What it was for, where, and every remark about it go, and so does the person's name.

Source: FINRA Rule 4511(b) and MSRB Rule G-9 ask for six years.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

FLOOR_YEARS = 6
"""No setting goes below this."""

ERASED = "(erased)"
"""What is read where there was text."""

_WORDS = ("purpose", "venue")


def last_day(today: date, years: int) -> date:
    """The last day whose records have been kept for so many whole years today."""
    if years < FLOOR_YEARS:
        raise ValueError(f"records are kept for {FLOOR_YEARS} years at least")
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)


def without_words(document: Mapping[str, Any]) -> dict[str, Any]:
    """An entry's version with what it counts and without what it says."""
    return {**document, **{word: ERASED for word in _WORDS if document.get(word)}}
