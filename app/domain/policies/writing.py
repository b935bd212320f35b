"""Writing a policy back as a document, key by key, and the key that says which versions of a rule count alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from app.domain.money import format_minor
from app.domain.policies.model import CLAIMS, Dated, ItemFloor, Measure, Period, PeriodType, Rule, Settings, Valuation
from app.domain.policies.schedules import covered

_LIMITS_AND_WORDS = ("id", "name", "exceed", "warn_at", "authority", "source", "severity", "limit_schedule")
_KEY_LENGTH = 16


class Written(Protocol):
    """What can be written as a document: a policy that was read or one that is published."""

    @property
    def name(self) -> str: ...
    @property
    def rules(self) -> tuple[Rule, ...]: ...
    @property
    def settings(self) -> Settings: ...


def to_document(policy: Written) -> dict[str, Any]:
    """The canonical document: every key of every rule and setting, in one order. Reading it gives the same policy."""
    head = {"name": policy.name, "description": getattr(policy, "description", "")}
    return {
        **{key: said for key, said in head.items() if said},
        "rules": [_rule(rule) for rule in policy.rules],
        "settings": _settings(policy.settings, policy.rules[0].currency.exponent),
    }


def count_key(rule: Rule, settings: Settings) -> str:
    """The same for two rules under which every entry adds the same to the same sum, whatever their limits say.

    Rates are left out, so of versions that differ in a day's rate too.
    """
    counting = {key: said for key, said in _rule(rule).items() if key not in _LIMITS_AND_WORDS}
    counting["applies_to"] = sorted(rule.applies_to)
    counting["days"] = covered(rule.limit_schedule)
    counting["settings"] = _settings(settings, rule.currency.exponent) | {"fx": None}
    canonical = json.dumps(counting, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_KEY_LENGTH]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "measure": rule.measure.value,
        "limit_schedule": [_row(row, "limit", _limit(rule, row.value)) for row in rule.limit_schedule],
        "currency": rule.currency.code,
        "exceed": "gte" if rule.exceed_at_limit else "gt",
        "period": _period(rule.period),
        "basis": rule.basis.value,
        "direction": str(rule.direction),
        "counts": sorted(kind.value for kind in rule.counts),
        "applies_to": list(rule.applies_to),
        "excludes": [claim for claim in CLAIMS if claim in rule.excludes],
        "valuation": _valuation(rule.valuation),
        "warn_at": None if rule.warn_at is None else _ratio(rule.warn_at),
        "when": rule.when,
        "cash": "prohibited" if rule.cash_prohibited else "counted",
        "item_floor": None if rule.item_floor is None else _floor(rule.item_floor, rule.currency.exponent),
        "cleared_by": "prior_approval" if rule.cleared_by_prior_approval else None,
        "repay_nets": rule.repay_nets,
        "authority": rule.authority.value,
        "source": rule.source or None,
        "severity": rule.severity,
    }


def _limit(rule: Rule, limit: int) -> str | None:
    return None if rule.measure is Measure.PROHIBITION else format_minor(limit, rule.exponent)


def _row(row: Dated[Any], key: str, value: str | None) -> dict[str, str | None]:
    first, last = (day.isoformat() if day else None for day in (row.effective_from, row.effective_to))
    return {key: value, "effective_from": first, "effective_to": last}


def _period(period: Period) -> dict[str, str | int]:
    fiscal = period.type is PeriodType.FISCAL_YEAR
    return {"type": period.type.value, **({"start_month": period.start_month} if fiscal else {})}


def _valuation(rows: Sequence[Dated[Valuation]]) -> str | list[dict[str, str | None]]:
    if len(rows) == 1 and rows[0] == Dated(rows[0].value):
        return rows[0].value.value
    return [_row(row, "valuation", row.value.value) for row in rows]


def _ratio(ratio: Fraction) -> str:
    """At least two decimals, as people write a part of a limit."""
    whole, _, decimals = format_minor(int(ratio * 10**6), 6).partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _floor(floor: ItemFloor, exponent: int) -> dict[str, str]:
    return {"amount": format_minor(floor.amount, exponent), "operator": "lte" if floor.inclusive else "lt"}


def _settings(settings: Settings, exponent: int) -> dict[str, Any]:
    return {
        "entertainment_split": settings.entertainment_split,
        "guest_attribution": settings.guest_attribution,
        "host_absent": settings.host_absent,
        "entertainment_tax_tip": settings.entertainment_tax_tip,
        "nominal_ceiling": format_minor(settings.nominal_ceiling, exponent),
        "bereavement_relations": sorted(settings.bereavement_relations),
        "aggregate_affiliates": settings.aggregate_affiliates,
        "fx": {
            code: {day.isoformat(): str(rate) for day, rate in sorted(rates.items())}
            for code, rates in sorted(settings.fx.items())
        },
    }
