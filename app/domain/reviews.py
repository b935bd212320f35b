"""Reviews: who may judge what. Nobody judges their own, and what one person may not grant alone needs another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.entries import Entry
from app.domain.refusals import Forbidden

PERSONNEL = "hr"
"""The source of external ids under which our own people are recipients."""


class SelfReview(Forbidden):
    code = "self_review"
    title = "Nobody reviews their own"


class SelfConfirmation(Forbidden):
    code = "self_confirmation"
    title = "A second person confirms"


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient on the entry, by everything that can name the same person among our own people."""

    id: str
    name: str
    email: str | None = None
    external_ids: tuple[tuple[str, str], ...] = ()

    @property
    def persons(self) -> set[str]:
        """The texts by which an API key could name this person."""
        personnel = {id for source, id in self.external_ids if source == PERSONNEL}
        return {self.id, self.name, *personnel} | ({self.email} if self.email else set())


def involved(entry: Entry, submitted_by: str, recipients: Iterable[Named]) -> set[str]:
    """Everybody who submitted, gave, hosted or received what is to be judged, as API keys name persons."""
    received = {person for one in recipients for person in one.persons}
    return {_plain(person) for person in {submitted_by, entry.giver, *(entry.hosts or ()), *received}}


def require_impartial(person: str, involved: set[str], also: Iterable[str] = ()) -> None:
    """Raises SelfReview for somebody who is involved. Upper and lower case are the same person.

    `also` are the other texts by which they are known, such as their address.
    """
    if involved & {_plain(text) for text in (person, *also)}:
        raise SelfReview("You submitted, gave, hosted or received this; somebody else reviews it")


def require_second_person(person: str, first: str, also: Iterable[str] = ()) -> None:
    """Raises SelfConfirmation where the second person is the first, whatever key they use.

    `also` are the other texts by which the first is known.
    """
    if _plain(person) in {_plain(text) for text in (first, *also)}:
        raise SelfConfirmation("You proposed this waiver; a second person confirms it")


def may_waive_alone(over_by: int, currency: str | None, *, own_limit: int, own_currency: str) -> bool:
    """Whether an officer may waive what lies over a limit without a second person, in minor units of the currency.

    Only up to the officer's own amount, which is nothing unless it was granted. `currency` is None where the rule
    counts events: no amount covers those.
    """
    return currency == own_currency and own_limit > 0 and over_by <= own_limit


def _plain(person: str) -> str:
    return person.strip().casefold()
