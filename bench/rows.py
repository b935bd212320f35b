"""The rows of the table: which figure of which side is held against which figure of which other side, and the goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.arithmetic import Spread, ratios, spread
from bench.sides import Measured, Side
from bench.sides.reading import FILTERS

Figure = Callable[[Measured], float]


@dataclass(frozen=True)
class Row:
    """One ratio: `ours` of one side by `theirs` of another (or of the same), round by round.

    Without `theirs` it is the figure itself. Rows of `large` are about growth and stand in no ordinary run.
    """

    name: str
    title: str
    ours: str
    theirs: str
    figure: Figure
    goal: str = ""
    their_figure: Figure | None = None
    large: bool = False

    def ratio(self, sides: Mapping[str, Side]) -> Spread:
        """The median of the rounds' own ratios."""
        if not self.theirs:
            return spread([self.figure(one) for one in sides[self.ours].rounds])
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


def _p95(one: Measured) -> float:
    return one.p95_ms


def _each(one: Measured) -> float:
    """Seconds for one of what is done, at the connections of the load."""
    return 1 / one.rate


def _each_us(one: Measured) -> float:
    return 1e6 / one.rate


def _held(one: Measured) -> float:
    return one.held_mib or 0


_FIRST = "violations"
ROWS = (
    Row("sql", "req/s by hand-written SQL's, default policy", "post", "job", _rate, ">= 1.0"),
    Row("sql", "CPU by hand-written SQL's, default policy", "post", "job", _serving),
    Row("sql-all-packs", "req/s by hand-written SQL's, all packs", "post-all-packs", "job-all-packs", _rate, ">= 1.0"),
    Row("sql-all-packs", "CPU by hand-written SQL's, all packs", "post-all-packs", "job-all-packs", _serving),
    Row("orm", "req/s by FastAPI and ORM's", "post", "orm", _rate, ">= 5"),
    Row("orm", "CPU by FastAPI and ORM's", "post", "orm", _serving),
    Row("django", "req/s by Django's", "post", "django", _rate, ">= 3"),
    Row("django", "CPU by Django's", "post", "django", _serving),
    Row("floor", "service CPU by an endpoint's that keeps nothing", "post", "floor", _app, "<= 2.2"),
    Row("sqlite", "SQLite: req/s by one commit each's, threads", "post-sqlite", "one-commit", _rate, ">= 2.5"),
    Row("sqlite", "SQLite: req/s by one commit each's, event loop", "post-sqlite", "one-commit-loop", _rate),
    Row("sqlite", "SQLite: p99 by p50", "post-sqlite", "post-sqlite", _p99, "<= 4", _p50),
    Row("tail", "PostgreSQL: p99 by p50", "post", "post", _p99, "<= 4", _p50),
    Row("steady", "p99 by p50, arriving at half the most", "steady", "steady", _p99, "<= 5", _p50),
    Row("audit", "req/s by the same service's without history", "post", "unaudited", _rate, ">= 0.85"),
    Row("engine", "us for one assessment with proof", "engine", "", _each_us, "<= 20"),
    Row("may-i", "may I? p95 by a read by primary key's", "may-i", "by-key", _p95, "<= 3"),
    Row("may-i", "headroom: p95 by a read by primary key's", "headroom", "by-key", _p95, "<= 3"),
    Row("violations", "first page: time by the bare query's", _FIRST, "bare-query", _each, "<= 2"),
    Row("violations", "deep page: time by the first page's", "violations-deep", _FIRST, _each, "<= 1.5"),
    *(
        Row("violations", f"{name}: time by the first page's", f"violations-{name}", _FIRST, _each, "<= 1.5")
        for name in FILTERS
    ),
    Row("late", "before 1,000 later entries: time by in order", "late", "in-order", _each, "<= 20"),
    Row("crowded", "100,000 entries in the period: time by none", "crowded", "uncrowded", _each, "<= 2"),
    Row("export", "CSV: rows/s by COPY's of the same rows", "export-csv", "copy", _rate, ">= 0.5"),
    Row("export", "JSON Lines: rows/s by COPY's", "export-jsonl", "copy", _rate, ">= 0.5"),
    Row("export", "MiB held at most while writing CSV", "export-csv", "", _held),
    Row("start", "seconds to the first answer", "start", "", _each, "<= 2"),
    Row("start", "the same by FastAPI alone's", "start", "start-alone", _each),
    Row("start", "MiB when idle", "start", "", _held, "<= 120"),
    Row("start", "the same by FastAPI alone's", "start", "start-alone", _held),
    Row("growth", "POST: time by an empty database's", "post-stocked", "post", _each, "<= 1.5", large=True),
    Row("growth", "headroom: time by an empty database's", "headroom", "headroom-empty", _each, "<= 1.5", large=True),
    Row("growth", "statement: time by an empty database's", "statement", "statement-empty", _each, large=True),
    Row("growth", "violations, deep page: time by first page", "violations-deep", _FIRST, _each, "<= 1.5", large=True),
)
NAMES = tuple(dict.fromkeys(row.name for row in ROWS))


def needed(rows: Sequence[Row]) -> list[str]:
    """The sides that the rows speak of, each once."""
    return list(dict.fromkeys(side for row in rows for side in (row.ours, row.theirs) if side))
