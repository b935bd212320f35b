"""API keys: making them, recognising them, ending them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import GRANTS, BadKey, Permission, Principal, Role
from app.domain.audit import Stamp
from app.domain.refusals import Conflict, Forbidden, NotFound, Unprocessable
from app.services import teams, tokens
from app.services.desk import Desk
from app.services.journal import Journal
from app.services.tokens import Claims
from app.storage import access, sessions, users
from app.storage.access import KnownKey as KnownKey
from app.storage.ids import new_id
from app.storage.users import KnownUser

SESSION_IDLE = timedelta(minutes=30)
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


class UserInactive(Conflict):
    code = "user_inactive"
    title = "The user is no longer active"


class BeyondRole(Unprocessable):
    code = "beyond_role"
    title = "A key never allows more than its role"


class BeyondUser(Unprocessable):
    code = "beyond_user"
    title = "A key never allows more than its user may"


class Credentials(NamedTuple):
    """A key as presented: which one, and the digest of its secret."""

    key_id: str
    digest: str


Presented = Credentials | Claims


class Unchecked(NamedTuple):
    """A token as presented, of which only the shape is known."""

    token: str


def read_credentials(authorization: str | None) -> Credentials | Unchecked:
    """The key or the token in an Authorization header: `Bearer prp_…`. Raises BadKey for anything else."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    found = _KEY.fullmatch(token)
    if scheme.lower() == "bearer" and found is not None:
        return Credentials(f"key_{found[1]}", _digest(found[2]))
    if scheme.lower() == "bearer" and tokens.looks_like_one(token):
        return Unchecked(token)
    raise BadKey("Send your API key as `Authorization: Bearer prp_…`")


def check(desk: Desk, presented: Credentials | Unchecked) -> Presented:
    """Credentials to be looked up in a transaction. For a token this may wait for the identity provider.

    Raises what `Tokens.read` raises, and BadKey for a token where there is no identity provider.
    """
    if isinstance(presented, Credentials):
        return presented
    if desk.tokens is None:
        raise BadKey("No identity provider is set up here; send your API key as `Authorization: Bearer prp_…`")
    return desk.tokens.read(presented.token)


def identify(connection: Connection, desk: Desk, presented: Iterable[Presented]) -> dict[Presented, Principal]:
    """The principals behind the credentials that are valid at this moment; the others are missing."""
    wanted = set(presented)
    presented_keys = {one for one in wanted if isinstance(one, Credentials)}
    signed_in = {one for one in presented_keys if one.key_id.startswith("ses_")}
    keys, now = presented_keys - signed_in, desk.clock()
    known = access.with_users(connection, {one.key_id for one in keys}) if keys else {}
    behind: dict[Presented, Principal] = {
        one: _behind(*found)
        for one in keys
        if (found := known.get(one.key_id)) is not None and _opens(*found, one.digest, now)
    }
    behind |= {
        one: who for one in wanted if isinstance(one, Claims) and (who := _named_by(connection, one)) is not None
    }
    behind |= _signed_in(connection, signed_in, now)
    return {one: _overseeing(connection, desk, who) for one, who in behind.items()}


def _signed_in(connection: Connection, presented: set[Credentials], now: datetime) -> dict[Presented, Principal]:
    """The users behind sessions that are neither ended, expired nor idle for too long."""
    known = sessions.with_users(connection, {one.key_id for one in presented}) if presented else {}
    return {
        one: _as_user(user)
        for one in presented
        if (found := known.get(one.key_id)) is not None
        for session, user in [found]
        if compare_digest(session.secret_digest, one.digest)
        and session.ended_at is None
        and now < min(session.expires_at, session.seen_at + SESSION_IDLE)
        and user.active
    }


def _named_by(connection: Connection, claims: Claims) -> Principal | None:
    """Whom a token names: a user, by person or address, and never more than they are here; or nobody in particular."""
    user = users.by_person(connection, [claims.person]).get(users.key(claims.person))
    if user is None and claims.email is not None:
        user = users.by_email(connection, claims.email)
    if user is None:
        id = sha256(f"{claims.issuer} {claims.subject}".encode()).hexdigest()[:32]
        return Principal(f"idp_{id}", claims.name, claims.role, claims.person)
    if not user.active:
        return None
    waiver, ceiling = (user.waiver_minor, user.waiver_currency), GRANTS[Role(user.role)]
    return Principal(user.id, user.name, claims.role, user.person, *waiver, user_id=user.id, ceiling=ceiling)


def principal_of_user(connection: Connection, desk: Desk, user_id: str) -> Principal | None:
    """The principal that a user is when they sign in; None where there is no such user, or they are not active."""
    user = users.by_id(connection, user_id)
    return None if user is None or not user.active else _overseeing(connection, desk, _as_user(user))


def _as_user(user: KnownUser) -> Principal:
    waiver = (user.waiver_minor, user.waiver_currency)
    return Principal(user.id, user.name, Role(user.role), user.person, *waiver, user_id=user.id)


def _overseeing(connection: Connection, desk: Desk, who: Principal) -> Principal:
    """The principal with the teams they supervise today; whoever reads all needs none."""
    if not who.may(Permission.READ_TEAM) or who.may(Permission.READ_ALL):
        return who
    return replace(who, oversees=teams.oversight(connection, who.person, desk.today()))


def _behind(key: KnownKey, user: KnownUser | None) -> Principal:
    """A key of a user never allows more than the user may; a key of nobody in particular allows what its role does."""
    role, waiver = Role(key.role), (key.waiver_minor, key.waiver_currency)
    scopes = None if key.scopes is None else frozenset(map(Permission, key.scopes.split()))
    if user is None:
        return Principal(key.id, key.name, role, key.person, *waiver, ceiling=scopes)
    least = key.waiver_minor if key.waiver_currency == user.waiver_currency else 0
    waiver = (min(least, user.waiver_minor), user.waiver_currency)
    ceiling = GRANTS[Role(user.role)] if scopes is None else GRANTS[Role(user.role)] & scopes
    return Principal(key.id, key.name, role, key.person, *waiver, user_id=user.id, ceiling=ceiling)


def require(connection: Connection, desk: Desk, presented: Presented) -> Principal:
    """The principal behind credentials. Raises BadKey, alike for unknown, wrong, expired and revoked keys."""
    principal = identify(connection, desk, [presented]).get(presented)
    if principal is None:
        raise unknown(presented)
    return principal


def unknown(presented: Presented) -> BadKey:
    """Why credentials open nothing."""
    if isinstance(presented, Claims):
        return BadKey("Whoever the token names is not active here any more")
    return BadKey("The API key is not valid: unknown, expired or revoked")


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
    scopes: Sequence[Permission] | None = None,
) -> tuple[KnownKey, str]:
    """A new key and its text, which is shown this once and kept nowhere.

    `waiver` is what its holder may waive alone, in minor units of a currency. Raises WaiverLimitNotTheirs for a role
    that decides nothing, OwnWaiverLimit where somebody grants it to themselves; where the person is a user,
    UserInactive, and BeyondUser for a role that allows more than theirs or another spelling of the person.
    """
    if waiver[0] and Permission.REVIEW not in GRANTS[role]:
        raise WaiverLimitNotTheirs.at("/waiver_limit", f"A key of the role {role} waives nothing")
    if waiver[0] and users.key(person) == users.key(by):
        raise OwnWaiverLimit("Somebody else sets what you may waive alone")
    _require_within_role(scopes, role)
    _require_within_user(users.by_person(connection, [person]).get(users.key(person)), role, person)
    stamp, journal = desk.stamp(by, door=door), desk.journal()
    expires_at = stamp.at + lifetime if lifetime else None
    kept = " ".join(sorted(set(scopes))) if scopes else None
    key = KnownKey(new_id("key"), 1, name, role.value, person, *waiver, "", by, stamp.at, expires_at, None, email, kept)
    return _issue(connection, journal, stamp, key)


def _issue(connection: Connection, journal: Journal, stamp: Stamp, key: KnownKey) -> tuple[KnownKey, str]:
    """The key with a fresh secret, kept and in the log; and its text."""
    secret = secrets.token_urlsafe(32)
    key = key._replace(secret_digest=_digest(secret))
    access.add(connection, key)
    facts = {
        "name": key.name,
        "role": key.role,
        "person": key.person,
        "waiver_minor": key.waiver_minor,
        "waiver_currency": key.waiver_currency,
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "scopes": key.scopes and key.scopes.split(),
        "replaces": key.replaces,
    }
    journal.note(key.id, 1, "key.created", facts, stamp)
    journal.seal(connection)
    return key, f"prp_{key.id.removeprefix('key_')}_{secret}"


def rotate_key(
    connection: Connection, desk: Desk, principal: Principal, key_id: str, *, overlap: timedelta
) -> tuple[KnownKey, str]:
    """A key in the place of another, which still opens for a while; it lasts as long as the other was to, from now on.

    Administrators, and whoever uses the very key. Raises RoleForbids, KeyNotFound or KeyEnded.
    """
    if principal.id != key_id:
        principal.require(Permission.MANAGE_KEYS)
    old = access.by_id(connection, [key_id]).get(key_id)
    if old is None:
        raise KeyNotFound("There is no such key")
    stamp, journal = desk.stamp(principal.person), desk.journal()
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= stamp.at):
        raise KeyEnded("This key has ended; make a new one")
    until = min(stamp.at + overlap, old.expires_at or stamp.at + overlap)
    if not access.end_by(connection, key_id, version=old.version, expires_at=until):
        raise KeyEnded("This key was changed at this moment")
    expires_at = None if old.expires_at is None else stamp.at + (old.expires_at - old.created_at)
    journal.note(key_id, old.version + 1, "key.rotated", {"expires_at": until.isoformat()}, stamp)
    new = old._replace(
        id=new_id("key"),
        version=1,
        created_by=stamp.actor,
        created_at=stamp.at,
        expires_at=expires_at,
        replaces=key_id,
        last_used_at=None,
    )
    return _issue(connection, journal, stamp, new)


def _require_within_role(scopes: Sequence[Permission] | None, role: Role) -> None:
    for place, scope in enumerate(scopes or ()):
        if scope not in GRANTS[role]:
            raise BeyondRole.at(f"/scopes/{place}", f"The role {role} does not allow {scope}")


def _require_within_user(user: KnownUser | None, role: Role, person: str) -> None:
    if user is None:
        return
    if user.person != person:
        raise BeyondUser.at("/person", f"The user is written {user.person!r}")
    if not user.active:
        raise UserInactive("The user is no longer active, so a key of theirs would open nothing")
    if not GRANTS[role] <= GRANTS[Role(user.role)]:
        raise BeyondUser.at(
            "/role", f"The user has the role {user.role}; a key of theirs has this role or a lesser one"
        )


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


def _opens(key: KnownKey, user: KnownUser | None, digest: str, now: datetime) -> bool:
    live = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return compare_digest(key.secret_digest, digest) and live and (user is None or user.active)
