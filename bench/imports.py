"""`python -m bench.imports`: a file of expenses against the same entries by POST in batches of 500, and by one each.

All sides record the same entries through a running `propriety serve`, on databases of their own with 100,000
recipients. Also printed: the memory that the service needed at most, before and after, which a longer file must not
move.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from bench import machine
from bench.ground import Ground, Kind, serving
from bench.processes import cpu_seconds

_HEADER = "expense_id,rep,date,kind,amount,currency,attendees,rep_present\n"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser("python -m bench.imports", description="Expense files against POST.")
    parser.add_argument("--lines", type=int, default=100_000, help="how many expenses the file has")
    parser.add_argument("--posted", type=int, default=10_000, help="how many of them are posted in batches of 500")
    parser.add_argument("--single", type=int, default=500, help="how many of them are posted one by one")
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    asked = parser.parse_args()
    for name, said in machine.description().items():
        print(f"{name:<12}{said}")
    print(f"{'load before':<12}{machine.load_average()}\n")
    with tempfile.TemporaryDirectory(prefix="propriety-bench-") as folder:
        ground = Ground(Path(folder))
        try:
            for kind in asked.database or ["sqlite", "postgres"]:
                _measure(ground, kind, asked.lines, asked.posted, asked.single)
        finally:
            ground.close()


def _measure(ground: Ground, kind: Kind, lines: int, posted: int, single: int) -> None:
    short, long = _imported(ground, kind, max(1, lines // 10)), _imported(ground, kind, lines)
    batched = _posted(ground, kind, posted, 500)
    by_one = _posted(ground, kind, single, 1)
    print(f"{kind}: lines read and staged, tried, applied; then the same entries over HTTP")
    for said, one in ((f"file of {max(1, lines // 10)}", short), (f"file of {lines}", long)):
        print(
            f"  {said:<18}read {one['read']:.1f} s, tried {one['tried']:.1f} s, applied {one['applied']:.1f} s "
            f"({one['rate']:.0f} lines/s, "
            f"{one['cpu_us']:.0f} us CPU of the service each); "
            f"memory at most {one['idle_mb']:.0f} -> {one['peak_mb']:.0f} MiB"
        )
    for said, (rate, cpu_us) in (("batches of 500", batched), ("one by one", by_one)):
        print(
            f"  {said:<18}{rate:.0f} entries/s, {cpu_us:.0f} us CPU each: "
            f"the file is {long['rate'] / rate:.2f} times as fast, at {long['cpu_us'] / cpu_us:.2f} of the CPU"
        )
    print()


def _imported(ground: Ground, kind: Kind, lines: int) -> dict[str, float]:
    url = ground.database(kind)
    with serving(url) as (port, process), _client(port, ground.keys[kind]) as client:
        idle = _peak_mb(process)
        began = time.perf_counter()
        one = client.post(
            "/v1/imports", content=_file(ground, lines), headers={"Idempotency-Key": "1", "Content-Type": "text/csv"}
        )
        _require(one, 202)
        read = time.perf_counter()
        one = _rested(client, one.json()["id"], "checked")
        tried, used = time.perf_counter(), cpu_seconds(process)
        headers = {"If-Match": f'"v{one["version"]}"'}
        _require(client.post(f"/v1/imports/{one['id']}/application", headers=headers), 202)
        one = _rested(client, one["id"], "applied")
        ended, used = time.perf_counter(), cpu_seconds(process) - used
        if one["applied"]["new"] != lines or _entries(url) != lines:
            raise RuntimeError(f"{one['applied']} of {lines} lines, {_entries(url)} entries")
        peak = _peak_mb(process)
    return {
        "read": read - began,
        "tried": tried - read,
        "applied": ended - tried,
        "rate": lines / (ended - tried),
        "cpu_us": used / lines * 1e6,
        "idle_mb": idle,
        "peak_mb": peak,
    }


def _posted(ground: Ground, kind: Kind, count: int, size: int) -> tuple[float, float]:
    url = ground.database(kind)
    entries = list(_bodies(ground, count))
    with serving(url) as (port, process), _client(port, ground.keys[kind]) as client:
        began, used = time.perf_counter(), cpu_seconds(process)
        for start in range(0, count, size):
            some = entries[start : start + size]
            if size == 1:
                _require(client.post("/v1/entries", json=some[0]), 201)
                continue
            answer = client.post("/v1/entries/batch", json={"entries": some}, headers={"Idempotency-Key": f"b{start}"})
            _require(answer, 200)
            if answer.json()["refused"]:
                raise RuntimeError(answer.text[:500])
        return count / (time.perf_counter() - began), (cpu_seconds(process) - used) / count * 1e6


def _expenses(count: int) -> Iterator[tuple[int, str, list[str]]]:
    """Number, amount and attendees: two people of the 1,000 firms each, 20,000 people in all."""
    chance = random.Random(7)
    for number in range(count):
        people = chance.sample(range(20_000), 2)
        yield number, f"{chance.randrange(2000, 20000) / 100:.2f}", [f"Person {one} of Bench" for one in people]


def _file(ground: Ground, count: int) -> Iterator[bytes]:
    yield _HEADER.encode()
    day = ground.day.isoformat()
    for number, amount, people in _expenses(count):
        guests = "; ".join(f"{name} (Bench Firm {int(name.split()[1]) % 1000})" for name in people)
        yield f'e{number},rep {number % 50},{day},meal,{amount},USD,"{guests}",yes\n'.encode()


def _bodies(ground: Ground, count: int) -> Iterator[dict[str, object]]:
    for number, amount, people in _expenses(count):
        yield {
            "occurred_on": ground.day.isoformat(),
            "kind": "meal",
            "giver": f"rep {number % 50}",
            "total": {"amount": amount, "currency": "USD"},
            "hosts_present": True,
            "recipients": [
                {
                    "name": name,
                    "employer": f"Bench Firm {int(name.split()[1]) % 1000}",
                    "type": "institutional_employee",
                }
                for name in people
            ],
        }


def _client(port: int, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=600, trust_env=False
    )


def _rested(client: httpx.Client, id: str, state: str) -> dict[str, object]:
    while True:
        one = client.get(f"/v1/imports/{id}").json()
        if one["state"] == state:
            return dict(one)
        if one["state"] not in ("checking", "applying"):
            raise RuntimeError(f"the import is {one['state']}")
        time.sleep(0.1)


def _require(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:500]}")


def _entries(url: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT COUNT(*) FROM entries")) or 0)
    finally:
        engine.dispose()


def _peak_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0


if __name__ == "__main__":
    main()
