"""`python -m bench`: measures every side in turn, round by round, and prints what is measured against what."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import machine, publication, report
from bench.books import cases_per_entry
from bench.ground import Ground
from bench.load import CONNECTIONS, LeftOut, ToolMissing, pgbench, wrk
from bench.rows import NAMES, ROWS, needed
from bench.sides import Side, sides
from tests.databases import NoPostgres

PUBLICATION = "publication"


def main() -> int:
    """Exit status 1 where something is missing, 2 where a side did not do its job."""
    asked = _asked()
    try:
        if asked.only != [PUBLICATION]:
            wrk(), pgbench()
            _run(asked)
        if PUBLICATION in (asked.only or [PUBLICATION]):
            _publish(publication.QUICK_SIZES if asked.quick else publication.SIZES)
        return 0
    except (ToolMissing, NoPostgres) as missing:
        print(missing, file=sys.stderr)
        return 1
    except RuntimeError as wrong:
        print(f"\nNothing is measured: {wrong}", file=sys.stderr)
        return 2


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="What is measured against what.")
    parser.add_argument("--quick", action="store_true", help="2 short rounds, about 2 minutes: to see that it works")
    parser.add_argument("--rounds", type=int, help="how often each side is loaded; default: 5, or 2 with --quick")
    parser.add_argument("--seconds", type=float, help="how long each time; default: 6, or 2 with --quick")
    parser.add_argument(
        "--only", choices=(*NAMES, PUBLICATION), action="append", help="one row and its sides; may be repeated"
    )
    parser.add_argument(
        "--entries", type=int, default=100_000, help="how many entries a database holds that is read; default: 100,000"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures, round by round")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (2 if asked.quick else 5)
    asked.seconds = asked.seconds or (2 if asked.quick else 6)
    return asked


def _run(asked: argparse.Namespace) -> None:
    rows = [row for row in ROWS if (row.name in asked.only if asked.only else not row.large)]
    described = machine.description() | {
        "run": f"{asked.rounds} rounds of {asked.seconds:g} s per side, in turn, {CONNECTIONS} connections",
        "load before": machine.load_average(),
    }
    with tempfile.TemporaryDirectory(prefix="propriety-bench-") as folder, ExitStack() as stack:
        ground = Ground(Path(folder), asked.entries)
        stack.callback(ground.close)
        _say("making databases")
        opened, left_out = _opened(ground, stack, needed(rows))
        rows = [row for row in rows if row.ours in opened and row.theirs in ("", *opened)]
        _load(opened, asked.rounds, asked.seconds)
        cases = {side.title: cases_per_entry(side.url) for side in opened.values() if side.url and side.books}
        stored = ground.stored()
    if left_out:
        described["left out"] = "; ".join(left_out)
    described["violations"] = "per entry: " + ", ".join(f"{share:.3f} {title}" for title, share in cases.items())
    _say("")
    print("\n".join(report.lines(described, opened, rows)))
    if asked.json:
        asked.json.write_text(
            json.dumps(report.document(described, opened, rows) | {"stored": stored}, indent=2) + "\n"
        )


def _publish(sizes: Sequence[int]) -> None:
    """Measures publications by themselves."""
    with tempfile.TemporaryDirectory(prefix="propriety-bench-") as folder, ExitStack() as stack:
        ground = Ground(Path(folder))
        stack.callback(ground.close)
        done = list(publication.measure(ground, sizes, _say))
    _say("")
    print("\n".join(publication.lines(done)))


def _opened(ground: Ground, stack: ExitStack, names: Sequence[str]) -> tuple[dict[str, Side], list[str]]:
    """The sides that can run, and why the others cannot."""
    opened, left_out, factories = {}, [], sides(ground)
    for name in names:
        _say(f"making {name}")
        try:
            opened[name] = stack.enter_context(factories[name]())
        except LeftOut as missing:
            left_out.append(str(missing))
    return opened, left_out


def _load(opened: Mapping[str, Side], rounds: int, seconds: float) -> None:
    """Every round loads all sides, each time beginning with another one."""
    names = list(opened)
    seed = int(time.time())
    for name in names:
        _say(f"warm-up: {opened[name].title}")
        opened[name].warm_up(min(seconds, 3), seed)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seed += 1
            _say(f"round {number + 1} of {rounds}: {opened[name].title}")
            opened[name].measure(seconds, seed)


def _say(what: str) -> None:
    """One line that is written over, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
