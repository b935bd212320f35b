"""What narrows a list of cases, as a condition on the table and as a test of one case as it was known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Integer,
    Text,
    and_,
    cast,
    func,
    not_,
    or_,
    type_coerce,
)

from app.domain.teams import Stay, covered
from app.storage import teams
from app.storage.tables import ViolationRow
from app.storage.violations.cases import KnownViolation

NOBODY = "none"


class ViolationFilter(NamedTuple):
    """What narrows a list of violations; None or empty asks for nothing.

    `own` limits it to a person's own entries and to those they have `overseen`; `of_team` are the days of the team
    asked for by `team_id`. `assignee` NOBODY asks for cases without one. `overdue` and `snoozed` are meant as of
    `today`. Ranges have both ends in them: `over` in ten-thousandths of the unit, `of_limit` in tenths of a percent.
    `cause` is what moved a case last, with its version or without.
    """

    own: str | None = None
    state: tuple[str, ...] = ()
    rule_id: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    direction: str | None = None
    kind: tuple[str, ...] = ()
    giver: str | None = None
    submitted_by: str | None = None
    recipient_id: str | None = None
    recipient_type: tuple[str, ...] = ()
    employer_id: str | None = None
    entry_id: str | None = None
    policy_id: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    unit: str | None = None
    outcome: tuple[str, ...] = ()
    reason_code: tuple[str, ...] = ()
    assignee: str | None = None
    occurred_from: date | None = None
    occurred_to: date | None = None
    opened_from: date | None = None
    opened_to: date | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    due_from: date | None = None
    due_to: date | None = None
    over_from: int | None = None
    over_to: int | None = None
    of_limit_from: int | None = None
    of_limit_to: int | None = None
    days_late_from: int | None = None
    days_late_to: int | None = None
    cause: str | None = None
    cause_kind: tuple[str, ...] = ()
    recalculated: bool | None = None
    overdue: bool | None = None
    snoozed: bool | None = None
    today: date = date.min
    overseen: tuple[Stay, ...] = ()
    team_id: str | None = None
    of_team: tuple[Stay, ...] | None = None

    def matches(self, case: KnownViolation) -> bool:
        """Whether a case is one of those asked for."""
        return (
            self._is_of(case)
            and self.employer_id in (None, case.employer_id, case.shown)
            and all(getattr(case, name) in wanted for name, wanted in self._any_of())
            and all(getattr(case, name) == wanted for name, wanted in self._just())
            and all(_within(getattr(case, name), first, last) for name, first, last in self._ranges())
            and self._matches_review(case)
        )

    def _is_of(self, case: KnownViolation) -> bool:
        about: Any = {"direction": case.direction, "giver": case.giver, "submitted_by": case.submitted_by}
        mine = self.own in (None, case.submitted_by, case.giver)
        return (mine or covered(self.overseen, **about, occurred_on=case.occurred_on)) and (
            self.of_team is None or covered(self.of_team, **about, occurred_on=case.occurred_on)
        )

    def _matches_review(self, case: KnownViolation) -> bool:
        snoozed = case.snoozed_until is not None and case.snoozed_until > self.today
        cause = case.cause or ""
        return (
            (self.assignee is None or (case.assignee or NOBODY) == self.assignee)
            and (self.cause is None or cause == self.cause or cause.startswith(f"{self.cause}:"))
            and self.recalculated in (None, case.cause is not None)
            and self.overdue in (None, case.overdue(self.today))
            and self.snoozed in (None, snoozed)
        )

    def conditions(self, connection: Connection) -> Iterator[ColumnElement[bool]]:
        """The same, of the table's rows."""
        row = ViolationRow
        yield from teams.narrowed(connection, row, own=self.own, overseen=self.overseen, of_team=self.of_team)
        if self.employer_id is not None:
            yield or_(row.employer_id == self.employer_id, row.shown == self.employer_id)
        yield from (getattr(row, name).in_(wanted) for name, wanted in self._any_of())
        yield from (getattr(row, name) == wanted for name, wanted in self._just())
        for name, first, last in self._ranges():
            column = _recorded_on(connection) if name == "recorded_on" else getattr(row, name)
            yield from (column >= bound for bound in (first,) if bound is not None)
            yield from (column <= bound for bound in (last,) if bound is not None)
        yield from self._of_review()

    def _of_review(self) -> Iterator[ColumnElement[bool]]:
        row = ViolationRow
        overdue = and_(row.closed_on.is_(None), row.due_on < self.today)
        snoozed = and_(row.snoozed_until.is_not(None), row.snoozed_until > self.today)
        if self.assignee is not None:
            yield row.assignee.is_(None) if self.assignee == NOBODY else row.assignee == self.assignee
        if self.cause is not None:  # whatever its version: `:` and everything that may follow it
            yield or_(row.cause == self.cause, and_(row.cause > f"{self.cause}:", row.cause < f"{self.cause};"))
        conditions = ((self.recalculated, row.cause.is_not(None)), (self.overdue, overdue), (self.snoozed, snoozed))
        for asked, holds in conditions:
            if asked is not None:
                yield holds if asked else not_(holds)

    def _any_of(self) -> list[tuple[str, tuple[str, ...]]]:
        asked = {
            "state": self.state,
            "rule_id": self.rule_id,
            "severity": self.severity,
            "kind": self.kind,
            "recipient_type": self.recipient_type,
            "policy_id": self.policy_id,
            "source": self.source,
            "outcome": self.outcome,
            "reason_code": self.reason_code,
            "cause_kind": self.cause_kind,
        }
        return [(name, wanted) for name, wanted in asked.items() if wanted]

    def _just(self) -> list[tuple[str, str]]:
        asked = {
            "direction": self.direction,
            "giver": self.giver,
            "submitted_by": self.submitted_by,
            "shown": self.recipient_id,
            "entry_id": self.entry_id,
            "unit": self.unit,
        }
        return [(name, wanted) for name, wanted in asked.items() if wanted is not None]

    def _ranges(self) -> list[tuple[str, Any, Any]]:
        asked = {
            "occurred_on": (self.occurred_from, self.occurred_to),
            "opened_on": (self.opened_from, self.opened_to),
            "recorded_on": (self.recorded_from, self.recorded_to),
            "due_on": (self.due_from, self.due_to),
            "over_scaled": (self.over_from, self.over_to),
            "of_limit": (self.of_limit_from, self.of_limit_to),
            "days_late": (self.days_late_from, self.days_late_to),
        }
        return [(name, first, last) for name, (first, last) in asked.items() if (first, last) != (None, None)]


def _recorded_on(connection: Connection) -> ColumnElement[date]:
    """The day on which a case's entry was recorded."""
    row = ViolationRow
    if connection.dialect.name == "postgresql":
        return type_coerce(row.occurred_on + cast(row.days_late, Integer), Date)
    return type_coerce(func.date(row.occurred_on, cast(row.days_late, Text).concat(" days")), Date)


def _within(value: Any, first: Any, last: Any) -> bool:
    """Whether a value lies in a range; nothing lies in none."""
    return value is not None and (first is None or first <= value) and (last is None or value <= last)
