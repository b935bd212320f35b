"""The oracle gives, step by step, what the worked examples expect, and it knows nothing of the product."""

import ast
import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

import pytest
from ruamel.yaml import YAML

from tests.oracle import oracle
from tests.oracle.generate import random_case
from tests.oracle.oracle import Refused, Result, replay, steps

CONFORMANCE = Path(__file__).parent.parent / "conformance"
FILES = {name: YAML(typ="safe").load(CONFORMANCE / name) for name in ("cases.yaml", "more_cases.yaml")}
CASES = [pytest.param(case, id=f"{case['id']} {case['title']}") for file in FILES.values() for case in file["cases"]]


def key(line: dict) -> oracle.Key:
    return line["rule"], line["recipient"], line["entry"]


def result(line: dict) -> Result:
    return Result(line["counted"], line["aggregate"], line["violation"], line["warning"], line["exclusion"])


def differences(case: dict) -> Iterator[tuple]:
    """Where the oracle departs from the case: event, what it is about, expected, found."""
    expected, shown = {step["after"]: step for step in case["expected"]}, {}
    some_steps_only = "checkpoints_only" in case["tags"]
    for step in steps(case):
        shown = {at: line for at, line in (shown | step.changed).items() if at not in step.withdrawn}
        wanted = expected.pop(step.event, None)
        if wanted is None and some_steps_only:
            continue
        wanted = wanted or {"results": []}
        listed = {key(line): result(line) for line in wanted["results"]}
        unlisted = {} if some_steps_only else {at: line for at, line in step.changed.items() if at not in listed}
        yield from ((step.event, at, line, shown.get(at)) for at, line in listed.items() if shown.get(at) != line)
        yield from ((step.event, at, "unlisted", line) for at, line in unlisted.items())
        withdrawn = {key(line) for line in wanted.get("withdrawn", [])}
        if withdrawn != step.withdrawn and not some_steps_only:
            yield step.event, "withdrawn", withdrawn, step.withdrawn
        if wanted.get("refused") != step.refused:
            yield step.event, "refused", wanted.get("refused"), step.refused
    yield from ((event, "no such event", None, None) for event in expected)


@pytest.mark.parametrize("case", CASES)
def test_every_step_is_as_worked_out_by_hand(case):
    if case["expected"][0]["after"] == "policy":
        with pytest.raises(Refused, match=case["expected"][0]["refused"]):
            replay(case)
    else:
        assert list(differences(case)) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.values[0]["expected"][0]["after"] != "policy"])
def test_a_replay_up_to_an_event_is_the_sum_of_the_steps(case):
    shown = {}
    for step in steps(case):
        shown = {at: line for at, line in (shown | step.changed).items() if at not in step.withdrawn}
        assert replay(case, step.event, skip_refused=True) == shown
    assert replay(case, skip_refused=True) == shown


def test_a_refused_event_raises_unless_it_is_skipped():
    refusing = next(case for case in FILES["more_cases.yaml"]["cases"] if case["title"] == "Merges that are refused")
    assert replay(refusing, "E1")
    with pytest.raises(Refused, match="not_merged"):
        replay(refusing, "X1")
    assert replay(refusing, "X1", skip_refused=True) == replay(refusing, "E1")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_setting_is_the_default_of_the_file(name):
    defaults = FILES[name]["settings_defaults"]
    assert {setting: oracle.SETTINGS[setting] for setting in defaults} == defaults
    assert set(oracle.SETTINGS) - set(defaults) == {"aggregate_affiliates", "fx"}


def test_every_case_says_why_and_has_its_own_name():
    cases = [case for file in FILES.values() for case in file["cases"]]
    assert len({case["id"] for case in cases}) == len(cases)
    assert all(case["why"] for case in cases)


def test_the_oracle_is_short_and_stands_alone():
    source = Path(oracle.__file__).read_text(encoding="utf-8")
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {getattr(node, "module", None) or node.names[0].name for node in nodes}
    assert len(source.splitlines()) < 300
    assert imported == {"collections", "collections.abc", "dataclasses", "datetime", "decimal", "itertools"}
    assert "float" not in source


def test_the_short_form_of_an_item_floor_means_the_same():
    floors = [(case, rule) for case in FILES["more_cases.yaml"]["cases"] for rule in case["policy"]["rules"]]
    floors = [(case, rule["item_floor"]) for case, rule in floors if "item_floor" in rule]
    assert {floor["operator"] for _, floor in floors} == {"lt", "lte"}
    for case, floor in floors:
        short = deepcopy(case)
        for rule in short["policy"]["rules"]:
            if "item_floor" in rule:
                rule["item_floor"] = {floor["operator"]: floor["amount"]}
        assert replay(short) == replay(case)


def test_rules_in_yen_have_no_cents():
    rule = FILES["cases.yaml"]["cases"][2]["policy"]["rules"][0]
    entry = FILES["cases.yaml"]["cases"][2]["entries"][0] | {"amount": {"total": "401", "currency": "JPY"}}
    shared = entry | {"recipients": [entry["recipients"][0] | {"person": person} for person in ("P1", "P2")]}
    case = {"policy": {"rules": [rule | {"currency": "JPY"}]}, "entries": [shared], "actions": []}
    assert replay(case) == {
        ("R1", "P1", "E1"): Result("201", "201", violation=False, warning=False, exclusion=None),
        ("R1", "P2", "E1"): Result("200", "200", violation=False, warning=False, exclusion=None),
    }


@cache
def generated(seed: int) -> dict:
    return random_case(Random(seed))


@pytest.mark.parametrize("seed", range(200))
def test_a_generated_case_can_be_written_down_and_read_back(seed):
    case = generated(seed)
    assert json.loads(json.dumps(case)) == case
    assert random_case(Random(seed)) == case
    assert replay(deepcopy(case), skip_refused=True) == replay(case, skip_refused=True)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_happens_an_excluded_line_counts_nothing_and_is_not_judged(seed):
    for line in replay(generated(seed), skip_refused=True).values():
        assert not (line.violation and line.warning)
        if line.exclusion is not None:
            assert line.counted in ("0", "0.00")
            assert not line.violation
            assert not line.warning


@pytest.mark.parametrize("seed", range(200))
def test_the_counted_parts_of_a_generated_gift_add_back_to_one_value(seed):
    """Every division is into whole cents: the largest and the smallest share of an entry differ by a cent at most."""
    case = generated(seed)
    for fields in case["entries"]:
        try:
            entry = oracle.Entry(case["policy"], fields, 0).checked()
        except Refused:
            continue
        for rule in case["policy"]["rules"]:
            shares = entry.shares(rule)
            assert shares == sorted(shares, reverse=True)
            assert (shares[0] - shares[-1]) * 100 in (0, 1)


def test_without_actions_there_are_none():
    assert not any(random_case(Random(seed), actions=False)["actions"] for seed in range(20))


def test_generated_cases_are_rich_and_mostly_valid():
    found = Counter()
    for seed in range(400):
        case = generated(seed)
        found.update(f"op {action['op']}" for action in case["actions"])
        found.update(f"measure {rule['measure']}" for rule in case["policy"]["rules"])
        found.update(f"basis {rule['basis']}" for rule in case["policy"]["rules"])
        found.update(f"period {rule['period']['type']}" for rule in case["policy"]["rules"])
        for step in steps(case):
            found["accepted"] += step.refused is None
            found[f"refused {step.refused}"] += step.refused is not None
            found["withdrawn"] += len(step.withdrawn)
            for line in step.changed.values():
                found[f"exclusion {line.exclusion}"] += 1
                found["violation"] += line.violation
                found["warning"] += line.warning
    refused = sum(times for what, times in found.items() if what.startswith("refused"))
    assert refused < found["accepted"] / 10
    assert all(found[f"exclusion {reason}"] >= 10 for reason in (None, *oracle.STRONGEST_FIRST))
    assert all(found[f"op {op}"] >= 10 for op in ("amend", "cancel", "return", "repay", "approve", "merge", "unmerge"))
    assert len([what for what in found if what.startswith("refused")]) >= 9
    assert min(found["violation"], found["warning"], found["withdrawn"]) >= 100
    assert len([what for what in found if what.startswith(("measure", "basis", "period"))]) == 3 + 4 + 6


@pytest.mark.parametrize(
    ("period", "on", "first"),
    [
        ({"type": "rolling_12m"}, "2028-02-29", "2027-03-01"),
        ({"type": "rolling_12m"}, "2029-02-28", "2028-02-29"),
        ({"type": "rolling_12m"}, "2029-03-01", "2028-03-02"),
        ({"type": "rolling_365d"}, "2028-02-29", "2027-03-02"),
        ({"type": "fiscal_year", "start_month": 7}, "2026-06-30", "2025-07-01"),
        ({"type": "fiscal_year", "start_month": 7}, "2026-07-01", "2026-07-01"),
        ({"type": "calendar_year"}, "2026-12-31", "2026-01-01"),
    ],
)
def test_the_first_day_of_a_window(period, on, first):
    assert oracle.first_day(period, date.fromisoformat(on), []) == date.fromisoformat(first)
