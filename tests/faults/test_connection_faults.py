"""The tests of connections are worth something: whoever gets one line wrong is caught by one of them."""

from __future__ import annotations

import pytest

from tests.connections.firm import open_firm
from tests.faults.connections import FAULTS, Fault, plant


@pytest.mark.sqlite
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.sentence) for fault in FAULTS])
def test_a_test_of_connections_notices_that(fault: Fault, database_url: str, monkeypatch: pytest.MonkeyPatch):
    plant(fault, monkeypatch)
    with open_firm(database_url) as firm, pytest.raises((AssertionError, ValueError, IndexError, KeyError, TypeError)):
        fault.noticed_by(firm)
