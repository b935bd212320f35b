"""Calendars: the firm's business days, by the holidays of a market or country."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays
from holidays.registry import EntityLoader

from app.domain.calendars import business_day_after

WEEKENDS_ONLY = "none"
_SATURDAY = 5


class Calendar:
    """The days on which the firm works: not on weekends, and not on the holidays of `name`.

    `name` is a market such as NYSE, a country such as US, or none. Raises ValueError for anything else.
    """

    def __init__(self, name: str) -> None:
        if name != WEEKENDS_ONLY:
            _holidays(name, 2000)
        self.name = name

    def is_closed(self, on: date) -> bool:
        """Whether the firm does not work on a day."""
        return on.weekday() >= _SATURDAY or (self.name != WEEKENDS_ONLY and on in _holidays(self.name, on.year))

    def business_day_after(self, on: date, days: int) -> date:
        """The business day that lies a number of business days after another day."""
        return business_day_after(on, days, self.is_closed)


@cache
def _holidays(name: str, year: int) -> frozenset[date]:
    # The library fills a year while it is asked, which two threads must not see half done; so each year is taken whole.
    # Only the codes: to list what is supported with its regions, the library would load every country there is.
    if name in EntityLoader.get_financial_codes():
        return frozenset(holidays.financial_holidays(name, years=year))
    if name in EntityLoader.get_country_codes():
        return frozenset(holidays.country_holidays(name, years=year))
    raise ValueError(f"{name!r} is neither a market such as NYSE, nor a country such as US, nor {WEEKENDS_ONLY}")
