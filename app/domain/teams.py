"""Teams: who works with whom and who supervises them, from day to day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from app.domain.entries import Direction


class Part(StrEnum):
    """What somebody is in a team."""

    MEMBER = "member"
    SUPERVISOR = "supervisor"


class Stay(NamedTuple):
    """Somebody's days in a team, the first and the last included."""

    person: str
    first: date
    last: date

    def meets(self, other: Stay) -> bool:
        """Whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Oversight:
    """The teams that somebody supervises today, and the days that their members had or have there.

    `stands_in_for` are the supervisors whose teams are among them while those are away.
    """

    teams: frozenset[str] = frozenset()
    stays: tuple[Stay, ...] = ()
    stands_in_for: frozenset[str] = frozenset()
    _by_person: Mapping[str, tuple[Stay, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_person: dict[str, tuple[Stay, ...]] = {}
        for stay in self.stays:
            by_person[stay.person] = (*by_person.get(stay.person, ()), stay)
        object.__setattr__(self, "_by_person", by_person)

    def covers(self, person: str, on: date) -> bool:
        """Whether somebody was in one of the teams on a day."""
        return any(stay.first <= on <= stay.last for stay in self._by_person.get(person, ()))


NOBODY = Oversight()


def whose(*, direction: str, giver: str, submitted_by: str) -> str:
    """Which of our people an event belongs to: whoever gave, or whoever submitted what was received."""
    return submitted_by if direction == Direction.RECEIVED else giver


def covered(stays: Iterable[Stay], *, direction: str, giver: str, submitted_by: str, occurred_on: date) -> bool:
    """Whether an event is one of these people's on their days."""
    person = whose(direction=direction, giver=giver, submitted_by=submitted_by)
    return any(stay.person == person and stay.first <= occurred_on <= stay.last for stay in stays)


def beneath(parents: Mapping[str, str | None], teams: Iterable[str]) -> frozenset[str]:
    """The teams and all teams beneath them, where `parents` gives each team's parent."""
    found = set(teams)
    children: dict[str | None, list[str]] = {}
    for team, parent in parents.items():
        children.setdefault(parent, []).append(team)
    waiting = list(found)
    while waiting:
        new = [team for team in children.get(waiting.pop(), ()) if team not in found]
        found.update(new)
        waiting += new
    return frozenset(found)
