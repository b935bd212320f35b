"""Entries of the demonstration as they are sent: the body of the request, who sends it, and on which day they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.demo.firm import Json

LIMIT_CHANGE = date(2026, 3, 30)
FIRST_DAY = date(2026, 1, 1)
LAST_DAY = date(2026, 12, 31)
HOSTED = ("meal", "entertainment", "travel", "lodging")


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

    def late(self, recorded_on: date) -> Planned:
        """The same, recorded on a later day."""
        return replace(self, recorded_on=recorded_on)

    def people(self) -> Iterator[str]:
        """Everybody whose totals depend on the order in which this is recorded."""
        for person in self.entry["recipients"]:
            yield _identity(person)
            if "guest_of" in person:
                yield _identity(person["guest_of"])


def _identity(person: Json) -> str:
    number = person.get("external_id")
    return number["id"] if number else f"{person['name']}, {person.get('employer', '')}"


def entry(
    kind: str,
    on: date,
    sender: str,
    to: Sequence[Json],
    total: str,
    purpose: str,
    *,
    currency: str = "USD",
    **more: object,
) -> Planned:
    """An entry of any kind, recorded on the day itself. `more` are further fields of the request."""
    body = {
        "occurred_on": on.isoformat(),
        "kind": kind,
        "total": {"amount": total, "currency": currency},
        "recipients": list(to),
        "purpose": purpose,
    }
    return Planned(sender, on, body | more)


def gift(on: date, sender: str, to: Sequence[Json], total: str, purpose: str, **more: object) -> Planned:
    """Something handed over."""
    return entry("gift", on, sender, to, total, purpose, **more)  # type: ignore[arg-type]


def hosted(kind: str, on: date, sender: str, to: Sequence[Json], total: str, purpose: str, **more: object) -> Planned:
    """A meal, entertainment, travel or lodging, with a host present unless `more` says otherwise."""
    return entry(kind, on, sender, to, total, purpose, **({"hosts_present": True} | more))  # type: ignore[arg-type]


def claimed(claim: str, **facts: object) -> Json:
    """A flag that says why something should not count, with the facts that have to carry it."""
    return {"flags": [claim]} | ({"facts": facts} if facts else {})
