"""What is printed: the machine, each side's figures, and the ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.arithmetic import shown, spread
from bench.rows import Row
from bench.sides import Measured, Side

_COLUMNS: dict[str, Callable[[Measured], float | None]] = {
    "req/s": lambda one: one.rate,
    "service us": lambda one: one.app_us,
    "database us": lambda one: one.database_us,
    "load us": lambda one: one.load_us,
    "p50 ms": lambda one: one.p50_ms,
    "p95 ms": lambda one: one.p95_ms,
    "p99 ms": lambda one: one.p99_ms,
}


def lines(machine: Mapping[str, str], sides: Mapping[str, Side], rows: Sequence[Row]) -> Iterator[str]:
    """The whole table."""
    yield from (f"{name:<12}{said}" for name, said in machine.items())
    yield ""
    yield "Each side: median of its rounds. us is CPU per request: of the service, of PostgreSQL, of wrk or pgbench."
    yield f"{'':<54}{'req/s [least..most]':<26}" + "".join(f"{name:>13}" for name in list(_COLUMNS)[1:])
    for side in sides.values():
        middle = [_middle(side, figure) for figure in list(_COLUMNS.values())[1:]]
        rate = str(spread([one.rate for one in side.rounds]))
        yield f"{side.title:<54}{rate:<26}" + "".join(f"{'-' if one is None else shown(one):>13}" for one in middle)
    for side in sides.values():
        if side.faults:
            yield f"WRONG BOOKS: {side.title}: {'; '.join(side.faults)}. Read its figures as those of something else."
    yield ""
    yield "Ratios: median of the rounds' own ratios, with the least and the most."
    for row in rows:
        yield f"{row.name:<16}{row.title:<54}{row.ratio(sides)!s:<26}{row.goal}"


def document(machine: Mapping[str, str], sides: Mapping[str, Side], rows: Sequence[Row]) -> dict[str, Any]:
    """The same for a machine to read, with every round."""
    return {
        "machine": dict(machine),
        "sides": {
            name: {
                "title": side.title,
                "kept": side.kept,
                "faults": side.faults,
                "rounds": [one._asdict() for one in side.rounds],
            }
            for name, side in sides.items()
        },
        "rows": [
            {"name": row.name, "title": row.title, "goal": row.goal, **row.ratio(sides)._asdict()} for row in rows
        ],
    }


def _middle(side: Side, figure: Callable[[Measured], float | None]) -> float | None:
    values = [value for one in side.rounds if (value := figure(one)) is not None]
    return spread(values).middle if values else None
