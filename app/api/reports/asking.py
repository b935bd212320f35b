"""What one asks of a report: the body of a production, and whether that report takes it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StrictInt, StringConstraints

from app.api.fields import Day, Identifier, In, Moment, Text
from app.api.statements import days_of
from app.domain.entries import Direction, Kind
from app.domain.refusals import Fault, Unprocessable
from app.services.desk import place_at
from app.services.reports import Order, ReportFormat, ReportKind, Wanted

SubjectId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
_ABOUT_THE_PERIOD = frozenset({"period", "first", "last", "as_of", "format"})


class WrongParameters(Unprocessable):
    code = "wrong_parameters"
    title = "This report does not take what was asked"


class WrongPeriod(Unprocessable):
    code = "wrong_period"
    title = "The period is not one"


class ReportIn(In):
    """What a report is to be about: a period, or its first and last day; as known now, or at a moment."""

    format: ReportFormat
    period: Annotated[
        str | None,
        Field(max_length=7, description="a year, quarter or month: 2026, 2026-Q2, 2026-05", examples=["2026-Q2"]),
    ] = None
    first: Day | None = None
    last: Day | None = None
    as_of: Moment | None = None
    recipient_id: SubjectId | None = None
    employer_id: SubjectId | None = None
    rule_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    giver: Text | None = None
    direction: Direction | None = None
    kind: Annotated[list[Kind], Field(min_length=1, max_length=5)] | None = None
    types: (
        Annotated[
            list[Identifier], Field(min_length=1, max_length=50, description="types of recipients; default: officials")
        ]
        | None
    ) = None
    at_least: Annotated[StrictInt, Field(ge=1, le=1000, description="percent of a limit; default 80")] | None = None
    days: (
        Annotated[StrictInt, Field(ge=0, le=3660, description="after how many days an entry is late; default 14")]
        | None
    ) = None


def order_of(kind: ReportKind, body: ReportIn) -> Order:
    """What was asked. Raises WrongParameters, WrongPeriod and BadPeriod."""
    _check(kind, body)
    first, last = _days(body)
    wanted = Wanted(
        first,
        last,
        at=None if body.as_of is None else place_at(body.as_of),
        recipient_id=body.recipient_id,
        employer_id=body.employer_id,
        rule_id=body.rule_id,
        giver=body.giver,
        direction=body.direction,
        kinds=tuple(sorted(set(body.kind or ()))),
        types=tuple(sorted(set(body.types or ()))),
        at_least=80 if body.at_least is None else body.at_least,
        days=14 if body.days is None else body.days,
    )
    return Order(kind, wanted, body.format)


def _check(kind: ReportKind, body: ReportIn) -> None:
    said = {name for name in body.model_fields_set if getattr(body, name) is not None} - _ABOUT_THE_PERIOD
    takes = ", ".join(kind.takes) or "nothing beside its period"
    faults = [
        Fault(f"/{name}", "not_taken", f"this report takes {takes}") for name in sorted(said - set(kind.takes))
    ] + [Fault(f"/{name}", "required", "this report needs it") for name in kind.needs if name not in said]
    if faults:
        raise WrongParameters("Ask the report for what it takes, and for all that it needs", faults)


def _days(body: ReportIn) -> tuple[date, date]:
    if body.period is not None:
        if body.first is not None or body.last is not None:
            raise WrongPeriod.at("/period", "Say a period, or its first and last day, not both")
        return days_of(body.period)
    if body.first is None or body.last is None:
        raise WrongPeriod.at("/period", "Say a period such as 2026-Q2, or its first and last day")
    if body.last < body.first:
        raise WrongPeriod.at("/last", "The last day is before the first")
    return body.first, body.last
