"""Assessments: what has been added up, and the answers as they were known from one moment to the next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select, text, tuple_

from app.domain.screening import Assessment, Line, Outcome, Span
from app.storage.database import among, insert_rows
from app.storage.tables import AssessmentRow

Key = tuple[str, str, str]


class Question(NamedTuple):
    """What has a subject added up under a rule between two days?"""

    rule_id: str
    subject: str
    first: date
    last: date


class Total(NamedTuple):
    """The answer: minor units (or a count), and the subject's last day under the rule."""

    counted: int
    last_on: date | None


class Known(NamedTuple):
    """A current or former answer, with the moments between which it was the answer."""

    assessment: Assessment
    policy_id: str
    known_from: int
    known_until: int | None
    cause: str | None


_TOTALS = {
    "postgresql": text("""
        SELECT
          (SELECT COALESCE(SUM(a.counted), 0)::bigint FROM assessments a
            WHERE a.subject = q.subject AND a.rule_id = q.rule_id AND a.known_until IS NULL
              AND a.occurred_on >= q.first AND a.occurred_on <= q.last),
          (SELECT MAX(a.occurred_on) FROM assessments a
            WHERE a.subject = q.subject AND a.rule_id = q.rule_id AND a.known_until IS NULL)
        FROM unnest(CAST(:rules AS text[]), CAST(:subjects AS text[]), CAST(:firsts AS date[]), CAST(:lasts AS date[]))
          WITH ORDINALITY AS q (rule_id, subject, first, last, place)
        ORDER BY q.place
    """),
    "sqlite": text("""
        SELECT
          (SELECT COALESCE(SUM(a.counted), 0) FROM assessments a
            WHERE a.subject = json_extract(q.value, '$[1]') AND a.rule_id = json_extract(q.value, '$[0]')
              AND a.known_until IS NULL
              AND a.occurred_on >= json_extract(q.value, '$[2]') AND a.occurred_on <= json_extract(q.value, '$[3]')),
          (SELECT MAX(a.occurred_on) FROM assessments a
            WHERE a.subject = json_extract(q.value, '$[1]') AND a.rule_id = json_extract(q.value, '$[0]')
              AND a.known_until IS NULL)
        FROM json_each(:questions) AS q
        ORDER BY q.key
    """),
}


def totals(connection: Connection, questions: Sequence[Question]) -> dict[Question, Total]:
    """All totals in one statement."""
    if not questions:
        return {}
    dialect = connection.dialect.name
    if dialect == "postgresql":
        rules, subjects, firsts, lasts = (list(column) for column in zip(*questions, strict=True))
        bound = {"rules": rules, "subjects": subjects, "firsts": firsts, "lasts": lasts}
    else:
        bound = {"questions": json.dumps([(r, s, f.isoformat(), t.isoformat()) for r, s, f, t in questions])}  # type: ignore[dict-item]
    rows = connection.execute(_TOTALS[dialect], bound)
    return {
        question: Total(counted, date.fromisoformat(last) if isinstance(last, str) else last)
        for question, (counted, last) in zip(questions, rows, strict=True)
    }


_COLUMNS = (
    "entry_id",
    "rule_id",
    "shown",
    "known_from",
    "known_until",
    "subject",
    "policy_id",
    "occurred_on",
    "sequence",
    "counted",
    "aggregate",
    "limit_value",
    "outcome",
    "exclusion",
    "forbidden",
    "period_start",
    "period_end",
    "cause",
)
_ROW = tuple(getattr(AssessmentRow, column) for column in _COLUMNS)


def add(connection: Connection, answers: Iterable[Known]) -> None:
    """New answers."""
    insert_rows(
        connection,
        AssessmentRow,
        _COLUMNS,
        [
            (
                line.entry_id,
                line.rule_id,
                line.shown,
                known_from,
                None,
                line.subject,
                policy_id,
                line.occurred_on,
                line.sequence,
                line.counted,
                aggregate,
                limit,
                outcome.value,
                line.exclusion,
                int(line.forbidden),
                period.start,
                period.end,
                cause,
            )
            for (line, aggregate, limit, outcome, period), policy_id, known_from, _, cause in answers
        ],
    )


_END_ALL = text("""
    UPDATE assessments AS a SET known_until = q.until
    FROM unnest(CAST(:entries AS text[]), CAST(:rules AS text[]), CAST(:shown AS text[]), CAST(:untils AS bigint[]))
      AS q (entry_id, rule_id, shown, until)
    WHERE a.entry_id = q.entry_id AND a.rule_id = q.rule_id AND a.shown = q.shown AND a.known_until IS NULL
""")
_END_ONE = text("""
    UPDATE assessments SET known_until = :until
    WHERE entry_id = :entry AND rule_id = :rule AND shown = :shown AND known_until IS NULL
""")


def close(connection: Connection, ended: Sequence[tuple[Key, int]]) -> None:
    """Ends the current answers of (rule, entry, shown), each at a place in the order of record."""
    rows = [(entry, rule, shown, until) for (rule, entry, shown), until in ended]
    if rows and connection.dialect.name == "postgresql":
        entries, rules, shown, untils = (list(column) for column in zip(*rows, strict=True))
        connection.execute(_END_ALL, {"entries": entries, "rules": rules, "shown": shown, "untils": untils})
    elif rows:
        names = ("entry", "rule", "shown", "until")
        connection.execute(_END_ONE, [dict(zip(names, row, strict=True)) for row in rows])


def _read(row: Sequence[object]) -> Known:
    (entry, rule, shown, known_from, known_until, subject, policy, on, sequence, *rest) = row
    counted, aggregate, limit, outcome, exclusion, forbidden, start, end, cause = rest
    line = Line(rule, subject, shown, entry, on, sequence, counted, exclusion, bool(forbidden))  # type: ignore[arg-type]
    answer = Assessment(line, aggregate, limit, Outcome(outcome), Span(start, end))  # type: ignore[arg-type]
    return Known(answer, policy, known_from, known_until, cause)  # type: ignore[arg-type]


def current_of_subjects(
    connection: Connection, keys: Iterable[tuple[str, str]], *, since: date, until: date
) -> dict[Key, Known]:
    """The current answers of (rule, subject) pairs between two days."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = connection.execute(
        select(*_ROW).where(
            AssessmentRow.known_until.is_(None),
            tuple_(AssessmentRow.rule_id, AssessmentRow.subject).in_(wanted),
            AssessmentRow.occurred_on >= since,
            AssessmentRow.occurred_on <= until,
        )
    )
    return {known.assessment.key: known for known in map(_read, rows)}


def _known_at(at: int | None) -> ColumnElement[bool]:
    """The answers that are current; or that were, at a place in the order of record."""
    if at is None:
        return AssessmentRow.known_until.is_(None)
    return and_(
        AssessmentRow.known_from <= at, or_(AssessmentRow.known_until.is_(None), AssessmentRow.known_until > at)
    )


def of_entries(connection: Connection, ids: Iterable[str], at: int | None = None) -> list[Known]:
    """The answers of entries as they are, or were at a place in the order of record, in a steady order."""
    rows = connection.execute(
        select(*_ROW)
        .where(among(connection, AssessmentRow.entry_id, ids), _known_at(at))
        .order_by(AssessmentRow.entry_id, AssessmentRow.rule_id, AssessmentRow.shown)
    )
    return [_read(row) for row in rows]


def history(connection: Connection, *, rule_id: str, entry_id: str, shown: str, at: int | None = None) -> list[Known]:
    """All answers there ever were for one result, or until a place in the order of record, first to last."""
    rows = connection.execute(
        select(*_ROW)
        .where(
            AssessmentRow.rule_id == rule_id,
            AssessmentRow.entry_id == entry_id,
            AssessmentRow.shown == shown,
            AssessmentRow.known_from <= (2**62 if at is None else at),
        )
        .order_by(AssessmentRow.known_from)
    )
    return [_read(row) for row in rows]
