"""How messages prove where they come from, provider by provider: pure functions of bytes, headers and secrets.

Every secret is tried, whichever was right, and every comparison takes as long whatever differs. What cannot be read is
not proved: nothing here raises.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from app.domain.connections.model import Provider
from app.domain.subscriptions import read_secret

TOLERANCE_S = 300
FLOW_HEADER = "x-propriety-key"
USER = "propriety"
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_MESSAGE_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}", re.ASCII)
# HubSpot decodes these of a URL before it signs, and no others. Source: its page on validating requests.
_DECODED = {f"%{ord(sign):02X}": sign for sign in ":/?@!$'()*,;"}
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


class Presented(NamedTuple):
    """A request as it came. Headers are in lower case, each with its one value; `url` is the one that we gave out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    path_secret: str = ""
    code: str = ""


def is_authentic(provider: Provider, presented: Presented, secrets: Sequence[str], now_ms: int) -> bool:
    """Whether any of the secrets proves the request. `now_ms` is our clock, in milliseconds since 1970."""
    proof = _PROOFS[provider]
    proved = False
    for secret in secrets:
        proved |= proof(presented, secret, now_ms)
    return proved


def _hubspot(presented: Presented, secret: str, now_ms: int) -> bool:
    """v3: base64 of HMAC-SHA256 over method, URL, body and milliseconds, with the app's client secret."""
    said = presented.headers.get("x-hubspot-request-timestamp", "")
    if not _MILLISECONDS.fullmatch(said) or abs(now_ms - int(said)) > TOLERANCE_S * 1000:
        return False
    signed = f"{presented.method}{hubspot_url(presented.url)}".encode() + presented.body + said.encode()
    right = b64encode(hmac.digest(secret.encode(), signed, "sha256"))
    return _same(right, presented.headers.get("x-hubspot-signature-v3", ""))


def hubspot_url(url: str) -> str:
    """A URL as HubSpot signs it."""
    return _ESCAPE.sub(lambda found: _DECODED.get(found[0].upper(), found[0]), url)


def _standard(presented: Presented, secret: str, now_ms: int) -> bool:
    """Standard Webhooks 1.0.0, `v1` only; senders that still write `svix-` before the same headers are understood."""
    prefix = "webhook" if "webhook-id" in presented.headers else "svix"
    id, said, signatures = (presented.headers.get(f"{prefix}-{name}", "") for name in ("id", "timestamp", "signature"))
    if not _MESSAGE_ID.fullmatch(id) or not _SECONDS.fullmatch(said):
        return False
    if abs(now_ms - int(said) * 1000) > TOLERANCE_S * 1000:
        return False
    try:
        key = read_secret(secret)
    except ValueError:
        return False
    right = b"v1," + b64encode(hmac.digest(key, f"{id}.{said}.".encode() + presented.body, "sha256"))
    proved = False
    for one in signatures.split(" ")[:16]:
        proved |= _same(right, one)
    return proved


def _path_secret(presented: Presented, secret: str, _now_ms: int) -> bool:
    return _same(secret.encode(), presented.path_secret)


def _flow(presented: Presented, secret: str, _now_ms: int) -> bool:
    return _same(secret.encode(), presented.headers.get(FLOW_HEADER, ""))


def _dataverse(presented: Presented, secret: str, _now_ms: int) -> bool:
    """The header that the endpoint was registered with, or its WebhookKey, which arrives as `code`."""
    by_header = _same(secret.encode(), presented.headers.get(FLOW_HEADER, ""))
    return by_header | _same(secret.encode(), presented.code)


def _pipedrive(presented: Presented, secret: str, _now_ms: int) -> bool:
    """HTTP Basic; the user is `propriety`, the password the secret."""
    scheme, _, said = presented.headers.get("authorization", "").partition(" ")
    # The text is compared and not what it decodes to, since several texts decode to one.
    right = b64encode(f"{USER}:{secret}".encode())
    return _same(right, said.strip()) and scheme.lower() == "basic"


def _cloudevents(presented: Presented, secret: str, _now_ms: int) -> bool:
    """A bearer token in the Authorization header; one in the query would stand in logs and is not taken."""
    scheme, _, said = presented.headers.get("authorization", "").partition(" ")
    return _same(secret.encode(), said.strip()) and scheme.lower() == "bearer"


def _same(right: bytes, said: str) -> bool:
    return hmac.compare_digest(right, said.encode("utf-8", "surrogatepass"))


_PROOFS: Mapping[Provider, Callable[[Presented, str, int], bool]] = {
    Provider.HUBSPOT: _hubspot,
    Provider.SALESFORCE: _path_secret,
    Provider.SALESFORCE_FLOW: _flow,
    Provider.DATAVERSE: _dataverse,
    Provider.PIPEDRIVE: _pipedrive,
    Provider.STANDARD_WEBHOOKS: _standard,
    Provider.CLOUDEVENTS: _cloudevents,
}
