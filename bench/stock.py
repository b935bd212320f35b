"""Stock: databases that already hold much, written set by set, and true: the service itself finds nothing to change.

Every entry has its version, shares, assessments with running totals, cases with their first version, a kept answer
(short, as nobody asks for it again), and its records in the audit log with their place in the Merkle tree.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, TextClause, create_engine, text

from app.domain.audit import Tree
from app.services import policies, screening
from app.storage import audit
from bench.references.rules import ReferenceRule, rules_on

_LOG = "main"
_SQL = Path(__file__).parent / "stock.sql"


class Stock(NamedTuple):
    """What a database holds before it is loaded.

    `entries` in all, on the days up to yesterday. With `subjects`, each is one person's own small gift, and the persons
    are the first so many; otherwise each has 1 to 5 of all recipients, as the load does, and one share in 30 is large.
    """

    entries: int
    subjects: int = 0
    days: int = 730


def fill(url: str, stock: Stock, *, types: tuple[str, ...], today: date) -> None:
    """Writes the stock and holds it against the service. RuntimeError where the service would judge otherwise."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            _write(connection, stock, types, today)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        people = range(min(stock.subjects, 2)) or random.sample(range(100_000), 50)
        if wrong := untrue(engine, people):
            raise RuntimeError(f"the stock is not what the service makes of it: {wrong}")
    finally:
        engine.dispose()


def untrue(engine: Engine, people: Iterable[int]) -> int:
    """How many results of people the plain definition, a replay of their whole history, gives otherwise."""
    owners = {f"rec_{number:032x}" for number in people}
    with engine.connect() as connection:
        book = policies.read(connection)
        return len(screening.replay(connection, book, owners, since=policies.ALWAYS, until=date.max))


def _write(connection: Connection, stock: Stock, types: tuple[str, ...], today: date) -> None:
    # Foreign keys hold by construction, and this is what checks them one by one.
    for setting in ("session_replication_role = replica", "work_mem = '512MB'", "synchronous_commit = off"):
        connection.execute(text(f"SET LOCAL {setting}"))
    days = [today - timedelta(days=back) for back in range(stock.days, 0, -1)]
    _write_rules(connection, types, days)
    bound = {"entries": stock.entries, "days": len(days), "first": days[0], "subjects": stock.subjects}
    tree = audit.head(connection, _LOG, hold=True)
    for statement in _SQL.read_text().split(";\n"):
        if statement.strip():
            connection.execute(_text(statement), bound | {"log": _LOG, "size": tree.size})
    _grow(connection, tree)


def _write_rules(connection: Connection, types: tuple[str, ...], days: list[date]) -> None:
    columns = ", ".join(ReferenceRule._fields)
    rules = list(_rules(connection, types, days))
    connection.execute(text(_RULES))
    with connection.connection.driver_connection.cursor().copy(  # type: ignore[union-attr]
        f"COPY stock_rules (day, {columns}) FROM STDIN"
    ) as copy:
        for row in rules:
            copy.write_row(row)
    connection.execute(text("ANALYZE stock_rules"))


def _rules(connection: Connection, types: tuple[str, ...], days: list[date]) -> Iterator[tuple[object, ...]]:
    book = policies.read(connection)
    for day in days:
        policy = book.in_force(day)
        for rule in rules_on(policy, types, day) if policy else ():
            yield (day, *rule)


_RULES = """
    CREATE TEMP TABLE stock_rules (
        day date, type text, kind text, rule_id text, policy_id text, severity text, exclusion text,
        counts_events boolean, adds_up boolean, period_start date, period_end date, limit_value bigint,
        warn_value bigint, at_limit boolean,
        PRIMARY KEY (day, type, kind, rule_id)) ON COMMIT DROP"""


def _text(statement: str) -> TextClause:
    """A statement whose JSON is no parameter."""
    return text(statement.replace('":', '"\\:'))


def _grow(connection: Connection, tree: Tree) -> None:
    """Gives the new records their place in the tree."""
    with connection.connection.driver_connection.cursor("leaves") as leaves:  # type: ignore[union-attr]
        leaves.itersize = 50_000
        leaves.execute("SELECT leaf FROM audit_records WHERE position >= %s ORDER BY position", (tree.size,))
        grown: Tree = tree.plus(bytes.fromhex(leaf) for (leaf,) in leaves)
    size, frontier = audit.written(grown)
    connection.execute(
        text("UPDATE audit_heads SET size = :size, frontier = :frontier WHERE log_id = :log"),
        {"size": int(size), "frontier": frontier, "log": _LOG},
    )
