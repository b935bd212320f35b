"""Users: the firm's people, found by id, by person and by address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.storage.database import among
from app.storage.tables import ApiKeyRow, UserRow


class KnownUser(NamedTuple):
    """A person of the firm. What they may waive alone is minor units of a currency."""

    id: str
    version: int
    person: str
    name: str
    email: str | None
    role: str
    active: bool
    waiver_minor: int
    waiver_currency: str
    created_by: str
    created_at: datetime
    changed_at: datetime


class UserFilter(NamedTuple):
    """What narrows a list of users; None asks for nothing."""

    person: str | None = None
    role: str | None = None
    active: bool | None = None


COLUMNS = tuple(getattr(UserRow, column) for column in KnownUser._fields)
_ALL = select(*COLUMNS)


def by_id(connection: Connection, user_id: str) -> KnownUser | None:
    """The user of an id."""
    row = connection.execute(_ALL.where(UserRow.id == user_id)).first()
    return KnownUser._make(row) if row else None


def by_person(connection: Connection, persons: Iterable[str]) -> dict[str, KnownUser]:
    """The users among persons, by their `key`: in whatever case the persons are written."""
    wanted = {key(person) for person in persons}
    rows = connection.execute(_ALL.where(among(connection, UserRow.person_key, wanted)))
    return {key(row.person): KnownUser._make(row) for row in rows}


def by_email(connection: Connection, email: str) -> KnownUser | None:
    """The user with an address, in whatever case it is written."""
    row = connection.execute(_ALL.where(UserRow.email_key == key(email))).first()
    return KnownUser._make(row) if row else None


def add(connection: Connection, user: KnownUser) -> None:
    """A new user."""
    connection.execute(insert(UserRow).values(**_row(user)))


def swap(connection: Connection, user: KnownUser) -> bool:
    """A user as they stand after a change; False where they no longer have the version before."""
    before = (UserRow.id == user.id, UserRow.version == user.version - 1)
    return connection.execute(update(UserRow).where(*before).values(**_row(user))).rowcount == 1


def listed(connection: Connection, wanted: UserFilter, *, after: str | None, limit: int) -> list[KnownUser]:
    """Users, newest first."""
    question = _ALL
    if wanted.person is not None:
        question = question.where(UserRow.person_key == key(wanted.person))
    if wanted.role is not None:
        question = question.where(UserRow.role == wanted.role)
    if wanted.active is not None:
        question = question.where(UserRow.active.is_(wanted.active))
    if after:
        question = question.where(UserRow.id < after)
    return [KnownUser._make(row) for row in connection.execute(question.order_by(UserRow.id.desc()).limit(limit))]


def spellings(connection: Connection, person: str) -> set[str]:
    """How live and ended keys write a person."""
    return {one for one in connection.scalars(select(ApiKeyRow.person).distinct()) if key(one) == key(person)}


def key(text: str) -> str:
    """A person or address without the difference between upper and lower case."""
    return text.strip().casefold()


def _row(user: KnownUser) -> dict[str, object]:
    keys = {"person_key": key(user.person), "email_key": None if user.email is None else key(user.email)}
    return user._asdict() | keys
