"""Reconciliation: every expense and every entry once, with what belongs to it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.reconciliations import Paid, reconcile

MAY_4 = date(2026, 5, 4)


def paid(id: str, minor: int = 1000, days: int = 0, currency: str = "USD", entry: str | None = None) -> Paid:
    return Paid(id, MAY_4 + timedelta(days=days), minor, currency, entry)


@pytest.mark.parametrize(
    ("expenses", "entries", "found"),
    [
        pytest.param([paid("x")], [paid("e")], ["matched x e"], id="the same day and amount"),
        pytest.param([paid("x")], [], ["missing_entry x -"], id="nobody recorded it"),
        pytest.param([], [paid("e")], ["missing_expense - e"], id="nobody paid for it"),
        pytest.param([paid("x")], [paid("e", 1100)], ["differing x e"], id="another amount on that day"),
        pytest.param([paid("x")], [paid("e", days=3)], ["differing x e"], id="the same amount three days later"),
        pytest.param([paid("x")], [paid("e", days=4)], ["missing_entry x -", "missing_expense - e"], id="too late"),
        pytest.param([paid("x")], [paid("e", currency="EUR")], ["missing_expense - e", "missing_entry x -"],
                     id="another currency"),
        pytest.param([paid("x"), paid("y")], [paid("e"), paid("f")], ["matched x e", "matched y f"], id="two alike"),
        pytest.param([paid("x"), paid("y", 1100)], [paid("e", 1100), paid("f", 1010)],
                     ["differing x f", "matched y e"], id="exact ones first"),
        pytest.param([paid("x")], [paid("e", 5000), paid("f", 1001)], ["missing_expense - e", "differing x f"],
                     id="the nearest amount"),
        pytest.param([paid("x", entry="f")], [paid("e"), paid("f", 9900)], ["missing_expense - e", "differing x f"],
                     id="an expense goes with the entry it became"),
        pytest.param([paid("x", entry="gone")], [paid("e", 1100)], ["missing_expense - e", "missing_entry x -"],
                     id="an expense whose entry was withdrawn takes no other"),
    ],
)  # fmt: skip
def test_what_belongs_together(expenses: list[Paid], entries: list[Paid], found: list[str]):
    pairs = reconcile(expenses, entries)
    said = [
        f"{one.standing} {one.expense.id if one.expense else '-'} {one.entry.id if one.entry else '-'}" for one in pairs
    ]
    assert sorted(said) == sorted(found)


ANY = st.lists(
    st.tuples(st.integers(990, 1010), st.integers(0, 5), st.sampled_from(["USD", "EUR"])), max_size=8
)  # fmt: skip


@given(ANY, ANY, st.randoms())
def test_each_stands_exactly_once_whatever_their_order(expenses, entries, chance):
    spent = [paid(f"x{number}", *one) for number, one in enumerate(expenses)]
    gave = [paid(f"e{number}", *one) for number, one in enumerate(entries)]
    pairs = reconcile(spent, gave)
    assert Counter(pair.expense for pair in pairs if pair.expense) == Counter(spent)
    assert Counter(pair.entry for pair in pairs if pair.entry) == Counter(gave)
    chance.shuffle(spent)
    chance.shuffle(gave)
    assert reconcile(spent, gave) == pairs
