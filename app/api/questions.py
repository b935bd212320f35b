"""Questions over HTTP: reviewers ask about a violation, whoever gave or submitted the entry answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.reviews import REFUSALS
from app.api.versions import MeantVersion, etag
from app.domain.access import Principal
from app.domain.audit import iso
from app.services import questions
from app.services.desk import Connection
from app.services.questions import KnownQuestion, QuestionFilter
from app.services.reviews import Reviewer

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class QuestionIn(In):
    """What is asked, and by which day an answer is needed."""

    text: LongText
    due_on: Day


class AnswerIn(In):
    """The answer."""

    text: LongText


class QuestionOut(BaseModel):
    """A question and its answer. `state`: open, answered, or lapsed where the violation was closed before.

    Whoever answers sends `violation_version` as the violation's ETag.
    """

    id: str
    violation_id: str
    violation_version: int
    entry_id: str
    state: str
    text: str
    due_on: date
    overdue: bool
    asked_by: str
    asked_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None


@router.post("/violations/{violation_id}/questions", status_code=201, response_model=QuestionOut, responses=REFUSALS)
def create_question(violation_id: AnyId, body: QuestionIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Ask whoever gave or submitted the entry; the violation waits for the answer. The ETag is the violation's."""

    def ask(connection: Connection, principal: Principal) -> KnownQuestion:
        reviewer = Reviewer.at_work(connection, acting.desk, principal)
        question_id = questions.ask(reviewer, violation_id, version, body.text, body.due_on)
        reviewer.journal.seal(connection)
        return questions.get(connection, principal, question_id)

    asked = acting.write(ask)
    headers = etag(asked.violation_version) | {"Location": f"/v1/questions/{asked.id}"}
    return answer(_question(asked, acting.desk.today()), 201, headers)


@router.post("/questions/{question_id}/answer", status_code=201, response_model=QuestionOut, responses=REFUSALS)
def create_answer(question_id: AnyId, body: AnswerIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Answer a question about what you gave or submitted; If-Match holds the violation's ETag."""

    def reply(connection: Connection, principal: Principal) -> KnownQuestion:
        questions.answer(connection, acting.desk, principal, question_id, version, body.text)
        return questions.get(connection, principal, question_id)

    answered = acting.write(reply)
    return answer(_question(answered, acting.desk.today()), 201, etag(answered.violation_version))


@router.get("/questions", response_model=ListOut[QuestionOut])
def list_questions(
    by: AskedBy,
    state: Literal["open", "answered", "lapsed"] | None = None,
    violation_id: Text | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Questions, newest first. Whoever may not read all sees those about what they gave or submitted."""
    wanted = QuestionFilter(state=state, violation_id=violation_id)
    question = fingerprint("questions", by.principal.id, wanted)
    after = read_cursor(cursor, question, str)
    found = questions.listed(by.connection, by.principal, wanted, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    today = by.desk.today()
    return answer({"data": [_question(one, today) for one in shown], "page": where})


@router.get("/questions/{question_id}", response_model=QuestionOut, responses={404: {"model": Problem}})
def get_question(question_id: AnyId, by: AskedBy) -> Response:
    """One question; the ETag is the violation's."""
    one = questions.get(by.connection, by.principal, question_id)
    return answer(_question(one, by.desk.today()), headers=etag(one.violation_version))


def _question(one: KnownQuestion, today: date) -> dict[str, Any]:
    return {
        "id": one.id,
        "violation_id": one.violation_id,
        "violation_version": one.violation_version,
        "entry_id": one.entry_id,
        "state": one.state,
        "text": one.text,
        "due_on": one.due_on.isoformat(),
        "overdue": one.state == "open" and one.due_on < today,
        "asked_by": one.asked_by,
        "asked_at": iso(one.asked_at),
        "answer": one.answer,
        "answered_by": one.answered_by,
        "answered_at": iso(one.answered_at) if one.answered_at else None,
    }
