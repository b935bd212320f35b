"""Deliveries: what is committed becomes messages, and messages are sent until they arrive or are dead."""

from app.services.deliveries.asking import (
    DeliveryNotFound,
    SubscriptionStopped,
    attempts,
    listed,
    replay,
    replay_since,
    standing,
    test,
)
from app.services.deliveries.fanning_out import fan_out, repeat, something_to_make
from app.services.deliveries.sending import Courier
from app.storage.deliveries import Attempt, DeliveryFilter, KnownDelivery
from app.storage.subscriptions import KnownReplay

__all__ = [
    "Attempt",
    "Courier",
    "DeliveryFilter",
    "DeliveryNotFound",
    "KnownDelivery",
    "KnownReplay",
    "SubscriptionStopped",
    "attempts",
    "fan_out",
    "listed",
    "repeat",
    "replay",
    "replay_since",
    "something_to_make",
    "standing",
    "test",
]
