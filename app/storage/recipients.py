"""Recipients and employers: finding them, locking them, adding them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, insert, literal, select, tuple_, update

from app.storage.tables import EmployerRow, ExternalIdRow, RecipientRow


class KnownRecipient(NamedTuple):
    """A recipient as the books know them."""

    id: str
    version: int
    name: str
    type: str
    employer_id: str | None
    employer: str | None
    email: str | None
    merged_into: str | None
    touched_sequence: int
    created_at: datetime


class KnownEmployer(NamedTuple):
    """An employer as the books know it."""

    id: str
    version: int
    name: str
    touched_sequence: int
    created_at: datetime


_RECIPIENT = (
    RecipientRow.id,
    RecipientRow.version,
    RecipientRow.name,
    RecipientRow.type,
    RecipientRow.employer_id,
    EmployerRow.name.label("employer"),
    RecipientRow.email,
    RecipientRow.merged_into,
    RecipientRow.touched_sequence,
    RecipientRow.created_at,
)
_EMPLOYER = (
    EmployerRow.id,
    EmployerRow.version,
    EmployerRow.name,
    EmployerRow.touched_sequence,
    EmployerRow.created_at,
)
_WITH_EMPLOYER = select(*_RECIPIENT).outerjoin(EmployerRow, EmployerRow.id == RecipientRow.employer_id)


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
    """The recipients that exist among the ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(_WITH_EMPLOYER.where(RecipientRow.id.in_(wanted)))
    return {row.id: KnownRecipient._make(row) for row in rows}


def lock(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
    """The same, held until the transaction ends; in the order of ids, so that no two writers wait for each other."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    question = (
        _WITH_EMPLOYER.where(RecipientRow.id.in_(wanted))
        .order_by(RecipientRow.id)
        .with_for_update(of=RecipientRow, key_share=True)
    )
    return {row.id: KnownRecipient._make(row) for row in connection.execute(question)}


def lock_employers(connection: Connection, ids: Iterable[str]) -> dict[str, KnownEmployer]:
    """Employers held until the transaction ends, in the order of ids; taken after the recipients."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    question = (
        select(*_EMPLOYER).where(EmployerRow.id.in_(wanted)).order_by(EmployerRow.id).with_for_update(key_share=True)
    )
    return {row.id: KnownEmployer._make(row) for row in connection.execute(question)}


def touch(connection: Connection, recipients: Sequence[str], employers: Sequence[str], sequence: int) -> None:
    """Remembers the last place in the order of record, for whoever locks them next."""
    if recipients:
        connection.execute(
            update(RecipientRow).where(RecipientRow.id.in_(recipients)).values(touched_sequence=sequence)
        )
    if employers:
        connection.execute(update(EmployerRow).where(EmployerRow.id.in_(employers)).values(touched_sequence=sequence))


def by_external_id(connection: Connection, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Recipient ids by (source, external id)."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    rows = connection.execute(
        select(ExternalIdRow.source, ExternalIdRow.external_id, ExternalIdRow.recipient_id).where(
            tuple_(ExternalIdRow.source, ExternalIdRow.external_id).in_(wanted)
        )
    )
    return {(source, external_id): recipient_id for source, external_id, recipient_id in rows}


def by_match_key(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Recipient ids by what finds a person again who was named on an entry."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = connection.execute(select(RecipientRow.match_key, RecipientRow.id).where(RecipientRow.match_key.in_(wanted)))
    return {str(key): recipient_id for key, recipient_id in rows}


def employers_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownEmployer]:
    """The employers that exist among the ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(select(*_EMPLOYER).where(EmployerRow.id.in_(wanted)))
    return {row.id: KnownEmployer._make(row) for row in rows}


def employers_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, KnownEmployer]:
    """Employers by their name as compared."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = connection.execute(select(EmployerRow.name_key, *_EMPLOYER).where(EmployerRow.name_key.in_(wanted)))
    return {row[0]: KnownEmployer._make(row[1:]) for row in rows}


def add_employers(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """New employers. A unique violation means that somebody added one of them at this moment."""
    if rows:
        connection.execute(insert(EmployerRow), list(rows))


def add(
    connection: Connection, rows: Sequence[Mapping[str, object]], external_ids: Sequence[Mapping[str, object]] = ()
) -> None:
    """New recipients with their external ids. A unique violation means that somebody added one at this moment."""
    if rows:
        connection.execute(insert(RecipientRow), list(rows))
    if external_ids:
        connection.execute(insert(ExternalIdRow), list(external_ids))


def external_ids(connection: Connection, recipient_id: str) -> list[tuple[str, str]]:
    """(source, id) of a recipient in other systems."""
    rows = connection.execute(
        select(ExternalIdRow.source, ExternalIdRow.external_id)
        .where(ExternalIdRow.recipient_id == recipient_id)
        .order_by(ExternalIdRow.source, ExternalIdRow.external_id)
    )
    return [(source, external_id) for source, external_id in rows]


def search(
    connection: Connection,
    *,
    name: str | None,
    employer_id: str | None,
    type: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[tuple[str, KnownRecipient]]:
    """Recipients by name, with their sort key; `name` is a beginning of the name as compared, or of any word in it."""
    question = select(RecipientRow.name_key, *_RECIPIENT).outerjoin(
        EmployerRow, EmployerRow.id == RecipientRow.employer_id
    )
    if name:
        begins = RecipientRow.name_key.startswith(name, autoescape=True)
        question = question.where(begins | RecipientRow.name_key.contains(" " + name, autoescape=True))
    if employer_id:
        question = question.where(RecipientRow.employer_id == employer_id)
    if type:
        question = question.where(RecipientRow.type == type)
    if after:
        question = question.where(tuple_(RecipientRow.name_key, RecipientRow.id) > tuple_(*map(literal, after)))
    rows = connection.execute(question.order_by(RecipientRow.name_key, RecipientRow.id).limit(limit))
    return [(row[0], KnownRecipient._make(row[1:])) for row in rows]


def search_employers(
    connection: Connection, *, name: str | None, after: tuple[str, str] | None, limit: int
) -> list[tuple[str, KnownEmployer]]:
    """Employers by name, with their sort key."""
    question = select(EmployerRow.name_key, *_EMPLOYER)
    conditions: list[ColumnElement[bool]] = []
    if name:
        begins = EmployerRow.name_key.startswith(name, autoescape=True)
        conditions.append(begins | EmployerRow.name_key.contains(" " + name, autoescape=True))
    if after:
        conditions.append(tuple_(EmployerRow.name_key, EmployerRow.id) > tuple_(*map(literal, after)))
    rows = connection.execute(
        question.where(and_(True, *conditions)).order_by(EmployerRow.name_key, EmployerRow.id).limit(limit)
    )
    return [(row[0], KnownEmployer._make(row[1:])) for row in rows]


def change(connection: Connection, recipient_id: str, *, version: int, values: dict[str, object]) -> bool:
    """Changes a recipient that still has that version; False where somebody was quicker."""
    done = connection.execute(
        update(RecipientRow)
        .where(RecipientRow.id == recipient_id, RecipientRow.version == version)
        .values(version=version + 1, **values)
    )
    return done.rowcount == 1
