"""How a message is signed: HMAC-SHA256 over id, moment and body, once for each secret that holds.

Source: Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 of `{id}.{timestamp}.{body}`, separated by blanks.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

_PREFIX = "whsec_"


def write_secret(secret: bytes) -> str:
    """A secret as its owner keeps it."""
    return _PREFIX + b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """The bytes of a secret. Raises ValueError for anything but `whsec_` and base64 of 24 to 64 bytes."""
    secret = b64decode(text.removeprefix(_PREFIX), validate=True)
    if not text.startswith(_PREFIX) or not 24 <= len(secret) <= 64:
        raise ValueError("not a webhook secret")
    return secret


def signatures(secrets: Iterable[str], message_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature for each secret, in their order."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return " ".join(
        f"v1,{b64encode(hmac.digest(read_secret(secret), signed, 'sha256')).decode()}" for secret in secrets
    )
