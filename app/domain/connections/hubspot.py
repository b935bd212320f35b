"""HubSpot: batches of thin events, the classic ones (`contact.creation`) and the generic ones (`object.creation`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.connections.model import Event, Noun, Raw, UnreadableEvent, Verb
from app.domain.connections.texts import items, members, moment, text

_NOUNS = {"contact": Noun.CONTACT, "company": Noun.ORGANIZATION}
_OBJECTS = {"0-1": Noun.CONTACT, "0-2": Noun.ORGANIZATION, "0-47": Noun.MEETING}
_VERBS = {
    "creation": Verb.CREATED,
    "propertyChange": Verb.UPDATED,
    "deletion": Verb.DELETED,
    "restore": Verb.RESTORED,
    "merge": Verb.MERGED,
    "privacyDeletion": Verb.ERASED,
    "associationChange": Verb.UPDATED,
}
FIELDS: Mapping[Noun, Mapping[str, str]] = {
    Noun.CONTACT: {
        "firstname": "first_name",
        "lastname": "last_name",
        "email": "email",
        "phone": "phone",
        "company": "organization",
        "associatedcompanyid": "organization_id",
        "hubspot_owner_id": "owner",
    },
    Noun.ORGANIZATION: {"name": "name"},
    Noun.MEETING: {
        "hs_meeting_title": "title",
        "hs_meeting_start_time": "starts_at",
        "hs_meeting_location": "place",
        "hubspot_owner_id": "owner",
        "hs_activity_type": "activity",
        "attendees": "attendees",
    },
}
_HIDDEN = "REDACTED"


def split(value: Any) -> list[Raw]:
    """The events of a batch."""
    return [members(one) for one in items(value)]


def read(raw: Raw) -> Event:
    """One event. Raises UnreadableEvent."""
    kind, object_id = text(raw.get("subscriptionType")), text(raw.get("objectId"))
    occurred_at = moment(raw.get("occurredAt"))
    if not kind or occurred_at is None:
        raise UnreadableEvent("subscriptionType or occurredAt is missing")
    about, _, happened = kind.partition(".")
    noun = _OBJECTS.get(text(raw.get("objectTypeId"))) if about == "object" else _NOUNS.get(about)
    verb = _VERBS.get(happened)
    told = ("portalId", "subscriptionType", "objectId", "eventId", "occurredAt", "propertyName")
    identity = tuple(text(raw.get(name), 400) for name in (*told, "fromObjectId", "toObjectId"))
    event = Event(identity, noun, verb, object_id, occurred_at, account=text(raw.get("portalId")))
    if noun is None or verb is None:
        return event._replace(ignored="unknown_kind")
    return _with_more(event, happened, raw)


def _with_more(event: Event, happened: str, raw: Raw) -> Event:
    if happened == "merge":
        return _merge(event, raw)
    if happened == "associationChange":
        return _association(event, raw)
    if not event.external_id:
        raise UnreadableEvent("objectId is missing")
    if happened == "propertyChange":
        return _property(event, raw)
    return event._replace(thin=event.verb in (Verb.CREATED, Verb.RESTORED))


def _property(event: Event, raw: Raw) -> Event:
    name, value = text(raw.get("propertyName")), raw.get("propertyValue")
    if value == _HIDDEN:
        return event._replace(ignored="redacted")
    return event._replace(fields={name: text(value, 2000)} if name else {})


def _merge(event: Event, raw: Raw) -> Event:
    """The record that lives on is `newObjectId`; the others, the primary one among them, are now that one."""
    primary = text(raw.get("primaryObjectId")) or event.external_id
    into = text(raw.get("newObjectId")) or primary
    merged = [id for one in (*items(raw.get("mergedObjectIds")), primary) if (id := text(one)) and id != into]
    if not into or not merged:
        raise UnreadableEvent("a merge names the record that stays and those that went into it")
    return event._replace(external_id=into, into=into, fields={"merged": sorted(set(merged))[:100]}, thin=True)


def _association(event: Event, raw: Raw) -> Event:
    kind, own, other = (text(raw.get(name)) for name in ("associationType", "fromObjectId", "toObjectId"))
    if kind != "CONTACT_TO_COMPANY" or not own or not other:
        return event._replace(ignored="unknown_kind")
    if raw.get("associationRemoved") is True:
        return event._replace(ignored="association_removed")
    return event._replace(external_id=own, fields={"associatedcompanyid": other})
