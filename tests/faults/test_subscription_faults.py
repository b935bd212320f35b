"""The stories of webhooks are worth something: whoever gets one line of the delivery wrong is caught by one of them."""

from __future__ import annotations

import pytest

from tests.faults.subscriptions import FAULTS, Fault, plant
from tests.services.post_office import open_office


@pytest.mark.sqlite
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.sentence) for fault in FAULTS])
def test_a_story_notices_that(fault: Fault, database_url: str, monkeypatch: pytest.MonkeyPatch):
    plant(fault, monkeypatch)
    with open_office(database_url) as office, pytest.raises((AssertionError, ValueError)):
        fault.noticed_by(office)
