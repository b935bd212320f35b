"""What was acknowledged stays, whatever happens to server or database; what was not is there whole or not at all."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.faults.races import planted
from tests.processes import held_up, key_for, libpq, lines, request, serving
from tests.races import books
from tests.races.load import Load
from tests.races.rounds import gift, introduce, person

pytestmark = pytest.mark.race

BOTH = [pytest.param(kind, id=kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
KILLS, MANY_KILLS = 5, int(os.environ.get("PROPRIETY_TEST_KILLS", "200"))


def wait_for(so: Callable[[], bool], within_s: int = 30) -> None:
    deadline = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)


# The queue


def test_beyond_the_queue_the_answer_is_503_and_what_waited_is_recorded(database_url, tell):
    api_key, clients = key_for(database_url), 60
    with serving(database_url, writer_queue=8, writer_batch=4) as servers, lines(servers, api_key, clients) as callers:
        introduce(callers[0], ["waiting"])
        with held_up(database_url):
            for place, line in enumerate(callers):
                body = gift(10_00, person("waiting"), purpose=f"waiting/{place}")
                line.send(request("POST", "/v1/entries", api_key, body, Idempotency_Key=f"waiting-{place}"))
            wait_for(lambda: sum(line.answered for line in callers) >= clients - 8 - 4)
        answers = [line.receive() for line in callers]
        turned_away = [answer for answer in answers if answer.status == 503]
        recorded = {answer.json["id"] for answer in answers if answer.status == 201}
        tell(f"{len(recorded)} recorded, {len(turned_away)} turned away")
        assert len(recorded) + len(turned_away) == clients
        assert 8 <= len(recorded) <= 8 + 4
        assert {answer.json["code"] for answer in turned_away} == {"overloaded"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in turned_away)
        listed = callers[0].get("/v1/entries?kind=gift&limit=200").json["data"]
        assert {entry["id"] for entry in listed} == recorded
    assert books.faults(database_url) == []


# The end of a server


@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
def test_a_server_that_is_asked_to_end_answers_whom_it_has_let_in(database_url, tell):
    api_key = key_for(database_url)
    with serving(database_url, 2) as servers:
        with Load(servers, api_key, clients=16) as load:
            load.until(20)
            for server in servers:
                server.terminate()
            asked = time.monotonic()
            codes = [server.ended(10) for server in servers]
            took = time.monotonic() - asked
        tell(f"{load.answered}, hung up {load.hung_up}, ended in {took:.1f} s with {codes}")
        assert codes == [0, 0]
        assert set(load.answered) <= {201, 503}
        assert took < 10
        assert load.lost(database_url) == set()
        assert not [line for server in servers for line in server.log.splitlines() if "Traceback" in line]
    assert books.faults(database_url) == []


def test_a_request_in_the_works_is_answered_before_the_end(database_url):
    api_key = key_for(database_url)
    with serving(database_url) as [server], lines([server], api_key, 6) as [probe, *callers]:
        introduce(probe, ["last"])
        with held_up(database_url):
            for place, line in enumerate(callers):
                line.send(request("POST", "/v1/entries", api_key, gift(1_00, person("last"), purpose=f"last/{place}")))
            for _ in range(3):  # what was sent before these has been read
                assert probe.get("/health/live").status == 200
            server.terminate()
            time.sleep(0.3)
            assert server.exit_code is None
        assert [line.receive().status for line in callers] == [201] * 5
        assert server.ended(10) == 0
    assert books.faults(database_url) == []


# Kills


def kill_again_and_again(url: str, rounds: int, seed: int) -> str:
    """Kills a server at random instants under load; nothing acknowledged is lost and no repetition doubles anything."""
    rng, api_key = random.Random(seed), key_for(url)
    acknowledged = unanswered = 0
    with serving(url) as [server]:
        for number in range(rounds):
            with Load([server], api_key, clients=6, name=f"kill-{number}") as load:
                load.until(rng.randint(1, 30))
                time.sleep(rng.uniform(0, 0.05))
                server.kill()
            server.start()
            server.wait()
            assert load.lost(url) == set(), f"round {number}, seed {seed}"
            with lines([server], api_key, 1) as [line]:
                assert {answer.status for answer in load.repeat(line).values()} <= {201}
            acknowledged, unanswered = acknowledged + len(load.acknowledged), unanswered + len(load.open)
            assert load.doubled(url) == []
            if number % 10 == 0 or number == rounds - 1:
                assert books.faults(url) == [], f"round {number}, seed {seed}"
    if url.startswith("sqlite"):
        assert books.integrity(url) == "ok"
    return f"seed {seed}: {rounds} kills, {acknowledged} acknowledged, {unanswered} repeated, 0 lost, 0 doubled"


@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
def test_a_killed_server_has_kept_what_it_acknowledged(database_url, seed, tell):
    tell(kill_again_and_again(database_url, KILLS, seed))


@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
def test_a_server_that_answers_before_it_commits_is_caught_by_killing_it(database_url):
    api_key, lost = key_for(database_url), set[str]()
    with serving(database_url, program=planted("answer_before_commit")) as [server]:
        for number in range(KILLS):
            with Load([server], api_key, clients=6, name=f"kill-{number}") as load:
                load.until(10)
                server.kill()
            lost |= load.lost(database_url)
            if lost:
                return
            server.start()
            server.wait()
    pytest.fail("answers that left before the commit were all kept: these kills prove nothing")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
def test_a_server_killed_many_times_has_kept_what_it_acknowledged(database_url, seed, tell):
    tell(kill_again_and_again(database_url, MANY_KILLS, seed))


# The database goes away


@pytest.mark.postgres
def test_cut_connections_are_503_and_then_all_is_well(database_url, seed, tell):
    api_key, rng = key_for(database_url), random.Random(seed)
    cuts = 0
    with serving(database_url, 2) as servers:
        with Load(servers, api_key, clients=8) as load, psycopg.connect(libpq(database_url), autocommit=True) as admin:
            until = time.monotonic() + 2
            while time.monotonic() < until:
                time.sleep(rng.uniform(0.02, 0.15))
                cuts += cut(admin)
            mended = time.monotonic()
            recovered = load.until(1)
        tell(f"{cuts} connections cut, {load.answered}, well again after {recovered - mended:.2f} s")
        assert cuts > 10
        assert set(load.answered) <= {201, 503}
        assert recovered - mended <= 10
        assert load.lost(database_url) == set()
        with lines(servers, api_key, 1) as [line]:
            assert {answer.status for answer in load.repeat(line).values()} <= {201}
        assert load.doubled(database_url) == []
    assert books.faults(database_url) == []


def cut(admin: psycopg.Connection) -> int:
    found = admin.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchone()
    return int(found[0]) if found else 0


@pytest.mark.postgres
def test_a_crashed_database_is_503_until_it_is_back(own_postgres, seed, tell):
    server = own_postgres.server
    with own_postgres.fresh("postgres") as url, serving(url, 2) as servers:
        api_key = key_for(url)
        with Load(servers, api_key, clients=8) as load:
            load.until(10)
            server.crash()
            wait_for(lambda: load.answered[503] > 0)
            server.start()
            back = time.monotonic()
            recovered = load.until(1)
        tell(f"{load.answered}, hung up {load.hung_up}, well again after {recovered - back:.2f} s")
        assert set(load.answered) <= {201, 503}
        assert load.answered[503] > 0
        assert recovered - back <= 10
        assert load.hung_up == 0
        assert load.lost(url) == set()
        with lines(servers, api_key, 1) as [line]:
            assert {answer.status for answer in load.repeat(line).values()} <= {201}
        assert load.doubled(url) == []
        assert books.faults(url) == []
