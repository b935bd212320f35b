"""The facts: all that was said and still holds, and what the oracle makes of them, version by version of the policy.

An operation is a mapping in the words of the worked examples: `{"op": "amend", "target": "E1", "set": {…}}`.
`Facts.after` gives the facts that it leaves behind, or raises Refused where the service must refuse it. `expected`
composes the oracle: an entry is judged by the version in force on its day, which counts everything dated until then in
its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tests.oracle import oracle
from tests.oracle.oracle import Key, Refused, Result, day, refuse_if

Op = Mapping[str, Any]
Fields = Mapping[str, Any]
Results = dict[Key, Result]

OWN = "own_associated_person"
_DAY = timedelta(days=1)


class Version(NamedTuple):
    """A published version of the policy. Of two that take effect on one day, the one with the higher number holds."""

    number: int
    effective_from: date
    policy: Mapping[str, Any]


class Place(NamedTuple):
    """What a person is on record as from a day on."""

    since: date
    type: str
    employer: str


@dataclass(frozen=True)
class Noted:
    """An entry as it stands. A row without type or employer has what the person's record says of the day."""

    fields: Fields
    version: int = 1
    repaid: Decimal = Decimal(0)
    ended: str | None = None
    approved: bool = False

    @property
    def on(self) -> date:
        """The day of the event."""
        return day(self.fields["date"])

    def again(self, **changes: Any) -> Noted:
        """The next version; an approval does not outlive it."""
        return replace(self, version=self.version + 1, approved=False, **changes)


class Decided(NamedTuple):
    """What a decision on a violation rests on: in which unit, how far over, how much of the entry, and whose it was."""

    unit: str
    over: Decimal
    counted: Decimal
    giver: str

    def holds(self, now: Decided) -> bool:
        """Whether nothing is worse now, and everything can be compared."""
        return (
            (self.unit, self.giver) == (now.unit, now.giver) and now.over <= self.over and now.counted <= self.counted
        )


@dataclass(frozen=True)
class Facts:
    """Everything that counts. Entries in the order of record, versions in the order of publication.

    `decided` are the violations on which a decision stands, or would again once their ground is back.
    """

    versions: tuple[Version, ...] = ()
    people: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    entries: Mapping[str, Noted] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[Key, Decided] = field(default_factory=dict)

    def after(self, op: Op) -> Facts:
        """The facts that an operation leaves behind. Raises Refused where it must be refused."""
        return _AFTER[op["op"]](self, op)._still_decided()

    def _still_decided(self) -> Facts:
        """Without the decisions whose facts got worse. One without its ground waits for it to come back."""
        if not self.decided:
            return self
        now = expected(self)
        gone = [
            key
            for key, decided in self.decided.items()
            if key in now and now[key].violation and not decided.holds(self.ground(key, now[key]))
        ]
        return (
            replace(self, decided={key: one for key, one in self.decided.items() if key not in gone}) if gone else self
        )

    def ground(self, key: Key, result: Result) -> Decided:
        """What a decision on a violation would rest on."""
        rule_id, _, name = key
        noted = self.entries[name]
        [rule] = [rule for rule in self.in_force(noted.on).policy["rules"] if rule["id"] == rule_id]
        limits = [
            row["limit"]
            for row in rule.get("limit_schedule") or ()
            if day(row.get("effective_from") or date.min) <= noted.on <= day(row.get("effective_to") or date.max)
        ]
        over = Decimal(result.aggregate) - Decimal((limits or [0])[0] or 0)
        unit = "times" if rule["measure"] == "count" else rule["currency"]
        return Decided(unit, over, Decimal(result.counted), noted.fields["giver"])

    def place(self, person: str, on: date) -> Place:
        """What somebody is on record as on a day."""
        return [place for place in self.people[person] if place.since <= on][-1]

    def root(self, person: str) -> str:
        """Whom somebody turned out to be."""
        while person in self.merged:
            person = self.merged[person]
        return person

    def resolved(self, fields: Fields) -> dict[str, Any]:
        """An entry's fields with everybody's type and employer of the day."""
        return {**fields, "recipients": [self._row(row, day(fields["date"])) for row in fields["recipients"]]}

    def _row(self, row: Fields, on: date) -> dict[str, Any]:
        said = {key: row[key] for key in ("type", "employer") if row.get(key)}
        if len(said) == 2:
            return {**row}
        place = self.place(row["person"], on)
        return {**row, "type": place.type, "employer": place.employer, **said}

    # Which version is in force when

    def reigns(self) -> Iterator[tuple[Version, date, date]]:
        """The versions that are in force on at least one day, each with its first and its last."""
        by_day = {v.effective_from: v for v in sorted(self.versions, key=lambda v: (v.effective_from, v.number))}
        days = sorted(by_day)
        for start, following in zip(days, [*days[1:], date.max], strict=True):
            yield by_day[start], start, following - _DAY if following < date.max else date.max

    def in_force(self, on: date) -> Version:
        """The version in force on a day."""
        return next(version for version, first, last in self.reigns() if first <= on <= last)

    def policy_of(self, version: Version) -> dict[str, Any]:
        """A version's rules, with all rates that were ever published: of two for one day, the last published holds."""
        rates: dict[str, dict[str, str]] = {}
        for other in self.versions:
            if _currency(other.policy) == _currency(version.policy):
                for currency, of_days in ((other.policy.get("settings") or {}).get("fx") or {}).items():
                    rates.setdefault(currency, {}).update(of_days)
        return {**version.policy, "settings": {**(version.policy.get("settings") or {}), "fx": rates}}

    # What is refused

    def checked(self, name: str, noted: Noted) -> Noted:
        """The entry, if every version that can have to do with it can count it. Raises Refused."""
        for version, _, last in self.reigns():
            if last >= noted.on:
                resolved = self.resolved(noted.fields) | {"id": name}
                oracle.Entry(self.policy_of(version), resolved, 0).checked()
        return noted

    def countable(self) -> bool:
        """Whether every version can count all it needs; a publication that would end this is not for us to judge."""
        try:
            for name, noted in self.entries.items():
                self.checked(name, noted)
        except Refused:
            return False
        return True


def _currency(policy: Mapping[str, Any]) -> str:
    return str(policy["rules"][0]["currency"])


# What each operation does


def _record(facts: Facts, op: Op) -> Facts:
    """One entry. Whoever it introduces is on record as what it says of them."""
    fields = op["entry"]
    refuse_if(fields["id"] in facts.entries, "recorded_twice")
    facts = _introduced(facts, fields)
    return replace(facts, entries={**facts.entries, fields["id"]: facts.checked(fields["id"], Noted(fields))})


def _introduced(facts: Facts, fields: Fields) -> Facts:
    people = dict(facts.people)
    for row in fields["recipients"]:
        if row.get("newcomer"):
            people.setdefault(row["person"], (Place(date.min, row["type"], row["employer"]),))
    return replace(facts, people=people)


def _record_together(facts: Facts, op: Op) -> Facts:
    """Several; each is recorded or refused by itself."""
    for fields in op["entries"]:
        try:
            facts = _record(facts, {"entry": fields})._still_decided()
        except Refused:
            continue
    return facts


def _open(facts: Facts, op: Op) -> Noted:
    refuse_if(op["target"] not in facts.entries, "unknown_entry")
    noted = facts.entries[op["target"]]
    refuse_if(noted.ended is not None, f"already_{noted.ended}")
    return noted


def _kept(facts: Facts, op: Op, noted: Noted) -> Facts:
    return replace(facts, entries={**facts.entries, op["target"]: noted})


def _amend(facts: Facts, op: Op) -> Facts:
    noted = _open(facts, op)
    fields = {**noted.fields, **op["set"]}
    refuse_if(noted.repaid > 0 and fields["amount"] != noted.fields["amount"], "amount_after_repayment")
    facts = _introduced(facts, fields)
    return _kept(facts, op, facts.checked(op["target"], noted.again(fields=fields)))


def _withdraw(facts: Facts, op: Op) -> Facts:
    return _kept(facts, op, _open(facts, op).again(ended="cancelled"))


def _return(facts: Facts, op: Op) -> Facts:
    return _kept(facts, op, _open(facts, op).again(ended="returned"))


def _repay(facts: Facts, op: Op) -> Facts:
    noted = _open(facts, op)
    return _kept(facts, op, noted.again(repaid=noted.repaid + Decimal(op["amount"])))


def _approve(facts: Facts, op: Op) -> Facts:
    noted = _open(facts, op)
    refuse_if(noted.approved, "already_approved")
    return _kept(facts, op, replace(noted, approved=True))


def _decide(facts: Facts, op: Op) -> Facts:
    """Confirms a violation."""
    key = tuple(op["key"])
    refuse_if(key in facts.decided, "decided_already")
    return replace(facts, decided={**facts.decided, key: facts.ground(key, expected(facts)[key])})


def _merge(facts: Facts, op: Op) -> Facts:
    keep, drop = op["keep"], op["drop"]
    refuse_if(drop in facts.merged, "merged_already")
    refuse_if(facts.root(keep) == drop, "circle")
    refuse_if((facts.people[keep][-1].type == OWN) != (facts.people[drop][-1].type == OWN), "not_one_person")
    return replace(facts, merged={**facts.merged, drop: keep})


def _unmerge(facts: Facts, op: Op) -> Facts:
    refuse_if(op["drop"] not in facts.merged, "not_merged")
    return replace(facts, merged={drop: keep for drop, keep in facts.merged.items() if drop != op["drop"]})


def _change(facts: Facts, op: Op) -> Facts:
    """What somebody is on record as from a day on, until the next change that is known. Entries that took it follow."""
    person, since = op["person"], day(op["from"])
    was = facts.place(person, since)
    now = Place(since, op.get("type") or was.type, op.get("employer") or was.employer)
    history = tuple(sorted([place for place in facts.people[person] if place.since != since] + [now]))
    others = [other for other in facts.people if other != person and facts.root(other) == facts.root(person)]
    own = {facts.people[other][-1].type == OWN for other in others} | {history[-1].type == OWN}
    refuse_if("type" in op and len(own) > 1, "not_one_person")
    then = replace(facts, people={**facts.people, person: history})

    def followed(noted: Noted) -> Noted:
        return noted if facts.resolved(noted.fields) == then.resolved(noted.fields) else noted.again()

    return replace(then, entries={name: followed(noted) for name, noted in facts.entries.items()})


def _draft(facts: Facts, op: Op) -> Facts:
    """A draft is in force nowhere; its number counts from now on."""
    return facts


def _publish(facts: Facts, op: Op) -> Facts:
    version = Version(op["number"], day(op["effective_from"]), op["policy"])
    refuse_if(any(version.number == other.number for other in facts.versions), "published_already")
    return replace(facts, versions=(*facts.versions, version))


_AFTER: Mapping[str, Callable[[Facts, Op], Facts]] = {
    "record": _record,
    "batch": _record_together,
    "amend": _amend,
    "withdraw": _withdraw,
    "return": _return,
    "repay": _repay,
    "approve": _approve,
    "decide": _decide,
    "merge": _merge,
    "unmerge": _unmerge,
    "change": _change,
    "draft": _draft,
    "publish": _publish,
}


# What must stand


def expected(facts: Facts) -> Results:
    """All results: the oracle once per version in force, each giving the results of its own days."""
    found: Results = {}
    for version, first, last in facts.reigns():
        due = {name: noted for name, noted in facts.entries.items() if noted.on <= last}
        if any(noted.on >= first for noted in due.values()):
            results = books(facts, version, due).results()
            found |= {key: result for key, result in results.items() if facts.entries[key[2]].on >= first}
    return found


def books(facts: Facts, version: Version, entries: Mapping[str, Noted]) -> oracle.Books:
    """The oracle's books of entries under one version."""
    kept = oracle.Books(facts.policy_of(version))
    for name, noted in entries.items():
        kept.apply({**facts.resolved(noted.fields), "id": name})
        if noted.repaid:
            kept.apply({"op": "repay", "target": name, "amount": str(noted.repaid)})
        if noted.ended:
            kept.apply({"op": {"cancelled": "cancel", "returned": "return"}[noted.ended], "target": name})
    for drop, keep in facts.merged.items():
        kept.apply({"op": "merge", "keep": keep, "drop": drop})
    return kept
