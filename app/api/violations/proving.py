"""Proofs of calculation as they go out, with the one sentence that they come to."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from app.api.entries.writing import AssessmentOut, assessment_out, period_out, unit_of, value_out
from app.api.fields import money
from app.domain.money import format_minor
from app.services.proofs import Shown
from app.services.screening import Proof


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
