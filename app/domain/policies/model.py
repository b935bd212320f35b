"""A policy: a dated set of rules with its settings; and the book of all, which knows what was in force when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Generic, TypeVar

from app.domain.entries import Kind
from app.domain.money import Currency, Rate

T = TypeVar("T")


class Measure(StrEnum):
    AMOUNT = "amount"
    COUNT = "count"
    PROHIBITION = "prohibition"


class Basis(StrEnum):
    """Whose shares add up."""

    PER_RECIPIENT = "per_recipient"
    PER_RECIPIENT_EMPLOYER = "per_recipient_employer"
    PER_EMPLOYER = "per_employer"
    PER_GIVER_RECIPIENT = "per_giver_recipient"


class PeriodType(StrEnum):
    CALENDAR_YEAR = "calendar_year"
    FISCAL_YEAR = "fiscal_year"
    ROLLING_365D = "rolling_365d"
    ROLLING_12M = "rolling_12m"
    PER_EVENT = "per_event"
    FIRST_GIFT_YEAR = "first_gift_year"


class Valuation(StrEnum):
    COST = "cost"
    HIGHER_OF_COST_OR_MARKET = "higher_of_cost_or_market"
    MARKET = "market"


class Authority(StrEnum):
    """Who made the rule. A regulator's limit is never waived; a firm's own may be."""

    REGULATOR = "regulator"
    FIRM = "firm"


CLAIMS = (
    "compensation_agreement",
    "disaster_donation",
    "bereavement",
    "personal",
    "commemorative",
    "promotional",
    "de_minimis",
)
OUTSIDE_BUSINESS = ("retail_customer", "own_associated_person")


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value with the days on which it holds; None is an open end, both ends are included."""

    value: T
    effective_from: date | None = None
    effective_to: date | None = None

    def holds(self, on: date) -> bool:
        """Whether the value is in force on a day."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_to is None or on <= self.effective_to
        )


def in_force(schedule: Sequence[Dated[T]], on: date) -> T | None:
    """The value of a schedule on a day, or None where there is none.

    Source: FINRA Regulatory Notice 26-05 made it necessary: 300.00 USD from 2026-03-30, 100.00 before.
    """
    for row in schedule:
        if row.holds(on):
            return row.value
    return None


@dataclass(frozen=True, slots=True)
class ItemFloor:
    """Items under `amount` count zero; with `inclusive`, items at it too. Minor units of the rule's currency."""

    amount: int
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Period:
    """Which days add up. `start_month` matters to a fiscal year only."""

    type: PeriodType
    start_month: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy. Limits are minor units of `currency`, or plain numbers where the measure is a count."""

    id: str
    name: str
    measure: Measure
    limit_schedule: tuple[Dated[int], ...]
    currency: Currency
    period: Period
    basis: Basis = Basis.PER_RECIPIENT
    direction: str = "given"
    counts: frozenset[Kind] = frozenset({Kind.GIFT})
    applies_to: tuple[str, ...] = ("business",)
    excludes: frozenset[str] = frozenset()
    valuation: tuple[Dated[Valuation], ...] = (Dated(Valuation.COST),)
    exceed_at_limit: bool = False
    warn_at: Fraction | None = None
    when: str | None = None
    cash_prohibited: bool = False
    item_floor: ItemFloor | None = None
    cleared_by_prior_approval: bool = False
    repay_nets: bool = True
    authority: Authority = Authority.FIRM
    source: str = ""
    severity: str = "medium"
    count_key: str = ""

    @property
    def exponent(self) -> int:
        """Decimals of what the rule adds up."""
        return 0 if self.measure is Measure.COUNT else self.currency.exponent

    @property
    def unit(self) -> str:
        """What the rule adds up: a currency, or `count`."""
        return "count" if self.measure is Measure.COUNT else self.currency.code

    def limit_on(self, on: date) -> int | None:
        """The limit in force on a day, None where the rule did not exist."""
        return in_force(self.limit_schedule, on)

    def valuation_on(self, on: date) -> Valuation:
        """What the rule takes as the worth of a gift on a day."""
        return in_force(self.valuation, on) or Valuation.COST


DEFAULT_BEREAVEMENT = frozenset({"employee", "parent", "parent_in_law", "sibling", "child", "spouse"})


@dataclass(frozen=True, slots=True)
class Settings:
    """How a firm reads what the rules leave open. `nominal_ceiling` is in minor units of the rules' currency."""

    entertainment_split: str = "all_attendees"
    guest_attribution: str = "to_client"
    host_absent: str = "treat_as_gift"
    entertainment_tax_tip: str = "include"
    nominal_ceiling: int = 5000
    bereavement_relations: frozenset[str] = DEFAULT_BEREAVEMENT
    aggregate_affiliates: bool = False
    fx: Mapping[str, Mapping[date, Rate]] = field(default_factory=dict)

    def rate(self, currency: str, on: date) -> Rate | None:
        """The rate of a currency into the rules' currency on a day."""
        return self.fx.get(currency, {}).get(on)


@dataclass(frozen=True)
class Policy:
    """A published version of the firm's policy, in force from `effective_from` until a later one takes over."""

    id: str
    version: int
    name: str
    effective_from: date
    rules: tuple[Rule, ...]
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by their id."""
        return {rule.id: rule for rule in self.rules}

    @property
    def currency(self) -> Currency:
        """The currency that all rules of the policy share."""
        return self.rules[0].currency


class PolicyBook:
    """All published versions. In force is the one that took effect last; of two on one day, the later version."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        ordered = sorted(policies, key=lambda policy: (policy.effective_from, policy.version))
        self.by_id = {policy.id: policy for policy in ordered}
        self._by_day = {policy.effective_from: policy for policy in ordered}
        self._days = sorted(self._by_day)

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The versions that are in force on at least one day, earliest first."""
        return tuple(self._by_day[day] for day in self._days)

    def in_force(self, on: date) -> Policy | None:
        """The version in force on a day, or None before the first."""
        place = bisect_right(self._days, on)
        return self._by_day[self._days[place - 1]] if place else None

    def last_day(self, policy: Policy) -> date:
        """The last day on which a version can be in force: the one before the next takes over."""
        place = bisect_right(self._days, policy.effective_from)
        return self._days[place] - timedelta(days=1) if place < len(self._days) else date.max

    def rule_on(self, rule_id: str, on: date) -> Rule | None:
        """The rule of that id in the version in force on a day."""
        policy = self.in_force(on)
        return policy.by_id.get(rule_id) if policy else None

    def between(self, first: date, last: date) -> tuple[Policy, ...]:
        """The versions in force on any of the days."""
        start = max(bisect_right(self._days, first) - 1, 0)
        return tuple(self._by_day[day] for day in self._days[start : bisect_right(self._days, last)])

    def counts_alike(self, rule: Rule, first: date, last: date) -> bool:
        """Whether every version in force between the days counts under this rule in the very same way."""
        return all(
            (other := policy.by_id.get(rule.id)) is not None and other.count_key == rule.count_key
            for policy in self.between(first, last)
        )

    @cached_property
    def uses_employers(self) -> bool:
        """Whether any rule adds up what an employer's people got."""
        return any(rule.basis is Basis.PER_EMPLOYER for policy in self.policies for rule in policy.rules)
