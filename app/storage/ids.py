"""Ids and the order of record: opaque, unique, and rising in the order in which one process made them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Sequencer:
    """Gives numbers that rise: microseconds of the wall clock, but always above everything it or a subject has seen.

    A hybrid logical clock: under a subject's lock the next number is above the subject's last one, whatever the clocks
    of several processes say, so the order of record never depends on a clock that was stepped back.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = 0
        self._lock = threading.Lock()

    def next(self, above: int = 0) -> int:
        """A number above `above` and above every number given so far."""
        with self._lock:
            self._last = max(place_at(self._clock()), self._last + 1, above + 1)
            return self._last

    def saw(self, place: int) -> None:
        """Whatever is numbered from now on comes after this."""
        with self._lock:
            self._last = max(self._last, place)


def place_at(moment: datetime) -> int:
    """The place in the order of record that a moment stands for: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_at(place: int) -> datetime:
    """The moment that a place in the order of record stands for."""
    return _EPOCH + place * _MICROSECOND


def new_id(prefix: str) -> str:
    """An opaque id such as `ent_0192…`: a version 7 UUID (RFC 9562) in hex behind the noun's prefix."""
    moment = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    number = (moment << 80) | tail
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return f"{prefix}_{number:032x}"
