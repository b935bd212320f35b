"""Proposed entries: what another system, or somebody in a hurry, says of an entry until a person confirms it.

Everything may still be missing. What is there is in the words of an entry, so that a complete proposal is a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any

from app.domain.entries import DATED_FACTS, HOSTED_KINDS, Direction, Draft, DraftPerson, Kind, Value
from app.domain.money import Currency
from app.domain.recipients import Named
from app.domain.refusals import Fault, Unprocessable

SHORT, LONG, MOST_PEOPLE = 200, 2000, 200
_NO_VALUE = Value()


class DraftState(StrEnum):
    """Where a draft stands: only an open one changes."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class DraftIncomplete(Unprocessable):
    code = "draft_incomplete"
    title = "The draft is not complete"


@dataclass(frozen=True, slots=True)
class ProposedEntry:
    """An entry as far as it is known. `total` is in minor units of `currency`: both are said, or neither."""

    occurred_on: date | None = None
    kind: Kind | None = None
    direction: Direction = Direction.GIVEN
    giver: str = ""
    total: int | None = None
    currency: Currency | None = None
    people: tuple[DraftPerson, ...] = ()
    hosts_present: bool | None = None
    hosts: tuple[str, ...] | None = None
    hosts_share: int = 0
    giver_type: str = "associated_person"
    paid_by: str = "firm"
    flags: frozenset[str] = frozenset()
    facts: tuple[tuple[str, object], ...] = ()
    value: Value = _NO_VALUE
    preapproved_on: date | None = None
    purpose: str = ""
    venue: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What must still be said before it can be an entry, in the words of the wire."""
        named = self.people or "unnamed_group" in self.flags
        said = {
            "occurred_on": self.occurred_on is not None,
            "kind": self.kind is not None,
            "total": bool(self.total) and self.currency is not None,
            "hosts_present": self.kind not in HOSTED_KINDS or self.hosts_present is not None,
            "recipients": bool(named),
        }
        return tuple(name for name, is_said in said.items() if not is_said)

    def draft(self) -> Draft:
        """The draft that it is once complete. Raises DraftIncomplete with a pointer for everything missing."""
        if self.missing or self.occurred_on is None or self.kind is None or self.total is None or self.currency is None:
            faults = [Fault(f"/{name}", DraftIncomplete.code, f"say {name}") for name in self.missing]
            raise DraftIncomplete(f"Still missing: {', '.join(self.missing)}", faults)
        said: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        return Draft(**said)


_DEFAULTS = ProposedEntry()
_NAMES = tuple(one.name for one in fields(ProposedEntry))
# What only makes sense together changes together.
_GROUPS = (("total", "currency"), *((name,) for name in _NAMES if name not in ("total", "currency")))


def says(one: ProposedEntry, name: str) -> bool:
    """Whether a proposal says anything of a field."""
    return bool(getattr(one, name) != getattr(_DEFAULTS, name))


def differences(one: ProposedEntry, other: ProposedEntry) -> list[str]:
    """The fields that two proposals fill differently; amount and currency are one field, `total`."""
    return [group[0] for group in _GROUPS if any(getattr(one, name) != getattr(other, name) for name in group)]


def brought_up_to_date(now: ProposedEntry, before: ProposedEntry, latest: ProposedEntry) -> ProposedEntry:
    """A draft after its source changed: what a person filled in stays, everything else follows the source.

    `before` and `latest` are what the source said and says.
    """
    changed: dict[str, Any] = {}
    for group in _GROUPS:
        untouched = all(getattr(now, name) == getattr(before, name) for name in group)
        if untouched:
            changed |= {name: getattr(latest, name) for name in group}
    return replace(now, **changed)


def fitted(one: ProposedEntry) -> ProposedEntry:
    """A proposal that can be kept and shown: texts without control characters and cut to their length."""
    return replace(
        one,
        giver=fitted_text(one.giver, SHORT),
        people=tuple(_fitted_person(person) for person in one.people[:MOST_PEOPLE]),
        hosts=None if one.hosts is None else tuple(fitted_text(host, SHORT) for host in one.hosts[:100]),
        facts=tuple(
            (name, fitted_text(fact, SHORT) if isinstance(fact, str) else fact) for name, fact in one.facts[:30]
        ),
        purpose=fitted_text(one.purpose, LONG),
        venue=fitted_text(one.venue, SHORT),
    )


def _fitted_person(person: DraftPerson) -> DraftPerson:
    return replace(
        person,
        who=_fitted_name(person.who),
        guest_of=_fitted_name(person.guest_of) if person.guest_of else None,
        client_employer=fitted_text(person.client_employer or "", SHORT) or None,
    )


def _fitted_name(who: Named) -> Named:
    email = fitted_text(who.email or "", SHORT)
    return replace(
        who,
        external_id=fitted_text(who.external_id or "", SHORT) or None,
        name=fitted_text(who.name or "", SHORT) or None,
        employer=fitted_text(who.employer or "", SHORT) or None,
        email=email if email.count("@") == 1 and " " not in email else None,
    )


def fitted_text(text: str, most: int = SHORT) -> str:
    """A text on one line, without control characters, cut to a length."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:most].strip()


def to_document(one: ProposedEntry) -> dict[str, Any]:
    """A proposal as it is kept: only what is said, in JSON's own types."""
    said: dict[str, Any] = {name: getattr(one, name) for name in _NAMES if says(one, name)}
    return {name: _written(value) for name, value in said.items()}


def from_document(document: Mapping[str, Any]) -> ProposedEntry:
    """The proposal that was written as this document; the inverse of `to_document`."""
    read: dict[str, Any] = {name: _READERS.get(name, _as_it_is)(value) for name, value in document.items()}
    return ProposedEntry(**read)


def _written(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Currency():
            return list(value)
        case Value() | DraftPerson() | Named():
            return _said(value)
        case frozenset():
            return sorted(value)
        case tuple():
            return [_written(one) for one in value]
        case _:
            return value


def _said(record: Value | DraftPerson | Named) -> dict[str, Any]:
    said = ((one.name, getattr(record, one.name), one.default) for one in fields(record))
    return {name: _written(value) for name, value, default in said if value != default}


def _person(document: Mapping[str, Any]) -> DraftPerson:
    guest_of = document.get("guest_of")
    rest = {name: value for name, value in document.items() if name not in ("who", "guest_of")}
    return DraftPerson(Named(**document["who"]), Named(**guest_of) if guest_of else None, **rest)


def _fact(name: str, fact: object) -> object:
    return date.fromisoformat(fact) if name in DATED_FACTS and isinstance(fact, str) else fact


def _as_it_is(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "occurred_on": date.fromisoformat,
    "preapproved_on": date.fromisoformat,
    "kind": Kind,
    "direction": Direction,
    "currency": lambda said: Currency(*said),
    "people": lambda people: tuple(_person(one) for one in people),
    "hosts": tuple,
    "flags": frozenset,
    "facts": lambda facts: tuple((name, _fact(name, fact)) for name, fact in facts),
    "value": lambda said: Value(**said),
}
