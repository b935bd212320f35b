"""Systems outside as tests play them: what each sends of a contact or a meeting, and how it proves that."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

Json = dict[str, Any]
PUBLIC_URL = "https://ge.example.test"
PROVIDERS = (
    "hubspot",
    "salesforce",
    "salesforce_flow",
    "dataverse",
    "pipedrive",
    "standard_webhooks",
    "cloudevents",
)
HUBSPOT_SECRET = "test-client-secret"


class Sent(NamedTuple):
    """One request to a webhook, as a sender would make it."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def signed(provider: str, connection: Json, body: bytes, now: datetime, *, id: str = "msg_1", **said: str) -> Sent:
    """A body with the proof that the provider gives. `connection` is what creating it answered."""
    path, secret = f"/v1/webhooks/{connection['id']}", said.get("secret") or connection.get("secret") or ""
    headers = {"Content-Type": "application/json"}
    match provider:
        case "hubspot":
            stamp = str(milliseconds(now))
            text = b"POST" + (PUBLIC_URL + path).encode() + body + stamp.encode()
            key = (secret or HUBSPOT_SECRET).encode()
            signature = b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
            headers |= {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
        case "salesforce":
            path, headers["Content-Type"] = f"{path}/{secret}", "text/xml; charset=utf-8"
        case "salesforce_flow" | "dataverse":
            headers["X-Propriety-Key"] = secret
        case "pipedrive":
            headers["Authorization"] = "Basic " + b64encode(f"propriety:{secret}".encode()).decode()
        case "standard_webhooks":
            stamp = str(int(now.timestamp()))
            key = b64decode(secret.removeprefix("whsec_"))
            signature = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
            headers |= {"webhook-id": id, "webhook-timestamp": stamp}
            headers["webhook-signature"] = "v1," + b64encode(signature).decode()
        case "cloudevents":
            headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {secret}"}
    return Sent(path, headers, body)


def a_contact(provider: str, at: datetime, number: int = 1, **more: str) -> bytes:
    """A message of a provider that somebody called Dana Whitfield was changed."""
    return _CONTACTS[provider](at, number, {"name": "Dana Whitfield", **more})


def _hubspot(at: datetime, number: int, said: Json) -> bytes:
    event = {
        "eventId": number,
        "subscriptionId": 2301441,
        "portalId": 48201933,
        "appId": 5120077,
        "occurredAt": milliseconds(at),
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 90125,
        "propertyName": "lastname",
        "propertyValue": said["name"],
        "changeSource": "CRM_UI",
    }
    return json.dumps([event]).encode()


def _salesforce(at: datetime, number: int, said: Json) -> bytes:
    fields = {"Id": "0035g00001QwErTAAV", "Name": said["name"], "SystemModstamp": at.isoformat()}
    return outbound({"Id": f"04l{number:015d}", "type": "Contact", "fields": fields})


def outbound(*notes: Json, organization: str = "00D5g000004XyzAEAS") -> bytes:
    """An Outbound Message of some notifications."""
    told = "".join(
        f'<Notification><Id>{note["Id"]}</Id><sObject xsi:type="sf:{note["type"]}" '
        'xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        + "".join(f"<sf:{name}>{escape(str(value))}</sf:{name}>" for name, value in note["fields"].items())
        + "</sObject></Notification>"
        for note in notes
    )
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k5g000000AbCdAAK</ActionId>"
        f'<SessionId xsi:nil="true"/><EnterpriseUrl>https://acme.my.salesforce.test/</EnterpriseUrl>{told}'
        "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def ours(kind: str, id: str, at: datetime, /, *, key: str | int, **data: Any) -> Json:
    """Our own event."""
    return {"id": f"{id}:{key}", "type": kind, "timestamp": at.isoformat(), "data": {"id": id, **data}}


def _flow(at: datetime, number: int, said: Json) -> bytes:
    return json.dumps(ours("contact.updated", "0035g00001QwErTAAV", at, key=number, **said)).encode()


def _standard(at: datetime, number: int, said: Json) -> bytes:
    return json.dumps(ours("contact.updated", "crm-003-7781", at, key=number, **said)).encode()


def cloudevent(kind: str, id: str, at: datetime, /, *, key: str | int, **data: Any) -> Json:
    """A CloudEvent, structured."""
    return {
        "specversion": "1.0",
        "id": f"evt-{key}",
        "source": "/crm/acme",
        "type": f"test.crm.{kind}",
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": {"id": id, **data},
    }


def _cloudevents(at: datetime, number: int, said: Json) -> bytes:
    return json.dumps(cloudevent("contact.updated", "crm-003-7781", at, key=number, **said)).encode()


def dataverse(message: str, entity: str, id: str, at: datetime, /, *, key: str | int, **columns: Any) -> Json:
    """The execution context of a change."""
    attributes = [{"key": name, "value": value} for name, value in columns.items()]
    target = {"__type": "Entity", "Attributes": attributes, "Id": id, "LogicalName": entity}
    return {
        "MessageName": message,
        "OperationId": f"op-{key}",
        "OrganizationId": "4ef5b371-0000-4000-8000-000000000007",
        "OperationCreatedOn": f"/Date({milliseconds(at)}+0000)/",
        "PrimaryEntityId": id,
        "PrimaryEntityName": entity,
        "InputParameters": [{"key": "Target", "value": target}],
        "Stage": 40,
        "Mode": 1,
    }


def _dataverse(at: datetime, number: int, said: Json) -> bytes:
    id = "6d81597f-0000-4000-8000-000000000004"
    return json.dumps(dataverse("Update", "contact", id, at, key=number, fullname=said["name"])).encode()


def pipedrive(action: str, entity: str, id: str, at: datetime, /, *, key: str | int, **data: Any) -> Json:
    """A webhook of version 2."""
    meta = {
        "action": action,
        "entity": entity,
        "entity_id": id,
        "company_id": "990011",
        "id": f"meta-{key}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "version": "2.0",
    }
    return {"meta": meta, "data": {"id": int(id), **data} if data else None, "previous": {}}


def _pipedrive(at: datetime, number: int, said: Json) -> bytes:
    return json.dumps(pipedrive("change", "person", "512", at, key=number, name=said["name"])).encode()


_CONTACTS = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "salesforce_flow": _flow,
    "dataverse": _dataverse,
    "pipedrive": _pipedrive,
    "standard_webhooks": _standard,
    "cloudevents": _cloudevents,
}
