"""The tests of the API are worth something: whoever gets one line of it wrong is caught by one of them."""

from __future__ import annotations

from typing import Any

import pytest

from app.services.entries import recording
from tests.api.world import standing
from tests.faults.api import FAULTS, Fault, remember_connections
from tests.faults.subscriptions import plant


@pytest.mark.sqlite
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.sentence) for fault in FAULTS])
def test_a_test_notices_that(fault: Fault, database_url: str, monkeypatch: pytest.MonkeyPatch):
    left: list[Any] = [None]
    monkeypatch.setattr(recording, "_LEFT", left, raising=False)
    plant(fault, monkeypatch)
    with standing(database_url) as world:
        remember_connections(world, left)
        with pytest.raises(AssertionError):
            fault.noticed_by(world)


@pytest.mark.soak
@pytest.mark.sqlite
@pytest.mark.parametrize("story", [pytest.param(fault.noticed_by, id=fault.sentence) for fault in FAULTS])
def test_nothing_is_noticed_where_nothing_is_wrong(story: Any, world: Any):
    """What they notice is the fault. An ordinary run has all of them pass under their own names."""
    story(world)
