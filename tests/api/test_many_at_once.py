"""Many readers at once: far more than there are threads and connections, and each is answered."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from app.domain.access import Role
from tests.processes import Line, request

READERS = 120  # an application has 40 threads for its endpoints, and here 2 connections


@pytest.fixture
def server_settings():
    return {"pool_size": 2}


def test_nobody_holds_a_connection_while_waiting_for_a_thread(server):
    caller = server.as_(Role.OFFICER, "olivia")
    port = int(server.url.rpartition(":")[2])
    lines = [Line(port, caller.key) for _ in range(READERS)]
    began = time.monotonic()
    for line in lines:
        line.send(request("GET", "/v1/violations", caller.key))
    answers = []
    for line in lines:
        with closing(line):
            answers.append(line.receive().status)
    assert set(answers) == {200}
    # Who waits for a connection that nobody gives back is refused after half a minute.
    assert time.monotonic() - began < 25


def test_a_stranger_hears_of_nothing_but_the_key(server):
    stranger = server.stranger("prp_" + "0" * 32 + "_" + "0" * 43)
    for query in ("cursor=bad", "limit=none", "kind=unknown", "as_of=never", "format=nothing"):
        assert stranger.get(f"/v1/entries?{query}").status_code == 401, query
    assert stranger.get("/v1/entries", headers={"Accept": "image/png"}).status_code == 401
    assert server.stranger().get("/v1/entries?limit=none").status_code == 401
