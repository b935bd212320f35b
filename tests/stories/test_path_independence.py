"""Path independence: whatever the way there, the same facts have the same results and the same open violations.

A goal is a set of facts. A way to it is a random order of everything that has to be said, with detours: entries are
recorded wrongly and amended, people merged and parted again, what was put on record replaced, versions superseded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.databases import Databases
from tests.machines.checking import Checker
from tests.machines.dealing import SAFE_TYPES, Dealer
from tests.machines.desk_firm import DeskFirm
from tests.machines.facts import Facts, Op, Results, expected
from tests.machines.playing import Play
from tests.oracle.generate import EMPLOYERS
from tests.oracle.oracle import Refused
from tests.soaking import share
from tests.telling import Tell

WAYS = 20
SAID = (
    *("date", "kind", "hosts_present", "hosts", "amount", "value", "recipients", "flags", "facts", "giver"),
    *("giver_type", "direction", "paid_by", "preapproved_on"),
)
Chain = list[Op]


class Goal(NamedTuple):
    """What is to be so in the end, and a dealer who knows the people and days of it."""

    dealer: Dealer
    start: Facts
    drafts: Chain
    publications: Chain
    entries: Sequence[dict[str, Any]]
    ends: dict[str, Chain]
    changes: Chain
    merges: Chain
    any_order_of_record: bool

    @property
    def plainly(self) -> Chain:
        """The shortest way there."""
        records = [{"op": "record", "entry": entry} for entry in self.entries]
        ends = [op for chain in self.ends.values() for op in chain]
        return [*self.drafts, *self.publications, *records, *ends, *self.changes, *self.merges]


def goal_of(seed: int, *, entries: tuple[int, int] = (3, 6)) -> Goal:
    """A random goal that every order can reach: nothing is refused, whatever was said before, and there is a flag."""
    rng = Random(seed)
    while True:
        goal = _dealt(rng, rng.randint(*entries))
        facts = goal.start
        try:
            for op in goal.plainly:
                facts = facts.after(op)
        except Refused:
            continue
        results = expected(facts) if facts.countable() else {}
        if len(results) > 3 and any(one.violation for one in results.values()):
            return goal


def _dealt(rng: Random, count: int) -> Goal:
    dealer = Dealer(rng)
    for one in (*dealer.people, *dealer.guests):
        one["type"] = rng.choice(SAFE_TYPES)  # nobody's type stands in the way of a merge, at any time
    dealer.newcomers = dealer.people
    start = Facts(people=dealer.known())
    first = dealer.first()
    facts = start.after(first)
    publications = [first]
    for _ in range(rng.choice([0, 1, 1, 2])):
        since = dealer.since()
        for _ in range(rng.choice([1, 1, 2])):  # of two versions from one day on, the one with the higher number holds
            policy = dealer.altered(facts.versions[-1])
            policy["settings"] = {**policy["settings"], "fx": {}}  # of two rates for a day, the last published would
            publications.append(dealer.published(policy, since))
    drafts: Chain = [{"op": "draft", "number": op["number"], "policy": op["policy"]} for op in publications[1:]]
    any_order = rng.random() < 0.5
    there_are = sorted(set(dealer.days))
    days = rng.sample(there_are, min(count, len(there_are)))
    said = [dealer.draft() for _ in range(len(days))]
    if any_order:
        said = [{**entry, "date": str(day)} for entry, day in zip(said, days, strict=True)]
    ends = {entry["id"]: _end(dealer, entry) for entry in said}
    return Goal(dealer, start, drafts, publications, said, ends, _changes(dealer), _merges(dealer), any_order)


def _end(dealer: Dealer, entry: dict[str, Any]) -> Chain:
    """What became of an entry after it was last amended."""
    name, chain = entry["id"], []
    for _ in range(dealer.rng.choice([0, 0, 0, 1, 2])):
        money = dealer.money(dealer.cents(500, 15000), entry["amount"]["currency"])
        chain.append({"op": "repay", "target": name, "amount": money})
    if dealer.often(0.2):
        chain.append({"op": dealer.rng.choice(["withdraw", "return"]), "target": name})
    return chain


def _changes(dealer: Dealer) -> Chain:
    """Whole places from days on, each said once."""
    people = [one["person"] for one in (*dealer.people, *dealer.guests)]
    pairs = {
        (dealer.rng.choice(people), dealer.rng.choice(dealer.days)) for _ in range(dealer.rng.choice([0, 1, 2, 3]))
    }
    return [_put_on_record(dealer, person, str(since)) for person, since in sorted(pairs)]


def _put_on_record(dealer: Dealer, person: str, since: str) -> Op:
    place = {"type": dealer.rng.choice(SAFE_TYPES), "employer": dealer.rng.choice(EMPLOYERS)}
    return {"op": "change", "person": person, "from": since, **place}


def _merges(dealer: Dealer) -> Chain:
    """Links of trees, in an order in which they can be made; so can any other order."""
    people = [one["person"] for one in (*dealer.people, *dealer.guests)]
    facts, chain = Facts(people=dealer.known()), []
    for _ in range(dealer.rng.choice([0, 1, 1, 2, 3])):
        keep, drop = dealer.rng.sample(people, 2)
        op = {"op": "merge", "keep": keep, "drop": drop}
        try:
            facts = facts.after(op)
        except Refused:
            continue
        chain.append(op)
    return chain


# Ways


def way_to(goal: Goal, rng: Random) -> Chain:
    """A random way with detours. The first version and the drafts of all others are there from the start."""
    goal.dealer.rng = rng
    entries = [_recorded(goal, entry) for entry in goal.entries]
    others = [_said_of(goal, op) for op in goal.changes]
    others += [[op] for op in goal.publications[1:]] + [_joined(goal, rng)]
    if goal.any_order_of_record:
        ops = _dealt_out([*entries, *others], {}, rng)
    else:  # days are shared, so that the order of record counts
        ops = _dealt_out(
            [[chain[0] for chain in entries], *others], {chain[0]["entry"]["id"]: chain[1:] for chain in entries}, rng
        )
    return list(_together(list(ops), rng))


def _recorded(goal: Goal, entry: dict[str, Any]) -> Chain:
    """An entry as it is, or first as something else, and then what became of it."""
    dealer, name = goal.dealer, entry["id"]
    wrong = [dealer.draft() for _ in range(dealer.rng.choice([0, 0, 1, 1, 2]))]
    stages = [{**one, "id": name} for one in wrong if _countable(goal, one)] + [entry]
    first, *later = stages
    amended = [{"op": "amend", "target": name, "set": {key: one.get(key) for key in SAID}} for one in later]
    return [{"op": "record", "entry": first}, *amended, *goal.ends[name]]


def _countable(goal: Goal, entry: dict[str, Any]) -> bool:
    """Whether an entry can be recorded under any of the versions."""
    facts = goal.start
    for op in goal.publications:
        facts = facts.after(op)
        try:
            if not facts.after({"op": "record", "entry": entry}).countable():
                return False
        except Refused:
            return False
    return True


def _said_of(goal: Goal, op: Op) -> Chain:
    """What is put on record, or first something else from the same day on."""
    wrong = _put_on_record(goal.dealer, op["person"], op["from"])
    return [wrong, op] if goal.dealer.often(0.4) else [op]


def _joined(goal: Goal, rng: Random) -> Chain:
    """The merges in any order, between merges that are undone again."""
    people = [one["person"] for one in (*goal.dealer.people, *goal.dealer.guests)]
    facts, chain, open_detours = Facts(people=goal.dealer.known()), [], []
    wanted = rng.sample(goal.merges, len(goal.merges))

    def tried(op: Op) -> bool:
        nonlocal facts
        try:
            facts = facts.after(op)
        except Refused:
            return False
        chain.append(op)
        return True

    for _ in range(rng.choice([0, 1, 1, 2])):
        keep, drop = rng.sample(people, 2)
        if tried({"op": "merge", "keep": keep, "drop": drop}):
            open_detours.append(drop)
        if wanted and rng.random() < 0.5 and tried(wanted[-1]):
            wanted.pop()
    for drop in rng.sample(open_detours, len(open_detours)):
        tried({"op": "unmerge", "drop": drop})
    for op in wanted:
        assert tried(op), f"{op} cannot be reached after {chain}"
        if rng.random() < 0.3:
            tried({"op": "unmerge", "drop": op["drop"]})
            tried(op)
    return chain


def _dealt_out(chains: Sequence[Chain], once_recorded: dict[str, Chain], rng: Random) -> Iterator[Op]:
    """Chains dealt into each other; each keeps its own order, and some begin when their entry is recorded."""
    waiting = [list(chain) for chain in chains if chain]
    while waiting:
        chain = rng.choices(waiting, [len(chain) for chain in waiting])[0]
        op = chain.pop(0)
        yield op
        if op["op"] == "record" and (rest := once_recorded.get(op["entry"]["id"])):
            waiting.append(list(rest))
        waiting = [chain for chain in waiting if chain]


def _together(ops: Chain, rng: Random) -> Iterator[Op]:
    """Some entries that follow each other are sent in one batch."""
    run: list[Any] = []
    for op in [*ops, None]:
        if op is not None and op["op"] == "record" and (not run or rng.random() < 0.5):
            run.append(op["entry"])
            continue
        if run:
            yield {"op": "record", "entry": run[0]} if len(run) == 1 else {"op": "batch", "entries": run}
        run = [op["entry"]] if op is not None and op["op"] == "record" else []
        if op is not None and op["op"] != "record":
            yield op


# Arriving


def arrive(databases: Databases, goal: Goal, plainly: Sequence[Op], ways: Iterable[Sequence[Op]]) -> Counter[str]:
    """Goes every way from the same beginning, and looks at the books once, at its end."""
    facts, seen = goal.start, Counter[str]()
    for op in plainly:
        facts = facts.after(op)
    wanted = expected(facts)
    with databases.fresh("sqlite") as url, DeskFirm(url) as firm:
        begun = Play(firm, goal.start, Checker(firm, proves=False))
        for op in (goal.publications[0], *goal.drafts):
            begun.step(op, check=False)
        for way in ways:
            with firm.rehearsal():
                seen += _gone(begun, way, wanted)
    return seen


def _gone(begun: Play, way: Sequence[Op], wanted: Results) -> Counter[str]:
    play = begun.branch(Checker(begun.firm, proves=False))
    for op in way:
        told = play.step(op, check=False)
        if told.refused:
            raise play.departure([f"refused: {told.refused}"])
    if expected(play.facts) != wanted:
        raise play.departure(["the way leads somewhere else"])
    play.check()
    return play.checker.checked


def reached(databases: Databases, seed: int, ways: int = WAYS) -> Counter[str]:
    """One goal by many ways."""
    goal = goal_of(seed)
    return arrive(databases, goal, goal.plainly, (way_to(goal, Random(f"{seed} {one}")) for one in range(ways)))


@pytest.mark.parametrize("seed", range(16))
def test_every_way_to_the_same_facts_ends_alike(databases: Databases, seed: int, tell: Tell):
    seen = reached(databases, seed)
    tell(f"{WAYS} ways to one goal: {seen['results']} results and {seen['violations']} open violations alike")


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1000, 3000, 100))
def test_two_thousand_goals_by_twenty_ways_each(databases: Databases, first: int, tell: Tell):
    seen = sum((reached(databases, seed) for seed in range(first, first + share(100))), Counter[str]())
    tell(f"{share(100)} goals by {WAYS} ways each: {dict(seen)}, 0 differences")


def all_orders(databases: Databases, seed: int) -> Counter[str]:
    """A small goal by every order there is of five things to say: three entries, what somebody was, and a merge."""
    rng = Random(seed)
    while True:
        goal = goal_of(rng.randrange(2**32), entries=(3, 3))
        if goal.any_order_of_record and goal.changes and goal.merges:
            break
    said = [*({"op": "record", "entry": entry} for entry in goal.entries), goal.changes[0], goal.merges[0]]
    return arrive(databases, goal, [goal.publications[0], *said], permutations(said))


def test_all_orders_of_five_things_end_alike(databases: Databases, tell: Tell):
    tell(f"120 orders of one goal: {dict(all_orders(databases, 7))}")


@pytest.mark.soak
def test_all_orders_of_two_hundred_small_goals_end_alike(databases: Databases, tell: Tell):
    seen = sum((all_orders(databases, seed) for seed in range(100, 100 + share(200))), Counter[str]())
    tell(f"{share(200) * 120} orders of {share(200)} goals: {dict(seen)}, 0 differences")
