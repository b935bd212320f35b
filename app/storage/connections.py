"""Connections: systems outside whose messages are taken, and their sealed secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update

from app.domain.connections import ConnectionMapping, ConnectionState, Provider
from app.storage.database import among
from app.storage.tables import ConnectionRow, ConnectionSecretRow


class KnownConnection(NamedTuple):
    """A connection as it stands."""

    id: str
    version: int
    name: str
    provider: Provider
    source: str
    account: str
    mapping: ConnectionMapping
    base_url: str
    token_url: str
    client_id: str
    state: str
    created_by: str
    created_at: datetime
    changed_at: datetime


class KnownConnectionSecret(NamedTuple):
    """A secret of a connection, sealed; None in `expires_at` is the newest one of its purpose."""

    id: str
    connection_id: str
    purpose: str
    sealed: str
    created_at: datetime
    expires_at: datetime | None


_ALL = select(*(getattr(ConnectionRow, column) for column in KnownConnection._fields))
_SECRETS = select(*(getattr(ConnectionSecretRow, column) for column in KnownConnectionSecret._fields))


def _read(row: object) -> KnownConnection:
    known = KnownConnection._make(row)  # type: ignore[arg-type]
    mapping = ConnectionMapping.of(json.loads(str(known.mapping)))
    return known._replace(provider=Provider(known.provider), mapping=mapping)


def _written(one: KnownConnection) -> dict[str, object]:
    return one._asdict() | {"provider": one.provider.value, "mapping": json.dumps(one.mapping.kept(), sort_keys=True)}


def add(connection: Connection, one: KnownConnection) -> None:
    """A new connection."""
    connection.execute(insert(ConnectionRow).values(_written(one)))


def by_id(connection: Connection, connection_id: str, *, hold: bool = False) -> KnownConnection | None:
    """One connection, ended ones too; with `hold`, nobody else can change it until the transaction ends."""
    question = _ALL.where(ConnectionRow.id == connection_id)
    row = connection.execute(question.with_for_update() if hold else question).first()
    return _read(row) if row else None


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, KnownConnection]:
    """The connections that exist among the ids."""
    rows = connection.execute(_ALL.where(among(connection, ConnectionRow.id, ids)))
    return {row.id: _read(row) for row in rows}


def change(connection: Connection, after: KnownConnection, *, version: int) -> bool:
    """Keeps a connection's next version; False where it is not at `version`."""
    mine = (ConnectionRow.id == after.id, ConnectionRow.version == version)
    return connection.execute(update(ConnectionRow).where(*mine).values(_written(after))).rowcount == 1


def listed(connection: Connection, *, after: str | None, limit: int) -> list[KnownConnection]:
    """Connections that have not ended, newest first."""
    question = _ALL.where(ConnectionRow.state != ConnectionState.ENDED.value)
    if after:
        question = question.where(ConnectionRow.id < after)
    return [_read(row) for row in connection.execute(question.order_by(ConnectionRow.id.desc()).limit(limit))]


# Secrets


def add_secret(connection: Connection, secret: KnownConnectionSecret) -> None:
    """A new secret."""
    connection.execute(insert(ConnectionSecretRow).values(secret._asdict()))


def secrets(connection: Connection, connection_id: str, now: datetime) -> list[KnownConnectionSecret]:
    """The secrets that hold at a moment, newest first."""
    question = _SECRETS.where(
        ConnectionSecretRow.connection_id == connection_id,
        or_(ConnectionSecretRow.expires_at.is_(None), ConnectionSecretRow.expires_at > now),
    )
    rows = connection.execute(question.order_by(ConnectionSecretRow.id.desc()))
    return [KnownConnectionSecret._make(row) for row in rows]


def expire_secret(connection: Connection, secret_id: str, at: datetime) -> None:
    """A secret holds until a moment."""
    connection.execute(update(ConnectionSecretRow).where(ConnectionSecretRow.id == secret_id).values(expires_at=at))


def forget_secrets(
    connection: Connection, connection_id: str, purposes: Iterable[str], *, but: Iterable[str] = ()
) -> None:
    """Deletes the secrets of a connection that are of no more use."""
    connection.execute(
        delete(ConnectionSecretRow).where(
            ConnectionSecretRow.connection_id == connection_id,
            ConnectionSecretRow.purpose.in_(list(purposes)),
            ConnectionSecretRow.id.not_in(list(but)),
        )
    )
