"""Headroom: what is left before a limit, on a day, for a recipient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.policies import OUTSIDE_BUSINESS, Basis, Measure, PeriodType, Policy, PolicyBook, Rule
from app.domain.screening import Assessment, Line, Span, count, judge, reach, span
from app.services.screening.judging import extent, is_after
from app.services.screening.knowing import history_of
from app.storage import screening
from app.storage.screening import Question, Total


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left for a subject under a rule on a day, before this or any later total in reach crosses its limit.

    Minor units of the rule's currency, or a count. `left` is below zero where the limit is crossed already.
    """

    rule: Rule
    policy: Policy
    period: Span
    used: int
    limit: int
    left: int

    @property
    def resets_on(self) -> date | None:
        """The day on which the allowance starts anew; None where it slides or is there for each event."""
        fixed = (PeriodType.CALENDAR_YEAR, PeriodType.FISCAL_YEAR, PeriodType.FIRST_GIFT_YEAR)
        if self.rule.period.type not in fixed or self.period.end == date.max:
            return None
        return self.period.end + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rule that covers the recipient on the day, with whose shares add up and the limit."""

    rule: Rule
    subject: str
    limit: int

    def question(self, on: date) -> Question:
        """What the subject has added up in the period of a day, up to that day."""
        return Question(self.rule.id, self.subject, span(self.rule.period, on).start, on)


class _Near(NamedTuple):
    """The total in the period of a day, that period, and the later answers that an entry of that day would move."""

    used: int
    period: Span
    later: Sequence[Assessment]


def headroom(
    connection: Connection,
    book: PolicyBook,
    *,
    recipient_id: str,
    type: str,
    employer_id: str | None,
    on: date,
    at: int | None = None,
) -> list[Headroom]:
    """What is left on a day under every rule that covers people of that type, as known now or at a place in the record.

    A rule per giver has as many totals as givers, and a prohibition has none: both are left out.
    """
    policy = book.in_force(on)
    if policy is None:
        return []
    asked = [
        _Asked(rule, subject, limit)
        for rule in policy.rules
        if (subject := _headroom_subject(rule, recipient_id, employer_id)) is not None
        and (limit := rule.limit_on(on)) is not None
        and _covers_type(rule, type)
    ]
    added = [one for one in asked if at is None and _adds_up_simply(book, one.rule, on)]
    totals = screening.totals(connection, [one.question(on) for one in added])
    return [_left(policy, one, on, _near(connection, book, policy, one, on, at, totals)) for one in asked]


def _adds_up_simply(book: PolicyBook, rule: Rule, on: date) -> bool:
    """Whether the stored totals of the period are those of the rule in force on the day."""
    fixed = rule.period.type not in (PeriodType.PER_EVENT, PeriodType.FIRST_GIFT_YEAR)
    return fixed and book.counts_alike(rule, span(rule.period, on).start, on)


def _near(
    connection: Connection,
    book: PolicyBook,
    policy: Policy,
    asked: _Asked,
    on: date,
    at: int | None,
    totals: Mapping[Question, Total],
) -> _Near:
    rule = asked.rule
    if rule.period.type is PeriodType.PER_EVENT:
        return _Near(0, span(rule.period, on), ())
    total = totals.get(asked.question(on))
    if total is None:
        return _replayed(connection, book, policy, asked, on, at)
    later: Sequence[Assessment] = ()
    if is_after(total.last_on, on):
        key = (rule.id, asked.subject)
        known = screening.current_of_subjects(connection, [key], since=on, until=reach(rule.period, on))
        later = [one.assessment for one in known.values() if one.assessment.line.occurred_on > on]
    return _Near(total.counted, span(rule.period, on), later)


def _replayed(
    connection: Connection, book: PolicyBook, policy: Policy, asked: _Asked, on: date, at: int | None
) -> _Near:
    """The plain definition: the subject's history counted anew under the version in force on the day."""
    rule, subject = asked.rule, asked.subject
    owner = subject.partition("|")[0]
    first, last = extent(book, on)
    lines = [
        line
        for entry in history_of(connection, owner, first=first, last=last, at=at)
        for line in count(policy, entry)
        if (line.rule_id, line.subject) == (rule.id, subject)
    ]
    # A line of one unit on that day, after all others, shows what the period held before it.
    probe = Line(rule.id, subject, owner, "~", on, 2**62, 1, None, False)
    mine = next(one for one in judge([*lines, probe], _always(rule)) if one.line is probe)
    later = [one for one in judge(lines, _always(rule)) if one.line.occurred_on > on]
    return _Near(mine.aggregate - 1, mine.period, later)


def _always(rule: Rule) -> Callable[[date], Rule]:
    return lambda _day: rule


def _left(policy: Policy, asked: _Asked, on: date, near: _Near) -> Headroom:
    rule, limit = asked.rule, asked.limit
    unit = 1 if rule.exceed_at_limit else 0
    moved = [
        one for one in near.later if span(rule.period, one.line.occurred_on).start <= on and one.line.exclusion is None
    ]
    left = min([limit - near.used, *(one.limit - one.aggregate for one in moved)]) - unit
    return Headroom(rule, policy, near.period, near.used, limit, left)


def _covers_type(rule: Rule, type: str) -> bool:
    if rule.measure is Measure.PROHIBITION or rule.direction == "received":
        return type in rule.applies_to and rule.measure is not Measure.PROHIBITION
    return type in rule.applies_to or ("business" in rule.applies_to and type not in OUTSIDE_BUSINESS)


def _headroom_subject(rule: Rule, recipient_id: str, employer_id: str | None) -> str | None:
    match rule.basis:
        case Basis.PER_RECIPIENT:
            return recipient_id
        case Basis.PER_RECIPIENT_EMPLOYER:
            return f"{recipient_id}|{employer_id or ''}"
        case Basis.PER_EMPLOYER:
            return employer_id
        case _:
            return None
