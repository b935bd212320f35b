"""The tests of drafts, imports and reconciliation are worth something: whoever gets a line wrong is caught by one."""

from __future__ import annotations

import pytest

from tests.faults.imports import FAULTS, Fault
from tests.faults.subscriptions import plant
from tests.server import Server


@pytest.mark.sqlite
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.sentence) for fault in FAULTS])
def test_a_check_notices_that(fault: Fault, server: Server, monkeypatch: pytest.MonkeyPatch):
    plant(fault, monkeypatch)
    with pytest.raises(AssertionError):
        fault.noticed_by(server)


@pytest.mark.sqlite
@pytest.mark.parametrize("check", sorted({fault.noticed_by for fault in FAULTS}, key=lambda one: one.__name__))
def test_no_check_complains_of_what_is_right(check, server: Server):
    check(server)
