"""Near limit: whose totals came close to a limit, or over it, and how close at the most."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby, islice

from app.domain.reports import percent
from app.domain.sheets import Column, Kind, Row
from app.services.reports.books import Books
from app.storage.reports import cases as questions
from app.storage.reports.cases import NearLimit

_AT_ONCE = 500
NEAR_LIMIT = (
    Column("rule_id", heading="Rule"),
    Column("rule", heading="Rule's name"),
    Column("shown", heading="Shown for"),
    Column("name", heading="Name"),
    Column("subject", heading="Whose shares add up"),
    Column("period_start", Kind.DATE, "Period from"),
    Column("period_end", Kind.DATE, "Period to"),
    Column("highest", Kind.MONEY, "Highest total"),
    Column("limit", Kind.MONEY, "Limit"),
    Column("percent", Kind.PERCENT, "Percent of limit"),
    Column("reached_on", Kind.DATE, "Reached"),
    Column("entry_id", heading="Entry"),
    Column("times", Kind.INTEGER, "Times"),
    Column("policy_id", heading="Policy version"),
)


def near_limit(books: Books) -> Iterator[Row]:
    """Per rule and person or employer the highest total of each period that reached the percentage of its limit."""
    wanted = books.wanted
    found = questions.near_limits(
        books.connection, first=wanted.first, last=wanted.last, at_least_percent=wanted.at_least, at=wanted.at
    )
    by_period = groupby(
        (one for one in found if wanted.rule_id in (None, one.rule_id)),
        key=lambda one: (one.rule_id, one.subject, one.shown, _year(books, one)),
    )
    peaks = (_highest(list(group)) for _, group in by_period)
    while part := list(islice(peaks, _AT_ONCE)):
        shown = {one.shown for one, _ in part}
        people, employers = books.named(shown, shown)
        names = {id: known.name for id, known in people.items()} | {id: known.name for id, known in employers.items()}
        for one, times in part:
            yield _row(books, one, times, names.get(one.shown))


def _year(books: Books, one: NearLimit) -> object:
    """What tells one period of a rule from another: its first day; where every event has its own, the year."""
    span = (one.period_end - one.period_start).days
    moving = books.rule(one.policy_id, one.rule_id).period.type.value.startswith("rolling")
    return one.occurred_on.year if span == 0 or moving else one.period_start


def _highest(group: list[NearLimit]) -> tuple[NearLimit, int]:
    """The first of those that came closest, and how many there are."""
    return max(group, key=lambda one: Fraction(one.aggregate, one.limit_value)), len(group)


def _row(books: Books, one: NearLimit, times: int, name: str | None) -> Row:
    rule = books.rule(one.policy_id, one.rule_id)
    return (
        rule.id,
        rule.name,
        one.shown,
        name,
        one.subject,
        one.period_start,
        one.period_end,
        books.sum(rule, one.aggregate),
        books.sum(rule, one.limit_value),
        percent(one.aggregate, one.limit_value),
        one.occurred_on,
        one.entry_id,
        times,
        one.policy_id,
    )
