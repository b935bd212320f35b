"""A firm over HTTP, kept by Hypothesis: books and answers are what the facts demand, on SQLite as on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, ClassVar

import pytest

from tests.databases import Databases, Kind
from tests.machines.checking import Checker
from tests.machines.dealing import script
from tests.machines.facts import Facts, Op
from tests.machines.http_firm import HttpChecker, HttpFirm
from tests.machines.playing import played, written
from tests.machines.test_desk_machine import Firm, run
from tests.server import Clock, serving
from tests.soaking import share
from tests.telling import Tell

LATER = date(2041, 1, 3)  # after every day that an operation knows


@contextmanager
def standing(databases: Databases, kind: Kind) -> Iterator[HttpFirm]:
    """A firm on a running server with a new database."""
    with databases.fresh(kind) as url, serving(url, clock=Clock(LATER)) as server:
        yield HttpFirm(server)


class FirmOverHttp(Firm):
    """The same rules, over HTTP."""

    kind: ClassVar[Kind] = "sqlite"

    def opened(self) -> tuple[Any, Checker]:
        firm = self.open.enter_context(standing(self.databases, self.kind))
        return firm, HttpChecker(firm)


class FirmOverHttpOnPostgres(FirmOverHttp):
    """The same on PostgreSQL."""

    kind = "postgres"


def test_over_http_books_and_answers_are_what_the_facts_demand(databases: Databases, tell: Tell):
    tell(run(FirmOverHttp, databases, examples=8, steps=20, random=False))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("machine", [FirmOverHttp, FirmOverHttpOnPostgres])
def test_over_http_for_long(
    databases: Databases, postgres_server: str, machine: type[FirmOverHttp], part: int, tell: Tell
):
    tell(f"part {part}: {run(machine, databases, examples=share(100), steps=50, random=True)}, 0 differences")


# One script, two databases


def lived(databases: Databases, kind: Kind, start: Facts, ops: list[Op]) -> list[str]:
    """What was answered to every operation, and what stood after it."""
    with standing(databases, kind) as firm:
        played(firm, start, ops, HttpChecker(firm))
        return firm.log


def same(databases: Databases, seed: int, length: int) -> int:
    """One script on both databases, line by line; how many lines there were."""
    start, ops = script(seed, length)
    one, other = (lived(databases, kind, start, ops) for kind in ("sqlite", "postgres"))
    assert len(one) == len(other)
    for place, (here, there) in enumerate(zip(one, other, strict=True)):
        assert here == there, f"seed {seed}, line {place} of the log differs\n{written(ops)}"
    return len(one)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_operations_are_answered_alike_on_both_databases(
    databases: Databases, postgres_server: str, seed: int
):
    assert same(databases, seed, 25) > 40


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(100, 600, 50))
def test_thousands_of_operations_are_answered_alike_on_both_databases(
    databases: Databases, postgres_server: str, first: int, tell: Tell
):
    lines = sum(same(databases, seed, 50) for seed in range(first, first + share(50)))
    tell(f"lives from {first} on, {share(50)} of them, on both databases: {lines} lines of log, all alike")
