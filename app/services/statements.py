"""Statements: everything a recipient got in a period, share by share, rule by rule, as it is known or was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from app.domain.policies import PolicyBook, Rule
from app.services import policies, recipients, violations
from app.services.desk import Desk
from app.services.screening import canon_as_known
from app.storage import entries as entry_rows
from app.storage import recipients as recipient_rows
from app.storage import screening as answers
from app.storage.entries import KnownEntry
from app.storage.recipients import KnownRecipient
from app.storage.screening import Known
from app.storage.violations import KnownViolation


@dataclass(frozen=True, slots=True)
class StatedRule:
    """What the period holds under one rule, in order of event date, ties in order of record."""

    rule: Rule
    answers: Sequence[Known]
    violations: Sequence[KnownViolation]


@dataclass(frozen=True, slots=True)
class Statement:
    """A recipient's period. `entries` are by id; `records` are all records that are this person."""

    person: KnownRecipient
    records: Sequence[str]
    first: date
    last: date
    today: date
    book: PolicyBook
    entries: Mapping[str, KnownEntry]
    rules: Sequence[StatedRule]


def statement(
    connection: Connection, desk: Desk, recipient_id: str, *, first: date, last: date, at: int | None = None
) -> Statement:
    """Everything of a recipient between two days, both included. Raises RecipientNotFound."""
    named = recipients.get(connection, recipient_id)
    owner, records = _one_person(connection, named, at)
    ids = entry_rows.ids_of(connection, people=records, employers=[])
    known = entry_rows.by_id(connection, ids).values() if at is None else entry_rows.known_as_of(connection, ids, at)
    entries = {one.entry.id: one for one in known if first <= one.entry.occurred_on <= last}
    by_rule: dict[str, list[Known]] = {}
    for answer in answers.of_entries(connection, entries, at):
        if answer.assessment.line.shown == owner:
            by_rule.setdefault(answer.assessment.line.rule_id, []).append(answer)
    cases = [case for case in violations.of_entries(connection, entries, at) if case.shown == owner]
    book = policies.as_known(connection, desk, at)
    return Statement(
        recipients.get(connection, owner),
        sorted(records),
        first,
        last,
        desk.today(at),
        book,
        entries,
        [_stated(book, given, cases) for _, given in sorted(by_rule.items())],
    )


def _one_person(connection: Connection, named: KnownRecipient, at: int | None) -> tuple[str, set[str]]:
    """Who the record turned out to be, and all records that are the same person."""
    if at is None:
        return named.canonical_id, recipient_rows.groups(connection, [named.canonical_id])
    canon = canon_as_known(connection, at)
    owner = canon.get(named.id, named.id)
    return owner, {owner, *(dropped for dropped, person in canon.items() if person == owner)}


def _stated(book: PolicyBook, given: Sequence[Known], cases: Sequence[KnownViolation]) -> StatedRule:
    ordered = sorted(given, key=lambda one: one.assessment.line.order)
    last = ordered[-1]
    rule = book.by_id[last.policy_id].by_id[last.assessment.line.rule_id]
    return StatedRule(rule, ordered, [case for case in cases if case.rule_id == rule.id])
