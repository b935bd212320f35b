"""What may be asked of violations: every filter, the orders, and how a total is counted."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.fields import Day, Identifier, Text
from app.domain.entries import Direction, Kind
from app.domain.violations import SEVERITIES, CauseKind, Order, Outcome, State
from app.services.violations import OVER_DECIMALS, Sorting, ViolationFilter

MOST_COUNTED = 10_000
ME = "me"
_LATEST = 1_000_000
_DAYS = re.compile(r"-?[0-9]{1,6}", re.ASCII)


def _days(value: Any) -> Any:
    if isinstance(value, str) and not _DAYS.fullmatch(value):
        raise PydanticCustomError("digits", "write a number of days, such as 14")
    return int(value) if isinstance(value, str) else value


def _severity(value: str) -> str:
    if value not in SEVERITIES:
        raise PydanticCustomError("unknown_severity", "one of {known}", {"known": ", ".join(SEVERITIES)})
    return value


Severity = Annotated[Identifier, AfterValidator(_severity)]
Days = Annotated[int, BeforeValidator(_days), WithJsonSchema({"type": "integer"})]
AmountOver = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$")]
Percent = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9])?$")]
Unit = Annotated[str, StringConstraints(pattern=r"^([A-Z]{3}|count)$")]
Sort = Literal["due", "-due", "severity", "-severity", "amount_over", "-amount_over", "newest", "-newest"]


async def _asked(
    state: Annotated[list[State] | None, Query(max_length=7)] = None,
    outcome: Annotated[list[Outcome] | None, Query(max_length=4)] = None,
    reason_code: Annotated[list[Identifier] | None, Query(max_length=20)] = None,
    assignee: Annotated[Text | None, Query(description="`me` for one's own, `none` for nobody's")] = None,
    due_from: Annotated[Day | None, Query(alias="due_on[gte]")] = None,
    due_to: Annotated[Day | None, Query(alias="due_on[lte]")] = None,
    overdue: bool | None = None,
    snoozed: bool | None = None,
    rule_id: Annotated[list[Text] | None, Query(max_length=20)] = None,
    policy_id: Annotated[list[Text] | None, Query(max_length=20, description="the version that judged it")] = None,
    severity: Annotated[list[Severity] | None, Query(max_length=4)] = None,
    direction: Direction | None = None,
    kind: Annotated[list[Kind] | None, Query(max_length=5)] = None,
    source: Annotated[
        list[Text] | None,
        Query(max_length=20, description="where the entry came from: `api`, `import`, or another system"),
    ] = None,
    giver: Text | None = None,
    submitted_by: Text | None = None,
    recipient_id: Text | None = None,
    recipient_type: Annotated[list[Identifier] | None, Query(max_length=20, description="on the day of it")] = None,
    employer_id: Text | None = None,
    entry_id: Text | None = None,
    occurred_from: Annotated[Day | None, Query(alias="occurred_on[gte]")] = None,
    occurred_to: Annotated[Day | None, Query(alias="occurred_on[lte]")] = None,
    opened_from: Annotated[Day | None, Query(alias="opened_on[gte]")] = None,
    opened_to: Annotated[Day | None, Query(alias="opened_on[lte]")] = None,
    recorded_from: Annotated[
        Day | None, Query(alias="recorded_on[gte]", description="the day on which the entry was recorded")
    ] = None,
    recorded_to: Annotated[Day | None, Query(alias="recorded_on[lte]")] = None,
    days_late_from: Annotated[Days | None, Query(alias="days_late[gte]", description="event to record")] = None,
    days_late_to: Annotated[Days | None, Query(alias="days_late[lte]")] = None,
    over_from: Annotated[AmountOver | None, Query(alias="over_by[gte]", description="in whatever unit")] = None,
    over_to: Annotated[AmountOver | None, Query(alias="over_by[lte]")] = None,
    unit: Annotated[Unit | None, Query(description="what the rule adds up: a currency, or `count`")] = None,
    of_limit_from: Annotated[Percent | None, Query(alias="percent_of_limit[gte]", examples=["115.5"])] = None,
    of_limit_to: Annotated[Percent | None, Query(alias="percent_of_limit[lte]")] = None,
    team_id: Annotated[Text | None, Query(description="a team and those beneath it, on its members' days")] = None,
    cause: Annotated[Text | None, Query(description="what moved it last: an id, with or without `:version`")] = None,
    cause_kind: Annotated[list[CauseKind] | None, Query(max_length=5)] = None,
    recalculated: Annotated[bool | None, Query(description="whether anything but its own recording moved it")] = None,
) -> ViolationFilter:
    """The filter that a query asks for; `me` is not resolved yet."""
    return ViolationFilter(
        state=tuple(state or ()),
        outcome=tuple(outcome or ()),
        reason_code=tuple(reason_code or ()),
        assignee=assignee,
        due_from=due_from,
        due_to=due_to,
        overdue=overdue,
        snoozed=snoozed,
        rule_id=tuple(rule_id or ()),
        policy_id=tuple(policy_id or ()),
        severity=tuple(severity or ()),
        direction=direction,
        kind=tuple(kind or ()),
        source=tuple(source or ()),
        giver=giver,
        submitted_by=submitted_by,
        recipient_id=recipient_id,
        recipient_type=tuple(recipient_type or ()),
        employer_id=employer_id,
        entry_id=entry_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        opened_from=opened_from,
        opened_to=opened_to,
        recorded_from=recorded_from,
        recorded_to=recorded_to,
        days_late_from=days_late_from,
        days_late_to=days_late_to,
        over_from=_scaled(over_from, OVER_DECIMALS),
        over_to=_scaled(over_to, OVER_DECIMALS),
        unit=unit,
        of_limit_from=_scaled(of_limit_from, 1),
        of_limit_to=_scaled(of_limit_to, 1),
        team_id=team_id,
        cause=cause,
        cause_kind=tuple(cause_kind or ()),
        recalculated=recalculated,
    )


def _scaled(text: str | None, decimals: int) -> int | None:
    return None if text is None else int(Decimal(text).scaleb(decimals))


async def _sorting(
    sort: Annotated[Sort, Query(description="with `-` the reverse; equal ones stand by id")] = "newest",
) -> Sorting:
    return Sorting(Order(sort.removeprefix("-")), sort.startswith("-"))


AskedFilter = Annotated[ViolationFilter, Depends(_asked)]
AskedSorting = Annotated[Sorting, Depends(_sorting)]
Included = Annotated[
    list[Literal["total"]] | None,
    Query(max_length=1, description=f"`total`: how many there are, counted up to {MOST_COUNTED:,}"),
]
