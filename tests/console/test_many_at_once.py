"""Many visitors at once: far more than there are threads and connections, and each gets their page."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from tests.console.visiting import visit
from tests.processes import Line, request

VISITORS = 120  # an application has 40 threads for its endpoints, and here 2 connections


@pytest.fixture
def server_settings():
    return {"pool_size": 2}


def test_no_page_holds_a_connection_while_waiting_for_a_thread(server):
    olivia = visit(server, "officer", "olivia")
    cookie = "; ".join(f"{name}={value}" for name, value in olivia.cookies.items())
    port = int(server.url.rpartition(":")[2])
    lines = [Line(port, "") for _ in range(VISITORS)]
    began = time.monotonic()
    for line in lines:
        line.send(request("GET", "/console/entries", "", Cookie=cookie))
    statuses = []
    for line in lines:
        with closing(line):
            statuses.append(line.receive().status)
    assert set(statuses) == {200}
    # Who waits for a connection that nobody gives back is refused after half a minute.
    assert time.monotonic() - began < 25
