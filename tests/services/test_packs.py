"""Packs: what ships and is in force by default, how packs become one policy, and how a policy file is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date

import pytest

from app.domain.policies import Authority, InvalidPolicy, Rule, parse, to_document
from app.domain.refusals import Fault
from app.services import packs

BEFORE, AFTER = date(2026, 3, 29), date(2026, 3, 30)


def rules_of(*names: str) -> dict[str, Rule]:
    policy = packs.compose(names, "Chosen packs", {})
    return {rule.id: rule for rule in parse(policy, packs.exponent).rules}


# What ships


def test_the_packs():
    assert packs.pack_names() == (
        "congress",
        "erisa-fiduciary",
        "executive-branch",
        "finra-2070",
        "finra-2341",
        "finra-3220",
        "firm-entertainment",
        "lm-10",
        "msrb-g20",
    )


@pytest.mark.parametrize("name", packs.pack_names())
def test_a_pack_is_a_policy_of_its_own(name):
    policy = parse(packs.pack(name), packs.exponent)
    assert policy.name
    assert policy.description
    assert parse(to_document(policy), packs.exponent) == policy


@pytest.mark.parametrize("rule", rules_of(*packs.pack_names()).values(), ids=lambda rule: rule.id)
def test_a_rule_names_its_source_and_who_made_it(rule):
    assert re.search(r"\w.*, https://[^\s]+$", rule.source, re.DOTALL)
    assert (rule.authority is Authority.FIRM) == rule.id.startswith("firm-")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)


@pytest.mark.parametrize("name", packs.pack_names())
def test_the_ids_of_a_pack_begin_alike(name):
    stem = name.split("-", maxsplit=1)[0]
    assert all(rule_id.startswith(f"{stem}-") for rule_id in rules_of(name))


def test_everybody_in_business_comes_under_3220_and_only_they():
    rule = rules_of("finra-3220")["finra-3220-gifts"]
    assert rule.applies_to == ("business",)


@pytest.mark.parametrize("rule_id", ["finra-3220-gifts", "finra-2341-gifts-given", "finra-2341-gifts-received"])
def test_the_limit_rises_on_30_march_2026(rule_id):
    rule = rules_of("finra-3220", "finra-2341")[rule_id]
    assert [rule.limit_on(on) for on in (date(1993, 1, 1), BEFORE, AFTER)] == [100_00, 100_00, 300_00]


def test_the_default_policy():
    policy = parse(packs.default_document(), packs.exponent)
    assert [rule.id for rule in policy.rules] == [
        "finra-3220-gifts",
        "firm-entertainment-event",
        "firm-entertainment-year",
        "firm-entertainment-frequency",
        "firm-travel-approval",
    ]
    assert policy.name == "Default policy"
    assert policy.settings == parse(packs.pack("finra-3220"), packs.exponent).settings


def test_what_is_handed_out_is_the_callers_own():
    packs.default_document()["rules"].clear()
    packs.pack("lm-10")["rules"].clear()
    assert packs.default_document()["rules"]
    assert packs.pack("lm-10")["rules"]


def test_the_documents_are_json():
    assert json.loads(json.dumps(packs.default_document())) == packs.default_document()


def test_no_pack_of_that_name():
    with pytest.raises(packs.UnknownPack, match=r"no pack finra-322; did you mean finra-3220\?"):
        packs.pack("finra-322")
    with pytest.raises(packs.UnknownPack, match="the packs are congress, erisa"):
        packs.pack("../settings")


# Composition


def test_packs_are_composed_in_the_order_given():
    policy = packs.compose(["lm-10", "erisa-fiduciary", "lm-10"], "Two packs", {"nominal_ceiling": "75.00"})
    parsed = parse(policy, packs.exponent)
    assert [rule.id for rule in parsed.rules] == ["lm-10-year", "erisa-fiduciary-year"]
    assert (parsed.name, parsed.settings.nominal_ceiling) == ("Two packs", 75_00)


def test_a_firms_own_rules_come_before_the_packs():
    own = {"id": "own", "name": "Own", "measure": "prohibition", "when": "own_flag", "currency": "USD"}
    policy = packs.expand({"rules": [own], "include": ["lm-10"]})
    assert "include" not in policy
    assert [rule["id"] for rule in policy["rules"]] == ["own", "lm-10-year"]


def test_a_document_without_packs_stays_as_it_is():
    assert packs.expand({"rules": [], "settings": {}}) == {"rules": [], "settings": {}}


@pytest.mark.parametrize(
    ("include", "pointer", "words"),
    [
        pytest.param("lm-10", "/include", "write a list of packs", id="a word"),
        pytest.param(
            ["lm-10", "lm-1"], "/include/1", "there is no pack lm-1; did you mean lm-10?", id="a typing error"
        ),
        pytest.param([7], "/include/0", "the packs are congress", id="a number"),
        pytest.param(["default"], "/include/0", "no pack default", id="the default is no pack"),
    ],
)
def test_an_inclusion_is_refused(include, pointer, words):
    with pytest.raises(InvalidPolicy) as refused:
        packs.expand({"include": include})
    (fault,) = refused.value.faults
    assert fault.pointer == pointer
    assert words in fault.detail


# Reading YAML


def faults(text: str) -> Sequence[Fault]:
    with pytest.raises(InvalidPolicy) as refused:
        packs.check(text)
    return refused.value.faults


OWN_RULE = """\
name: Own
rules:
  - id: own-gifts
    name: Gifts
    measure: amount
    limit_schedule:
      - {limit: "300.00", effective_from: 2026-03-30}
    currency: USD
    period: {type: calendar_year}
"""


def test_a_file_is_checked():
    policy = packs.check(OWN_RULE + "include: [lm-10]\n")
    assert [rule.id for rule in policy.rules] == ["own-gifts", "lm-10-year"]
    assert policy.rules[0].limit_schedule[0].effective_from == AFTER


def test_json_is_taken_too():
    assert packs.check(json.dumps(packs.default_document())) == parse(packs.default_document(), packs.exponent)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param("", "wrong_type", "a mapping with the keys name, rules and settings", id="nothing"),
        pytest.param("- a\n", "wrong_type", "a mapping", id="a list"),
        pytest.param(
            "rules:\n  - 'a\n", "broken_yaml", "line 3, column 1: while scanning a quoted scalar", id="open quote"
        ),
        pytest.param("a: [1, 2\nb: 3\n", "broken_yaml", "line 2, column 2: ", id="open list"),
        pytest.param("a: 1\n\tb: 2\n", "broken_yaml", "line 2", id="a tab"),
        pytest.param(
            "name: a\nrules: []\nname: b\n", "duplicate_key", 'line 3, column 1: found duplicate key "name"', id="twice"
        ),
        pytest.param(
            "a: 1\n---\nb: 2\n", "broken_yaml", "line 2, column 1: expected a single document", id="two documents"
        ),
        pytest.param("a: &x [1]\nb: *x\n", "yaml_feature", "line 1, column 4: anchors and aliases", id="an anchor"),
        pytest.param("a: *x\n", "yaml_feature", "line 1, column 4: anchors and aliases", id="an alias"),
        pytest.param("a: !!python/name:os.system x\n", "yaml_feature", "line 1, column 4: tags", id="a tag"),
        pytest.param("a: !!binary aGk=\n", "yaml_feature", "tags", id="a harmless tag"),
        pytest.param("a: " + "[" * 40, "yaml_feature", "more than 12 levels", id="a deep nest"),
        pytest.param("a: '" + "x" * 262_144 + "'", "too_large", "at most 262144 characters", id="a large file"),
        pytest.param("a: " + "9" * 5000, "broken_yaml", "cannot be read", id="an endless number"),
        pytest.param("a: \x07\n", "broken_yaml", "cannot be read", id="a bell"),
        pytest.param("? {a: 1}\n: 2\n", "broken_yaml", "line 1", id="a mapping for a key"),
        pytest.param("? &a\n", "yaml_feature", "anchors", id="an anchor alone"),
    ],
)
def test_yaml_that_cannot_be_read_is_refused(text, code, words):
    (fault,) = faults(text)
    assert (fault.pointer, fault.code) == ("", code)
    assert words in fault.detail


@pytest.mark.parametrize(
    ("written", "instead", "line", "words"),
    [
        pytest.param('"300.00"', "300.00", 7, 'as a quoted string, such as "300.00", not a bare number', id="a float"),
        pytest.param('"300.00"', "300", 7, 'as a quoted string, such as "300.00", not a bare number', id="an integer"),
        pytest.param("2026-03-30", "2026-02-30", 7, "2026-02-30 is not in the calendar", id="a day that never was"),
        pytest.param("2026-03-30", "2026-03-30T00:00:00", 7, "write a date, such as 2026-03-30", id="a moment"),
        pytest.param("USD", "USX", 8, "'USX' is not one of a currency in use", id="a currency"),
        pytest.param("USD", "XAU", 8, "'XAU'", id="gold"),
        pytest.param("measure: amount", "measure: amuont", 5, "did you mean amount?", id="a measure"),
        pytest.param("    measure: amount\n", "", 3, "rule own-gifts, measure: is missing", id="a missing key"),
        pytest.param("name: Own\n", "nmae: Own\n", 1, "did you mean name?", id="a key of the policy"),
    ],
)
def test_a_fault_is_told_with_its_line(written, instead, line, words):
    (fault,) = faults(OWN_RULE.replace(written, instead, 1))
    assert fault.detail.startswith(f"line {line}: ")
    assert words in fault.detail


def test_yes_and_no_are_words_in_yaml_1_2():
    (fault,) = faults(OWN_RULE + "    repay_nets: no\n")
    assert "write true or false, not 'no'" in fault.detail


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("CLF", 4),
        ("XAU", None),
        ("XXX", None),
        ("usd", None),
        ("", None),
    ],
)
def test_decimals_come_from_iso_4217(code, decimals):
    assert packs.exponent(code) == decimals
