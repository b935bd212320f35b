"""The comparison with the oracle is worth something: whoever gets one line of the engine wrong is caught by it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.domain.screening.playing import disagreement
from tests.faults.engine import FAULTS, Fault, forget, plant
from tests.oracle.generate import random_case

SEEDS = 1000  # as many as every run compares without a fault


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.sentence) for fault in FAULTS])
def test_the_comparison_with_the_oracle_catches_that(fault: Fault, monkeypatch: pytest.MonkeyPatch):
    plant(fault, monkeypatch)
    assert any(disagreement(random_case(Random(seed))) for seed in range(SEEDS)), f"{fault.sentence} went unnoticed"
