"""API keys: making them, recognising them, ending them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import GRANTS, BadKey, Permission, Principal, Role
from app.domain.refusals import Conflict, Forbidden, NotFound, Unprocessable
from app.services.desk import Desk
from app.storage import access
from app.storage.access import KnownKey as KnownKey
from app.storage.ids import new_id

_KEY = re.compile(r"prp_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)


class KeyNotFound(NotFound):
    code = "key_not_found"


class KeyEnded(Conflict):
    code = "key_ended"
    title = "The key has ended already"


class WaiverLimitNotTheirs(Unprocessable):
    code = "waiver_limit_not_theirs"
    title = "Only officers waive"


class OwnWaiverLimit(Forbidden):
    code = "own_waiver_limit"
    title = "Nobody sets their own waiver limit"


class Credentials(NamedTuple):
    """A key as presented: which one, and the digest of its secret."""

    key_id: str
    digest: str


def read_credentials(authorization: str | None) -> Credentials:
    """The key in an Authorization header: `Bearer prp_…`. Raises BadKey for anything else."""
    scheme, _, token = (authorization or "").partition(" ")
    found = _KEY.fullmatch(token.strip())
    if scheme.lower() != "bearer" or found is None:
        raise BadKey("Send your API key as `Authorization: Bearer prp_…`")
    return Credentials(f"key_{found[1]}", _digest(found[2]))


def identify(connection: Connection, presented: Iterable[Credentials], now: datetime) -> dict[Credentials, Principal]:
    """The principals behind the credentials that are valid at this moment; the others are missing."""
    wanted = set(presented)
    known = access.by_id(connection, {one.key_id for one in wanted})
    return {
        one: Principal(key.id, key.name, Role(key.role), key.person, key.waiver_minor, key.waiver_currency)
        for one in wanted
        if (key := known.get(one.key_id)) is not None and _opens(key, one.digest, now)
    }


def require(connection: Connection, presented: Credentials, now: datetime) -> Principal:
    """The principal behind credentials. Raises BadKey, alike for unknown, wrong, expired and revoked keys."""
    principal = identify(connection, [presented], now).get(presented)
    if principal is None:
        raise BadKey("The API key is not valid: unknown, expired or revoked")
    return principal


def create_key(
    connection: Connection,
    desk: Desk,
    *,
    name: str,
    role: Role,
    person: str,
    lifetime: timedelta | None,
    by: str,
    door: str = "api",
    email: str | None = None,
    waiver: tuple[int, str] = (0, ""),
) -> tuple[KnownKey, str]:
    """A new key and its text, which is shown this once and kept nowhere.

    `waiver` is what its holder may waive alone, in minor units of a currency. Raises WaiverLimitNotTheirs for a role
    that decides nothing, OwnWaiverLimit where somebody grants it to themselves.
    """
    if waiver[0] and Permission.REVIEW not in GRANTS[role]:
        raise WaiverLimitNotTheirs.at("/waiver_limit", f"A key of the role {role} waives nothing")
    if waiver[0] and person == by:
        raise OwnWaiverLimit("Somebody else sets what you may waive alone")
    stamp = desk.stamp(by, door=door)
    key_id, secret = new_id("key"), secrets.token_urlsafe(32)
    expires_at = stamp.at + lifetime if lifetime else None
    key = KnownKey(key_id, 1, name, role.value, person, *waiver, _digest(secret), by, stamp.at, expires_at, None, email)
    access.add(connection, key)
    journal = desk.journal()
    facts = {
        "name": name,
        "role": role.value,
        "person": person,
        "waiver_minor": key.waiver_minor,
        "waiver_currency": key.waiver_currency,
        "expires_at": expires_at and expires_at.isoformat(),
    }
    journal.note(key_id, 1, "key.created", facts, stamp)
    journal.seal(connection)
    return key, f"prp_{key_id.removeprefix('key_')}_{secret}"


def revoke_key(connection: Connection, desk: Desk, key_id: str, *, by: str, door: str = "api") -> KnownKey:
    """Ends a key; the next request with it is refused. Raises KeyNotFound or KeyEnded."""
    key = access.by_id(connection, [key_id]).get(key_id)
    if key is None:
        raise KeyNotFound("There is no such key")
    stamp = desk.stamp(by, door=door)
    if not access.revoke(connection, key_id, version=key.version, at=stamp.at):
        raise KeyEnded("This key was revoked before")
    journal = desk.journal()
    journal.note(key_id, key.version + 1, "key.revoked", {}, stamp)
    journal.seal(connection)
    return key._replace(version=key.version + 1, revoked_at=stamp.at)


def keys(connection: Connection, *, after: str | None, limit: int) -> list[KnownKey]:
    """Keys, newest first, without their secrets."""
    return access.listed(connection, after=after, limit=limit)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash; the digest alone opens nothing.
    return sha256(secret.encode()).hexdigest()


def _opens(key: KnownKey, digest: str, now: datetime) -> bool:
    live = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return compare_digest(key.secret_digest, digest) and live
