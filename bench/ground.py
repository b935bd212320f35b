"""The ground both sides stand on: databases with 100,000 recipients and a policy, copied for every side of a run."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url, text

from app.services import packs
from bench.processes import free_port, propriety, running, told
from bench.stock import Stock, fill
from tests.databases import NO_POSTGRES, NoPostgres, PostgresServer, binaries

Kind = Literal["sqlite", "postgres"]
Policy = Literal["default", "all-packs"]

RECIPIENTS = 100_000
EMPLOYERS = 1_000
# Types of recipients that the shipped packs have rules for, as often as they stand here.
TYPES = (
    *("institutional_employee",) * 5,
    *("third_party_representative",) * 2,
    "plan_fiduciary",
    "union_official",
    "municipal_official",
)
# What a machine of this size is given in production, alike for both sides. What makes a commit durable stays as it is.
_TUNING = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}


class Served(NamedTuple):
    """A running service: where it listens, its process, its database, and a key that may read all."""

    port: int
    process: int
    url: str
    key: str


class Ground:
    """Where databases come from. All are gone when the run ends. `entries` is how many a database holds to be read."""

    def __init__(self, folder: Path, entries: int = 100_000) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.stock = Stock(entries)
        self._stocked: dict[Stock, str] = {}
        self._reading: dict[bool, Served] = {}
        self._made = 0
        self._server: PostgresServer | None = None
        self._templates: dict[tuple[Kind, Policy], str] = {}
        self.keys: dict[Kind, str] = {}
        # The day of every entry, fixed at the start: nothing here is about entries that come late.
        self.day: date = datetime.now(ZoneInfo("America/New_York")).date()

    def database(self, kind: Kind, policy: Policy = "default") -> str:
        """The SQLAlchemy address of a new database. Raises NoPostgres."""
        return self._copy(kind, self._template(kind, policy))

    def empty(self, kind: Kind) -> str:
        """The address of a new database with the default policy and nobody in it. Raises NoPostgres."""
        url = self._new(kind)
        told(propriety("migrate"), variables={"PROPRIETY_DATABASE_URL": url})
        with serving(url):
            pass  # the default policy is put in force when the service first starts
        return url

    def stocked(self, stock: Stock) -> str:
        """The address of a new PostgreSQL database that already holds much. Raises NoPostgres."""
        if stock not in self._stocked:
            url = self.database("postgres")
            fill(url, stock, types=TYPES, today=self.day)
            self._stocked[stock] = url
        return self._copy("postgres", self._stocked[stock])

    def stored(self) -> dict[str, int] | None:
        """How many bytes the stock takes, indexes included; None where nothing was stocked."""
        url = self._stocked.get(self.stock)
        if url is None:
            return None
        full, empty = (_bytes_of(one) for one in (url, self._template("postgres", "default")))
        return {"entries": self.stock.entries, "bytes": full - empty}

    def reading(self, *, stocked: bool) -> Served:
        """The one service that all readers ask, on a database with the stock or on one without."""
        if stocked not in self._reading:
            url = self.stocked(self.stock) if stocked else self.database("postgres")
            key = new_key(url, "officer", "reader")
            port, process = self._stack.enter_context(serving(url))
            self._reading[stocked] = Served(port, process, url, key)
        return self._reading[stocked]

    def day_of(self, text: str) -> str:
        """A day such as DAY-30 as a date; any other text as it is."""
        return (self.day - timedelta(days=int(text[4:]))).isoformat() if text.startswith("DAY-") else text

    def postmaster(self) -> int:
        """The process that all processes of PostgreSQL are children of."""
        with psycopg.connect(self._running().url) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        return int(Path(row[0], "postmaster.pid").read_text().split()[0]) if row else 0

    def close(self) -> None:
        """Ends the servers and leaves nothing behind."""
        self._stack.close()
        if self._server:
            self._server.remove()

    def _template(self, kind: Kind, policy: Policy) -> str:
        if (kind, policy) not in self._templates:
            make = self._default_database if policy == "default" else self._all_packs_database
            self._templates[kind, policy] = make(kind)
        return self._templates[kind, policy]

    def _default_database(self, kind: Kind) -> str:
        url = self._new(kind)
        told(propriety("migrate"), variables={"PROPRIETY_DATABASE_URL": url})
        add_people(url)
        self.keys[kind] = new_key(url, "integration", "wrk")
        with serving(url):
            pass  # the default policy is put in force when the service first starts
        return url

    def _all_packs_database(self, kind: Kind) -> str:
        url = self._copy(kind, self._template(kind, "default"))
        drafter, publisher = new_key(url, "officer", "drafter"), new_key(url, "officer", "publisher")
        rules = packs.compose(packs.pack_names(), "All shipped packs", {})["rules"]
        with serving(url) as (port, _):
            drafted = _post(port, drafter, "/v1/policies", {"name": "All shipped packs", "rules": rules})
            _post(port, publisher, f"/v1/policies/{drafted['id']}/publication", {"effective_from": "2000-01-01"})
        return url

    def _new(self, kind: Kind) -> str:
        self._made += 1
        if kind == "sqlite":
            return f"sqlite:///{self._folder}/{self._made}.db"
        return self._create(sql.SQL("template0"))

    def _copy(self, kind: Kind, template: str) -> str:
        self._made += 1
        if kind == "postgres":
            return self._create(sql.Identifier(make_url(template).database or ""))
        source, target = make_url(template).database or "", f"{self._folder}/{self._made}.db"
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(source, target)
        return f"sqlite:///{target}"

    def _create(self, template: sql.Composable) -> str:
        name = f"bench_{self._made}"
        server = self._running()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        address = make_url(server.url).set(drivername="postgresql+psycopg", database=name)
        return address.render_as_string(hide_password=False)

    def _running(self) -> PostgresServer:
        if self._server is None:
            found = binaries()
            if found is None:
                raise NoPostgres(NO_POSTGRES)
            self._server = PostgresServer(found)
            self._server.create()
            with psycopg.connect(self._server.url, autocommit=True) as connection:
                for name, value in _TUNING.items():
                    connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
            self._server.stop()
            self._server.start()
        return self._server


@contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """The service, as `propriety serve` starts it, on a database: its port and its process id."""
    port = free_port()
    with running(propriety("serve", "--port", str(port), "--database", url, "--log-level", "warning"), port) as pid:
        yield port, pid


def new_key(url: str, role: str, name: str) -> str:
    """The secret of a new API key."""
    said = told(propriety("keys", "create", name, "--role", role, "--database", url, "--json"))
    return str(json.loads(said)["secret"])


def _bytes_of(url: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    finally:
        engine.dispose()


def _post(port: int, key: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"http://127.0.0.1:{port}{path}", json=body, headers=headers, timeout=60)
    if answer.status_code != 201:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:2000]}")
    return dict(answer.json())


_NUMBERS = {
    "postgresql": "SELECT i, lpad(to_hex(i), 32, '0') AS hex FROM generate_series(0, :last) AS i",
    "sqlite": (
        "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < :last) "
        "SELECT i, printf('%032x', i) AS hex FROM numbers"
    ),
}


def add_people(url: str) -> None:
    """All recipients and their employers, in two statements."""
    engine = create_engine(url)
    types = " ".join(f"WHEN {place} THEN '{type}'" for place, type in enumerate(TYPES))
    moment = "now()" if engine.dialect.name == "postgresql" else "'2026-01-01T00:00:00.000000Z'"
    numbers = _NUMBERS[engine.dialect.name]
    try:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO employers (id, version, name, name_key, created_at) "
                    f"SELECT 'emp_' || hex, 1, 'Employer ' || i, 'employer ' || i, {moment} FROM ({numbers}) AS n"
                ),
                {"last": EMPLOYERS - 1},
            )
            connection.execute(
                text(
                    "INSERT INTO recipients "
                    "(id, version, name, name_key, type, employer_id, match_key, canonical_id, created_at) "
                    f"SELECT 'rec_' || n.hex, 1, 'Person ' || n.i, 'person ' || n.i, "
                    f"CASE n.i % {len(TYPES)} {types} END, e.id, 'name:person ' || n.i || '|' || e.id, "
                    f"'rec_' || n.hex, {moment} "
                    f"FROM ({numbers}) AS n JOIN employers e ON e.name_key = 'employer ' || (n.i % {EMPLOYERS})"
                ),
                {"last": RECIPIENTS - 1},
            )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))
    finally:
        engine.dispose()
