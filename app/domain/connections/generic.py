"""Our own event in three envelopes: Standard Webhooks and Salesforce Flow, and CloudEvents 1.0 in its three modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from app.domain.connections.model import Event, Noun, Raw, UnreadableEvent, Verb
from app.domain.connections.texts import UnreadableDelivery, items, members, moment, parse, text
from app.domain.refusals import WrongMediaType

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_JSON = "application/json"
_MOST = 500
_VERBS = {
    "created": Verb.CREATED,
    "updated": Verb.UPDATED,
    "deleted": Verb.DELETED,
    "restored": Verb.RESTORED,
    "merged": Verb.MERGED,
    "erased": Verb.ERASED,
    "cancelled": Verb.DELETED,
    "submitted": Verb.CREATED,
    "withdrawn": Verb.DELETED,
}
_CONTACT = ("name", "first_name", "last_name", "email", "phone", "organization", "organization_id", "owner", "type")
_MEETING = ("title", "starts_at", "place", "owner", "attendees", "activity")
_EXPENSE = ("occurred_on", "amount", "currency", "kind", "owner", "attendees", "place", "purpose", "hosts_present")
FIELDS: Mapping[Noun, Mapping[str, str]] = {
    Noun.CONTACT: {
        **{name: name for name in (*_CONTACT, "organization_from")},
        "full_name": "name",
        "rep_ref": "owner",
    },
    Noun.ORGANIZATION: {"name": "name"},
    Noun.MEETING: {**{name: name for name in _MEETING}, "rep_ref": "owner", "venue": "place"},
    Noun.EXPENSE: {**{name: name for name in _EXPENSE}, "rep_ref": "owner", "venue": "place"},
}


class NotCloudEvents(WrongMediaType):
    code = "cloudevents_expected"


def split_standard(value: Any, headers: Mapping[str, str]) -> list[Raw]:
    """The one message; its id is the header's."""
    id = headers.get("webhook-id") or headers.get("svix-id") or ""
    return [{**members(value), "id": id}]


def split_flow(value: Any) -> list[Raw]:
    """The events of a Flow: one, or a list of them."""
    found = [members(one) for one in (value if isinstance(value, list) else [value])]
    return _bounded(found)


def split_cloudevents(body: bytes, headers: Mapping[str, str]) -> list[Raw]:
    """The events in whichever mode they came. Raises UnreadableDelivery, or NotCloudEvents for another format."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        found = [members(parse(body))]
    elif kind == BATCH:
        found = [members(one) for one in items(parse(body))]
    elif "ce-specversion" in headers and (kind == _JSON or kind.endswith("+json")):
        said = {name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")}
        found = [{**said, "data": parse(body) if body else None}]
    else:
        raise NotCloudEvents(f"Send {STRUCTURED}, {BATCH}, or JSON with ce- headers")
    if any(one.get("specversion") != "1.0" for one in found):
        raise UnreadableDelivery("CloudEvents of specversion 1.0 are taken")
    return _bounded(found)


def _bounded(found: list[Raw]) -> list[Raw]:
    if len(found) > _MOST:
        raise UnreadableDelivery(f"A batch may have {_MOST} events")
    return found


def read(raw: Raw) -> Event:
    """One event of ours: `{id, type, timestamp, data}`. Raises UnreadableEvent."""
    return _read(raw, (text(raw.get("id"), 400),), raw.get("timestamp"))


def read_cloudevent(raw: Raw) -> Event:
    """One CloudEvent; the last two words of its type say what it is. Raises UnreadableEvent."""
    identity = (text(raw.get("source"), 400), text(raw.get("id"), 400))
    return _read(raw, identity, raw.get("time"))._replace(account=identity[0])


def _read(raw: Raw, identity: tuple[str, ...], at: Any) -> Event:
    kind, data, occurred_at = text(raw.get("type")), members(raw.get("data")), moment(at)
    if not all(identity) or not kind or occurred_at is None:
        raise UnreadableEvent("an event has an id, a type and a moment")
    *_, about, happened = ["", "", *kind.split(".")]
    noun, verb = Noun(about) if about in set(Noun) else None, _VERBS.get(happened)
    own, subject = text(data.get("id")), text(raw.get("subject")).rpartition("/")[2]
    event = Event(identity, noun, verb, own or subject, occurred_at, _sequence(data.get("sequence")), account="")
    if noun is None or verb is None:
        return event._replace(ignored="unknown_kind")
    if not event.external_id:
        raise UnreadableEvent("data.id is missing")
    if verb is Verb.MERGED:
        return _merge(event, data)
    # Nothing but an id: where the record can be fetched, it is.
    return event._replace(fields=data, thin=not set(data) - {"id", "sequence"} and verb is not Verb.DELETED)


def _merge(event: Event, data: Raw) -> Event:
    """`id` stays; `merged_ids` went into it."""
    merged = sorted({id for one in items(data.get("merged_ids")) if (id := text(one)) and id != event.external_id})
    if not merged:
        raise UnreadableEvent("a merge names merged_ids")
    return event._replace(into=event.external_id, fields={"merged": merged[:100]})


def _sequence(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else 0
