"""Recipients and employers: finding them, locking them, adding them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, literal, select, tuple_, update

from app.storage.database import among
from app.storage.tables import AliasRow, EmployerRow, ExternalIdRow, FormerPlaceRow, PlaceRow, RecipientRow


class KnownRecipient(NamedTuple):
    """A recipient as the books know them."""

    id: str
    version: int
    name: str
    type: str
    employer_id: str | None
    employer: str | None
    email: str | None
    phone: str | None
    canonical_id: str
    place_from: date | None
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
    RecipientRow.phone,
    RecipientRow.canonical_id,
    RecipientRow.place_from,
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
    rows = connection.execute(_WITH_EMPLOYER.where(among(connection, RecipientRow.id, wanted)))
    return {row.id: KnownRecipient._make(row) for row in rows}


def lock(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
    """The same, held until the transaction ends; in the order of ids, so that no two writers wait for each other."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    question = (
        _WITH_EMPLOYER.where(among(connection, RecipientRow.id, wanted))
        .order_by(RecipientRow.id)
        .with_for_update(of=RecipientRow, key_share=True)
    )
    return {row.id: KnownRecipient._make(row) for row in connection.execute(question)}


def groups(connection: Connection, owners: Iterable[str]) -> set[str]:
    """Everybody who turned out to be one of the owners, the owners themselves included."""
    wanted = sorted(set(owners))
    if not wanted:
        return set()
    found = connection.scalars(select(RecipientRow.id).where(among(connection, RecipientRow.canonical_id, wanted)))
    return set(wanted) | set(found)


def canon(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Who the merged ones among the ids turned out to be."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(
        select(RecipientRow.id, RecipientRow.canonical_id).where(
            among(connection, RecipientRow.id, wanted), RecipientRow.canonical_id != RecipientRow.id
        )
    )
    return {row.id: row.canonical_id for row in rows}


def lock_employers(connection: Connection, ids: Iterable[str]) -> dict[str, KnownEmployer]:
    """Employers held until the transaction ends, in the order of ids; taken after the recipients."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    question = (
        select(*_EMPLOYER)
        .where(among(connection, EmployerRow.id, wanted))
        .order_by(EmployerRow.id)
        .with_for_update(key_share=True)
    )
    return {row.id: KnownEmployer._make(row) for row in connection.execute(question)}


def touch(connection: Connection, recipients: Sequence[str], employers: Sequence[str], sequence: int) -> None:
    """Remembers the last place in the order of record, for whoever locks them next."""
    if recipients:
        connection.execute(
            update(RecipientRow).where(among(connection, RecipientRow.id, recipients)).values(touched_sequence=sequence)
        )
    if employers:
        connection.execute(
            update(EmployerRow).where(among(connection, EmployerRow.id, employers)).values(touched_sequence=sequence)
        )


def last_touched(connection: Connection) -> int:
    """The last place in the order of record among all recipients and employers, 0 where there are none."""
    last = (connection.scalar(select(func.max(row.touched_sequence))) for row in (RecipientRow, EmployerRow))
    return max(place or 0 for place in last)


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
    rows = connection.execute(
        select(RecipientRow.match_key, RecipientRow.id).where(among(connection, RecipientRow.match_key, wanted))
    )
    return {str(key): recipient_id for key, recipient_id in rows}


def employers_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownEmployer]:
    """The employers that exist among the ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(select(*_EMPLOYER).where(among(connection, EmployerRow.id, wanted)))
    return {row.id: KnownEmployer._make(row) for row in rows}


def employers_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, KnownEmployer]:
    """Employers by their name as compared."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = connection.execute(
        select(EmployerRow.name_key, *_EMPLOYER).where(among(connection, EmployerRow.name_key, wanted))
    )
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


def set_canonical(connection: Connection, members: Iterable[str], canonical_id: str) -> None:
    """Says who a group of records turned out to be; the caller holds them all."""
    connection.execute(
        update(RecipientRow).where(among(connection, RecipientRow.id, members)).values(canonical_id=canonical_id)
    )


def next_versions(connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Moves records on to their next version and returns it; the caller holds them."""
    wanted = sorted(set(ids))
    connection.execute(
        update(RecipientRow).where(among(connection, RecipientRow.id, wanted)).values(version=RecipientRow.version + 1)
    )
    rows = connection.execute(
        select(RecipientRow.id, RecipientRow.version).where(among(connection, RecipientRow.id, wanted))
    )
    return {row.id: row.version for row in rows}


class Place(NamedTuple):
    """What a recipient is from a day on."""

    effective_from: date
    type: str
    employer_id: str | None


def places(connection: Connection, ids: Iterable[str]) -> dict[str, list[Place]]:
    """The histories of recipients, earliest first; none for those who have always been what they are."""
    rows = connection.execute(
        select(PlaceRow.recipient_id, PlaceRow.effective_from, PlaceRow.type, PlaceRow.employer_id)
        .where(among(connection, PlaceRow.recipient_id, ids))
        .order_by(PlaceRow.recipient_id, PlaceRow.effective_from)
    )
    found: dict[str, list[Place]] = {}
    for recipient_id, *place in rows:
        found.setdefault(recipient_id, []).append(Place._make(place))
    return found


def set_places(connection: Connection, recipient_id: str, history: Sequence[Place]) -> None:
    """The whole history of a recipient in place of what was there."""
    connection.execute(delete(PlaceRow).where(PlaceRow.recipient_id == recipient_id))
    if history:
        connection.execute(insert(PlaceRow), [{"recipient_id": recipient_id, **place._asdict()} for place in history])


def keep_former_places(
    connection: Connection, recipient_id: str, history: Sequence[Place], *, known_until: int
) -> None:
    """What a recipient's history was taken to be before a place in the order of record."""
    rows = [{"recipient_id": recipient_id, "known_until": known_until, **place._asdict()} for place in history]
    connection.execute(insert(FormerPlaceRow), rows)


def former_places(connection: Connection, recipient_id: str, at: int) -> list[Place]:
    """A recipient's history as it was known at a place in the order of record; empty where it has not changed since."""
    row = FormerPlaceRow
    until = select(func.min(row.known_until)).where(row.recipient_id == recipient_id, row.known_until > at)
    rows = connection.execute(
        select(row.effective_from, row.type, row.employer_id)
        .where(row.recipient_id == recipient_id, row.known_until == until.scalar_subquery())
        .order_by(row.effective_from)
    )
    return [Place._make(place) for place in rows]


def aliases(connection: Connection, recipient_id: str) -> list[str]:
    """Other names of a recipient."""
    return list(
        connection.scalars(select(AliasRow.name).where(AliasRow.recipient_id == recipient_id).order_by(AliasRow.name))
    )


def set_aliases(connection: Connection, recipient_id: str, names: Iterable[str]) -> None:
    """The other names of a recipient in place of what was there."""
    connection.execute(delete(AliasRow).where(AliasRow.recipient_id == recipient_id))
    rows = [{"recipient_id": recipient_id, "name": name} for name in sorted(set(names))]
    if rows:
        connection.execute(insert(AliasRow), rows)


def set_external_ids(connection: Connection, recipient_id: str, pairs: Iterable[tuple[str, str]]) -> None:
    """The ids of a recipient in other systems in place of what was there."""
    connection.execute(delete(ExternalIdRow).where(ExternalIdRow.recipient_id == recipient_id))
    rows = [{"source": source, "external_id": id, "recipient_id": recipient_id} for source, id in sorted(set(pairs))]
    if rows:
        connection.execute(insert(ExternalIdRow), rows)


def external_ids_of(connection: Connection, ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """(source, id) of recipients in other systems."""
    rows = connection.execute(
        select(ExternalIdRow.recipient_id, ExternalIdRow.source, ExternalIdRow.external_id)
        .where(among(connection, ExternalIdRow.recipient_id, ids))
        .order_by(ExternalIdRow.source, ExternalIdRow.external_id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for recipient_id, source, external_id in rows:
        found.setdefault(recipient_id, []).append((source, external_id))
    return found
