"""The grid: every amount around a limit, divided among one to seven, on each day where something turns, in four zones.

Nothing here is random. Each cell is one entry among neighbours that lie just inside and outside of its periods; the
engine must say of all of them what the oracle says, whatever zone the machine or the firm is in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from app.domain.screening import apportion
from tests.databases import Databases
from tests.domain.screening.playing import entry_of, judged, policy_of
from tests.machines.checking import Checker
from tests.machines.desk_firm import DeskFirm
from tests.machines.facts import Facts, Place
from tests.machines.playing import Play
from tests.oracle import oracle
from tests.telling import Tell

ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")
DAYS = (
    *("2025-12-31", "2026-01-01"),  # the year turns
    *("2027-02-28", "2028-02-28", "2028-02-29", "2028-03-01"),  # a leap year
    *("2026-03-29", "2026-03-30"),  # the limit changes; the first is also the day clocks change in Europe
    *("2026-03-08", "2026-11-01", "2026-10-25"),  # clocks change in America, and in Europe again
    *("2026-06-30", "2026-07-01"),  # a fiscal year turns
)
CLASSES = {
    "gift": {"kind": "gift", "hosts_present": None},
    "hosted": {"kind": "entertainment", "hosts_present": True, "hosts": ["A1", "A2"]},
    "host absent": {"kind": "entertainment", "hosts_present": False, "hosts": []},
}
HEADS = range(1, 8)
MOST = 10**15 - 1  # 9,999,999,999,999.99, the largest amount that can be written
CHANGE = date(2026, 3, 30)
SCHEDULE = [
    {"limit": "100.00", "effective_from": None, "effective_to": "2026-03-29"},
    {"limit": "300.00", "effective_from": "2026-03-30", "effective_to": None},
]
RULE = {
    "measure": "amount",
    "limit_schedule": SCHEDULE,
    "currency": "USD",
    "exceed": "gt",
    "basis": "per_recipient",
    "direction": "given",
    "counts": ["gift"],
    "applies_to": ["business"],
    "excludes": [],
    "valuation": "cost",
    "warn_at": "0.80",
}
BOTH = {"counts": ["gift", "entertainment"]}
POLICY = {
    "rules": [
        {**RULE, "id": "year", "name": "year", "period": {"type": "calendar_year"}},
        {**RULE, "id": "both", "name": "both", "period": {"type": "calendar_year"}, "exceed": "gte", **BOTH},
        {**RULE, "id": "fiscal", "name": "fiscal", "period": {"type": "fiscal_year", "start_month": 7}, **BOTH},
        {**RULE, "id": "days", "name": "days", "period": {"type": "rolling_365d"}, **BOTH},
        {**RULE, "id": "months", "name": "months", "period": {"type": "rolling_12m"}, **BOTH},
        {**RULE, "id": "first", "name": "first", "period": {"type": "first_gift_year"}, **BOTH},
        {**RULE, "id": "event", "name": "event", "period": {"type": "per_event"}, **BOTH},
    ],
    "settings": {},
}


def limit_on(day: date) -> int:
    return 10_000 if day < CHANGE else 30_000


def cells() -> Iterator[tuple[str, date, int, int]]:
    """(class, day, heads, cents): amounts around the limit, as the whole and as each person's share."""
    for what, day, heads in product(CLASSES, map(date.fromisoformat, DAYS), HEADS):
        eaters = heads + (2 if what == "hosted" else 0)
        near = [limit_on(day) - 1, limit_on(day), limit_on(day) + 1]
        shared = [amount * eaters for amount in near] if eaters > 1 else []
        for cents in dict.fromkeys([*near, *shared, 1, MOST]):
            yield what, day, heads, cents


def gift(name: str, day: date, cents: int, heads: int = 1, what: str = "gift") -> dict[str, Any]:
    people = [
        {"person": f"P{n}", "name": f"P{n}", "employer": "Northgate", "type": "institutional_employee"}
        for n in range(1, heads + 1)
    ]
    money = {"total": f"{cents // 100}.{cents % 100:02d}", "currency": "USD"}
    said = {"id": name, "date": str(day), "direction": "given", "giver": "A1", "amount": money, "recipients": people}
    return said | CLASSES[what] | {"paid_by": "firm", "flags": []}


def case_of(what: str, day: date, heads: int, cents: int) -> dict[str, Any]:
    """The cell's entry between neighbours: the day before, the same day, the day after, and around a year earlier."""
    near = [gift("before", day - timedelta(days=1), 1), gift("same", day, 2), gift("after", day + timedelta(days=1), 4)]
    far = [gift(f"ago {days}", day - timedelta(days=days), days % 7 + 8) for days in (364, 365, 366)]
    entries = [*near[:2], gift("cell", day, cents, heads, what), near[2], *far]
    return {"policy": POLICY, "entries": entries, "actions": []}


@pytest.fixture
def in_zone() -> Iterator[Any]:
    """Puts the process in a time zone until the test ends."""
    before = os.environ.get("TZ")

    def put(zone: str | None) -> None:
        os.environ.pop("TZ", None)
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()

    yield put
    put(before)


@pytest.mark.parametrize("what", CLASSES)
def test_every_cell_is_judged_as_the_oracle_says_in_every_zone(what: str, in_zone: Any, tell: Tell):
    policy, looked_at, flagged = policy_of({"policy": POLICY}), 0, 0
    for cell in (cell for cell in cells() if cell[0] == what):
        case = case_of(*cell)
        books = oracle.Books(case["policy"])
        for entry in case["entries"]:
            books.apply(entry)
        wanted = books.results()
        entries = [entry_of(fields, place) for place, fields in enumerate(case["entries"], start=1)]
        [one] = [entry for entry in entries if entry.id == "cell"]
        shares = [share for _, share in apportion(one, policy.settings)]
        hosts = 2 if what == "hosted" else 0
        assert max(shares) - min(shares) <= 1
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == one.total - sum(divided(one.total, len(shares) + hosts)[len(shares) :])
        for zone in ZONES:
            in_zone(zone)
            assert judged(policy, entries) == wanted, (zone, *cell)
            looked_at += 1
        flagged += any(result.violation for result in wanted.values())
    assert 0 < flagged < looked_at
    tell(f"{looked_at // len(ZONES)} cells in {len(ZONES)} zones, {flagged} with a violation, all as the oracle says")


def divided(total: int, heads: int) -> list[int]:
    return [total // heads + (place < total % heads) for place in range(heads)]


def test_the_grid_has_thousands_of_cells():
    assert len(set(cells())) == len(list(cells())) > 2000


MOMENTS = (  # around midnight somewhere, on days where something turns
    *(
        "2025-12-31T23:59:59",
        "2026-01-01T00:00:00",
        "2026-01-01T10:30:00",
        "2026-03-08T06:59:59",
        "2026-03-29T00:59:59",
    ),
    *("2026-03-30T03:59:59", "2028-02-29T04:30:00", "2026-11-01T05:59:59"),
)


@pytest.mark.parametrize("zone", ZONES)
def test_no_zone_of_the_firm_moves_an_entry_into_another_period(databases: Databases, zone: str, in_zone: Any):
    people = {"P1": (Place(date.min, "institutional_employee", "Northgate"),)}
    policy = {"op": "publish", "number": 1, "policy": POLICY, "effective_from": "2000-01-01"}
    for moment in MOMENTS:
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        in_zone(zone)
        settings = {"time_zone": zone, "future_days": 3}
        with databases.fresh("sqlite") as url, DeskFirm(url, now=now, **settings) as firm:
            play = Play(firm, Facts(people=people), Checker(firm))
            play.step(policy)
            for place, days in enumerate((0, 1, -1, -365, -364, 0)):
                entry = gift(f"E{place}", now.date() + timedelta(days=days), 9_999 if days else 20_001)
                told = play.step({"op": "record", "entry": entry})
                assert not told.refused, (zone, moment, days)
            play.finish()
