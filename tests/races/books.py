"""The books, checked as a whole: nothing half-written, every result as a replay gives it, every case justified."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from app.services import audit, policies, screening
from app.services.desk import Desk
from app.storage import entries as entry_rows
from app.storage.tables import (
    AssessmentRow,
    AuditRecordRow,
    EntryRow,
    EntryVersionRow,
    IdempotencyKeyRow,
    RecipientRow,
    ShareRow,
    ViolationRow,
)
from tests.processes import desk_at

EVERY_DAY = date(2000, 1, 1)


def faults(url: str) -> list[str]:
    """Everything that is wrong with a database, in one line each; an empty list for books that are in order."""
    with desk_at(url) as desk, desk.database.reading() as connection:
        return [
            *_half_written(connection),
            *_not_as_replayed(connection, desk),
            *_cases_without_ground(connection),
            *_answers_without_entry(connection),
            *_order_of_record(connection),
            *audit.verify(connection, desk.settings.log_id).faults,
        ]


def _half_written(connection: Connection) -> Iterator[str]:
    """Each entry has all of its versions with their shares, results, and one audit record for each version."""
    parts = {
        "versions": select(EntryVersionRow.entry_id, func.count()).group_by(EntryVersionRow.entry_id),
        "audit records": select(AuditRecordRow.entity_id, func.count())
        .where(AuditRecordRow.entity_id.like("ent%"))
        .group_by(AuditRecordRow.entity_id),
    }
    versions = dict(pairs(connection, select(EntryRow.id, EntryRow.version)))
    for name, question in parts.items():
        found = dict(pairs(connection, question))
        yield from (
            f"{id} has {found.get(id, 0)} {name}, and is at version {versions.get(id, 'none')}"
            for id in found.keys() | versions.keys()
            if found.get(id) != versions.get(id)
        )
    listed = {
        (id, version): len(json.loads(document)["recipients"])
        for id, version, document in connection.execute(
            select(EntryVersionRow.entry_id, EntryVersionRow.version, EntryVersionRow.document)
        )
    }
    shares = Counter(
        (id, version) for id, version in connection.execute(select(ShareRow.entry_id, ShareRow.entry_version))
    )
    yield from (
        f"{key} lists {listed.get(key, 0)} people and has {shares.get(key, 0)} shares"
        for key in listed.keys() | shares.keys()
        if listed.get(key) != shares.get(key)
    )
    judged = set(connection.scalars(select(AssessmentRow.entry_id).distinct()))
    yield from (f"{id} was never judged" for id in versions.keys() - judged)
    yield from (f"{id} was judged and is not there" for id in judged - versions.keys())


def _not_as_replayed(connection: Connection, desk: Desk) -> Iterator[str]:
    """The plain definition, over everything that was ever recorded, finds nothing to change."""
    owners = entry_rows.owners_since(connection, EVERY_DAY)
    book = policies.current(connection, desk)
    for change in screening.replay(connection, book, owners, since=EVERY_DAY, until=date.max):
        kept, due = change.before and change.before.assessment, change.after
        yield f"{change.key}: kept {kept and kept[1:]}, but a replay gives {due and due[1:]}"


def _cases_without_ground(connection: Connection) -> Iterator[str]:
    """Missed, phantom and outdated violations: open cases and violating results are the same, with the same figures."""
    figures = ("entry_id", "rule_id", "shown", "subject", "occurred_on", "counted", "aggregate", "limit_value")
    violating = connection.execute(
        select(*(getattr(AssessmentRow, name) for name in figures)).where(
            AssessmentRow.known_until.is_(None), AssessmentRow.outcome == "violation"
        )
    )
    standing = connection.execute(
        select(*(getattr(ViolationRow, name) for name in figures)).where(ViolationRow.state != "withdrawn")
    )
    due, kept = {tuple(row) for row in violating}, {tuple(row) for row in standing}
    yield from (f"missed violation: {one}" for one in sorted(due - kept))
    yield from (f"phantom violation: {one}" for one in sorted(kept - due))


def _answers_without_entry(connection: Connection) -> Iterator[str]:
    """Whatever an idempotency key remembers as recorded is there."""
    there = set(connection.scalars(select(EntryRow.id)))
    for key, body in connection.execute(select(IdempotencyKeyRow.key, IdempotencyKeyRow.body)):
        answer = json.loads(body)
        items = [answer] if "id" in answer else [item.get("entry") or {} for item in answer.get("results", [])]
        yield from (
            f"key {key} remembers {item['id']}, which is not there"
            for item in items
            if item.get("id") and item["id"] not in there
        )


def _order_of_record(connection: Connection) -> Iterator[str]:
    """No two entries of a person share a place, and everybody remembers at least their last place."""
    entries_of = select(ShareRow.client_id, EntryRow.sequence, EntryRow.id).join(
        EntryRow, EntryRow.id == ShareRow.entry_id
    )
    places = Counter((person, sequence) for person, sequence, _ in connection.execute(entries_of.distinct()))
    yield from (f"{place} is taken by {many} entries" for place, many in places.items() if many > 1)
    last = connection.execute(
        select(RecipientRow.id, RecipientRow.touched_sequence, func.max(EntryRow.sequence))
        .join(ShareRow, ShareRow.client_id == RecipientRow.id)
        .join(EntryRow, EntryRow.id == ShareRow.entry_id)
        .group_by(RecipientRow.id, RecipientRow.touched_sequence)
    )
    yield from (f"{id} remembers place {known}, but has {real}" for id, known, real in last if known < real)


def pairs(connection: Connection, question: Select[Any]) -> Iterator[tuple[Any, Any]]:
    """The rows of a question with two columns."""
    yield from ((row[0], row[1]) for row in connection.execute(question))


def integrity(url: str) -> str:
    """SQLite's own opinion of its file."""
    with desk_at(url) as desk, desk.database.reading() as connection:
        return str(connection.scalar(text("PRAGMA integrity_check")))
