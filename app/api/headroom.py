"""Headroom as it goes out: what is left under one rule."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from app.api.entries.writing import PeriodOut, period_out, unit_of
from app.domain.money import format_minor
from app.services.screening import Headroom


class HeadroomLineOut(BaseModel):
    """What is left under one rule, in `unit`; below zero where the limit is crossed."""

    rule_id: str
    rule: str
    counts: list[str]
    unit: str
    used: str
    held: str
    limit: str
    left: str
    period: PeriodOut
    resets_on: date | None


def headroom_line_out(one: Headroom) -> dict[str, Any]:
    """What is left under one rule."""
    digits = one.rule.exponent
    return {
        "rule_id": one.rule.id,
        "rule": one.rule.name,
        "counts": sorted(one.rule.counts),
        "unit": unit_of(one.rule),
        "used": format_minor(one.used, digits),
        "held": format_minor(0, digits),
        "limit": format_minor(one.limit, digits),
        "left": format_minor(one.left, digits),
        "period": period_out(one.rule, one.period),
        "resets_on": one.resets_on.isoformat() if one.resets_on else None,
    }
