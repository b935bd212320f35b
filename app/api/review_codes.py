"""Review codes over HTTP: the firm's words for decisions, each with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.requests import StrictRoute
from app.domain.access import Permission
from app.domain.review_codes import ReviewCode

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)


class ReviewCodeOut(BaseModel):
    """One code, what it means, and the outcomes it goes with; none where only the service sets it."""

    code: str
    definition: str
    outcomes: list[str]
    needs_exemption: bool


class ReviewCodesOut(BaseModel):
    """Everything a decision is made of, and in how many business days a violation of a severity is due."""

    reason_codes: list[ReviewCodeOut]
    corrective_actions: list[ReviewCodeOut]
    due_in_business_days: dict[str, int]


@router.get("/review-codes", response_model=ReviewCodesOut)
def get_review_codes(by: AskedBy) -> Response:
    """The codes that decisions take."""
    by.principal.require(Permission.READ_POLICIES)
    codes = by.desk.codes
    return answer(
        {
            "reason_codes": _codes(codes.reasons),
            "corrective_actions": _codes(codes.actions),
            "due_in_business_days": dict(codes.due_in_business_days),
        }
    )


def _codes(codes: Mapping[str, ReviewCode]) -> list[dict[str, Any]]:
    return [
        {
            "code": one.code,
            "definition": one.definition,
            "outcomes": one.outcomes,
            "needs_exemption": one.needs_exemption,
        }
        for one in codes.values()
    ]
