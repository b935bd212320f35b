"""Processes: servers started and ended by us, and how much CPU each of them and everything below it has used."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_S = 60
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """CPU of a process and everything below it, that of children which have ended and were waited for included."""
    used, parents = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # Behind the name, which may hold anything: state, parent, and from the 12th on the four times.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            used[int(folder.name)] = sum(map(int, fields[11:15]))
    return sum(ticks for one, ticks in used.items() if _is_below(one, root, parents)) / _TICKS_PER_S


def _is_below(one: int, root: int, parents: Mapping[int, int]) -> bool:
    while one != root:
        if one not in parents:
            return False
        one = parents[one]
    return True


def cpu_of_ended_children() -> float:
    """CPU of all programs that were run to their end, such as a load generator."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def propriety(*arguments: str) -> list[str]:
    """The command line of the service in this very repository, whatever else is installed."""
    return [sys.executable, "-c", "from app.cli import main; main()", *arguments]


def told(command: Sequence[str], *, variables: Mapping[str, str] | None = None) -> str:
    """What a program prints. RuntimeError, with what it complained of, where it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | (variables or {}), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


@contextmanager
def running(command: Sequence[str], port: int, *, variables: Mapping[str, str] | None = None) -> Iterator[int]:
    """A server that listens on the port until the block ends; the value is its process id."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | (variables or {}), stdout=log, stderr=log)
        try:
            _wait_until_it_listens(process, port)
            yield process.pid
        except BaseException:
            log.seek(0)
            print(log.read()[-4000:].decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it listened")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError("the server does not listen")


def held_mib(status: Path, line: str = "VmRSS") -> float:
    """The memory that a process holds now (VmRSS), or held at most (VmHWM), by its /proc status."""
    [found] = [one for one in status.read_text().splitlines() if one.startswith(f"{line}:")]
    return int(found.split()[1]) / 1024
