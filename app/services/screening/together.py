"""Together: what two recipients would have added up under each limit, were they one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from app.domain.policies import Basis, Measure, PeriodType, Policy, PolicyBook, Rule
from app.domain.screening import Span, span
from app.storage import matches
from app.storage.matches import Pair, RuleDays


@dataclass(frozen=True, slots=True)
class Together:
    """What two people have each counted under a rule in the period of a day. Minor units, or a count.

    Their own sums as they stand: an entry that lists both, or a year that begins with the other's gift, can make the
    total after a merge another one. A rehearsal of the merge says exactly.
    """

    rule: Rule
    policy: Policy
    period: Span
    one: int
    other: int
    limit: int

    @property
    def total(self) -> int:
        """What both have."""
        return self.one + self.other

    @property
    def over_by(self) -> int:
        """By how much the total is above the limit; zero where it is not."""
        return max(self.total - self.limit, 0)

    @property
    def crosses(self) -> bool:
        """Whether the total crosses the limit, and both have a part in it."""
        over = self.total >= self.limit if self.rule.exceed_at_limit else self.total > self.limit
        return over and self.one > 0 and self.other > 0


def together(connection: Connection, book: PolicyBook, pairs: Sequence[Pair], on: date) -> dict[Pair, list[Together]]:
    """For each pair the rules in force on a day under which either has something, in the order of the policy."""
    policy = book.in_force(on)
    rules = [rule for rule in policy.rules if _adds_up(rule, on)] if policy else []
    if policy is None or not rules or not pairs:
        return {pair: [] for pair in pairs}
    people = sorted({person for pair in pairs for person in pair})
    sums = matches.counted(connection, people, [_days(rule, on) for rule in rules])
    return {
        pair: [
            Together(policy=policy, rule=rule, period=span(rule.period, on), one=one, other=other, limit=limit)
            for rule in rules
            if (limit := rule.limit_on(on)) is not None
            and (one := sums.get((pair.one, rule.id), 0)) + (other := sums.get((pair.other, rule.id), 0))
        ]
        for pair in pairs
    }


def _adds_up(rule: Rule, on: date) -> bool:
    """Whether a rule adds up what a recipient gets over more than one event."""
    return (
        rule.basis is Basis.PER_RECIPIENT
        and rule.measure is not Measure.PROHIBITION
        and rule.period.type is not PeriodType.PER_EVENT
        and rule.limit_on(on) is not None
    )


def _days(rule: Rule, on: date) -> RuleDays:
    days = span(rule.period, on)
    opened = on if rule.period.type is PeriodType.FIRST_GIFT_YEAR else None
    return RuleDays(rule.id, days.start, days.end, opened)
