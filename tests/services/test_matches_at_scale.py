"""Matches at scale: a hundred thousand recipients are compared in seconds, in memory that does not grow with them.

Prints what it measured: `pytest -m soak -s tests/services/test_matches_at_scale.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from sqlalchemy import text

from app.services import matches, policies
from app.services.desk import Desk
from app.services.matches import Match, Wanted
from app.settings import Settings
from app.storage.database import Database
from tests.services.crowds import Crowd

PEOPLE = 100_000
T = TypeVar("T")
JUNE_15 = datetime(2026, 6, 15, 16, tzinfo=UTC)

pytestmark = pytest.mark.soak


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


class Spent(NamedTuple):
    """What something took: seconds, those of them on this process's processor, and the most memory it held at once."""

    seconds: float
    here: float
    most_mb: int


def memory_mb(name: str) -> int:
    """What this process holds now (VmRSS), or held at most since the mark was last reset (VmHWM)."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(f"{name}:")]
    return int(line.split()[1]) // 1024


def told(what: str, work: Callable[[], T]) -> tuple[T, Spent]:
    """Does something and says what it took."""
    Path("/proc/self/clear_refs").write_text("5")
    began, worked, held = time.perf_counter(), time.process_time(), memory_mb("VmRSS")
    result = work()
    spent = Spent(time.perf_counter() - began, time.process_time() - worked, memory_mb("VmHWM") - held)
    say(f"{what:45} {spent.seconds:7.2f} s, of it here {spent.here:6.2f} s, at most {spent.most_mb:+4} MB")
    return result, spent


def asked(desk: Desk, wanted: Wanted, limit: int = 51, after: Any = None) -> list[Match]:
    with desk.database.reading() as connection:
        return matches.listed(connection, desk, wanted, after=after, limit=limit)


def test_a_hundred_thousand_recipients_are_compared_in_seconds(database_url, database_kind):
    database = Database(database_url)
    desk = Desk(Settings(database_url=database_url), database, lambda: JUNE_15)
    database.write(lambda connection: policies.ensure_default(connection, desk))
    crowd = Crowd(PEOPLE)
    crowd.settle(database)
    say(f"\n{database_kind}, {PEOPLE} recipients, {len(crowd.twice)} of them there twice")
    done, _ = told("keys of everybody", lambda: matches.backfill(database))
    assert done == PEOPLE
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if database.is_postgres else "ANALYZE"))
        keys, largest = connection.execute(
            text("SELECT SUM(n), MAX(n) FROM (SELECT COUNT(*) AS n FROM recipient_keys GROUP BY key) AS block")
        ).one()
    say(f"{keys / PEOPLE:.1f} keys each; the commonest has {largest}")
    asked(desk, Wanted(50, recipient_id=crowd.ids[0]))  # the word lists are loaded

    page, first = told("first page", lambda: asked(desk, Wanted(50)))
    following, second = told("second page", lambda: asked(desk, Wanted(50), after=page[-1].place))
    for spent in (first, second):
        assert spent.here < 6
        assert spent.most_mb < 100
    places = [match.place for match in (*page, *following)]
    assert places == sorted(set(places))
    assert page[0].crosses

    for what, wanted in (
        ("of at least 0.80", Wanted(80)),
        ("that jointly cross a limit", Wanted(50, crosses=True)),
        ("of one employer", Wanted(50, employer_id="emp_" + "0" * 32)),
        ("with namesakes anywhere (0.40)", Wanted(40)),
    ):
        found, _ = told(f"first page {what}", partial(asked, desk, wanted))
        assert found
    some = [crowd.ids[place] for place in range(0, PEOPLE, PEOPLE // 50)]
    _, one_by_one = told(
        f"one recipient, {len(some)} times", lambda: [asked(desk, Wanted(50, recipient_id=id)) for id in some]
    )
    assert one_by_one.here / len(some) < 0.2

    whole = asked(desk, Wanted(50), limit=10**6)
    pairs = {tuple(person.id for person in match.people) for match in whole}
    planted = [tuple(sorted((crowd.ids[one], crowd.ids[other]))) for one, other in crowd.twice]
    missed = [pair for pair in planted if pair not in pairs]
    say(f"{len(pairs)} matches of at least 0.50, {len(planted) - len(missed)} of the {len(planted)} planted among them")
    assert len(missed) < len(planted) // 10
    database.close()
