"""Connections: what systems outside tell us, how they prove that it is they, and what it means."""

from app.domain.connections.counterparts import (
    UNHEARD_OF,
    Contact,
    Counterpart,
    attendees_of,
    contact_of,
    first_day,
    fold,
    mentioned,
    readable,
    stamp_of,
    went_into,
    without_names,
    written,
)
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
    "UNHEARD_OF",
    "USER",
    "ConnectionMapping",
    "ConnectionState",
    "Contact",
    "Counterpart",
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
    "attendees_of",
    "contact_of",
    "first_day",
    "fold",
    "is_authentic",
    "mentioned",
    "names_of",
    "read",
    "readable",
    "same_organization",
    "split",
    "stamp_of",
    "went_into",
    "without_names",
    "written",
]
