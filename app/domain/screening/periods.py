"""Periods: which days add up with a day, and when the allowance starts anew."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from app.domain.policies import Period, PeriodType

_DAY = timedelta(days=1)
_LONGEST_REACH = timedelta(days=366)


class Span(NamedTuple):
    """The days that add up, both included."""

    start: date
    end: date


@lru_cache(maxsize=4096)
def span(period: Period, on: date) -> Span:
    """The days whose entries add up with an entry of that day.

    A year of `first_gift_year` depends on the gifts themselves: see `judging`. Here its span is the longest it can be.
    """
    match period.type:
        case PeriodType.CALENDAR_YEAR:
            return Span(date(on.year, 1, 1), date(on.year, 12, 31))
        case PeriodType.FISCAL_YEAR:
            start = date(on.year - (on.month < period.start_month), period.start_month, 1)
            return Span(start, year_end(start))
        case PeriodType.ROLLING_365D:
            return Span(on - timedelta(days=364), on)
        case PeriodType.ROLLING_12M:
            return Span(_year_before(on) + _DAY, on)
        case PeriodType.PER_EVENT:
            return Span(on, on)
        case PeriodType.FIRST_GIFT_YEAR:
            return Span(date.min, year_end(on))


def reach(period: Period, on: date) -> date:
    """A day after which no entry's total can depend on an entry of this day."""
    match period.type:
        case PeriodType.CALENDAR_YEAR | PeriodType.FISCAL_YEAR:
            return span(period, on).end
        case PeriodType.PER_EVENT:
            return on
        case PeriodType.FIRST_GIFT_YEAR:
            return date.max
        case _:
            return on + min(_LONGEST_REACH, date.max - on)


def year_end(start: date) -> date:
    """The last day of 12 months that open on `start`; those from 29 February end with 28 February of the next year."""
    if start.year == date.max.year:
        return date.max
    if (start.month, start.day) == (2, 29):
        return date(start.year + 1, 2, 28)
    return start.replace(year=start.year + 1) - _DAY


def _year_before(on: date) -> date:
    """The same day 12 months earlier; a day that is missing there becomes the month's last."""
    return on.replace(year=on.year - 1, day=min(on.day, monthrange(on.year - 1, on.month)[1]))
