"""Pipedrive webhooks v2: one change with the whole record as it is after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.connections.model import Event, Noun, Raw, UnreadableEvent, Verb
from app.domain.connections.texts import items, members, moment, text

_NOUNS = {"person": Noun.CONTACT, "organization": Noun.ORGANIZATION, "activity": Noun.MEETING}
_VERBS = {"create": Verb.CREATED, "change": Verb.UPDATED, "delete": Verb.DELETED}
FIELDS: Mapping[Noun, Mapping[str, str]] = {
    Noun.CONTACT: {
        "name": "name",
        "email": "email",
        "phone": "phone",
        "org_id": "organization_id",
        "owner_id": "owner",
    },
    Noun.ORGANIZATION: {"name": "name"},
    Noun.MEETING: {
        "subject": "title",
        "starts_at": "starts_at",
        "location": "place",
        "owner_id": "owner",
        "participants": "attendees",
        "type": "activity",
    },
}


def split(value: Any) -> list[Raw]:
    """The one change."""
    return [members(value)]


def read(raw: Raw) -> Event:
    """One change. Raises UnreadableEvent."""
    meta, data = members(raw.get("meta")), members(raw.get("data"))
    own = text(meta.get("entity_id")) or text(data.get("id"))
    occurred_at, id = moment(meta.get("timestamp")), text(meta.get("id"))
    if occurred_at is None or not id or not own:
        raise UnreadableEvent("meta.id, meta.entity_id or meta.timestamp is missing")
    noun, verb = _NOUNS.get(text(meta.get("entity"))), _VERBS.get(text(meta.get("action")))
    event = Event((id,), noun, verb, own, occurred_at, account=text(meta.get("company_id")))
    if noun is None or verb is None:
        return event._replace(ignored="unknown_kind")
    return event._replace(fields=fields_of(data))


def fields_of(data: Raw) -> dict[str, Any]:
    """A record with its first e-mail and phone, its day and time in one, and who took part."""
    said = dict(data)
    for several, one in (("emails", "email"), ("phones", "phone")):
        if several in said:
            said[one] = _first(said[several])
    if day := text(said.get("due_date")):
        said["starts_at"] = f"{day}T{text(said.get('due_time')) or '00:00'}Z"
    if "participants" in said:
        said["participants"] = [
            {"external_id": text(members(one).get("person_id"))} for one in items(said["participants"])
        ]
    return said


def _first(value: Any) -> str:
    found = [members(one) for one in items(value)]
    primary = [one for one in found if one.get("primary") is True] or found
    return text(primary[0].get("value")) if primary else ""
