"""Testing a connection: a message that means nothing, proved as its system would, to the address that was given out."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Connection

from app.domain.connections import FLOW_HEADER, USER, ConnectionState, Provider, Purpose
from app.domain.subscriptions import signatures
from app.services import secrets
from app.services.connections.fetching import Fetcher, FetchLater, FetchRefused
from app.services.connections.managing import ConnectionNotFound, KnownConnection, url_of
from app.services.desk import Desk
from app.storage import connections
from app.storage.ids import new_id

_OUTBOUND = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
    "<OrganizationId>{account}</OrganizationId></notifications></e:Body></e:Envelope>"
)


class Check(NamedTuple):
    """One thing that was looked at, and what was found."""

    name: str
    holds: bool
    found: str


class _Message(NamedTuple):
    url: str
    headers: Mapping[str, str]
    body: bytes


def look(desk: Desk, connection_id: str, *, at: str) -> list[Check]:
    """Sends the message to the service `at` an address, and asks their system for a token where one is needed.

    Raises ConnectionNotFound.
    """
    with desk.database.reading() as connection:
        known, secret = _proof(connection, desk, connection_id)
    active = Check("active", known.state == ConnectionState.ACTIVE, known.state)
    if not secret:
        return [active, Check("secret", holds=False, found="none that holds")]
    return [active, Check("secret", holds=True, found="opens"), _sent(desk, known, secret, at), *_fetched(desk, known)]


def _proof(connection: Connection, desk: Desk, connection_id: str) -> tuple[KnownConnection, str]:
    known = connections.by_id(connection, connection_id)
    if known is None:
        raise ConnectionNotFound("There is no such connection")
    held = connections.secrets(connection, known.id, desk.clock())
    proving = [one for one in held if one.purpose == Purpose.VERIFY][:1]
    opened = [secrets.unseal(desk.settings, one.sealed, owner=one.id).decode() for one in proving]
    return known, opened[0] if opened else ""


def _sent(desk: Desk, known: KnownConnection, secret: str, at: str) -> Check:
    message = message_of_test(desk, known, secret, desk.clock())
    try:
        answer = httpx.post(
            at + message.url, headers=dict(message.headers), content=message.body, timeout=10, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("delivery", holds=False, found=f"{type(error).__name__} at {at}")
    words = "taken" if answer.is_success else str(answer.text)[:200]
    return Check("delivery", holds=answer.is_success, found=f"{answer.status_code}, {words}")


def _fetched(desk: Desk, known: KnownConnection) -> list[Check]:
    if not known.base_url:
        return []
    try:
        found = Fetcher(desk).can_open(known)
    except (FetchRefused, FetchLater) as error:
        return [Check("fetching", holds=False, found=str(error))]
    return [Check("fetching", holds=found, found="a token is there" if found else "no token was given")]


def message_of_test(desk: Desk, known: KnownConnection, secret: str, now: datetime) -> _Message:
    """A message of a kind that nobody knows, so that it is ignored; of Salesforce, one without notifications."""
    id, path, stamp = new_id("tst"), f"/v1/webhooks/{known.id}", int(now.timestamp())
    event: dict[str, Any] = {"id": id, "type": "connection.test", "timestamp": now.isoformat(), "data": {}}
    headers = {"Content-Type": "application/json"}
    match known.provider:
        case Provider.SALESFORCE:
            account = known.account or "000000000000000"
            xml = {"Content-Type": "text/xml"}
            return _Message(f"{path}/{secret}", xml, _OUTBOUND.format(account=account).encode())
        case Provider.HUBSPOT:
            body = json.dumps([{"eventId": id, "subscriptionType": "connection.test", "occurredAt": stamp * 1000}])
            signed = f"POST{url_of(desk, known)}{body}{stamp * 1000}".encode()
            signature = b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
            more = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(stamp * 1000)}
            return _Message(path, headers | more, body.encode())
        case Provider.STANDARD_WEBHOOKS:
            raw = json.dumps(event).encode()
            more = {"webhook-id": id, "webhook-timestamp": str(stamp)}
            return _Message(path, headers | more | {"webhook-signature": signatures([secret], id, stamp, raw)}, raw)
        case Provider.PIPEDRIVE:
            meta = {"id": id, "entity": "connection", "entity_id": "1", "action": "test", "timestamp": now.isoformat()}
            user = b64encode(f"{USER}:{secret}".encode()).decode()
            return _Message(path, headers | {"Authorization": f"Basic {user}"}, json.dumps({"meta": meta}).encode())
        case Provider.DATAVERSE:
            moment = f"/Date({stamp * 1000})/"
            said = {"MessageName": "Test", "PrimaryEntityId": id, "OperationCreatedOn": moment, "OperationId": id}
            said["OrganizationId"] = known.account or "test"
            return _Message(path, headers | {FLOW_HEADER: secret}, json.dumps(said).encode())
        case Provider.CLOUDEVENTS:
            kind = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {secret}"}
            source = known.account or "propriety"
            said = {"specversion": "1.0", "id": id, "source": source, "type": event["type"], "time": event["timestamp"]}
            return _Message(path, kind, json.dumps(said).encode())
        case _:
            return _Message(path, headers | {FLOW_HEADER: secret}, json.dumps(event).encode())
