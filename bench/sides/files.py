"""Files: the same entries as a file over HTTP, and by COPY from the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import psycopg

from bench.ground import Ground
from bench.load import Load, timed
from bench.processes import held_mib
from bench.sides.side import Opened, Side

_SHARE_OF_DAYS = 10  # one in ten of the days that the stock is spread over
_COPY = """
    COPY (
      SELECT e.id, e.version, e.standing, e.occurred_on, e.recorded_at, e.direction, e.kind, e.giver, e.submitted_by,
             e.total_minor / 100.0, e.currency, count(*), string_agg(r.name, '; ' ORDER BY s.position),
             string_agg(r.id, '; ' ORDER BY s.position), string_agg(DISTINCT m.name, '; '),
             v.document::jsonb ->> 'hosts_present', v.document::jsonb ->> 'paid_by', v.document::jsonb ->> 'purpose',
             (SELECT count(*) FROM violations WHERE entry_id = e.id)
        FROM entries e
        JOIN entry_versions v ON v.entry_id = e.id AND v.version = e.version
        JOIN shares s ON s.entry_id = e.id AND s.entry_version = e.version
        JOIN recipients r ON r.id = s.recipient_id
        JOIN employers m ON m.id = s.employer_id
       WHERE e.occurred_on >= '{since}'
       GROUP BY e.id, v.entry_id, v.version ORDER BY e.occurred_on DESC, e.id DESC
    ) TO STDOUT (FORMAT csv)"""


def sides(ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    return {
        "export-csv": partial(_export, ground, "csv"),
        "export-jsonl": partial(_export, ground, "jsonl"),
        "copy": partial(_copied, ground),
    }


def _since(ground: Ground) -> str:
    return ground.day_of(f"DAY-{ground.stock.days // _SHARE_OF_DAYS}")


@contextmanager
def _export(ground: Ground, form: str) -> Iterator[Side]:
    served = ground.reading(stocked=True)
    address = f"http://127.0.0.1:{served.port}/v1/entries"
    asked = {"format": form, "occurred_on[gte]": _since(ground)}

    def run(_seconds: float, _seed: int) -> Load:
        process = Path(f"/proc/{served.process}")
        (process / "clear_refs").write_text("5")  # the most that it held begins anew
        began, lines = time.perf_counter(), -(form == "csv")
        key = {"Authorization": f"Bearer {served.key}"}
        with httpx.stream("GET", address, params=asked, headers=key, timeout=600) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                lines += piece.count(b"\n")
        seconds = time.perf_counter() - began
        most = held_mib(process / "status", "VmHWM")
        return timed([seconds * 1000], seconds, most)._replace(done=lines)

    yield Side(f"entries as {form} over HTTP, rows", run, served.process, ground.postmaster())


@contextmanager
def _copied(ground: Ground) -> Iterator[Side]:
    url = ground.reading(stocked=True).url.replace("+psycopg", "")

    def run(_seconds: float, _seed: int) -> Load:
        began, lines = time.perf_counter(), 0
        statement = _COPY.format(since=_since(ground))
        with psycopg.connect(url) as connection, connection.cursor().copy(statement.encode()) as copy:
            for piece in copy:
                lines += bytes(piece).count(b"\n")
        seconds = time.perf_counter() - began
        return timed([seconds * 1000], seconds)._replace(done=lines)

    yield Side("the same rows by COPY, rows", run, None, ground.postmaster(), reference=True)
