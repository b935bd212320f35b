"""Connections: systems outside that tell us of people, meetings and spending; and what one of their messages says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

Raw = Mapping[str, Any]
Facts = Mapping[str, Any]
NOTHING: Facts = MappingProxyType({})


class Provider(StrEnum):
    """Whose messages a connection takes, and so how they are proved and read."""

    HUBSPOT = "hubspot"
    SALESFORCE = "salesforce"
    SALESFORCE_FLOW = "salesforce_flow"
    DATAVERSE = "dataverse"
    PIPEDRIVE = "pipedrive"
    STANDARD_WEBHOOKS = "standard_webhooks"
    CLOUDEVENTS = "cloudevents"


class ConnectionState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    ENDED = "ended"


class Purpose(StrEnum):
    """What a secret is for: `verify` proves messages that come in, `fetch` opens their system to us."""

    VERIFY = "verify"
    FETCH = "fetch"


class MergePolicy(StrEnum):
    """What becomes of a merge in the other system: an officer is asked, or it is carried out."""

    PROPOSE = "propose"
    APPLY = "apply"


class ExpensePolicy(StrEnum):
    """What becomes of an expense: a draft for the rep to confirm, or an entry at once."""

    DRAFT = "draft"
    ENTRY = "entry"


class ReceiptState(StrEnum):
    """How a message that arrived stands. `erased` ones are of somebody who asked to be forgotten."""

    WAITING = "waiting"
    PROCESSED = "processed"
    IGNORED = "ignored"
    DEAD = "dead"
    ERASED = "erased"


class Noun(StrEnum):
    """What a message is about."""

    CONTACT = "contact"
    ORGANIZATION = "organization"
    MEETING = "meeting"
    EXPENSE = "expense"


class Verb(StrEnum):
    """What happened to it. `stated` is a record as it is at a moment, fetched or sent whole."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    ERASED = "erased"


class Event(NamedTuple):
    """One message, read: what it is about, when that happened there, and what it says.

    `identity` is what two copies of it have alike. Where `ignored` says why, nothing else of it counts. `thin`: it says
    that something happened, and the record has to be fetched. `sequence` orders events of one moment.
    """

    identity: tuple[str, ...]
    noun: Noun | None
    verb: Verb | None
    external_id: str
    occurred_at: datetime
    sequence: int = 0
    fields: Facts = NOTHING
    into: str = ""
    account: str = ""
    thin: bool = False
    ignored: str = ""

    @property
    def kind(self) -> str:
        """Such as `contact.updated`; empty where it is none that we know."""
        return f"{self.noun}.{self.verb}" if self.noun and self.verb else ""


class UnreadableEvent(Exception):
    """An authentic message that does not say what its kind has to say; the sentence says what is missing."""
