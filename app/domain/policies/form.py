"""The form of a policy document as data: its keys, what to write there, and what leaving one out means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.domain.entries import Direction, Kind
from app.domain.policies.model import CLAIMS, Authority, Basis, Measure, PeriodType, Valuation

AMOUNT = 'write the amount as a quoted string, such as "300.00"'
DAY = "write a date, such as 2026-03-30"
OPEN_DAY = f"{DAY}, or null for an open end"


class Field(NamedTuple):
    """One key. `allowed` are all words it takes, where they are few; null in a `nullable` key means left out."""

    write: str
    allowed: tuple[str, ...] = ()
    required: bool = False
    nullable: bool = False
    default: str = ""


def _words(write: str, words: type[Kind | Measure | Basis | PeriodType | Valuation | Authority]) -> Field:
    return Field(write, tuple(str(word) for word in words))


_POLICY = {
    "name": Field("write what the policy is called", default="no name"),
    "description": Field("write a few words about the policy", nullable=True),
    "rules": Field("write a list of rules", required=True),
    "settings": Field("write the settings, key by key", nullable=True, default="all settings at their defaults"),
}

_RULE = {
    "id": Field("write a short name that never changes, such as finra-3220-gifts", required=True),
    "name": Field("write what the rule is called", required=True),
    "measure": _words("say what is added up", Measure)._replace(required=True),
    "limit_schedule": Field("write a list of rows, each with limit, effective_from and effective_to", nullable=True),
    "currency": Field("write an ISO 4217 code, such as USD", required=True),
    "exceed": Field("say whether the limit itself is still allowed (gt) or not (gte)", ("gt", "gte"), default="gt"),
    "period": Field("write the period, such as {type: calendar_year}", nullable=True),
    "basis": _words("say whose shares add up", Basis)._replace(default="per_recipient"),
    "direction": Field("say which way", (*(str(way) for way in Direction), "both"), default="given"),
    "counts": _words("list the kinds that count", Kind)._replace(default="[gift]"),
    "applies_to": Field("list recipient types; business stands for all but two of them", default="[business]"),
    "excludes": Field("list the claims that take an item out of the rule", CLAIMS, default="[]"),
    "valuation": _words("say what a gift is worth, or write a dated list", Valuation)._replace(default="cost"),
    "warn_at": Field('write a part of the limit as a quoted string, such as "0.80"', nullable=True),
    "when": Field("write the flag that a prohibition forbids", nullable=True),
    "cash": Field("say how cash and gift cards are taken", ("counted", "prohibited"), default="counted"),
    "item_floor": Field('write what does not count, such as {lte: "20.00"}', nullable=True),
    "cleared_by": Field("say what clears an item", ("prior_approval",), nullable=True),
    "repay_nets": Field("write true or false", default="true"),
    "authority": _words("say who made the rule", Authority)._replace(default="firm"),
    "source": Field("name the rule or notice that this comes from, with its address", nullable=True),
    "severity": Field("say how grave it is", ("low", "medium", "high", "critical"), default="medium"),
}

_DAYS = {
    "effective_from": Field(OPEN_DAY, nullable=True, default="an open end"),
    "effective_to": Field(OPEN_DAY, nullable=True, default="an open end"),
}

_SETTINGS = {
    "entertainment_split": Field(
        "say among whom a hosted bill is divided", ("all_attendees", "recipients_only"), default="all_attendees"
    ),
    "guest_attribution": Field(
        "say whose a client's guest's share is", ("to_client", "own_person", "not_counted"), default="to_client"
    ),
    "host_absent": Field(
        "say what becomes of hospitality without a host", ("treat_as_gift", "keep_kind"), default="treat_as_gift"
    ),
    "entertainment_tax_tip": Field(
        "say whether tax and tip belong to a hosted bill", ("include", "exclude"), default="include"
    ),
    "nominal_ceiling": Field(AMOUNT, default='"50.00"'),
    "bereavement_relations": Field(
        "list relations of the bereaved", default="[employee, parent, parent_in_law, sibling, child, spouse]"
    ),
    "aggregate_affiliates": Field("write true or false", default="false"),
    "fx": Field('write rates by currency and day, such as {EUR: {2026-05-04: "1.08"}}', default="no rates"),
}

FORM: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "policy": _POLICY,
        "rule": _RULE,
        "limit_schedule": {"limit": Field(AMOUNT, nullable=True), **_DAYS},
        "valuation": {"valuation": _words("say what a gift is worth", Valuation)._replace(required=True), **_DAYS},
        "period": {
            "type": _words("say which days add up", PeriodType)._replace(required=True),
            "start_month": Field("write the first month of the fiscal year, 1 to 12", nullable=True),
        },
        "item_floor": {
            "amount": Field(AMOUNT),
            "operator": Field("say whether items at the amount count (lt) or not (lte)", ("lt", "lte")),
            "lt": Field(AMOUNT),
            "lte": Field(AMOUNT),
        },
        "settings": _SETTINGS,
    }
)
