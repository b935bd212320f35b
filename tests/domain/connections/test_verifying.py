"""Proofs of messages, against what their makers publish and what their own libraries sign."""

from __future__ import annotations

import importlib
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.domain.connections import Presented, Provider, is_authentic
from app.domain.connections.verifying import hubspot_url

SEED = 20_261_124
NOW = 1_795_187_046_000
HUBSPOT_URL = "https://ge.example.test/v1/webhooks/hubspot/whe_01"
WHSEC = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def hubspot(secret: str, url: str, body: bytes, stamp: str, signature: str, now: int) -> bool:
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
    return is_authentic(Provider.HUBSPOT, Presented("POST", url, headers, body), [secret], now)


def test_the_vector_of_hubspot_itself():
    """Source: the test suite of HubSpot's own library for Python."""
    secret, stamp = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "1693657560000"
    said = ("https://www.example.com/webhook_uri", b"{'example_field':'example_value'}", stamp)
    right = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    assert hubspot(secret, *said, right, int(stamp))
    assert not hubspot(secret, *said, right.replace("K", "k", 1), int(stamp))
    assert not hubspot(secret[:-1], *said, right, int(stamp))


def test_the_vector_that_hubspots_library_made():
    body = (
        b'[{"eventId":3181526809,"subscriptionId":2301441,"portalId":48201933,"appId":5120077,"occurredAt":1795187045000,'
        b'"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":90125,"propertyName":"company",'
        b'"propertyValue":"Northwind Pension Trust","changeSource":"CRM_UI"}]'
    )
    right = "01ama16gTiRWrRwLWFqlbr3RHXIw5+p59TwHJu4nI3w="
    assert hubspot("test-client-secret", HUBSPOT_URL, body, str(NOW), right, NOW)
    assert not hubspot("test-client-secret", HUBSPOT_URL, body + b"\n", str(NOW), right, NOW)


@pytest.mark.parametrize(
    ("stamp", "now", "holds"),
    [
        (str(NOW), NOW + 300_000, True),
        (str(NOW), NOW + 300_001, False),
        (str(NOW), NOW - 300_000, True),
        (str(NOW), NOW - 300_001, False),
        (str(NOW), NOW - 365 * 86_400_000, False),
    ],
)
def test_five_minutes_either_way(stamp: str, now: int, holds: bool):
    body = b"[]"
    import hmac
    from base64 import b64encode

    text = b"POST" + HUBSPOT_URL.encode() + body + stamp.encode()
    right = b64encode(hmac.digest(b"test-client-secret", text, "sha256")).decode()
    assert hubspot("test-client-secret", HUBSPOT_URL, body, stamp, right, now) is holds


def test_only_some_escapes_of_a_url_are_decoded_before_it_is_signed():
    assert hubspot_url("https://a.test/%3A%2F%3f%40%21%24%27%28%29%2A%2C%3B") == "https://a.test/:/?@!$'()*,;"
    assert hubspot_url("https://a.test/%20%25%26%3D") == "https://a.test/%20%25%26%3D"


def standard(headers: dict[str, str], body: bytes, secrets: list[str], now: int = 1_795_187_050_000) -> bool:
    return is_authentic(Provider.STANDARD_WEBHOOKS, Presented("POST", "", headers, body), secrets, now)


def test_the_vector_of_standard_webhooks():
    body = (
        b'{"type":"contact.updated","timestamp":"2026-11-20T15:04:05Z",'
        b'"data":{"id":"crm-003-7781","full_name":"Dana Whitfield"}}'
    )
    headers = {"webhook-id": "msg_01JD5Q0GIFT0001", "webhook-timestamp": "1795187050"}
    headers["webhook-signature"] = "v1,4gKkp93G25zVRnuTnk2op6Hads7TcWpxuLCyqQQjF74="
    assert standard(headers, body, [WHSEC])
    assert standard({name.replace("webhook", "svix"): value for name, value in headers.items()}, body, [WHSEC])
    others = "v1a,xxxx v1,AAAA "
    assert standard({**headers, "webhook-signature": others + headers["webhook-signature"]}, body, [WHSEC])
    assert not standard({**headers, "webhook-signature": headers["webhook-signature"][3:]}, body, [WHSEC])
    assert not standard({**headers, "webhook-id": "msg_01JD5Q0GIFT0002"}, body, [WHSEC])
    assert standard(headers, body, ["whsec_" + "A" * 32, WHSEC])
    assert not standard(headers, body, ["nonsense"])


def bodies(chance: random.Random) -> Any:
    yield b""
    for _ in range(40):
        yield "".join(chance.choices('abc{}[]",:äß漢\U0001f381 \n', k=chance.randint(1, 300))).encode()


def test_the_reference_library_signs_what_is_taken():
    chance = random.Random(SEED)
    now = datetime.fromtimestamp(1_795_187_050, UTC)
    for body in bodies(chance):
        id = f"msg_{chance.getrandbits(64):x}"
        headers = {"webhook-id": id, "webhook-timestamp": "1795187050"}
        headers["webhook-signature"] = Webhook(WHSEC).sign(id, now, body.decode())
        assert standard(headers, body, [WHSEC]), (SEED, body)
        assert not standard(headers, body + b" ", [WHSEC]), (SEED, body)


def oracle(module: str) -> Any:
    """A library of the optional requirement `oracles`."""
    return pytest.importorskip(module, reason=f"{module} is of the extra `oracles`: pip install -e .[oracles]")


def test_svix_signs_what_is_taken():
    webhooks = oracle("svix.webhooks")
    chance, now = random.Random(SEED), datetime.fromtimestamp(1_795_187_050, UTC)
    for body in bodies(chance):
        headers = {"svix-id": "msg_1", "svix-timestamp": "1795187050"}
        headers["svix-signature"] = webhooks.Webhook(WHSEC).sign("msg_1", now, body.decode())
        assert standard(headers, body, [WHSEC]), (SEED, body)


def test_hubspots_library_signs_what_is_taken():
    signature = oracle("hubspot.utils.signature").Signature
    chance = random.Random(SEED)
    for body in bodies(chance):
        said = {
            "signature_version": "v3",
            "http_method": "POST",
            "http_uri": HUBSPOT_URL,
            "request_body": body.decode(),
            "timestamp": str(NOW),
        }
        made = signature.get_signature(client_secret="test-client-secret", **said)
        assert hubspot("test-client-secret", HUBSPOT_URL, body, str(NOW), made, NOW), (SEED, body)


def test_the_library_of_cloudevents_writes_what_is_read():
    oracle("cloudevents")
    from app.domain.connections import read, split

    conversion, event = _cloudevents()
    for to in conversion:
        headers, body = to(event)
        lowered = {name.lower(): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else str(body).encode()
        [one] = split(Provider.CLOUDEVENTS, raw, lowered, None)
        found = read(Provider.CLOUDEVENTS, one)
        assert (found.identity, found.kind, found.external_id) == (("/crm/acme", "evt-1"), "contact.updated", "c1")


def _cloudevents() -> Any:
    """The library's two ways of writing an event; the names of its modules have moved between its versions."""
    said = {"type": "test.crm.contact.updated", "source": "/crm/acme", "id": "evt-1", "time": "2026-11-20T15:04:05Z"}
    for home in ("cloudevents.v1.http", "cloudevents.http"):
        try:
            http = importlib.import_module(home)
        except ImportError:
            continue
        event = http.CloudEvent({**said, "datacontenttype": "application/json"}, {"id": "c1", "name": "Dana"})
        return (http.to_structured, http.to_binary), event
    return pytest.skip("this version of cloudevents has no module of HTTP that we know")
