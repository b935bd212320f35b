"""Alone: what is measured without a load from outside. The pure engine, and starting until the first answer."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.ground import Ground
from bench.load import Load, timed
from bench.processes import free_port, held_mib, propriety, running, told
from bench.sides.side import Opened, Side

_SETTLED_S = 0.5


def sides(_ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    return {"engine": _engine, "start": _start, "start-alone": _start_alone}


@contextmanager
def _engine() -> Iterator[Side]:
    def run(seconds: float, seed: int) -> Load:
        said = json.loads(told([sys.executable, "-m", "bench.references.engine", str(seconds), str(seed)]))
        return timed(said["times_ms"], said["seconds"])._replace(done=said["done"])

    yield Side("the pure engine, one process, with proof", run)


@contextmanager
def _start() -> Iterator[Side]:
    def run(_seconds: float, _seed: int) -> Load:
        with tempfile.TemporaryDirectory() as folder:
            return _started(
                lambda port: propriety("serve", "--port", str(port), "--database", f"sqlite:///{folder}/1.db")
            )

    yield Side("propriety serve, on no database yet (SQLite)", run)


@contextmanager
def _start_alone() -> Iterator[Side]:
    def run(_seconds: float, _seed: int) -> Load:
        return _started(lambda port: [sys.executable, "-m", "bench.references.alone", str(port)])

    yield Side("FastAPI with one route, nothing else", run)


def _started(command: Callable[[int], Sequence[str]]) -> Load:
    """Until the port takes connections, which uvicorn opens when the application is ready; then what it holds, idle."""
    port = free_port()
    began = time.perf_counter()
    with running(command(port), port) as process:
        seconds = time.perf_counter() - began
        time.sleep(_SETTLED_S)
        return timed([seconds * 1000], seconds, held_mib(Path(f"/proc/{process}/status")))
