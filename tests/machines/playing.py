"""Playing: a firm lives through operations, and after every one of them its books are what the facts demand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tests.machines.checking import Checker
from tests.machines.desk_firm import Told
from tests.machines.facts import Facts, Op
from tests.oracle.oracle import Refused


class Departure(AssertionError):
    """The books are not what the facts demand; the message has the operations that led there."""


class Firm(Protocol):
    """Whoever carries out operations."""

    def begin(self, facts: Facts) -> None: ...

    def do(self, op: Op, facts: Facts) -> Told: ...


def foreseen(facts: Facts, op: Op) -> tuple[Facts, list[str]]:
    """The facts after an operation, and why it must be refused: one reason for each refused entry of a batch."""
    singly = [{"op": "record", "entry": entry} for entry in op["entries"]] if op["op"] == "batch" else [op]
    reasons = []
    for one in singly:
        try:
            facts = facts.after(one)
        except Refused as refused:
            reasons.append(str(refused))
    return facts, reasons


class Play:
    """One firm from its first day on. `step` raises Departure where the service departs from the facts."""

    def __init__(self, firm: Any, start: Facts, checker: Checker) -> None:
        self.firm, self.facts, self.checker = firm, start, checker
        self.script: list[Op] = []
        self.departed = False
        firm.begin(start)

    def branch(self, checker: Checker) -> Play:
        """The same firm from here on, with another who looks at its books."""
        other = object.__new__(Play)
        other.firm, other.facts, other.checker = self.firm, self.facts, checker
        other.script, other.departed = list(self.script), False
        return other

    def step(self, op: Op, *, check: bool = True) -> Told:
        """One operation. With `check` off the books are looked at later."""
        self.script.append(op)
        after, reasons = foreseen(self.facts, op)
        if op["op"] == "unmerge" and reasons:
            return Told(["not_merged"])  # there is nothing that could be named in the request
        told = self.firm.do(op, self.facts)
        if len(told.refused) != len(reasons):
            raise self.departure([f"refused: must be {reasons}, is {list(told.refused)}"])
        self.facts = self._as_it_was(after, op) if told.nothing else after
        if check:
            self.check(told)
        return told

    def _as_it_was(self, after: Facts, op: Op) -> Facts:
        """An amendment that says nothing new makes no version."""
        was, name = self.facts.entries[op["target"]], op["target"]
        now = replace(after.entries[name], version=was.version, approved=was.approved)
        return replace(after, entries={**after.entries, name: now})

    def check(self, told: Told | None = None) -> None:
        """Looks at the books."""
        if found := self.checker.faults(self.facts, told):
            raise self.departure(found)

    def finish(self) -> None:
        """Looks at what is looked at once."""
        if found := self.checker.at_the_end(self.facts):
            raise self.departure(found)

    def departure(self, found: Sequence[str]) -> Departure:
        self.departed = True
        told = "\n".join(found[:12])
        return Departure(f"{told}\nafter {len(self.script)} operations:\n{written(self.script)}")


def written(script: Iterable[Op]) -> str:
    """Operations as lines of JSON, to be played again."""
    return "\n".join(json.dumps(op, ensure_ascii=False) for op in script)


def played(firm: Any, start: Facts, script: Iterable[Op], checker: Checker, *, every: int = 1) -> Play:
    """Plays a whole script, looking at the books after `every` so many operations and at the end."""
    play = Play(firm, start, checker)
    for place, op in enumerate(script, start=1):
        play.step(op, check=place % every == 0)
    play.check()
    play.finish()
    return play
