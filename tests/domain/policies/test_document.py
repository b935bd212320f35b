"""A policy document: what is refused and in which words, and what its keys mean, also when they are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Kind
from app.domain.money import Currency, Rate
from app.domain.policies import (
    CLAIMS,
    FORM,
    Authority,
    Basis,
    Dated,
    InvalidPolicy,
    ItemFloor,
    Measure,
    Period,
    PeriodType,
    Rule,
    Settings,
    Valuation,
)
from app.domain.refusals import Fault
from tests.domain.policies.written import (
    ALWAYS,
    FROM_MARCH,
    LEFT_OUT,
    TO_MARCH,
    document,
    only,
    prohibition,
    read,
    rows,
    rule,
)


def faults(policy: Any) -> Sequence[Fault]:
    with pytest.raises(InvalidPolicy) as refused:
        read(policy)
    assert refused.value.faults
    return refused.value.faults


# Refusals: the document, the pointer, the code, and words that the message must hold.

OF_THE_DOCUMENT = [
    pytest.param([], "", "wrong_type", ["key by key", "rules", "a list"], id="a list"),
    pytest.param(None, "", "wrong_type", ["null"], id="nothing"),
    pytest.param({}, "/rules", "missing", ["rules", "is missing"], id="no rules"),
    pytest.param({"rules": []}, "/rules", "empty", ["rules", "at least 1"], id="an empty list of rules"),
    pytest.param(
        {"rules": {"gifts": rule()}}, "/rules", "wrong_type", ["write a list", "a mapping"], id="rules by key"
    ),
    pytest.param({"rules": [rule()] * 201}, "/rules", "too_many", ["201", "at most 200"], id="very many rules"),
    pytest.param({"rules": ["gifts"]}, "/rules/0", "wrong_type", ["rule 1", "key by key"], id="a rule that is a word"),
    pytest.param(
        {"ruels": [], "rules": [rule()]}, "/ruels", "unknown_key", ["did you mean rules?"], id="a typing error"
    ),
    pytest.param(
        {"zzz": 1, "rules": [rule()]},
        "/zzz",
        "unknown_key",
        ["name, description, rules, settings"],
        id="unlike any key",
    ),
    pytest.param({7: 1, "rules": [rule()]}, "/7", "unknown_key", ["no such key"], id="a key that is a number"),
    pytest.param({"a/b~c": 1, "rules": [rule()]}, "/a~1b~0c", "unknown_key", ["a/b~c"], id="a pointer is escaped"),
    pytest.param({"name": 7, "rules": [rule()]}, "/name", "wrong_type", ["name", "text"], id="a name that is a number"),
    pytest.param({"name": " ", "rules": [rule()]}, "/name", "empty", ["blank"], id="a blank name"),
    pytest.param({"name": "x" * 201, "rules": [rule()]}, "/name", "too_long", ["201", "at most 200"], id="a long name"),
    pytest.param({"name": "a\0b", "rules": [rule()]}, "/name", "bad_text", ["control"], id="a name with a NUL"),
    pytest.param({"name": "a\ud800b", "rules": [rule()]}, "/name", "bad_text", ["control"], id="half a character"),
    pytest.param({"settings": [], "rules": [rule()]}, "/settings", "wrong_type", ["settings"], id="settings in a list"),
    pytest.param(
        document(rule(), rule()), "/rules/1/id", "duplicate", ["rule gifts, id", "another rule"], id="an id twice"
    ),
    pytest.param(
        document(rule(), rule(id="meals", currency="EUR")),
        "/rules/1/currency",
        "mixed_currencies",
        ["rule meals", "EUR", "USD", "one currency"],
        id="two currencies",
    ),
]

OF_A_RULE = [
    *(
        pytest.param(
            {key: LEFT_OUT},
            f"/{key}",
            "missing",
            ["gifts" if key != "id" else "rule 1", key, "is missing"],
            id=f"no {key}",
        )
        for key in ("id", "name", "measure", "limit_schedule", "currency", "period")
    ),
    pytest.param(
        {"exceeds": "gt"}, "/exceeds", "unknown_key", ["rule gifts", "did you mean exceed?"], id="typing error"
    ),
    pytest.param({"id": "two words"}, "/id", "bad_id", ["letters, digits", "'two words'"], id="an id of two words"),
    pytest.param({"id": ""}, "/id", "bad_id", ["''"], id="an empty id"),
    pytest.param({"name": None}, "/name", "wrong_type", ["null"], id="a name that is null"),
    pytest.param({"measure": "sum"}, "/measure", "not_allowed", ["amount, count, prohibition", "'sum'"], id="measure"),
    pytest.param(
        {"measure": "amonut"}, "/measure", "not_allowed", ["did you mean amount?"], id="measure, typing error"
    ),
    pytest.param(
        {"exceed": "over"}, "/exceed", "not_allowed", ["rule gifts, exceed", "gt, gte", "'over'"], id="exceed"
    ),
    pytest.param({"basis": "per_client"}, "/basis", "not_allowed", ["per_recipient", "per_employer"], id="basis"),
    pytest.param(
        {"direction": ["given"]}, "/direction", "not_allowed", ["given, received, both", "a list"], id="direction"
    ),
    pytest.param({"counts": []}, "/counts", "empty", ["counts", "at least 1"], id="no kinds"),
    pytest.param({"counts": "gift"}, "/counts", "wrong_type", ["write a list", "'gift'"], id="a kind outside a list"),
    pytest.param({"counts": ["gifts"]}, "/counts/0", "not_allowed", ["did you mean gift?"], id="kind"),
    pytest.param({"counts": ["gift", "gift"]}, "/counts/1", "duplicate", ["listed twice"], id="a kind twice"),
    pytest.param({"applies_to": []}, "/applies_to", "empty", ["applies_to"], id="nobody"),
    pytest.param({"applies_to": ["Union"]}, "/applies_to/0", "bad_word", ["small letters", "'Union'"], id="a type"),
    pytest.param({"excludes": ["birthday"]}, "/excludes/0", "not_allowed", list(CLAIMS), id="claim"),
    pytest.param({"valuation": "price"}, "/valuation", "not_allowed", ["cost", "market", "'price'"], id="valuation"),
    pytest.param({"cash": "no"}, "/cash", "not_allowed", ["counted, prohibited"], id="cash"),
    pytest.param({"cleared_by": "officer"}, "/cleared_by", "not_allowed", ["prior_approval"], id="cleared_by"),
    pytest.param({"repay_nets": "yes"}, "/repay_nets", "wrong_type", ["true or false", "'yes'"], id="a word for true"),
    pytest.param({"repay_nets": 1}, "/repay_nets", "wrong_type", ["true or false"], id="a number for true"),
    pytest.param({"authority": "FINRA"}, "/authority", "not_allowed", ["regulator, firm"], id="authority"),
    pytest.param(
        {"severity": "hgih"}, "/severity", "not_allowed", ["low, medium, high, critical", "mean high?"], id="grave"
    ),
    pytest.param({"source": 3220}, "/source", "wrong_type", ["text"], id="source"),
    pytest.param(
        {"currency": "usd"}, "/currency", "unknown_currency", ["ISO 4217", "'usd'"], id="currency in small letters"
    ),
    pytest.param({"currency": "XAU"}, "/currency", "unknown_currency", ["'XAU'"], id="gold"),
    pytest.param({"currency": 840}, "/currency", "unknown_currency", ["a bare number"], id="currency by number"),
    pytest.param({"warn_at": 0.8}, "/warn_at", "bad_ratio", ['"0.80"', "a bare number"], id="a ratio that is a number"),
    pytest.param({"warn_at": "0.00"}, "/warn_at", "bad_ratio", ["above 0"], id="a ratio of nothing"),
    pytest.param({"warn_at": "80"}, "/warn_at", "bad_ratio", ["at most 1"], id="a percentage"),
    pytest.param({"warn_at": "-0.8"}, "/warn_at", "bad_ratio", ["above 0"], id="a negative ratio"),
    pytest.param(
        {"period": "calendar_year"}, "/period", "wrong_type", ["type, start_month"], id="a period that is a word"
    ),
    pytest.param(
        {"period": {}}, "/period/type", "missing", ["calendar_year", "first_gift_year"], id="a period without a type"
    ),
    pytest.param({"period": {"type": "year"}}, "/period/type", "not_allowed", ["fiscal_year"], id="period type"),
    pytest.param(
        {"period": {"type": "calendar_year", "start_month": 7}},
        "/period/start_month",
        "inconsistent",
        ["only a fiscal_year", "calendar_year"],
        id="a calendar year from July",
    ),
    pytest.param(
        {"period": {"type": "fiscal_year"}}, "/period/start_month", "missing", ["1 to 12"], id="fiscal, from when"
    ),
    *(
        pytest.param(
            {"period": {"type": "fiscal_year", "start_month": wrong}},
            "/period/start_month",
            "bad_month",
            ["from 1 to 12"],
            id=f"start_month {wrong!r}",
        )
        for wrong in (0, 13, "7", True, 7.0)
    ),
    pytest.param(
        {"when": "sales"}, "/when", "inconsistent", ["only a prohibition", "amount"], id="an amount with a flag"
    ),
    pytest.param({"when": "Sales Target"}, "/when", "bad_word", ["small letters"], id="a flag of two words"),
    pytest.param(
        {"item_floor": "20.00"}, "/item_floor", "wrong_type", ["amount, operator"], id="a floor that is an amount"
    ),
    pytest.param({"item_floor": {}}, "/item_floor", "inconsistent", ['{lte: "20.00"}'], id="an empty floor"),
    pytest.param(
        {"item_floor": {"amount": "20.00"}}, "/item_floor", "inconsistent", ["operator"], id="a floor without operator"
    ),
    pytest.param({"item_floor": {"lt": "1.00", "lte": "2.00"}}, "/item_floor", "inconsistent", [], id="two floors"),
    pytest.param({"item_floor": {"lt": 20}}, "/item_floor/lt", "bad_amount", ['such as "300.00"'], id="a bare floor"),
    pytest.param(
        {"item_floor": {"amount": "20.00", "operator": "gt"}},
        "/item_floor/operator",
        "not_allowed",
        ["lt, lte"],
        id="a floor from above",
    ),
]

OF_A_SCHEDULE = [
    pytest.param([], "", "empty", ["limit_schedule", "at least 1"], id="empty"),
    pytest.param("300.00", "", "wrong_type", ["write a list"], id="a limit without rows"),
    pytest.param(["300.00"], "/0", "wrong_type", ["row 1", "limit, effective_from"], id="a row that is an amount"),
    pytest.param([{"limt": "1.00"}], "/0/limt", "unknown_key", ["did you mean limit?"], id="a typing error"),
    pytest.param([{}], "/0/limit", "missing", ["only a prohibition"], id="no limit"),
    pytest.param(rows((None, None, None)), "/0/limit", "missing", ["only a prohibition"], id="a limit of null"),
    *(
        pytest.param(
            [{"limit": bare}],
            "/0/limit",
            "bad_amount",
            ["rule gifts", 'write the amount as a quoted string, such as "300.00"', "a bare number"],
            id=f"a bare {type(bare).__name__}",
        )
        for bare in (300, 300.0, float("nan"))
    ),
    pytest.param([{"limit": True}], "/0/limit", "bad_amount", ["quoted string", "true"], id="a truth"),
    *(
        pytest.param(
            [{"limit": wrong}], "/0/limit", "bad_amount", ["quoted string", repr(wrong)], id=f"amount {wrong!r}"
        )
        for wrong in ("", "-1.00", "1,000.00", "$5", "1e3", "1.", ".5", " 1", "١", "12345678901234")
    ),
    pytest.param(
        [{"limit": "300.001"}], "/0/limit", "bad_amount", ["more decimals than USD has (2)"], id="a tenth of a cent"
    ),
    pytest.param(
        rows(("1.00", "2026-03-30", "2026-03-29")),
        "/0/effective_to",
        "bad_date",
        ["2026-03-29 is before effective_from", "2026-03-30"],
        id="backwards",
    ),
    *(
        pytest.param(rows(("1.00", wrong, None)), "/0/effective_from", "bad_date", [words], id=f"day {wrong!r}")
        for wrong, words in (
            ("2026-02-29", "not in the calendar"),
            ("20260330", "such as 2026-03-30"),
            ("2026-W14-1", "such as 2026-03-30"),
            ("30 March", "such as 2026-03-30"),
            (20260330, "a bare number"),
            (datetime(2026, 3, 30), "a datetime"),  # noqa: DTZ001
        )
    ),
    pytest.param(
        rows(("100.00", None, "2026-03-30"), ("300.00", "2026-03-30", None)),
        "/1",
        "overlap",
        ["row 2", "2026-03-30 is in another row"],
        id="one day in two rows",
    ),
    pytest.param(
        rows(("300.00", "2026-03-30", None), ("100.00", None, None)),
        "/0",
        "overlap",
        ["2026-03-30"],
        id="an open row over another",
    ),
    pytest.param(
        rows(("1.00", None, None), ("2.00", None, None)), "/1", "overlap", ["the beginning of time"], id="two open rows"
    ),
]

OF_A_VALUATION = [
    pytest.param([], "", "empty", ["at least 1"], id="empty"),
    pytest.param([{**ALWAYS}], "/0/valuation", "missing", ["cost"], id="rows without a valuation"),
    pytest.param([{"valuation": "face", **ALWAYS}], "/0/valuation", "not_allowed", ["market"], id="another word"),
    pytest.param(
        [{"valuation": "cost", **ALWAYS}, {"valuation": "market", **FROM_MARCH}],
        "/1",
        "overlap",
        ["2026-03-30"],
        id="overlap",
    ),
    pytest.param([{"valuation": "cost", **FROM_MARCH}], "", "gap", ["from ever to 2026-03-29"], id="nothing before"),
    pytest.param([{"valuation": "cost", **TO_MARCH}], "", "gap", ["from 2026-03-30 to ever"], id="nothing after"),
]

OF_A_PROHIBITION = [
    pytest.param({"when": LEFT_OUT}, "/when", "missing", ["flag"], id="without a flag"),
    pytest.param({"warn_at": "0.80"}, "/warn_at", "inconsistent", ["leave warn_at out"], id="with a warning"),
    pytest.param({"period": {"type": "calendar_year"}}, "/period", "inconsistent", ["per_event"], id="over a year"),
    pytest.param(
        {"limit_schedule": rows(("100.00", None, None))},
        "/limit_schedule/0/limit",
        "inconsistent",
        ["a prohibition has no limit"],
        id="with a limit",
    ),
    pytest.param({"limit_schedule": []}, "/limit_schedule", "empty", ["at least 1"], id="with an empty schedule"),
]

OF_A_COUNT = [
    pytest.param("4.5", ["whole number", "'4.5'"], id="half a dinner"),
    pytest.param("four", ["whole number", "'four'"], id="in words"),
    pytest.param(4, ["quoted string", '"4"'], id="a bare number"),
]

OF_THE_SETTINGS = [
    pytest.param({"split": "all"}, "/split", "unknown_key", ["entertainment_split"], id="another key"),
    pytest.param({"host_abscent": "x"}, "/host_abscent", "unknown_key", ["mean host_absent?"], id="a typing error"),
    pytest.param(
        {"entertainment_split": "all"},
        "/entertainment_split",
        "not_allowed",
        ["all_attendees, recipients_only"],
        id="split",
    ),
    pytest.param(
        {"guest_attribution": None},
        "/guest_attribution",
        "not_allowed",
        ["to_client, own_person, not_counted"],
        id="guest",
    ),
    pytest.param({"host_absent": True}, "/host_absent", "not_allowed", ["treat_as_gift, keep_kind", "true"], id="host"),
    pytest.param(
        {"entertainment_tax_tip": "in"}, "/entertainment_tax_tip", "not_allowed", ["include, exclude"], id="tax and tip"
    ),
    pytest.param({"nominal_ceiling": 50}, "/nominal_ceiling", "bad_amount", ['such as "300.00"'], id="a bare ceiling"),
    pytest.param(
        {"nominal_ceiling": "0.005"}, "/nominal_ceiling", "bad_amount", ["decimals than USD"], id="half a cent"
    ),
    pytest.param(
        {"bereavement_relations": "child"}, "/bereavement_relations", "wrong_type", ["list"], id="one relation"
    ),
    pytest.param({"bereavement_relations": [7]}, "/bereavement_relations/0", "bad_word", ["small"], id="relation 7"),
    pytest.param(
        {"aggregate_affiliates": "no"}, "/aggregate_affiliates", "wrong_type", ["true or false"], id="affiliates"
    ),
    pytest.param({"fx": "EUR"}, "/fx", "wrong_type", ["rates by currency", "EUR"], id="no rates by currency"),
    pytest.param({"fx": {"EUR": "1.08"}}, "/fx/EUR", "wrong_type", ["rates by day"], id="no rates by day"),
    pytest.param({"fx": {"ZZZ": {}}}, "/fx/ZZZ", "unknown_currency", ["'ZZZ'"], id="an unknown currency"),
    pytest.param({"fx": {"USD": {}}}, "/fx/USD", "inconsistent", ["own currency"], id="the rules' own currency"),
    pytest.param({"fx": {"EUR": {"4 May": "1"}}}, "/fx/EUR/4 May", "bad_date", ["2026-03-30"], id="a day in words"),
    pytest.param({"fx": {"EUR": {"2026-05-04": 1.08}}}, "/fx/EUR/2026-05-04", "bad_rate", ['"1.08"'], id="a bare rate"),
    pytest.param(
        {"fx": {"EUR": {"2026-05-04": "0"}}}, "/fx/EUR/2026-05-04", "bad_rate", ["positive"], id="a rate of nothing"
    ),
    pytest.param(
        {"fx": {"EUR": {"2026-05-04": "1.08", date(2026, 5, 4): "1.09"}}},
        "/fx/EUR/2026-05-04",
        "duplicate",
        ["another rate for 2026-05-04"],
        id="two rates for a day",
    ),
]


def assert_refused(policy: Any, pointer: str, code: str, words: Iterable[str]) -> None:
    found = [fault for fault in faults(policy) if (fault.pointer, fault.code) == (pointer, code)]
    assert len(found) == 1, faults(policy)
    for word in words:
        assert word in found[0].detail


@pytest.mark.parametrize(("policy", "pointer", "code", "words"), OF_THE_DOCUMENT)
def test_a_document_is_refused(policy, pointer, code, words):
    assert_refused(policy, pointer, code, words)


@pytest.mark.parametrize(("changes", "pointer", "code", "words"), OF_A_RULE)
def test_a_rule_is_refused(changes, pointer, code, words):
    assert_refused(document(rule(**changes)), f"/rules/0{pointer}", code, words)


@pytest.mark.parametrize(("schedule", "pointer", "code", "words"), OF_A_SCHEDULE)
def test_a_schedule_is_refused(schedule, pointer, code, words):
    assert_refused(document(rule(limit_schedule=schedule)), f"/rules/0/limit_schedule{pointer}", code, words)


@pytest.mark.parametrize(("valuation", "pointer", "code", "words"), OF_A_VALUATION)
def test_a_dated_valuation_is_refused(valuation, pointer, code, words):
    assert_refused(document(rule(valuation=valuation)), f"/rules/0/valuation{pointer}", code, words)


@pytest.mark.parametrize(("changes", "pointer", "code", "words"), OF_A_PROHIBITION)
def test_a_prohibition_is_refused(changes, pointer, code, words):
    assert_refused(document(prohibition(**changes)), f"/rules/0{pointer}", code, words)


@pytest.mark.parametrize(("limit", "words"), OF_A_COUNT)
def test_a_count_is_refused(limit, words):
    counted = rule(measure="count", limit_schedule=[{"limit": limit}])
    assert_refused(document(counted), "/rules/0/limit_schedule/0/limit", "bad_amount", words)


@pytest.mark.parametrize(("settings", "pointer", "code", "words"), OF_THE_SETTINGS)
def test_settings_are_refused(settings, pointer, code, words):
    assert_refused(document(**settings), f"/settings{pointer}", code, words)


def test_all_faults_are_named_at_once():
    wrong = document(rule(exceed="over", cash="no", warn_at=0.8), rule(id="meals", severity="x"), nominal_ceiling=50)
    assert [fault.pointer for fault in faults(wrong)] == [
        "/rules/0/exceed",
        "/rules/0/warn_at",
        "/rules/0/cash",
        "/rules/1/severity",
        "/settings/nominal_ceiling",
    ]


def test_the_sentence_is_the_first_fault_and_how_many_more():
    with pytest.raises(InvalidPolicy) as refused:
        read(document(rule(exceed="over", cash="no")))
    assert refused.value.detail == "rule gifts, exceed: must be one of gt, gte; 'over' is not (and 1 more)"
    assert (refused.value.code, refused.value.status) == ("invalid_policy", 422)


def test_a_document_of_garbage_has_no_endless_answer():
    assert len(faults({f"key {number}": 1 for number in range(2000)})) == 500


# What is read


def test_what_is_left_out_is_as_the_model_says():
    plain = Rule(
        id="gifts",
        name="Gifts per person and year",
        measure=Measure.AMOUNT,
        limit_schedule=(Dated(300_00),),
        currency=Currency("USD", 2),
        period=Period(PeriodType.CALENDAR_YEAR),
    )
    policy = read({"rules": [rule()]})
    assert policy.rules == (replace(plain, count_key=policy.rules[0].count_key),)
    assert (policy.name, policy.description, policy.settings) == ("", "", Settings())


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({"measure": "count", "limit_schedule": [{"limit": "4"}]}, "limit_schedule", (Dated(4),)),
        ({"measure": "count", "limit_schedule": [{"limit": "4.00"}]}, "limit_schedule", (Dated(4),)),
        ({"limit_schedule": [{"limit": "300"}]}, "limit_schedule", (Dated(300_00),)),
        ({"currency": "JPY", "limit_schedule": [{"limit": "300"}]}, "limit_schedule", (Dated(300),)),
        ({"currency": "KWD", "limit_schedule": [{"limit": "0.125"}]}, "limit_schedule", (Dated(125),)),
        (
            {"limit_schedule": [{"limit": "1.00", "effective_from": date(2026, 3, 30), "effective_to": "2026-03-30"}]},
            "limit_schedule",
            (Dated(100, date(2026, 3, 30), date(2026, 3, 30)),),
        ),
        (
            {"limit_schedule": rows(("300.00", "2026-03-30", None), ("100.00", None, "2026-03-29"))},
            "limit_schedule",
            (Dated(100_00, None, date(2026, 3, 29)), Dated(300_00, date(2026, 3, 30))),
        ),
        ({"exceed": "gte"}, "exceed_at_limit", True),
        ({"period": {"type": "fiscal_year", "start_month": 7}}, "period", Period(PeriodType.FISCAL_YEAR, 7)),
        ({"basis": "per_employer"}, "basis", Basis.PER_EMPLOYER),
        ({"direction": "both"}, "direction", "both"),
        ({"counts": ["meal", "lodging"]}, "counts", frozenset({Kind.MEAL, Kind.LODGING})),
        ({"applies_to": ["business", "retail_customer"]}, "applies_to", ("business", "retail_customer")),
        ({"excludes": list(CLAIMS)}, "excludes", frozenset(CLAIMS)),
        ({"valuation": "market"}, "valuation", (Dated(Valuation.MARKET),)),
        (
            {"valuation": [{"valuation": "market", **TO_MARCH}, {"valuation": "cost", **FROM_MARCH}]},
            "valuation",
            (Dated(Valuation.MARKET, None, date(2026, 3, 29)), Dated(Valuation.COST, date(2026, 3, 30))),
        ),
        ({"warn_at": "0.80"}, "warn_at", Fraction(4, 5)),
        ({"warn_at": None}, "warn_at", None),
        ({"cash": "prohibited"}, "cash_prohibited", True),
        ({"item_floor": {"amount": "20.00", "operator": "lte"}}, "item_floor", ItemFloor(20_00, inclusive=True)),
        ({"item_floor": {"lte": "20.00"}}, "item_floor", ItemFloor(20_00, inclusive=True)),
        ({"item_floor": {"lt": "10.00"}}, "item_floor", ItemFloor(10_00, inclusive=False)),
        ({"item_floor": None}, "item_floor", None),
        ({"cleared_by": "prior_approval"}, "cleared_by_prior_approval", True),
        ({"cleared_by": None}, "cleared_by_prior_approval", False),
        ({"repay_nets": False}, "repay_nets", False),
        ({"authority": "regulator"}, "authority", Authority.REGULATOR),
        ({"source": "FINRA Rule 3220"}, "source", "FINRA Rule 3220"),
        ({"severity": "critical"}, "severity", "critical"),
    ],
)
def test_a_key_of_a_rule_is_read(changes, attribute, value):
    assert getattr(only(**changes), attribute) == value


def test_a_prohibition_needs_neither_schedule_nor_period():
    (made,) = read(document(prohibition())).rules
    assert (made.when, made.limit_schedule, made.period) == (
        "sales_precondition",
        (Dated(0),),
        Period(PeriodType.PER_EVENT),
    )


@pytest.mark.parametrize("limit", [None, "0.00", "0"])
def test_a_prohibition_may_have_days(limit):
    (made,) = read(document(prohibition(limit_schedule=rows((limit, "2026-01-01", None))))).rules
    assert made.limit_schedule == (Dated(0, date(2026, 1, 1)),)


def test_settings_are_read():
    settings = read(
        document(
            entertainment_split="recipients_only",
            guest_attribution="own_person",
            host_absent="keep_kind",
            entertainment_tax_tip="exclude",
            nominal_ceiling="75.00",
            bereavement_relations=["child", "cousin"],
            aggregate_affiliates=True,
            fx={"EUR": {date(2026, 5, 4): "1.08"}, "JPY": {"2026-05-04": "0.0067", "2026-05-05": "0.0068"}},
        )
    ).settings
    assert settings == Settings(
        entertainment_split="recipients_only",
        guest_attribution="own_person",
        host_absent="keep_kind",
        entertainment_tax_tip="exclude",
        nominal_ceiling=75_00,
        bereavement_relations=frozenset({"child", "cousin"}),
        aggregate_affiliates=True,
        fx={
            "EUR": {date(2026, 5, 4): Rate(108, 2)},
            "JPY": {date(2026, 5, 4): Rate(67, 4), date(2026, 5, 5): Rate(68, 4)},
        },
    )


@pytest.mark.parametrize(("currency", "ceiling"), [("USD", 50_00), ("JPY", 50), ("KWD", 50_000)])
def test_the_nominal_ceiling_is_fifty_of_the_rules_currency(currency, ceiling):
    limit = [{"limit": "300"}]
    assert read(document(rule(currency=currency, limit_schedule=limit))).settings.nominal_ceiling == ceiling


# Garbage

words_of_the_form = st.sampled_from(sorted({name for section in FORM.values() for name in section}))
allowed_words = st.sampled_from(
    sorted({word for section in FORM.values() for field in section.values() for word in field.allowed})
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.dates(),
    st.datetimes(),
    st.binary(),
    allowed_words,
    st.sampled_from(["300.00", "0.80", "2026-03-30", "USD", "EUR", "business"]),
)
keys = st.one_of(words_of_the_form, st.text(), st.integers(), st.none(), st.booleans(), st.dates())
garbage = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


def refusal_of(policy: Any) -> InvalidPolicy | None:
    try:
        read(policy)
    except InvalidPolicy as refused:
        return refused
    return None


def assert_read_or_refused(policy: Any) -> None:
    """Any other exception fails the test; a refusal can be sent, whatever was in the document."""
    refused = refusal_of(policy)
    if refused is not None:
        assert refused.faults
        assert all(fault.pointer == "" or fault.pointer.startswith("/") for fault in refused.faults)
        assert "".join((refused.detail, *(part for fault in refused.faults for part in fault))).encode()


@given(garbage)
def test_garbage_is_refused_and_nothing_worse(policy):
    assert_read_or_refused(policy)


@given(
    st.dictionaries(st.sampled_from(sorted(FORM["rule"])), garbage, max_size=4),
    st.dictionaries(st.sampled_from(sorted(FORM["settings"])), garbage, max_size=4),
)
def test_a_document_with_garbage_in_it_is_refused_and_nothing_worse(changes, settings):
    assert_read_or_refused({"rules": [rule(**changes), prohibition(**changes), changes], "settings": settings})
