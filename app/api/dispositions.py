"""Dispositions over HTTP: deciding violations, one or many, and the second person's confirmation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from app.api.asking import ActingAs, AskedBy, answer
from app.api.entries.writing import ViolationOut, rule_in
from app.api.fields import Identifier, In, LongText, Text
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.reviews import REFUSALS, MeantIn, ResultsOut, carry_out, carry_out_each
from app.api.versions import MeantVersion
from app.domain.audit import iso
from app.domain.money import format_minor
from app.domain.policies import PolicyBook
from app.domain.violations import Outcome
from app.services import dispositions, policies, violations
from app.services.dispositions import Decision, KnownDisposition

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class DispositionIn(In):
    """How a violation is decided. GET /v1/review-codes lists the codes; `duplicate_of` and `exemption_id` name records.

    `corrective_action` is needed where a violation is confirmed, and otherwise none.
    """

    outcome: Outcome
    reason_code: Identifier
    corrective_action: Identifier | None = None
    note: LongText
    duplicate_of: Text | None = None
    exemption_id: Text | None = None

    def to_domain(self) -> Decision:
        """The decision that is meant."""
        return Decision(
            self.outcome,
            self.reason_code,
            self.corrective_action,
            self.note,
            self.duplicate_of,
            self.exemption_id,
        )


class DispositionsIn(DispositionIn):
    """The same decision on many violations."""

    violations: list[MeantIn] = Field(min_length=1, max_length=200)


class ConfirmationIn(In):
    """Why the second person agrees."""

    note: LongText


class DispositionOut(BaseModel):
    """A decision with the sums it was made on. `standing` until the violation is reopened or decided otherwise."""

    id: str
    violation_id: str
    outcome: str
    reason_code: str
    corrective_action: str
    note: str
    duplicate_of: str | None
    exemption_id: str | None
    counted: str
    aggregate: str
    limit: str
    policy_id: str
    needs_second_person: bool
    decided_by: str
    decided_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    confirmation_note: str | None
    standing: bool
    fell_at: datetime | None
    fell_because: str | None


@router.post(
    "/violations/{violation_id}/dispositions", status_code=201, response_model=ViolationOut, responses=REFUSALS
)
def create_disposition(violation_id: AnyId, body: DispositionIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Decide a violation. A waiver above your own amount waits for a second person; a regulator's rule is never waived.

    Nobody decides what they submitted, gave, hosted or received. Of two decisions at once one gets 412.
    """
    decision = body.to_domain()
    return carry_out(acting, lambda reviewer: dispositions.decide(reviewer, violation_id, version, decision))


@router.post("/violations/dispositions", response_model=ResultsOut, responses={403: {"model": Problem}})
def create_dispositions(body: DispositionsIn, acting: ActingAs) -> Response:
    """Decide many violations alike; each is decided or refused by itself."""
    decision = body.to_domain()
    return carry_out_each(
        acting, body.violations, lambda reviewer, id, version: dispositions.decide(reviewer, id, version, decision)
    )


@router.post(
    "/dispositions/{disposition_id}/confirmation", status_code=201, response_model=ViolationOut, responses=REFUSALS
)
def create_confirmation(
    disposition_id: AnyId, body: ConfirmationIn, version: MeantVersion, acting: ActingAs
) -> Response:
    """Agree with a waiver as the second person, with the violation's ETag. Who disagrees decides otherwise."""
    return carry_out(acting, lambda reviewer: dispositions.confirm(reviewer, disposition_id, version, body.note))


@router.get("/dispositions/{disposition_id}", response_model=DispositionOut, responses={404: {"model": Problem}})
def get_disposition(disposition_id: AnyId, by: AskedBy) -> Response:
    """One decision, standing or fallen."""
    made = dispositions.get(by.connection, by.principal, disposition_id)
    case = violations.get(by.connection, by.principal, made.violation_id)
    return answer(_disposition(policies.current(by.connection, by.desk), made, case.rule_id))


def _disposition(book: PolicyBook, made: KnownDisposition, rule_id: str) -> dict[str, Any]:
    digits = rule_in(book, made.policy_id, rule_id).exponent
    same = (
        "id",
        "violation_id",
        "outcome",
        "reason_code",
        "corrective_action",
        "note",
        "duplicate_of",
        "exemption_id",
        "policy_id",
        "needs_second_person",
        "decided_by",
        "confirmed_by",
        "confirmation_note",
        "fell_because",
    )
    return {
        **{name: getattr(made, name) for name in same},
        "counted": format_minor(made.counted, digits),
        "aggregate": format_minor(made.aggregate, digits),
        "limit": format_minor(made.limit_value, digits),
        "decided_at": iso(made.decided_at),
        "confirmed_at": iso(made.confirmed_at) if made.confirmed_at else None,
        "standing": made.fell_at is None,
        "fell_at": iso(made.fell_at) if made.fell_at else None,
    }
