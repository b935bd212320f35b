"""Digests: whose mail of which day was sent, and the counts that stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from app.domain.digests import DigestState
from app.domain.violations import State
from app.storage.tables import ApiKeyRow, DigestRow, ViolationRow


class KnownDigest(NamedTuple):
    """One person's digest of one day. `position` is how far in the log it looked."""

    person: str
    day: date
    state: str
    attempts: int
    next_attempt_at: datetime | None
    position: int


class Addressee(NamedTuple):
    """Somebody with a key that is valid now and an address of mail."""

    person: str
    role: str
    email: str


_ALL = select(*(getattr(DigestRow, column) for column in KnownDigest._fields))
_UNDECIDED = ViolationRow.state.not_in([State.DECIDED.value, State.WITHDRAWN.value])


def addressees(connection: Connection, now: datetime) -> list[Addressee]:
    """Everybody who can be written to: for each person and role, the address of the newest key that is valid."""
    question = (
        select(ApiKeyRow.person, ApiKeyRow.role, ApiKeyRow.email)
        .where(
            ApiKeyRow.email.is_not(None),
            ApiKeyRow.revoked_at.is_(None),
            or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now),
        )
        .order_by(ApiKeyRow.id)
    )
    newest = {(person, role): str(email) for person, role, email in connection.execute(question)}
    return [Addressee(person, role, email) for (person, role), email in sorted(newest.items())]


def of_day(connection: Connection, day: date) -> dict[str, KnownDigest]:
    """The digests of a day, by person."""
    return {row.person: KnownDigest._make(row) for row in connection.execute(_ALL.where(DigestRow.day == day))}


def before(connection: Connection, person: str, day: date) -> KnownDigest | None:
    """A person's last digest before a day."""
    question = _ALL.where(DigestRow.person == person, DigestRow.day < day).order_by(DigestRow.day.desc()).limit(1)
    row = connection.execute(question).first()
    return KnownDigest._make(row) if row else None


def add(connection: Connection, digests: Sequence[KnownDigest]) -> None:
    """New digests."""
    if digests:
        connection.execute(insert(DigestRow), [one._asdict() for one in digests])


def claim(connection: Connection, person: str, day: date, *, now: datetime, until: datetime) -> KnownDigest | None:
    """A digest that is due, which nobody else sends until a moment; None where somebody does, or it is not due."""
    mine = (DigestRow.person == person, DigestRow.day == day, DigestRow.state == DigestState.WAITING.value)
    done = connection.execute(
        update(DigestRow).where(*mine, DigestRow.next_attempt_at <= now).values(next_attempt_at=until)
    )
    if done.rowcount != 1:
        return None
    return KnownDigest._make(connection.execute(_ALL.where(*mine)).one())


def keep(connection: Connection, digest: KnownDigest) -> None:
    """A digest as it stands now."""
    mine = (DigestRow.person == digest.person, DigestRow.day == digest.day)
    connection.execute(update(DigestRow).where(*mine).values(digest._asdict()))


def undecided(connection: Connection) -> dict[str, int]:
    """How many cases wait for a decision, by severity."""
    question = (
        select(ViolationRow.severity, func.count().label("many")).where(_UNDECIDED).group_by(ViolationRow.severity)
    )
    return {row.severity: row.many for row in connection.execute(question)}


def undecided_since(connection: Connection, *, after: datetime) -> int:
    """How many cases that wait for a decision were opened after a moment."""
    return _count(connection, ViolationRow.opened_at > after)


def overdue(connection: Connection, today: date) -> int:
    """How many cases that wait for a decision should have had one before a day."""
    return _count(connection, ViolationRow.due_on < today)


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    question = select(func.count()).select_from(ViolationRow).where(_UNDECIDED, which)
    return int(connection.execute(question).scalar_one())
