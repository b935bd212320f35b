"""Fixtures of the console's tests: people who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.console.browsing import Desk, browser
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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium; a test that asks for it is skipped, loudly, where there is none.

    Playwright keeps an event loop running in this thread, so it ends before tests elsewhere begin one.
    """
    with browser() as running:
        yield running


@pytest.fixture
def at_desk(chromium: Any, server: Server) -> Iterator[Callable[..., Desk]]:
    """`at_desk(role, person, **options)` is somebody with a browser; at the end nobody's page reported anything."""
    desks: list[Desk] = []

    def sit_down(role: str, person: str, **options: Any) -> Desk:
        desks.append(Desk(chromium, server, role, person, **options))
        return desks[-1]

    yield sit_down
    said = [line for desk in desks for line in desk.said]
    for desk in desks:
        desk.context.close()
    assert said == []
