"""Business days: when a review is due, over weekends and the holidays of a market."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from app.domain.calendars import business_day_after
from app.services.calendars import Calendar
from app.settings import Settings

NYSE, WEEKENDS, GERMANY = Calendar("NYSE"), Calendar("none"), Calendar("DE")


@pytest.mark.parametrize(
    ("calendar", "opened", "days", "due"),
    [
        pytest.param(NYSE, "2026-06-15", 0, "2026-06-15", id="at once"),
        pytest.param(NYSE, "2026-06-15", 1, "2026-06-16", id="the next day"),
        pytest.param(NYSE, "2026-06-15", 3, "2026-06-18", id="within the week"),
        pytest.param(NYSE, "2026-06-15", 4, "2026-06-22", id="Juneteenth and a weekend lie between"),
        pytest.param(NYSE, "2026-06-19", 1, "2026-06-22", id="opened on a holiday"),
        pytest.param(NYSE, "2026-06-20", 1, "2026-06-22", id="opened on a Saturday"),
        pytest.param(NYSE, "2026-06-21", 1, "2026-06-22", id="opened on a Sunday"),
        pytest.param(NYSE, "2026-07-02", 1, "2026-07-06", id="the Fourth is observed on the Friday before"),
        pytest.param(NYSE, "2026-04-02", 1, "2026-04-06", id="Good Friday"),
        pytest.param(NYSE, "2026-11-25", 2, "2026-11-30", id="Thanksgiving; the half day after it counts"),
        pytest.param(NYSE, "2026-12-24", 5, "2027-01-04", id="Christmas and New Year"),
        pytest.param(NYSE, "2027-12-31", 1, "2028-01-03", id="a New Year's Day on a Saturday moves nothing"),
        pytest.param(WEEKENDS, "2026-06-18", 1, "2026-06-19", id="without holidays Juneteenth is a day like others"),
        pytest.param(WEEKENDS, "2026-06-19", 1, "2026-06-22", id="without holidays there are weekends still"),
        pytest.param(GERMANY, "2026-10-01", 2, "2026-10-05", id="the third of October on a Saturday"),
        pytest.param(GERMANY, "2026-04-02", 1, "2026-04-07", id="Good Friday and Easter Monday"),
    ],
)
def test_a_review_is_due_after_business_days(calendar, opened, days, due):
    assert calendar.business_day_after(date.fromisoformat(opened), days) == date.fromisoformat(due)


def test_a_firm_that_never_works_is_a_mistake():
    with pytest.raises(ValueError, match="no business day"):
        business_day_after(date(2026, 6, 15), 1, lambda _: True)


def test_an_unknown_market_is_refused_with_the_settings():
    with pytest.raises(ValidationError, match="neither a market"):
        Settings(holidays="XNOWHERE")
    with pytest.raises(ValueError, match="neither a market"):
        Calendar("XNOWHERE")
