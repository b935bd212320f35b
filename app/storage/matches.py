"""Matches: the keys that look-alikes share, the pairs that meet under them, and what is compared of the people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, literal, or_, select, text

from app.domain.names import STRONG, SURNAME_ONLY
from app.storage.database import among, insert_rows
from app.storage.tables import (
    AliasRow,
    AssessmentRow,
    EmployerRow,
    ExternalIdRow,
    PlaceRow,
    RecipientKeyRow,
    RecipientRow,
)

_ROWS_AT_A_TIME = 2000


class Pair(NamedTuple):
    """Two people, the lower id first."""

    one: str
    other: str


class Record(NamedTuple):
    """One record of a person, as far as it is compared."""

    person: str
    id: str
    name: str
    type: str
    employer_id: str | None
    employer: str | None
    email: str | None
    phone: str | None


def add_keys(connection: Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Keys of new recipients, as (recipient id, key)."""
    insert_rows(connection, RecipientKeyRow, ("recipient_id", "key"), list(keys))


def replace_keys(connection: Connection, recipients: Iterable[str], keys: Iterable[tuple[str, str]]) -> None:
    """The keys of recipients in place of what was there."""
    connection.execute(delete(RecipientKeyRow).where(RecipientKeyRow.recipient_id.in_(sorted(set(recipients)))))
    add_keys(connection, keys)


_PAIRS = """
    SELECT pair.one, pair.other
    FROM (
      SELECT DISTINCT a.canonical_id AS one, b.canonical_id AS other
      FROM (
        SELECT key FROM recipient_keys WHERE (key < :surname OR key >= :beyond) {of_employer}
        GROUP BY key HAVING COUNT(*) BETWEEN 2 AND :most
      ) AS block
      JOIN recipient_keys AS ka ON ka.key = block.key JOIN recipients AS a ON a.id = ka.recipient_id
      JOIN recipient_keys AS kb ON kb.key = block.key JOIN recipients AS b ON b.id = kb.recipient_id
      WHERE a.canonical_id < b.canonical_id {at_one_employer}
    ) AS pair
    JOIN recipients AS x ON x.id = pair.one
    JOIN recipients AS y ON y.id = pair.other
    WHERE (x.type = 'own_associated_person') = (y.type = 'own_associated_person') {with_employer}
"""
_OF_EMPLOYER = """AND key IN (
    SELECT k.key FROM recipient_keys AS k JOIN recipients AS r ON r.id = k.recipient_id WHERE r.employer_id = :employer
)"""
_AT_ONE_EMPLOYER = """AND (
    block.key < :strong OR a.employer_id IS NULL OR b.employer_id IS NULL OR a.employer_id = b.employer_id
)"""
_WITH_EMPLOYER = "AND (x.employer_id = :employer OR y.employer_id = :employer)"


def pairs(connection: Connection, *, most: int, namesakes: bool, employer_id: str | None = None) -> Iterator[Pair]:
    """Everybody who meets somebody under a key of at most `most` records, the lower id first, each pair once.

    `namesakes`: also people who have a name in common and nothing else, and work for different employers.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL cursor_tuple_fraction = 1"))  # all rows are read, not the first few
    statement = _PAIRS.format(
        of_employer=_OF_EMPLOYER if employer_id else "",
        with_employer=_WITH_EMPLOYER if employer_id else "",
        at_one_employer="" if namesakes else _AT_ONE_EMPLOYER,
    )
    bound = {"surname": SURNAME_ONLY, "beyond": chr(ord(SURNAME_ONLY) + 1), "most": most}
    bound |= {"employer": employer_id} if employer_id else {}
    bound |= {} if namesakes else {"strong": STRONG}
    streamed = text(statement).execution_options(stream_results=True, yield_per=_ROWS_AT_A_TIME)
    yield from (Pair(one, other) for one, other in connection.execute(streamed, bound))


_MEETING = text("""
    SELECT DISTINCT b.canonical_id
    FROM (
      SELECT key FROM recipient_keys WHERE key IN (
        SELECT k.key FROM recipient_keys AS k JOIN recipients AS r ON r.id = k.recipient_id
        WHERE r.canonical_id = :person
      ) GROUP BY key HAVING COUNT(*) BETWEEN 2 AND :most
    ) AS block
    JOIN recipient_keys AS k ON k.key = block.key JOIN recipients AS b ON b.id = k.recipient_id
    WHERE b.canonical_id <> :person
""")


def meeting(connection: Connection, person: str, *, most: int) -> list[str]:
    """Everybody who meets one person under a key of at most `most` records."""
    return sorted(connection.scalars(_MEETING, {"person": person, "most": most}))


_SHARING = """
    SELECT k.key, p.canonical_id, p.id, p.name, p.type, p.employer_id, e.name, p.email, p.phone
    FROM (
      SELECT key FROM recipient_keys WHERE key {among} GROUP BY key HAVING COUNT(*) <= :most
    ) AS block
    JOIN recipient_keys AS k ON k.key = block.key JOIN recipients AS r ON r.id = k.recipient_id
    JOIN recipients AS p ON p.id = r.canonical_id LEFT JOIN employers AS e ON e.id = p.employer_id
"""
# Written out, since it runs in the transaction that records entries: to put it together takes longer than to answer it.
_SHARING_ON = {
    "postgresql": text(_SHARING.format(among="= ANY(:keys)")),
    "sqlite": text(_SHARING.format(among="IN (SELECT value FROM json_each(:keys))")),
}


def sharing(connection: Connection, keys: Iterable[str], *, most: int) -> list[tuple[str, Record]]:
    """Who stands under each of the keys, as they are known now; keys of more than `most` records are left out."""
    wanted, dialect = sorted(set(keys)), connection.dialect.name
    bound = {"keys": wanted if dialect == "postgresql" else json.dumps(wanted), "most": most}
    return [(row[0], Record._make(row[1:])) for row in connection.execute(_SHARING_ON[dialect], bound)]


def _record(of: type[RecipientRow]) -> tuple[Any, ...]:
    return (of.id, of.name, of.type, of.employer_id, EmployerRow.name.label("employer"), of.email, of.phone)


def records(connection: Connection, people: Sequence[str]) -> list[Record]:
    """All records of people, also those that turned out to be them, in a steady order."""
    rows = connection.execute(
        select(RecipientRow.canonical_id, *_record(RecipientRow))
        .outerjoin(EmployerRow, EmployerRow.id == RecipientRow.employer_id)
        .where(among(connection, RecipientRow.canonical_id, people))
        .order_by(RecipientRow.canonical_id, RecipientRow.id)
    )
    return [Record._make(row) for row in rows]


class Saying(NamedTuple):
    """Something that a record of a person says besides: an id with its name, or a value with its source."""

    person: str
    record_id: str
    source: str
    value: str


def other_names(connection: Connection, people: Sequence[str]) -> list[Saying]:
    """What else the records of people are called."""
    return _said(connection, people, AliasRow, literal("alias"), AliasRow.name)


def ids_elsewhere(connection: Connection, people: Sequence[str]) -> list[Saying]:
    """The ids of the records of people in other systems."""
    return _said(connection, people, ExternalIdRow, ExternalIdRow.source, ExternalIdRow.external_id)


def former_employers(connection: Connection, people: Sequence[str]) -> list[Saying]:
    """For whom the records of people ever worked: ids and names of employers."""
    where = EmployerRow.id == PlaceRow.employer_id
    return _said(connection, people, PlaceRow, EmployerRow.id, EmployerRow.name, beside=(EmployerRow, where))


def _said(connection: Connection, people: Sequence[str], table: Any, *values: Any, beside: Any = None) -> list[Saying]:
    question = (
        select(RecipientRow.canonical_id, RecipientRow.id, *values)
        .select_from(RecipientRow)
        .join(table, table.recipient_id == RecipientRow.id)
    )
    if beside:
        question = question.join(*beside)
    rows = connection.execute(
        question.where(among(connection, RecipientRow.canonical_id, people)).order_by(RecipientRow.id, *values)
    )
    return [Saying._make(row) for row in rows]


def people_after(connection: Connection, after: str, limit: int) -> list[str]:
    """The next people in the order of ids, without records that turned out to be somebody else."""
    rows = connection.scalars(
        select(RecipientRow.id)
        .where(RecipientRow.id > after, RecipientRow.canonical_id == RecipientRow.id)
        .order_by(RecipientRow.id)
        .limit(limit)
    )
    return list(rows)


class RuleDays(NamedTuple):
    """The days that a rule adds up at the moment; with `open_on`, the periods that were found open on that day."""

    rule_id: str
    first: date
    last: date
    open_on: date | None = None


def counted(connection: Connection, people: Sequence[str], rules: Sequence[RuleDays]) -> dict[tuple[str, str], int]:
    """What people have added up under rules, by (person, rule id); nothing where they have nothing."""
    days: dict[tuple[date, date, date | None], list[str]] = {}
    for rule_id, first, last, open_on in rules:
        days.setdefault((first, last, open_on), []).append(rule_id)
    rows = connection.execute(
        select(AssessmentRow.subject, AssessmentRow.rule_id, func.sum(AssessmentRow.counted))
        .where(
            AssessmentRow.known_until.is_(None),
            among(connection, AssessmentRow.subject, people),
            or_(false(), *(_within(ids, *key) for key, ids in days.items())),
        )
        .group_by(AssessmentRow.subject, AssessmentRow.rule_id)
    )
    return {(subject, rule_id): int(total) for subject, rule_id, total in rows if total}


def _within(ids: Sequence[str], first: date, last: date, open_on: date | None) -> ColumnElement[bool]:
    within = [AssessmentRow.rule_id.in_(ids), AssessmentRow.occurred_on >= first, AssessmentRow.occurred_on <= last]
    if open_on:
        within += [AssessmentRow.period_start <= open_on, AssessmentRow.period_end >= open_on]
    return and_(*within)
