"""The rows of the table: which figure of which side is held against which figure of which other side, and the goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.arithmetic import Spread, ratios, spread
from bench.sides import Measured, Side

Figure = Callable[[Measured], float]


@dataclass(frozen=True)
class Row:
    """One ratio: `ours` of one side by `theirs` of another (or of the same), round by round."""

    name: str
    title: str
    ours: str
    theirs: str
    figure: Figure
    goal: str = ""
    their_figure: Figure | None = None

    def ratio(self, sides: Mapping[str, Side]) -> Spread:
        """The median of the rounds' own ratios."""
        ours, theirs = sides[self.ours].rounds, sides[self.theirs].rounds
        figure = self.their_figure or self.figure
        return spread(ratios([self.figure(one) for one in ours], [figure(one) for one in theirs]))


def _rate(one: Measured) -> float:
    return one.rate


def _serving(one: Measured) -> float:
    return one.serving_us


def _app(one: Measured) -> float:
    return one.app_us or 0


def _p99(one: Measured) -> float:
    return one.p99_ms


def _p50(one: Measured) -> float:
    return one.p50_ms


ROWS = (
    Row("sql", "req/s by hand-written SQL's, default policy", "post", "job", _rate, ">= 1.0"),
    Row("sql", "CPU by hand-written SQL's, default policy", "post", "job", _serving),
    Row("sql-all-packs", "req/s by hand-written SQL's, all packs", "post-all-packs", "job-all-packs", _rate, ">= 1.0"),
    Row("sql-all-packs", "CPU by hand-written SQL's, all packs", "post-all-packs", "job-all-packs", _serving),
    Row("orm", "req/s by FastAPI and ORM's", "post", "orm", _rate, ">= 5"),
    Row("orm", "CPU by FastAPI and ORM's", "post", "orm", _serving),
    Row("floor", "service CPU by an endpoint's that keeps nothing", "post", "floor", _app, "<= 2.2"),
    Row("sqlite", "SQLite: req/s by one commit each's, threads", "post-sqlite", "one-commit", _rate, ">= 2.5"),
    Row("sqlite", "SQLite: req/s by one commit each's, event loop", "post-sqlite", "one-commit-loop", _rate),
    Row("sqlite", "SQLite: p99 by p50", "post-sqlite", "post-sqlite", _p99, "<= 4", _p50),
    Row("tail", "PostgreSQL: p99 by p50", "post", "post", _p99, "<= 4", _p50),
)
NAMES = tuple(dict.fromkeys(row.name for row in ROWS))


def needed(rows: Sequence[Row]) -> list[str]:
    """The sides that the rows speak of, each once."""
    return list(dict.fromkeys(side for row in rows for side in (row.ours, row.theirs)))
