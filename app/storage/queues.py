"""Queues: cases in the order in which somebody works on them, and how many wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, tuple_

from app.storage.tables import QuestionRow, ViolationRow
from app.storage.violations import KnownViolation, Place, Sorting, ViolationFilter
from app.storage.violations.cases import ALL, read

MOST_COUNTED = 10_000


class Sought(NamedTuple):
    """What a queue shows: a filter of violations, and a text that is a giver, or names recipients or rules."""

    filter: ViolationFilter
    giver: str | None = None
    shown: Sequence[str] = ()
    rules: Sequence[str] = ()

    @property
    def searches(self) -> bool:
        """Whether a text is searched for."""
        return self.giver is not None


def page(
    connection: Connection,
    wanted: Sought,
    sorting: Sorting,
    *,
    after: Place | None,
    before: Place | None,
    limit: int,
) -> list[KnownViolation]:
    """Cases after a place, or the last ones before it, always in the queue's order. Constant cost whatever the page."""
    way = sorting if before is None else sorting._replace(reverse=not sorting.reverse)
    columns = [getattr(ViolationRow, name) for name in way.names]
    question = ALL.where(*wanted.filter.conditions(connection), *_sought(wanted))
    bound = after if before is None else before
    if bound is not None:
        place, other = tuple_(*columns), tuple_(*map(literal, bound))
        question = question.where(place < other if way.falling else place > other)
    order = [column.desc() if way.falling else column.asc() for column in columns]
    found = read(question.order_by(*order).limit(limit), connection)
    return found if before is None else found[::-1]


def _sought(wanted: Sought) -> Iterator[ColumnElement[bool]]:
    if wanted.searches:
        yield or_(
            ViolationRow.giver == wanted.giver,
            ViolationRow.submitted_by == wanted.giver,
            ViolationRow.shown.in_(wanted.shown),
            ViolationRow.rule_id.in_(wanted.rules),
        )


def counts(connection: Connection, several: Sequence[Sought]) -> list[int]:
    """How many cases each filter finds, in one statement; none is counted beyond one more than MOST_COUNTED."""
    asked = [
        select(func.count())
        .select_from(
            select(ViolationRow.id)
            .where(*one.filter.conditions(connection), *_sought(one))
            .limit(MOST_COUNTED + 1)
            .subquery()
        )
        .scalar_subquery()
        for one in several
    ]
    return list(connection.execute(select(*asked)).one()) if asked else []


def questions_to(connection: Connection, person: str) -> int:
    """How many questions wait for an answer of somebody, up to one more than MOST_COUNTED."""
    theirs = (
        select(QuestionRow.id)
        .join(ViolationRow, ViolationRow.id == QuestionRow.violation_id)
        .where(
            QuestionRow.answered_at.is_(None),
            ViolationRow.closed_on.is_(None),
            or_(ViolationRow.giver == person, ViolationRow.submitted_by == person),
        )
    )
    return connection.scalar(select(func.count()).select_from(theirs.limit(MOST_COUNTED + 1).subquery())) or 0


def last_decided(connection: Connection) -> date | None:
    """The day on which a case was last closed."""
    return connection.scalar(select(func.max(ViolationRow.closed_on)))
