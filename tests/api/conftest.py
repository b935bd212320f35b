"""Fixtures of the API's tests: a standing world of each kind, for tests that write nothing into it that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.api.world import World, standing
from tests.databases import Databases, Kind


@pytest.fixture(scope="session")
def worlds(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Callable[[Kind], World]]:
    """`worlds(kind)` is the one standing world of that kind: rely only on what you put there."""
    with ExitStack() as stack:
        kept: dict[Kind, World] = {}

        def of(kind: Kind) -> World:
            if kind not in kept:
                if kind == "postgres":
                    request.getfixturevalue("postgres_server")
                kept[kind] = stack.enter_context(standing(stack.enter_context(databases.fresh(kind))))
            return kept[kind]

        yield of


@pytest.fixture
def world(worlds: Callable[[Kind], World], database_kind: Kind) -> World:
    """The standing world of this run's database."""
    return worlds(database_kind)
