"""The cast of the tables: a rule, a gift and a dinner as short as may be, and what the engine says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from app.domain.entries import Direction, Entry, Kind, Listed, Value
from app.domain.money import Currency, format_minor, parse_minor, parse_rate
from app.domain.policies import CLAIMS, Dated, Measure, Period, PeriodType, Policy, PolicyBook, Rule, Settings
from app.domain.screening import results

USD, EUR, JPY = Currency("USD", 2), Currency("EUR", 2), Currency("JPY", 0)
MAY_4 = date(2026, 5, 4)
CLIENT = "institutional_employee"
DANA = Listed("dana", "northgate", CLIENT)
OMAR = Listed("omar", "northgate", CLIENT)
LENA = Listed("lena", "calder", CLIENT)
MAX = Listed("max", None, "guest", guest_of="dana")
Answer = tuple[str, str, str]


def minor(amount: str | None, currency: Currency = USD) -> int | None:
    return None if amount is None else parse_minor(amount, currency.exponent)


def rule(limit: str = "300.00", **changes: Any) -> Rule:
    """300.00 USD of gifts per recipient and calendar year, in excess of which it is a violation."""
    count = changes.get("measure") is Measure.COUNT
    plain = {
        "id": "rule",
        "name": "Gifts",
        "measure": Measure.AMOUNT,
        "limit_schedule": (Dated(parse_minor(limit, 0 if count else 2)),),
        "currency": USD,
        "period": Period(PeriodType.CALENDAR_YEAR),
        "excludes": frozenset(CLAIMS),
    }
    return Rule(**(plain | changes))


def counted(limit: str, **changes: Any) -> Rule:
    """So many events per recipient and year, hosted ones."""
    return rule(limit, **({"measure": Measure.COUNT, "counts": HOSTED} | changes))


def prohibited(flag: str, **changes: Any) -> Rule:
    shape = {"measure": Measure.PROHIBITION, "when": flag, "period": Period(PeriodType.PER_EVENT)}
    return rule("0.00", **(shape | changes))


HOSTED = frozenset({Kind.MEAL, Kind.ENTERTAINMENT})
EVERYTHING = frozenset(Kind)
WARNS = {"warn_at": Fraction(4, 5)}


def gift(amount: str, on: date = MAY_4, *people: Listed, currency: Currency = USD, **changes: Any) -> Entry:
    """A gift from one of our people, to Dana unless somebody else is named. Sums of `value` as decimal strings."""
    value = {name: minor(said, currency) for name, said in changes.pop("value", {}).items()}
    plain = {
        "id": "entry",
        "sequence": 0,
        "occurred_on": on,
        "kind": Kind.GIFT,
        "direction": Direction.GIVEN,
        "giver": "rhea",
        "total": parse_minor(amount, currency.exponent),
        "currency": currency,
        "recipients": people or (DANA,),
        "value": Value(**value),
        "flags": frozenset(changes.pop("flags", ())),
    }
    return Entry(**(plain | changes))


def dinner(amount: str, on: date = MAY_4, *people: Listed, **changes: Any) -> Entry:
    """A meal with the giver at the table."""
    return gift(amount, on, *people, **({"kind": Kind.MEAL, "hosts_present": True} | changes))


def settings(**changes: Any) -> Settings:
    rates = {
        code: {day: parse_rate(rate) for day, rate in days.items()} for code, days in changes.pop("fx", {}).items()
    }
    return Settings(**changes, fx=rates)


def numbered(entries: Sequence[Entry]) -> list[Entry]:
    """In the order of record in which they stand."""
    return [replace(entry, id=f"entry {place}", sequence=place) for place, entry in enumerate(entries)]


def answers(under: Rule, entries: Sequence[Entry], how: Settings | None = None) -> list[tuple[str, Answer]]:
    """(shown, (counted, aggregate, outcome or exclusion)) of each result, in order of record."""
    policy = Policy("policy", 1, "Policy", date.min, (under,), how or Settings())
    found = sorted(results(PolicyBook([policy]), numbered(entries)), key=lambda one: one.line.sequence)
    digits = under.exponent
    return [
        (
            one.line.shown,
            (
                format_minor(one.line.counted, digits),
                format_minor(one.aggregate, digits),
                one.line.exclusion or one.outcome.value,
            ),
        )
        for one in found
    ]


def of_one(under: Rule, entries: Sequence[Entry], how: Settings | None = None) -> list[Answer]:
    """The answers where everything is one subject's."""
    return [answer for _, answer in answers(under, entries, how)]
