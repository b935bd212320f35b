"""Sentences: what a case says in one line, by the kind of its rule. Users write none of this."""

from __future__ import annotations

from collections.abc import Mapping

from app.console.showing import of_rule
from app.domain.entries import Kind
from app.domain.policies import Authority, Basis, Measure, PeriodType, Rule
from app.services.violations import KnownViolation

_THINGS: Mapping[frozenset[Kind], tuple[str, str]] = {
    frozenset({Kind.GIFT}): ("Gifts", "gift"),
    frozenset({Kind.MEAL}): ("Meals", "meal"),
    frozenset({Kind.ENTERTAINMENT}): ("Entertainment", "event"),
    frozenset({Kind.MEAL, Kind.ENTERTAINMENT}): ("Hosted events", "event"),
    frozenset({Kind.TRAVEL, Kind.LODGING}): ("Travel and lodging", "trip"),
}
_LIMITS: Mapping[PeriodType, str] = {
    PeriodType.CALENDAR_YEAR: "yearly limit",
    PeriodType.FISCAL_YEAR: "fiscal-year limit",
    PeriodType.ROLLING_365D: "365-day limit",
    PeriodType.ROLLING_12M: "12-month limit",
    PeriodType.PER_EVENT: "limit for one event",
    PeriodType.FIRST_GIFT_YEAR: "limit of the gift year",
}
_SPANS: Mapping[PeriodType, str] = {
    PeriodType.CALENDAR_YEAR: "in a calendar year",
    PeriodType.FISCAL_YEAR: "in a fiscal year",
    PeriodType.ROLLING_365D: "in 365 days",
    PeriodType.ROLLING_12M: "in 12 months",
    PeriodType.PER_EVENT: "at one event",
    PeriodType.FIRST_GIFT_YEAR: "in a year from the first gift",
}
_BASES: Mapping[Basis, str] = {
    Basis.PER_RECIPIENT: "one person",
    Basis.PER_RECIPIENT_EMPLOYER: "one person at one employer",
    Basis.PER_EMPLOYER: "the people of one employer",
    Basis.PER_GIVER_RECIPIENT: "one person from one giver",
}


def things(rule: Rule) -> str:
    """What a rule counts: `Gifts`, `Hosted events`."""
    return _THINGS.get(rule.counts, ("Benefits", "entry"))[0]


def title(rule: Rule, case: KnownViolation, who: str | None = None) -> str:
    """What happened and by how much: `Gifts to Priya Raman passed the yearly limit by $46.50`."""
    what = things(rule)
    received = case.direction == "received"
    whom = f" {'received by' if received else 'to'} {who}" if who else (" received" if received else "")
    if rule.measure is Measure.PROHIBITION:
        return f"Prohibited at any value: {_after_colon(rule)}{f', {who}' if who else ''}"
    if case.aggregate <= case.limit_value and case.over_by > case.aggregate - case.limit_value:
        return f"Cash equivalent given{f' to {who}' if who else ''}: {of_rule(case.over_by, rule)}"
    if rule.measure is Measure.COUNT:
        many = f"{case.aggregate} {what.lower()}{whom} {_SPANS[rule.period.type]}"
        return f"{many}, {of_rule(case.limit_value, rule)} allowed"
    if case.limit_value == 0:
        return f"{what}{whom} without prior approval: {of_rule(case.counted, rule)}"
    limit = _LIMITS[rule.period.type]
    if case.over_by == 0:
        return f"{what}{whom} reached the {limit} of {of_rule(case.limit_value, rule)}"
    return f"{what}{whom} passed the {limit} by {of_rule(case.over_by, rule)}"


def _after_colon(rule: Rule) -> str:
    return (rule.when or rule.name).replace("_", " ")


def allowed(rule: Rule, limit: str) -> str:
    """The rule as a sentence with its own limit: who may get at most how much in which time."""
    if rule.measure is Measure.PROHIBITION:
        return f"{_after_colon(rule).capitalize()} is prohibited at any value."
    verb = "stay below" if rule.exceed_at_limit else "total at most"
    if rule.measure is Measure.COUNT:
        verb = "be fewer than" if rule.exceed_at_limit else "be at most"
    preposition = "received by" if rule.direction == "received" else "to"
    return f"{things(rule)} {preposition} {_BASES[rule.basis]} may {verb} {limit} {_SPANS[rule.period.type]}."


def exactly(rule: Rule, limit: str) -> str:
    """The operator in words."""
    return f"Exactly {limit} is too much" if rule.exceed_at_limit else f"Exactly {limit} is allowed"


def authority(rule: Rule) -> str:
    """Who set the limit."""
    return "Regulator’s rule" if rule.authority is Authority.REGULATOR else "Firm rule"


_EXCLUSIONS: Mapping[str, str] = {
    "business_entertainment": "A host was present: business entertainment",
    "prior_approval": "Approved before the event",
    "below_item_floor": "Below the value from which this rule counts",
    "direction_not_covered": "This rule counts the other direction",
    "retail_customer": "Retail customer, outside this rule",
    "own_associated_person": "One of our own people, outside this rule",
    "non_member_affiliate": "Given by an affiliate outside the firm",
    "cancelled": "Withdrawn",
    "returned": "Returned",
    "bereavement": "Bereavement gift, customary and reasonable",
    "personal": "Personal gift, life event, paid privately",
    "promotional": "Promotional item with our logo, nominal value",
    "commemorative": "Commemorative and decorative only",
    "de_minimis": "De minimis",
    "compensation_agreement": "Under a compensation agreement",
    "disaster_donation": "Donation in a declared disaster",
}


def exclusion(code: str) -> str:
    """Why a share does not count."""
    return _EXCLUSIONS.get(code, code.replace("_", " ").capitalize())
