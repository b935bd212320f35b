"""What the form of a new entry says, as a draft, and what is wrong with it in the words of the form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from app.console.forms import Form
from app.domain.entries import HOSTED_KINDS, Direction, Draft, DraftPerson, Kind, Value
from app.domain.money import Currency, parse_minor
from app.domain.recipients import Named
from app.services.packs import exponent

MOST_PEOPLE = 100
LONGEST_EXPLANATION = 200
SHORTEST_EXPLANATION = 20
_TEXT = 200


class Guest(NamedTuple):
    """One person of the form: somebody known by their id, or somebody new."""

    id: str
    name: str
    employer: str
    type: str
    email: str

    @classmethod
    def read(cls, word: str) -> Guest | None:
        """A person as the form carries them; None for anything else."""
        try:
            said = json.loads(word)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, list) or len(said) != len(cls._fields) or not all(isinstance(one, str) for one in said):
            return None
        guest = cls(*(" ".join(one.split()) for one in said))
        readable = all(one.isprintable() and len(one) <= _TEXT for one in guest)
        return guest if readable and (guest.id or guest.name) else None

    @property
    def word(self) -> str:
        """The person as the form carries them."""
        return json.dumps(list(self), ensure_ascii=False)

    @property
    def named(self) -> Named:
        """The person as a draft names them."""
        if self.id:
            return Named(id=self.id)
        return Named(name=self.name, employer=self.employer or None, type=self.type or None, email=self.email or None)


@dataclass
class Filled:
    """The form as it was sent: its people, and the draft it makes, if it makes one."""

    form: Form
    guests: list[Guest]
    draft: Draft | None = None
    shares: dict[int, str] = field(default_factory=dict)


def read(form: Form, person: str) -> Filled:
    """Reads the form; what is missing or wrong becomes a fault at its field."""
    guests = _guests(form)
    filled = Filled(form, guests)
    direction, kind = form.text("direction") or "given", form.text("kind") or "gift"
    if direction not in set(Direction):
        form.fault("direction", "Choose given or received")
    if kind not in set(Kind):
        form.fault("kind", "Choose what it was")
    occurred_on = form.day("occurred_on", "Enter the date of the event")
    money = _money(form)
    purpose, venue = form.optional("purpose"), form.optional("venue")
    explanation = form.optional("explanation", most=LONGEST_EXPLANATION)
    if not guests:
        form.fault("find", "Add at least one person outside the firm")
    hosts_present, hosts = _hosts(form, kind)
    if form.faults or money is None or occurred_on is None:
        return filled
    total, currency = money
    value = _value(form, currency)
    if form.faults:
        return filled
    flags = {one for one in ("ticket", "cash_equivalent", "promotional") if form.text(one) == "on"}
    facts: list[tuple[str, object]] = [("logo", True)] if "promotional" in flags else []
    if explanation:
        facts.append(("explanation", explanation))
    filled.draft = Draft(
        occurred_on=occurred_on,
        kind=Kind(kind),
        direction=Direction(direction),
        giver=form.optional("giver") if direction == "received" else person,
        total=total,
        currency=currency,
        people=tuple(DraftPerson(guest.named) for guest in guests),
        hosts_present=hosts_present,
        hosts=hosts,
        flags=frozenset(flags),
        facts=tuple(facts),
        value=value,
        purpose=purpose,
        venue=venue,
    )
    if filled.draft.direction is Direction.RECEIVED and not filled.draft.giver:
        form.fault("giver", "Say who gave it")
        filled.draft = None
    return filled


def _guests(form: Form) -> list[Guest]:
    found = [guest for word in form.all("person")[: MOST_PEOPLE + 1] if (guest := Guest.read(word)) is not None]
    if len(found) > MOST_PEOPLE:
        form.fault("find", f"At most {MOST_PEOPLE} people on one entry")
    return list(dict.fromkeys(found))[:MOST_PEOPLE]


def _money(form: Form) -> tuple[int, Currency] | None:
    code = form.text("currency") or "USD"
    digits = exponent(code)
    if digits is None:
        form.fault("amount", "Choose a currency")
        return None
    minor = _minor(form, "amount", digits)
    if minor == 0:
        form.fault("amount", "The total cost must be more than zero")
    if minor is None and not form.text("amount"):
        form.fault("amount", "Enter the total cost as a number, like 540.00")
    return None if minor is None else (minor, Currency(code, digits))


def _minor(form: Form, name: str, digits: int) -> int | None:
    text = form.text(name).replace(",", "").replace("$", "").strip()
    if not text:
        return None
    try:
        return parse_minor(text, digits)
    except ValueError:
        form.fault(name, "Enter the amount as a number, like 540.00")
        return None


def _value(form: Form, currency: Currency) -> Value:
    value = Value(
        tax=_minor(form, "tax", currency.exponent) or 0,
        delivery=_minor(form, "delivery", currency.exponent) or 0,
    )
    return replace(
        value, face=_minor(form, "face", currency.exponent), market=_minor(form, "market", currency.exponent)
    )


def _hosts(form: Form, kind: str) -> tuple[bool | None, tuple[str, ...] | None]:
    if kind not in HOSTED_KINDS:
        return None, None
    present = form.text("hosts_present") or "yes"
    named = [" ".join(one.split()) for line in form.optional("hosts", most=2000).split("\n") for one in line.split(",")]
    hosts = tuple(dict.fromkeys(one[:_TEXT] for one in named if one))
    if present == "no":
        return False, None
    return True, hosts or None
