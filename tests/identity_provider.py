"""An identity provider on a loopback port: discovery, keys that can be rotated, real signatures, bad days."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.server import Clock

AUDIENCE = "propriety"
ROLES = {"g-admins": "admin", "g-senior": "senior_officer", "g-officers": "officer", "g-reps": "rep"}


class IdentityProvider:
    """Says who somebody is, signed. `asked` counts how often its keys were read; `down` lets it answer 503."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.issuer, self._clock = url, clock
        self.asked, self.down, self.garbage = 0, False, b""
        self.says: dict[str, Any] = {}
        self._numbers = 0
        self.keys: dict[str, Any] = {}
        self.kid = self.rotate()

    def rotate(self, algorithm: str = "RS256") -> str:
        """A new key, with which everything is signed from now on; the old ones are gone."""
        self._numbers += 1
        self.kid = f"key-{self._numbers}"
        made: Any = ec.generate_private_key(ec.SECP256R1())
        if algorithm == "RS256":
            made = rsa.generate_private_key(65537, 2048)
        self.keys = {self.kid: (made, algorithm)}
        return self.kid

    def claims(self, person: str = "rhea@firm.example", *groups: str, **more: Any) -> dict[str, Any]:
        """What a good token says; `more` says it otherwise, and None leaves it out."""
        now = self._clock.now
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": f"sub-{person}",
            "email": person,
            "groups": list(groups or ("g-reps",)),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            **more,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, person: str = "rhea@firm.example", *groups: str, headers: Any = None, **more: Any) -> str:
        """A signed token."""
        key, algorithm = self.keys[self.kid]
        said = json.dumps(self.claims(person, *groups, **more)).encode()
        return jwt.PyJWS().encode(said, key, algorithm, {"kid": self.kid} | (headers or {}))

    def public_pem(self) -> bytes:
        """The public key as whoever forges knows it."""
        public = self.keys[self.kid][0].public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def answer(self, path: str) -> bytes:
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | self.says).encode()
        self.asked += 1
        kinds = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm}
        keys = [
            kinds[algorithm].to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig", "alg": algorithm}
            for kid, (key, algorithm) in self.keys.items()
        ]
        return self.garbage or json.dumps({"keys": keys}).encode()


@contextmanager
def providing(clock: Clock) -> Iterator[IdentityProvider]:
    """An identity provider until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = provider.answer(self.path)
            self.send_response(503 if provider.down else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{listening.server_port}", clock)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        listening.shutdown()
        listening.server_close()


def settings_for(provider: IdentityProvider) -> dict[str, Any]:
    """Settings of a server that takes the provider's tokens."""
    return {
        "oidc_issuer": provider.issuer,
        "oidc_audience": AUDIENCE,
        "oidc_roles": ROLES,
        "oidc_allow_http": True,
    }
