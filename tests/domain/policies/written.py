"""Policy documents as people write them, as short as they may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.policies import ParsedPolicy, Rule, parse

DECIMALS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
ALWAYS = {"effective_from": None, "effective_to": None}
TO_MARCH = {"effective_from": None, "effective_to": "2026-03-29"}
FROM_MARCH = {"effective_from": "2026-03-30", "effective_to": None}
LEFT_OUT = object()


def exponents(code: str) -> int | None:
    return DECIMALS.get(code)


def rule(**changes: Any) -> dict[str, Any]:
    """A rule as short as it may be, with some keys changed or left out."""
    plain = {
        "id": "gifts",
        "name": "Gifts per person and year",
        "measure": "amount",
        "limit_schedule": [{"limit": "300.00", **ALWAYS}],
        "currency": "USD",
        "period": {"type": "calendar_year"},
    }
    return {key: value for key, value in (plain | changes).items() if value is not LEFT_OUT}


def prohibition(**changes: Any) -> dict[str, Any]:
    shape = {"measure": "prohibition", "when": "sales_precondition", "limit_schedule": LEFT_OUT, "period": LEFT_OUT}
    return rule(**(shape | changes))


def document(*rules: object, **settings: Any) -> dict[str, Any]:
    return {"name": "Policy", "rules": list(rules) or [rule()], "settings": settings}


def read(policy: Mapping[str, Any]) -> ParsedPolicy:
    return parse(policy, exponents)


def only(**changes: Any) -> Rule:
    """The rule that is read where one rule has these changes."""
    (made,) = read(document(rule(**changes))).rules
    return made


def rows(*limits_and_days: tuple[str | None, str | None, str | None]) -> list[dict[str, Any]]:
    return [{"limit": limit, "effective_from": first, "effective_to": last} for limit, first, last in limits_and_days]
