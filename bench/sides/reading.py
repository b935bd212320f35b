"""Reading: questions to a service, and to the bare query, on a database that holds much."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import httpx
import psycopg

from bench import load
from bench.ground import RECIPIENTS, Ground
from bench.load import Load, Stream
from bench.processes import free_port, running
from bench.sides.side import Opened, Side

FILTERS = {
    "state": {"state": "open"},
    "nobody's": {"assignee": "none"},
    "overdue": {"overdue": "true"},
    "severity": {"severity": "high"},
    "rare rule": {"rule_id": "firm-entertainment-frequency"},
    "kind": {"kind": "meal"},
    "giver": {"giver": "giver 7"},
    "days": {"occurred_on[gte]": "DAY-400", "occurred_on[lte]": "DAY-370"},
    "decided": {"state": "decided"},
    "received": {"direction": "received"},
}
_PATHS = 500


def sides(ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    people = [f"/v1/recipients/rec_{number:032x}" for number in Random(1).sample(range(RECIPIENTS), _PATHS)]
    asked: dict[str, tuple[str, Callable[[], list[str]]]] = {
        "by-key": ("one recipient by primary key", lambda: people),
        "headroom": ("a recipient's headroom", lambda: [f"{path}/headroom" for path in people]),
        "statement": (
            "a recipient's statement",
            lambda: [f"{path}/statement?period={ground.day.year}" for path in people],
        ),
        "violations": ("violations, first page", lambda: ["/v1/violations"]),
        "violations-deep": ("violations, a deep page", lambda: [_deep(ground)]),
        **{
            f"violations-{name}": (f"violations, first page: {name}", partial(_filtered, ground, wanted))
            for name, wanted in FILTERS.items()
        },
    }
    return {
        **{name: partial(_asking, ground, title, paths, True) for name, (title, paths) in asked.items()},
        **{
            f"{name}-empty": partial(_asking, ground, f"{title}, empty database", paths, False)
            for name, (title, paths) in asked.items()
            if name in ("headroom", "statement")
        },
        "may-i": partial(_may_i, ground),
        "bare-query": partial(_bare, ground),
    }


@contextmanager
def _asking(ground: Ground, title: str, paths: Callable[[], list[str]], stocked: bool) -> Iterator[Side]:
    served = ground.reading(stocked=stocked)
    with _listed(paths()) as file:

        def run(seconds: float, seed: int) -> Load:
            return load.over_paths(served.port, key=served.key, paths=file, seconds=seconds, seed=seed)

        yield Side(title, run, served.process, ground.postmaster())


@contextmanager
def _may_i(ground: Ground) -> Iterator[Side]:
    served = ground.reading(stocked=True)
    stream = Stream(ground.day.isoformat(), path="/v1/assessments", good=200)

    def run(seconds: float, seed: int) -> Load:
        return load.over_http(served.port, key=served.key, stream=stream, seconds=seconds, seed=seed)

    yield Side("may I? POST /v1/assessments", run, served.process, ground.postmaster())


@contextmanager
def _bare(ground: Ground) -> Iterator[Side]:
    port, url = free_port(), ground.reading(stocked=True).url.replace("+psycopg", "")
    command = [sys.executable, "-m", "bench.references.bare", str(port), url]
    with running(command, port) as process, _listed(["/v1/violations"]) as file:

        def run(seconds: float, seed: int) -> Load:
            return load.over_paths(port, key="", paths=file, seconds=seconds, seed=seed)

        yield Side("the bare query behind FastAPI, 50 violations", run, process, ground.postmaster(), reference=True)


@contextmanager
def _listed(paths: list[str]) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        yield Path(file.name)


def _filtered(ground: Ground, wanted: Mapping[str, str]) -> list[str]:
    return [f"/v1/violations?{urlencode({name: ground.day_of(value) for name, value in wanted.items()})}"]


def _deep(ground: Ground) -> str:
    """The page that begins in the middle: its cursor is taken from a page before it."""
    served = ground.reading(stocked=True)
    with psycopg.connect(served.url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT count(*) FROM violations").fetchone()
    pages, cursor = max(int(row[0]) // 200 // 2, 1) if row else 1, None
    with httpx.Client(
        base_url=f"http://127.0.0.1:{served.port}", headers={"Authorization": f"Bearer {served.key}"}
    ) as client:
        for _ in range(min(pages, 200)):
            asked = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/violations", params=asked).raise_for_status().json()["page"]
            cursor = page["next_cursor"] or cursor
    # A cursor belongs to its filters, and the length of the page is none of them.
    return f"/v1/violations?{urlencode({'cursor': cursor})}"
