"""How it must not be done: read the total, insert, flag if it is over. The control that gives the races their worth.

It runs as plain SQL on the same engines, from as many connections at once as there are clients.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.races.rounds import LIMIT, Shape

TABLES = (
    "CREATE TABLE naive_gifts (person TEXT NOT NULL, minor BIGINT NOT NULL)",
    "CREATE INDEX naive_gifts_by_person ON naive_gifts (person, minor)",
    "CREATE TABLE naive_flags (person TEXT NOT NULL)",
)


def missed(url: str, shape: Shape) -> int:
    """In how many rounds nobody was flagged although the clients' gifts together are over the limit."""
    connect = _connector(url)
    with connect() as connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.commit()
    together = threading.Barrier(shape.clients)
    minor = LIMIT // (shape.clients - 1)
    with ThreadPoolExecutor(shape.clients) as pool:
        for client in [pool.submit(_client, connect, together, minor, shape.rounds) for _ in range(shape.clients)]:
            client.result()
    with connect() as connection:
        [(flagged,)] = connection.execute("SELECT count(DISTINCT person) FROM naive_flags").fetchall()
        [(kept,)] = connection.execute("SELECT count(*) FROM naive_gifts").fetchall()
    assert kept == shape.clients * shape.rounds
    return shape.rounds - int(flagged)


def _client(connect: Callable[[], Any], together: threading.Barrier, minor: int, rounds: int) -> None:
    with connect() as connection:
        mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
        for number in range(rounds):
            person = f"person {number}"
            together.wait()
            total = connection.execute(
                f"SELECT sum(minor) FROM naive_gifts WHERE person = {mark}", (person,)
            ).fetchone()
            connection.execute(f"INSERT INTO naive_gifts VALUES ({mark}, {mark})", (person, minor))
            if int(total[0] or 0) + minor > LIMIT:
                connection.execute(f"INSERT INTO naive_flags VALUES ({mark})", (person,))
            connection.commit()


def _connector(url: str) -> Callable[[], Any]:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return lambda: sqlite3.connect(str(address.database), timeout=30)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return lambda: psycopg.connect(plain)
