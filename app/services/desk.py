"""What every service works with: the firm's settings, its clock, the order of record and the policies it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.policies import PolicyBook
from app.domain.review_codes import ReviewCodes
from app.services import review_codes
from app.services.calendars import Calendar
from app.services.journal import Journal
from app.services.rates import Rates
from app.services.tokens import Tokens
from app.settings import Settings
from app.storage.database import Database
from app.storage.ids import Sequencer, moment_at, place_at


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
    calendar: Calendar = field(init=False)
    codes: ReviewCodes = field(init=False)
    tokens: Tokens | None = field(init=False)
    rates: Rates | None = field(init=False)
    replica: Database | None = None
    remembered: Remembered = field(default_factory=lambda: Remembered(-1, PolicyBook([])))

    def __post_init__(self) -> None:
        self.sequencer = Sequencer(self.clock)
        self.calendar = Calendar(self.settings.holidays)
        self.codes = review_codes.load(self.settings.review_codes)
        self.tokens = Tokens(self.settings, self.clock) if self.settings.oidc_issuer else None
        self.rates = Rates(self.settings.rate_limit) if self.settings.rate_limit else None

    @property
    def archive(self) -> Database:
        """Where files and reports are read from: the replica, which may lag, or where there is none the database.

        Nothing that is decided, and nothing that says what is left of a limit, is read here.
        """
        return self.replica or self.database

    def today(self, at: int | None = None) -> date:
        """The day it is in the firm's time zone, or was at a place in the order of record."""
        return self.day_of(self.clock() if at is None else moment_at(at))

    def day_of(self, moment: datetime) -> date:
        """The day that a moment lies on in the firm's time zone."""
        return moment.astimezone(self.settings.zone).date()

    def review_due_on(self, severity: str, opened_at: datetime) -> date:
        """By when a case is to be reviewed that was opened, or reopened, at a moment."""
        days = self.codes.due_in_business_days[severity]
        return self.calendar.business_day_after(self.day_of(opened_at), days)

    def stamp(self, actor: str, *, door: str = "api", reason: str = "") -> Stamp:
        """Who and when, for a change that happens now."""
        return Stamp(actor, self.clock(), door, reason)

    def journal(self) -> Journal:
        """A fresh journal for one transaction."""
        return Journal(self.settings.log_id)


__all__ = ["Connection", "Desk", "Remembered", "place_at", "wall_clock"]
