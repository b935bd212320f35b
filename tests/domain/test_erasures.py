"""Erasures: for how long everything is kept, and what goes afterwards."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.erasures import ERASED, last_day, without_words
from app.domain.legal_holds import HoldEndsEarly, HoldOnEverything, Scope

LAST_DAYS = [
    ("2026-06-15", 6, "2020-06-15"),
    ("2026-06-15", 7, "2019-06-15"),
    ("2028-02-29", 6, "2022-02-28"),
    ("2028-02-29", 8, "2020-02-29"),
    ("2026-01-01", 6, "2020-01-01"),
]


@pytest.mark.parametrize(("today", "years", "last"), LAST_DAYS)
def test_the_last_day_that_is_over(today, years, last):
    assert last_day(date.fromisoformat(today), years) == date.fromisoformat(last)


@pytest.mark.parametrize("years", [-1, 0, 1, 5])
def test_nobody_keeps_for_less_than_six_years(years):
    with pytest.raises(ValueError, match="6 years"):
        last_day(date(2026, 6, 15), years)


def test_only_words_go():
    document = {"purpose": "a birthday", "venue": "", "total": 10000, "facts": {"logo": True}, "giver": "rhea"}
    assert without_words(document) == document | {"purpose": ERASED}
    assert document["purpose"] == "a birthday"


def test_a_hold_names_something():
    with pytest.raises(HoldOnEverything):
        Scope().check()
    with pytest.raises(HoldEndsEarly):
        Scope(starts_on=date(2020, 1, 2), ends_on=date(2020, 1, 1)).check()
    for scope in (Scope(giver="rhea"), Scope(ends_on=date(2020, 1, 1)), Scope(starts_on=date(2020, 1, 1))):
        scope.check()
