"""Two at once, step by step: one stops just before its commit, the other does all it can, and only then do both end.

Nothing here is left to chance. Whoever has to wait for the first does so, and what both did is as the facts demand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from app.services.journal import Journal
from tests.databases import Databases
from tests.machines.checking import Checker
from tests.machines.desk_firm import DeskFirm, Told
from tests.machines.facts import Facts, Op, Place
from tests.machines.playing import Departure, Play, foreseen
from tests.oracle.oracle import Refused

_PATIENCE_S = 0.7
EMPLOYERS = {"P1": "Northgate", "P2": "Calder", "P3": "Harrow", "P4": "Calder"}
PEOPLE = {name: (Place(date.min, "institutional_employee", EMPLOYERS[name]),) for name in EMPLOYERS}
RULE = {
    "measure": "amount",
    "limit_schedule": [{"limit": "100.00", "effective_from": None, "effective_to": None}],
    "currency": "USD",
    "exceed": "gt",
    "basis": "per_recipient",
    "period": {"type": "calendar_year"},
    "direction": "given",
    "counts": ["gift"],
    "applies_to": ["business"],
    "excludes": [],
    "valuation": "cost",
}


def published(number: int, limit: str, since: str, basis: str) -> Op:
    row = {"limit": limit, "effective_from": None, "effective_to": None}
    policy = {
        "rules": [{**RULE, "id": "year", "name": "year", "basis": basis, "limit_schedule": [row]}],
        "settings": {},
    }
    return {"op": "publish", "number": number, "policy": policy, "effective_from": since}


def gift(name: str, amount: str, day: str, *people: str) -> dict[str, Any]:
    rows = [{"person": person, "name": person} for person in people]
    money = {"total": amount, "currency": "USD"}
    said = {"id": name, "date": day, "direction": "given", "giver": "A1", "kind": "gift", "hosts_present": None}
    return said | {"amount": money, "recipients": rows, "paid_by": "firm", "flags": []}


def record(name: str, amount: str, day: str, *people: str) -> Op:
    return {"op": "record", "entry": gift(name, amount, day, *people)}


def amend(target: str, **changes: Any) -> Op:
    return {"op": "amend", "target": target, "set": changes}


def merge(keep: str, drop: str) -> Op:
    return {"op": "merge", "keep": keep, "drop": drop}


def rows(*people: str) -> list[dict[str, str]]:
    return [{"person": person, "name": person} for person in people]


BEGUN: Sequence[Op] = (
    record("E1", "60.00", "2026-05-04", "P1"),
    record("E2", "50.00", "2026-05-05", "P2"),
    record("E3", "45.00", "2026-05-06", "P3"),
)
MOVED: Op = {"op": "change", "person": "P1", "from": "2026-01-01", "employer": "Calder"}
PUBLISHED = published(2, "70.00", "2026-05-05", "per_recipient")
MORE = {"total": "90.00", "currency": "USD"}
COLLEAGUES = "colleagues: "  # whoever works for one employer is added up

# By what happens: what is there before, what is stopped before its commit, and what the other does meanwhile.
SITUATIONS: dict[str, tuple[Sequence[Op], Op, Op]] = {
    "a merge, and an entry for whom it keeps": ((), merge("P1", "P2"), record("N", "30.00", "2026-05-07", "P1")),
    "a merge, and an entry for whom it drops": ((), merge("P1", "P2"), record("N", "30.00", "2026-05-03", "P2")),
    "a merge the other way round": ((), merge("P2", "P1"), record("N", "30.00", "2026-05-07", "P1")),
    "a parting, and an entry": (
        (merge("P1", "P2"),),
        {"op": "unmerge", "drop": "P2"},
        record("N", "30.00", "2026-05-07", "P2"),
    ),
    "a chain parted, and an entry": (
        (merge("P2", "P1"), merge("P3", "P2")),
        {"op": "unmerge", "drop": "P2"},
        record("N", "30.00", "2026-05-07", "P1"),
    ),
    "an amount, and an entry": ((), amend("E1", amount=MORE), record("N", "30.00", "2026-05-07", "P1")),
    "another day, and an entry": ((), amend("E1", date="2025-12-31"), record("N", "50.00", "2026-05-07", "P1")),
    "another person, and an entry for the one left": (
        (),
        amend("E1", recipients=rows("P2")),
        record("N", "50.00", "2026-05-07", "P1"),
    ),
    "another person, and an entry for the one joined": (
        (),
        amend("E1", recipients=rows("P2")),
        record("N", "5.00", "2026-05-07", "P2"),
    ),
    "a withdrawal, and an entry": ((), {"op": "withdraw", "target": "E1"}, record("N", "50.00", "2026-05-07", "P1")),
    "a repayment, and an entry before": (
        (),
        {"op": "repay", "target": "E1", "amount": "40.00"},
        record("N", "70.00", "2026-05-01", "P1"),
    ),
    "another employer, and an entry that takes it": ((), MOVED, record("N", "50.00", "2026-05-07", "P1")),
    "another employer, and an amendment": ((), MOVED, amend("E1", date="2026-04-01")),
    "another employer, and a merge": ((), MOVED, merge("P1", "P2")),
    "a publication, and an entry": ((), PUBLISHED, record("N", "50.00", "2026-05-07", "P1")),
    "a publication, and an amendment": ((), PUBLISHED, amend("E3", amount=MORE)),
    "two amendments of one version": ((), amend("E1", amount=MORE), amend("E1", date="2026-05-01")),
    "an amendment and a withdrawal of one version": ((), amend("E1", amount=MORE), {"op": "withdraw", "target": "E1"}),
    "two merges of one record": ((), merge("P1", "P2"), merge("P3", "P2")),
    "a circle": ((), merge("P1", "P2"), merge("P2", "P1")),
    "an entry, and a merge": ((), record("N", "50.00", "2026-05-03", "P2"), merge("P1", "P2")),
    "an entry, and another employer": ((), record("N", "50.00", "2026-05-03", "P1"), MOVED),
    "colleagues: a merge, and an entry for another": ((), merge("P1", "P2"), record("N", "60.00", "2026-05-07", "P4")),
    "colleagues: a merge, and an entry before": ((), merge("P2", "P1"), record("N", "60.00", "2026-05-01", "P4")),
    "colleagues: an amount, and an entry for another": (
        (),
        amend("E2", amount=MORE),
        record("N", "60.00", "2026-05-07", "P4"),
    ),
    "colleagues: a withdrawal, and an entry for another": (
        (),
        {"op": "withdraw", "target": "E2"},
        record("N", "60.00", "2026-05-07", "P4"),
    ),
    "colleagues: another employer, and an entry for a new colleague": (
        (),
        MOVED,
        record("N", "60.00", "2026-05-07", "P4"),
    ),
    "colleagues: an entry, and another employer": ((), record("N", "60.00", "2026-05-03", "P4"), MOVED),
    "an entry, and a publication": ((), record("N", "50.00", "2026-05-07", "P1"), PUBLISHED),
}


class Gate:
    """The first to come before its commit waits there until the other is done, or cannot go on."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.reached, self.other_is_done = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        if threading.get_ident() == self.first:
            self.reached.set()
            self.other_is_done.wait(_PATIENCE_S)


@contextmanager
def gated(gate: Gate) -> Iterator[None]:
    seal = Journal.seal

    def sealing(self: Journal, connection: Connection) -> None:
        gate.pass_through()
        seal(self, connection)

    Journal.seal = sealing  # type: ignore[method-assign]
    try:
        yield
    finally:
        Journal.seal = seal  # type: ignore[method-assign]


def departures_of(databases: Databases, situation: str) -> list[str]:
    """What is wrong after two operations at once."""
    before, first, second = SITUATIONS[situation]
    basis = "per_employer" if situation.startswith(COLLEAGUES) else "per_recipient"
    begun = (published(1, "100.00", "2000-01-01", basis), *BEGUN, *before)
    with databases.fresh("postgres") as url, DeskFirm(url) as firm:
        try:
            return _departures(firm, begun, first, second)
        except Departure as departure:
            return [str(departure)]


def _departures(firm: DeskFirm, begun: Sequence[Op], first: Op, second: Op) -> list[str]:
    play = Play(firm, Facts(people=PEOPLE), Checker(firm))
    for op in (*begun, {"op": "draft", "number": 2, "policy": PUBLISHED["policy"]}):
        play.step(op, check=False)
    gate, told = Gate(), dict[str, Any]()

    def act(name: str, op: Op, then: Callable[[], None]) -> None:
        try:
            told[name] = firm.do(op, play.facts)
        except BaseException as error:  # noqa: BLE001 - told where it is looked at
            told[name] = error
        then()

    with gated(gate):
        one = threading.Thread(target=act, args=("first", first, gate.reached.set))
        other = threading.Thread(target=act, args=("second", second, gate.other_is_done.set))
        one.start()
        gate.first = one.ident
        gate.reached.wait(10)
        other.start()
        one.join(30)
        other.join(30)
    broken = [f"{name}: {said!r}" for name, said in told.items() if isinstance(said, BaseException)]
    broken += [f"{name} did not end" for name in ("first", "second") if name not in told]
    return broken or _held_against(play, [(first, told["first"]), (second, told["second"])])


def _held_against(play: Play, done: Sequence[tuple[Op, Told]]) -> list[str]:
    """Both in the order in which they can have happened: what one of them was refused for, the other did."""
    orders = [done, done[::-1]]
    found: list[str] = []
    for order in orders:
        facts, fits = play.facts, True
        for op, told in order:
            after, reasons = foreseen(facts, op)
            fits = fits and bool(reasons or _stale(order, op, facts, play.facts)) == bool(told.refused)
            facts = facts if told.refused else after
        if not fits:
            found.append(f"answers {[told.refused for _, told in order]} fit no order")
            continue
        if not (faults := play.checker.faults(facts)):
            return []
        found += faults
    return found


def _stale(order: Sequence[tuple[Op, Told]], op: Op, facts: Facts, begun: Facts) -> bool:
    """Whether an entry went on to another version since it was read."""
    name = op.get("target")
    return name is not None and facts.entries[name].version != begun.entries[name].version


@pytest.mark.race
@pytest.mark.parametrize("situation", SITUATIONS)
def test_two_at_once_leave_books_as_if_one_had_come_after_the_other(
    databases: Databases, postgres_server: str, situation: str
):
    assert departures_of(databases, situation) == []


def test_the_situations_are_possible():
    for before, first, second in SITUATIONS.values():
        facts = Facts(people=PEOPLE)
        for op in (published(1, "100.00", "2000-01-01", "per_recipient"), *BEGUN, *before):
            facts = facts.after(op)
        for op in (first, second):
            try:
                facts.after(op)
            except Refused as refused:
                pytest.fail(f"{op}: {refused}")
