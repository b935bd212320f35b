"""The usual way: a FastAPI endpoint and the ORM of SQLAlchemy, which locks, adds up, inserts and commits per request.

The same tables, body and results as POST /v1/entries, and one statement per rule for its sums. Left out, all in its
favour: keys of callers, strict reading, checks of the draft, entries that come late, merged recipients, the audit log,
and most of the answer.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import uuid4

import orjson
import uvicorn
from fastapi import FastAPI, Header, Response
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from app.api.entries.reading import EntryIn
from app.storage.tables import (
    AssessmentRow,
    EntryRow,
    EntryVersionRow,
    IdempotencyKeyRow,
    RecipientRow,
    ShareRow,
    ViolationRow,
)
from bench.references.rules import ReferenceRule, rules_of

_ROUTE = "POST /v1/entries"
_THREADS = 40  # as many as FastAPI runs endpoints in


class Office:
    """The rules in force and the way to the database."""

    def __init__(self, url: str, types: tuple[str, ...], day: date) -> None:
        self.engine = create_engine(url, pool_size=_THREADS, max_overflow=0)
        with self.engine.connect() as connection:
            self.rules = rules_of(connection, types, day)

    def record(self, body: EntryIn, key: str) -> bytes:
        """One transaction from the first statement to the commit."""
        with Session(self.engine) as session, session.begin():
            known = session.get(IdempotencyKeyRow, ("nobody", _ROUTE, key))
            if known is not None:
                return known.body.encode()
            answer = self._recorded(session, body)
            session.add(
                IdempotencyKeyRow(
                    principal="nobody",
                    route=_ROUTE,
                    key=key,
                    fingerprint="",
                    status=201,
                    body=answer.decode(),
                    created_at=datetime.now(UTC),
                )
            )
        return answer

    def _recorded(self, session: Session, body: EntryIn) -> bytes:
        ids = sorted({person.id for person in body.recipients if person.id})
        locked = select(RecipientRow).where(RecipientRow.id.in_(ids)).order_by(RecipientRow.id)
        people = session.scalars(locked.with_for_update(key_share=True)).all()
        now = datetime.now(UTC)
        sequence = int(now.timestamp() * 1_000_000)
        entry = EntryRow(
            id=f"ent_{uuid4().hex}",
            version=1,
            sequence=sequence,
            occurred_on=body.occurred_on,
            kind=body.kind.value,
            direction=body.direction.value,
            giver=body.giver or "",
            total_minor=int(body.total.amount.replace(".", "")),
            currency=body.total.currency,
            standing="live",
            submitted_by="nobody",
            recorded_at=now,
        )
        session.add(entry)
        session.flush()
        session.add(
            EntryVersionRow(
                entry_id=entry.id,
                version=1,
                document=body.model_dump_json(),
                action="entry.recorded",
                reason="",
                recorded_by="nobody",
                recorded_at=now,
                known_from=sequence,
            )
        )
        part = entry.total_minor // (len(people) + (entry.kind == "meal"))
        for place, person in enumerate(people):
            person.touched_sequence = sequence
            session.add(_share(entry, place, person, part))
        results = [
            one for rule in self._rules(entry.kind, people) for one in _judged(session, entry, rule, people, part)
        ]
        session.add_all(results)
        session.add_all(_cases(entry, results, {person.id: person for person in people}))
        outcomes = [{"rule": one.rule_id, "recipient": one.shown, "outcome": one.outcome} for one in results]
        return orjson.dumps({"id": entry.id, "assessments": outcomes})

    def _rules(self, kind: str, people: Any) -> list[list[ReferenceRule]]:
        """Each rule of the kind, with what it says of every type that is here."""
        types = {person.type for person in people}
        by_id: dict[str, list[ReferenceRule]] = {}
        for rule in self.rules:
            if rule.kind == kind and rule.type in types:
                by_id.setdefault(rule.rule_id, []).append(rule)
        return list(by_id.values())


def _share(entry: EntryRow, place: int, person: RecipientRow, part: int) -> ShareRow:
    return ShareRow(
        entry_id=entry.id,
        entry_version=1,
        position=place,
        recipient_id=person.id,
        client_id=person.id,
        employer_id=person.employer_id,
        client_employer_id=person.employer_id,
        amount_minor=part,
        currency=entry.currency,
    )


def _judged(
    session: Session, entry: EntryRow, rule: list[ReferenceRule], people: Any, part: int
) -> list[AssessmentRow]:
    by_type = {one.type: one for one in rule}
    covered = [person for person in people if person.type in by_type]
    totals = _totals(session, rule[0], [person.id for person in covered], entry.occurred_on) if rule[0].adds_up else {}
    return [_result(entry, by_type[person.type], person, totals.get(person.id, 0), part) for person in covered]


def _totals(session: Session, rule: ReferenceRule, subjects: list[str], on: date) -> dict[str, int]:
    row = AssessmentRow
    sums = session.execute(
        select(row.subject, func.sum(row.counted))
        .where(
            row.subject.in_(subjects),
            row.rule_id == rule.rule_id,
            row.known_until.is_(None),
            row.occurred_on.between(rule.period_start, on),
        )
        .group_by(row.subject)
    )
    return {subject: int(total) for subject, total in sums}


def _result(entry: EntryRow, rule: ReferenceRule, person: RecipientRow, prior: int, part: int) -> AssessmentRow:
    counted = rule.counted(part)
    aggregate = prior + counted
    return AssessmentRow(
        entry_id=entry.id,
        rule_id=rule.rule_id,
        shown=person.id,
        known_from=entry.sequence,
        subject=person.id,
        policy_id=rule.policy_id,
        occurred_on=entry.occurred_on,
        sequence=entry.sequence,
        counted=counted,
        aggregate=aggregate,
        limit_value=rule.limit_value,
        outcome=rule.outcome(aggregate),
        exclusion=rule.exclusion,
        forbidden=0,
        period_start=rule.period_start,
        period_end=rule.period_end,
    )


def _cases(entry: EntryRow, results: list[AssessmentRow], people: dict[str, RecipientRow]) -> list[ViolationRow]:
    return [
        ViolationRow(
            id=f"vio_{uuid4().hex}",
            version=1,
            state="open",
            entry_id=entry.id,
            rule_id=one.rule_id,
            shown=one.shown,
            subject=one.subject,
            policy_id=one.policy_id,
            severity="medium",
            occurred_on=entry.occurred_on,
            giver=entry.giver,
            submitted_by=entry.submitted_by,
            direction=entry.direction,
            kind=entry.kind,
            employer_id=people[one.shown].employer_id,
            counted=one.counted,
            aggregate=one.aggregate,
            limit_value=one.limit_value,
            over_by=one.aggregate - one.limit_value,
            opened_at=entry.recorded_at,
            changed_at=entry.recorded_at,
            opened_on=entry.occurred_on,
            due_on=entry.occurred_on,
        )
        for one in results
        if one.outcome == "violation"
    ]


def main() -> None:
    """Serves on a port and a database: the arguments are both, the day of all entries, and the types of recipients."""
    port, url, day, *types = sys.argv[1:]
    office, app = Office(url, tuple(types), date.fromisoformat(day)), FastAPI()

    @app.post("/v1/entries", status_code=201)
    def create_entry(body: EntryIn, idempotency_key: Annotated[str, Header()]) -> Response:
        return Response(office.record(body, idempotency_key), 201, media_type="application/json")

    uvicorn.run(app, port=int(port), log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
