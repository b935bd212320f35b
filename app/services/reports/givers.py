"""Giver activity: what each of our people gave, how late, with how many flags, against what their peers gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.entries import Direction, Standing
from app.domain.policies import CLAIMS
from app.domain.reports import twice_median
from app.domain.sheets import Amount, Column, Kind, Row
from app.services.reports.books import Books, Entered
from app.services.reports.gifts import days_to_record

GIVERS = (
    Column("giver", heading="Giver"),
    Column("entries", Kind.INTEGER, "Entries"),
    Column("shares", Kind.INTEGER, "Shares"),
    Column("total", Kind.MONEY, "Total"),
    Column("late", Kind.INTEGER, "Recorded late"),
    Column("claims", Kind.INTEGER, "Exclusions claimed"),
    Column("violations", Kind.INTEGER, "Violations"),
    Column("peers", Kind.INTEGER, "Givers in this currency"),
    Column("peer_median", Kind.MONEY, "Median of all"),
    Column("times_median", Kind.MONEY, "Times the median"),
    Column("rank", Kind.INTEGER, "Rank"),
)


@dataclass
class Activity:
    """What one person gave in one currency; `total` in minor units, withdrawn entries left out."""

    exponent: int
    entries: int = 0
    shares: int = 0
    total: int = 0
    late: int = 0
    claims: int = 0
    violations: int = 0

    def add(self, books: Books, one: Entered) -> None:
        """One entry of theirs."""
        self.entries += 1
        self.shares += len(one.entry.recipients)
        self.total += one.entry.total
        self.late += days_to_record(books, one) > books.wanted.days
        self.claims += bool(one.entry.flags & set(CLAIMS))
        self.violations += len(one.cases)


def giver_activity(books: Books) -> Iterator[Row]:
    """Per giver and currency what they gave in the days, highest first; the peers are all who gave in that currency.

    `direction` tells given from received; without it, what was given.
    """
    found: dict[tuple[str, str], Activity] = {}
    direction = books.wanted.direction or Direction.GIVEN
    for page in books.pages():
        for one in page.entries:
            entry = one.entry
            if entry.direction is direction and entry.standing is not Standing.CANCELLED:
                key = (entry.currency.code, entry.giver)
                found.setdefault(key, Activity(entry.currency.exponent)).add(books, one)
    peers: dict[str, Counter[int]] = {}
    for (currency, _), activity in found.items():
        peers.setdefault(currency, Counter())[activity.total] += 1
    ranks = {currency: _ranks(group) for currency, group in peers.items()}
    for (currency, giver), activity in sorted(found.items(), key=lambda one: (one[0][0], -one[1].total, one[0][1])):
        yield _row(giver, currency, activity, peers[currency], ranks[currency][activity.total])


def _ranks(totals: Counter[int]) -> dict[int, int]:
    """The rank of every total: one more than how many gave more."""
    ranks, before = {}, 1
    for total in sorted(totals, reverse=True):
        ranks[total] = before
        before += totals[total]
    return ranks


def _row(giver: str, currency: str, activity: Activity, totals: Counter[int], rank: int) -> Row:
    doubled = twice_median(totals) or 0
    return (
        giver,
        activity.entries,
        activity.shares,
        Amount(activity.total, activity.exponent, currency),
        activity.late,
        activity.claims,
        activity.violations,
        totals.total(),
        Amount(doubled // 2, activity.exponent, currency),
        Amount(activity.total * 200 // doubled, 2, "times") if doubled else None,
        rank,
    )
