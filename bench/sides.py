"""The sides: each a running server (or a script) on a database of its own, that can be loaded and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, text

from bench import books, load
from bench.ground import TYPES, Ground, Kind, Policy, serving
from bench.load import Load
from bench.processes import cpu_of_ended_children, cpu_seconds, free_port, running
from bench.references.rules import ReferenceRule, rules_of

_JOB = Path(__file__).parent / "references" / "job.sql"


class Measured(NamedTuple):
    """One round of one side. CPU is microseconds per request; None where there is no such process."""

    rate: float
    p50_ms: float
    p99_ms: float
    app_us: float | None
    database_us: float | None
    load_us: float

    @property
    def serving_us(self) -> float:
        """CPU of whatever does the job: service and database, or client and database where there is no service."""
        return (self.load_us if self.app_us is None else self.app_us) + (self.database_us or 0)


@dataclass
class Side:
    """Something that does a job again and again, and what it has done so far. `load` takes seconds and a seed."""

    title: str
    load: Callable[[float, int], Load]
    app: int | None = None
    database: int | None = None
    url: str | None = None
    audited: bool = True
    kept: int = 0
    rounds: list[Measured] = field(default_factory=list)

    def warm_up(self, seconds: float, seed: int) -> None:
        """Loads without measuring, so that caches are filled and tables are no longer empty."""
        self.kept += self.load(seconds, seed).done
        if self.url and self.database:
            _analyze(self.url)

    def measure(self, seconds: float, seed: int) -> None:
        """One round. RuntimeError where the books are wrong afterwards."""
        before = self._cpu()
        one = self.load(seconds, seed)
        app, database, client = (
            None if now is None or then is None else (now - then) * 1e6 / one.done
            for now, then in zip(self._cpu(), before, strict=True)
        )
        self.kept += one.done
        self.rounds.append(Measured(one.done / one.seconds, one.p50_ms, one.p99_ms, app, database, client or 0))
        if self.url and (wrong := books.faults(self.url, self.kept, audited=self.audited)):
            raise RuntimeError(f"{self.title}: {'; '.join(wrong)}")

    def _cpu(self) -> tuple[float | None, float | None, float]:
        app, database = (None if process is None else cpu_seconds(process) for process in (self.app, self.database))
        return app, database, cpu_of_ended_children()


Opened = AbstractContextManager[Side]


def sides(ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    return {
        "post": lambda: _service(ground, "POST /v1/entries, PostgreSQL, default policy", "postgres", "default"),
        "job": lambda: _job(ground, "hand-written SQL by pgbench, default policy", "default"),
        "post-all-packs": lambda: _service(ground, "POST /v1/entries, PostgreSQL, all packs", "postgres", "all-packs"),
        "job-all-packs": lambda: _job(ground, "hand-written SQL by pgbench, all packs", "all-packs"),
        "orm": lambda: _orm(ground),
        "floor": lambda: _floor(ground),
        "post-sqlite": lambda: _service(ground, "POST /v1/entries, SQLite, default policy", "sqlite", "default"),
        "one-commit": lambda: _one_commit(ground, "one commit per request, sqlite3 in threads", "threads"),
        "one-commit-loop": lambda: _one_commit(ground, "one commit per request, sqlite3 on the event loop", "loop"),
    }


@contextmanager
def _service(ground: Ground, title: str, kind: Kind, policy: Policy) -> Iterator[Side]:
    url = ground.database(kind, policy)
    with serving(url) as (port, process):
        database = ground.postmaster() if kind == "postgres" else None
        yield Side(title, _http(ground, port, ground.keys[kind]), process, database, url)


@contextmanager
def _job(ground: Ground, title: str, policy: Policy) -> Iterator[Side]:
    url = ground.database("postgres", policy)
    variables = _prepared(url, ground) | _usual_texts(ground, policy)

    def run(seconds: float, seed: int) -> Load:
        return load.over_sql(url.replace("+psycopg", ""), _JOB, variables=variables, seconds=seconds, seed=seed)

    yield Side(title, run, None, ground.postmaster(), url)


@contextmanager
def _orm(ground: Ground) -> Iterator[Side]:
    port, url = free_port(), ground.database("postgres")
    with running(_reference("orm", str(port), url, ground.day.isoformat(), *TYPES), port) as process:
        title = "FastAPI and SQLAlchemy ORM, PostgreSQL"
        yield Side(title, _http(ground, port, ""), process, ground.postmaster(), url, audited=False)


@contextmanager
def _floor(ground: Ground) -> Iterator[Side]:
    port = free_port()
    with running(_reference("floor", str(port)), port) as process:
        yield Side("FastAPI, the same body checked, nothing kept", _http(ground, port, ""), process)


@contextmanager
def _one_commit(ground: Ground, title: str, where: str) -> Iterator[Side]:
    port, url = free_port(), ground.database("sqlite")
    path = url.removeprefix("sqlite:///")
    with running(_reference("one_commit", where, str(port), path, ground.day.isoformat(), *TYPES), port) as process:
        yield Side(title, _http(ground, port, ground.keys["sqlite"]), process, None, url)


def _http(ground: Ground, port: int, key: str) -> Callable[[float, int], Load]:
    return lambda seconds, seed: load.over_http(port, key=key, day=ground.day.isoformat(), seconds=seconds, seed=seed)


def _reference(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"bench.references.{name}", *arguments]


_RULES = """
    CREATE TABLE bench_rules (
        type text, kind text, rule_id text, policy_id text, severity text, exclusion text, counts_events boolean,
        adds_up boolean, period_start date, period_end date, limit_value bigint, warn_value bigint, at_limit boolean,
        PRIMARY KEY (type, kind, rule_id))"""


def _prepared(url: str, ground: Ground) -> dict[str, str]:
    """Puts the rules into a table; what the script takes from outside: whose key it is, and the day."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(_RULES))
            marks = ", ".join(f":{name}" for name in ReferenceRule._fields)
            rules = [rule._asdict() for rule in rules_of(connection, TYPES, ground.day)]
            connection.execute(text(f"INSERT INTO bench_rules VALUES ({marks})"), rules)
            key = connection.scalar(text("SELECT id FROM api_keys WHERE name = 'wrk'"))
        _analyze(url)
    finally:
        engine.dispose()
    return {"api_key": str(key), "day": ground.day.isoformat()}


_TEXTS = {
    "document": ("entry_versions", "document"),
    "answer": ("idempotency_keys", "body"),
    "audit": ("audit_records", "body"),
}


def _usual_texts(ground: Ground, policy: Policy) -> dict[str, str]:
    """What the service writes, nearest to its average length, so that the script moves as many bytes."""
    with _service(ground, "", "postgres", policy) as side:
        side.load(1, 1)
        engine = create_engine(side.url or "")
        with engine.connect() as connection:
            texts = {
                name: connection.scalar(
                    text(
                        f"SELECT {column} FROM {table} "
                        f"ORDER BY abs(length({column}) - (SELECT avg(length({column})) FROM {table})) LIMIT 1"
                    )
                )
                for name, (table, column) in _TEXTS.items()
            }
        engine.dispose()
    return {name: str(found) for name, found in texts.items()}


def _analyze(url: str) -> None:
    """Fresh statistics, so that no plan is for an empty table."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
