"""Tokens of the firm's identity provider: found by OpenID Connect discovery, checked, and turned into who they name."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import httpx
import jwt

from app.domain.access import Role
from app.domain.refusals import Forbidden, Unauthenticated, Unavailable
from app.settings import Settings

_log = logging.getLogger(__name__)
_FRESH, _STALE = timedelta(minutes=15), timedelta(hours=24)
_COOL_DOWN = timedelta(seconds=30)
_PATIENCE_S = 5
_MOST_BYTES = 512 * 1024
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_LONGEST = 16_384
_ASYMMETRIC = {"EC", "RSA", "OKP"}


class BadToken(Unauthenticated):
    code = "bad_token"
    title = "No valid token"


class NoRole(Forbidden):
    code = "no_role"
    title = "None of your groups has a role here"


class ProviderAway(Unavailable):
    code = "identity_provider_away"
    title = "The identity provider does not answer"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says: who, by the provider's own name, and the role of their groups."""

    issuer: str
    subject: str
    person: str
    name: str
    email: str | None
    role: Role


class _Keys:
    """The provider's public keys: fetched when they are needed, kept while the provider is away."""

    def __init__(self, issuer: str, clock: Callable[[], datetime], *, allow_http: bool) -> None:
        self._issuer, self._clock, self._allow_http = issuer, clock, allow_http
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._one_fetches = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK:
        """The key of an id. Raises BadToken for one that the provider lacks, ProviderAway where it is silent."""
        if not self._younger(self._fetched_at, _FRESH):
            self._refresh()
        if kid not in self._keys:
            self._refresh()  # it may be new; whoever invents ids makes us ask once in a while, not each time
        if not self._younger(self._fetched_at, _STALE):
            raise ProviderAway("The identity provider's keys cannot be read; API keys still work", retry_after_s=30)
        if kid not in self._keys:
            raise BadToken("The token was not signed with a key of the identity provider")
        return self._keys[kid]

    def _younger(self, moment: datetime | None, age: timedelta) -> bool:
        return moment is not None and timedelta(0) <= self._clock() - moment < age

    def _refresh(self) -> None:
        """Fetches, unless it was tried a moment ago. Who has keys does not wait for somebody else's fetching."""
        if self._younger(self._tried_at, _COOL_DOWN):
            return
        if not self._one_fetches.acquire(blocking=not self._keys):
            return
        try:
            if not self._younger(self._tried_at, _COOL_DOWN):
                self._fetch()
                self._tried_at = self._clock()
        finally:
            self._one_fetches.release()

    def _fetch(self) -> None:
        try:
            found = self._document(f"{self._issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise ValueError("the document is another issuer's")
            keys = _usable(self._document(str(found.get("jwks_uri"))))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, jwt.PyJWTError) as error:
            _log.warning("the identity provider's keys were not read: %s: %s", type(error).__name__, error)
            return
        self._keys, self._fetched_at = keys, self._clock()

    def _document(self, url: str) -> dict[str, Any]:
        """A JSON object at an address, not too long, without redirects. Raises ValueError and what httpx raises."""
        if urlsplit(url).scheme not in ("https", "http" if self._allow_http else "https"):
            raise ValueError("an address without https")
        body = b""
        with httpx.stream("GET", url, timeout=_PATIENCE_S, follow_redirects=False, trust_env=False) as reply:
            if reply.status_code != 200:
                raise ValueError(f"answered with status {reply.status_code}")
            for chunk in reply.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError("the document is too long")
        value = json.loads(body)
        if not isinstance(value, dict):
            raise ValueError("the document is no object")
        return value


def _usable(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """The public signing keys of a JWKS by their ids; others are left out. Raises ValueError where there are none."""
    found: dict[str, jwt.PyJWK] = {}
    listed = document.get("keys")
    for said in listed if isinstance(listed, list) else ():
        if not isinstance(said, dict) or said.get("kty") not in _ASYMMETRIC or said.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(said)
        except jwt.PyJWTError:
            continue
        if isinstance(key.key_id, str):
            found[key.key_id] = key
    if not found:
        raise ValueError("no signing keys")
    return found


class Tokens:
    """Checks bearer tokens of one identity provider. Blocks while it fetches keys: never call it on the event loop."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._keys = _Keys(settings.oidc_issuer, clock, allow_http=settings.oidc_allow_http)
        self._algorithms = settings.oidc_algorithms.split(",")

    def read(self, token: str) -> Claims:
        """Whom a token names. Raises BadToken, NoRole or ProviderAway."""
        key = self._keys.find(self._kid(token))
        try:
            said = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._settings.oidc_audience,
                issuer=self._settings.oidc_issuer,
                # The times are compared with the service's own clock, below.
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            _log.info("a token was refused: %s", type(error).__name__)
            raise BadToken(_WHY.get(type(error), "The token is not valid")) from error
        self._check_times(said)
        return self._claims(said)

    def _kid(self, token: str) -> str:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise BadToken("The token cannot be read") from error
        kid = header.get("kid")
        if header.get("alg") not in self._algorithms or not isinstance(kid, str):
            raise BadToken("The token is not signed as it must be")
        return kid

    def _check_times(self, said: Mapping[str, Any]) -> None:
        now, leeway = self._clock().timestamp(), self._settings.oidc_leeway_s
        times = {name: said[name] for name in ("exp", "nbf", "iat") if name in said}
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
            raise BadToken("The token's times cannot be read")
        if not now < times["exp"] + leeway:
            raise BadToken("The token has expired")
        if any(times[name] > now + leeway for name in ("nbf", "iat") if name in times):
            raise BadToken("The token is not valid yet")

    def _claims(self, said: Mapping[str, Any]) -> Claims:
        settings = self._settings
        person, subject = said.get(settings.oidc_person_claim), said["sub"]
        if not _is_text(person) or not _is_text(subject):
            raise BadToken(f"The token does not say who it is for: {settings.oidc_person_claim} is missing")
        if settings.oidc_person_claim == "email" and said.get("email_verified", True) is not True:
            raise BadToken("The token's address is not verified")
        email, name = said.get("email"), said.get("name")
        if not _is_text(email) or said.get("email_verified", True) is not True:
            email = None
        shown = name if _is_text(name) else person
        return Claims(settings.oidc_issuer, subject, person, shown, email, self._role(said))

    def _role(self, said: Mapping[str, Any]) -> Role:
        """The role of the first group in the settings that the token has."""
        groups = said.get(self._settings.oidc_groups_claim)
        held = {group for group in (groups if isinstance(groups, list) else [groups]) if isinstance(group, str)}
        for group, role in self._settings.oidc_roles.items():
            if group in held:
                return Role(role)
        raise NoRole("The identity provider names no group of yours that has a role here")


_WHY: Mapping[type[Exception], str] = {
    jwt.InvalidAudienceError: "The token is for another service",
    jwt.InvalidIssuerError: "The token is of another issuer",
    jwt.MissingRequiredClaimError: "The token lacks a claim: exp, iss, aud and sub are required",
    jwt.InvalidSignatureError: "The token's signature is not valid",
}


def looks_like_one(text: str) -> bool:
    """Whether a text has the shape of a signed token."""
    return len(text) <= _LONGEST and _SHAPE.fullmatch(text) is not None


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable() and value == value.strip()
