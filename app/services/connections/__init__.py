"""Connections: managed by administrators, proved when they tell something, and told back what became of it."""

from app.services.connections.managing import (
    ConnectionChanged,
    ConnectionNotFound,
    KnownConnection,
    KnownConnectionSecret,
    Said,
    SecretNotUsable,
    SecretRequired,
    change,
    check_urls,
    create,
    end,
    get,
    listed,
    note_replay,
    rotate,
    secrets_of,
    url_of,
)
from app.services.connections.processing import Clerk
from app.services.connections.receiving import NotProved, Taken, greet, receive
from app.services.connections.testing import Check, look

__all__ = [
    "Check",
    "Clerk",
    "ConnectionChanged",
    "ConnectionNotFound",
    "KnownConnection",
    "KnownConnectionSecret",
    "NotProved",
    "Said",
    "SecretNotUsable",
    "SecretRequired",
    "Taken",
    "change",
    "check_urls",
    "create",
    "end",
    "get",
    "greet",
    "listed",
    "look",
    "note_replay",
    "receive",
    "rotate",
    "secrets_of",
    "url_of",
]
