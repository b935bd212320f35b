"""Managing connections: made, changed, ended, with secrets that are shown once, kept sealed and rotated with overlap.

ConnectionNotFound     404  absent, or ended
ConnectionChanged      412  somebody changed it since you read it
SecretRequired         422  the provider gives the secret, so it has to be said
SecretNotUsable        422  not a secret that the provider's messages can be proved with
"""

from __future__ import annotations

import os
import re
import secrets as chance
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.connections import ConnectionMapping, ConnectionState, Provider, Purpose
from app.domain.refusals import NotFound, StaleVersion, Unprocessable
from app.domain.subscriptions import read_secret, write_secret
from app.domain.targets import TargetNotAllowed
from app.services import secrets, targets
from app.services.desk import Desk
from app.storage import connections
from app.storage.connections import KnownConnection as KnownConnection
from app.storage.connections import KnownConnectionSecret as KnownConnectionSecret
from app.storage.ids import new_id

_SECRET = re.compile(r"[\x21-\x7e]{16,400}", re.ASCII)
_IN_A_PATH = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)


class ConnectionNotFound(NotFound):
    code = "connection_not_found"


class ConnectionChanged(StaleVersion):
    code = "connection_changed"


class SecretRequired(Unprocessable):
    code = "secret_required"
    title = "The provider gives this secret"


class SecretNotUsable(Unprocessable):
    code = "secret_not_usable"
    title = "This is no secret of that kind"


class Said(NamedTuple):
    """What somebody says of a connection; None leaves it as it is, or as it is by default."""

    name: str | None = None
    source: str | None = None
    account: str | None = None
    mapping: ConnectionMapping | None = None
    base_url: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    state: ConnectionState | None = None


def check_urls(desk: Desk, said: Said) -> None:
    """Raises TargetNotAllowed for a URL that is never called. It may look names up: not for inside a transaction."""
    for name in ("base_url", "token_url"):
        if url := getattr(said, name):
            try:
                targets.require_target(url, targets.allowed_by(desk.settings))
            except TargetNotAllowed as refused:
                raise TargetNotAllowed.at(f"/{name}", refused.detail) from None


def create(
    connection: Connection, desk: Desk, principal: Principal, provider: Provider, said: Said, *, secret: str | None
) -> tuple[KnownConnection, str | None]:
    """A new connection, and its secret where we made it, which is shown this once.

    Raises RoleForbids, SecretRequired, SecretNotUsable, NoSecretKey. The caller has checked the URLs.
    """
    principal.require(Permission.MANAGE_CONNECTIONS)
    stamp = desk.stamp(principal.person)
    made = KnownConnection(
        id=new_id("con"),
        version=1,
        name=said.name or provider.value,
        provider=provider,
        source=said.source or provider.value,
        account=said.account or "",
        mapping=said.mapping or ConnectionMapping(),
        base_url=said.base_url or "",
        token_url=said.token_url or "",
        client_id=said.client_id or "",
        state=ConnectionState.ACTIVE.value,
        created_by=principal.person,
        created_at=stamp.at,
        changed_at=stamp.at,
    )
    connections.add(connection, made)
    kept, text = _new_secret(connection, desk, made, Purpose.VERIFY, secret, stamp.at)
    journal = desk.journal()
    journal.note(made.id, 1, "connection.created", _facts(made) | {"secret_id": kept.id}, stamp)
    journal.seal(connection)
    return made, text


def change(
    connection: Connection, desk: Desk, principal: Principal, connection_id: str, said: Said, *, version: int
) -> KnownConnection:
    """A connection's next version. Raises RoleForbids, ConnectionNotFound or ConnectionChanged."""
    before = _held(connection, principal, connection_id)
    if before.version != version:
        raise ConnectionChanged(f"The connection is at version {before.version}")
    told = {name: value for name, value in said._asdict().items() if value is not None}
    if said.state is not None:
        told["state"] = said.state.value
    return _kept(connection, desk, before, before._replace(**told), "connection.changed", desk.stamp(principal.person))


def end(connection: Connection, desk: Desk, principal: Principal, connection_id: str) -> KnownConnection:
    """Takes nothing more, forgets the secrets, keeps the record. Raises RoleForbids or ConnectionNotFound."""
    before = _held(connection, principal, connection_id)
    connections.forget_secrets(connection, before.id, [one.value for one in Purpose])
    after = before._replace(state=ConnectionState.ENDED.value)
    return _kept(connection, desk, before, after, "connection.ended", desk.stamp(principal.person))


def rotate(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    connection_id: str,
    *,
    purpose: Purpose,
    secret: str | None,
    overlap: timedelta,
) -> tuple[KnownConnectionSecret, str | None, Sequence[KnownConnectionSecret]]:
    """A new secret, its text where we made it, and the other that still proves until the overlap ends.

    At most two prove: one that was in its overlap already ends now. What opens their system has no overlap.
    Raises RoleForbids, ConnectionNotFound, SecretRequired, SecretNotUsable or NoSecretKey.
    """
    before = _held(connection, principal, connection_id)
    stamp = desk.stamp(principal.person)
    held = [one for one in connections.secrets(connection, before.id, stamp.at) if one.purpose == purpose]
    older = held[:1] if overlap and purpose is Purpose.VERIFY else []
    connections.forget_secrets(connection, before.id, [purpose.value], but=[one.id for one in older])
    ends = stamp.at + overlap
    for one in older:
        connections.expire_secret(connection, one.id, ends)
    kept, text = _new_secret(connection, desk, before, purpose, secret, stamp.at)
    facts = {"secret_id": kept.id, "purpose": purpose.value}
    _kept(connection, desk, before, before, "connection.secret_rotated", stamp, more=facts)
    return kept, text, [one._replace(expires_at=ends) for one in older]


def note_replay(
    connection: Connection, desk: Desk, principal: Principal, connection_id: str, many: int
) -> KnownConnection:
    """Writes down that messages are processed again. Raises RoleForbids or ConnectionNotFound."""
    before = _held(connection, principal, connection_id)
    stamp = desk.stamp(principal.person)
    return _kept(connection, desk, before, before, "connection.replayed", stamp, more={"receipts": many})


def get(connection: Connection, principal: Principal, connection_id: str) -> KnownConnection:
    """One connection. Raises RoleForbids or ConnectionNotFound."""
    principal.require(Permission.MANAGE_CONNECTIONS)
    found = connections.by_id(connection, connection_id)
    if found is None or found.state == ConnectionState.ENDED:
        raise ConnectionNotFound("There is no such connection")
    return found


def listed(connection: Connection, principal: Principal, *, after: str | None, limit: int) -> list[KnownConnection]:
    """Connections, newest first. Raises RoleForbids."""
    principal.require(Permission.MANAGE_CONNECTIONS)
    return connections.listed(connection, after=after, limit=limit)


def secrets_of(connection: Connection, connection_id: str, now: datetime) -> list[KnownConnectionSecret]:
    """The secrets that hold now, newest first, sealed."""
    return connections.secrets(connection, connection_id, now)


def url_of(desk: Desk, one: KnownConnection, secret: str | None = None) -> str:
    """Where its messages are to be sent; with the secret in it where that is how they are proved."""
    address = f"{desk.settings.public_url}/v1/webhooks/{one.id}"
    return f"{address}/{secret}" if secret and one.provider is Provider.SALESFORCE else address


def _held(connection: Connection, principal: Principal, connection_id: str) -> KnownConnection:
    principal.require(Permission.MANAGE_CONNECTIONS)
    found = connections.by_id(connection, connection_id, hold=True)
    if found is None or found.state == ConnectionState.ENDED:
        raise ConnectionNotFound("There is no such connection")
    return found


def _kept(
    connection: Connection,
    desk: Desk,
    before: KnownConnection,
    after: KnownConnection,
    action: str,
    stamp: Stamp,
    *,
    more: Mapping[str, object] | None = None,
) -> KnownConnection:
    after = after._replace(version=before.version + 1, changed_at=stamp.at)
    if not connections.change(connection, after, version=before.version):
        raise ConnectionChanged("The connection was changed at this moment; read it again")
    journal = desk.journal()
    journal.note(after.id, after.version, action, _facts(after) | dict(more or {}), stamp)
    journal.seal(connection)
    return after


def _new_secret(
    connection: Connection, desk: Desk, one: KnownConnection, purpose: Purpose, said: str | None, at: datetime
) -> tuple[KnownConnectionSecret, str | None]:
    """The secret as it is kept, and its text where it was made here."""
    made = None if said else _made(one.provider, purpose)
    text = said or made or ""
    _require_usable(one.provider, purpose, text)
    id = new_id("cse")
    sealed = secrets.seal(desk.settings, text.encode(), owner=id)
    kept = KnownConnectionSecret(id, one.id, purpose.value, sealed, at, None)
    connections.add_secret(connection, kept)
    return kept, made


def _made(provider: Provider, purpose: Purpose) -> str:
    if purpose is Purpose.FETCH:
        raise SecretRequired.at("/secret", "Give the token or client secret that the other system made for us")
    if provider is Provider.HUBSPOT:
        raise SecretRequired.at("/secret", "Give the client secret of your HubSpot app")
    return write_secret(os.urandom(32)) if provider is Provider.STANDARD_WEBHOOKS else chance.token_urlsafe(32)


def _require_usable(provider: Provider, purpose: Purpose, text: str) -> None:
    if not _SECRET.fullmatch(text):
        raise SecretNotUsable.at("/secret", "16 to 400 visible ASCII characters, without spaces")
    if purpose is Purpose.FETCH:
        return
    if provider is Provider.SALESFORCE and not _IN_A_PATH.fullmatch(text):
        raise SecretNotUsable.at("/secret", "It stands in a path: 16 to 200 letters, digits, - and _")
    if provider is Provider.STANDARD_WEBHOOKS:
        try:
            read_secret(text)
        except ValueError:
            raise SecretNotUsable.at("/secret", "whsec_ and base64 of 24 to 64 bytes") from None


def _facts(one: KnownConnection) -> dict[str, Any]:
    """What history says; of a URL only its origin."""
    base = urlsplit(one.base_url)
    return {
        "name": one.name,
        "provider": one.provider.value,
        "source": one.source,
        "account": one.account,
        "mapping": one.mapping.kept(),
        "fetches_from": f"{base.scheme}://{base.netloc}" if one.base_url else "",
        "state": one.state,
    }
