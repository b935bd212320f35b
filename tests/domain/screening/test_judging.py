"""Judging: totals, limits and outcomes for every measure, basis and period, and the fast path beside the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Standing
from app.domain.policies import Basis, Dated, ItemFloor, Measure, Period, PeriodType, Policy, PolicyBook, Rule
from app.domain.screening import Assessment, Line, Outcome, assess, judge, results, span
from app.domain.screening.periods import year_end
from tests.domain.screening.cast import (
    DANA,
    EVERYTHING,
    HOSTED,
    LENA,
    MAY_4,
    OMAR,
    WARNS,
    answers,
    counted,
    dinner,
    gift,
    of_one,
    prohibited,
    rule,
)

DAY = timedelta(days=1)
LEAP_DAY = date(2028, 2, 29)
NEVER_BACK = {"standing": Standing.CANCELLED}


# Limits


@pytest.mark.parametrize(
    ("under", "amount", "outcome"),
    [
        pytest.param(rule(), "299.99", "within", id="a cent under the limit"),
        pytest.param(rule(), "300.00", "within", id="the limit itself"),
        pytest.param(rule(), "300.01", "violation", id="a cent over the limit"),
        pytest.param(rule(exceed_at_limit=True), "299.99", "within", id="a cent under a limit that is itself too much"),
        pytest.param(rule(exceed_at_limit=True), "300.00", "violation", id="a limit that is itself too much"),
        pytest.param(rule(**WARNS), "239.99", "within", id="a cent before the warning"),
        pytest.param(rule(**WARNS), "240.00", "warning", id="four fifths of the limit"),
        pytest.param(rule(**WARNS), "300.00", "warning", id="a warning at the limit"),
        pytest.param(rule(**WARNS), "300.01", "violation", id="a violation needs no warning"),
        pytest.param(rule("0.00"), "0.01", "violation", id="anything, where nothing is allowed"),
        pytest.param(rule("0.00", **WARNS), "0.01", "violation", id="with warnings of nothing"),
        pytest.param(rule(cash_prohibited=True), "0.01", "within", id="a cash ban is for cash"),
    ],
)
def test_one_gift_beside_the_limit(under, amount, outcome):
    assert of_one(under, [gift(amount)]) == [(amount, amount, outcome)]


@pytest.mark.parametrize(
    ("under", "entry", "answer"),
    [
        pytest.param(
            rule(cash_prohibited=True),
            gift("0.01", flags={"cash_equivalent"}),
            ("0.01", "0.01", "violation"),
            id="cash of any worth",
        ),
        pytest.param(
            rule(cash_prohibited=True),
            gift("5.00", flags={"cash_equivalent"}, **NEVER_BACK),
            ("0.00", "0.00", "cancelled"),
            id="cash that was never given",
        ),
        pytest.param(
            rule(cash_prohibited=True),
            gift("5.00", flags={"cash_equivalent"}, repaid=5_00),
            ("0.00", "0.00", "violation"),
            id="cash that was paid back",
        ),
        pytest.param(
            prohibited("bribe"), gift("5.00", flags={"bribe"}), ("5.00", "5.00", "violation"), id="what is forbidden"
        ),
        pytest.param(
            prohibited("bribe"),
            gift("5.00", flags={"bribe"}, repaid=5_00),
            ("0.00", "0.00", "violation"),
            id="what is forbidden, though paid back",
        ),
        pytest.param(
            prohibited("bribe"),
            gift("5.00", flags={"bribe"}, **NEVER_BACK),
            ("0.00", "0.00", "cancelled"),
            id="what is forbidden, but was withdrawn",
        ),
        pytest.param(
            rule(exceed_at_limit=True, limit="0.00"),
            gift("5.00", repaid=5_00),
            ("0.00", "0.00", "within"),
            id="nothing at a limit of nothing",
        ),
    ],
)
def test_what_is_flagged_whatever_it_is_worth(under, entry, answer):
    assert of_one(under, [entry]) == [answer]


def test_the_limit_of_the_day_holds():
    """FINRA Regulatory Notice 26-05: 300.00 USD from 2026-03-30, 100.00 USD before."""
    changed = rule(limit_schedule=(Dated(100_00, None, date(2026, 3, 29)), Dated(300_00, date(2026, 3, 30), None)))
    entries = [gift("150.00", date(2026, 3, 29)), gift("100.00", date(2026, 3, 30)), gift("50.01", date(2026, 4, 1))]
    assert of_one(changed, entries) == [
        ("150.00", "150.00", "violation"),
        ("100.00", "250.00", "within"),
        ("50.01", "300.01", "violation"),
    ]


def test_a_day_without_a_limit_adds_nothing_to_later_totals():
    gap = rule(limit_schedule=(Dated(300_00, None, MAY_4), Dated(300_00, MAY_4 + 2 * DAY, None)))
    entries = [gift("100.00"), gift("150.00", MAY_4 + DAY), gift("120.00", MAY_4 + 2 * DAY)]
    assert of_one(gap, entries) == [("100.00", "100.00", "within"), ("120.00", "220.00", "within")]


# Totals


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        pytest.param(
            [gift("250.00"), gift("75.00", MAY_4 + DAY)],
            [("250.00", "250.00", "within"), ("75.00", "325.00", "violation")],
            id="the one that crosses the limit carries the breach",
        ),
        pytest.param(
            [gift("75.00", MAY_4 + DAY), gift("250.00")],
            [("75.00", "325.00", "violation"), ("250.00", "250.00", "within")],
            id="a back-dated gift counts before it",
        ),
        pytest.param(
            [gift("250.00"), gift("75.00"), gift("10.00")],
            [("250.00", "250.00", "within"), ("75.00", "325.00", "violation"), ("10.00", "335.00", "violation")],
            id="on one day, in the order of record",
        ),
        pytest.param(
            [gift("250.00"), gift("75.00", **NEVER_BACK), gift("50.00")],
            [("250.00", "250.00", "within"), ("0.00", "250.00", "cancelled"), ("50.00", "300.00", "within")],
            id="what was withdrawn leaves the total as it was",
        ),
        pytest.param(
            [gift("400.00"), gift("10.00", repaid=10_00)],
            [("400.00", "400.00", "violation"), ("0.00", "400.00", "within")],
            id="what counts nothing is not flagged for the others",
        ),
        pytest.param(
            [gift("200.00", giver="rhea"), gift("150.00", giver="ravi")],
            [("200.00", "200.00", "within"), ("150.00", "350.00", "violation")],
            id="all of our people share one allowance",
        ),
    ],
)
def test_gifts_of_a_year_add_up(entries, found):
    assert of_one(rule(), entries) == found


def test_an_excluded_gift_between_two_shows_the_total_so_far():
    floor = rule(item_floor=ItemFloor(20_00, inclusive=True))
    assert of_one(floor, [gift("100.00"), gift("20.00"), gift("30.00")]) == [
        ("100.00", "100.00", "within"),
        ("0.00", "100.00", "below_item_floor"),
        ("30.00", "130.00", "within"),
    ]


def test_events_are_counted_once_for_each_person():
    twice = counted("1", **WARNS)
    entries = [dinner("90.00", MAY_4, DANA, OMAR), dinner("5.00", MAY_4 + DAY, DANA)]
    assert answers(twice, entries) == [
        ("dana", ("1", "1", "warning")),
        ("omar", ("1", "1", "warning")),
        ("dana", ("1", "2", "violation")),
    ]


# Bases


AT_CALDER = replace(DANA, employer_id="calder")


@pytest.mark.parametrize(
    ("basis", "found"),
    [
        pytest.param(
            Basis.PER_RECIPIENT,
            [("dana", "10.00"), ("dana", "30.00"), ("omar", "40.00"), ("dana", "110.00")],
            id="a person, wherever they work",
        ),
        pytest.param(
            Basis.PER_RECIPIENT_EMPLOYER,
            [("dana", "10.00"), ("dana", "30.00"), ("omar", "40.00"), ("dana", "80.00")],
            id="a person at an employer",
        ),
        pytest.param(
            Basis.PER_EMPLOYER,
            [("northgate", "10.00"), ("northgate", "30.00"), ("northgate", "70.00"), ("calder", "80.00")],
            id="an employer's people",
        ),
        pytest.param(
            Basis.PER_GIVER_RECIPIENT,
            [("dana", "10.00"), ("dana", "20.00"), ("omar", "40.00"), ("dana", "90.00")],
            id="a giver and a person",
        ),
    ],
)
def test_whose_shares_add_up(basis, found):
    entries = [
        gift("10.00", MAY_4, DANA, giver="rhea"),
        gift("20.00", MAY_4 + DAY, DANA, giver="ravi"),
        gift("40.00", MAY_4 + 2 * DAY, OMAR, giver="ravi"),
        gift("80.00", MAY_4 + 3 * DAY, AT_CALDER, giver="rhea"),
    ]
    assert [(shown, total) for shown, (_, total, _) in answers(rule(basis=basis), entries)] == found


def test_an_employers_people_on_one_entry_are_one_result():
    under = rule(basis=Basis.PER_EMPLOYER)
    assert answers(under, [gift("100.00", MAY_4, DANA, LENA, OMAR)]) == [
        ("northgate", ("66.67", "66.67", "within")),
        ("calder", ("33.33", "33.33", "within")),
    ]


def test_somebody_without_an_employer_has_no_result_by_employer():
    assert answers(rule(basis=Basis.PER_EMPLOYER), [gift("9.00", MAY_4, replace(DANA, employer_id=None))]) == []


# Periods


def totals(period: PeriodType, *days: date, start_month: int = 1) -> list[str]:
    """The total after each of several gifts of 100.00."""
    under = rule("1000.00", period=Period(period, start_month))
    return [total for _, total, _ in of_one(under, [gift("100.00", on) for on in days])]


@pytest.mark.parametrize(
    ("period", "days", "found"),
    [
        pytest.param(
            PeriodType.CALENDAR_YEAR,
            (date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)),
            ["100.00", "200.00", "100.00"],
            id="a calendar year starts anew on 1 January",
        ),
        pytest.param(
            PeriodType.ROLLING_365D,
            (MAY_4, MAY_4 + 364 * DAY, MAY_4 + 365 * DAY),
            ["100.00", "200.00", "200.00"],
            id="the day and the 364 before it",
        ),
        pytest.param(
            PeriodType.ROLLING_12M,
            (MAY_4, date(2027, 5, 3), date(2027, 5, 4)),
            ["100.00", "200.00", "200.00"],
            id="twelve months without the same day a year before",
        ),
        pytest.param(
            PeriodType.ROLLING_12M,
            (date(2028, 2, 29), date(2029, 2, 28), date(2029, 3, 1)),
            ["100.00", "200.00", "200.00"],
            id="a leap day is in the twelve months that end with 28 February",
        ),
        pytest.param(
            PeriodType.PER_EVENT,
            (MAY_4, MAY_4, MAY_4 + DAY),
            ["100.00", "100.00", "100.00"],
            id="every event by itself",
        ),
        pytest.param(
            PeriodType.FIRST_GIFT_YEAR,
            (MAY_4, date(2027, 5, 3), date(2027, 5, 4), date(2027, 6, 1)),
            ["100.00", "200.00", "100.00", "200.00"],
            id="a year from the first gift, then from the next",
        ),
        pytest.param(
            PeriodType.FIRST_GIFT_YEAR,
            (LEAP_DAY, date(2029, 2, 28), date(2029, 3, 1)),
            ["100.00", "200.00", "100.00"],
            id="a year from a leap day ends with 28 February",
        ),
    ],
)
def test_which_gifts_add_up(period, days, found):
    assert totals(period, *days) == found


def test_a_fiscal_year_starts_anew_in_its_month():
    days = (date(2026, 6, 30), date(2026, 7, 1), date(2027, 6, 30))
    assert totals(PeriodType.FISCAL_YEAR, *days, start_month=7) == ["100.00", "100.00", "200.00"]


def test_what_does_not_count_opens_no_year_of_first_gifts():
    under = rule(period=Period(PeriodType.FIRST_GIFT_YEAR), item_floor=ItemFloor(20_00, inclusive=True))
    days = [
        ("20.00", MAY_4),
        ("100.00", MAY_4 + 30 * DAY),
        ("20.00", MAY_4 + 400 * DAY),
        ("50.00", MAY_4 + 401 * DAY),
    ]
    assert of_one(under, [gift(amount, on) for amount, on in days]) == [
        ("0.00", "0.00", "below_item_floor"),
        ("100.00", "100.00", "within"),
        ("0.00", "0.00", "below_item_floor"),
        ("50.00", "50.00", "within"),
    ]


def test_the_period_shown_is_the_one_that_was_added_up():
    under = rule(period=Period(PeriodType.FIRST_GIFT_YEAR))
    policy = Policy("policy", 1, "Policy", date.min, (under,))
    entries = [replace(gift("9.00", on), id=str(on), sequence=1) for on in (MAY_4, date(2027, 1, 1), date(2027, 6, 1))]
    shown = [(one.period.start, one.period.end) for one in results(PolicyBook([policy]), entries)]
    first, second = (MAY_4, date(2027, 5, 3)), (date(2027, 6, 1), date(2028, 5, 31))
    assert shown == [first, first, second]


# Versions of the policy


def test_each_day_is_judged_by_the_version_in_force_and_a_version_counts_in_its_own_way():
    """From June on dinners count too, and those of May with them; what May was told stays."""
    before = Policy("one", 1, "One", date.min, (rule("100.00"),))
    after = Policy("two", 2, "Two", date(2026, 6, 1), (rule("100.00", counts=EVERYTHING),))
    entries = [
        replace(one, id=f"entry {place}", sequence=place)
        for place, one in enumerate([dinner("60.00", hosts=()), gift("30.00"), gift("30.00", date(2026, 6, 1))])
    ]
    found = {one.line.entry_id: (one.aggregate, one.outcome) for one in results(PolicyBook([before, after]), entries)}
    assert found == {
        "entry 0": (0, Outcome.EXCLUDED),
        "entry 1": (30_00, Outcome.WITHIN),
        "entry 2": (120_00, Outcome.VIOLATION),
    }
    assert [one.line.entry_id for one in results(PolicyBook([before, after]), entries, of=[after])] == ["entry 2"]


# The fast path


PERIODS = [
    *(Period(type) for type in PeriodType if type is not PeriodType.FISCAL_YEAR),
    *(Period(PeriodType.FISCAL_YEAR, month) for month in (2, 3, 7)),
]
FIRST_DAY = date(2027, 1, 1)
lines = st.builds(
    lambda day, sequence, amount, exclusion: Line(
        "rule", "dana", "dana", f"entry {sequence}", day, sequence, 0 if exclusion else amount, exclusion, False
    ),
    st.dates(FIRST_DAY, date(2029, 12, 31)) | st.sampled_from([LEAP_DAY, LEAP_DAY - DAY, LEAP_DAY + 366 * DAY]),
    st.integers(1, 10**6),
    st.integers(0, 400_00),
    st.sampled_from([None, None, None, "returned"]),
)
histories = st.lists(lines, max_size=25, unique_by=lambda line: line.sequence)
rules = st.builds(
    lambda period, limit, at_limit, warns: rule(
        limit, period=period, exceed_at_limit=at_limit, **(WARNS if warns else {})
    ),
    st.sampled_from(PERIODS),
    st.sampled_from(["0.00", "100.00", "300.00"]),
    st.booleans(),
    st.booleans(),
)


def one_by_one(under: Rule, history: Sequence[Line]) -> list[Assessment]:
    """Each line judged from a total of what its period held before it: what the service does with a stored total."""
    ordered = sorted(history, key=lambda line: (line.occurred_on, line.sequence))
    found: list[Assessment] = []
    opened: date | None = None
    for place, line in enumerate(ordered):
        period = span(under.period, line.occurred_on)
        if under.period.type is PeriodType.FIRST_GIFT_YEAR:
            if opened is None or line.occurred_on > year_end(opened):
                opened = line.occurred_on if line.counted else None
            period = period._replace(
                start=opened or line.occurred_on, end=year_end(opened) if opened else line.occurred_on
            )
        alone = under.period.type is PeriodType.PER_EVENT
        earlier = [] if alone else [one for one in ordered[:place] if one.occurred_on >= period.start]
        found.append(assess(under, line, prior=sum(one.counted for one in earlier), period=period))
    return found


@given(rules, histories)
def test_one_line_after_the_other_is_judged_as_in_a_replay_of_the_whole(under, history):
    assert one_by_one(under, history) == list(judge(history, lambda _: under))


@given(rules, histories, st.randoms(use_true_random=False))
def test_a_replay_does_not_depend_on_the_order_in_which_it_is_told(under, history, chance):
    told = chance.sample(history, len(history))
    assert list(judge(told, lambda _: under)) == list(judge(history, lambda _: under))


@given(rules, histories, lines)
def test_a_line_changes_no_total_before_it_nor_beyond_the_end_of_its_period(under, history, line):
    line = line._replace(sequence=10**6 + 1)
    before = {one.line: one for one in judge(history, lambda _: under)}
    after = {one.line: one for one in judge([*history, line], lambda _: under)}
    for other, was in before.items():
        if after[other] != was:
            assert other.occurred_on > line.occurred_on


@given(rules, histories)
def test_every_answer_follows_from_its_own_figures(under, history):
    for one in judge(history, lambda _: under):
        over = one.aggregate >= one.limit if under.exceed_at_limit else one.aggregate > one.limit
        near = under.warn_at is not None and one.aggregate >= under.warn_at * one.limit
        if one.line.exclusion is not None:
            assert one.outcome is Outcome.EXCLUDED
        elif one.line.counted == 0:
            assert one.outcome is Outcome.WITHIN
        else:
            assert one.outcome is (Outcome.VIOLATION if over else Outcome.WARNING if near else Outcome.WITHIN)


def test_there_is_nothing_to_judge_on_a_day_without_a_limit():
    line = Line("rule", "dana", "dana", "entry", MAY_4, 1, 9_00, None, False)
    with pytest.raises(ValueError, match="no limit"):
        assess(rule(limit_schedule=(Dated(1, MAY_4 + DAY),)), line, prior=0)


def test_the_measures_and_bases_that_there_are_stand_in_these_tables():
    assert set(Measure) == {Measure.AMOUNT, Measure.COUNT, Measure.PROHIBITION}
    assert len(Basis) == 4
    assert len(PeriodType) == 6
    assert EVERYTHING > HOSTED
