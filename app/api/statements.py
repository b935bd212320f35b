"""Statements over HTTP: everything a recipient got in a period, share by share and rule by rule."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.entries.writing import AssessmentOut, ViolationOut, assessment_out, unit_of, violation_out
from app.api.fields import MoneyOut, money
from app.api.knowing import KnownAt
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.access import Permission
from app.domain.money import format_minor
from app.domain.refusals import Malformed
from app.services import statements
from app.services.statements import StatedRule, Statement

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})))?", re.ASCII)


class BadPeriod(Malformed):
    code = "bad_period"
    title = "The period cannot be read"


class StatementLineOut(AssessmentOut):
    """One share under one rule, with what the entry was."""

    occurred_on: date
    kind: str
    direction: str
    giver: str
    total: MoneyOut
    version: int


class StatedRuleOut(BaseModel):
    """What the period holds under one rule; `counted` is the sum of its lines, `held` what clearances reserve."""

    rule_id: str
    rule: str
    unit: str
    counted: str
    held: str
    lines: list[StatementLineOut]
    violations: list[ViolationOut]


class StatementOut(BaseModel):
    """A recipient's period, as it is or was known."""

    recipient_id: str
    name: str
    records: list[str]
    first: date
    last: date
    rules: list[StatedRuleOut]


@router.get("/recipients/{recipient_id}/statement", response_model=StatementOut, responses={404: {"model": Problem}})
def get_statement(
    recipient_id: AnyId,
    by: AskedBy,
    at: KnownAt,
    period: Annotated[str, Query(max_length=7, description="a year, quarter or month: 2026, 2026-Q2, 2026-05")],
) -> Response:
    """Every share of a period, counted or not and why, with running totals and violations, rule by rule."""
    by.principal.require(Permission.READ_ALL)
    first, last = days_of(period)
    one = statements.statement(by.connection, by.desk, recipient_id, first=first, last=last, at=at)
    return answer(
        {
            "recipient_id": one.person.id,
            "name": one.person.name,
            "records": one.records,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "rules": [_rule(one, stated) for stated in one.rules],
        }
    )


def days_of(period: str) -> tuple[date, date]:
    """The first and last day of a period. Raises BadPeriod."""
    found = _PERIOD.fullmatch(period)
    try:
        if found is None:
            raise ValueError
        year, quarter, month = int(found[1]), found[2], found[3]
        start = date(year, 3 * int(quarter) - 2 if quarter else int(month or 1), 1)
        months = 3 if quarter else 1 if month else 12
        ahead = start.month - 1 + months
        end = date(year + ahead // 12, ahead % 12 + 1, 1) - timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise BadPeriod("Write a period as 2026, 2026-Q2 or 2026-05") from error
    return start, end


def _rule(one: Statement, stated: StatedRule) -> dict[str, Any]:
    digits = stated.rule.exponent
    return {
        "rule_id": stated.rule.id,
        "rule": stated.rule.name,
        "unit": unit_of(stated.rule),
        "counted": format_minor(sum(given.assessment.line.counted for given in stated.answers), digits),
        "held": format_minor(0, digits),
        "lines": [_line(one, given) for given in stated.answers],
        "violations": [violation_out(one.book, case, one.today) for case in stated.violations],
    }


def _line(one: Statement, given: Any) -> dict[str, Any]:
    known = one.entries[given.assessment.line.entry_id]
    entry = known.entry
    return assessment_out(one.book, given.assessment, given.policy_id) | {
        "occurred_on": entry.occurred_on.isoformat(),
        "kind": entry.kind,
        "direction": entry.direction,
        "giver": entry.giver,
        "total": money(entry.total, entry.currency),
        "version": known.version,
    }
