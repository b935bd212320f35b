"""Processes asked for the same new thing at the same instant make it once: a person, an employer, a keyed entry."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import func, select

from app.services import policies
from app.storage.tables import EmployerRow, EntryRow, ExternalIdRow, IdempotencyKeyRow, RecipientRow
from tests.databases import Databases
from tests.faults.races import planted
from tests.processes import Answer, ServerProcess, at_once, desk_at, key_for, lines, read, request, serving
from tests.races import books
from tests.races.conftest import INSTALLATIONS
from tests.races.rounds import gift, person

pytestmark = pytest.mark.race

CLIENTS, ROUNDS = 16, 6
TRIES = 10  # how often a control may fail to show anything, where a machine is too busy for two things at one instant


class Installation(NamedTuple):
    """A database and the processes on it."""

    url: str
    servers: list[ServerProcess]

    def post_at_once(self, bodies: list[dict[str, Any]], key: str | None = None) -> list[Answer]:
        """Each body from a client of its own, all at the same instant; under the same key, where there is one."""
        api_key = key_for(self.url)
        headers = {"Idempotency_Key": key} if key else {}
        with lines(self.servers, api_key, len(bodies)) as callers:
            return at_once(callers, [request("POST", "/v1/entries", api_key, body, **headers) for body in bodies])

    def count(self, *tables: Any) -> list[int]:
        return read(
            self.url, lambda connection: [connection.scalar(select(func.count()).select_from(one)) for one in tables]
        )


@pytest.fixture(scope="module", params=[pytest.param(one.values, id=one.id, marks=one.marks) for one in INSTALLATIONS])
def installation(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Installation]:
    kind, processes = request.param
    if kind == "postgres":
        request.getfixturevalue("postgres_server")
    with databases.fresh(kind) as url, serving(url, processes) as servers:
        yield Installation(url, servers)
        assert books.faults(url) == []


@pytest.fixture
def names(seed: int) -> list[str]:
    rng = random.Random(seed)
    return [f"{rng.getrandbits(32):08x}-{number}" for number in range(ROUNDS)]


def by_name(name: str) -> dict[str, str]:
    return {"name": f"Person {name}", "employer": f"Employer of {name}", "type": "institutional_employee"}


def by_email(name: str) -> dict[str, str]:
    return by_name(name) | {"email": f"{name}@example.com"}


@pytest.mark.parametrize("named", [person, by_name, by_email], ids=["external id", "name and employer", "e-mail"])
def test_one_new_person(installation, names, named, seed, tell):
    before = installation.count(RecipientRow, ExternalIdRow)
    for name in names:
        answers = installation.post_at_once([gift(10_00, named(name)) for _ in range(CLIENTS)])
        assert [answer.status for answer in answers] == [201] * CLIENTS
        [recipient] = {answer.json["recipients"][0]["id"] for answer in answers}
        assert len({answer.json["recipients"][0]["employer_id"] for answer in answers}) == 1, recipient
    after = installation.count(RecipientRow, ExternalIdRow)
    tell(f"seed {seed}: {after[0] - before[0]} people from {ROUNDS * CLIENTS} posts")
    assert [now - then for now, then in zip(after, before, strict=True)] == [ROUNDS, ROUNDS * (named is person)]


def test_many_new_people_listed_in_any_order(installation, names, seed):
    rng = random.Random(seed)
    people = [by_name(f"{name}/{number}") for name in names for number in range(4)]
    before = installation.count(RecipientRow, EmployerRow)
    answers = installation.post_at_once([gift(240_00, *rng.sample(people, len(people))) for _ in range(CLIENTS)])
    assert [answer.status for answer in answers] == [201] * CLIENTS
    assert installation.count(RecipientRow, EmployerRow) == [many + len(people) for many in before]


def test_one_entry_under_one_key(installation, names, seed, tell):
    before = installation.count(EntryRow, IdempotencyKeyRow)
    for name in names:
        answers = installation.post_at_once([gift(60_00, person(name))] * CLIENTS, f"key-{name}")
        assert {answer.status for answer in answers} == {201}
        assert len({answer.body for answer in answers}) == 1, "every repetition has the same answer, byte for byte"
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    tell(f"seed {seed}: {ROUNDS} entries from {ROUNDS * CLIENTS} posts")
    assert installation.count(EntryRow, IdempotencyKeyRow) == [many + ROUNDS for many in before]


def test_one_of_several_bodies_under_one_key(installation, names):
    [before] = installation.count(EntryRow)
    bodies = [gift(10_00 + place, person(names[0])) for place in range(CLIENTS)]
    answers = installation.post_at_once(bodies, f"key-{names[0]}")
    refused = [answer.json["code"] for answer in answers if answer.status == 422]
    assert [answer.status for answer in answers if answer.status != 422] == [201]
    assert refused == ["idempotency_key_reused"] * (CLIENTS - 1)
    assert installation.count(EntryRow) == [before + 1]


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS[1:], indirect=["database_kind"])
def test_one_default_policy(fresh_database, database_kind, processes):
    for _ in range(2):
        url = fresh_database(database_kind)
        with serving(url, processes) as servers, lines(servers, key_for(url), processes) as callers:
            assert [len(line.get("/v1/policies").json["data"]) for line in callers] == [1] * processes


# Controls


def again(names: list[str]) -> Iterator[str]:
    """The names, and further new ones for as many tries as a control has."""
    return (f"{name}-{number}" for number in range(TRIES) for name in names)


def test_an_answer_kept_apart_from_its_entry_is_caught(database_url, names):
    with serving(database_url, 2, program=planted("key_kept_afterwards")) as servers:
        here = Installation(database_url, servers)
        for name in again(names):
            answers = here.post_at_once([gift(60_00, person(name))] * CLIENTS, f"key-{name}")
            if len({answer.json["id"] for answer in answers if answer.status == 201}) > 1:
                return
    pytest.fail("a key was never answered twice: these posts are not simultaneous enough to prove anything")


@pytest.mark.postgres
def test_a_lost_race_that_is_not_run_again_is_caught(database_url, names):
    with desk_at(database_url) as desk:
        desk.database.write(lambda connection: policies.ensure_default(connection, desk))
    with serving(database_url, 2, program=planted("lost_races_are_errors")) as servers:
        here = Installation(database_url, servers)
        for name in again(names):
            answers = here.post_at_once([gift(10_00, person(name)) for _ in range(CLIENTS)])
            if any(answer.status >= 500 for answer in answers):
                return
    pytest.fail("no race was lost: these posts are not simultaneous enough to prove anything")
