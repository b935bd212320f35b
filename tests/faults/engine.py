"""Single-line faults that somebody could make in the limit engine, and how one is planted for the length of a test."""

from __future__ import annotations

import inspect
import sys
import textwrap
from importlib import import_module
from types import FunctionType
from typing import Any, NamedTuple

import pytest

# By the function that is got wrong: what happens then, a line of it (or a part), and what somebody wrote instead.
WRITTEN_WRONG = {
    "app.domain.screening.judging:_outcome": [
        ("a gt rule forbids the limit itself", "else aggregate > limit", "else aggregate >= limit"),
        ("a gte rule allows the limit itself", "aggregate >= limit if", "aggregate > limit if"),
        ("a warning comes before a violation", "line.counted > 0):", "line.counted > 0 and rule.warn_at is None):"),
        ("a warning needs more than its part", ">= warn_at.numerator * limit", "> warn_at.numerator * limit"),
        ("nothing counted is flagged", "(over and line.counted > 0)", "over"),
    ],
    "app.domain.policies.model:Dated.holds": [
        ("a limit ends a day early", "on <= self.effective_to", "on < self.effective_to"),
    ],
    "app.domain.screening.periods:span": [
        ("365 days are 366", "timedelta(days=364)", "timedelta(days=365)"),
        ("12 months are a day longer", "_year_before(on) + _DAY", "_year_before(on)"),
        ("a fiscal year starts a month late", "on.month < period.start_month", "on.month <= period.start_month"),
    ],
    "app.domain.screening.periods:year_end": [
        ("a year from 29 February ends a day early", "start.year + 1, 2, 28", "start.year + 1, 2, 27"),
    ],
    "app.domain.screening.judging:_gift_years": [
        ("a gift year lacks its last day", "> year_end(start)", ">= year_end(start)"),
        ("an excluded gift opens a year", "(line.occurred_on, 0) if line.counted else", "(line.occurred_on, 0) or"),
    ],
    "app.domain.screening.counting:Line.order": [
        ("ties go by name, not by record", "self.sequence, self.entry_id", "self.entry_id, self.sequence"),
    ],
    "app.domain.money:divide": [
        ("spare cents go to the last", "in enumerate(weights)", "in reversed(list(enumerate(weights)))"),
    ],
    "app.domain.money:convert": [
        ("conversion rounds down", "(2 * scaled + divisor)", "(2 * scaled)"),
    ],
    "app.domain.screening.counting:Weighing.part": [
        ("a guest's share is dropped", "sum(parts[row] for row in client.rows)", "parts[client.rows[0]]"),
    ],
    "app.domain.screening.counting:heads": [
        ("hosts eat for nothing", "with_hosts = hosted and", "with_hosts = False and"),
    ],
    "app.domain.screening.counting:clients": [
        ("the first line of merged records wins", "min(places[one])", "places[one][0]"),
    ],
    "app.domain.entries:_end_of": [
        ("merges are followed one step", "while person in canon", "if person in canon"),
    ],
    "app.domain.screening.counting:worth_of": [
        ("a ticket is worth its face, however cheap", "worth = max(worth, value.face)", "worth = value.face"),
        ("the tip stays in a gift", "- value.delivery - value.tip", "- value.delivery"),
    ],
    "app.domain.screening.counting:Weighing.worth": [
        ("no rule nets repayments", "if repay_nets else gross", "if False else gross"),
    ],
    "app.domain.screening.counting:treated_as": [
        ("an absent host changes nothing", "entry.hosts_present is False", "entry.hosts_present is None"),
    ],
    "app.domain.screening.counting:_verdict": [
        (
            "an exclusion is counted",
            "client, 0, exclusion, False",
            "client, weighing.part(rule, client), exclusion, False",
        ),
        ("cash counts like anything else", "cash or rule.measure is", "rule.measure is"),
    ],
    "app.domain.screening.counting:_claimed": [
        ("a claim needs no flag", "claim in flags and claim in rule.excludes", "claim in rule.excludes"),
    ],
    "app.domain.screening.counting:_claim_holds": [
        ("an agreement of the day is enough", "agreed < entry.occurred_on", "agreed <= entry.occurred_on"),
    ],
    "app.domain.screening.counting:_approved_before": [
        ("approval must come the day before", "preapproved_on <= entry", "preapproved_on < entry"),
    ],
    "app.domain.screening.counting:_under_floor": [
        ("the floor takes in what is at it", "floor.inclusive and part == floor.amount", "part == floor.amount"),
    ],
    "app.domain.screening.counting:_by_employer": [
        ("the weakest reason is shown", "min(reasons", "max(reasons"),
        ("one excluded colleague excludes all", "None if counted else min", "None if not reasons else min"),
    ],
}


class Fault(NamedTuple):
    """One line of one function, and what somebody wrote instead."""

    sentence: str
    function: str
    right: str
    wrong: str


FAULTS = [
    Fault(sentence, function, right, wrong)
    for function, faults in WRITTEN_WRONG.items()
    for sentence, right, wrong in faults
]


def plant(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the wrong line in the place of the right one, wherever the domain refers to the function."""
    module, _, path = fault.function.partition(":")
    owner: Any = import_module(module)
    space = vars(owner)
    *inside, name = path.split(".")
    for cls in inside:
        owner = getattr(owner, cls)
    right = vars(owner)[name]
    wrong = rewritten(right.fget if isinstance(right, property) else right, fault, space)
    if inside:
        monkeypatch.setattr(owner, name, property(wrong) if isinstance(right, property) else wrong)
        return
    for known in [module for name, module in sys.modules.items() if name.startswith("app.domain")]:
        for attribute in [attribute for attribute, value in vars(known).items() if value is right]:
            monkeypatch.setattr(known, attribute, wrong)


def forget() -> None:
    """Empty what the domain remembers of answers, so that right and wrong ones never mix."""
    for module in [module for name, module in sys.modules.items() if name.startswith("app.domain")]:
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def rewritten(function: FunctionType, fault: Fault, space: dict[str, Any]) -> FunctionType:
    """The function with the line changed, in its module's own space. AssertionError where the line is not there."""
    source = textwrap.dedent(inspect.getsource(function)).removeprefix("@property\n")
    assert source.count(fault.right) == 1, f"{fault.function} holds {fault.right!r} {source.count(fault.right)} times"
    changed = source.replace(fault.right, fault.wrong)
    made: dict[str, Any] = {}
    exec(compile(changed, f"<{fault.sentence}>", "exec", flags=annotations.compiler_flag), space, made)  # noqa: S102
    planted: FunctionType = made[function.__name__]
    return planted
