"""Writing a policy: that it undoes reading, and which versions of a rule share the key of those that count alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from app.domain.policies import CLAIMS, FORM, to_document
from tests.domain.policies.written import ALWAYS, FROM_MARCH, TO_MARCH, document, read, rows, rule

EXAMPLES = Path(__file__).parents[2] / "conformance"

# Which versions count alike

COUNTS_ALIKE = [
    ({"limit_schedule": rows(("100.00", None, None))}, {}),
    ({"limit_schedule": rows(("100.00", None, "2026-03-29"), ("300.00", "2026-03-30", None))}, {}),
    ({"exceed": "gte"}, {}),
    ({"warn_at": "0.80"}, {}),
    ({"id": "other", "name": "Other words"}, {}),
    ({"severity": "critical", "authority": "regulator", "source": "FINRA"}, {}),
    ({"applies_to": ["business"], "counts": ["gift"], "valuation": "cost", "cash": "counted"}, {}),
    ({"valuation": [{"valuation": "cost", **ALWAYS}]}, {}),
    ({}, {"fx": {"EUR": {"2026-05-04": "1.08"}}}),
    ({}, {"nominal_ceiling": "50.00", "aggregate_affiliates": False}),
]
COUNTS_OTHERWISE = [
    ({"measure": "count", "limit_schedule": [{"limit": "4"}]}, {}),
    ({"limit_schedule": rows(("300.00", "2026-03-30", None))}, {}),
    ({"limit_schedule": rows(("100.00", None, "2026-03-28"), ("300.00", "2026-03-30", None))}, {}),
    ({"period": {"type": "rolling_12m"}}, {}),
    ({"period": {"type": "fiscal_year", "start_month": 7}}, {}),
    ({"period": {"type": "fiscal_year", "start_month": 8}}, {}),
    ({"basis": "per_employer"}, {}),
    ({"direction": "both"}, {}),
    ({"counts": ["gift", "meal"]}, {}),
    ({"applies_to": ["union_official"]}, {}),
    ({"excludes": ["personal"]}, {}),
    ({"valuation": "market"}, {}),
    ({"valuation": [{"valuation": "market", **TO_MARCH}, {"valuation": "cost", **FROM_MARCH}]}, {}),
    ({"cash": "prohibited"}, {}),
    ({"item_floor": {"lt": "20.00"}}, {}),
    ({"item_floor": {"lte": "20.00"}}, {}),
    ({"cleared_by": "prior_approval"}, {}),
    ({"repay_nets": False}, {}),
    ({"currency": "EUR"}, {}),
    ({}, {"entertainment_split": "recipients_only"}),
    ({}, {"guest_attribution": "own_person"}),
    ({}, {"host_absent": "keep_kind"}),
    ({}, {"entertainment_tax_tip": "exclude"}),
    ({}, {"nominal_ceiling": "75.00"}),
    ({}, {"bereavement_relations": ["child"]}),
    ({}, {"aggregate_affiliates": True}),
]


def key(changes: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    return read(document(rule(**changes), **settings)).rules[0].count_key


@pytest.mark.parametrize(("changes", "settings"), COUNTS_ALIKE)
def test_versions_that_count_alike_share_a_key(changes, settings):
    assert key(changes, settings) == key({}, {})


def test_versions_that_count_otherwise_share_no_key():
    keys = [key({}, {}), *(key(changes, settings) for changes, settings in COUNTS_OTHERWISE)]
    assert len(set(keys)) == len(keys)


def test_the_order_of_a_list_and_of_rows_does_not_count():
    there = {
        "counts": ["gift", "meal"],
        "applies_to": ["congress", "union_official"],
        "excludes": ["personal", "bereavement"],
    }
    back = {name: listed[::-1] for name, listed in there.items()}
    assert key(there, {}) == key(back, {})


# Writing undoes reading


def worked_examples() -> list[Any]:
    loaded = (YAML(typ="safe", pure=True).load(file.read_text()) for file in sorted(EXAMPLES.glob("*.yaml")))
    return [
        pytest.param(case["policy"], id=case["id"])
        for examples in loaded
        for case in examples["cases"]
        if not any(step["after"] == "policy" and "refused" in step for step in case["expected"])
    ]


@pytest.mark.parametrize("policy", worked_examples())
def test_the_worked_examples_are_read_and_written_back(policy):
    once = read(policy)
    assert read(json.loads(json.dumps(to_document(once)))) == once


def test_the_canonical_document_names_every_key():
    written = to_document(read(document(rule())))
    assert set(written["rules"][0]) == set(FORM["rule"])
    assert set(written["settings"]) == set(FORM["settings"])


def test_a_published_version_is_written_alike():
    parsed = read(document(rule()))
    assert to_document(parsed.published("pol_1", version=1, effective_from=date(2026, 1, 1))) == to_document(parsed)


def test_reading_leaves_the_document_as_it_was():
    policy = document(rule(), fx={"EUR": {"2026-05-04": "1.08"}})
    before = deepcopy(policy)
    read(policy)
    assert policy == before


choices = {
    "exceed": st.sampled_from(["gt", "gte"]),
    "basis": st.sampled_from(FORM["rule"]["basis"].allowed),
    "direction": st.sampled_from(FORM["rule"]["direction"].allowed),
    "counts": st.lists(st.sampled_from(FORM["rule"]["counts"].allowed), min_size=1, unique=True),
    "applies_to": st.lists(st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z"), min_size=1, max_size=4, unique=True),
    "excludes": st.lists(st.sampled_from(CLAIMS), unique=True),
    "valuation": st.sampled_from(FORM["rule"]["valuation"].allowed),
    "warn_at": st.none() | st.integers(1, 10**6).map(lambda part: f"{part // 10**6}.{part % 10**6:06d}"),
    "cash": st.sampled_from(FORM["rule"]["cash"].allowed),
    "item_floor": st.none() | st.builds(lambda operator: {operator: "20.00"}, st.sampled_from(["lt", "lte"])),
    "cleared_by": st.none() | st.just("prior_approval"),
    "repay_nets": st.booleans(),
    "severity": st.sampled_from(FORM["rule"]["severity"].allowed),
}
some_rule = st.fixed_dictionaries({}, optional=choices).map(lambda changes: rule(**changes))


@given(some_rule, st.booleans(), st.integers(0, 10**14))
def test_any_rule_that_is_read_is_written_back(made, aggregate_affiliates, ceiling):
    once = read(
        document(
            made, aggregate_affiliates=aggregate_affiliates, nominal_ceiling=f"{ceiling // 100}.{ceiling % 100:02d}"
        )
    )
    assert read(to_document(once)) == once
    assert to_document(read(to_document(once))) == to_document(once)
