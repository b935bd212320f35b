"""Dealing: seeded random operations on a firm's facts, mostly ones that are accepted, on days where periods turn."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.machines.facts import Facts, Fields, Op, Place, Version, expected
from tests.oracle.generate import EMPLOYERS, GIVERS, RATES, TYPES, Cast
from tests.oracle.oracle import Refused

ALWAYS = date(2000, 1, 1)
SAFE_TYPES = ["institutional_employee", "municipal_official", "retail_customer"]
MOST_ENTRIES = 14


class Dealer(Cast):
    """One firm's people and days, and whatever may happen next. `rng` may be replaced between operations."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.guests = [self._guest("G1"), self._guest("G2")]
        self.newcomers = [
            {
                "person": f"N{number}",
                "name": f"New {number}",
                "employer": rng.choice(EMPLOYERS),
                "type": rng.choice(TYPES),
            }
            for number in (1, 2)
        ]
        self.count = 0
        self.numbers = 0
        self.drafts: list[dict[str, Any]] = []

    def _guest(self, name: str) -> dict[str, Any]:
        return {
            "person": name,
            "name": f"Guest {name}",
            "employer": self.rng.choice(EMPLOYERS),
            "type": self.rng.choice(TYPES),
        }

    def name(self, prefix: str) -> str:
        """A name that nothing has yet."""
        self.count += 1
        return f"{prefix}{self.count}"

    def known(self) -> dict[str, tuple[Place, ...]]:
        """Everybody who is on record from the start."""
        return {one["person"]: (Place(date.min, one["type"], one["employer"]),) for one in (*self.people, *self.guests)}

    def first(self) -> Op:
        """The policy that is there from the start."""
        return self.published(self.policy(), ALWAYS)

    # Operations

    def next_kind(self, kinds: dict[str, int]) -> str:
        """What happens next."""
        return self.rng.choices(list(kinds), list(kinds.values()))[0]

    def op(self, facts: Facts, kind: str) -> Op | None:
        """An operation of a kind; None where there is nothing to do it to, or nobody could say what must follow."""
        op = _DEALT[kind](self, facts)
        if op is None or op["op"] != "publish":
            return op
        return op if replace(facts, decided={}).after(op).countable() else None

    def draft(self) -> dict[str, Any]:
        """An entry, in part told by what is on record of the people on it."""
        entry = self.entry(self.name("E"))
        entry.pop("recorded", None)
        return entry | {"recipients": [self._less_said(row) for row in entry["recipients"]]}

    def _less_said(self, row: dict[str, Any]) -> dict[str, Any]:
        unsaid = [] if row.get("newcomer") else self.some(["type", "employer"], 0.35)
        said = {key: value for key, value in row.items() if key not in unsaid}
        return said | {"name": row["name"]}

    def recipients(self) -> list[dict[str, Any]]:
        rows = super().recipients()
        if self.often(0.12):
            rows.insert(self.rng.randint(0, len(rows)), self.rng.choice(self.newcomers) | {"newcomer": True})
        return rows

    def entry(self, name: str) -> dict[str, Any]:
        entry = super().entry(name)
        if self.often(0.3):  # amounts near the limits that there are, in the rules' own currency
            entry["amount"] = {"total": self.cents(5000, 30000), "currency": "USD"}
            entry["value"] = self.value("USD")
        if entry["kind"] != "gift" and self.often(
            0.06
        ):  # more tax than bill: whether that can be counted, a policy says
            entry["value"] = {"tax": self.money("900.00", entry["amount"]["currency"])}
        return entry

    def record(self, facts: Facts) -> Op | None:
        if len(facts.entries) >= MOST_ENTRIES:
            return None
        return {"op": "record", "entry": self.draft()}

    def batch(self, facts: Facts) -> Op | None:
        if len(facts.entries) + 4 > MOST_ENTRIES:
            return None
        return {"op": "batch", "entries": [self.draft() for _ in range(self.rng.randint(2, 4))]}

    def _entry_of(self, facts: Facts) -> str | None:
        """Mostly one that can still be acted on."""
        live = [name for name, noted in facts.entries.items() if noted.ended is None]
        names = live if live and self.often(0.95) else list(facts.entries)
        return self.rng.choice(names) if names else None

    def _target(self, facts: Facts, op: str, **more: Any) -> Op | None:
        name = self._entry_of(facts)
        return None if name is None else {"op": op, "target": name, **more}

    def amend(self, facts: Facts) -> Op | None:
        name = self._entry_of(facts)
        if name is None:
            return None
        entry = facts.entries[name]
        changes = self.changes({**entry.fields}) if self.often(0.4) else self._telling_changes(entry.fields)
        if entry.repaid and self.often(0.85):
            changes = {key: value for key, value in changes.items() if key not in ("amount", "value")}
        if self.often(0.12):
            currency = self.rng.choice(["USD", *RATES])
            changes |= {"amount": self.amount(currency), "value": self.value(currency)}
        if "recipients" in changes:
            changes["recipients"] = [self._less_said(row) for row in changes["recipients"]]
        return {"op": "amend", "target": name, "set": changes} if changes else None

    def _telling_changes(self, fields: Fields) -> dict[str, Any]:
        """One or two of those by which an entry leaves a period, a person or a giver, or weighs otherwise."""
        currency = fields["amount"]["currency"]
        said = {
            "date": str(self.rng.choice(self.days)),
            "recipients": self.recipients(),
            "giver": self.rng.choice(GIVERS),
            "amount": self.amount(currency),
        }
        return {key: said[key] for key in self.rng.sample(list(said), self.rng.choice([1, 1, 2]))}

    def withdraw(self, facts: Facts) -> Op | None:
        return self._target(facts, "withdraw")

    def give_back(self, facts: Facts) -> Op | None:
        return self._target(facts, "return")

    def repay(self, facts: Facts) -> Op | None:
        name = self._entry_of(facts)
        if name is None:
            return None
        currency = facts.entries[name].fields["amount"]["currency"]
        return {"op": "repay", "target": name, "amount": self.money(self.cents(500, 15000), currency)}

    def approve(self, facts: Facts) -> Op | None:
        return self._target(facts, "approve")

    def decide(self, facts: Facts) -> Op | None:
        """A violation confirmed, mostly one that is open."""
        violating = sorted(key for key, one in expected(facts).items() if one.violation)
        undecided = [key for key in violating if key not in facts.decided]
        keys = undecided if undecided and self.often(0.95) else violating
        return {"op": "decide", "key": list(self.rng.choice(keys))} if keys else None

    def merge(self, facts: Facts) -> Op | None:
        """Mostly of one who is still somebody into anybody: merges form chains and trees."""
        roots = [person for person in facts.people if person not in facts.merged]
        drop = self.rng.choice(roots if self.often(0.9) else list(facts.people))
        keep = self.rng.choice([person for person in facts.people if person != drop])
        return {"op": "merge", "keep": keep, "drop": drop}

    def unmerge(self, facts: Facts) -> Op | None:
        return {"op": "unmerge", "drop": self.rng.choice(sorted(facts.merged))} if facts.merged else None

    def change(self, facts: Facts) -> Op | None:
        """Somebody's type or employer from a day on."""
        person = self.rng.choice(sorted(facts.people))
        types = TYPES if not facts.merged or self.often(0.3) else SAFE_TYPES
        said = {"type": self.rng.choice(types), "employer": self.rng.choice(EMPLOYERS)}
        kept = self.rng.choice([["type"], ["employer"], ["type", "employer"]])
        since = self.rng.choice([*self.days, self.rng.choice(self.days) + timedelta(days=self.rng.choice([-1, 1]))])
        return {"op": "change", "person": person, "from": str(since)} | {key: said[key] for key in kept}

    def publish(self, facts: Facts) -> Op | None:
        """The latest version with something different, from a day in the past, the future or the middle of it all."""
        if len(facts.versions) > 5:
            return None
        if self.drafts and self.often(0.5):
            return self.drafts.pop(self.rng.randrange(len(self.drafts))) | {"effective_from": str(self.since())}
        base = facts.versions[self.rng.randrange(len(facts.versions))]
        op = self.published(self.altered(base), self.since())
        if self.often(0.15):
            self.drafts.append(op)
            return {"op": "draft", "number": op["number"], "policy": op["policy"]}
        return op

    def since(self) -> date:
        """A day in the past, in the future, or in the middle of it all."""
        on = self.rng.choice(self.days)
        near = [on, on, on, on + timedelta(days=1), on - timedelta(days=40), date(on.year, 7, 1)]
        return self.rng.choice([*near, date(2001, 1, 1), date(2040, 1, 1)])

    def published(self, policy: dict[str, Any], since: date) -> dict[str, Any]:
        self.numbers += 1
        return {"op": "publish", "number": self.numbers, "policy": policy, "effective_from": str(since)}

    def altered(self, base: Version) -> dict[str, Any]:
        policy = deepcopy(dict(base.policy))
        policy["rules"] = [self._rule_altered(rule) if self.often(0.6) else rule for rule in policy["rules"]]
        if len(policy["rules"]) > 1 and self.often(0.15):
            policy["rules"].pop(self.rng.randrange(len(policy["rules"])))
        if self.often(0.15):
            names = {rule["id"] for rule in policy["rules"]}
            policy["rules"].append(self.rule(next(f"R{n}" for n in range(1, 99) if f"R{n}" not in names)))
        fresh = self.settings()
        policy["settings"] = (fresh if self.often(0.5) else policy["settings"]) | {"fx": self._rates(fresh["fx"])}
        return policy

    def _rates(self, fx: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Some rates, some of them corrected."""
        return {
            currency: {
                on: (f"{rate[:-2]}{self.rng.randint(10, 99)}" if self.often(0.1) else rate) for on, rate in of.items()
            }
            for currency, of in fx.items()
            if self.often(0.4)
        }

    def _rule_altered(self, rule: dict[str, Any]) -> dict[str, Any]:
        """The same rule with other limits, another period, basis or valuation, or counting something else."""
        fresh = self.rule(rule["id"])
        if fresh["measure"] != rule["measure"]:
            return fresh if self.often(0.1) else rule
        keys = [
            "limit_schedule",
            "period",
            "basis",
            "valuation",
            "counts",
            "applies_to",
            "exceed",
            "warn_at",
            "excludes",
        ]
        extras = ["item_floor", "cash", "cleared_by", "repay_nets"]
        taken = self.rng.sample(keys, self.rng.choice([1, 1, 2, 3]))
        altered = {**rule, **{key: fresh[key] for key in taken}}
        if self.often(0.2):
            altered = {key: value for key, value in altered.items() if key not in extras}
            altered |= {key: fresh[key] for key in extras if key in fresh}
        return altered


KINDS: dict[str, int] = {
    "record": 26,
    "batch": 6,
    "amend": 32,
    "withdraw": 4,
    "give_back": 3,
    "repay": 6,
    "approve": 4,
    "decide": 12,
    "merge": 9,
    "unmerge": 6,
    "change": 9,
    "publish": 6,
}
_DEALT: dict[str, Callable[[Dealer, Facts], Op | None]] = {kind: getattr(Dealer, kind) for kind in KINDS}


def script(seed: int, length: int, *, kinds: dict[str, int] | None = None) -> tuple[Facts, list[Op]]:
    """A firm at its start and what happens to it: operations in order, each dealt on the facts that it meets."""
    dealer = Dealer(Random(seed))
    start = Facts(people=dealer.known())
    ops = [dealer.first()]
    facts = start.after(ops[0])
    for _ in range(length):
        dealt = (dealer.op(facts, dealer.next_kind(kinds or KINDS)) for _ in range(5))
        op = next((op for op in dealt if op is not None), None)  # there is not always something to do of a kind
        if op is not None:
            ops.append(op)
            facts = after_or_same(facts, op)
    return start, ops


def after_or_same(facts: Facts, op: Op) -> Facts:
    """The facts after an operation, or as they are where it must be refused."""
    try:
        return facts.after(op)
    except Refused:
        return facts
