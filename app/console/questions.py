"""R4: questions of Compliance to whoever gave or submitted, and their answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page
from app.domain.access import Permission
from app.domain.refusals import Refusal, StaleVersion
from app.services import questions
from app.services.questions import KnownQuestion, QuestionFilter

router = APIRouter(route_class=Page)
_SHOWN = 100


@router.get("/me/questions")
def list_questions(by: AskedBy, done: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Questions to oneself, open ones first."""
    return _page(by, Form([]), "", done=done)


def _page(by: Asked, form: Form, at: str, *, done: str = "", conflict: str = "", status: int = 200) -> Response:
    by.require(Permission.SUBMIT)
    wanted = QuestionFilter(own=by.principal.person)
    found = questions.listed(by.connection, by.principal, wanted, after=None, limit=_SHOWN)
    mine = sorted(found, key=_open_first)
    return page(
        by,
        "questions/page.html",
        active="questions",
        status=status,
        found=mine,
        form=form,
        faults=form.faults,
        at=at,
        done=done,
        conflict=conflict,
    )


def _open_first(one: KnownQuestion) -> tuple[bool, str]:
    return (one.state != "open", one.due_on.isoformat())


@router.post("/me/questions/{question_id}")
def answer(
    question_id: Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")], acting: ActingAs, form: Posted
) -> Response:
    """Answers a question; the case goes on."""
    text = form.required("answer", "Write the answer", most=2000)
    version, conflict = form.whole("version"), ""
    if not form.faults and version is not None:
        try:
            acting.write(
                lambda connection, principal: questions.answer(
                    connection, acting.desk, principal, question_id, version, text
                )
            )
            return RedirectResponse(places.address("/console/me/questions", done="Sent. Compliance sees it now."), 303)
        except StaleVersion:
            conflict = "The case changed since you opened this page. Your answer is kept below; send it again."
        except Refusal as refusal:
            if refusal.status in (401, 404):
                raise
            form.fault("answer", sentence_of(refusal.detail))
    status = 409 if conflict else 422
    return acting.read(lambda by: _page(by, form, question_id, conflict=conflict, status=status))
