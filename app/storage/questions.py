"""Questions: what reviewers asked about cases, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from app.domain.teams import Stay
from app.domain.violations import CLOSED, State
from app.storage import teams
from app.storage.tables import QuestionRow, ViolationRow

OPEN, ANSWERED, LAPSED = "open", "answered", "lapsed"
_CLOSED = sorted(CLOSED)


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question with the case it is about, as both stand."""

    id: str
    violation_id: str
    violation_version: int
    violation_state: str
    entry_id: str
    giver: str
    submitted_by: str
    text: str
    due_on: date
    asked_by: str
    asked_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None

    @property
    def state(self) -> str:
        """Answered; open while the case is; otherwise lapsed, until the case is reopened."""
        if self.answered_at is not None:
            return ANSWERED
        return LAPSED if State(self.violation_state) in CLOSED else OPEN


class QuestionFilter(NamedTuple):
    """What narrows a list of questions; None asks for nothing.

    `own` limits it to a person's own entries and those they have `overseen`.
    """

    own: str | None = None
    overseen: tuple[Stay, ...] = ()
    state: str | None = None
    violation_id: str | None = None


_ALL = select(
    QuestionRow.id,
    QuestionRow.violation_id,
    ViolationRow.version.label("violation_version"),
    ViolationRow.state.label("violation_state"),
    ViolationRow.entry_id,
    ViolationRow.giver,
    ViolationRow.submitted_by,
    QuestionRow.text,
    QuestionRow.due_on,
    QuestionRow.asked_by,
    QuestionRow.asked_at,
    QuestionRow.answer,
    QuestionRow.answered_by,
    QuestionRow.answered_at,
).join(ViolationRow, ViolationRow.id == QuestionRow.violation_id)


def _known(row: Any) -> KnownQuestion:
    return KnownQuestion(**row._mapping)


def add(connection: Connection, *, id: str, violation_id: str, text: str, due_on: date, by: str, at: datetime) -> None:
    """A new question."""
    connection.execute(
        insert(QuestionRow).values(id=id, violation_id=violation_id, text=text, due_on=due_on, asked_by=by, asked_at=at)
    )


def by_id(connection: Connection, question_id: str) -> KnownQuestion | None:
    """One question."""
    row = connection.execute(_ALL.where(QuestionRow.id == question_id)).first()
    return _known(row) if row else None


def answer(connection: Connection, question_id: str, *, text: str, by: str, at: datetime) -> None:
    """The answer to a question; the caller holds the case."""
    connection.execute(
        update(QuestionRow).where(QuestionRow.id == question_id).values(answer=text, answered_by=by, answered_at=at)
    )


def unanswered(connection: Connection, violation_id: str) -> int:
    """How many questions of a case have no answer yet."""
    row = QuestionRow
    question = select(func.count()).where(row.violation_id == violation_id, row.answered_at.is_(None))
    return int(connection.scalar(question) or 0)


def listed(connection: Connection, wanted: QuestionFilter, *, after: str | None, limit: int) -> list[KnownQuestion]:
    """Questions, newest first."""
    question = _ALL.where(
        *teams.narrowed(connection, ViolationRow, own=wanted.own, overseen=wanted.overseen, of_team=None),
        *_conditions(wanted),
    )
    if after:
        question = question.where(QuestionRow.id < after)
    return [_known(row) for row in connection.execute(question.order_by(QuestionRow.id.desc()).limit(limit))]


def _conditions(wanted: QuestionFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.violation_id is not None:
        yield QuestionRow.violation_id == wanted.violation_id
    if wanted.state == ANSWERED:
        yield QuestionRow.answered_at.is_not(None)
    elif wanted.state is not None:
        yield QuestionRow.answered_at.is_(None)
        closed = ViolationRow.state.in_(_CLOSED)
        yield closed if wanted.state == LAPSED else ~closed
