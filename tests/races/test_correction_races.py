"""Corrections that meet: whatever is amended, merged, parted or published at the instant when somebody else records.

The numbers here are a bounded share; `-m soak` plays the full ones. Run again with the seed that was printed:
`PROPRIETY_TEST_SEED=… pytest tests/races`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.processes import Line, ServerProcess, at_once, key_for, lines, read, serving
from tests.races import books
from tests.races.conftest import INSTALLATIONS
from tests.races.meetings import DAY, KINDS, Findings, Kind, Meeting, Scene, document
from tests.races.rounds import Shape
from tests.soaking import share
from tests.telling import Tell

pytestmark = pytest.mark.race

SOME = [Shape(2, 2 * len(KINDS)), Shape(8, len(KINDS))]
THREE = (("A", 6000), ("B", 5000), ("C", 4000))
MANY = [Shape(clients, share(rounds)) for clients, rounds in ((2, 2000), (8, 300), (16, 100), (32, 50))]
PUBLISHING = [Shape(clients, share(rounds)) for clients, rounds in ((2, 150), (8, 60), (16, 30), (32, 15))]


def published(line: Line, keys: Sequence[str], limit: str = "100.00", since: str = "2000-01-01") -> None:
    """Puts the rules of the meetings in force."""
    drafted = line.post("/v1/policies", document(limit))
    assert drafted.status == 201, drafted.body
    line.key, key = keys[1], line.key
    done = line.post(f"/v1/policies/{drafted.json['id']}/publication", {"effective_from": since})
    line.key = key
    assert done.status == 201, done.body


def scenes(line: Line, keys: Sequence[str], count: int, rng: random.Random) -> list[Scene]:
    """Scenes with three people each, and an entry of each of them, recorded together."""
    found = [Scene(f"{rng.getrandbits(32):08x}-{number}", line, keys) for number in range(count)]
    for start in range(0, count, 100):
        some = found[start : start + 100]
        gifts = [scene.gift(cents, scene.newcomer(who)) for scene in some for who, cents in THREE]
        answer = line.post("/v1/entries/batch", {"entries": gifts}, Idempotency_Key=some[0].name)
        assert (answer.status, answer.json["refused"]) == (200, 0), answer.body[:500]
        recorded = iter(answer.json["results"])
        for scene in some:
            for who in "ABC":
                entry = next(recorded)["entry"]
                scene.entries[who], scene.people[who] = entry["id"], entry["recipients"][0]["id"]
    return found


def meet(
    url: str, servers: Sequence[ServerProcess], shape: Shape, *, seed: int, kinds: Sequence[Kind] = KINDS
) -> Findings:
    """Plays the meetings, kind by kind, with the clients dealt out to the servers in turn."""
    rng = random.Random(f"{seed} {shape}")
    findings, keys = Findings(seed), [key_for(url, person=name) for name in ("olivia", "oscar")]
    with lines(servers, keys[0], shape.clients) as callers:
        published(callers[0], keys)
        for number, scene in enumerate(scenes(callers[0], keys, shape.rounds, rng)):
            kind = kinds[number % len(kinds)]
            meeting = kind(scene, rng, shape.clients)
            findings.note(kind.__name__, scene, meeting, at_once(callers, meeting.requests))
    read(url, findings.hold_against)
    findings.wrong += [f"books: {fault}" for fault in books.faults(url)]
    return findings


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_corrections_that_meet_leave_books_as_the_oracle_says(database_url, processes, seed, tell: Tell):
    with serving(database_url, processes) as servers:
        for shape in SOME:
            found = meet(database_url, servers, shape, seed=seed)
            tell(f"{shape} {found}")
            assert found.wrong == []
        assert not [line for server in servers for line in server.log.splitlines() if "Traceback" in line]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", MANY, ids=str)
@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_corrections_meet_thousands_of_times(database_url, processes, shape, seed, tell: Tell):
    with serving(database_url, processes) as servers:
        found = meet(database_url, servers, shape, seed=seed)
        tell(f"{shape} {found}, {dict(found.met)}")
        assert found.wrong == []
        assert not [line for server in servers for line in server.log.splitlines() if "Traceback" in line]


# Publications judge everybody anew, so they meet on books of their own


def publish_among(url: str, servers: Sequence[ServerProcess], shape: Shape, *, seed: int) -> Findings:
    """In each round one client publishes another limit from a day on while the others record and correct."""
    rng = random.Random(f"{seed} publications {shape}")
    findings, keys = Findings(seed), [key_for(url, person=name) for name in ("olivia", "oscar")]
    with lines(servers, keys[0], shape.clients) as callers:
        published(callers[0], keys)
        for scene in scenes(callers[0], keys, shape.rounds, rng):
            drafted = callers[0].post("/v1/policies", document(f"{rng.randint(40, 160)}.00"))
            since = (DAY + timedelta(days=rng.choice([-400, -3, 0, 1, 2, 60]))).isoformat()
            path = f"/v1/policies/{drafted.json['id']}/publication"
            acts = [scene.asks("POST", path, {"effective_from": since}, by=1)]
            ways = [
                scene.amend("A", total={"amount": "80.00", "currency": "USD"}),
                scene.merge("B", "C"),
                scene.change("C", employer=scene.elsewhere),
            ]
            acts += ways[: max(0, min(3, shape.clients - 3))]
            while len(acts) < shape.clients:
                people = [scene.person(who) for who in rng.sample("ABC", rng.choice([1, 2]))]
                acts.append(scene.create(scene.gift(rng.randint(500, 9000), *people, days=rng.randint(-3, 3))))
            meeting = Meeting(rng.sample(acts, len(acts)), [{200, 201, 412}] * shape.clients)
            findings.note("publish", scene, meeting, at_once(callers, meeting.requests))
    read(url, findings.hold_against)
    findings.wrong += [f"books: {fault}" for fault in books.faults(url)]
    return findings


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_a_publication_that_meets_recordings_leaves_books_as_the_oracle_says(database_url, processes, seed, tell: Tell):
    with serving(database_url, processes) as servers:
        for shape in (Shape(2, 8), Shape(8, 4)):
            found = publish_among(database_url, servers, shape, seed=seed)
            tell(f"{shape} {found}")
            assert found.wrong == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", PUBLISHING, ids=str)
@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_publications_meet_recordings_hundreds_of_times(database_url, processes, shape, seed, tell: Tell):
    with serving(database_url, processes) as servers:
        found = publish_among(database_url, servers, shape, seed=seed)
        tell(f"{shape} {found}")
        assert found.wrong == []
