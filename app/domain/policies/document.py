"""A policy as it is written: reading a document into rules and settings, with every fault named at once.

InvalidPolicy (Unprocessable)  one Fault per field: where it is, what kind of fault, and what to write instead
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from app.domain.entries import Kind
from app.domain.money import Currency, Rate
from app.domain.policies.form import FORM
from app.domain.policies.model import (
    Authority,
    Basis,
    Dated,
    ItemFloor,
    Measure,
    Period,
    PeriodType,
    Policy,
    Rule,
    Settings,
    Valuation,
)
from app.domain.policies.reading import (
    Place,
    amount,
    boolean,
    choice,
    choices,
    day,
    identifier,
    items,
    mapping,
    missing,
    month,
    rate,
    ratio,
    shown,
    text,
    whole_number,
    word,
    words,
)
from app.domain.policies.schedules import dated, gap
from app.domain.policies.writing import count_key, to_document
from app.domain.refusals import Fault, Unprocessable

__all__ = ["FORM", "Exponents", "InvalidPolicy", "ParsedPolicy", "count_key", "parse", "to_document"]

Exponents = Callable[[str], int | None]
Fields = Mapping[str, Place]

_MOST_RULES = 200
_MOST_FAULTS = 500
_NOMINAL_UNITS = 50


class InvalidPolicy(Unprocessable):
    code = "invalid_policy"
    title = "The policy document is not valid"

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> InvalidPolicy:
        """One refusal for all faults, or the first 500 of them; its sentence is the first one's."""
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return cls(f"{faults[0].detail}{more}", faults[:_MOST_FAULTS])


@dataclass(frozen=True, slots=True)
class ParsedPolicy:
    """What a document says, before anybody publishes it."""

    name: str
    rules: tuple[Rule, ...]
    settings: Settings = field(default_factory=Settings)
    description: str = ""

    def published(self, policy_id: str, *, version: int, effective_from: date) -> Policy:
        """The same as a version in force from a day."""
        return Policy(policy_id, version, self.name, effective_from, self.rules, self.settings)


def parse(document: Mapping[str, Any], exponents: Exponents) -> ParsedPolicy:
    """Rules and settings of a document. `exponents` gives a currency's number of decimals, None for an unknown code.

    Raises InvalidPolicy with every fault of the document, and nothing else, whatever the document holds.
    """
    faults: list[Fault] = []
    fields = mapping(Place(document, "", "", faults), FORM["policy"])
    rules = _rules(fields["rules"], exponents) if "rules" in fields else []
    currency = rules[0].currency if rules else None
    settings = _settings(fields["settings"], currency, exponents) if "settings" in fields else {}
    name = text(fields["name"], most=200) if "name" in fields else None
    description = text(fields["description"], most=2000) if "description" in fields else None
    if faults or currency is None:
        raise InvalidPolicy.of(faults)
    made = Settings(**{"nominal_ceiling": _NOMINAL_UNITS * 10**currency.exponent, **settings})
    keyed = tuple(replace(rule, count_key=count_key(rule, made)) for rule in rules)
    return ParsedPolicy(name or "", keyed, made, description or "")


def _rules(place: Place, exponents: Exponents) -> list[Rule]:
    """The rules that could be read."""
    places = [_called(one) for one in items(place, "rule", most=_MOST_RULES, least=1)]
    _refuse_twins(places)
    read = [(one, rule) for one in places if (rule := _rule(one, exponents)) is not None]
    for one, rule in read:
        theirs, first = rule.currency.code, read[0][1].currency.code
        if theirs != first:
            detail = f"is {theirs}, but rule {read[0][1].id} is in {first}; all rules of a policy share one currency"
            one.under("currency", None, "currency").refuse("mixed_currencies", detail)
    return [rule for _, rule in read]


def _written_id(place: Place) -> str | None:
    name = place.value.get("id") if isinstance(place.value, Mapping) else None
    return name if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 64 else None


def _called(place: Place) -> Place:
    """A rule is called by its id where it has one, else by its place in the list."""
    name = _written_id(place)
    return place if name is None else replace(place, label=f"rule {name}")


def _refuse_twins(places: Sequence[Place]) -> None:
    seen: set[str] = set()
    for place in places:
        name = _written_id(place)
        if name in seen:
            place.under("id", name, "id").refuse("duplicate", "another rule of the policy has this id")
        if name is not None:
            seen.add(name)


def _word(key: str, form: str = "rule") -> Callable[[Place], str | None]:
    return lambda place: choice(place, FORM[form][key].allowed)


def _words(key: str, *, least: int = 0) -> Callable[[Place], tuple[str, ...]]:
    return lambda place: choices(place, FORM["rule"][key].allowed, least=least)


def _is(key: str, chosen: str) -> Callable[[Place], bool]:
    return lambda place: choice(place, FORM["rule"][key].allowed) == chosen


def _member(kind: type[StrEnum], key: str, form: str = "rule") -> Callable[[Place], Any]:
    return lambda place: kind(chosen) if (chosen := choice(place, FORM[form][key].allowed)) is not None else None


# The keys that are read by themselves: the field of Rule that each fills, and how.
_PLAIN: Mapping[str, tuple[str, Callable[[Place], Any]]] = {
    "id": ("id", identifier),
    "name": ("name", lambda place: text(place, most=200)),
    "measure": ("measure", _member(Measure, "measure")),
    "exceed": ("exceed_at_limit", _is("exceed", "gte")),
    "basis": ("basis", _member(Basis, "basis")),
    "direction": ("direction", _word("direction")),
    "counts": ("counts", lambda place: frozenset(map(Kind, _words("counts", least=1)(place)))),
    "applies_to": ("applies_to", lambda place: words(place, least=1)),
    "excludes": ("excludes", lambda place: frozenset(_words("excludes")(place))),
    "warn_at": ("warn_at", ratio),
    "when": ("when", word),
    "cash": ("cash_prohibited", _is("cash", "prohibited")),
    "cleared_by": ("cleared_by_prior_approval", _is("cleared_by", "prior_approval")),
    "repay_nets": ("repay_nets", boolean),
    "authority": ("authority", _member(Authority, "authority")),
    "source": ("source", lambda place: text(place, most=1000)),
    "severity": ("severity", _word("severity")),
}


def _rule(place: Place, exponents: Exponents) -> Rule | None:
    """A rule, or None where it has a fault."""
    before = len(place.faults)
    fields = mapping(place, FORM["rule"])
    if not isinstance(place.value, Mapping):
        return None
    read = {into: reader(fields[key]) for key, (into, reader) in _PLAIN.items() if key in fields}
    measure = read.get("measure")
    read["currency"] = currency = _currency(fields["currency"], exponents) if "currency" in fields else None
    read["period"] = _period(place, fields, measure)
    read |= _schedules(place, fields, measure, currency)
    if "item_floor" in fields:
        read["item_floor"] = _floor(fields["item_floor"], currency)
    _refuse_misfits(place, fields, measure)
    return Rule(**read) if len(place.faults) == before else None


def _currency(place: Place, exponents: Exponents) -> Currency | None:
    code = place.value
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha() and code.isupper():
        exponent = exponents(code)
        if exponent is not None:
            return Currency(code, exponent)
    place.refuse(
        "unknown_currency", f"write an ISO 4217 code, such as USD; {shown(code)} is not one of a currency in use"
    )
    return None


def _period(place: Place, fields: Fields, measure: Measure | None) -> Period | None:
    """The period; that of a prohibition, which adds nothing up, may be left out."""
    if "period" not in fields:
        if measure is not Measure.PROHIBITION:
            missing(place, "period", FORM["rule"]["period"])
        return Period(PeriodType.PER_EVENT)
    within = fields["period"]
    keys = mapping(within, FORM["period"])
    kind = _member(PeriodType, "type", "period")(keys["type"]) if "type" in keys else None
    start = month(keys["start_month"]) if "start_month" in keys else None
    if kind is PeriodType.FISCAL_YEAR and "start_month" not in keys:
        missing(within, "start_month", FORM["period"]["start_month"])
    if kind not in (PeriodType.FISCAL_YEAR, None) and start is not None:
        keys["start_month"].refuse("inconsistent", f"only a fiscal_year has a start_month, and this is {kind}")
    if measure is Measure.PROHIBITION and kind not in (PeriodType.PER_EVENT, None):
        within.refuse("inconsistent", f"a prohibition adds nothing up, so its period is per_event, not {kind}")
    return Period(kind, start or 1) if kind is not None else None


def _schedules(place: Place, fields: Fields, measure: Measure | None, currency: Currency | None) -> dict[str, Any]:
    """Limits and valuation by their days; a valuation must hold wherever there is a limit."""
    before = len(place.faults)
    read: dict[str, Any] = {"limit_schedule": _limits(place, fields, measure, currency)}
    if "valuation" in fields:
        read["valuation"] = _valuation(fields["valuation"])
        bare = gap(read["limit_schedule"], read["valuation"]) if len(place.faults) == before else None
        if bare is not None:
            fields["valuation"].refuse("gap", f"says nothing for the days {bare}, on which the rule is in force")
    return read


def _limits(place: Place, fields: Fields, measure: Measure | None, currency: Currency | None) -> tuple[Dated[int], ...]:
    """The limits by their days. A prohibition without a schedule always holds."""
    if "limit_schedule" in fields:
        return dated(
            fields["limit_schedule"],
            "limit_schedule",
            lambda row, keys: _limit(row, keys.get("limit"), measure, currency),
        )
    if measure is not Measure.PROHIBITION:
        missing(place, "limit_schedule", FORM["rule"]["limit_schedule"])
    return (Dated(0),)


def _limit(row: Place, place: Place | None, measure: Measure | None, currency: Currency | None) -> int | None:
    forbidden = measure is Measure.PROHIBITION
    if place is None:
        if not forbidden and isinstance(row.value, Mapping):
            detail = "is missing; only a prohibition does without a limit"
            row.under("limit", None, "limit").refuse("missing", detail)
        return 0
    limit = whole_number(place) if measure is Measure.COUNT else amount(place, currency)
    if forbidden and limit:
        place.refuse("inconsistent", "a prohibition has no limit; write null, or choose the measure amount")
    return limit


def _valuation(place: Place) -> tuple[Dated[Valuation], ...]:
    """One valuation for good, or a dated list of them."""
    read = _member(Valuation, "valuation")
    if not isinstance(place.value, list | tuple):
        return (Dated(read(place)),)
    return dated(place, "valuation", lambda _, keys: read(keys["valuation"]) if "valuation" in keys else None)


def _floor(place: Place, currency: Currency | None) -> ItemFloor | None:
    """{amount, operator}, or in short {lt: amount} or {lte: amount}."""
    keys = mapping(place, FORM["item_floor"])
    forms = (("amount", "operator"), ("lt",), ("lte",))
    if set(keys) not in map(set, forms):
        if isinstance(place.value, Mapping):
            place.refuse("inconsistent", 'write {amount: "20.00", operator: lte}, or {lt: "20.00"}, or {lte: "20.00"}')
        return None
    operator = choice(keys["operator"], ("lt", "lte")) if "operator" in keys else next(iter(keys))
    sum_of_money = keys.get("amount") or next(iter(keys.values()))
    floor = amount(sum_of_money, currency)
    return ItemFloor(floor, operator == "lte") if floor is not None else None


def _refuse_misfits(place: Place, fields: Fields, measure: Measure | None) -> None:
    """What a prohibition needs and no other rule may have, and the other way round."""
    if measure is Measure.PROHIBITION:
        if "when" not in fields:
            missing(place, "when", FORM["rule"]["when"])
        if "warn_at" in fields:
            fields["warn_at"].refuse("inconsistent", "a prohibition has no limit to come near to; leave warn_at out")
    elif measure is not None and "when" in fields:
        fields["when"].refuse("inconsistent", f"only a prohibition has a flag to forbid, and this measures {measure}")


def _settings(place: Place, currency: Currency | None, exponents: Exponents) -> dict[str, Any]:
    """The settings that are written, by the field of Settings that each fills."""
    readers: Mapping[str, Callable[[Place], Any]] = {
        "entertainment_split": _word("entertainment_split", "settings"),
        "guest_attribution": _word("guest_attribution", "settings"),
        "host_absent": _word("host_absent", "settings"),
        "entertainment_tax_tip": _word("entertainment_tax_tip", "settings"),
        "nominal_ceiling": lambda ceiling: amount(ceiling, currency),
        "bereavement_relations": lambda relations: frozenset(words(relations)),
        "aggregate_affiliates": boolean,
        "fx": lambda rates: _rates(rates, currency, exponents),
    }
    fields = mapping(place, FORM["settings"])
    return {key: read(fields[key]) for key, read in readers.items() if key in fields}


def _rates(place: Place, target: Currency | None, exponents: Exponents) -> dict[str, dict[date, Rate]]:
    """Rates into the rules' currency, by the entry's currency and day."""
    read: dict[str, dict[date, Rate]] = {}
    for code, by_day in _members(place, "rates by currency"):
        source = _currency(replace(by_day, value=code), exponents)
        if source is not None and source == target:
            by_day.refuse("inconsistent", f"{source.code} is the rules' own currency and needs no rate")
        elif source is not None:
            read[source.code] = _rates_by_day(by_day)
        else:
            _rates_by_day(by_day)
    return read


def _rates_by_day(place: Place) -> dict[date, Rate]:
    read: dict[date, Rate] = {}
    for written, one in _members(place, "rates by day"):
        on, known = day(replace(one, value=written)), rate(one)
        if on is not None and on in read:
            one.refuse("duplicate", f"there is another rate for {on}")
        elif on is not None and known is not None:
            read[on] = known
    return read


def _members(place: Place, noun: str) -> list[tuple[object, Place]]:
    """The keys of a mapping that may have any, with the places of their values."""
    if not isinstance(place.value, Mapping):
        place.refuse("wrong_type", f"write {noun}, such as {FORM['settings']['fx'].write.partition('such as ')[2]}")
        return []
    return [
        (key, place.under(key, value, key if isinstance(key, str) and key.isprintable() else shown(key)))
        for key, value in place.value.items()
    ]
