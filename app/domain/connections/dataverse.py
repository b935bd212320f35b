"""Microsoft Dataverse (Dynamics 365): the execution context of one change, with the changed columns only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.connections.model import Event, Noun, Raw, UnreadableEvent, Verb
from app.domain.connections.texts import items, members, moment, text

_NOUNS = {"contact": Noun.CONTACT, "account": Noun.ORGANIZATION, "appointment": Noun.MEETING}
_VERBS = {
    "Create": Verb.CREATED,
    "Update": Verb.UPDATED,
    "SetState": Verb.UPDATED,
    "SetStateDynamicEntity": Verb.UPDATED,
    "Delete": Verb.DELETED,
    "Merge": Verb.MERGED,
}
CUT = "x-ms-dynamics-msg-size-exceeded"
FIELDS: Mapping[Noun, Mapping[str, str]] = {
    Noun.CONTACT: {
        "fullname": "name",
        "firstname": "first_name",
        "lastname": "last_name",
        "emailaddress1": "email",
        "telephone1": "phone",
        "parentcustomerid": "organization_id",
        "ownerid": "owner",
    },
    Noun.ORGANIZATION: {"name": "name"},
    Noun.MEETING: {
        "subject": "title",
        "scheduledstart": "starts_at",
        "location": "place",
        "ownerid": "owner",
        "requiredattendees": "attendees",
    },
}


def split(value: Any, headers: Mapping[str, str]) -> list[Raw]:
    """The one change. `cut` says that the body had passed 256 KB and lost what it was about."""
    return [{**members(value), "cut": CUT in headers}]


def read(raw: Raw) -> Event:
    """One change. Raises UnreadableEvent."""
    message, id = text(raw.get("MessageName")), text(raw.get("PrimaryEntityId")).strip("{}").lower()
    occurred_at = moment(raw.get("OperationCreatedOn"))
    if not message or not id or occurred_at is None:
        raise UnreadableEvent("MessageName, PrimaryEntityId or OperationCreatedOn is missing")
    identity = (*(text(raw.get(name)) for name in ("OrganizationId", "OperationId", "MessageName")), id)
    noun, verb = _NOUNS.get(text(raw.get("PrimaryEntityName"))), _VERBS.get(message)
    event = Event(identity, noun, verb, id, occurred_at, account=text(raw.get("OrganizationId")))
    if noun is None or verb is None:
        return event._replace(ignored="unknown_kind")
    inputs = _pairs(raw.get("InputParameters"))
    if verb is Verb.MERGED:
        return _merge(event, inputs)
    target = members(inputs.get("Target"))
    fields = {name: _plain(value) for name, value in _pairs(target.get("Attributes")).items()}
    modified = moment(fields.get("modifiedon"))
    thin = raw.get("cut") is True and verb is not Verb.DELETED
    return event._replace(fields=fields, thin=thin, occurred_at=modified or occurred_at)


def _merge(event: Event, inputs: Mapping[str, Any]) -> Event:
    """The target stays; SubordinateId went into it."""
    into = text(members(inputs.get("Target")).get("Id")).lower() or event.external_id
    gone = text(inputs.get("SubordinateId")).lower()
    if not gone or gone == into:
        raise UnreadableEvent("a merge names its SubordinateId")
    return event._replace(external_id=into, into=into, fields={"merged": [gone]})


def _pairs(value: Any) -> dict[str, Any]:
    """A list of {key, value} as an object."""
    return {text(one.get("key")): one.get("value") for one in items(value) if isinstance(one, dict)}


def _plain(value: Any) -> Any:
    """A reference as its id, an option or an amount as its value, parties as references; anything else as it is."""
    if isinstance(value, dict):
        if "Id" in value and "LogicalName" in value and "Attributes" not in value:
            return text(value["Id"]).lower()
        return value.get("Value", value)
    return value
