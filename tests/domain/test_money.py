"""Money: decimal strings read and written without loss, converted half up, and divided so that nothing is lost."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.money import Currency, convert, divide, format_minor, parse_minor, parse_rate

exponents = st.sampled_from([0, 2, 3, 4])
amounts = st.integers(0, 10**15)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=200).filter(any)
rates = st.builds(
    lambda whole, decimals: f"{whole}.{decimals}" if decimals else f"{whole}",
    st.integers(0, 10**9 - 1),
    st.text("0123456789", max_size=12),
).filter(lambda rate: Decimal(rate) > 0)


# Reading and writing


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        pytest.param("125.00", 2, 12500, id="dollars and cents"),
        pytest.param("125", 2, 12500, id="whole dollars"),
        pytest.param("0.5", 2, 50, id="one decimal"),
        pytest.param("1.2300", 2, 123, id="zeros beyond the cents"),
        pytest.param("4000", 0, 4000, id="yen"),
        pytest.param("4000.00", 0, 4000, id="yen with zeros"),
        pytest.param("1.234", 3, 1234, id="dinars"),
        pytest.param("007.00", 2, 700, id="leading zeros"),
    ],
)
def test_an_amount_is_read(text, exponent, minor):
    assert parse_minor(text, exponent) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1,000.00",
        "1.005",
        "-1.00",
        "+1.00",
        "1e3",
        "1.",
        ".5",
        "NaN",
        "Infinity",
        "1_000",
        "٣",
        "１",
        "1.00 ",
        "0x10",
    ],
)
def test_anything_else_is_not_an_amount(text):
    with pytest.raises(ValueError, match=r"decimal"):
        parse_minor(text, 2)


@given(amounts, exponents)
def test_what_is_written_is_read_as_the_same(minor, exponent):
    text = format_minor(minor, exponent)
    assert text == f"{Decimal(minor).scaleb(-exponent):f}"
    if minor < 10 ** (13 + exponent):
        assert parse_minor(text, exponent) == minor


@given(st.text(max_size=20), exponents)
def test_whatever_is_read_is_exactly_what_was_written(text, exponent):
    try:
        minor = parse_minor(text, exponent)
    except ValueError:
        return
    assert Decimal(text) == Decimal(minor).scaleb(-exponent)


@pytest.mark.parametrize("text", ["", "0", "0.000", "-1", "1e3", "1,08", "NaN", "1.0000000000001"])
def test_a_rate_is_a_positive_decimal(text):
    with pytest.raises(ValueError, match="positive decimal"):
        parse_rate(text)


@given(rates)
def test_a_rate_is_exact(text):
    rate = parse_rate(text)
    assert Fraction(rate.numerator, 10**rate.scale) == Fraction(text)
    assert Decimal(str(rate)) == Decimal(text)


# Converting


@given(amounts, exponents, exponents, rates)
@example(1, 2, 2, "0.5")  # half a cent goes up
@example(1, 2, 2, "0.499999999999")
@example(3, 2, 2, "0.5")
def test_conversion_rounds_half_up_to_the_minor_unit(minor, from_exponent, to_exponent, rate):
    source, target = Currency("AAA", from_exponent), Currency("BBB", to_exponent)
    with localcontext(prec=60):
        exact = Decimal(minor).scaleb(-from_exponent) * Decimal(rate)
        rounded = int(exact.scaleb(to_exponent).quantize(Decimal(1), ROUND_HALF_UP))
    assert convert(minor, source, target, parse_rate(rate)) == rounded


@given(amounts, exponents)
def test_at_the_rate_of_one_nothing_changes(minor, exponent):
    currency = Currency("AAA", exponent)
    assert convert(minor, currency, currency, parse_rate("1")) == minor


@given(amounts, amounts, rates)
def test_more_is_never_converted_to_less(one, other, rate):
    less, more = sorted((one, other))
    dollars, yen = Currency("USD", 2), Currency("JPY", 0)
    assert convert(less, yen, dollars, parse_rate(rate)) <= convert(more, yen, dollars, parse_rate(rate))


# Dividing


@pytest.mark.parametrize(
    ("total", "among", "parts"),
    [
        pytest.param(30000, [1, 1, 1], [10000, 10000, 10000], id="without a remainder"),
        pytest.param(10000, [1, 1, 1], [3334, 3333, 3333], id="the spare cent to the first"),
        pytest.param(10001, [1, 1, 1], [3334, 3334, 3333], id="two spare cents to the first two"),
        pytest.param(1, [1, 1, 1], [1, 0, 0], id="a single cent"),
        pytest.param(0, [1, 1], [0, 0], id="nothing"),
        pytest.param(100, [0, 1, 1, 1], [0, 34, 33, 33], id="no spare cent to who has no part"),
        pytest.param(9000, [5000, 3000, 1000], [5000, 3000, 1000], id="by stated shares"),
        pytest.param(8100, [5000, 3000, 1000], [4500, 2700, 900], id="by stated shares of another worth"),
        pytest.param(100, [1], [100], id="all to one"),
    ],
)
def test_a_sum_is_divided(total, among, parts):
    assert divide(total, among) == parts


@given(amounts, weights)
def test_the_parts_add_back_to_the_total(total, among):
    assert sum(divide(total, among)) == total


@given(amounts, weights)
def test_every_part_is_within_a_unit_of_its_exact_part(total, among):
    whole = sum(among)
    for part, weight in zip(divide(total, among), among, strict=True):
        assert 0 <= part - total * weight // whole <= 1
        assert weight or part == 0


@given(amounts, st.integers(1, 200))
def test_equal_parts_differ_by_a_unit_at_most_and_the_first_have_the_larger(total, heads):
    parts = divide(total, [1] * heads)
    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1
