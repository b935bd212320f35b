"""Load: wrk over HTTP and pgbench over SQL, 32 connections each, and what either measured."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.arithmetic import percentile
from bench.processes import told
from tests.databases import binaries

CONNECTIONS = 32
_HERE = Path(__file__).parent
_PATIENCE_S = 60


class ToolMissing(Exception):
    """A program that the bench cannot do without."""


class Load(NamedTuple):
    """What was asked of one side for a while: how much of it was done, and how long each took."""

    done: int
    seconds: float
    p50_ms: float
    p99_ms: float


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


def over_http(port: int, *, key: str, day: str, seconds: float, seed: int) -> Load:
    """Posts entries and waits for every answer. RuntimeError unless each of them is a 201."""
    command = [wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{int(seconds) + _PATIENCE_S}s", "--timeout", f"{_PATIENCE_S}s"]
    where = ["-s", str(_HERE / "load.lua"), f"http://127.0.0.1:{port}", "--"]
    said = json.loads(told([*command, *where, key, day, str(seconds), str(seed)]).splitlines()[-1])
    if said["broken"] or said["kept"] != said["asked"]:
        raise RuntimeError(f"not every entry was kept: {said}")
    return Load(said["kept"], said["seconds"], said["p50_ms"], said["p99_ms"])


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
    return Load(len(latencies), last - first, percentile(latencies, 0.5), percentile(latencies, 0.99))


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
