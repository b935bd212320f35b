"""What became of the flags: every decision with its turnaround, and how good each rule is at flagging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from app.domain.reports import percent, twice_median
from app.domain.sheets import Amount, Column, Kind, Row
from app.domain.violations import Outcome, State
from app.services.reports.books import Books
from app.storage.reports import cases as questions
from app.storage.reports.cases import ReportedCase, ReportedDecision

DECISIONS = (
    Column("disposition_id", heading="Decision"),
    Column("violation_id", heading="Violation"),
    Column("entry_id", heading="Entry"),
    Column("rule_id", heading="Rule"),
    Column("severity", heading="Severity"),
    Column("giver", heading="Giver"),
    Column("opened_on", Kind.DATE, "Opened"),
    Column("due_on", Kind.DATE, "Due"),
    Column("decided_at", Kind.MOMENT, "Decided"),
    Column("days", Kind.INTEGER, "Days"),
    Column("in_time", heading="In time"),
    Column("outcome", heading="Outcome"),
    Column("reason_code", heading="Reason"),
    Column("corrective_action", heading="Corrective action"),
    Column("total", Kind.MONEY, "Total decided on"),
    Column("limit", Kind.MONEY, "Limit"),
    Column("decided_by", heading="Decided by"),
    Column("confirmed_by", heading="Confirmed by"),
    Column("fell_at", Kind.MOMENT, "Fell"),
    Column("fell_because", heading="Why it fell"),
    Column("note", heading="Note"),
)


def decisions(books: Books) -> Iterator[Row]:
    """Every decision that took effect in the days, in that order, fallen ones too."""
    for one in taken(books):
        if books.wanted.rule_id in (None, one.rule_id):
            yield _decision(books, one)


def taken(books: Books) -> Iterator[ReportedDecision]:
    """Decisions that took effect in the days, as far as they are known."""
    since, until = _moments(books)
    return questions.decisions(books.connection, since=since, until=until, known=books.known)


def _moments(books: Books) -> tuple[datetime, datetime]:
    """When the first of the days begins and the last one ends, in the firm's time zone."""
    days = (books.wanted.first, books.wanted.last + timedelta(days=1))
    since, until = (datetime.combine(day, time(), books.desk.settings.zone) for day in days)
    return since, until


def _decision(books: Books, one: ReportedDecision) -> Row:
    rule = books.rule(one.policy_id, one.rule_id)
    taken_on = books.desk.day_of(one.taken_at)
    return (
        one.id,
        one.violation_id,
        one.entry_id,
        one.rule_id,
        one.severity,
        one.giver,
        one.opened_on,
        one.due_on,
        one.taken_at,
        (taken_on - one.opened_on).days,
        "yes" if taken_on <= one.due_on else "no",
        one.outcome,
        one.reason_code,
        one.corrective_action,
        books.sum(rule, one.aggregate),
        books.sum(rule, one.limit_value),
        one.decided_by,
        one.confirmed_by,
        one.fell_at,
        one.fell_because,
        one.note,
    )


QUALITY = (
    Column("rule_id", heading="Rule"),
    Column("flags", Kind.INTEGER, "Flags"),
    Column("undecided", Kind.INTEGER, "Undecided"),
    Column("confirmed", Kind.INTEGER, "Confirmed"),
    Column("dismissed", Kind.INTEGER, "Dismissed"),
    Column("waived", Kind.INTEGER, "Waived"),
    Column("duplicate", Kind.INTEGER, "Duplicate"),
    Column("withdrawn", Kind.INTEGER, "Withdrawn by recalculation"),
    Column("overturned", Kind.INTEGER, "Decisions overturned"),
    Column("confirmed_percent", Kind.PERCENT, "Confirmed of decided, percent"),
    Column("median_days", Kind.MONEY, "Median days to decide"),
    Column("longest_days", Kind.INTEGER, "Longest days to decide"),
)
_STANDS = {
    Outcome.CONFIRMED: "confirmed",
    Outcome.NO_VIOLATION: "dismissed",
    Outcome.WAIVED: "waived",
    Outcome.DUPLICATE: "duplicate",
}


@dataclass
class Quality:
    """What became of the flags of one rule; `days` counts how many took how long to be decided."""

    stands: Counter[str] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    def add(self, case: ReportedCase) -> None:
        """One case as it stands."""
        self.stands[standing(case)] += 1
        if case.state == State.DECIDED and case.closed_on is not None:
            self.days[(case.closed_on - case.opened_on).days] += 1

    @property
    def flags(self) -> int:
        """All cases."""
        return sum(self.stands.values())


def standing(case: ReportedCase) -> str:
    """How a case stands, in the words of the report's columns."""
    if case.state == State.WITHDRAWN:
        return "withdrawn"
    return _STANDS[Outcome(case.outcome)] if case.state == State.DECIDED and case.outcome else "undecided"


def rule_quality(books: Books) -> Iterator[Row]:
    """Per rule what became of the flags that were opened in the days, and how long deciding them took.

    `overturned` are the decisions that fell in the days, whenever they were taken.
    """
    found: dict[str, Quality] = {}
    wanted = books.wanted
    for case in opened(books):
        found.setdefault(case.rule_id, Quality()).add(case)
    since, until = _moments(books)
    fell = questions.overturned(books.connection, since=since, until=until, known=books.known)
    for rule_id in sorted(found.keys() | fell.keys()):
        if wanted.rule_id in (None, rule_id):
            yield _quality(rule_id, found.get(rule_id, Quality()), fell.get(rule_id, 0))


def opened(books: Books) -> Iterator[ReportedCase]:
    """Cases that were opened in the days."""
    return questions.cases(books.connection, first=books.wanted.first, last=books.wanted.last, at=books.wanted.at)


def _quality(rule_id: str, quality: Quality, fell: int) -> Row:
    counted = [quality.stands[name] for name in ("confirmed", "dismissed", "waived", "duplicate")]
    doubled = twice_median(quality.days)
    return (
        rule_id,
        quality.flags,
        quality.stands["undecided"],
        *counted,
        quality.stands["withdrawn"],
        fell,
        percent(quality.stands["confirmed"], sum(counted)),
        None if doubled is None else Amount(5 * doubled, 1, "days"),
        max(quality.days, default=None),
    )
