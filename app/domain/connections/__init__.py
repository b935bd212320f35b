"""Connections: what systems outside tell us, how they prove that it is they, and what it means."""

from app.domain.connections.mapping import ConnectionMapping
from app.domain.connections.model import (
    ConnectionState,
    Event,
    ExpensePolicy,
    MergePolicy,
    Noun,
    Provider,
    Purpose,
    Raw,
    ReceiptState,
    UnreadableEvent,
    Verb,
)
from app.domain.connections.reading import names_of, read, split
from app.domain.connections.salesforce import ACK, Element, same_organization
from app.domain.connections.texts import UnreadableDelivery
from app.domain.connections.verifying import FLOW_HEADER, USER, Presented, is_authentic

__all__ = [
    "ACK",
    "FLOW_HEADER",
    "USER",
    "ConnectionMapping",
    "ConnectionState",
    "Element",
    "Event",
    "ExpensePolicy",
    "MergePolicy",
    "Noun",
    "Presented",
    "Provider",
    "Purpose",
    "Raw",
    "ReceiptState",
    "UnreadableDelivery",
    "UnreadableEvent",
    "Verb",
    "is_authentic",
    "names_of",
    "read",
    "same_organization",
    "split",
]
