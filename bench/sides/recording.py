"""Recording: each side a running server (or a script) on a database of its own, that can be loaded and checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, text

from bench import books, load
from bench.ground import TYPES, Ground, Kind, Policy, serving
from bench.load import CONNECTIONS, LeftOut, Load, Stream, timed
from bench.processes import ROOT, free_port, running, told
from bench.references.rules import ReferenceRule, rules_of
from bench.sides.side import Opened, Side, analyze
from bench.stock import Stock

_JOB = Path(__file__).parents[1] / "references" / "job.sql"


def sides(ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    return {
        "post": lambda: _service(ground, "POST /v1/entries, PostgreSQL, default policy", "postgres", "default"),
        "job": lambda: _job(ground, "hand-written SQL by pgbench, default policy", "default"),
        "post-all-packs": lambda: _service(ground, "POST /v1/entries, PostgreSQL, all packs", "postgres", "all-packs"),
        "job-all-packs": lambda: _job(ground, "hand-written SQL by pgbench, all packs", "all-packs"),
        "orm": lambda: _orm(ground),
        "django": lambda: _django(ground),
        "unaudited": lambda: _unaudited(ground),
        "steady": lambda: _steady(ground),
        "late": lambda: _stocked(ground, "a day before 1,000 later entries", _DEEP, _one_of(ground, back=_BEFORE)),
        "in-order": lambda: _stocked(ground, "today, after 1,000 entries", _DEEP, _one_of(ground)),
        "crowded": lambda: _stocked(ground, "for who has 100,000 entries", _CROWDED, _to_one(ground)),
        "uncrowded": lambda: _service(
            ground, "POST for one person with no entries yet", "postgres", "default", _to_one(ground)
        ),
        "post-stocked": lambda: _stocked(ground, f"{ground.stock.entries:,} entries stored", ground.stock, None),
        "floor": lambda: _floor(ground),
        "post-sqlite": lambda: _service(ground, "POST /v1/entries, SQLite, default policy", "sqlite", "default"),
        "one-commit": lambda: _one_commit(ground, "one commit per request, sqlite3 in threads", "threads"),
        "one-commit-loop": lambda: _one_commit(ground, "one commit per request, sqlite3 on the event loop", "loop"),
    }


_DEEP = Stock(20_000, subjects=20, days=300)
_CROWDED = Stock(100_000, subjects=1, days=300)
_BEFORE = _DEEP.days + 3


def _one_of(ground: Ground, back: int = 0) -> Stream:
    """A few cents for one of few people, so that nobody comes near a limit."""
    day = (ground.day - timedelta(days=back)).isoformat()
    return Stream(day, most=1, pool=_DEEP.subjects, part_from=1, part_to=9, hosted_share=0)


def _to_one(ground: Ground) -> Stream:
    """A gift to the one person, every time a violation."""
    return Stream(ground.day.isoformat(), most=1, pool=1, part_from=40000, part_to=50000, hosted_share=0)


@contextmanager
def _service(ground: Ground, title: str, kind: Kind, policy: Policy, stream: Stream | None = None) -> Iterator[Side]:
    url = ground.database(kind, policy)
    with serving(url) as (port, process):
        database = ground.postmaster() if kind == "postgres" else None
        load = _http(ground, port, ground.keys[kind], stream)
        yield Side(title, load, process, database, url, partial(books.faults, url, audited=True))


@contextmanager
def _stocked(ground: Ground, title: str, stock: Stock, stream: Stream | None) -> Iterator[Side]:
    url = ground.stocked(stock)
    with serving(url) as (port, process):
        load = _http(ground, port, ground.keys["postgres"], stream)
        check = partial(books.stocked_faults, url, stock.entries)
        yield Side(f"POST, {title}", load, process, ground.postmaster(), url, check)


@contextmanager
def _unaudited(ground: Ground) -> Iterator[Side]:
    port, url = free_port(), ground.database("postgres")
    command = _reference("unaudited", "serve", "--port", str(port), "--database", url, "--log-level", "warning")
    with running(command, port) as process:
        load = _http(ground, port, ground.keys["postgres"])
        check = partial(books.faults, url, audited=False)
        yield Side("POST, without history", load, process, ground.postmaster(), url, check, reference=True)


@contextmanager
def _steady(ground: Ground) -> Iterator[Side]:
    """At half the rate that the warm-up, in a closed loop, found to be the most."""
    url = ground.database("postgres")
    with serving(url) as (port, process):
        at_most = _http(ground, port, ground.keys["postgres"])
        half: list[float] = []

        def run(seconds: float, seed: int) -> Load:
            if not half:
                found = at_most(seconds, seed)
                half.append(found.done / found.seconds / 2)
                side.title = f"POST, {half[0]:.0f} a second whatever becomes of them"
                return found
            arguments = (
                str(port),
                ground.keys["postgres"],
                ground.day.isoformat(),
                str(half[0]),
                str(seconds),
                str(seed),
            )
            said = json.loads(told(_reference("steady", *arguments)))
            return timed(said["times_ms"], said["seconds"])

        check = partial(books.faults, url, audited=True)
        side = Side("POST, at half the most", run, process, ground.postmaster(), url, check)
        yield side


@contextmanager
def _job(ground: Ground, title: str, policy: Policy) -> Iterator[Side]:
    url = ground.database("postgres", policy)
    variables = _prepared(url, ground) | _usual_texts(ground, policy)

    def run(seconds: float, seed: int) -> Load:
        return load.over_sql(url.replace("+psycopg", ""), _JOB, variables=variables, seconds=seconds, seed=seed)

    yield Side(title, run, None, ground.postmaster(), url, partial(books.faults, url, audited=True), reference=True)


@contextmanager
def _orm(ground: Ground) -> Iterator[Side]:
    port, url = free_port(), ground.database("postgres")
    with running(_reference("orm", str(port), url, ground.day.isoformat(), *TYPES), port) as process:
        title = "FastAPI and SQLAlchemy ORM, PostgreSQL"
        check = partial(books.faults, url, audited=False)
        yield Side(title, _http(ground, port, ""), process, ground.postmaster(), url, check, reference=True)


@contextmanager
def _django(ground: Ground) -> Iterator[Side]:
    port, url = free_port(), ground.database("postgres")
    python = ROOT / ".venv" / "django" / "bin" / "python"
    if not python.exists():
        raise LeftOut("Django has an environment of its own: make bench-django")
    where = ("-w1", f"--threads={CONNECTIONS}", "--keep-alive=60", f"-b127.0.0.1:{port}", "--log-level=warning")
    command = [str(python), "-m", "gunicorn", *where, "bench.references.django_service:application"]
    told_of = {"DATABASE": url, "DAY": ground.day.isoformat()}
    with running(command, port, variables=told_of) as process:
        check = partial(books.plain_faults, url)
        title = "Django, only lock, sum, insert, commit"
        yield Side(title, _http(ground, port, ""), process, ground.postmaster(), url, check, reference=True)


@contextmanager
def _floor(ground: Ground) -> Iterator[Side]:
    port = free_port()
    with running(_reference("floor", str(port)), port) as process:
        yield Side("FastAPI, the same body checked, nothing kept", _http(ground, port, _NOBODY), process)


@contextmanager
def _one_commit(ground: Ground, title: str, where: str) -> Iterator[Side]:
    port, url = free_port(), ground.database("sqlite")
    path = url.removeprefix("sqlite:///")
    with running(_reference("one_commit", where, str(port), path, ground.day.isoformat(), *TYPES), port) as process:
        load = _http(ground, port, ground.keys["sqlite"])
        yield Side(title, load, process, None, url, partial(books.faults, url, audited=True), reference=True)


# A key that looks like one: it is asked for before a body is read, and looked up nowhere.
_NOBODY = "prp_" + "0" * 32 + "_" + "0" * 43


def _http(ground: Ground, port: int, key: str, stream: Stream | None = None) -> Callable[[float, int], Load]:
    wanted = stream or Stream(ground.day.isoformat())
    return lambda seconds, seed: load.over_http(port, key=key, stream=wanted, seconds=seconds, seed=seed)


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
        analyze(url)
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
