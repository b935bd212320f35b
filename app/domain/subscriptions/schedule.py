"""When a message is tried again: ten attempts over three days, spread a little, so that no two meet for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple


class SubscriptionState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    ENDED = "ended"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Result(NamedTuple):
    """What came of one attempt: an HTTP status, or a word for why there is none."""

    status: int | None
    error: str | None = None
    retry_after_s: int | None = None


# Before each attempt. Source: Standard Webhooks 1.0.0, the example of a retry schedule; 75.6 hours in all.
DELAYS_S = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
_SPREAD_PERMILLE = 100
_LONGEST_PAUSE_S = 24 * 3600
_SLOW_DOWN = (429, 502, 503, 504)
_GONE = 410


def is_delivered(result: Result) -> bool:
    """Any 2xx. A redirect is a failure, since it is never followed."""
    return result.status is not None and 200 <= result.status < 300


def is_gone(result: Result) -> bool:
    """The receiver says that it wants nothing more, ever."""
    return result.status == _GONE


def next_attempt(delivery_id: str, made: int, now: datetime, result: Result) -> datetime | None:
    """When to try again after `made` failed attempts, or None where that was the last one.

    The delay is 90 to 110 % of the schedule's, by the delivery and the attempt, and never before the receiver's
    Retry-After.
    """
    if made >= len(DELAYS_S) or is_gone(result):
        return None
    spread = int.from_bytes(sha256(f"{delivery_id}:{made}".encode()).digest()[:4], "big")
    permille = 1000 - _SPREAD_PERMILLE + spread % (2 * _SPREAD_PERMILLE + 1)
    delay = timedelta(seconds=DELAYS_S[made]) * permille // 1000
    return now + max(delay, pause(result))


def pause(result: Result) -> timedelta:
    """How long the receiver asks for rest; at most a day, and nothing unless it says so with a status of overload."""
    if result.status not in _SLOW_DOWN or result.retry_after_s is None:
        return timedelta()
    return timedelta(seconds=min(max(result.retry_after_s, 0), _LONGEST_PAUSE_S))
