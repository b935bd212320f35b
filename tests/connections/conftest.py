"""Fixtures of the tests of connections: a firm that is connected, with a clerk who goes when told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connections.firm import Firm, open_firm


@pytest.fixture
def firm(database_url: str) -> Iterator[Firm]:
    """A firm on a new database of each kind."""
    with open_firm(database_url) as one:
        yield one
