"""Legal holds: those that hold, and those that did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from app.domain.legal_holds import Scope
from app.storage.tables import LegalHoldRow

State = Literal["active", "released"]


@dataclass(frozen=True, slots=True)
class KnownHold:
    """A hold: for which matter and why, what it keeps, and how it ended."""

    id: str
    version: int
    matter: str
    reason: str
    scope: Scope
    placed_by: str
    placed_at: datetime
    released_by: str | None = None
    released_at: datetime | None = None
    release_reason: str | None = None


def add(connection: Connection, hold: KnownHold) -> None:
    """A new hold."""
    said = {name: value for name, value in asdict(hold).items() if name != "scope"}
    connection.execute(insert(LegalHoldRow).values(**said, **asdict(hold.scope)))


def release(connection: Connection, hold: KnownHold) -> bool:
    """Ends a hold; False where it has another version than the one before."""
    ended = {"version": hold.version, "released_by": hold.released_by, "released_at": hold.released_at}
    done = connection.execute(
        update(LegalHoldRow)
        .where(LegalHoldRow.id == hold.id, LegalHoldRow.version == hold.version - 1)
        .values(**ended, release_reason=hold.release_reason)
    )
    return done.rowcount == 1


def by_id(connection: Connection, hold_id: str) -> KnownHold | None:
    """One hold."""
    row = connection.execute(select(LegalHoldRow.__table__).where(LegalHoldRow.id == hold_id)).first()
    return _known(row) if row else None


def listed(connection: Connection, *, state: State | None, after: str | None, limit: int) -> list[KnownHold]:
    """Holds, newest first."""
    question = select(LegalHoldRow.__table__)
    if state is not None:
        open_ones = LegalHoldRow.released_at.is_(None)
        question = question.where(open_ones if state == "active" else ~open_ones)
    if after:
        question = question.where(LegalHoldRow.id < after)
    return [_known(row) for row in connection.execute(question.order_by(LegalHoldRow.id.desc()).limit(limit))]


def _known(row: Row[Any]) -> KnownHold:
    said = row._asdict()
    scope = Scope(**{name: said.pop(name) for name in ("recipient_id", "employer_id", "giver", "starts_on", "ends_on")})
    return KnownHold(scope=scope, **said)
