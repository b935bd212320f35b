"""The books of a side after it was loaded: as many entries as were answered for, and every total adds up."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, create_engine, text

from bench.stock import untrue

_SAME = {
    "entries": "SELECT COUNT(*) FROM entries",
    "versions": "SELECT COUNT(*) FROM entry_versions",
    "kept answers": "SELECT COUNT(*) FROM idempotency_keys",
}
_NONE = {
    "entries whose shares are not their total": """
        SELECT COUNT(*) FROM entries e JOIN (
            SELECT entry_id, SUM(amount_minor) AS parts, COUNT(*) AS people FROM shares GROUP BY entry_id
        ) AS s ON s.entry_id = e.id
        WHERE e.total_minor <> CASE e.kind WHEN 'meal' THEN s.parts / s.people * (s.people + 1) ELSE s.parts END""",
    "entries without shares": "SELECT COUNT(*) FROM entries WHERE id NOT IN (SELECT entry_id FROM shares)",
    "results that count something else than the share": """
        SELECT COUNT(*) FROM assessments a JOIN shares s ON s.entry_id = a.entry_id AND s.recipient_id = a.shown
        WHERE a.outcome <> 'excluded' AND a.counted NOT IN (1, s.amount_minor)""",
    # All entries are of one day and nothing is taken back, so a total that was read too early stays below the sum.
    "subjects whose last total is not their sum": """
        SELECT COUNT(*) FROM (
            SELECT SUM(counted) AS counted, MAX(aggregate) AS aggregate FROM assessments
            WHERE outcome <> 'excluded' AND period_start <> period_end GROUP BY rule_id, subject
        ) AS totals WHERE counted <> aggregate""",
    "violations without a case, or cases without a violation": """
        SELECT (SELECT COUNT(*) FROM assessments WHERE outcome = 'violation') - (SELECT COUNT(*) FROM violations)""",
    "results over their limit that are no violation": """
        SELECT COUNT(*) FROM assessments
        WHERE outcome IN ('within', 'warning') AND aggregate > limit_value AND counted > 0""",
}
_AUDITED = """
    SELECT (SELECT COUNT(*) FROM entries) + (SELECT COUNT(*) FROM violations)
        - (SELECT COUNT(*) FROM audit_records WHERE action IN ('entry.recorded', 'violation.opened'))"""


def faults(url: str, kept: int, *, audited: bool) -> list[str]:
    """What is wrong with the books after `kept` entries were answered for."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return list(_faults(connection, kept, audited))
    finally:
        engine.dispose()


def _faults(connection: Connection, kept: int, audited: bool) -> Iterator[str]:
    for what, question in _SAME.items():
        found = connection.scalar(text(question))
        if found != kept:
            yield f"{found} {what} after {kept} were answered for"
    questions = _NONE | {"entries and cases without their audit record": _AUDITED} if audited else _NONE
    for what, question in questions.items():
        found = connection.scalar(text(question))
        if found:
            yield f"{found} {what}"


def plain_faults(url: str, kept: int) -> list[str]:
    """What is wrong with the books of somebody who keeps entries and shares, and nothing else."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.scalar(text(_SAME["entries"]))
            wrong = [what for what, question in list(_NONE.items())[:2] if connection.scalar(text(question))]
        return wrong if found == kept else [*wrong, f"{found} entries after {kept} were answered for"]
    finally:
        engine.dispose()


def stocked_faults(url: str, stocked: int, kept: int) -> list[str]:
    """What is wrong with the books of a database that held entries before `kept` were answered for.

    The plain definition, a replay of whole histories, is held against what some people's results are by now.
    """
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT COUNT(*) FROM entries"))
        faults = [] if found == stocked + kept else [f"{found} entries after {stocked} + {kept} were answered for"]
        wrong = untrue(engine, range(3))
        return faults + ([f"{wrong} results that a replay gives otherwise"] if wrong else [])
    finally:
        engine.dispose()


def cases_per_entry(url: str) -> float:
    """How many violations were opened for one entry: alike on both sides, or they did not do the same job."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            question = "SELECT (SELECT COUNT(*) FROM violations) * 1.0 / (SELECT COUNT(*) FROM entries)"
            return float(connection.scalar(text(question)) or 0)
    finally:
        engine.dispose()
