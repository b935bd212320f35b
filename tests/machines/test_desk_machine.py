"""A firm at its desk, kept by Hypothesis: whatever is done in whatever order, the books are what the facts demand."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.databases import Databases
from tests.machines.checking import Checker
from tests.machines.dealing import Dealer, script
from tests.machines.desk_firm import DeskFirm
from tests.machines.facts import Facts
from tests.machines.playing import Play, played
from tests.soaking import share
from tests.telling import Tell

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
WRONG_CLOCKS = (timedelta(0), timedelta(hours=-1), timedelta(hours=2))


_FEW = 8  # in so few lives of chance it may be that nobody goes over


class Firm(RuleBasedStateMachine):
    """Every kind of operation as a rule. Hypothesis picks kinds and seeds; the seed says to whom, when and how much."""

    databases: ClassVar[Databases]
    seen: ClassVar[Counter[str]] = Counter()
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()

    def opened(self) -> tuple[Any, Checker]:
        firm = self.open.enter_context(DeskFirm(self.open.enter_context(self.databases.fresh("sqlite"))))
        return firm, Checker(firm)

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        """People, days, and the policy that is there from the start."""
        self.dealer = Dealer(Random(seed))
        firm, checker = self.opened()
        self.play = Play(firm, Facts(people=self.dealer.known()), checker)
        self.play.step(self.dealer.first())

    def happens(self, kind: str, seed: int) -> None:
        self.dealer.rng = Random(seed)
        op = self.dealer.op(self.play.facts, kind)
        if op is not None:
            told = self.play.step(op)
            self.done[kind if not told.refused else f"{kind} refused"] += 1

    @rule(seed=SEEDS)
    def record(self, seed: int) -> None:
        self.happens("record", seed)

    @rule(seed=SEEDS)
    def record_again(self, seed: int) -> None:
        self.happens("record", seed)

    @rule(seed=SEEDS)
    def batch(self, seed: int) -> None:
        self.happens("batch", seed)

    @rule(seed=SEEDS)
    def amend(self, seed: int) -> None:
        self.happens("amend", seed)

    @rule(seed=SEEDS)
    def amend_again(self, seed: int) -> None:
        self.happens("amend", seed)

    @rule(seed=SEEDS)
    def withdraw(self, seed: int) -> None:
        self.happens("withdraw", seed)

    @rule(seed=SEEDS)
    def give_back(self, seed: int) -> None:
        self.happens("give_back", seed)

    @rule(seed=SEEDS)
    def repay(self, seed: int) -> None:
        self.happens("repay", seed)

    @rule(seed=SEEDS)
    def approve(self, seed: int) -> None:
        self.happens("approve", seed)

    @rule(seed=SEEDS)
    def decide(self, seed: int) -> None:
        self.happens("decide", seed)

    @rule(seed=SEEDS)
    def merge(self, seed: int) -> None:
        self.happens("merge", seed)

    @rule(seed=SEEDS)
    def unmerge(self, seed: int) -> None:
        self.happens("unmerge", seed)

    @rule(seed=SEEDS)
    def change(self, seed: int) -> None:
        self.happens("change", seed)

    @rule(seed=SEEDS)
    def publish(self, seed: int) -> None:
        self.happens("publish", seed)

    @rule()
    def restart(self) -> None:
        """Another process takes over."""
        self.play.firm.restart()

    def teardown(self) -> None:
        """Looks at every proof and at the log, unless something was found before."""
        try:
            if hasattr(self, "play") and not self.failed:
                self.play.finish()
                self.seen.update(self.play.checker.checked)
        finally:
            self.open.close()

    @property
    def failed(self) -> bool:
        """Whether a step of this run departed; what comes after it says nothing."""
        return getattr(self.play, "departed", False)


def run(machine: type[Firm], databases: Databases, *, examples: int, steps: int, random: bool) -> str:
    """Runs a machine; what was done and looked at. Looking at nothing much is void, unless few runs were asked for."""
    machine.databases, machine.seen, machine.done = databases, Counter(), Counter()
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=not random,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
    assert machine.seen["violations"] > 0 or examples < _FEW
    return f"{examples} runs of up to {steps} steps, done {dict(machine.done)}, looked at {dict(machine.seen)}"


def test_whatever_is_done_the_books_are_what_the_facts_demand(databases: Databases, tell: Tell):
    tell(run(Firm, databases, examples=20, steps=25, random=False))
    assert {"record", "batch", "amend", "decide", "merge", "unmerge", "change", "publish"} <= Firm.done.keys()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(10))
def test_whatever_is_done_for_long_the_books_are_what_the_facts_demand(databases: Databases, part: int, tell: Tell):
    tell(f"part {part}: {run(Firm, databases, examples=share(500), steps=50, random=True)}, 0 differences")


# The same, dealt instead of searched for: kinds in the proportions of a firm's life, so that more is recorded.


def lived(databases: Databases, seed: int, length: int, **desk: Any) -> Counter[str]:
    """A dealt life on a new database; what was looked at."""
    start, ops = script(seed, length)
    with databases.fresh("sqlite") as url, DeskFirm(url, **desk) as firm:
        return played(firm, start, ops, Checker(firm, one_clock="skews" not in desk)).checker.checked


@pytest.mark.parametrize("seed", range(10))
def test_a_dealt_life_leaves_books_that_are_what_the_facts_demand(databases: Databases, seed: int):
    assert lived(databases, seed, 25)["steps"] > 15


@pytest.mark.parametrize("seed", range(4))
def test_desks_whose_clocks_disagree_keep_one_order_of_record(databases: Databases, seed: int):
    assert lived(databases, 10_000 + seed, 25, skews=WRONG_CLOCKS)["steps"] > 15


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(100, 3100, 300))
def test_thousands_of_dealt_lives(databases: Databases, first: int, tell: Tell):
    seen = Counter[str]()
    for seed in range(first, first + share(300)):
        seen += lived(databases, seed, 40, **({"skews": WRONG_CLOCKS} if seed % 5 == 0 else {}))
    tell(f"dealt lives from {first} on, {share(300)} of them: {dict(seen)}, 0 differences")
