"""What tests of reviews share: violations under a regulator's and under the firm's rule, acts on them, what is kept."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import inspect

from tests.api.test_corrections import DANA, gift, post, recorded
from tests.server import Caller, Server

Json = dict[str, Any]

CONFIRMED = {
    "outcome": "confirmed",
    "reason_code": "breach_education",
    "corrective_action": "training",
    "note": "over the limit",
}
NO_VIOLATION = {"outcome": "no_violation", "reason_code": "data_error_fixed", "note": "the receipt was another's"}
WAIVED = {"outcome": "waived", "reason_code": "exception_granted", "note": "the annual conference"}
GIFTS, PER_EVENT = "finra-3220-gifts", "firm-entertainment-event"


def over_the_gift_limit(caller: Caller, amount: str = "400.00", *people: Json, **more: Any) -> Json:
    """The violation of a regulator's rule that a gift opens."""
    [case] = recorded(caller, gift(amount, "2026-05-04", *people, **more))["violations"]
    assert case["rule_id"] == GIFTS
    return case


def over_the_meal_limit(caller: Caller, over_by: str = "50.00", *people: Json, **more: Any) -> Json:
    """The violation of the firm's own rule that a meal for two opens: half of it is a recipient's share."""
    body = gift(str(2 * (250 + Decimal(over_by))), "2026-05-04", *people, kind="meal", hosts_present=True, **more)
    [case] = [one for one in recorded(caller, body)["violations"] if one["rule_id"] == PER_EVENT]
    assert case["over_by"] == over_by
    return case


def act(caller: Caller, case: Json | str, what: str, body: Json, version: int | None = None) -> httpx.Response:
    """Somebody does something with a violation, at the version it has now unless another is said."""
    violation_id = case if isinstance(case, str) else case["id"]
    return post(caller, f"/v1/violations/{violation_id}/{what}", body, version or case["version"])  # type: ignore[index]


def done(answer: httpx.Response) -> Json:
    """The answer to what must succeed."""
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem of what must not."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


def now(caller: Caller, case: Json) -> Json:
    """A violation as it stands."""
    return done(caller.get(f"/v1/violations/{case['id']}"))


def history(caller: Caller, case: Json) -> list[Json]:
    """What happened to a violation."""
    return done(caller.get(f"/v1/violations/{case['id']}/history"))["data"]


def actions(caller: Caller, case: Json) -> list[str]:
    """What happened to a violation, in words."""
    return [line["action"].removeprefix("violation.") for line in history(caller, case)]


def listed(caller: Caller, **filters: Any) -> list[str]:
    """The ids of the violations that a filter finds."""
    return [one["id"] for one in done(caller.get("/v1/violations", params=filters))["data"]]


def kept(server: Server) -> dict[str, str]:
    """Every table with a digest of all that it says."""
    found = {}
    with server.desk.database.reading() as connection:
        for table in inspect(connection).get_table_names():
            rows = sorted(repr(tuple(row)) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"'))
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


__all__ = ["DANA", "gift", "post", "recorded"]
