"""Processes asked for the same new thing at the same instant make it once: a person, an employer, a keyed entry."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from app.services import policies
from app.storage.tables import EmployerRow, EntryRow, ExternalIdRow, IdempotencyKeyRow, RecipientRow
from tests.faults.races import planted
from tests.processes import at_once, desk_at, key_for, lines, read, request, serving
from tests.races import books
from tests.races.conftest import INSTALLATIONS
from tests.races.rounds import gift, person

pytestmark = pytest.mark.race

CLIENTS, ROUNDS = 16, 6
BOTH = [pytest.param(kind, id=kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]


def by_name(name: str) -> dict[str, str]:
    return {"name": f"Person {name}", "employer": f"Employer of {name}", "type": "institutional_employee"}


def by_email(name: str) -> dict[str, str]:
    return by_name(name) | {"email": f"{name}@example.com"}


def post_at_once(url, servers, bodies, keys=None):
    """Each body from a client of its own, all at the same instant."""
    api_key = key_for(url)
    with lines(servers, api_key, len(bodies)) as callers:
        return at_once(
            callers,
            [
                request("POST", "/v1/entries", api_key, body, **({"Idempotency_Key": keys[place]} if keys else {}))
                for place, body in enumerate(bodies)
            ],
        )


def count(url, table) -> int:
    return read(url, lambda connection: connection.scalar(select(func.count()).select_from(table)))


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
@pytest.mark.parametrize("named", [person, by_name, by_email], ids=["external id", "name and employer", "e-mail"])
def test_one_new_person(database_url, processes, named, seed, tell):
    names = [f"{random.Random(seed).getrandbits(32):08x}-{number}" for number in range(ROUNDS)]
    with serving(database_url, processes) as servers:
        for name in names:
            answers = post_at_once(database_url, servers, [gift(10_00, named(name)) for _ in range(CLIENTS)])
            assert [answer.status for answer in answers] == [201] * CLIENTS
            assert len({answer.json["recipients"][0]["id"] for answer in answers}) == 1
    tell(f"seed {seed}: {ROUNDS} people from {ROUNDS * CLIENTS} posts")
    assert count(database_url, RecipientRow) == ROUNDS
    assert count(database_url, EmployerRow) == (1 if named is person else ROUNDS)
    assert count(database_url, ExternalIdRow) == (ROUNDS if named is person else 0)
    assert books.faults(database_url) == []


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_many_new_people_listed_in_any_order(database_url, processes, seed):
    rng = random.Random(seed)
    people = [by_name(f"{rng.getrandbits(32):08x}") for _ in range(20)]
    with serving(database_url, processes) as servers:
        bodies = [gift(200_00, *rng.sample(people, len(people))) for _ in range(CLIENTS)]
        answers = post_at_once(database_url, servers, bodies)
        assert [answer.status for answer in answers] == [201] * CLIENTS
    assert count(database_url, RecipientRow) == count(database_url, EmployerRow) == len(people)
    assert books.faults(database_url) == []


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_one_entry_under_one_key(database_url, processes, seed, tell):
    names = [f"{random.Random(seed).getrandbits(32):08x}-{number}" for number in range(ROUNDS)]
    with serving(database_url, processes) as servers:
        for name in names:
            bodies = [gift(60_00, person(name))] * CLIENTS
            answers = post_at_once(database_url, servers, bodies, [f"key-{name}"] * CLIENTS)
            assert {answer.status for answer in answers} == {201}
            assert len({answer.body for answer in answers}) == 1, "every repetition has the same answer, byte for byte"
            assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    tell(f"seed {seed}: {ROUNDS} entries from {ROUNDS * CLIENTS} posts")
    assert count(database_url, EntryRow) == count(database_url, IdempotencyKeyRow) == ROUNDS
    assert books.faults(database_url) == []


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_one_of_several_bodies_under_one_key(database_url, processes, seed):
    name = f"{random.Random(seed).getrandbits(32):08x}"
    with serving(database_url, processes) as servers:
        bodies = [gift(10_00 + place, person(name)) for place in range(CLIENTS)]
        answers = post_at_once(database_url, servers, bodies, ["the-same-key"] * CLIENTS)
        kept = [answer for answer in answers if answer.status == 201]
        refused = [answer.json["code"] for answer in answers if answer.status == 422]
        assert len(kept) == 1
        assert refused == ["idempotency_key_reused"] * (CLIENTS - 1)
    assert count(database_url, EntryRow) == 1


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_one_default_policy(fresh_database, database_kind, processes):
    for _ in range(3):
        url = fresh_database(database_kind)
        with serving(url, processes) as servers, lines(servers, key_for(url), processes) as callers:
            answers = [line.get("/v1/policies") for line in callers]
            assert [len(answer.json["data"]) for answer in answers] == [1] * processes


# Controls


@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
def test_an_answer_kept_apart_from_its_entry_is_caught(database_url, seed):
    doubled = 0
    with serving(database_url, 2, program=planted("key_kept_afterwards")) as servers:
        for number in range(ROUNDS):
            name = f"{random.Random(seed).getrandbits(32):08x}-{number}"
            bodies = [gift(60_00, person(name))] * CLIENTS
            answers = post_at_once(database_url, servers, bodies, [f"key-{name}"] * CLIENTS)
            doubled += len({answer.json["id"] for answer in answers if answer.status == 201}) > 1
    assert doubled > 0


@pytest.mark.postgres
def test_a_lost_race_that_is_not_run_again_is_caught(database_url, seed):
    failed = 0
    with desk_at(database_url) as desk:
        desk.database.write(lambda connection: policies.ensure_default(connection, desk))
    with serving(database_url, 2, program=planted("lost_races_are_errors")) as servers:
        for number in range(ROUNDS):
            name = f"{random.Random(seed).getrandbits(32):08x}-{number}"
            answers = post_at_once(database_url, servers, [gift(10_00, person(name)) for _ in range(CLIENTS)])
            failed += sum(answer.status >= 500 for answer in answers)
    assert failed > 0
