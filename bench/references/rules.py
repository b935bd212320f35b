"""The rules in force as the references know them: worked out beforehand for the one day and both kinds of the load."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.entries import Direction, Entry, Kind, Listed
from app.domain.money import Currency
from app.domain.policies import Measure, PeriodType, Policy
from app.domain.screening import count, span
from app.services import policies

USD = Currency("USD", 2)
KINDS = (Kind.GIFT, Kind.MEAL)


class ReferenceRule(NamedTuple):
    """What a rule says of one kind given to one type of recipient, down to the days that add up and the limit."""

    type: str
    kind: str
    rule_id: str
    policy_id: str
    severity: str
    exclusion: str | None
    counts_events: bool
    adds_up: bool
    period_start: date
    period_end: date
    limit_value: int
    warn_value: int | None
    at_limit: bool

    def counted(self, part: int) -> int:
        """What a person's part adds."""
        if self.exclusion:
            return 0
        return 1 if self.counts_events else part

    def outcome(self, aggregate: int) -> str:
        """The judgement of a total that has just grown."""
        if self.exclusion:
            return "excluded"
        if aggregate > self.limit_value or (self.at_limit and aggregate == self.limit_value):
            return "violation"
        return "warning" if self.warn_value is not None and aggregate >= self.warn_value else "within"


def rules_of(connection: Connection, types: tuple[str, ...], on: date) -> list[ReferenceRule]:
    """Every rule that has a result for one of the types, by what the service itself would count."""
    policy = policies.read(connection).in_force(on)
    if policy is None:
        raise ValueError(f"no policy is in force on {on}")
    return list(rules_on(policy, types, on))


def rules_on(policy: Policy, types: tuple[str, ...], on: date) -> Iterator[ReferenceRule]:
    """What a policy says on a day of each of the types."""
    for type in dict.fromkeys(types):
        for kind in KINDS:
            yield from _rules(policy, type, kind, on)


def _rules(policy: Policy, type: str, kind: Kind, on: date) -> Iterator[ReferenceRule]:
    people = (Listed("rec_0", None, type),)
    hosted = True if kind is Kind.MEAL else None
    for line in count(
        policy, Entry("ent_0", 1, on, kind, Direction.GIVEN, "g", 9000, USD, people, hosts_present=hosted)
    ):
        rule = policy.by_id[line.rule_id]
        limit = rule.limit_on(on) or 0
        yield ReferenceRule(
            type,
            kind.value,
            rule.id,
            policy.id,
            rule.severity,
            line.exclusion,
            rule.measure is Measure.COUNT,
            rule.period.type is not PeriodType.PER_EVENT,
            *span(rule.period, on),
            limit,
            None if rule.warn_at is None else math.ceil(rule.warn_at * limit),
            rule.exceed_at_limit,
        )
