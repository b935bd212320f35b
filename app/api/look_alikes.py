"""Look-alikes as they go out: who somebody may be, how likely, and why."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from app.domain.matches import Reason
from app.domain.money import format_minor
from app.services.names import LookAlike


class ReasonOut(BaseModel):
    """One thing that speaks for (weight above zero) or against two people being one."""

    code: str
    detail: str | None = Field(description="what is compared; null for whoever may not know particulars")
    weight: str


class LookAlikeOut(BaseModel):
    """An existing recipient who may be the same person."""

    id: str
    name: str
    employer: str | None
    score: str = Field(description="how likely, from 0.00 to 1.00", examples=["0.72"])
    reasons: list[ReasonOut]


def look_alike_out(one: LookAlike, *, details: bool) -> dict[str, Any]:
    """Somebody who may be the same person. `details` for whoever may know their particulars."""
    return {
        "id": one.id,
        "name": one.name,
        "employer": one.employer,
        "score": format_minor(one.score, 2),
        "reasons": [reason_out(reason, details=details) for reason in one.reasons],
    }


def reason_out(one: Reason, *, details: bool = True) -> dict[str, str | None]:
    """One reason."""
    return {"code": one.code, "detail": one.detail if details else None, "weight": format_minor(one.weight, 2)}
