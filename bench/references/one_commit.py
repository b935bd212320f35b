"""SQLite the plain way: a FastAPI endpoint that does the job of POST /v1/entries with sqlite3, one commit each.

The same body, read as strictly, and the same tables, results and durability (WAL, synchronous=FULL). Writers of this
one process wait for each other at a lock, which is fairer than SQLite's own waiting. `threads` runs the endpoint in
FastAPI's threads, as it does with any that is no coroutine; `loop` runs it on the event loop, which spares the hop and
holds up everything else while a commit is under way.

Left out, all in its favour: checks of the draft, entries that come late, merged recipients, the Merkle tree (a chain of
hashes stands for it), and some of the answer.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import uuid4

import orjson
import uvicorn
from fastapi import APIRouter, FastAPI, Header, Response
from sqlalchemy import create_engine

from app.api.entries.reading import EntryIn
from app.api.requests import StrictRoute
from app.settings import Settings
from bench.references.rules import ReferenceRule, rules_of

Key = Annotated[str, Header(alias="Idempotency-Key")]
Authorization = Annotated[str, Header()]

_ROUTE = "POST /v1/entries"
_SUM = (
    "SELECT COALESCE(SUM(counted), 0) FROM assessments WHERE subject = ? AND rule_id = ? AND known_until IS NULL "
    "AND occurred_on >= ? AND occurred_on <= ?"
)
_COLUMNS = {
    "entries": "id, version, sequence, occurred_on, kind, direction, giver, total_minor, currency, standing, "
    "submitted_by, recorded_at",
    "entry_versions": "entry_id, version, document, action, reason, recorded_by, recorded_at, known_from",
    "shares": "entry_id, entry_version, position, recipient_id, client_id, employer_id, client_employer_id, "
    "amount_minor, currency",
    "assessments": "entry_id, rule_id, shown, known_from, subject, policy_id, occurred_on, sequence, counted, "
    "aggregate, limit_value, outcome, exclusion, forbidden, period_start, period_end",
    "violations": "id, version, state, entry_id, rule_id, shown, subject, policy_id, severity, occurred_on, giver, "
    "submitted_by, direction, kind, employer_id, counted, aggregate, limit_value, over_by, opened_at, changed_at, "
    "opened_on, due_on",
    "violation_versions": "violation_id, version, known_from, document",
    "idempotency_keys": "principal, route, key, fingerprint, status, body, created_at",
    "audit_records": "log_id, position, entity_id, entity_version, action, actor, at, body, leaf",
}
_INSERTS = {
    table: f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(',')))})"
    for table, columns in _COLUMNS.items()
}


class Office:
    """The rules in force and the way to the file."""

    def __init__(self, path: str, types: Sequence[str], day: date) -> None:
        self._path = path
        self._own = threading.local()
        self._one_writer = threading.Lock()
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            rules = rules_of(connection, tuple(types), day)
        engine.dispose()
        self._rules: dict[tuple[str, str], list[ReferenceRule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.kind, rule.type), []).append(rule)

    def record(self, body: EntryIn, api_key: str, key: str) -> bytes:
        """One transaction from the first statement to the commit."""
        connection = self._connection()
        with self._one_writer:
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = self._answered(connection, body, api_key, key)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        return answer

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._own, "connection"):
            self._own.connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
                self._own.connection.execute(f"PRAGMA {pragma}")
        connection: sqlite3.Connection = self._own.connection
        return connection

    def _answered(self, connection: sqlite3.Connection, body: EntryIn, api_key: str, key: str) -> bytes:
        secret = api_key.rpartition("_")[2]
        person, principal = connection.execute(
            "SELECT person, id FROM api_keys WHERE id = ? AND secret_digest = ?",
            (f"key_{api_key.split('_')[1]}", hashlib.sha256(secret.encode()).hexdigest()),
        ).fetchone()
        known = connection.execute(
            "SELECT body FROM idempotency_keys WHERE principal = ? AND route = ? AND key = ?", (principal, _ROUTE, key)
        ).fetchone()
        if known:
            return str(known[0]).encode()
        return self._recorded(connection, body, person, principal, key)

    def _recorded(
        self, connection: sqlite3.Connection, body: EntryIn, submitter: str, principal: str, key: str
    ) -> bytes:
        moment = datetime.now(UTC)
        now, sequence, entry_id = moment.isoformat(), int(moment.timestamp() * 1_000_000), _risen("ent", moment)
        on, kind, total = body.occurred_on.isoformat(), body.kind.value, int(body.total.amount.replace(".", ""))
        ids = [person.id for person in body.recipients]
        people = connection.execute(
            f"SELECT id, type, employer_id FROM recipients WHERE id IN ({', '.join('?' * len(ids))})", ids
        ).fetchall()
        part = total // (len(people) + (kind == "meal"))
        document = body.model_dump_json()
        entry = (entry_id, 1, sequence, on, kind, body.direction.value, body.giver, total, body.total.currency)
        connection.execute(_INSERTS["entries"], (*entry, "live", submitter, now))
        connection.execute(
            _INSERTS["entry_versions"], (entry_id, 1, document, "entry.recorded", "", submitter, now, sequence)
        )
        connection.executemany(
            _INSERTS["shares"],
            [
                (entry_id, 1, place, id, id, employer, employer, part, body.total.currency)
                for place, (id, _, employer) in enumerate(people)
            ],
        )
        results = [
            self._result(connection, entry_id, sequence, on, rule, id, part)
            for id, type, _ in people
            for rule in self._rules[kind, type]
        ]
        connection.executemany(_INSERTS["assessments"], results)
        employers = {id: employer for id, _, employer in people}
        cases = [
            (
                *(_risen("vio", moment), 1, "open", entry_id, one[1], one[2], one[4], one[5], "medium", on, body.giver),
                *(submitter, body.direction.value, kind, employers[one[2]], one[8], one[9], one[10], one[9] - one[10]),
                *(now, now, on, on),
            )
            for one in results
            if one[11] == "violation"
        ]
        connection.executemany(_INSERTS["violations"], cases)
        connection.executemany(_INSERTS["violation_versions"], [(case[0], 1, sequence, repr(case)) for case in cases])
        connection.executemany(
            "UPDATE recipients SET touched_sequence = ? WHERE id = ?", [(sequence, id) for id, _, _ in people]
        )
        answer = orjson.dumps(
            {"id": entry_id, "entry": body.model_dump(mode="json"), "assessments": [list(one) for one in results]}
        )
        fingerprint = hashlib.sha256(document.encode()).hexdigest()
        connection.execute(
            _INSERTS["idempotency_keys"], (principal, _ROUTE, key, fingerprint, 201, answer.decode(), now)
        )
        facts = [(entry_id, "entry.recorded", answer), *((case[0], "violation.opened", repr(case)) for case in cases)]
        _seal(connection, facts, principal, now)
        return answer

    def _result(
        self,
        connection: sqlite3.Connection,
        entry_id: str,
        sequence: int,
        on: str,
        rule: ReferenceRule,
        id: str,
        part: int,
    ) -> tuple[Any, ...]:
        first, last = rule.period_start.isoformat(), rule.period_end.isoformat()
        prior = connection.execute(_SUM, (id, rule.rule_id, first, on)).fetchone()[0] if rule.adds_up else 0
        counted = rule.counted(part)
        sums = (counted, prior + counted, rule.limit_value, rule.outcome(prior + counted), rule.exclusion, 0)
        return (entry_id, rule.rule_id, id, sequence, id, rule.policy_id, on, sequence, *sums, first, last)


def _risen(noun: str, moment: datetime) -> str:
    return f"{noun}_{int(moment.timestamp() * 1_000_000):014x}{uuid4().hex[:18]}"


def _seal(connection: sqlite3.Connection, facts: list[tuple[str, str, Any]], actor: str, now: str) -> None:
    size, frontier = connection.execute("SELECT size, frontier FROM audit_heads WHERE log_id = 'main'").fetchone()
    records = []
    for place, (id, action, said) in enumerate(facts):
        body = str(said)
        leaf = hashlib.sha256(body.encode()).hexdigest()
        frontier = hashlib.sha256((frontier + leaf).encode()).hexdigest()
        records.append(("main", size + place, id, 1, action, actor, now, body, leaf))
    connection.executemany(_INSERTS["audit_records"], records)
    connection.execute(
        "UPDATE audit_heads SET size = ?, frontier = ? WHERE log_id = 'main'", (size + len(facts), frontier)
    )


def main() -> None:
    """Serves on a port and a file: the arguments are `threads` or `loop`, both, the day of all entries, the types."""
    where, port, path, day, *types = sys.argv[1:]
    office, app = Office(path, types, date.fromisoformat(day)), FastAPI()
    app.state.desk = SimpleNamespace(settings=Settings())
    router = APIRouter(route_class=StrictRoute)

    def in_a_thread(body: EntryIn, key: Key, authorization: Authorization) -> Response:
        return Response(office.record(body, authorization.partition(" ")[2], key), 201, media_type="application/json")

    async def on_the_loop(body: EntryIn, key: Key, authorization: Authorization) -> Response:
        return in_a_thread(body, key, authorization)

    router.post("/v1/entries", status_code=201)(in_a_thread if where == "threads" else on_the_loop)
    app.include_router(router)
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
