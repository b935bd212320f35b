"""Calendars: counting the days on which the firm works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

_ONE_DAY = timedelta(days=1)
_LONGEST_CLOSURE = 31


def business_day_after(on: date, days: int, is_closed: Callable[[date], bool]) -> date:
    """The business day that lies `days` business days after another day.

    The day itself counts none, whether the firm works on it or not: of a Saturday and the Friday before it, the next
    business day is the same Monday. With 0 days it is the day itself. Raises ValueError where the firm never works.
    """
    for _ in range(days):
        on = _next_open(on, is_closed)
    return on


def _next_open(on: date, is_closed: Callable[[date], bool]) -> date:
    for ahead in range(1, _LONGEST_CLOSURE + 1):
        day = on + ahead * _ONE_DAY
        if not is_closed(day):
            return day
    raise ValueError(f"no business day within {_LONGEST_CLOSURE} days after {on}")
