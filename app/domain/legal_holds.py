"""Legal holds: what may not be erased although its time is over, because a dispute or an examination may need it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.domain.refusals import Unprocessable


class HoldOnEverything(Unprocessable):
    code = "hold_on_everything"
    title = "A legal hold says what it holds"


class HoldEndsEarly(Unprocessable):
    code = "hold_ends_early"
    title = "The held period ends before it begins"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a hold keeps: entries to which everything it names applies. Days of the event, both ends included."""

    recipient_id: str | None = None
    employer_id: str | None = None
    giver: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    def check(self) -> None:
        """Raises HoldOnEverything where nothing is named, HoldEndsEarly where the days are the wrong way round."""
        if self == Scope():
            raise HoldOnEverything("Name a recipient, an employer, a giver, or the days of a period")
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise HoldEndsEarly.at("/ends_on", "ends_on lies before starts_on")
