"""Plans: with many violations, every list a reviewer asks for goes by an index, on both databases, at any depth."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from app.domain.violations import SEVERITIES, Order
from app.storage import violations
from app.storage.database import Database, insert_rows
from app.storage.tables import EntryRow, ViolationRow
from app.storage.violations import KnownViolation, Sorting, ViolationFilter

MANY = 20_000
TODAY = date(2026, 6, 15)
SORTINGS = [Sorting(order, reverse) for order in Order for reverse in (False, True)]
FILTERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "own": {"own": "giver 7"},
    "state": {"state": ("open",)},
    "states": {"state": ("open", "in_review", "escalated")},
    "rule": {"rule_id": ("rule 3",)},
    "severity": {"severity": ("high",)},
    "kind": {"kind": ("gift",)},
    "giver": {"giver": "giver 7"},
    "submitter": {"submitted_by": "giver 7"},
    "recipient": {"recipient_id": "rec_7"},
    "employer": {"employer_id": "emp_7"},
    "entry": {"entry_id": "ent_7"},
    "policy": {"policy_id": ("pol_1",)},
    "recipient type": {"recipient_type": ("union_official",)},
    "source": {"source": ("crm",)},
    "outcome": {"outcome": ("waived",)},
    "reason code": {"reason_code": ("exception_granted",)},
    "assignee": {"assignee": "oscar"},
    "nobody": {"assignee": "none"},
    "event days": {"occurred_from": date(2026, 3, 1), "occurred_to": date(2026, 3, 7)},
    "opened days": {"opened_from": date(2026, 6, 1)},
    "due days": {"due_to": date(2026, 1, 20)},
    "overdue": {"overdue": True},
    "snoozed": {"snoozed": True},
    "far over": {"over_from": 9_000_000},
    "percent": {"of_limit_from": 3000},
    "late": {"days_late_from": 39},
    "recalculated": {"recalculated": True},
    "cause": {"cause": "ent_77"},
    "cause kind": {"cause_kind": ("policy",)},
    "a rare kind": {"kind": ("lodging",)},
    "a rare type": {"recipient_type": ("congress",)},
    "a rare source": {"source": ("hubspot",)},
    "a rare outcome": {"outcome": ("duplicate",)},
    "a rare reason": {"reason_code": ("breach_reported",)},
    "very late": {"days_late_from": 300},
    "hardly over": {"of_limit_to": 1000},
    "opened today": {"opened_from": TODAY},
    "another year": {"occurred_from": date(2027, 1, 1)},
    "several": {"state": ("open",), "kind": ("meal",), "giver": "giver 9", "over_from": 5_000_000},
}


def case(number: int, chance: random.Random) -> KnownViolation:
    day = date(2026, 1, 1) + timedelta(days=chance.randrange(160))
    opened = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number * 11)
    state = chance.choice(["open", "open", "in_review", "escalated", "decided", "decided", "decided", "withdrawn"])
    over = chance.randrange(1, 1000)
    closed = state in ("decided", "withdrawn")
    severity = chance.choice(SEVERITIES)
    moved = chance.random() < 0.05
    return KnownViolation(
        id=f"vio_{number:06}",
        version=1,
        state=state,
        entry_id=f"ent_{number}",
        rule_id=f"rule {chance.randrange(8)}",
        shown=f"rec_{chance.randrange(3000)}",
        subject="x",
        policy_id=f"pol_{chance.choice([1, 2, 2, 2, 2, 2, 2, 2, 2, 2])}",
        severity=severity,
        occurred_on=day,
        giver=f"giver {chance.randrange(400)}",
        submitted_by=f"giver {chance.randrange(400)}",
        direction="given",
        kind=chance.choice(["gift", "meal"]),
        employer_id=f"emp_{chance.randrange(500)}",
        counted=100,
        aggregate=300_00 + over,
        limit_value=300_00,
        over_by=over,
        cause=f"ent_{chance.randrange(MANY)}:2" if moved else None,
        opened_at=opened,
        changed_at=opened,
        opened_on=opened.date(),
        due_on=opened.date() + timedelta(days=chance.randrange(10)),
        closed_on=opened.date() if closed else None,
        assignee=chance.choice([None, "olivia", "oscar"]),
        snoozed_until=TODAY + timedelta(days=3) if chance.random() < 0.01 else None,
        outcome=chance.choice(["confirmed"] * 9 + ["waived"]) if state == "decided" else None,
        reason_code="exception_granted" if state == "decided" and over < 100 else None,
        over_scaled=over * 10_000,
        of_limit=1000 + over * 3,
        severity_rank=SEVERITIES.index(severity),
        recipient_type=chance.choice(["institutional_employee"] * 20 + ["union_official"]),
        source=chance.choice(["api"] * 20 + ["crm"]),
        days_late=chance.randrange(40),
        cause_kind="correction" if moved else None,
    )


@pytest.fixture(scope="module")
def seed() -> int:
    return random.SystemRandom().randrange(2**32)


@pytest.fixture(scope="module")
def filled(databases: Any, database_kind: Any, request: pytest.FixtureRequest, seed: int) -> Iterator[Database]:
    """A database with many violations, that knows how they are spread."""
    sys.stderr.write(f"seed {seed}\n")
    if database_kind == "postgres":
        request.getfixturevalue("postgres_server")
    with databases.fresh(database_kind, migrated=True) as url:
        database = Database(url)
        chance = random.Random(seed)
        cases = [case(number, chance) for number in range(MANY)]
        database.write(lambda connection: fill(connection, cases))
        if database.is_postgres:
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE violations"))
        yield database
        database.close()


def fill(connection: Any, cases: list[KnownViolation]) -> None:
    entries = ("id", "version", "sequence", "occurred_on", "kind", "direction", "giver", "total_minor", "currency")
    more = ("standing", "submitted_by", "recorded_at", "source")
    rows = [
        (one.entry_id, 1, 1, one.occurred_on, "gift", "given", "x", 1, "USD", "live", "x", one.opened_at, "api")
        for one in cases
    ]
    insert_rows(connection, EntryRow, (*entries, *more), rows)
    columns = tuple(KnownViolation.__slots__)
    insert_rows(connection, ViolationRow, columns, [tuple(getattr(one, name) for name in columns) for one in cases])


def plans(database: Database, wanted: ViolationFilter, sorting: Sorting, after: Any) -> tuple[list[Any], str]:
    """What a page holds, and how the database says that it comes to it."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: Any) -> None:
        if "FROM violations" in statement and "EXPLAIN" not in statement:
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with database.reading() as connection:
            found = violations.listed(connection, wanted, sorting, after=after, limit=51)
            [(statement, parameters)] = asked
            how = "EXPLAIN " if database.is_postgres else "EXPLAIN QUERY PLAN "
            lines = connection.exec_driver_sql(how + statement, parameters).all()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return found, "\n".join(str(line[-1]) for line in lines)


def without_an_index(plan: str) -> list[str]:
    """The steps that read the table from end to end."""
    return re.findall(r"Seq Scan on violations.*|SCAN violations(?! USING).*", plan)


@pytest.mark.parametrize("name", FILTERS)
def test_every_list_goes_by_an_index(filled: Database, name: str):
    wanted = ViolationFilter(**FILTERS[name], today=TODAY)
    for sorting in SORTINGS:
        found, plan = plans(filled, wanted, sorting, None)
        assert without_an_index(plan) == [], (sorting, plan)
        if len(found) == 51:
            _, deep = plans(filled, wanted, sorting, sorting.place(found[-1]))
            assert without_an_index(deep) == [], (sorting, deep)


@pytest.mark.parametrize("sorting", SORTINGS, ids=str)
def test_a_page_of_everything_is_sorted_by_its_index_alone(filled: Database, sorting: Sorting):
    middle = None
    for _ in range(3):
        found, plan = plans(filled, ViolationFilter(), sorting, middle)
        assert "Sort" not in plan.replace("Presorted", "")
        assert "TEMP B-TREE" not in plan, plan
        middle = sorting.place(found[-1])


@pytest.mark.parametrize("sorting", SORTINGS, ids=str)
def test_all_pages_together_are_everything_once_and_in_order(filled: Database, sorting: Sorting):
    with filled.reading() as connection:
        found: list[KnownViolation] = []
        after = None
        while page := violations.listed(connection, ViolationFilter(), sorting, after=after, limit=5000):
            found += page
            after = sorting.place(page[-1])
    assert len({one.id for one in found}) == len(found) == MANY
    places = [sorting.place(one) for one in found]
    assert places == sorted(places, reverse=sorting.falling)


def test_a_total_stops_at_its_bound(filled: Database):
    with filled.reading() as connection:
        assert violations.how_many(connection, ViolationFilter(), most=10_001) == 10_001
        few = violations.how_many(connection, ViolationFilter(giver="giver 7"), most=10_001)
        assert few == len(
            violations.listed(connection, ViolationFilter(giver="giver 7"), Sorting(), after=None, limit=MANY)
        )
