"""Headroom: what is left before a limit, on a day, for a recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain.policies import OUTSIDE_BUSINESS, Basis, Measure, PeriodType, Policy, PolicyBook, Rule
from app.domain.screening import Assessment, Line, Span, count, judge, reach, span
from app.services.screening.judging import extent, is_after, touching, with_people
from app.storage import screening
from app.storage.screening import Question


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
        return self.period.end + timedelta(days=1) if self.rule.period.type in fixed else None


def headroom(
    connection: Connection, book: PolicyBook, *, recipient_id: str, type: str, employer_id: str | None, on: date
) -> list[Headroom]:
    """What is left on a day under every rule that covers people of that type.

    A rule per giver has as many totals as givers, and a prohibition has none: both are left out.
    """
    policy = book.in_force(on)
    if policy is None:
        return []
    asked = [
        (rule, subject, limit)
        for rule in policy.rules
        if (subject := _headroom_subject(rule, recipient_id, employer_id)) is not None
        and (limit := rule.limit_on(on)) is not None
        and _covers_type(rule, type)
    ]
    entry_days = {(rule.id, subject): _answers_near(connection, book, rule, subject, on) for rule, subject, _ in asked}
    return [_left(rule, policy, limit, on, entry_days[rule.id, subject]) for rule, subject, limit in asked]


def _answers_near(
    connection: Connection, book: PolicyBook, rule: Rule, subject: str, on: date
) -> tuple[int, Span, Sequence[Assessment]]:
    """The total in the period of a day, that period, and the later answers that an entry of that day would move."""
    if rule.period.type is PeriodType.PER_EVENT:
        return 0, span(rule.period, on), ()
    owner = subject.partition("|")[0]
    if rule.period.type is PeriodType.FIRST_GIFT_YEAR or not book.counts_alike(rule, span(rule.period, on).start, on):
        return _replayed_total(connection, book, rule, owner, subject, on)
    question = Question(rule.id, subject, span(rule.period, on).start, on)
    total = screening.totals(connection, [question])[question]
    later: Sequence[Assessment] = ()
    if is_after(total.last_on, on):
        known = screening.current_of_subjects(connection, [(rule.id, subject)], since=on, until=reach(rule.period, on))
        later = [one.assessment for one in known.values() if one.assessment.line.occurred_on > on]
    return total.counted, span(rule.period, on), later


def _replayed_total(
    connection: Connection, book: PolicyBook, rule: Rule, owner: str, subject: str, on: date
) -> tuple[int, Span, Sequence[Assessment]]:
    first, _ = extent(book, on)
    history = with_people(connection, touching(connection, {owner}, first=first, last=on))
    policy = book.in_force(on)
    lines = [
        line
        for entry in history
        for line in (count(policy, entry) if policy else [])
        if (line.rule_id, line.subject) == (rule.id, subject)
    ]
    # A line of one unit on that day, after all others, shows what the period held before it.
    probe = Line(rule.id, subject, owner, "~", on, 2**62, 1, None, False)
    answers = list(judge([*lines, probe], lambda day: rule if rule.limit_on(day) is not None else None))
    mine = next(answer for answer in answers if answer.line is probe)
    return mine.aggregate - 1, mine.period, ()


def _left(rule: Rule, policy: Policy, limit: int, on: date, near: tuple[int, Span, Sequence[Assessment]]) -> Headroom:
    used, period, later = near
    unit = 1 if rule.exceed_at_limit else 0
    moved = [one for one in later if span(rule.period, one.line.occurred_on).start <= on and one.line.exclusion is None]
    left = min([limit - used, *(one.limit - one.aggregate for one in moved)]) - unit
    return Headroom(rule, policy, period, used, limit, left)


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
