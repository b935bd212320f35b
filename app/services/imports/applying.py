"""Applying: lines become entries by the way all entries take, in their order; a known expense amends its entry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Principal
from app.domain.audit import Stamp, canonical
from app.domain.drafts import ProposedEntry, from_document
from app.domain.money import format_minor
from app.domain.policies import Measure
from app.domain.refusals import Refusal
from app.services import drafts, entries
from app.services.desk import Desk
from app.services.drafts import Proposal
from app.services.entries import Recorded
from app.services.journal import Journal
from app.storage import imports as rows
from app.storage.imports import KnownExpense, KnownImport, KnownLine, Settled

NEW, UNCHANGED, CHANGED, REFUSED, SKIPPED = "new", "unchanged", "changed", "refused", "skipped"


@dataclass
class _Pass:
    """One pass over some lines of a file, with what came of them so far."""

    connection: Connection
    desk: Desk
    principal: Principal
    one: KnownImport
    journal: Journal
    stamp: Stamp
    known: dict[str, KnownExpense]
    settled: list[Settled] = field(default_factory=list)
    waiting: list[tuple[KnownLine, ProposedEntry]] = field(default_factory=list)
    fresh: list[KnownExpense] = field(default_factory=list)
    created: set[str] = field(default_factory=set)


def carry_out(
    connection: Connection, desk: Desk, principal: Principal, one: KnownImport, lines: Sequence[KnownLine]
) -> list[Settled]:
    """What every line comes to, in the order of the file, in the caller's transaction: new, unchanged, changed,
    refused or skipped. A refused line leaves its neighbours alone. The order is that of one by one.
    """
    stamp = desk.stamp(principal.person, door="import", reason=f"import {one.id}")
    known = rows.expenses(connection, [line.identity for line in lines if line.document is not None])
    at_work = _Pass(connection, desk, principal, one, desk.journal(), stamp, known)
    for line in lines:
        _settle(at_work, line)
    _flush(at_work)
    rows.add_expenses(connection, at_work.fresh)
    at_work.journal.seal(connection)
    return sorted(at_work.settled)


def _settle(at_work: _Pass, line: KnownLine) -> None:
    notes = json.loads(line.notes)
    if line.document is None:
        skipped = {"skipped": notes["skipped"]} if "skipped" in notes else {"faults": notes.get("faults", [])}
        _note(at_work, line, SKIPPED if "skipped" in notes else REFUSED, skipped)
        return
    before = at_work.known.get(line.identity)
    if before is not None and before.document == line.document and _stands(at_work, before):
        _note(at_work, line, UNCHANGED, {}, before.entry_id)
        return
    entry = from_document(json.loads(line.document))
    if at_work.one.purpose == "entries":
        if before is None or before.entry_id is None:
            at_work.waiting.append((line, entry))
            return
        _flush(at_work)
        _amend(at_work, line, entry, before)
    elif at_work.one.purpose == "drafts":
        _propose(at_work, line, entry, before)
    else:
        _keep_expense(at_work, line, entry, before)
        _note(at_work, line, NEW if before is None else CHANGED, {})


def _stands(at_work: _Pass, before: KnownExpense) -> bool:
    """Whether what is asked for has been done: an expense that was only kept may still become an entry."""
    if at_work.one.purpose == "entries":
        return before.entry_id is not None
    return before.draft_id is not None or before.entry_id is not None or at_work.one.purpose == "expenses"


def _flush(at_work: _Pass) -> None:
    """Records the new lines gathered so far, in one batch."""
    if not at_work.waiting:
        return
    waiting, at_work.waiting = at_work.waiting, []
    items = [entry.draft() for _, entry in waiting]
    outcomes = entries.record_for(
        at_work.connection, at_work.desk, at_work.principal, items, at_work.journal, stamp=at_work.stamp
    )
    for (line, entry), outcome in zip(waiting, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            _note(at_work, line, REFUSED, {"faults": _faults(line, outcome)})
            continue
        _keep_expense(at_work, line, entry, at_work.known.get(line.identity), recorded=outcome)
        _note(at_work, line, NEW, _told(at_work, outcome), outcome.entry.id)


def _amend(at_work: _Pass, line: KnownLine, entry: ProposedEntry, before: KnownExpense) -> None:
    """The entry of a changed expense, as the file says it now; not where somebody amended it here since."""
    try:
        with at_work.connection.begin_nested():
            outcome = entries.amend(
                at_work.connection,
                at_work.desk,
                at_work.principal,
                before.entry_id or "",
                entry.draft(),
                version=before.entry_version or 1,
                reason=f"the expense changed, import {at_work.one.id}",
            )
    except Refusal as refusal:
        if refusal.code == "nothing_changes":
            _keep_expense(at_work, line, entry, before)
            _note(at_work, line, UNCHANGED, {}, before.entry_id)
        else:
            _note(at_work, line, REFUSED, {"faults": _faults(line, refusal)}, before.entry_id)
        return
    _keep_expense(at_work, line, entry, before, recorded=outcome)
    _note(at_work, line, CHANGED, _told(at_work, outcome), before.entry_id)


def _propose(at_work: _Pass, line: KnownLine, entry: ProposedEntry, before: KnownExpense | None) -> None:
    source, id = _named(line.identity)
    proposal = Proposal(entry.giver, entry, "expense", entry.venue or entry.purpose, source, id)
    draft = drafts.propose(at_work.connection, proposal, journal=at_work.journal, stamp=at_work.stamp)
    _keep_expense(at_work, line, entry, before, draft_id=draft.id)
    _note(at_work, line, NEW if before is None else CHANGED, {"draft_id": draft.id}, draft.entry_id)


def _named(identity: str) -> tuple[str, str]:
    """Source and id of an expense, as a draft names them."""
    if not identity.startswith("["):
        return "file", identity
    source, expense, line = json.loads(identity)
    return source, f"{expense}/{line}" if line else expense


def _keep_expense(
    at_work: _Pass,
    line: KnownLine,
    entry: ProposedEntry,
    before: KnownExpense | None,
    *,
    recorded: Recorded | None = None,
    draft_id: str | None = None,
) -> None:
    if entry.occurred_on is None or entry.total is None or entry.currency is None:
        return
    now = KnownExpense(
        identity=line.identity,
        giver=entry.giver,
        occurred_on=entry.occurred_on,
        amount_minor=entry.total,
        currency=entry.currency.code,
        exponent=entry.currency.exponent,
        document=line.document or "",
        entry_id=recorded.entry.id if recorded else before.entry_id if before else None,
        entry_version=recorded.version if recorded else before.entry_version if before else None,
        draft_id=draft_id or (before.draft_id if before else None),
        import_id=at_work.one.id,
        seen_at=at_work.stamp.at,
    )
    if before is None:
        at_work.fresh.append(now)
    else:
        rows.change_expense(at_work.connection, now)


def _note(
    at_work: _Pass, line: KnownLine, outcome: str, notes: Mapping[str, object], entry_id: str | None = None
) -> None:
    at_work.settled.append(Settled(line.position, outcome, canonical(notes), entry_id))


def _faults(line: KnownLine, refusal: Refusal) -> list[list[object]]:
    """A refusal of the entry in the words of the file: which column says what was refused."""
    said = refusal.faults or ()
    found = [[line.first_row, _column(one.pointer), one.code, one.detail] for one in said]
    return found or [[line.first_row, "", refusal.code, refusal.detail]]


_COLUMNS = {
    "giver": "rep_ref",
    "kind": "expense_kind",
    "total": "amount",
    "recipients": "attendee_name",
    "hosts_present": "rep_present",
}


def _column(pointer: str) -> str:
    first, _, rest = pointer.lstrip("/").partition("/")
    last = rest.rpartition("/")[2]
    if first == "recipients" and last in ("type", "employer"):
        return {"type": "attendee_type", "employer": "attendee_company"}[last]
    return _COLUMNS.get(first, first)


def _told(at_work: _Pass, one: Recorded) -> dict[str, Any]:
    """What recording a line brought with it: people created, and violations opened by it, its own and others'."""
    new = [match for id, match in one.people.items() if match.how == "created" and id not in at_work.created]
    at_work.created |= {match.person.id for match in new}
    opened = [case for case in one.violations if case.version == 1]
    told: dict[str, Any] = {}
    if new:
        told["creates"] = [
            [match.person.name, match.person.employer, [other.id for other in match.looks_like]] for match in new
        ]
    if opened:
        told["violations"] = [_violation(one, case) for case in opened]
    return told


def _violation(one: Recorded, case: Any) -> dict[str, str]:
    rule = one.book.by_id[case.policy_id].by_id[case.rule_id]
    match = one.people.get(case.shown)
    return {
        "rule_id": case.rule_id,
        "rule": rule.name,
        "recipient": match.person.name if match else case.shown,
        "severity": str(case.severity),
        "over_by": format_minor(case.over_by, rule.exponent),
        "unit": "count" if rule.measure is Measure.COUNT else rule.currency.code,
    }
