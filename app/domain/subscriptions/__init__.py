"""Subscriptions: what is told by Standard Webhooks 1.0.0, how often it is tried, and how it is signed."""

from app.domain.subscriptions.events import EVENTS, Payload, figures, known_pattern, matches, message, message_of_test
from app.domain.subscriptions.schedule import (
    DELAYS_S,
    DeliveryState,
    Result,
    SubscriptionState,
    is_delivered,
    is_gone,
    next_attempt,
    pause,
)
from app.domain.subscriptions.signing import read_secret, signatures, write_secret

__all__ = [
    "DELAYS_S",
    "EVENTS",
    "DeliveryState",
    "Payload",
    "Result",
    "SubscriptionState",
    "figures",
    "is_delivered",
    "is_gone",
    "known_pattern",
    "matches",
    "message",
    "message_of_test",
    "next_attempt",
    "pause",
    "read_secret",
    "signatures",
    "write_secret",
]
