"""Receiving: a delivery is proved, taken apart and kept, each message once, before anybody is told that it arrived.

NotProved   401  unknown connection, or nothing that proves the delivery: both answer alike
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser
from sqlalchemy import Connection

from app.domain.connections import (
    ConnectionState,
    Element,
    Event,
    Presented,
    Provider,
    Purpose,
    Raw,
    ReceiptState,
    UnreadableDelivery,
    UnreadableEvent,
    is_authentic,
    read,
    same_organization,
    split,
)
from app.domain.refusals import Unauthenticated
from app.domain.subscriptions import write_secret
from app.services import secrets
from app.services.desk import Desk
from app.storage import connections, receipts
from app.storage.connections import KnownConnection, KnownConnectionSecret
from app.storage.ids import new_id
from app.storage.receipts import KnownReceipt

_DEEPEST, _MOST_ELEMENTS = 16, 20_000
_ID = re.compile(r"con_[0-9a-f]{32}", re.ASCII)
_NOBODY = write_secret(bytes(32))


class NotProved(Unauthenticated):
    code = "not_proved"
    title = "This delivery is not proved"


class Taken(NamedTuple):
    """What was kept of a delivery: how many messages, and how many more had come before."""

    provider: Provider
    received: int
    copies: int


class _Message(NamedTuple):
    raw: Raw
    event: Event
    reason: str = ""


def receive(desk: Desk, connection_id: str, presented: Presented) -> Taken:
    """Keeps a delivery. Raises NotProved, UnreadableDelivery, NotCloudEvents or DatabaseAway; then nothing is kept."""
    now = desk.clock()
    with desk.database.reading() as connection:
        known = connections.by_id(connection, connection_id) if _ID.fullmatch(connection_id) else None
        held = connections.secrets(connection, known.id if known else "", now)
    if known is None or known.state != ConnectionState.ACTIVE:
        # As much work as for a connection that exists, so that nobody learns which do.
        opened = secrets.unseal(desk.settings, secrets.seal(desk.settings, _NOBODY.encode(), owner=""), owner="")
        is_authentic(Provider.STANDARD_WEBHOOKS, presented, [opened.decode()], _milliseconds(now))
        raise NotProved("The delivery is not proved")
    presented = presented._replace(url=f"{desk.settings.public_url}{presented.url}")
    mine = [one for one in held if one.purpose == Purpose.VERIFY]
    if not is_authentic(known.provider, presented, _opened(desk, mine), _milliseconds(now)):
        raise NotProved("The delivery is not proved")
    messages = _messages(known, presented, now)
    fresh = desk.database.write(lambda connection: _keep(connection, desk, known.id, messages, now))
    return Taken(known.provider, fresh, len(messages) - fresh)


def _opened(desk: Desk, sealed: Sequence[KnownConnectionSecret]) -> list[str]:
    """The secrets themselves. Raises NoSecretKey where this installation's key is not the one that sealed them."""
    try:
        return [secrets.unseal(desk.settings, one.sealed, owner=one.id).decode() for one in sealed]
    except secrets.Unreadable:
        raise secrets.NoSecretKey("The secrets were sealed with another key than this installation's") from None


def greet(desk: Desk, connection_id: str) -> None:
    """Says whether CloudEvents may be sent to a connection. Raises NotProved where there is none that takes them."""
    with desk.database.reading() as connection:
        known = connections.by_id(connection, connection_id) if _ID.fullmatch(connection_id) else None
    active = known is not None and known.state == ConnectionState.ACTIVE
    if known is None or not active or known.provider is not Provider.CLOUDEVENTS:
        raise NotProved("The delivery is not proved")


def _messages(known: KnownConnection, presented: Presented, now: datetime) -> Sequence[_Message]:
    """What a proved delivery says, message by message; one that cannot be read leaves its neighbours alone."""
    envelope = _xml(presented.body) if known.provider is Provider.SALESFORCE else None
    raws = split(known.provider, presented.body, presented.headers, envelope)
    messages = [_message(known, raw, now) for raw in raws]
    # Nothing else in an Outbound Message says whose it is, so a wrong organization is as good as a wrong secret.
    by_name = known.provider is Provider.SALESFORCE and known.account
    if by_name and not all(same_organization(str(raw["organization"]), known.account) for raw in raws):
        raise NotProved("The delivery is not proved")
    return messages


def _message(known: KnownConnection, raw: Raw, now: datetime) -> _Message:
    try:
        event = read(known.provider, raw)
    except UnreadableEvent as error:
        identity = (json.dumps(raw, sort_keys=True, default=str),)
        return _Message(raw, Event(identity, None, None, "", now), str(error))
    strange = known.account and event.account and event.account != known.account
    if strange and known.provider is not Provider.SALESFORCE:
        return _Message(raw, event._replace(ignored="unknown_account"))
    return _Message(raw, event)


def _keep(connection: Connection, desk: Desk, connection_id: str, messages: Sequence[_Message], now: datetime) -> int:
    """Keeps what is new, counts what came before; how many were new."""
    known = connections.by_id(connection, connection_id)
    if known is None or known.state != ConnectionState.ACTIVE:
        raise NotProved("The delivery is not proved")
    by_fingerprint = {_fingerprint(one.event.identity): one for one in messages}
    before = receipts.known(connection, connection_id, by_fingerprint)
    fresh = [
        _receipt(desk, connection_id, fingerprint, one, now)
        for fingerprint, one in by_fingerprint.items()
        if fingerprint not in before
    ]
    receipts.add(connection, fresh)
    if before:
        receipts.note_copies(connection, connection_id, before)
    return len(fresh)


def _receipt(desk: Desk, connection_id: str, fingerprint: str, one: _Message, now: datetime) -> KnownReceipt:
    id, event = new_id("rcp"), one.event
    body = json.dumps(one.raw, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
    state = ReceiptState.DEAD if one.reason else ReceiptState.IGNORED if event.ignored else ReceiptState.WAITING
    waits = state is ReceiptState.WAITING
    return KnownReceipt(
        id=id,
        connection_id=connection_id,
        fingerprint=fingerprint,
        kind=event.kind,
        noun=event.noun.value if event.noun else "",
        external_id=event.external_id.replace("\x00", " "),
        occurred_at=event.occurred_at,
        received_at=now,
        copies=0,
        sealed=secrets.seal(desk.settings, body, owner=id),
        digest=sha256(body).hexdigest(),
        state=state.value,
        reason=one.reason or event.ignored,
        attempts=0,
        next_attempt_at=now if waits else None,
        lease=None,
        leased_until=None,
        processed_at=None if waits else now,
    )


def raw_of(desk: Desk, receipt: KnownReceipt) -> Raw:
    """A receipt's message as it came. Raises Unreadable or NoSecretKey."""
    raw: Raw = json.loads(secrets.unseal(desk.settings, receipt.sealed or "", owner=receipt.id))
    return raw


def _fingerprint(identity: Iterable[str]) -> str:
    return sha256(json.dumps(list(identity)).encode()).hexdigest()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _xml(body: bytes) -> Element:
    """An XML document as plain values. Raises UnreadableDelivery, also for a DTD, an entity, or too much depth."""
    builder = _Bounded()
    try:
        parser = XMLParser(target=builder, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        parser.feed(body)
        root = parser.close()
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError, UnicodeError):
        raise UnreadableDelivery("The body is not XML as an Outbound Message is written") from None
    return _plain(root)


class _Bounded(ET.TreeBuilder):
    """Builds a tree that is neither deep nor large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._many = 0

    def start(self, tag: str, attrs: dict[str, str]) -> ET.Element:
        """One element more. Raises ValueError where that is one too many."""
        self._depth += 1
        self._many += 1
        if self._depth > _DEEPEST or self._many > _MOST_ELEMENTS:
            raise ValueError("too deep, or too large")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ET.Element:
        """The element ends."""
        self._depth -= 1
        return super().end(tag)


def _plain(element: ET.Element) -> Element:
    children = tuple(_plain(one) for one in element)
    return Element(element.tag, dict(element.attrib), element.text or "", children)
