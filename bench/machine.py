"""The machine that the figures belong to, in words."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bench.arithmetic import percentile
from bench.load import pgbench, wrk
from bench.processes import told
from tests.databases import binaries

_PACKAGES = ("fastapi", "starlette", "pydantic", "uvicorn", "sqlalchemy", "psycopg")


def description() -> dict[str, str]:
    """What somebody needs to know before comparing figures with those of another machine."""
    return dict(_lines())


def load_average() -> str:
    """How busy the machine is with everything together, and what that means for the figures."""
    averages = os.getloadavg()
    busy = averages[0] > (os.cpu_count() or 1) / 2
    advice = " (the machine is busy with something else: read CPU, not req/s)" if busy else ""
    return " ".join(f"{one:.1f}" for one in averages) + advice


def _lines() -> Iterator[tuple[str, str]]:
    yield "machine", f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.1f} GiB, {platform.platform()}"
    yield "fdatasync", f"{_sync_ms():.2f} ms (median of 200 writes of 8 KiB where temporary files lie)"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield "software", f"Python {platform.python_version()}, {packages}, SQLite {sqlite3.sqlite_version}"
    place = binaries()
    server = told([str(place / "postgres"), "--version"]).strip() if place else "no PostgreSQL"
    yield "programs", f"{server}; {told([pgbench(), '--version']).strip()}; {_wrk_version()}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _wrk_version() -> str:
    # `wrk -v` prints its version and usage and calls that a failure.
    return told(["sh", "-c", f"{wrk()} -v | head -1"]).partition("Copyright")[0].strip()


def _sync_ms() -> float:
    """What a durable write costs before anybody has done any work."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(200):
            began = time.perf_counter()
            os.write(file.fileno(), b"\0" * 8192)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return percentile(times, 0.5)
