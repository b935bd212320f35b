"""API keys: who stands behind a secret, of which only a digest is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, or_, select, update

from app.storage import users
from app.storage.database import among
from app.storage.tables import ApiKeyRow, UserRow
from app.storage.users import KnownUser


class KnownKey(NamedTuple):
    """A key without its secret."""

    id: str
    version: int
    name: str
    role: str
    person: str
    waiver_minor: int
    waiver_currency: str
    secret_digest: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    email: str | None = None
    scopes: str | None = None
    replaces: str | None = None
    last_used_at: datetime | None = None


_COLUMNS = tuple(getattr(ApiKeyRow, column) for column in KnownKey._fields)
_WIDTH = len(_COLUMNS)
_ALL = select(*_COLUMNS)
_WITH_USER = select(*_COLUMNS, *users.COLUMNS).outerjoin(UserRow, UserRow.person == ApiKeyRow.person)


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownKey]:
    """The keys that exist among the ids."""
    rows = connection.execute(_ALL.where(among(connection, ApiKeyRow.id, ids)))
    return {row.id: KnownKey._make(row) for row in rows}


def with_users(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[KnownKey, KnownUser | None]]:
    """The keys that exist among the ids, each with the user that its person is, where they are one."""
    rows = connection.execute(_WITH_USER.where(among(connection, ApiKeyRow.id, ids)))
    return {row[0]: (KnownKey._make(row[:_WIDTH]), _user(row[_WIDTH:])) for row in rows}


def _user(values: Sequence[Any]) -> KnownUser | None:
    return None if values[0] is None else KnownUser._make(values)


def add(connection: Connection, key: KnownKey) -> None:
    """A new key."""
    connection.execute(insert(ApiKeyRow).values(**key._asdict()))


def revoke(connection: Connection, key_id: str, *, version: int, at: datetime) -> bool:
    """Ends a key from this moment on; False where it had ended or changed."""
    done = connection.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id, ApiKeyRow.version == version, ApiKeyRow.revoked_at.is_(None))
        .values(revoked_at=at, version=version + 1)
    )
    return done.rowcount == 1


def end_by(connection: Connection, key_id: str, *, version: int, expires_at: datetime) -> bool:
    """Lets a key end at a moment; False where it had ended or changed."""
    mine = (ApiKeyRow.id == key_id, ApiKeyRow.version == version, ApiKeyRow.revoked_at.is_(None))
    done = connection.execute(update(ApiKeyRow).where(*mine).values(expires_at=expires_at, version=version + 1))
    return done.rowcount == 1


def note_use(connection: Connection, used: Mapping[str, datetime]) -> None:
    """When keys were last used; what somebody else has noted later stays."""
    row = ApiKeyRow
    for key_id, at in sorted(used.items()):
        earlier = or_(row.last_used_at.is_(None), row.last_used_at < at)
        connection.execute(update(row).where(row.id == key_id, earlier).values(last_used_at=at))


def listed(connection: Connection, *, after: str | None, limit: int) -> list[KnownKey]:
    """Keys, newest first."""
    question = _ALL.where(ApiKeyRow.id < after) if after else _ALL
    return [KnownKey._make(row) for row in connection.execute(question.order_by(ApiKeyRow.id.desc()).limit(limit))]


def people_at(connection: Connection, emails: Iterable[str]) -> dict[str, str]:
    """The people behind addresses without case, as entries name them: of users, else of keys, where the newest says."""
    wanted = set(emails)
    of_keys = select(func.lower(ApiKeyRow.email), ApiKeyRow.person).where(
        among(connection, func.lower(ApiKeyRow.email), wanted)
    )
    of_users = select(UserRow.email_key, UserRow.person).where(among(connection, UserRow.email_key, wanted))
    found = [*connection.execute(of_keys.order_by(ApiKeyRow.id)), *connection.execute(of_users)]
    return {str(email): person for email, person in found}


def addresses(connection: Connection, person: str) -> set[str]:
    """The addresses of a person, as their user and the keys that write them so have it."""
    user = users.by_person(connection, [person]).get(users.key(person))
    person_is = ApiKeyRow.person.in_({person, user.person} if user else {person})
    of_keys = connection.scalars(select(ApiKeyRow.email).where(person_is, ApiKeyRow.email.is_not(None)).distinct())
    return {*map(str, of_keys), *([user.email] if user and user.email else [])}
