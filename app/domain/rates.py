"""Rates: how many requests somebody may send in a minute, as a bucket that fills up again while they are silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

MINUTE = timedelta(minutes=1)


class Taken(NamedTuple):
    """What became of one request: whether it may go on, how many more may, and after how many seconds one more may."""

    allowed: bool
    left: int
    wait_s: int


@dataclass(slots=True)
class Bucket:
    """So many requests a minute; what was not used in the last minute is there, more is not saved up."""

    a_minute: int
    empty_until: datetime

    @classmethod
    def full(cls, a_minute: int, now: datetime) -> Bucket:
        """A bucket of which nothing was taken yet."""
        return cls(a_minute, now - MINUTE)

    def take(self, now: datetime) -> Taken:
        """One request at a moment."""
        each = MINUTE / self.a_minute
        since = max(self.empty_until, now - MINUTE)
        left = (now - since) // each
        if left < 1:
            return Taken(False, 0, max(1, ceil((since + each - now).total_seconds())))
        self.empty_until = since + each
        return Taken(True, left - 1, 0)
