"""The driver of the worked examples is not easily pleased: what a case says otherwise, it notices, and in its place."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conformance.driving import NotYetSupported, departures
from tests.server import Server

CASES = {
    case["id"]: case
    for name in ("cases.yaml", "more_cases.yaml")
    for case in YAML(typ="safe").load(Path(__file__).parent / name)["cases"]
}
TWO_GIFTS = CASES["O-04"]
CANCELLED = next(case for case in CASES.values() if case["actions"] and case["actions"][0]["op"] == "cancel")


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The case of two gifts, told otherwise."""
    case = deepcopy(TWO_GIFTS)
    change(case)
    return case


def expects(**lines: Any) -> dict[str, Any]:
    """Another result of the second gift."""
    return changed(lambda case: case["expected"][1]["results"][0].update(lines))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(expects(counted="150.01"), id="another amount"),
        pytest.param(expects(aggregate="350.01"), id="another total"),
        pytest.param(expects(violation=False), id="no violation"),
        pytest.param(expects(warning=True), id="a warning"),
        pytest.param(expects(exclusion="personal"), id="an exclusion"),
        pytest.param(expects(recipient="P2"), id="another person"),
        pytest.param(changed(lambda case: case["expected"].pop()), id="a step that is not listed"),
        pytest.param(changed(lambda case: case["expected"][1].update(refused="no_rate")), id="a refusal"),
        pytest.param(
            changed(
                lambda case: case["expected"][1].update(withdrawn=[{"rule": "R1", "recipient": "P1", "entry": "E1"}])
            ),
            id="something withdrawn",
        ),
    ],
)
def test_what_a_case_expects_otherwise_is_a_departure_at_its_step(case, server: Server):
    found = list(departures(case, server))
    assert {one.event for one in found} == {"E2"}


@pytest.mark.sqlite
def test_a_step_after_nothing_that_happens_is_a_departure(server: Server):
    case = changed(lambda case: case["expected"].append({"after": "E3", "results": []}))
    assert [one.event for one in departures(case, server)] == ["E3"]


@pytest.mark.sqlite
def test_a_policy_that_ought_to_be_refused_is_a_departure(server: Server):
    case = changed(lambda case: case.update(expected=[{"after": "policy", "results": [], "refused": "no"}]))
    assert {one.event for one in departures(case, server)} == {"policy"}


@pytest.mark.sqlite
def test_an_action_without_a_route_is_never_passed_over(server: Server):
    without = {route for route in server.routes if route[1] != "/v1/entries/{entry_id}/withdrawal"}
    with pytest.raises(NotYetSupported, match="cancel"):
        list(departures(CANCELLED, server, without))
    assert without < server.routes
