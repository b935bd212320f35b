"""Rates: one process's count of who asks how often. Several processes count each for itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime

from app.domain.rates import Bucket, Taken

_MOST = 10_000


class Rates:
    """A bucket for everybody who asked lately; whoever asked longest ago is forgotten first."""

    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, who: Hashable, now: datetime) -> Taken:
        """One request of somebody."""
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket.full(self.a_minute, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
        return bucket.take(now)
