"""The worked examples over HTTP: a real server answers every step of every case as it was worked out by hand."""

from __future__ import annotations

import pytest

from tests.conformance.driving import NotYetSupported, departures
from tests.conformance.firm import Case
from tests.conformance.lacking import NOT_YET
from tests.server import Server


def test_every_step_is_answered_as_worked_out_by_hand(worked_example: Case, server: Server):
    try:
        found = list(departures(worked_example, server))
    except NotYetSupported as lacking:
        pytest.skip(f"{NOT_YET}{lacking}")
    assert not found, "\n".join(map(str, found))
