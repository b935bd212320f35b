"""Reconciliation: what the expense system paid for against what was recorded, of one person in one span of days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

NEAR = timedelta(days=3)


class Standing(StrEnum):
    """How an expense and an entry stand to each other."""

    MATCHED = "matched"
    DIFFERING = "differing"
    MISSING_ENTRY = "missing_entry"
    MISSING_EXPENSE = "missing_expense"


class Paid(NamedTuple):
    """An expense or an entry, as far as it is compared. `entry_id` of an expense is the entry it became."""

    id: str
    on: date
    minor: int
    currency: str
    entry_id: str | None = None


class Pair(NamedTuple):
    """An expense with its entry, or one of them alone."""

    standing: Standing
    expense: Paid | None
    entry: Paid | None

    @property
    def place(self) -> tuple[date, str, str]:
        """Where it stands in a list: by day, then by what it is."""
        first = self.expense or self.entry
        day = first.on if first else date.min
        return day, self.expense.id if self.expense else "", self.entry.id if self.entry else ""


def reconcile(expenses: Iterable[Paid], entries: Iterable[Paid]) -> list[Pair]:
    """Every expense and every entry exactly once.

    An expense that became an entry goes with it. Of the others those of the same day and amount match; then whoever
    shares the day, or the amount within a few days, is taken for the same thing that differs, the nearest first.
    """
    left = sorted(expenses, key=lambda one: (one.on, one.id))
    over = {one.id: one for one in sorted(entries, key=lambda one: (one.on, one.id))}
    pairs: list[Pair] = []
    for fits in _STEPS:
        unpaired = []
        for expense in left:
            fitting = [entry for entry in over.values() if fits(expense, entry)]
            if not fitting:
                unpaired.append(expense)
                continue
            _, entry = min((_apart(expense, one), one) for one in fitting)
            del over[entry.id]
            pairs.append(Pair(Standing.MATCHED if _same(expense, entry) else Standing.DIFFERING, expense, entry))
        left = unpaired
    pairs += [Pair(Standing.MISSING_ENTRY, expense, None) for expense in left]
    pairs += [Pair(Standing.MISSING_EXPENSE, None, entry) for entry in over.values()]
    return sorted(pairs, key=lambda pair: pair.place)


def _same(expense: Paid, entry: Paid) -> bool:
    return (expense.on, expense.minor, expense.currency) == (entry.on, entry.minor, entry.currency)


def _same_day(expense: Paid, entry: Paid) -> bool:
    return expense.entry_id is None and (expense.on, expense.currency) == (entry.on, entry.currency)


def _same_amount(expense: Paid, entry: Paid) -> bool:
    same = (expense.minor, expense.currency) == (entry.minor, entry.currency)
    return expense.entry_id is None and same and abs(expense.on - entry.on) <= NEAR


def _is(expense: Paid, entry: Paid) -> bool:
    return expense.entry_id == entry.id


def _apart(expense: Paid, entry: Paid) -> int:
    """How far two are from being the same: in days first, then in minor units."""
    return abs((expense.on - entry.on).days) * 10**15 + abs(expense.minor - entry.minor)


_STEPS: Sequence[Callable[[Paid, Paid], bool]] = (_is, _same, _same_day, _same_amount)
