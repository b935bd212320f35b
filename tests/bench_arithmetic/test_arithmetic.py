"""The bench's own sums, by hand."""

from __future__ import annotations

import os

import pytest

from bench import load, processes, report, scaling
from bench.arithmetic import percentile, ratios, shown, spread
from bench.load import Load
from bench.rows import NAMES, ROWS, Row, needed
from bench.sides import Side


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        pytest.param([3.0], 3.0, id="one round is its own middle"),
        pytest.param([9.0, 1.0, 2.0], 2.0, id="odd: the one in the middle"),
        pytest.param([4.0, 1.0, 2.0, 9.0], 3.0, id="even: between the two in the middle"),
    ],
)
def test_the_median_stands_between_the_least_and_the_most(values, middle):
    assert spread(values) == (middle, min(values), max(values))


def test_a_ratio_is_taken_within_its_round():
    # The machine was twice as slow in the second round, for both.
    assert ratios([1000.0, 500.0], [500.0, 250.0]) == [2.0, 2.0]


def test_rounds_that_do_not_pair_up_are_no_ratio():
    with pytest.raises(ValueError, match="argument 2"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("share", "value"),
    [
        pytest.param(0.5, 50.0, id="the median of 1 to 100"),
        pytest.param(0.99, 99.0, id="99 in 100 are not above the 99th"),
        pytest.param(1.0, 100.0, id="all"),
        pytest.param(0.0, 1.0, id="none is not below the first"),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(share, value):
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


@pytest.mark.parametrize("sum_up", [spread, lambda values: percentile(values, 0.5)])
def test_nothing_has_no_middle(sum_up):
    with pytest.raises(ValueError, match="no values"):
        sum_up([])


@pytest.mark.parametrize(
    ("value", "text"), [(1279.4, "1279"), (34.24, "34.2"), (0.9131, "0.91"), (2.0, "2.00"), (100.0, "100")]
)
def test_figures_have_the_digits_that_mean_something(value, text):
    assert shown(value) == text


def test_a_log_of_pgbench_tells_how_long_it_all_took(tmp_path):
    # Client, transaction, microseconds, script, and the end in seconds and microseconds.
    (tmp_path / "transactions.1").write_text("0 1 250000 0 1000 250000\n1 1 500000 0 1000 500000\n")
    (tmp_path / "transactions.1.1").write_text("2 1 750000 0 1002 0\n")
    latencies, first, last = load._transactions(tmp_path)
    assert sorted(latencies) == [250.0, 500.0, 750.0]
    assert (first, last) == (1000.0, 1002.0)


def test_a_process_is_below_itself_its_parent_and_theirs():
    parents = {4: 3, 3: 2, 2: 1, 5: 1}
    assert [one for one in (2, 3, 4, 5) if processes._is_below(one, 2, parents)] == [2, 3, 4]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc")
def test_our_own_work_is_counted():
    before = processes.cpu_seconds(os.getpid())
    while processes.cpu_seconds(os.getpid()) <= before:
        pass


def test_every_row_can_be_asked_for_and_needs_its_own_sides_only():
    assert set(NAMES) == {row.name for row in ROWS}
    assert needed([row for row in ROWS if row.name == "orm"]) == ["post", "orm"]


def side(title: str, *wrong: str, reference: bool = False) -> Side:
    """Does 100 things in half a second, each in 5 ms, and keeps books with these faults."""
    return Side(
        title, lambda _seconds, _seed: Load(100, 0.5, 5, 6, 7, 80), books=lambda _: list(wrong), reference=reference
    )


def test_a_row_without_another_side_is_the_figure_itself():
    one = side("alone")
    one.measure(1, 1)
    row = Row("start", "ms", "alone", "", lambda measured: measured.p50_ms)
    assert row.ratio({"alone": one}).middle == 5
    assert needed([row]) == ["alone"]


def test_a_reference_that_loses_entries_is_shown_as_one_that_does():
    theirs = side("a fast one", "99 entries after 100 were answered for", reference=True)
    theirs.measure(1, 1)
    assert theirs.rounds[0].rate == 200
    printed = "\n".join(report.lines({}, {"theirs": theirs}, []))
    assert "WRONG BOOKS: a fast one: 99 entries after 100 were answered for" in printed


def test_the_service_is_not_measured_where_it_loses_entries():
    with pytest.raises(RuntimeError, match="99 entries after 100"):
        side("ours", "99 entries after 100 were answered for").measure(1, 1)


def test_the_arithmetic_of_larger_firms_can_be_followed():
    rounds = [{"rate": 500.0, "app_us": 1000.0, "database_us": 500.0}]
    figures = {
        "machine": {"machine": "2 cores"},
        "sides": {"post": {"rounds": rounds}},
        "stored": {"entries": 1_000_000, "bytes": 2**30 * 10},
    }
    said = "\n".join(scaling.lines(figures))
    # 10,000 x 1,000 us is 10 cores, which are 20 at half their time.
    assert "10,000 entries/s: service 20 cores, PostgreSQL 10 cores; 864.0 million entries in a day" in said
    assert "100 entries/s: service 0.20 cores, PostgreSQL 0.10 cores" in said
    assert "10,000,000,000 entries: 100,000.0 GiB (arithmetic, not run)" in said
