"""Salesforce: Outbound Messages, whose records are as they stood when sent, and what we answer them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.domain.connections.model import Event, Noun, Raw, UnreadableEvent, Verb
from app.domain.connections.texts import UnreadableDelivery, members, moment, text

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_NOUNS = {"Contact": Noun.CONTACT, "Account": Noun.ORGANIZATION, "Event": Noun.MEETING}
_MOST = 100
FIELDS: Mapping[Noun, Mapping[str, str]] = {
    Noun.CONTACT: {
        "Name": "name",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Email": "email",
        "Phone": "phone",
        "AccountId": "organization_id",
        "OwnerId": "owner",
    },
    Noun.ORGANIZATION: {"Name": "name"},
    Noun.MEETING: {
        "Subject": "title",
        "StartDateTime": "starts_at",
        "Location": "place",
        "OwnerId": "owner",
        "Type": "activity",
        "WhoId": "attendee",
    },
}
ACK = (
    f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body>'
    f'<notificationsResponse xmlns="{OUTBOUND}"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Element(NamedTuple):
    """An XML element, read: its name with the namespace in braces, its attributes, its text and its children."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: Sequence[Element]


def split(envelope: Element) -> list[Raw]:
    """The notifications of an envelope. A session id is dropped at once. Raises UnreadableDelivery."""
    told = _child(_child(envelope, f"{{{SOAP}}}Body"), f"{{{OUTBOUND}}}notifications")
    if envelope.name != f"{{{SOAP}}}Envelope" or told is None:
        raise UnreadableDelivery("The body is no Outbound Message")
    organization = _text_of(told, "OrganizationId")
    notes = [one for one in told.children if one.name == f"{{{OUTBOUND}}}Notification"]
    if not organization or len(notes) > _MOST:
        raise UnreadableDelivery(f"An Outbound Message has an OrganizationId and up to {_MOST} notifications")
    return [_raw(organization, one) for one in notes]


def _raw(organization: str, note: Element) -> Raw:
    record = _child(note, f"{{{OUTBOUND}}}sObject")
    said: dict[str, str | None] = {}
    kind = ""
    if record is not None:
        kind = record.attributes.get(_XSI_TYPE, "").rpartition(":")[2]
        said = {_local(one.name): one.text for one in record.children if not one.children}
    return {"organization": organization, "id": _text_of(note, "Id"), "type": kind, "record": said}


def read(raw: Raw) -> Event:
    """One notification. Its moment is the record's own, since the message has none. Raises UnreadableEvent."""
    record = members(raw.get("record"))
    own = text(record.get("Id"))
    note = text(raw.get("id"))
    if not note or not own:
        raise UnreadableEvent("the notification or its record has no Id")
    noun = _NOUNS.get(text(raw.get("type")))
    stamps = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
    occurred_at = next((at for name in stamps if (at := moment(record.get(name))) is not None), None)
    if noun is not None and occurred_at is None:
        raise UnreadableEvent("select SystemModstamp among the fields of the Outbound Message")
    deleted = text(record.get("IsDeleted")).lower()
    verb = {"true": Verb.DELETED, "false": Verb.RESTORED}.get(deleted, Verb.UPDATED)
    event = Event((note,), noun, verb, long_id(own), occurred_at or moment(0), account=text(raw.get("organization")))  # type: ignore[arg-type]
    return event._replace(fields=record) if noun else event._replace(ignored="unknown_kind")


def same_organization(one: str, other: str) -> bool:
    """Whether two organisation ids, of 15 or 18 characters, name one organisation."""
    return len(one) in (15, 18) and len(other) in (15, 18) and one[:15] == other[:15]


def long_id(id: str) -> str:
    """The 18 characters of an id of 15, whose last three say which letters are capitals; any other as it is."""
    if len(id) != 15 or not id.isascii() or not id.isalnum():
        return id
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = (id[start : start + 5] for start in (0, 5, 10))
    return id + "".join(signs[sum(1 << place for place, one in enumerate(part) if one.isupper())] for part in parts)


def _child(parent: Element | None, name: str) -> Element | None:
    return next((one for one in parent.children if one.name == name), None) if parent else None


def _text_of(parent: Element, name: str) -> str:
    found = _child(parent, f"{{{OUTBOUND}}}{name}")
    return text(found.text) if found else ""


def _local(name: str) -> str:
    return name.rpartition("}")[2]
