"""What every service works with: the firm's settings, its clock, the order of record and the policies it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.policies import PolicyBook
from app.services.journal import Journal
from app.settings import Settings
from app.storage.database import Database
from app.storage.ids import Sequencer, place_at


def wall_clock() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


class Remembered(NamedTuple):
    """The policy book as of a publication; replaced as a whole, so that no thread sees half of two."""

    epoch: int
    book: PolicyBook


@dataclass
class Desk:
    """One process's place of work. Nothing here decides anything by itself; the book is checked against its epoch."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime] = wall_clock
    sequencer: Sequencer = field(init=False)
    remembered: Remembered = field(default_factory=lambda: Remembered(-1, PolicyBook([])))

    def __post_init__(self) -> None:
        self.sequencer = Sequencer(self.clock)

    def today(self) -> date:
        """The day it is in the firm's time zone."""
        return self.clock().astimezone(self.settings.zone).date()

    def stamp(self, actor: str, *, door: str = "api", reason: str = "") -> Stamp:
        """Who and when, for a change that happens now."""
        return Stamp(actor, self.clock(), door, reason)

    def journal(self) -> Journal:
        """A fresh journal for one transaction."""
        return Journal(self.settings.log_id)


__all__ = ["Connection", "Desk", "Remembered", "place_at", "wall_clock"]
