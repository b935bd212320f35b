"""Load: wrk over HTTP and pgbench over SQL, 32 connections each, and what either measured."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.arithmetic import percentile
from bench.processes import told
from tests.databases import binaries

CONNECTIONS = 32
_HERE = Path(__file__).parent
_PATIENCE_S = 60


class ToolMissing(Exception):
    """A program that the bench cannot do without."""


class LeftOut(Exception):
    """What one side needs and does not find: its rows are left out, and that is said."""


class Load(NamedTuple):
    """What was asked of one side for a while: how much of it was done, and how long each took.

    `held_mib` is the memory that something held, where that is what is measured.
    """

    done: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    held_mib: float | None = None


class Stream(NamedTuple):
    """The entries of a load, at random: how many recipients out of how many, the cents of a part, how many hosted."""

    day: str
    path: str = "/v1/entries"
    least: int = 1
    most: int = 5
    pool: int = 100_000
    part_from: int = 2200
    part_to: int = 16000
    hosted_share: int = 40
    good: int = 201


def timed(times_ms: Sequence[float], seconds: float, held_mib: float | None = None) -> Load:
    """A load of which every single time is known."""
    return Load(len(times_ms), seconds, *(percentile(times_ms, share) for share in (0.5, 0.95, 0.99)), held_mib)


def wrk() -> str:
    """The load generator. Raises ToolMissing, saying how to get it."""
    if found := shutil.which("wrk"):
        return found
    raise ToolMissing("wrk is needed to load the servers; on Debian and Ubuntu: apt-get install wrk")


def pgbench() -> str:
    """The load generator of PostgreSQL. Raises ToolMissing, saying how to get it."""
    beside = binaries()
    if beside and (beside / "pgbench").exists():
        return str(beside / "pgbench")
    if found := shutil.which("pgbench"):
        return found
    raise ToolMissing("pgbench is needed for the hand-written SQL; on Debian and Ubuntu: apt-get install postgresql")


def over_http(port: int, *, key: str, stream: Stream, seconds: float, seed: int) -> Load:
    """Posts entries and waits for every answer. RuntimeError unless each of them is a good one."""
    arguments = [key, stream.path, stream.day, *map(str, stream[2:]), str(seconds), str(seed)]
    said = _wrk("load.lua", port, seconds + _PATIENCE_S, arguments)
    if said["broken"] or said["kept"] != said["asked"]:
        raise RuntimeError(f"not every entry was kept: {said}")
    return Load(said["kept"], *(said[name] for name in ("seconds", "p50_ms", "p95_ms", "p99_ms")))


def over_paths(port: int, *, key: str, paths: Path, seconds: float, seed: int) -> Load:
    """Asks for any of the paths in a file. RuntimeError unless each is answered with 200."""
    said = _wrk("ask.lua", port, max(seconds, 2), [key, str(paths), str(seed)])
    if said["broken"] or said["refused"] or not said["done"]:
        raise RuntimeError(f"not every question was answered: {said}")
    return Load(*(said[name] for name in ("done", "seconds", "p50_ms", "p95_ms", "p99_ms")))


def _wrk(script: str, port: int, seconds: float, arguments: Sequence[str]) -> dict[str, Any]:
    command = [wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{int(seconds)}s", "--timeout", f"{_PATIENCE_S}s"]
    where = ["-s", str(_HERE / script), f"http://127.0.0.1:{port}", "--"]
    said: dict[str, Any] = json.loads(told([*command, *where, *arguments]).splitlines()[-1])
    return said


def over_sql(url: str, script: Path, *, variables: Mapping[str, str], seconds: float, seed: int) -> Load:
    """Runs a script again and again, prepared, one statement per round trip. RuntimeError where a transaction fails."""
    with tempfile.TemporaryDirectory() as folder:
        said = [f"-D{name}={value}" for name, value in variables.items()]
        counts = ["-n", "-Mprepared", f"-c{CONNECTIONS}", "-j2", f"-T{max(int(seconds), 1)}", f"--random-seed={seed}"]
        log = ["--log", f"--log-prefix={folder}/transactions"]
        printed = told([pgbench(), *counts, *log, *said, "-f", str(script), url])
        if "number of failed transactions: 0 " not in printed:
            raise RuntimeError(f"not every transaction was kept:\n{printed[-4000:]}")
        latencies, first, last = _transactions(Path(folder))
    return timed(latencies, last - first)


def _transactions(folder: Path) -> tuple[list[float], float, float]:
    """The latency in milliseconds of each transaction, when the first of them began and when the last one ended."""
    lines = list(_lines(folder))
    latencies = [float(line[2]) / 1000 for line in lines]
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    begins = [end - latency / 1000 for end, latency in zip(ends, latencies, strict=True)]
    return latencies, min(begins), max(ends)


def _lines(folder: Path) -> Iterator[list[str]]:
    """The log of pgbench: client, transaction, microseconds, script, seconds and microseconds of the end."""
    for file in folder.iterdir():
        yield from (line.split() for line in file.read_text().splitlines())
