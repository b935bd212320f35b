"""What all races share: which databases with how many processes, the seed, and a PostgreSQL of one's own."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import NO_POSTGRES, SERVER_VARIABLE, Databases, binaries

SEED_VARIABLE = "PROPRIETY_TEST_SEED"

# SQLite is meant for one process, and stays right with two.
INSTALLATIONS = [
    pytest.param("sqlite", 1, id="sqlite-1", marks=pytest.mark.sqlite),
    pytest.param("sqlite", 2, id="sqlite-2", marks=pytest.mark.sqlite),
    pytest.param("postgres", 2, id="postgres-2", marks=pytest.mark.postgres),
]


@pytest.fixture
def seed() -> int:
    """A new seed for every run, or that of the environment to play a run again."""
    return int(os.environ.get(SEED_VARIABLE) or random.randrange(10**6))


@pytest.fixture
def own_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    """Databases on a PostgreSQL that may crash, since nobody else uses it."""
    if binaries() is None:
        pytest.skip(NO_POSTGRES)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    databases = Databases(tmp_path)
    databases.postgres()
    try:
        yield databases
    finally:
        databases.close()
