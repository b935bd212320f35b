"""Judging: running totals against the limit in force, by full replay (the definition) or from a total (fast)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from functools import partial
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from app.domain.entries import Entry
from app.domain.policies import PeriodType, Policy, PolicyBook, Rule
from app.domain.screening.counting import Line, count, gathered
from app.domain.screening.periods import Span, span, year_end

RuleOn = Callable[[date], Rule | None]


class Outcome(StrEnum):
    WITHIN = "within"
    WARNING = "warning"
    VIOLATION = "violation"
    EXCLUDED = "excluded"


class Assessment(NamedTuple):
    """The answer for one rule, recipient and entry. Amounts as in Line; `period` is the span that was added up."""

    line: Line
    aggregate: int
    limit: int
    outcome: Outcome
    period: Span

    @property
    def over_by(self) -> int:
        """How far it is over: all that counts where nothing was allowed, else what is beyond the limit."""
        over = self.aggregate - self.limit
        return max(over, self.line.counted) if self.line.forbidden else over

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, entry and whoever the result is shown for: there is one current assessment of each."""
        return (self.line.rule_id, self.line.entry_id, self.line.shown)


def judge(lines: Iterable[Line], rule_on: RuleOn) -> Iterator[Assessment]:
    """Every line of one subject with its running total, in order of event date, ties in order of record.

    This is the plain definition: a replay of the subject's whole history. A line on a day without a limit has none.
    """
    ordered = sorted(lines, key=attrgetter("order"))
    days = [line.occurred_on for line in ordered]
    before = list(accumulate((line.counted for line in ordered), initial=0))
    years = _gift_years(ordered)
    for place, line in enumerate(ordered):
        rule = rule_on(line.occurred_on)
        if rule is None or rule.limit_on(line.occurred_on) is None:
            continue
        if rule.period.type is PeriodType.PER_EVENT:
            yield assess(rule, line, prior=0)
        elif rule.period.type is PeriodType.FIRST_GIFT_YEAR:
            year, prior = years[place]
            yield assess(rule, line, prior=prior, period=year)
        else:
            start = bisect_left(days, span(rule.period, line.occurred_on).start)
            yield assess(rule, line, prior=before[place] - before[start])


def assess(rule: Rule, line: Line, *, prior: int, period: Span | None = None) -> Assessment:
    """One line judged, given what its period held before it: the fast path, and the last step of the plain one."""
    limit = rule.limit_on(line.occurred_on)
    if limit is None:
        raise ValueError(f"rule {rule.id} has no limit on {line.occurred_on}, so there is nothing to judge")
    aggregate = prior + line.counted
    return Assessment(line, aggregate, limit, _outcome(rule, line, aggregate, limit), period or _shown_span(rule, line))


def results(book: PolicyBook, entries: Sequence[Entry], *, of: Iterable[Policy] | None = None) -> Iterator[Assessment]:
    """The plain definition over a whole history: every entry judged by the version in force on its day.

    A version counts everything that its periods reach back to in its own way, also what was dated under an earlier one;
    what is dated under a later one is none of its business. `of` leaves out the results of all other versions.
    """
    for policy in book.policies if of is None else of:
        last = book.last_day(policy)
        lines = [line for entry in entries if entry.occurred_on <= last for line in count(policy, entry)]
        for group in gathered(lines).values():
            yield from judge(group, partial(_governing, book, policy, group[0].rule_id))


def _governing(book: PolicyBook, policy: Policy, rule_id: str, on: date) -> Rule | None:
    """The policy's rule on a day on which that version is the one in force."""
    return policy.by_id[rule_id] if book.in_force(on) is policy else None


def _outcome(rule: Rule, line: Line, aggregate: int, limit: int) -> Outcome:
    if line.exclusion is not None:
        return Outcome.EXCLUDED
    over = aggregate >= limit if rule.exceed_at_limit else aggregate > limit
    if line.forbidden or (over and line.counted > 0):
        return Outcome.VIOLATION
    # Whole numbers on both sides: arithmetic of fractions costs more than all the rest of a judgement.
    warn_at = rule.warn_at
    if warn_at is not None and line.counted > 0 and aggregate * warn_at.denominator >= warn_at.numerator * limit:
        return Outcome.WARNING
    return Outcome.WITHIN


def _shown_span(rule: Rule, line: Line) -> Span:
    return span(rule.period, line.occurred_on)


def _gift_years(ordered: Sequence[Line]) -> list[tuple[Span, int]]:
    """For each line its first-gift year and what that year held before it.

    A year opens at the first counted gift and lasts 12 months; the next opens at the next counted gift after its end.
    A line that counts nothing and falls between two years stands alone with an empty total.
    """
    years: list[tuple[Span, int]] = []
    start: date | None = None
    total = 0
    for line in ordered:
        if start is None or line.occurred_on > year_end(start):
            start, total = (line.occurred_on, 0) if line.counted else (None, 0)
        opened = start or line.occurred_on
        year = Span(opened, year_end(opened)) if start else Span(opened, opened)
        years.append((year, total))
        total += line.counted
    return years
