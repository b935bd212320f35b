"""Seeded random cases in the form of the worked examples: rich, mostly valid, and fit for JSON and YAML as they are.

Left out on purpose is some of what the conventions leave open: lists that add to [business], guests of guests, hosts
named although absent, another currency after the first record, an unmerge that names another pair than was merged.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.oracle.oracle import CLAIMS, HOSTED, steps

EMPLOYERS = ["Northgate Asset Management", "Calder Bank Trust Dept", "City of Harrow Treasurer"]
NAMES = ["Dana Reyes", "Omar Haddad", "Lena Fischer", "Sam Okoro", "Carla Munoz"]
TYPES = ["institutional_employee"] * 4 + ["municipal_official"] * 2 + ["retail_customer", "own_associated_person"]
GIVERS = ["A1", "A1", "A2", "FIRM"]
RATES = {"EUR": "1.0834", "GBP": "1.2715", "JPY": "0.00671"}
NEVER = {"effective_from": None, "effective_to": None}
BANNED = ["sales_precondition", "training_guest_expense"]
KINDS = [
    ["gift"], ["gift"], ["gift"], ["meal", "entertainment"], ["meal", "entertainment", "travel"], ["travel"],
    ["gift", "meal"], ["gift", *HOSTED], ["gift", *HOSTED],
]  # fmt: skip
PERIODS = [
    {"type": "calendar_year"}, {"type": "fiscal_year", "start_month": 7}, {"type": "fiscal_year", "start_month": 3},
    {"type": "rolling_365d"}, {"type": "rolling_12m"}, {"type": "rolling_12m"}, {"type": "per_event"},
    {"type": "first_gift_year"}, {"type": "first_gift_year"},
]  # fmt: skip
AUDIENCES = [
    *[["business"]] * 5, ["municipal_official"], ["own_associated_person"], ["retail_customer"],
    ["institutional_employee", "municipal_official"],
]  # fmt: skip
OPS = ["amend"] * 4 + ["repay"] * 3 + ["merge"] * 3 + ["unmerge", "cancel", "return", "approve"]
FACTS: dict[str, list[Any]] = {
    "bereaved": ["parent", "child", "cousin"],
    "reasonable": [True, True, False],
    "relationship": ["family", "close_friend", "close_friend", "colleague"],
    "life_event": ["wedding", "birth", "wedding", None],
    "decorative_only": [True, True, False],
    "logo": [True, True, False],
    "declaration": ["DR-4900", None],
}


def random_case(rng: Random, *, actions: bool = True) -> dict:
    """A policy, its entries and (unless left out) actions on them. Few events are refused, most of those left out."""
    return Cast(rng).case(actions)


class Cast:
    """The people, days and habits of one case."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        employers = EMPLOYERS[: rng.randint(2, 3)]
        self.people = [
            {"person": f"P{number}", "name": name, "employer": rng.choice(employers), "type": rng.choice(TYPES)}
            for number, name in enumerate(NAMES[: rng.randint(3, 5)], 1)
        ]
        start = rng.choice(
            [date(2026, 3, 30), date(2026, 12, 31), date(2027, 2, 28), date(2028, 2, 29), date(2026, 7, 1)]
        )
        offsets = [0, 0, 1, -1, 30, 183, 364, 365, 366, 367, -364, -365, -366, rng.randint(-200, 800)]
        self.days = [start + timedelta(days=days) for days in rng.sample(offsets, 8)]
        self.merges: list[dict] = []
        self.repaid: set[str] = set()

    def often(self, chance: float) -> bool:
        return self.rng.random() < chance

    def some(self, things: list, chance: float) -> list:
        return [thing for thing in things if self.often(chance)]

    def cents(self, low: int, high: int) -> str:
        cents = self.rng.choice([self.rng.randint(low, high), self.rng.randint(low, high) // 1000 * 1000 or low])
        return f"{cents // 100}.{cents % 100:02d}"

    # --- the policy

    def policy(self) -> dict:
        rules = [self.rule(f"R{number}") for number in range(1, self.rng.randint(2, 6) + 1)]
        return {"rules": rules, "settings": self.settings()}

    def settings(self) -> dict:
        choices = {
            "entertainment_split": ["all_attendees", "recipients_only"],
            "guest_attribution": ["to_client", "own_person", "not_counted"],
            "host_absent": ["treat_as_gift", "keep_kind"],
            "entertainment_tax_tip": ["include", "exclude"],
            "nominal_ceiling": ["25.00", "75.00"],
            "bereavement_relations": [["parent"], ["cousin", "child"]],
            "aggregate_affiliates": [True, False],
        }
        rates = {currency: {str(day): rate for day in self.days} for currency, rate in RATES.items()}
        for by_day in rates.values():
            for day in self.some(list(by_day), 0.04):
                del by_day[day]
        return {name: self.rng.choice(choices[name]) for name in self.some(list(choices), 0.3)} | {"fx": rates}

    def rule(self, name: str) -> dict:
        measure = self.rng.choices(["amount", "count", "prohibition"], [7, 2, 1])[0]
        rule = {
            "id": name,
            "name": f"{measure} rule {name}",
            "measure": measure,
            "limit_schedule": self.schedule(measure),
            "currency": "USD",
            "exceed": self.rng.choice(["gt", "gt", "gte"]),
            "period": {"type": "per_event"} if measure == "prohibition" else dict(self.rng.choice(PERIODS)),
            "basis": self.rng.choice(
                ["per_recipient"] * 3
                + ["per_recipient_employer", "per_employer", "per_employer", "per_giver_recipient"]
            ),
            "direction": self.rng.choice(["given"] * 7 + ["received"]),
            "counts": list(self.rng.choice(KINDS)),
            "applies_to": list(self.rng.choice(AUDIENCES)),
            "excludes": self.rng.choice([[], list(CLAIMS), self.some(list(CLAIMS), 0.5)]),
            "valuation": self.rng.choice(["cost", "cost", "higher_of_cost_or_market", "market"]),
            "warn_at": self.rng.choice([None, "0.80", "0.75", "1.00"]),
        }
        extras: dict[str, Any] = {
            "item_floor": {
                "amount": self.rng.choice(["20.00", "10.00", "45.00"]),
                "operator": self.rng.choice(["lt", "lte"]),
            },
            "cash": "prohibited",
            "cleared_by": "prior_approval",
            "repay_nets": self.rng.choice([False, True]),
        }
        when = {"when": self.rng.choice(BANNED)} if measure == "prohibition" else {}
        return rule | when | {key: extras[key] for key in self.some(list(extras), 0.2)}

    def schedule(self, measure: str) -> list[dict]:
        if measure == "prohibition":
            return [{"limit": "0.00", **NEVER}]
        limits = (
            ["1", "2", "3"]
            if measure == "count"
            else ["300.00", "300.00", "500.00", "100.00", "250.00", "75.00", "0.00"]
        )
        first, second = self.rng.choice(limits), self.rng.choice(limits)
        shape, turn = self.rng.choice(["open", "open", "open", "change", "change", "gap"]), self.rng.choice(self.days)
        if shape == "open":
            return [{"limit": first, **NEVER}]
        last = turn - timedelta(days=1 if shape == "change" else 120)
        return [
            {"limit": first, "effective_from": None, "effective_to": str(last)},
            {"limit": second, "effective_from": str(turn), "effective_to": None},
        ]

    # --- entries

    def entry(self, name: str) -> dict:
        day = self.rng.choice(self.days)
        direction = self.rng.choice(["given"] * 9 + ["received"])
        entry = {
            "id": name,
            "date": str(day),
            "direction": direction,
            "giver": "Broker X" if direction == "received" else self.rng.choice(GIVERS),
            **self.bill(),
            "recipients": self.recipients(),
            "paid_by": self.rng.choice(
                ["firm", "firm", "firm", "associated_person", "associated_person", "third_party"]
            ),
            "flags": self.flags(),
        }
        days = {
            "recorded": day + timedelta(days=self.rng.choice([0, 1, 30, 400, self.rng.randint(1, 500), -5])),
            "preapproved_on": day + timedelta(days=self.rng.choice([-30, -1, 0, 1])),
        }
        chances = {"recorded": 0.35, "preapproved_on": 0.2}
        entry |= {key: str(when) for key, when in days.items() if self.often(chances[key])}
        if self.often(0.7):
            entry["facts"] = self.facts(day)
        if self.often(0.1):
            entry["giver_type"] = self.rng.choice(["non_member_affiliate", "non_member_affiliate", "member"])
        return entry

    def kind(self) -> dict:
        """Kind and hosts go together. Where the host was absent, nobody is named as one."""
        kind = self.rng.choice(["gift"] * 4 + list(HOSTED))
        if kind == "gift":
            return {"kind": kind, "hosts_present": None}
        if self.often(0.2):
            return {"kind": kind, "hosts_present": self.rng.choice([False] * 9 + [None]), "hosts": []}
        hosts = self.rng.choice([None, ["A1"], ["A1"], ["A1", "A2"], []])
        return {"kind": kind, "hosts_present": True} | ({} if hosts is None else {"hosts": hosts})

    def bill(self) -> dict:
        currency = self.rng.choice(["USD"] * 4 + list(RATES))
        bill = {**self.kind(), "amount": self.amount(currency), "value": self.value(currency)}
        if self.often(0.02):
            bill |= {"kind": "gift", "value": {"tax": self.money("9000.00", currency)}, "amount": self.amount(currency)}
        return bill

    def amount(self, currency: str) -> dict:
        edge = ["10.00", "20.00", "45.00", "50.00", "50.01", "100.00", "250.00", "300.00", "300.01", "19.99"]
        total = self.rng.choice([self.rng.choice(edge), self.cents(500, 6000), self.cents(5000, 50000)])
        return {"total": self.money(total, currency), "currency": currency}

    def money(self, dollars: str, currency: str) -> str:
        """Yen have no minor unit."""
        return dollars.replace(".", "") if currency == "JPY" else dollars

    def value(self, currency: str) -> dict:
        """Tax, delivery and tip stay under the smallest total there is."""
        off = {name: self.cents(1, 150) for name in ("tax", "delivery", "tip")}
        worth = {name: self.cents(1000, 40000) for name in ("cost", "face", "market")}
        kept = self.some(list(off), 0.3) + self.some(list(worth), 0.25)
        return {name: self.money((off | worth)[name], currency) for name in kept}

    def recipients(self) -> list[dict]:
        rows = [dict(row) for row in self.rng.sample(self.people, self.rng.randint(1, min(4, len(self.people))))]
        for row in rows:
            if self.often(0.1):
                row["employer"] = self.rng.choice(EMPLOYERS)
        listed = {row["person"] for row in rows}
        for guest in self.some(["G1", "G2"], 0.2):
            client = self.rng.choice(self.people)
            row = {"person": guest, "name": f"Guest {guest}", "employer": "(guest)", "type": self.rng.choice(TYPES)}
            row["guest_of"] = client["person"]
            if client["person"] not in listed and self.often(0.9):
                row |= {"client_employer": client["employer"], "client_type": client["type"]}
            rows.insert(self.rng.randint(0, len(rows)), row)
        return rows + ([dict(rows[0])] if self.often(0.01) else [])

    def flags(self) -> list[str]:
        rare = ["cash_equivalent", *BANNED]
        return (
            self.some(list(CLAIMS), 0.15)
            + self.some(rare, 0.15)
            + self.some(["ticket"], 0.3)
            + self.some(["unnamed_group"], 0.03)
        )

    def facts(self, day: date) -> dict:
        facts = {name: self.rng.choice(FACTS[name]) for name in self.some(list(FACTS), 0.9)}
        agreed = (
            {"agreement_on": str(day + timedelta(days=self.rng.choice([-30, -1, 0, 1])))} if self.often(0.6) else {}
        )
        return facts | agreed

    # --- actions

    def action(self, name: str, entries: list[dict]) -> dict:
        entry, op = self.rng.choice(entries), self.rng.choice(OPS)
        known = date.fromisoformat(entry.get("recorded") or entry["date"])
        action = {"id": name, "at": str(known + timedelta(days=self.rng.choice([0, 0, 1, 10, 100, 300, 600])))}
        if op in ("merge", "unmerge"):
            return action | self.identity(op)
        action |= {"op": op, "target": entry["id"]}
        if op == "amend":
            action["set"] = self.changes(entry)
        elif op == "repay":
            self.repaid.add(entry["id"])
            action["amount"] = self.money(self.cents(500, 15000), entry["amount"]["currency"])
        else:
            action["reason"] = "as reported"
        return action

    def identity(self, op: str) -> dict:
        if op == "unmerge" and self.merges and self.often(0.9):
            return {"op": op, **self.rng.choice(self.merges)}
        keep, drop = (row["person"] for row in self.rng.sample(self.people, 2))
        pair = {"keep": keep, "drop": drop}
        self.merges += [pair] if op == "merge" else []
        return {"op": op, **pair}

    def changes(self, entry: dict) -> dict:
        day = self.rng.choice(self.days)
        currency = entry["amount"]["currency"]
        changes = {
            "date": {"date": str(day)},
            "kind": self.kind(),
            "recipients": {"recipients": self.recipients()},
            "flags": {"flags": self.flags()},
            "facts": {"facts": self.facts(day)},
            "giver": {"giver": self.rng.choice(GIVERS)},
            "preapproved_on": {"preapproved_on": self.rng.choice([None, str(day)])},
        }
        if entry["id"] not in self.repaid or self.often(0.6):
            changes["amount"] = {"amount": self.amount(currency), "value": self.value(currency)}
        names = self.rng.sample(list(changes), self.rng.choice([1, 1, 2]))
        return {key: value for name in names for key, value in changes[name].items()}

    # --- all together

    def case(self, with_actions: bool) -> dict:
        entries = [self.entry(f"E{number}") for number in range(1, self.rng.randint(1, 12) + 1)]
        count = self.rng.randint(0, 8) if with_actions else 0
        actions = [self.action(f"X{number}", entries) for number in range(1, count + 1)]
        case = {
            "id": f"G-{self.rng.getrandbits(32):08x}",
            "title": "Generated",
            "source": "generated",
            "tags": ["generated"],
            "interpretation": [],
            "policy": self.policy(),
            "entries": entries,
            "actions": actions,
            "expected": [],
            "why": "Two engines must agree.",
        }
        merged = {action["drop"] for action in actions if action["op"] == "merge"}
        unclear = {action["id"] for action in actions if action["op"] == "unmerge" and action["drop"] in merged}
        refused = {step.event for step in steps(case) if step.refused}
        left_out = {event for event in sorted(refused) if event in unclear or self.often(0.6)}
        for events in ("entries", "actions"):
            case[events] = [event for event in case[events] if event["id"] not in left_out]
        return case
