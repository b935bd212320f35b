"""A side: something that does a job again and again, can be loaded, and whose books can be checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import create_engine, text

from bench.load import Load
from bench.processes import cpu_of_ended_children, cpu_seconds


class Measured(NamedTuple):
    """One round of one side. CPU is microseconds per request; None where there is no such process."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    app_us: float | None
    database_us: float | None
    load_us: float
    held_mib: float | None = None

    @property
    def serving_us(self) -> float:
        """CPU of whatever does the job: service and database, or client and database where there is no service."""
        return (self.load_us if self.app_us is None else self.app_us) + (self.database_us or 0)


@dataclass
class Side:
    """Something that does a job again and again, and what it has done so far. `load` takes seconds and a seed.

    `books` says what is wrong after so many entries were answered for. A `reference` whose books are wrong is still
    measured, with its faults beside it; the service is not.
    """

    title: str
    load: Callable[[float, int], Load]
    app: int | None = None
    database: int | None = None
    url: str | None = None
    books: Callable[[int], list[str]] | None = None
    reference: bool = False
    kept: int = 0
    faults: list[str] = field(default_factory=list)
    rounds: list[Measured] = field(default_factory=list)

    def warm_up(self, seconds: float, seed: int) -> None:
        """Loads without measuring, so that caches are filled and tables are no longer empty."""
        self.kept += self._loaded(seconds, seed).done
        if self.url and self.database and self.books:
            analyze(self.url)

    def measure(self, seconds: float, seed: int) -> None:
        """One round. RuntimeError where the service's books are wrong afterwards."""
        before = self._cpu()
        one = self._loaded(seconds, seed)
        app, database, client = (
            None if now is None or then is None else (now - then) * 1e6 / one.done
            for now, then in zip(self._cpu(), before, strict=True)
        )
        self.kept += one.done
        times = (one.p50_ms, one.p95_ms, one.p99_ms)
        self.rounds.append(Measured(one.done / one.seconds, *times, app, database, client or 0, one.held_mib))
        wrong = self.books(self.kept) if self.books else []
        if wrong and not self.reference:
            raise RuntimeError(f"{self.title}: {'; '.join(wrong)}")
        self.faults = wrong or self.faults

    def _loaded(self, seconds: float, seed: int) -> Load:
        try:
            return self.load(seconds, seed)
        except RuntimeError as wrong:
            raise RuntimeError(f"{self.title}: {wrong}") from wrong

    def _cpu(self) -> tuple[float | None, float | None, float]:
        app, database = (None if process is None else cpu_seconds(process) for process in (self.app, self.database))
        return app, database, cpu_of_ended_children()


Opened = AbstractContextManager[Side]


def analyze(url: str) -> None:
    """Fresh statistics, so that no plan is for an empty table."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
