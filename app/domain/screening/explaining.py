"""Explaining: the arithmetic behind what one entry adds under one rule, step by step, for the proof of calculation."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.entries import HOSTED_KINDS, Entry
from app.domain.money import format_minor
from app.domain.policies import Basis, Measure, Policy, Rule, Valuation
from app.domain.screening.counting import Line, Weighing, heads


class Step(NamedTuple):
    """One step: what was done, and the amount after it as a decimal string with its unit."""

    what: str
    amount: str
    unit: str


def explain(policy: Policy, rule: Rule, entry: Entry, line: Line) -> list[Step]:
    """How the line's counted amount comes about, from the entry's total to the subject's part."""
    if line.exclusion is not None:
        return [Step(f"excluded: {line.exclusion}", format_minor(0, rule.exponent), _unit(rule))]
    if rule.measure is Measure.COUNT:
        return [Step("one for each person on the entry", str(line.counted), "count")]
    weighing = Weighing(policy, entry)
    steps = [Step(_valued(rule, weighing), *_own(entry, weighing.worth(rule.valuation_on(entry.occurred_on), False)))]
    if entry.repaid and rule.repay_nets:
        repaid = weighing.worth(rule.valuation_on(entry.occurred_on), True)
        steps.append(Step("less what was repaid", *_own(entry, repaid)))
    parts = weighing.parts(rule.valuation_on(entry.occurred_on), rule.repay_nets)
    steps += _converted(policy, entry, sum(parts))
    weights = heads(entry, weighing.kind, policy.settings)
    if len(weights) > 1:
        how = "by stated shares" if any(one.share is not None for one in entry.recipients) else f"among {len(weights)}"
        whose = _whose(rule, weighing, line)
        steps.append(Step(f"divided {how}, spare cents to the first-listed{whose}", *_rules(rule, line.counted)))
    return steps


def _whose(rule: Rule, weighing: Weighing, line: Line) -> str:
    """Whose parts the counted amount is, where it is more than one person's."""
    if rule.basis is Basis.PER_EMPLOYER:
        return "; the parts of the employer's people"
    rows = next((client.rows for client in weighing.clients if client.recipient_id == line.shown), ())
    return f"; with {len(rows) - 1} of their guests" if len(rows) > 1 else ""


def _converted(policy: Policy, entry: Entry, minor: int) -> list[Step]:
    rate = policy.settings.rate(entry.currency.code, entry.occurred_on)
    if entry.currency.code == policy.currency.code or rate is None:
        return []
    amount = format_minor(minor, policy.currency.exponent)
    return [Step(f"at {rate} on {entry.occurred_on}, half up", amount, policy.currency.code)]


def _valued(rule: Rule, weighing: Weighing) -> str:
    if weighing.kind in HOSTED_KINDS:
        tip = weighing.policy.settings.entertainment_tax_tip
        return f"the bill, tax and tip {tip}d"
    entry, valuation = weighing.entry, rule.valuation_on(weighing.entry.occurred_on)
    if valuation is Valuation.MARKET and entry.value.market is not None:
        return "the gift at market value"
    values = ["the stated cost" if entry.value.cost is not None else "what was paid without tax, delivery and tip"]
    if "ticket" in entry.flags and entry.value.face is not None:
        values.append("the ticket's face value")
    if valuation is Valuation.HIGHER_OF_COST_OR_MARKET and entry.value.market is not None:
        values.append("market value")
    return f"the gift at {values[0]}" if len(values) == 1 else f"the gift at the highest of {' and '.join(values)}"


def _own(entry: Entry, minor: int) -> tuple[str, str]:
    return format_minor(minor, entry.currency.exponent), entry.currency.code


def _rules(rule: Rule, minor: int) -> tuple[str, str]:
    return format_minor(minor, rule.exponent), _unit(rule)


def _unit(rule: Rule) -> str:
    return "count" if rule.measure is Measure.COUNT else rule.currency.code
