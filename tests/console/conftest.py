"""Fixtures of the console's tests: people who are signed in."""

from __future__ import annotations

import pytest

from tests.console.visiting import Visitor, visit
from tests.server import Server


@pytest.fixture
def olivia(server: Server) -> Visitor:
    """A compliance officer at the console."""
    return visit(server, "officer", "olivia")


@pytest.fixture
def rhea(server: Server) -> Visitor:
    """A representative at the console."""
    return visit(server, "rep", "rhea")
