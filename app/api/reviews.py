"""Reviews over HTTP: what officers do about violations short of deciding them, and the history of it all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, StrictInt

from app.api import problems
from app.api.asking import Acting, ActingAs, AskedBy, answer
from app.api.entries.writing import ViolationOut, violation_out
from app.api.fields import Day, In, LongText, Text
from app.api.knowing import KnownAt
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Principal
from app.domain.audit import iso
from app.domain.money import format_minor
from app.domain.policies import PolicyBook
from app.domain.refusals import Refusal
from app.services import policies, reviews, violations
from app.services.desk import Connection
from app.services.reviews import Reviewer
from app.services.violations import Happened, KnownViolation

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": problems.Problem} for status in (403, 404, 409, 412, 422, 428)
}


class AssignmentIn(In):
    """Whose the violation is from now on; null for nobody's."""

    assignee: Text | None


class CommentIn(In):
    """A remark among reviewers; reps do not see it."""

    text: LongText


class SnoozeIn(In):
    """Until which day it is put off, 30 days from today at most, and why."""

    until: Day
    reason: LongText


class LinkIn(In):
    """The other violation that belongs to this one, and why."""

    violation_id: Text
    note: LongText


class EscalationIn(In):
    """Why somebody above has to look at it."""

    reason: LongText


class ReopeningIn(In):
    """Why the decision does not hold."""

    reason: LongText


class MeantIn(In):
    """One violation at the version that was read."""

    id: Text
    version: Annotated[StrictInt, Field(ge=1, lt=2**31)]


class AssignmentsIn(In):
    """Whose many violations are from now on."""

    violations: list[MeantIn] = Field(min_length=1, max_length=200)
    assignee: Text | None


class ResultOut(BaseModel):
    """What became of one of many: 201 with the violation, or its refusal."""

    index: int
    id: str
    status: int
    violation: ViolationOut | None = None
    problem: problems.Problem | None = None


class ResultsOut(BaseModel):
    """What became of each, in the order of the request."""

    done: int
    refused: int
    results: list[ResultOut]


class LinkOut(BaseModel):
    """Another violation that belongs to this one."""

    violation_id: str
    note: str
    linked_by: str
    linked_at: datetime


class LinksOut(BaseModel):
    """All linked violations, first linked first."""

    data: list[LinkOut]


class HappenedOut(BaseModel):
    """One line of the history. `text` is what somebody wrote, `details` what else it came to, such as `due_on`.

    Where a recalculation moved the violation, `details.cause` names what caused it: an entry or a recipient with the
    version (`ent_…:2`, `rec_…:2`), a merge made or undone (`mrg_…`), or a policy published (`pol_…`).
    `by` and `reason` are null where they are not for the one who asks; `position` is the line's place in the audit log.
    """

    version: int
    action: str
    by: str | None
    at: datetime
    state: str
    text: str | None
    reason: str | None
    details: dict[str, str | None]
    position: int


class HistoryOut(BaseModel):
    """Everything that happened to a violation, in order."""

    data: list[HappenedOut]


def carry_out(acting: Acting, work: Callable[[Reviewer], KnownViolation], status: int = 201) -> Response:
    """Answers with the violation after an act, and its new ETag."""

    def inside(connection: Connection, principal: Principal) -> tuple[KnownViolation, PolicyBook]:
        case = reviews.carry_out(connection, acting.desk, principal, work)
        return case, policies.current(connection, acting.desk)

    case, book = acting.write(inside)
    return answer(violation_out(book, case, acting.desk.today()), status, etag(case.version))


def carry_out_each(
    acting: Acting, meant: Sequence[MeantIn], work: Callable[[Reviewer, str, int], KnownViolation]
) -> Response:
    """Answers with what became of each of many violations."""

    def inside(connection: Connection, principal: Principal) -> tuple[Sequence[KnownViolation | Refusal], PolicyBook]:
        pairs = [(one.id, one.version) for one in meant]
        results = reviews.carry_out_each(connection, acting.desk, principal, pairs, work)
        return results, policies.current(connection, acting.desk)

    results, book = acting.write(inside)
    today = acting.desk.today()
    lines = [
        {"index": place, "id": one.id} | _result(book, result, today)
        for place, (one, result) in enumerate(zip(meant, results, strict=True))
    ]
    refused = sum(isinstance(result, Refusal) for result in results)
    return answer({"done": len(results) - refused, "refused": refused, "results": lines})


def _result(book: PolicyBook, result: KnownViolation | Refusal, today: date) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"status": result.status, "problem": problems.document(result)}
    return {"status": 201, "violation": violation_out(book, result, today)}


@router.post("/violations/{violation_id}/assignment", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_assignment(violation_id: AnyId, body: AssignmentIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Give a violation to a reviewer, or back to nobody. Whoever is involved in it cannot be given it."""
    return carry_out(acting, lambda reviewer: reviews.assign(reviewer, violation_id, version, body.assignee))


@router.post("/violations/assignments", response_model=ResultsOut, responses={403: {"model": problems.Problem}})
def create_assignments(body: AssignmentsIn, acting: ActingAs) -> Response:
    """Give many violations to a reviewer; each is assigned or refused by itself."""
    return carry_out_each(
        acting, body.violations, lambda reviewer, id, version: reviews.assign(reviewer, id, version, body.assignee)
    )


@router.post("/violations/{violation_id}/comments", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_comment(violation_id: AnyId, body: CommentIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Remark something among reviewers; possible in every state."""
    return carry_out(acting, lambda reviewer: reviews.comment(reviewer, violation_id, version, body.text))


@router.post("/violations/{violation_id}/snoozes", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_snooze(violation_id: AnyId, body: SnoozeIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Put a violation off until a day, 30 days from today at most. What happens to it meanwhile wakes it."""
    return carry_out(acting, lambda reviewer: reviews.snooze(reviewer, violation_id, version, body.until, body.reason))


@router.post("/violations/{violation_id}/links", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_link(violation_id: AnyId, body: LinkIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Say that two violations belong together; both get a line in their history and a new version."""
    return carry_out(
        acting, lambda reviewer: reviews.link(reviewer, violation_id, version, body.violation_id, body.note)
    )


@router.get("/violations/{violation_id}/links", response_model=LinksOut, responses={404: {"model": problems.Problem}})
def list_links(violation_id: AnyId, by: AskedBy) -> Response:
    """The violations that belong to this one."""
    found = reviews.linked(by.connection, by.principal, violation_id)
    return answer({"data": [one._asdict() | {"linked_at": iso(one.linked_at)} for one in found]})


@router.post("/violations/{violation_id}/escalation", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_escalation(violation_id: AnyId, body: EscalationIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Take a violation up to whoever decides what officers do not."""
    return carry_out(acting, lambda reviewer: reviews.escalate(reviewer, violation_id, version, body.reason))


@router.post("/violations/{violation_id}/reopenings", status_code=201, response_model=ViolationOut, responses=REFUSALS)
def create_reopening(violation_id: AnyId, body: ReopeningIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Take a decision back: the violation is open again and due anew. Nobody reopens what is their own."""
    return carry_out(acting, lambda reviewer: reviews.reopen(reviewer, violation_id, version, body.reason))


@router.get(
    "/violations/{violation_id}/history", response_model=HistoryOut, responses={404: {"model": problems.Problem}}
)
def get_violation_history(violation_id: AnyId, by: AskedBy, at: KnownAt) -> Response:
    """Everything that happened to a violation, in order: moves, assignments, comments, questions, answers, decisions.

    Whoever gave or submitted the entry sees the moves, questions, answers and outcomes, not what reviewers remark.
    """
    found = violations.history(by.connection, by.desk, by.principal, violation_id, at=at)
    book = policies.current(by.connection, by.desk)
    return answer({"data": [_happened(book, line) for line in found]})


_FIGURES = ("counted", "aggregate", "limit")
_NAMES = {
    "disposition": "disposition_id",
    "question": "question_id",
    "violation": "violation_id",
    "exemption": "exemption_id",
    "policy": "policy_id",
}
_ELSEWHERE = ("state", "text", "entry", "rule", "shown")


def _happened(book: PolicyBook, line: Happened) -> dict[str, Any]:
    facts = dict(line.facts)
    if "policy" in facts:
        digits = book.by_id[facts["policy"]].by_id[facts["rule"]].exponent
        facts |= {name: format_minor(facts[name], digits) for name in _FIGURES}
    return {
        "version": line.version,
        "action": line.action,
        "by": line.by,
        "at": iso(line.at),
        "state": facts["state"],
        "text": facts.get("text"),
        "reason": line.reason or None,
        "details": {_NAMES.get(name, name): fact for name, fact in facts.items() if name not in _ELSEWHERE},
        "position": line.position,
    }
