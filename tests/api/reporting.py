"""What tests of reports share: producing one, and its rows from its file."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.server import Caller

Json = dict[str, Any]
YEAR = {"period": "2026"}


def produced(caller: Caller, report: str, form: str = "json", **asked: Any) -> Json:
    """A report that must be produced."""
    body = {"format": form} | (asked if {"period", "first"} & asked.keys() else YEAR | asked)
    answer = caller.post(f"/v1/reports/{report}/productions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def content(caller: Caller, production: Json) -> bytes:
    """Its file, which has the digest and the size that were told."""
    answer = caller.get(production["content"])
    assert answer.status_code == 200, answer.text
    assert hashlib.sha256(answer.content).hexdigest() == production["sha256"]
    assert len(answer.content) == production["size_bytes"] == int(answer.headers["content-length"])
    return answer.content


def rows(caller: Caller, report: str, **asked: Any) -> list[Json]:
    """The rows of a report, in their order, money as `12.00 USD`."""
    production = produced(caller, report, **asked)
    answer = caller.get(production["content"]).json()
    assert len(answer["data"]) == production["rows"]
    return [{name: _short(cell) for name, cell in row.items()} for row in answer["data"]]


def _short(cell: Any) -> Any:
    return f"{cell['amount']} {cell['currency']}" if isinstance(cell, dict) else cell


def totals(production: Json) -> dict[str, str]:
    """What a report adds up to: `{"share USD": "12.00"}`."""
    return {f"{one['column']} {one['unit']}": one["amount"] for one in production["totals"]}


def finished(caller: Caller, operation: Json, patience_s: float = 30) -> Json:
    """An operation once it has ended."""
    until = time.monotonic() + patience_s
    while operation["finished_at"] is None and time.monotonic() < until:
        time.sleep(0.02)
        operation = caller.get(f"/v1/operations/{operation['id']}").json()
    return operation
