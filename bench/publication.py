"""A publication that touches every entry: its time beside a plain read of the same rows, its progress, and its memory.

Each kind of database is filled over HTTP in two steps. After each of them a version is published with another limit for
every day there is, so that each result there is has to be judged anew and is kept anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import create_engine, text

from bench.arithmetic import shown
from bench.ground import Ground, Kind, new_key, serving

SIZES = (20_000, 100_000)
QUICK_SIZES = (2_000, 10_000)
KINDS: tuple[Kind, ...] = ("sqlite", "postgres")
_FIRST = date(2025, 1, 6)
_EACH = 5  # entries per person
_AT_ONCE = 500
_COLUMNS = ("entries", "results", "progress", "seconds", "by a read", "MB before", "MB more")
_PLAIN = (
    "SELECT * FROM assessments WHERE known_until IS NULL",
    "SELECT v.* FROM entry_versions v JOIN entries e ON e.id = v.entry_id AND e.version = v.version",
    "SELECT * FROM shares",
)


class Published(NamedTuple):
    """One publication: what it judged anew, in which time, what a plain read took, and the service's memory."""

    kind: str
    entries: int
    changed: int
    seconds: float
    read_seconds: float
    steps: int
    before_mb: float
    most_mb: float

    @property
    def ratio(self) -> float:
        """Its time by that of the plain read."""
        return self.seconds / self.read_seconds

    @property
    def grown_mb(self) -> float:
        """What the service held at most, above what it held before."""
        return self.most_mb - self.before_mb


def measure(ground: Ground, sizes: Sequence[int], say: Any) -> Iterator[Published]:
    """Publishes once on each kind of database at each size."""
    for kind in KINDS:
        url = ground.empty(kind)
        drafter, publisher = (new_key(url, "officer", name) for name in ("drafter", "publisher"))
        there = 0
        for step, size in enumerate(sizes):
            with serving(url) as (port, _), _client(port, drafter) as client:
                say(f"publication: {kind}, recording entries {there} to {size}")
                _record(client, there, size)
                policy_id = _draft(client, step)
            there = size
            _settle(url)
            read_seconds = _plain_read(url)
            with serving(url) as (port, pid), _client(port, publisher) as client:
                say(f"publication: {kind}, judging {size} entries anew")
                yield _publish(client, pid, policy_id, kind, size, read_seconds)


def _client(port: int, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120)


def _record(client: httpx.Client, there: int, size: int) -> None:
    for first in range(there, size, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, size))
        # In the order of days, so that recording itself has nothing to judge anew.
        gifts = sorted((_gift(number) for number in numbers), key=lambda gift: str(gift["occurred_on"]))
        answer = client.post("/v1/entries/batch", json={"entries": gifts}, headers={"Idempotency-Key": str(first)})
        if answer.status_code != 200 or answer.json()["refused"]:
            raise RuntimeError(f"recording: {answer.status_code} {answer.text[:2000]}")


def _gift(number: int) -> dict[str, Any]:
    person = number // _EACH
    return {
        "occurred_on": (_FIRST + timedelta(days=number % _EACH * 60 + person % 50)).isoformat(),
        "kind": "gift",
        "giver": f"giver {number % 97}",
        "total": {"amount": f"{20 + number * 7 % 60}.{number % 100:02d}", "currency": "USD"},
        "recipients": [
            {
                "external_id": {"source": "bench", "id": str(person)},
                "name": f"Person {person}",
                "employer": f"Employer {person // 100}",
                "type": "institutional_employee",
            }
        ],
    }


def _draft(client: httpx.Client, step: int) -> str:
    policy = client.get("/v1/policies/in-force", params={"on": "2026-01-05"}).json()
    rules = [_altered(rule, step) for rule in policy["rules"]]
    answer = client.post("/v1/policies", json={"rules": rules, "settings": policy["settings"]})
    if answer.status_code != 201:
        raise RuntimeError(f"drafting: {answer.status_code} {answer.text[:2000]}")
    return str(answer.json()["id"])


def _altered(rule: dict[str, Any], step: int) -> dict[str, Any]:
    """The same rule; one that adds up money has another limit for every day."""
    if rule["measure"] != "amount":
        return rule
    limit = f"{150 + 10 * step}.00"
    return {**rule, "limit_schedule": [{"limit": limit, "effective_from": None, "effective_to": None}]}


def _settle(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))
    engine.dispose()


def _plain_read(url: str) -> float:
    """Seconds to read, row by row, what the publication has to read: results, versions and shares."""
    engine = create_engine(url)
    with engine.connect() as connection:
        began = time.perf_counter()
        for statement in _PLAIN:
            with closing(connection.execution_options(stream_results=True).execute(text(statement))) as rows:
                for row in rows:
                    if "document" in row._mapping:
                        json.loads(row._mapping["document"])
        seconds = time.perf_counter() - began
    engine.dispose()
    return seconds


def _publish(client: httpx.Client, pid: int, policy_id: str, kind: str, size: int, read_seconds: float) -> Published:
    client.get("/v1/policies").raise_for_status()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, began = _memory_mb(pid, "VmRSS"), time.perf_counter()
    answer = client.post(
        f"/v1/policies/{policy_id}/publication",
        json={"effective_from": "2000-01-01"},
        headers={"Prefer": "respond-async"},
    )
    if answer.status_code != 202:
        raise RuntimeError(f"publishing: {answer.status_code} {answer.text[:2000]}")
    operation, seen = answer.json(), set[int]()
    while operation["state"] in ("queued", "running"):
        time.sleep(0.05)
        operation = client.get(f"/v1/operations/{operation['id']}").json()
        seen.add(operation["progress"]["done"])
    seconds = time.perf_counter() - began
    if operation["state"] != "succeeded":
        raise RuntimeError(f"publishing: {operation}")
    changed = operation["result"]["reassessed"]["changed"]
    return Published(kind, size, changed, seconds, read_seconds, len(seen), before, _memory_mb(pid, "VmHWM"))


def _memory_mb(pid: int, name: str) -> float:
    [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def lines(done: Sequence[Published]) -> Iterator[str]:
    """The table: each publication, and how time and memory grow from the smaller to the larger."""
    yield ""
    yield "A publication that touches every entry, beside a plain read of the same rows (results, versions, shares)"
    yield f"{'':<12}" + "".join(f"{name:>11}" for name in _COLUMNS)
    for one in done:
        figures = (one.seconds, one.ratio, one.before_mb, one.grown_mb)
        said = [str(one.entries), str(one.changed), str(one.steps), *map(shown, figures)]
        yield f"{one.kind:<12}" + "".join(f"{value:>11}" for value in said)
    for kind in KINDS:
        small, large = [one for one in done if one.kind == kind]
        times = large.entries / small.entries
        yield (
            f"{kind}: {times:g} times the entries take {shown(large.seconds / small.seconds)} times as long and "
            f"{shown(large.grown_mb - small.grown_mb)} MB more"
        )
