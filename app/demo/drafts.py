"""Entries of the demonstration as they are sent: the body of the request, who sends it, and on which day they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.demo.firm import Json

LIMIT_CHANGE = date(2026, 3, 30)
FIRST_DAY = date(2026, 1, 1)
LAST_DAY = date(2026, 12, 31)


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry that `sender` will record on a day: by itself, or together with the rest of the month."""

    sender: str
    recorded_on: date
    entry: Json
    with_the_month: bool = False

    @property
    def occurred_on(self) -> date:
        """The day of the event."""
        return date.fromisoformat(self.entry["occurred_on"])

    def people(self) -> Iterator[str]:
        """Everybody whose totals depend on the order in which this is recorded."""
        for person in self.entry["recipients"]:
            yield _identity(person)
            if "guest_of" in person:
                yield _identity(person["guest_of"])

    def saying(self, **fields: object) -> Planned:
        """The same with further fields of the request."""
        return replace(self, entry=self.entry | fields)

    def claiming(self, claim: str, **facts: object) -> Planned:
        """The same with a flag that says why it should not count, and the facts that have to carry it."""
        return self.saying(flags=[claim], **({"facts": facts} if facts else {}))

    def in_currency(self, code: str) -> Planned:
        """The same in another currency than dollars."""
        return self.saying(total=self.entry["total"] | {"currency": code})

    def late(self, recorded_on: date) -> Planned:
        """The same, recorded on a later day."""
        return replace(self, recorded_on=recorded_on)


def _identity(person: Json) -> str:
    number = person.get("external_id")
    return str(number["id"]) if number else f"{person['name']}, {person.get('employer', '')}"


def entry(kind: str, on: date, sender: str, to: Sequence[Json], total: str, purpose: str) -> Planned:
    """An entry of any kind in dollars, recorded on the day itself."""
    body = {
        "occurred_on": on.isoformat(),
        "kind": kind,
        "total": {"amount": total, "currency": "USD"},
        "recipients": list(to),
        "purpose": purpose,
    }
    return Planned(sender, on, body)


def gift(on: date, sender: str, to: Sequence[Json], total: str, purpose: str) -> Planned:
    """Something handed over."""
    return entry("gift", on, sender, to, total, purpose)


def hosted(kind: str, on: date, sender: str, to: Sequence[Json], total: str, purpose: str) -> Planned:
    """A meal, entertainment, travel or lodging with the sender as its host."""
    return entry(kind, on, sender, to, total, purpose).saying(hosts_present=True)
