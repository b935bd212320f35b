"""Engine and oracle, written apart from each other from the same conventions, agree after every event of any case."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from random import Random

import pytest
from ruamel.yaml import YAML

from tests.domain.screening.playing import disagreement, judged, played, policy_of
from tests.oracle.generate import random_case

FILES = Path(__file__).parents[2] / "conformance"
EXAMPLES = [
    pytest.param(case, id=f"{case['id']} {case['title']}")
    for name in ("cases.yaml", "more_cases.yaml")
    for case in YAML(typ="safe").load(FILES / name)["cases"]
    if case["expected"][0]["after"] != "policy"
]
AT_ONCE = 100


def all_agree(first: int, *, actions: bool) -> None:
    for seed in range(first, first + AT_ONCE):
        found = disagreement(random_case(Random(seed), actions=actions))
        assert found is None, f"random_case(Random({seed}), actions={actions}): {found}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_engine_and_oracle_agree_on_every_worked_example(example):
    assert disagreement(example) is None


@pytest.mark.parametrize("first_seed", range(0, 1000, AT_ONCE))
def test_engine_and_oracle_agree_after_every_entry(first_seed):
    all_agree(first_seed, actions=False)


@pytest.mark.parametrize("first_seed", range(0, 2000, AT_ONCE))
def test_engine_and_oracle_agree_after_every_entry_and_action(first_seed):
    all_agree(first_seed, actions=True)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", range(2000, 60_000, 1000))
def test_engine_and_oracle_agree_on_tens_of_thousands_of_cases(first_seed):
    for seed in range(first_seed, first_seed + 1000, AT_ONCE):
        all_agree(seed, actions=True)
        all_agree(seed, actions=False)


@pytest.mark.parametrize("seed", range(100))
def test_the_order_in_which_the_engine_is_told_does_not_matter(seed):
    """Only the order of record does, and that is on the entries."""
    case = random_case(Random(seed))
    policy = policy_of(case)
    for last in deque(played(case), maxlen=1):
        for shuffle in range(20):
            told = Random(shuffle).sample(last.entries, len(last.entries))
            assert judged(policy, told) == last.expected, f"seed {seed}, order {[entry.id for entry in told]}"
