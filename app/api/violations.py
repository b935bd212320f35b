"""Violations over HTTP: list, read, and the proof of calculation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.entries.writing import (
    AssessmentOut,
    ViolationOut,
    assessment_out,
    period_out,
    unit_of,
    value_out,
    violation_out,
)
from app.api.fields import Cursor, Day, Identifier, Limit, Text, money
from app.api.knowing import KnownAt
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.entries import Direction, Kind
from app.domain.money import format_minor
from app.domain.violations import Outcome, State
from app.services import policies, proofs, violations
from app.services.proofs import Shown
from app.services.screening import Proof
from app.services.violations import ViolationFilter

router = APIRouter(prefix="/v1", tags=["violations"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class StepOut(BaseModel):
    """One step of the arithmetic and the amount after it."""

    what: str
    amount: str
    unit: str


class ProofLineOut(BaseModel):
    """One entry that was read. What is somebody else's stands without its particulars."""

    entry_id: str | None
    version: int | None
    occurred_on: str | None
    kind: str | None
    giver: str | None
    total: dict[str, str] | None
    value: dict[str, str] | None
    purpose: str | None
    limit: str | None
    counted: str
    exclusion: str | None
    running_total: str
    steps: list[StepOut]


class ProofOut(BaseModel):
    """An answer with everything it rests on; `agrees`: the sum worked out anew is the one that was kept."""

    assessment: AssessmentOut
    rule: dict[str, Any]
    period: dict[str, str]
    lines: list[ProofLineOut]
    margin: str
    sentence: str
    agrees: bool
    history: list[dict[str, Any]]


@router.get("/violations", response_model=ListOut[ViolationOut])
def list_violations(
    by: AskedBy,
    at: KnownAt,
    state: Annotated[list[State] | None, Query(max_length=7)] = None,
    outcome: Annotated[list[Outcome] | None, Query(max_length=4)] = None,
    reason_code: Annotated[list[Identifier] | None, Query(max_length=20)] = None,
    assignee: Annotated[Text | None, Query(description="`none` for nobody's")] = None,
    due_to: Annotated[Day | None, Query(alias="due_on[lte]")] = None,
    overdue: bool | None = None,
    snoozed: bool | None = None,
    rule_id: Annotated[list[Text] | None, Query(max_length=20)] = None,
    severity: Annotated[list[Identifier] | None, Query(max_length=4)] = None,
    direction: Direction | None = None,
    kind: Annotated[list[Kind] | None, Query(max_length=5)] = None,
    giver: Text | None = None,
    recipient_id: Text | None = None,
    employer_id: Text | None = None,
    entry_id: Text | None = None,
    occurred_from: Annotated[Day | None, Query(alias="occurred_on[gte]")] = None,
    occurred_to: Annotated[Day | None, Query(alias="occurred_on[lte]")] = None,
    team_id: Annotated[Text | None, Query(description="a team and those beneath it, on its members' days")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Violations, newest first. Whoever may not read all sees those on their own entries, supervisors their team's."""
    wanted = ViolationFilter(
        state=tuple(state or ()),
        rule_id=tuple(rule_id or ()),
        severity=tuple(severity or ()),
        direction=direction,
        kind=tuple(kind or ()),
        giver=giver,
        recipient_id=recipient_id,
        employer_id=employer_id,
        entry_id=entry_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        outcome=tuple(outcome or ()),
        reason_code=tuple(reason_code or ()),
        assignee=assignee,
        due_to=due_to,
        overdue=overdue,
        snoozed=snoozed,
        team_id=team_id,
    )
    question = fingerprint("violations", by.principal.id, wanted, at)
    after = read_cursor(cursor, question, str)
    today = by.desk.today(at)
    found = violations.listed(
        by.connection, by.principal, wanted._replace(today=today), at=at, after=after, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda case: (case.id,))
    book = policies.current(by.connection, by.desk)
    return answer({"data": [violation_out(book, case, today) for case in shown], "page": where})


@router.get("/violations/{violation_id}", response_model=ViolationOut, responses={404: {"model": Problem}})
def get_violation(violation_id: AnyId, by: AskedBy, at: KnownAt) -> Response:
    """One violation as it stands, or as it was known."""
    case = violations.get(by.connection, by.principal, violation_id, at=at)
    book = policies.current(by.connection, by.desk)
    return answer(violation_out(book, case, by.desk.today(at)), headers={"ETag": f'"v{case.version}"'})


@router.get("/violations/{violation_id}/proof", response_model=ProofOut, responses={404: {"model": Problem}})
def get_violation_proof(violation_id: AnyId, by: AskedBy, at: KnownAt) -> Response:
    """The proof of calculation: every entry of the period with its share and running total, worked out anew."""
    return answer(proof_out(proofs.of_violation(by.connection, by.principal, violation_id, at=at)))


@router.get("/entries/{entry_id}/proofs", response_model=list[ProofOut], responses={404: {"model": Problem}})
def get_entry_proofs(entry_id: AnyId, by: AskedBy, at: KnownAt, rule_id: Text | None = None) -> Response:
    """The proofs of all of an entry's results, flagged or not; of one rule if asked."""
    found = proofs.of_entry(by.connection, by.desk, by.principal, entry_id, rule_id=rule_id, at=at)
    return answer([proof_out(one) for one in found])


def proof_out(shown: Shown) -> dict[str, Any]:
    """A proof, with others' entries laid bare only to those who may read all."""
    proof = shown.proof
    answered, rule = proof.known.assessment, proof.rule
    book = shown.book
    return {
        "assessment": assessment_out(book, answered, proof.known.policy_id),
        "rule": {
            "id": rule.id,
            "name": rule.name,
            "measure": rule.measure,
            "basis": rule.basis,
            "operator": ">=" if rule.exceed_at_limit else ">",
            "valuation": rule.valuation_on(answered.line.occurred_on),
            "limit": format_minor(answered.limit, rule.exponent),
            "unit": unit_of(rule),
            "authority": rule.authority,
            "source": rule.source,
            "policy_id": proof.policy.id,
            "policy": proof.policy.name,
            "policy_version": proof.policy.version,
        },
        "period": period_out(rule, answered.period),
        "lines": [_line(proof, place, shown) for place in range(len(proof.lines))],
        "margin": format_minor(answered.limit - answered.aggregate, rule.exponent),
        "sentence": sentence(proof),
        "agrees": proof.agrees,
        "history": [
            assessment_out(book, one.assessment, one.policy_id) | {"cause": one.cause} for one in shown.history
        ],
    }


def _line(proof: Proof, place: int, shown: Shown) -> dict[str, Any]:
    line, digits = proof.lines[place], proof.rule.exponent
    limit = proof.rule.limit_on(line.entry.occurred_on)
    figures = {
        "counted": format_minor(line.line.counted, digits),
        "exclusion": line.line.exclusion,
        "limit": None if limit is None else format_minor(limit, digits),
        "running_total": format_minor(line.running, digits),
    }
    if line.entry.id not in shown.visible:
        hidden = dict.fromkeys(("entry_id", "version", "occurred_on", "kind", "giver", "total", "value", "purpose"))
        return hidden | figures | {"steps": []}
    return {
        "entry_id": line.entry.id,
        "version": line.version,
        "occurred_on": line.entry.occurred_on.isoformat(),
        "kind": line.entry.kind,
        "giver": line.entry.giver,
        "total": money(line.entry.total, line.entry.currency),
        "value": value_out(line.entry),
        "purpose": line.entry.purpose or None,
        **figures,
        "steps": [step._asdict() for step in line.steps],
    }


def sentence(proof: Proof) -> str:
    """The answer in one sentence for a person."""
    answered, rule = proof.known.assessment, proof.rule
    unit = unit_of(rule)
    total = f"{format_minor(answered.aggregate, rule.exponent)} {unit}"
    limit = f"{format_minor(answered.limit, rule.exponent)} {unit}"
    days = f"{answered.period.start} to {answered.period.end}"
    match answered.outcome:
        case "excluded":
            return f"{rule.name}: does not count ({answered.line.exclusion}); the total stays {total}, limit {limit}."
        case "violation" if answered.line.forbidden:
            return f"{rule.name}: prohibited at any value."
        case "violation":
            verb = "reaches" if answered.aggregate == answered.limit else "is over"
            return f"{rule.name}: {total} in {days} {verb} the limit of {limit}."
        case "warning":
            return f"{rule.name}: {total} in {days} is near the limit of {limit}."
        case _:
            return f"{rule.name}: {total} in {days} is within the limit of {limit}."
