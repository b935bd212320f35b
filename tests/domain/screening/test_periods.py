"""Periods: which days add up with a day, as tables of the edges and as properties of all days."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.policies import Period, PeriodType
from app.domain.screening import reach, span
from app.domain.screening.periods import year_end

DAY = timedelta(days=1)
LEAP_DAY = date(2028, 2, 29)
CALENDAR, EVENT = Period(PeriodType.CALENDAR_YEAR), Period(PeriodType.PER_EVENT)
DAYS_365, MONTHS_12 = Period(PeriodType.ROLLING_365D), Period(PeriodType.ROLLING_12M)
FIRST_GIFT = Period(PeriodType.FIRST_GIFT_YEAR)
FISCAL = [Period(PeriodType.FISCAL_YEAR, month) for month in range(1, 13)]
JULY = FISCAL[6]

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
fixed = st.sampled_from([CALENDAR, *FISCAL])
plain = st.sampled_from([CALENDAR, *FISCAL, DAYS_365, MONTHS_12, EVENT])
every = st.sampled_from([CALENDAR, *FISCAL, DAYS_365, MONTHS_12, EVENT, FIRST_GIFT])


@pytest.mark.parametrize(
    ("period", "on", "start", "end"),
    [
        pytest.param(CALENDAR, "2026-12-31", "2026-01-01", "2026-12-31", id="the last day of a calendar year"),
        pytest.param(CALENDAR, "2027-01-01", "2027-01-01", "2027-12-31", id="the first day of the next"),
        pytest.param(JULY, "2026-06-30", "2025-07-01", "2026-06-30", id="the last day of a fiscal year"),
        pytest.param(JULY, "2026-07-01", "2026-07-01", "2027-06-30", id="the first day of the next fiscal year"),
        pytest.param(FISCAL[1], "2028-01-31", "2027-02-01", "2028-01-31", id="a fiscal year from February"),
        pytest.param(FISCAL[2], "2028-02-29", "2027-03-01", "2028-02-29", id="a fiscal year that ends on a leap day"),
        pytest.param(DAYS_365, "2026-05-04", "2025-05-05", "2026-05-04", id="the day and the 364 before it"),
        pytest.param(DAYS_365, "2028-03-01", "2027-03-03", "2028-03-01", id="365 days across a leap day"),
        pytest.param(MONTHS_12, "2026-05-04", "2025-05-05", "2026-05-04", id="after the same day 12 months before"),
        pytest.param(MONTHS_12, "2028-02-29", "2027-03-01", "2028-02-29", id="12 months back from a leap day"),
        pytest.param(MONTHS_12, "2029-02-28", "2028-02-29", "2029-02-28", id="12 months back to a leap day"),
        pytest.param(MONTHS_12, "2029-03-01", "2028-03-02", "2029-03-01", id="12 months back past a leap day"),
        pytest.param(EVENT, "2026-05-04", "2026-05-04", "2026-05-04", id="an event is its own period"),
    ],
)
def test_the_days_that_add_up_with_a_day(period, on, start, end):
    found = span(period, date.fromisoformat(on))
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("2026-05-04", "2027-05-03", id="any day"),
        pytest.param("2028-02-29", "2029-02-28", id="a year from 29 February ends with 28 February"),
        pytest.param("2027-03-01", "2028-02-29", id="a year up to a leap day takes it in"),
        pytest.param("2028-01-01", "2028-12-31", id="a calendar year"),
    ],
)
def test_the_last_day_of_a_year(start, end):
    assert year_end(date.fromisoformat(start)).isoformat() == end


@given(every, days)
@example(MONTHS_12, LEAP_DAY)
def test_a_period_contains_its_day(period, on):
    found = span(period, on)
    assert found.start <= on <= found.end


@given(fixed, days, days)
@example(FISCAL[2], LEAP_DAY, LEAP_DAY + DAY)
def test_fixed_years_follow_each_other_without_gap_or_overlap(period, on, other):
    found = span(period, on)
    assert span(period, found.end + DAY).start == found.end + DAY
    assert (span(period, other) == found) == (found.start <= other <= found.end)


@given(days)
@example(LEAP_DAY)
@example(date(2029, 2, 28))
def test_a_rolling_year_ends_with_its_day(on):
    assert span(DAYS_365, on).end - span(DAYS_365, on).start == timedelta(days=364)
    a_year_before = date(on.year - 1, on.month, min(on.day, monthrange(on.year - 1, on.month)[1]))
    assert span(MONTHS_12, on) == (a_year_before + DAY, on)


@given(plain, days, st.integers(0, 800))
@example(MONTHS_12, date(2028, 2, 29), 366)
@example(DAYS_365, date(2027, 3, 1), 364)
def test_no_later_total_is_touched_beyond_the_reach_of_a_day(period, on, later):
    other = on + timedelta(days=later)
    if span(period, other).start <= on:
        assert other <= reach(period, on) or (period == EVENT and other == on)


@given(every, days)
def test_a_day_reaches_at_least_itself(period, on):
    assert reach(period, on) >= on


@pytest.mark.parametrize("period", [CALENDAR, *FISCAL, DAYS_365, MONTHS_12, EVENT, FIRST_GIFT], ids=str)
def test_the_calendar_may_end(period):
    """An assessment may ask about any day that can be written."""
    assert span(period, date.max).start <= date.max <= span(period, date.max).end
    assert reach(period, date.max) == date.max
