"""Idempotency keys: however often a request is repeated, and through whichever server, it happens once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from tests.api.judging import nothing_written, refused
from tests.api.wire import Ask, Reply, Wire
from tests.api.world import QUIET, Json, World, moved, standing

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 60


@pytest.fixture(params=["/v1/entries", "/v1/entries/batch"])
def keyed(request: pytest.FixtureRequest, world: World) -> Ask:
    return with_a_key(world, request.param)


def with_a_key(world: World, path: str) -> Ask:
    """A request with a key that nobody used yet: one entry, or a batch of three of which one is refused."""
    body: Json = world.gift("rhea")
    if path.endswith("batch"):
        body = {"entries": [body, world.gift("rhea") | {"occurred_on": "2030-01-01"}, world.gift("rhea")]}
    key = world.new("key").replace(" ", "-")
    return Ask("POST", path, headers={"Idempotency-Key": key}, body=body)


def same(first: Reply, again: Reply) -> None:
    """The very same answer, and the word that it is one."""
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers.get("idempotency-replayed") == "true"
    assert "idempotency-replayed" not in first.headers


def kept_keys(world: World, key: str) -> int:
    with world.server.desk.database.reading() as connection:
        question = text("SELECT count(*) FROM idempotency_keys WHERE key = :key")
        return int(connection.scalar(question, {"key": key}) or 0)


def entries_in(reply: Reply) -> list[str]:
    body = reply.json()
    return [body["id"]] if "id" in body else [one["entry"]["id"] for one in body["results"] if one["status"] == 201]


# Repeated


def test_a_repeated_request_is_answered_byte_for_byte_and_happens_once(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    assert first.status in (200, 201)
    with nothing_written(world):
        for _ in range(3):
            same(first, world.ask("rep", keyed))


def test_the_order_of_keys_and_the_blanks_in_a_body_make_no_difference(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    written = json.dumps(dict(reversed(keyed.body.items())), indent=2).encode()
    with nothing_written(world):
        same(first, world.ask("rep", keyed.but(body=written)))


def test_a_quoted_key_is_the_same_key(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    key = keyed.headers["Idempotency-Key"]
    with nothing_written(world):
        same(first, world.ask("rep", keyed.but(headers={"Idempotency-Key": f'"{key}"'})))
        same(first, world.ask("rep", keyed.but(headers={"Idempotency-Key": f"  {key} "})))


@pytest.mark.parametrize(
    "key", ["!", "a" * 255, '"' + "b" * 255 + '"', "~!@#$%^&*()_+-={}[]|:;'<>,.?/\\`", '"{8e03978e-40d5}"']
)
def test_any_visible_characters_are_a_key(world: World, key: str):
    ask = Ask("POST", "/v1/entries", headers={"Idempotency-Key": key}, body=world.gift("rhea"))
    same(world.ask("rep", ask), world.ask("rep", ask))


def test_what_is_replayed_is_what_was_answered_even_if_the_entry_went_on(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    for entry_id in entries_in(first):
        path = f"/v1/entries/{entry_id}/withdrawal"
        world.done("rep", Ask("POST", path, headers={"If-Match": '"v1"'}, body={"reason": "never happened"}))
    same(first, world.ask("rep", keyed))


# Not the same


def test_a_key_with_another_body_is_refused(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    body = (
        {**keyed.body, "purpose": "another one"}
        if "entries" not in keyed.body
        else {"entries": keyed.body["entries"][:1]}
    )
    with nothing_written(world):
        reply = refused(world, "rep", keyed.but(body=body))
        assert (reply.status, reply.code) == (422, "idempotency_key_reused")
        same(first, world.ask("rep", keyed))


def test_a_key_belongs_to_who_used_it_and_where(world: World, keyed: Ask):
    first = world.ask("rep", keyed)
    key = keyed.headers["Idempotency-Key"]
    other = "/v1/entries/batch" if keyed.path == "/v1/entries" else "/v1/entries"
    there = Ask("POST", other, headers={"Idempotency-Key": key}, body=keyed.body)
    body = world.gift("rhea") if other == "/v1/entries" else {"entries": [world.gift("rhea")]}
    elsewhere = world.ask("rep", there.but(body=body))
    somebody = world.ask("officer", keyed)
    for reply in (elsewhere, somebody):
        assert reply.status in (200, 201)
        assert "idempotency-replayed" not in reply.headers
    assert not set(entries_in(first)) & set(entries_in(somebody))
    assert kept_keys(world, str(key)) == 3


def test_a_second_key_of_the_same_person_knows_nothing_of_the_first(world: World, keyed: Ask):
    """A principal is a key: whoever gets a new one begins anew."""
    first = world.ask("rep", keyed)
    again = Wire(world.server.url, {"Authorization": f"Bearer {world.server.as_('rep', 'rhea').key}"})(keyed)
    assert "idempotency-replayed" not in again.headers
    assert not set(entries_in(first)) & set(entries_in(again))


def test_nobody_without_a_key_is_replayed_anything(world: World, keyed: Ask):
    world.ask("rep", keyed)
    for who in ("anonymous", "wrong_secret", "revoked", "expired"):
        assert refused(world, who, keyed).status == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"occurred_on": "2030-01-01"}, 422, id="not valid for the books"),
        pytest.param({"occurred_on": "yesterday"}, 422, id="not valid at all"),
        pytest.param({"giver": "ravi"}, 403, id="not allowed"),
    ],
)
def test_a_refused_request_leaves_no_key(world: World, change: Json, status: int):
    key = world.new("key").replace(" ", "-")
    ask = Ask("POST", "/v1/entries", headers={"Idempotency-Key": key}, body=world.gift("rhea") | change)
    with nothing_written(world):
        for _ in range(2):
            assert refused(world, "rep", ask).status == status
    assert kept_keys(world, key) == 0
    put_right = ask.but(body=world.gift("rhea"))
    first = world.ask("rep", put_right)
    assert first.status == 201
    same(first, world.ask("rep", put_right))


def test_a_batch_of_which_everything_is_refused_leaves_no_key(world: World):
    key = world.new("key").replace(" ", "-")
    items = [world.gift("rhea") | {"occurred_on": "2030-01-01"}, {}, world.gift("ravi")]
    ask = Ask("POST", "/v1/entries/batch", headers={"Idempotency-Key": key}, body={"entries": items})
    with nothing_written(world):
        for _ in range(2):
            reply = world.ask("rep", ask)
            assert [one["status"] for one in reply.json()["results"]] == [422, 422, 403]
            assert "idempotency-replayed" not in reply.headers
    assert kept_keys(world, key) == 0


def test_two_keys_in_one_request_are_no_key(world: World, keyed: Ask):
    lines = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    with nothing_written(world):
        answer = world.keys["rep"].post(keyed.path, json=keyed.body, headers=lines)
    assert (answer.status_code, answer.json()["code"]) == (400, "header_twice")


# Through other servers


def test_an_answer_outlives_the_server(fresh_database: Any, database_kind: Any):
    url = fresh_database(database_kind)
    with standing(url) as world:
        body = world.gift("rhea")
        ask = Ask("POST", "/v1/entries", headers={"Idempotency-Key": "for good"[:3]}, body=body)
        first, key = world.ask("rep", ask), world.keys["rep"].key
    with standing(url) as world:
        before = world.kept()
        again = Wire(world.server.url, {"Authorization": f"Bearer {key}"})(ask)
        same(first, again)
        assert moved(before, world.kept()) == {}


@contextmanager
def second_process(url: str) -> Iterator[str]:
    """Another process that serves the same database, with the clock on the wall."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"DATABASE_URL": url, "WORKER_INSIDE": "false", "SECRET_KEY": str(QUIET["secret_key"])}
    environment = {**os.environ, **{f"PROPRIETY_{name}": value for name, value in settings.items()}}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app.main:asgi",
        "--factory",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                assert Wire(f"http://127.0.0.1:{port}")(Ask("GET", "/health/ready")).status == 200
                break
            except OSError:
                assert time.monotonic() < deadline, "the second server does not answer"
                assert process.poll() is None, "the second server ended"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def test_a_second_process_gives_the_same_answer(fresh_database: Any, database_kind: Any):
    """And the first one gives the second one's."""
    url = fresh_database(database_kind)
    with standing(url) as world, second_process(url) as there:
        far = Wire(there, {"Authorization": f"Bearer {world.keys['rep'].key}"})
        here = Ask("POST", "/v1/entries", headers={"Idempotency-Key": "here"}, body=world.gift("rhea"))
        first = world.ask("rep", here)
        same(first, far(here))
        other = here.but(headers={"Idempotency-Key": "there"}, body=world.gift("rhea", occurred_on="2025-05-04"))
        second = far(other)
        assert second.status == 201, second.body
        same(second, world.ask("rep", other))
        with nothing_written(world):
            refusal = far(here.but(body=world.gift("rhea")))
        assert (refusal.status, refusal.code) == (422, "idempotency_key_reused")


# At the same moment

AT_ONCE = 16


def all_at_once(wires: list[Wire], ask: Ask) -> list[Reply]:
    """Everybody sends the same at the same moment."""
    start = Barrier(len(wires))

    def send(wire: Wire) -> Reply:
        start.wait()
        return wire(ask)

    with ThreadPoolExecutor(len(wires)) as pool:
        replies = list(pool.map(send, wires))
    for wire in wires:
        wire.close()
    return replies


def exactly_once(world: World, replies: list[Reply], person: str) -> None:
    """One effect; everybody has its answer, and all but one are told that it is a repetition."""
    assert {reply.status for reply in replies} <= {200, 201}, {reply.status: reply.body for reply in replies}
    assert len({reply.body for reply in replies}) == 1
    assert sum("idempotency-replayed" not in reply.headers for reply in replies) == 1
    listed = world.done("officer", Ask("GET", "/v1/entries", query=(("giver", person), ("limit", "200"))))["data"]
    assert sorted(one["id"] for one in listed) == sorted(entries_in(replies[0]))


@pytest.mark.race
@pytest.mark.parametrize("path", ["/v1/entries", "/v1/entries/batch"])
def test_sixteen_at_once_record_one_entry(world: World, path: str):
    for _ in range(5):
        person = world.new("rhea at once")
        world.server.as_("rep", person)
        key = world.server.as_("rep", person).key
        wires = [Wire(world.server.url, {"Authorization": f"Bearer {key}"}) for _ in range(AT_ONCE)]
        body = world.gift(person) if path == "/v1/entries" else {"entries": [world.gift(person), world.gift(person)]}
        ask = Ask("POST", path, headers={"Idempotency-Key": "all together"[:3]}, body=body)
        exactly_once(world, all_at_once(wires, ask), person)


@pytest.mark.race
def test_sixteen_at_once_through_two_processes_record_one_entry(fresh_database: Any, database_kind: Any):
    url = fresh_database(database_kind)
    with standing(url) as world, second_process(url) as there:
        for number in range(5):
            person = f"rhea {number}"
            key = world.server.as_("rep", person).key
            wires = [
                Wire(place, {"Authorization": f"Bearer {key}"}) for place in (world.server.url, there) for _ in range(8)
            ]
            body = world.gift(person, occurred_on="2025-05-04")
            ask = Ask("POST", "/v1/entries", headers={"Idempotency-Key": "k"}, body=body)
            exactly_once(world, all_at_once(wires, ask), person)


@pytest.mark.race
def test_of_two_bodies_under_one_key_at_once_one_is_recorded(world: World):
    """The other one is refused, whichever comes first; nothing of it is left."""
    for _ in range(5):
        person = world.new("rhea of two minds")
        key = world.server.as_("rep", person).key
        bodies = [world.gift(person, "10.00"), world.gift(person, "20.00")]
        start = Barrier(AT_ONCE)

        def send(number: int, key: str = key, bodies: list[Json] = bodies, start: Barrier = start) -> Reply:
            wire = Wire(world.server.url, {"Authorization": f"Bearer {key}"})
            start.wait()
            reply = wire(Ask("POST", "/v1/entries", headers={"Idempotency-Key": "k"}, body=bodies[number % 2]))
            wire.close()
            return reply

        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(send, range(AT_ONCE)))
        assert {reply.status for reply in replies} == {201, 422}
        recorded = [reply for reply in replies if reply.status == 201]
        assert len(recorded) == AT_ONCE // 2
        exactly_once(world, recorded, person)
        assert {reply.code for reply in replies if reply.status == 422} == {"idempotency_key_reused"}
