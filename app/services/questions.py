"""Questions: what a reviewer asks about a case, and the answer of whoever gave or submitted it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.refusals import Conflict, Forbidden, NotFound, Unprocessable
from app.domain.violations import Act, State, after
from app.services import violations
from app.services.desk import Desk
from app.services.reviews import Reviewer, let_fall, require_version, without_proposal
from app.services.violations.reading import concerns
from app.storage import questions as rows
from app.storage import violations as violation_rows
from app.storage.ids import new_id
from app.storage.questions import KnownQuestion as KnownQuestion
from app.storage.questions import QuestionFilter as QuestionFilter

LONGEST = timedelta(days=365)


class QuestionNotFound(NotFound):
    code = "question_not_found"


class NotYourQuestion(Forbidden):
    code = "not_your_question"
    title = "Somebody else is asked"


class QuestionAnswered(Conflict):
    code = "question_answered"
    title = "The question is answered"


class QuestionDueDate(Unprocessable):
    code = "question_due_date"
    title = "A question cannot be due on that day"


def ask(reviewer: Reviewer, violation_id: str, version: int, text: str, due_on: date) -> str:
    """Asks whoever gave or submitted the entry; the case waits for the answer. The question's id.

    Raises QuestionDueDate for a day that is over or more than a year away, and what `Reviewer.take_up` raises.
    """
    case, state = reviewer.take_up(violation_id, version, Act.ASK)
    today = reviewer.desk.today()
    if not today <= due_on <= today + LONGEST:
        raise QuestionDueDate.at("/due_on", f"due_on: a day from {today} to {today + LONGEST}")
    question_id = new_id("qst")
    now = replace(without_proposal(case, state), snoozed_until=None)
    facts = {"question": question_id, "text": text, "due_on": due_on.isoformat()}
    reviewer.move(now, "violation.asked", facts)
    asked = {"violation": case.id, "asked": case.giver, "to": case.submitted_by, "due_on": due_on.isoformat()}
    reviewer.journal.note(question_id, 1, "question.asked", asked, reviewer.stamp)
    let_fall(reviewer, case, now, "a question was asked first")
    rows.add(
        reviewer.connection,
        id=question_id,
        violation_id=case.id,
        text=text,
        due_on=due_on,
        by=reviewer.stamp.actor,
        at=reviewer.stamp.at,
    )
    return question_id


def answer(connection: Connection, desk: Desk, principal: Principal, question_id: str, version: int, text: str) -> None:
    """Answers a question about what one gave or submitted; after the last answer the case is in review again.

    `version` is the case's. Raises RoleForbids, QuestionNotFound, NotYourQuestion, ViolationChanged, QuestionAnswered,
    and ViolationDecided or ViolationWithdrawn where nobody needs the answer any more.
    """
    principal.require(Permission.SUBMIT)
    question = get(connection, principal, question_id)
    case = violation_rows.by_id(connection, question.violation_id)
    if case is None or not concerns(principal.person, case):
        raise NotYourQuestion("The question is to whoever gave or submitted the entry")
    require_version(case, version)
    if question.answered_at is not None:
        raise QuestionAnswered("The question is answered already")
    act = Act.ANSWER_LAST if rows.unanswered(connection, case.id) == 1 else Act.ANSWER
    now = replace(case, state=after(State(case.state), act).value, snoozed_until=None)
    reviewer = Reviewer.at_work(connection, desk, principal)
    reviewer.move(now, "violation.answered", {"question": question.id, "text": text})
    reviewer.journal.note(question.id, 2, "question.answered", {"violation": case.id}, reviewer.stamp)
    rows.answer(connection, question.id, text=text, by=reviewer.stamp.actor, at=reviewer.stamp.at)
    reviewer.journal.seal(connection)


def get(connection: Connection, principal: Principal, question_id: str) -> KnownQuestion:
    """One question. Raises QuestionNotFound, alike for absent and not theirs."""
    found = rows.by_id(connection, question_id)
    case = violation_rows.by_id(connection, found.violation_id) if found else None
    if found is None or case is None or not violations.may_see(principal, case):
        raise QuestionNotFound("There is no such question")
    return found


def listed(
    connection: Connection, principal: Principal, wanted: QuestionFilter, *, after: str | None, limit: int
) -> list[KnownQuestion]:
    """Questions, newest first; without the right to read all, those to oneself and one's team. Raises RoleForbids."""
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        wanted = wanted._replace(own=principal.person, overseen=principal.oversees.stays)
    return rows.listed(connection, wanted, after=after, limit=limit)
