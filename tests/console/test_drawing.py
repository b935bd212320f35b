"""What pages say and draw, as tables: amounts, days, sentences of each kind of rule, charts and meters."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.console import charts, places, sentences, showing
from app.console.charts import Point, Totals
from app.console.sessions import inside
from app.domain.entries import Kind
from app.domain.money import Currency
from app.domain.policies import Dated, Measure, Period, PeriodType, Rule
from app.services.violations import KnownViolation

USD, JPY, SEK = Currency("USD", 2), Currency("JPY", 0), Currency("SEK", 2)
TODAY = date(2026, 11, 23)
GIFTS = Rule("r", "Gifts", Measure.AMOUNT, (Dated(30000),), USD, Period(PeriodType.CALENDAR_YEAR))
MEALS = replace(GIFTS, counts=frozenset({Kind.MEAL, Kind.ENTERTAINMENT}), period=Period(PeriodType.PER_EVENT))
TIMES = replace(GIFTS, measure=Measure.COUNT, period=Period(PeriodType.ROLLING_12M))
NEVER = replace(GIFTS, measure=Measure.PROHIBITION, when="sales_precondition")


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (0, USD, "$0.00"),
        (5, USD, "$0.05"),
        (143735, USD, "$1,437.35"),
        (-4650, USD, "−$46.50"),
        (1234567, JPY, "¥1,234,567"),
        (100000, SEK, "SEK 1,000.00"),
        (10**15, USD, "$10,000,000,000,000.00"),
    ],
)
def test_money(minor: int, currency: Currency, said: str) -> None:
    assert showing.money(minor, currency) == said


def test_what_was_paid_in_another_currency_has_its_code() -> None:
    assert showing.foreign(8000, Currency("EUR", 2), USD) == "EUR 80.00"
    assert showing.foreign(8000, USD, USD) == "$80.00"


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(4650, 30000, "15.5%"), (1, 3, "33.3%"), (2, 3, "66.7%"), (1, 0, "")]
)
def test_percent(part: int, whole: int, said: str) -> None:
    assert showing.percent(part, whole) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "Today"), (1, "Tomorrow"), (2, "Wed 25 Nov"), (-1, "1 d late"), (-30, "30 d late"), (60, "Fri 22 Jan 2027")],
)
def test_due(days: int, said: str) -> None:
    assert showing.due(TODAY + timedelta(days=days), TODAY) == said


@pytest.mark.parametrize(
    ("person", "said"),
    [("Maren Koch", "MK"), ("olivia", "OL"), ("", "?"), ("  ", "?"), ("jean-luc", "JL"), ("<b>", "?"), ("é", "É")],
)
def test_initials(person: str, said: str) -> None:
    assert showing.initials(person) == said


def case(counted: int, aggregate: int, limit: int, direction: str = "given", over: int | None = None) -> KnownViolation:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    return KnownViolation(
        "vio_1", 1, "open", "ent_1", "r", "rec_1", "rec_1", "pol_1", "high", date(2026, 5, 4), "gus", "gus", direction,
        "gift", None, counted, aggregate, limit, aggregate - limit if over is None else over, None, at, at,
        date(2026, 5, 4), date(2026, 5, 7),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "one", "said"),
    [
        (GIFTS, case(7800, 34650, 30000), "Gifts to Priya Raman passed the yearly limit by $46.50"),
        (
            GIFTS,
            case(7800, 34650, 30000, "received"),
            "Gifts received by Priya Raman passed the yearly limit by $46.50",
        ),
        (GIFTS, case(100, 30000, 30000), "Gifts to Priya Raman reached the yearly limit of $300.00"),
        (MEALS, case(30000, 30000, 25000), "Hosted events to Priya Raman passed the limit for one event by $50.00"),
        (TIMES, case(1, 5, 4), "5 gifts to Priya Raman in 12 months, 4 allowed"),
        (NEVER, case(5000, 5000, 0), "Prohibited at any value: sales precondition, Priya Raman"),
        (GIFTS, case(5000, 5000, 30000, over=5000), "Cash equivalent given to Priya Raman: $50.00"),
        (MEALS, case(5000, 5000, 0), "Hosted events to Priya Raman without prior approval: $50.00"),
    ],
)
def test_titles_come_from_the_kind_of_rule(rule: Rule, one: KnownViolation, said: str) -> None:
    assert sentences.title(rule, one, "Priya Raman") == said


def totals(*amounts: int, limit: int = 30000, skipped: int = 0) -> Totals:
    points, running = [], 0
    for place, amount in enumerate(amounts):
        before, running = running, running + amount
        points.append(Point(date(2026, 1, 5) + timedelta(days=place % 300), before, running, place == len(amounts) - 1))
    return Totals(
        "c", "Gifts & <things>", points, [date(2026, 2, 1)] * skipped, limit, 24000, date(2026, 1, 1),
        date(2026, 12, 31), TODAY, lambda value: showing.money(value, USD), str,
    )  # fmt: skip


def drawn(shown: Totals) -> str:
    picture = str(charts.running_total(shown))
    assert "style=" not in picture
    assert "<things>" not in picture
    numbers = [float(one) for one in re.findall(r'(?:x|y|cx|cy|x1|x2|y1|y2)="(-?[\d.]+)"', picture)]
    assert all(-1 <= one <= 821 for one in numbers), numbers
    return picture


def test_an_empty_chart_has_a_limit_and_no_line_above_it() -> None:
    picture = drawn(totals())
    assert "Limit 30000" in picture
    assert "ln-over" not in picture


@pytest.mark.parametrize(("amounts", "above"), [((20000,), False), ((20000, 10000), False), ((20000, 10001), True)])
def test_only_what_lies_above_the_limit_is_red(amounts: tuple[int, ...], above: bool) -> None:
    picture = drawn(totals(*amounts))
    assert ("ln-over" in picture) is above
    assert ('class="t-tot"' in picture) is above


def test_what_does_not_count_is_a_cross_and_never_a_step() -> None:
    picture = drawn(totals(20000, skipped=3))
    assert picture.count('class="x"') == 3
    assert picture.count("<circle") == 1


def test_a_thousand_entries_have_no_dots_but_the_one_in_question() -> None:
    assert drawn(totals(*[10] * 1000)).count("<circle") == 1


@pytest.mark.parametrize(
    ("used", "limit", "new", "kinds"),
    [
        (0, 100, 0, []),
        (50, 100, 0, ["m-use"]),
        (100, 100, 0, ["m-use"]),
        (150, 100, 0, ["m-use", "m-over", "m-lim"]),
        (50, 100, 30, ["m-use", "m-new", "m-gap"]),
        (50, 100, 80, ["m-use", "m-new", "m-newover", "m-gap", "m-lim"]),
        (120, 100, 10, ["m-use", "m-over", "m-newover", "m-gap", "m-lim"]),
        (10, 0, 0, ["m-over", "m-lim"]),
        (0, 0, 0, []),
    ],
)
def test_a_meter_shows_what_is_used_new_and_over(used: int, limit: int, new: int, kinds: list[str]) -> None:
    picture = str(charts.meter(used, limit, new=new, said="so much"))
    assert re.findall(r'class="(m-(?!track)\w+)"', picture) == kinds
    assert all(0 <= float(one) <= 160 for one in re.findall(r'(?:width|x1)="([\d.]+)"', picture))


@pytest.mark.parametrize("place", [(date(2026, 5, 4), "vio_1"), (3, "vio_1"), (-4, "x"), ("vio_1",)])
def test_a_place_is_read_as_it_was_written(place: tuple[object, ...]) -> None:
    assert places.read(places.write(*place), *map(type, place)) == place


@pytest.mark.parametrize("word", ["", "rubbish", "W10", "WzFd", "eyJhIjoxfQ", "A" * 500, "WyJkYXRlOngiLCAiYSJd"])
def test_a_place_that_is_none_is_none(word: str) -> None:
    assert places.read(word, date, str) is None


@pytest.mark.parametrize(
    "path", ["//x", "https://x", "/console//x", "/x", "/console/sign-in", "/console/\\x", "/console/a\nb"]
)
def test_no_page_of_others_is_led_to(path: str) -> None:
    assert inside(path) == "/console/home"
