"""What the year came to, read back over HTTP: entries with their results, violations, and what is shown in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from app.demo.drafts import LIMIT_CHANGE
from app.demo.firm import Json
from app.demo.playing import Caller

GIFTS_RULE = "finra-3220-gifts"
_OUTCOMES = ("violation", "warning", "within", "excluded")
_ENOUGH_GIVERS = 3


class Pair(NamedTuple):
    """The same gift before and after the limit change: the violation, and the entry that is none."""

    violation: Json
    before: Json
    after: Json


@dataclass(frozen=True)
class Findings:
    """Everything as it stands at the end of the year. `proof` is that of `proved`."""

    entries: Sequence[Json]
    violations: Sequence[Json]
    proved: Json
    proof: Json
    pair: Pair

    @cached_property
    def by_id(self) -> Mapping[str, Json]:
        """The entries by their id."""
        return {entry["id"]: entry for entry in self.entries}

    @cached_property
    def people(self) -> Mapping[str, str]:
        """Name and employer of everybody, by id."""
        return {
            person["id"]: ", ".join(filter(None, (person["name"], person["employer"])))
            for entry in self.entries
            for person in entry["recipients"]
        }

    @cached_property
    def standing(self) -> Sequence[Json]:
        """The violations that were not withdrawn."""
        return [one for one in self.violations if one["state"] != "withdrawn"]

    def outcomes(self) -> Mapping[str, Counter[str]]:
        """How many entries of each kind came out how; an entry by its gravest result."""
        found: dict[str, Counter[str]] = {}
        for entry in self.entries:
            results = {one["outcome"] for one in entry["assessments"]}
            gravest = next((outcome for outcome in _OUTCOMES if outcome in results), "excluded")
            found.setdefault(entry["kind"], Counter())[gravest] += 1
        return found

    def exclusions(self) -> Counter[str]:
        """How many results left a part out, by reason."""
        results = (one for entry in self.entries for one in entry["assessments"])
        return Counter(one["exclusion"] for one in results if one["exclusion"])

    def largest(self, many: int) -> list[Json]:
        """The violations that are furthest over their limit in dollars, one of each person and rule."""
        in_dollars = [one for one in self.standing if one["unit"] == "USD"]
        furthest = sorted(in_dollars, key=lambda one: (Decimal(one["over_by"]), one["occurred_on"]))
        return sorted(
            {(one["rule_id"], one["recipient_id"]): one for one in furthest}.values(),
            key=lambda one: (-Decimal(one["over_by"]), one["occurred_on"]),
        )[:many]


def found(caller: Caller) -> Findings:
    """Reads everything back and chooses what is shown in full."""
    entries = list(caller.all_of("/v1/entries"))
    violations = list(caller.all_of("/v1/violations"))
    proved = _worth_proving(entries, violations)
    proof = caller.ask(f"/v1/violations/{proved['id']}/proof")
    return Findings(entries, violations, proved, proof, _either_side(entries, violations))


def counted_before(entries: Iterable[Json], violation: Json) -> list[Json]:
    """The entries that the violation adds up: of its recipient, counted under its rule, up to its day."""
    return [
        entry
        for entry in entries
        if entry["occurred_on"] <= violation["occurred_on"]
        and any(Decimal(one["counted"]) for one in _results(entry, violation["rule_id"], violation["recipient_id"]))
    ]


def _results(entry: Json, rule_id: str, recipient_id: str) -> Iterator[Json]:
    for one in entry["assessments"]:
        if one["rule_id"] == rule_id and one.get("recipient_id") == recipient_id:
            yield one


def result_of(entry: Json, violation: Json) -> Json:
    """An entry's result for the violation's rule and recipient."""
    return next(_results(entry, violation["rule_id"], violation["recipient_id"]))


def _worth_proving(entries: Sequence[Json], violations: Sequence[Json]) -> Json:
    """A total of several givers, built up across the limit change, with a foreign and a divided gift; a short one."""
    of_people: dict[str, list[Json]] = {}
    for entry in entries:
        for person in entry["recipients"]:
            of_people.setdefault(person["id"], []).append(entry)
    fitting = [
        (len(of_people[one["recipient_id"]]), one["occurred_on"], one["id"], one)
        for one in violations
        if one["rule_id"] == GIFTS_RULE and _builds_up(counted_before(of_people[one["recipient_id"]], one))
    ]
    return min(fitting)[-1]


def _builds_up(counted: Sequence[Json]) -> bool:
    givers = {entry["giver"] for entry in counted}
    days = [date.fromisoformat(entry["occurred_on"]) for entry in counted]
    return (
        len(givers) >= _ENOUGH_GIVERS
        and min(days) < LIMIT_CHANGE <= max(days)
        and any(entry["total"]["currency"] != "USD" for entry in counted)
        and any(len(entry["recipients"]) > 1 for entry in counted)
    )


def _either_side(entries: Sequence[Json], violations: Sequence[Json]) -> Pair:
    """Twice the same gift to people who got nothing else: over the limit before its change, within it after."""
    firsts = {_gift(entry): entry for entry in entries if _only_gift_within(entry)}
    by_id = {entry["id"]: entry for entry in entries}
    for violation in sorted(violations, key=lambda one: (one["occurred_on"], one["id"]), reverse=True):
        before = by_id[violation["entry_id"]]
        alone = violation["rule_id"] == GIFTS_RULE and violation["aggregate"] == violation["counted"]
        if alone and date.fromisoformat(violation["occurred_on"]) < LIMIT_CHANGE and _gift(before) in firsts:
            return Pair(violation, before, firsts[_gift(before)])
    raise LookupError("no gift was given on either side of the limit change")


def _gift(entry: Json) -> tuple[str, str, str, int]:
    return (entry["purpose"], entry["total"]["amount"], entry["total"]["currency"], len(entry["recipients"]))


def _only_gift_within(entry: Json) -> bool:
    results = [one for one in entry["assessments"] if one["rule_id"] == GIFTS_RULE]
    return (
        date.fromisoformat(entry["occurred_on"]) >= LIMIT_CHANGE
        and len(results) == 1
        and results[0]["outcome"] in ("within", "warning")
        and results[0]["aggregate"] == results[0]["counted"]
        and Decimal(results[0]["counted"]) > 0
    )
