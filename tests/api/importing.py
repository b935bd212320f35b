"""What tests of imports share: files, the way of an import from the file to its result, and what is in the books."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import httpx

from tests.api.reviewing import Json, done
from tests.server import Caller

HEADER = "expense_id,rep,date,kind,amount,currency,attendees,purpose\n"
_KEYS = count(1)
_PATIENCE_S = 60


def csv_of(*rows: str, header: str = HEADER) -> bytes:
    """A file of the generic profile."""
    return (header + "".join(f"{row}\n" for row in rows)).encode()


def hand_in(caller: Caller, file: bytes, *, key: str = "", kind: str = "text/csv", **asked: Any) -> httpx.Response:
    """A file handed in, under a key of its own unless one is given."""
    headers = {"Content-Type": kind, "Idempotency-Key": key or f"file-{next(_KEYS)}"}
    return caller.post("/v1/imports", params=asked, content=file, headers=headers)


def rested(caller: Caller, one: Json) -> Json:
    """An import when nothing more happens to it by itself."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        now = done(caller.get(f"/v1/imports/{one['id']}"))
        if now["state"] not in ("checking", "applying"):
            return now
        time.sleep(0.01)
    raise AssertionError(f"the import does not come to rest: {now}")


def checked(caller: Caller, file: bytes, **asked: Any) -> Json:
    """An import after its dry run."""
    answer = hand_in(caller, file, **asked)
    assert answer.status_code == 202, answer.text
    now = rested(caller, answer.json())
    assert now["state"] == "checked", now
    return now


def apply(caller: Caller, one: Json) -> Json:
    """A checked import carried out."""
    headers = {"If-Match": f'"v{one["version"]}"'}
    answer = caller.post(f"/v1/imports/{one['id']}/application", headers=headers)
    assert answer.status_code == 202, answer.text
    now = rested(caller, answer.json())
    assert now["state"] == "applied", now
    return now


def imported(caller: Caller, file: bytes, **asked: Any) -> Json:
    """A file handed in, checked and carried out."""
    return apply(caller, checked(caller, file, **asked))


def lines(caller: Caller, one: Json, **filters: str) -> list[Json]:
    """The lines of an import."""
    return done(caller.get(f"/v1/imports/{one['id']}/lines", params={"limit": 200, **filters}))["data"]


def counts(said: Json) -> Json:
    """Counts that are not nothing."""
    return {name: number for name, number in said.items() if number}


def entries(caller: Caller, **filters: str) -> list[Json]:
    """All entries by the day of the event."""
    found = done(caller.get("/v1/entries", params={"limit": 200, **filters}))["data"]
    return sorted(found, key=lambda one: (one["occurred_on"], one["id"]))


def faults(caller: Caller, one: Json) -> list[tuple[int, str | None, str]]:
    """What is wrong with which column of which row."""
    return [(fault["row"], fault["column"], fault["code"]) for line in lines(caller, one) for fault in line["faults"]]
