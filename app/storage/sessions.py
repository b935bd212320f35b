"""Sessions: who is signed in, passwords as hashes, and links that sign in once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from app.storage import users
from app.storage.database import among
from app.storage.tables import PasswordRow, SessionRow, SignInLinkRow, UserRow
from app.storage.users import KnownUser


class KnownSession(NamedTuple):
    """A session without its secret."""

    id: str
    user_id: str
    secret_digest: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class KnownPassword(NamedTuple):
    """A password's hash, and how it fared."""

    user_id: str
    version: int
    hash: str
    set_at: datetime
    failures: int = 0
    locked_until: datetime | None = None


class KnownLink(NamedTuple):
    """A link without its secret."""

    id: str
    user_id: str
    secret_digest: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


_SESSION = tuple(getattr(SessionRow, column) for column in KnownSession._fields)
_WIDTH = len(_SESSION)


def with_users(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[KnownSession, KnownUser]]:
    """The sessions that exist among the ids, each with its user."""
    question = select(*_SESSION, *users.COLUMNS).join(UserRow, UserRow.id == SessionRow.user_id)
    rows = connection.execute(question.where(among(connection, SessionRow.id, ids)))
    return {row[0]: (KnownSession._make(row[:_WIDTH]), KnownUser._make(row[_WIDTH:])) for row in rows}


def add(connection: Connection, session: KnownSession) -> None:
    """A new session."""
    connection.execute(insert(SessionRow).values(**session._asdict()))


def seen(connection: Connection, session_id: str, at: datetime) -> None:
    """Somebody used a session at a moment."""
    connection.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=at))


def end(connection: Connection, session_id: str, at: datetime) -> bool:
    """Ends a session; False where it had ended."""
    done = connection.execute(
        update(SessionRow).where(SessionRow.id == session_id, SessionRow.ended_at.is_(None)).values(ended_at=at)
    )
    return done.rowcount == 1


def end_others(connection: Connection, user_id: str, *, but: str, at: datetime) -> None:
    """Ends all other sessions of a user."""
    theirs = (SessionRow.user_id == user_id, SessionRow.id != but, SessionRow.ended_at.is_(None))
    connection.execute(update(SessionRow).where(*theirs).values(ended_at=at))


def anybody_ever(connection: Connection) -> bool:
    """Whether anybody ever signed in."""
    return connection.scalar(select(SessionRow.id).limit(1)) is not None


def password_of(connection: Connection, user_id: str) -> KnownPassword | None:
    """A user's password."""
    columns = [getattr(PasswordRow, column) for column in KnownPassword._fields]
    row = connection.execute(select(*columns).where(PasswordRow.user_id == user_id)).first()
    return KnownPassword._make(row) if row else None


def keep_password(connection: Connection, password: KnownPassword) -> None:
    """A user's password, new or instead of the one before."""
    connection.execute(delete(PasswordRow).where(PasswordRow.user_id == password.user_id))
    connection.execute(insert(PasswordRow).values(**password._asdict()))


def tried(connection: Connection, user_id: str, *, failures: int, locked_until: datetime | None) -> None:
    """How often a password was got wrong by now."""
    connection.execute(
        update(PasswordRow).where(PasswordRow.user_id == user_id).values(failures=failures, locked_until=locked_until)
    )


def add_link(connection: Connection, link: KnownLink) -> None:
    """A new link."""
    connection.execute(insert(SignInLinkRow).values(**link._asdict()))


def link_by_id(connection: Connection, link_id: str) -> KnownLink | None:
    """One link."""
    columns = [getattr(SignInLinkRow, column) for column in KnownLink._fields]
    row = connection.execute(select(*columns).where(SignInLinkRow.id == link_id)).first()
    return KnownLink._make(row) if row else None


def use_link(connection: Connection, link_id: str, at: datetime) -> bool:
    """Uses a link up; False where somebody was quicker."""
    done = connection.execute(
        update(SignInLinkRow).where(SignInLinkRow.id == link_id, SignInLinkRow.used_at.is_(None)).values(used_at=at)
    )
    return done.rowcount == 1
