"""What is derived of cases: those that a migration finds there get the same as those that are opened after it."""

from __future__ import annotations

import json
from typing import Any

from alembic import command
from sqlalchemy import select

from app.storage.database import Database, _alembic
from app.storage.tables import ViolationRow, ViolationVersionRow
from tests.api.reviewing import DANA, over_the_gift_limit, over_the_meal_limit, recorded
from tests.api.test_corrections import gift
from tests.server import Clock, serving

BEFORE = "0005"
OTHERS = {"name": "Ines Marchetti", "employer": "Local 12", "type": "union_officer"}


def kept(database: Database) -> tuple[list[Any], list[Any]]:
    """All cases, and all that they ever said."""
    with database.reading() as connection:
        rows = connection.execute(select(ViolationRow.__table__).order_by(ViolationRow.id)).mappings()
        now = [dict(row) for row in rows]
        row = ViolationVersionRow
        versions = connection.execute(
            select(row.violation_id, row.version, row.document).order_by(row.violation_id, row.version)
        )
        return now, [(id, version, json.loads(document)) for id, version, document in versions]


def to(database: Database, revision: str) -> None:
    """The schema at another revision."""
    with database.engine.connect().execution_options(immediate=True) as connection, connection.begin():
        config = _alembic(database.url)
        config.attributes["connection"] = connection
        move = command.downgrade if revision == BEFORE else command.upgrade
        move(config, revision)


def test_cases_that_were_there_before_have_what_is_derived_too(database_url: str, clock: Clock):
    with serving(database_url, clock=clock) as server:
        rep = server.as_("rep", "rhea")
        over_the_gift_limit(rep, "400.00", DANA)
        over_the_gift_limit(rep, "777.77", OTHERS)
        over_the_meal_limit(rep)
        recorded(rep, gift("20.00", "2026-01-02", DANA))  # moves the first
    database = Database(database_url)
    try:
        before = kept(database)
        assert len(before[0]) >= 3
        assert {row["cause_kind"] for row in before[0]} == {None, "entry"}
        to(database, BEFORE)
        to(database, "head")
        assert kept(database) == before
    finally:
        database.close()
