"""Matches over HTTP: recipients who may be one person, with reasons and with what they would have together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from app.api.asking import AskedBy, answer
from app.api.entries.writing import PeriodOut, period_out, unit_of
from app.api.fields import Cursor, Limit, Text
from app.api.look_alikes import ReasonOut, reason_out
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.requests import StrictRoute
from app.domain.access import Permission
from app.domain.matches import LIKELY
from app.domain.money import format_minor, parse_minor
from app.services import matches
from app.services.matches import Match, Place, Wanted
from app.services.recipients import KnownRecipient
from app.services.screening import Together

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)

_LIKELY = format_minor(LIKELY, 2)

Score = Annotated[
    str,
    StringConstraints(pattern=r"^(0(\.[0-9]{1,2})?|1(\.0{1,2})?)$"),
    Query(description="from 0 to 1; below 0.41 also people with a name in common and different employers"),
]


class MatchedOut(BaseModel):
    """A recipient who may be the other one."""

    id: str
    name: str
    employer: str | None
    type: str
    email: str | None


class JointOut(BaseModel):
    """What both have together under one rule in the period of today, were they one person. Amounts are in `unit`."""

    rule_id: str
    rule: str
    unit: str
    together: str
    limit: str
    over_by: str
    crosses: bool
    period: PeriodOut


class MatchOut(BaseModel):
    """Two recipients who may be one person."""

    recipients: list[MatchedOut]
    score: str = Field(description="how likely, from 0.00 to 1.00", examples=["0.72"])
    reasons: list[ReasonOut]
    joint: list[JointOut]
    crosses: bool


@router.get("/recipient-matches", response_model=ListOut[MatchOut])
def list_matches(
    by: AskedBy,
    recipient_id: Text | None = None,
    employer_id: Text | None = None,
    min_score: Score = _LIKELY,
    crosses: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Recipients who may be one person: first those who jointly cross a limit today, then the most likely.

    A rehearsed merge (`dry_run`) says exactly what would change. Who was distinguished is not proposed again.
    """
    by.principal.require(Permission.MERGE_RECIPIENTS)
    least = parse_minor(min_score, 2)
    question = fingerprint("matches", recipient_id, employer_id, least, crosses, by.desk.today())
    after = read_cursor(cursor, question, int, int, str, str)
    found = matches.listed(
        by.connection,
        by.desk,
        Wanted(least, recipient_id, employer_id, crosses),
        after=Place(*after) if after else None,
        limit=limit + 1,
    )
    shown, where = page(found, limit, question, lambda one: one.place)
    return answer({"data": [_match(one) for one in shown], "page": where})


def _match(one: Match) -> dict[str, Any]:
    return {
        "recipients": [_matched(person) for person in one.people],
        "score": format_minor(one.score, 2),
        "reasons": [reason_out(reason) for reason in one.reasons],
        "joint": [_joint(total) for total in one.joint],
        "crosses": one.crosses,
    }


def _matched(person: KnownRecipient) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "employer": person.employer,
        "type": person.type,
        "email": person.email,
    }


def _joint(one: Together) -> dict[str, Any]:
    digits = one.rule.exponent
    return {
        "rule_id": one.rule.id,
        "rule": one.rule.name,
        "unit": unit_of(one.rule),
        "together": format_minor(one.total, digits),
        "limit": format_minor(one.limit, digits),
        "over_by": format_minor(one.over_by, digits),
        "crosses": one.crosses,
        "period": period_out(one.rule, one.period),
    }
