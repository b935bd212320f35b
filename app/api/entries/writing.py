"""Entries, assessments and violations as they go out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from app.api.fields import MoneyOut, money
from app.api.look_alikes import LookAlikeOut, look_alike_out
from app.domain.audit import iso
from app.domain.entries import Entry, Listed
from app.domain.money import format_minor
from app.domain.policies import PolicyBook, Rule
from app.domain.screening import Assessment, Span
from app.services.entries import Recorded
from app.services.screening import Change, kind_in, policy_id
from app.services.violations import KnownViolation


class PeriodOut(BaseModel):
    """The days that add up, both included; the allowance starts anew on the day after `end`."""

    type: str
    start: date
    end: date


class AssessmentOut(BaseModel):
    """The answer for one rule and recipient (or employer). Amounts are decimal strings in `unit`."""

    entry_id: str | None = None
    rule_id: str
    rule: str
    recipient_id: str | None = None
    employer_id: str | None = None
    outcome: str
    exclusion: str | None
    counted: str
    aggregate: str
    limit: str
    left: str
    unit: str
    period: PeriodOut
    policy_id: str


class ReassessedOut(BaseModel):
    """Another entry's result that this one changed: as it was and as it is; null where there is none."""

    entry_id: str
    rule_id: str
    before: AssessmentOut | None
    after: AssessmentOut | None


class ViolationOut(BaseModel):
    """The case opened for a violating assessment. Amounts are decimal strings in `unit`."""

    id: str
    version: int
    state: str
    severity: str
    entry_id: str
    rule_id: str
    rule: str
    recipient_id: str | None = None
    employer_id: str | None
    occurred_on: date
    giver: str
    submitted_by: str
    direction: str
    kind: str
    counted: str
    aggregate: str
    limit: str
    over_by: str
    unit: str
    percent_of_limit: str | None = Field(description="the running total; null of a limit of nothing")
    policy_id: str
    recipient_type: str | None = Field(description="what the recipient was on the day")
    source: str = Field(description="where the entry came from: `api`, `import`, or another system")
    days_late: int = Field(description="days from the event to the record of the entry")
    cause: str | None = Field(
        description="the entry and version that opened, changed or withdrew it, where another's did"
    )
    cause_kind: str | None
    opened_at: datetime
    changed_at: datetime
    opened_on: date = Field(description="the firm's day of it")
    due_on: date
    overdue: bool
    age_days: int = Field(description="since it was opened, or from then until it was decided or withdrawn")
    closed_on: date | None
    assignee: str | None
    snoozed_until: date | None
    outcome: str | None
    reason_code: str | None
    corrective_action: str | None
    decided_by: str | None
    confirmed_by: str | None
    disposition_id: str | None = Field(description="the decision that stands, or that waits for a second person")


class RecipientOnEntryOut(BaseModel):
    """One person on the entry. `found_by` says how they were found, `created` where they are new."""

    id: str
    name: str | None
    type: str
    employer_id: str | None
    employer: str | None
    guest_of: str | None
    share: MoneyOut
    found_by: str | None = None
    looks_like: list[LookAlikeOut] = Field([], description="who somebody just created may be")


class ApprovalOut(BaseModel):
    """Who agreed with the entry as it stands."""

    id: str
    approved_by: str
    approved_at: datetime
    note: str


class EntryOut(BaseModel):
    """An entry with its results. `reassessed` and `found_by` stand only in the answer that records it."""

    id: str | None
    version: int
    standing: str
    occurred_on: date
    recorded_at: datetime | None
    submitted_by: str
    kind: str
    treated_as: str
    direction: str
    giver: str
    giver_type: str
    paid_by: str
    total: MoneyOut
    repaid: MoneyOut | None = Field(None, description="what was paid back so far, where anything was")
    value: dict[str, str]
    hosts_present: bool | None
    hosts: list[str] | None
    recipients: list[RecipientOnEntryOut]
    flags: list[str]
    facts: dict[str, Any]
    preapproved_on: date | None
    purpose: str | None
    venue: str | None
    assessments: list[AssessmentOut]
    reassessed: list[ReassessedOut] = []
    violations: list[ViolationOut]
    approval: ApprovalOut | None = None
    draft_id: str | None = Field(None, description="the draft that it was confirmed from")


def entry_out(one: Recorded, *, fresh: bool) -> dict[str, Any]:
    """An entry with its results; `fresh` in the answer that records it."""
    entry = one.entry
    body: dict[str, Any] = {
        "id": entry.id if one.version else None,
        "version": one.version,
        "standing": entry.standing,
        "occurred_on": entry.occurred_on.isoformat(),
        "recorded_at": iso(one.recorded_at) if one.version else None,
        "submitted_by": one.submitted_by,
        "kind": entry.kind,
        "treated_as": kind_in(one.book, entry),
        "direction": entry.direction,
        "giver": entry.giver,
        "giver_type": entry.giver_type,
        "paid_by": entry.paid_by,
        "total": money(entry.total, entry.currency),
        "value": value_out(entry),
        "hosts_present": entry.hosts_present,
        "hosts": entry.hosts,
        "recipients": [_person(one, place, person, fresh) for place, person in enumerate(entry.recipients)],
        "flags": sorted(entry.flags),
        "facts": {name: fact.isoformat() if isinstance(fact, date) else fact for name, fact in entry.facts.items()},
        "preapproved_on": entry.preapproved_on.isoformat() if entry.preapproved_on else None,
        "purpose": entry.purpose or None,
        "venue": entry.venue or None,
        "assessments": [assessment_out(one.book, answer) for answer in one.assessments],
        "violations": [violation_out(one.book, case, one.today) for case in one.violations],
    }
    if entry.repaid:
        body["repaid"] = money(entry.repaid, entry.currency)
    if one.draft_id is not None:
        body["draft_id"] = one.draft_id
    if one.approval is not None:
        given = one.approval
        body["approval"] = {
            "id": given.id,
            "approved_by": given.approved_by,
            "approved_at": iso(given.approved_at),
            "note": given.note,
        }
    if fresh:
        body["reassessed"] = [reassessed_out(one.book, change) for change in (*one.gone, *one.others)]
    return body


def value_out(entry: Entry) -> dict[str, str]:
    """What was said of the value besides the total."""
    exponent = entry.currency.exponent
    return {name: format_minor(amount, exponent) for name, amount in entry.value.said.items()}


def _person(one: Recorded, place: int, person: Listed, fresh: bool) -> dict[str, Any]:
    match = one.people.get(person.recipient_id)
    body = {
        "id": person.recipient_id,
        "name": match.person.name if match else None,
        "type": person.type,
        "employer_id": person.employer_id,
        "employer": one.employers.get(person.employer_id) if person.employer_id else None,
        "guest_of": person.guest_of,
        "share": money(one.shares[place], one.entry.currency),
    }
    if not (fresh and match):
        return body
    alike = [look_alike_out(other, details=False) for other in match.looks_like]
    return body | {"found_by": match.how} | ({"looks_like": alike} if match.how == "created" else {})


def shown_as(shown: str) -> dict[str, str]:
    """Whom a result is shown for: a recipient or an employer."""
    return {"employer_id" if shown.startswith("emp_") else "recipient_id": shown}


def unit_of(rule: Rule) -> str:
    """What a rule adds up: a currency, or `count`."""
    return rule.unit


def rule_in(book: PolicyBook, policy: str, rule_id: str) -> Rule:
    """The rule that gave an answer."""
    return book.by_id[policy].by_id[rule_id]


def assessment_out(book: PolicyBook, answer: Assessment, policy: str | None = None) -> dict[str, Any]:
    """An assessment; `policy` is the version that gave it, by default the one in force on the entry's day."""
    line = answer.line
    version = policy or policy_id(book, answer)
    rule = rule_in(book, version, line.rule_id)
    return {
        "entry_id": line.entry_id,
        "rule_id": line.rule_id,
        "rule": rule.name,
        **shown_as(line.shown),
        "outcome": answer.outcome,
        "exclusion": line.exclusion,
        "counted": format_minor(line.counted, rule.exponent),
        "aggregate": format_minor(answer.aggregate, rule.exponent),
        "limit": format_minor(answer.limit, rule.exponent),
        "left": format_minor(answer.limit - answer.aggregate, rule.exponent),
        "unit": unit_of(rule),
        "period": period_out(rule, answer.period),
        "policy_id": version,
    }


def period_out(rule: Rule, period: Span) -> dict[str, str]:
    """A period."""
    return {"type": rule.period.type, "start": period.start.isoformat(), "end": period.end.isoformat()}


def reassessed_out(book: PolicyBook, change: Change) -> dict[str, Any]:
    """A result that something else changed, as it was and as it is."""
    rule_id, entry_id, _ = change.key
    before = change.before
    return {
        "entry_id": entry_id,
        "rule_id": rule_id,
        "before": assessment_out(book, before.assessment, before.policy_id) if before else None,
        "after": assessment_out(book, change.after) if change.after else None,
    }


def violation_out(book: PolicyBook, case: KnownViolation, today: date) -> dict[str, Any]:
    """A case as it stands on a day."""
    rule = rule_in(book, case.policy_id, case.rule_id)
    shown = shown_as(case.shown)
    return {
        "id": case.id,
        "version": case.version,
        "state": case.state,
        "severity": case.severity,
        "entry_id": case.entry_id,
        "rule_id": case.rule_id,
        "rule": rule.name,
        "employer_id": case.employer_id,
        **shown,
        "occurred_on": case.occurred_on.isoformat(),
        "giver": case.giver,
        "submitted_by": case.submitted_by,
        "direction": case.direction,
        "kind": case.kind,
        "counted": format_minor(case.counted, rule.exponent),
        "aggregate": format_minor(case.aggregate, rule.exponent),
        "limit": format_minor(case.limit_value, rule.exponent),
        "over_by": format_minor(case.over_by, rule.exponent),
        "unit": unit_of(rule),
        "percent_of_limit": None if case.of_limit is None else format_minor(case.of_limit, 1),
        "policy_id": case.policy_id,
        "recipient_type": case.recipient_type,
        "source": case.source,
        "days_late": case.days_late,
        "cause": case.cause,
        "cause_kind": case.cause_kind,
        "opened_at": iso(case.opened_at),
        "changed_at": iso(case.changed_at),
        "opened_on": case.opened_on.isoformat(),
        "due_on": case.due_on.isoformat(),
        "overdue": case.overdue(today),
        "age_days": case.age_days(today),
        "closed_on": case.closed_on.isoformat() if case.closed_on else None,
        "assignee": case.assignee,
        "snoozed_until": case.snoozed_until.isoformat() if case.snoozed_until else None,
        "outcome": case.outcome,
        "reason_code": case.reason_code,
        "corrective_action": case.corrective_action,
        "decided_by": case.decided_by,
        "confirmed_by": case.confirmed_by,
        "disposition_id": case.disposition_id,
    }
