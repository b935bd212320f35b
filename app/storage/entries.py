"""Entries, their versions and their shares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, tuple_, update

from app.domain.audit import canonical
from app.domain.entries import Entry, from_document, to_document
from app.domain.teams import Stay, covered
from app.storage import teams
from app.storage.database import among, insert_rows
from app.storage.tables import EntryRow, EntryVersionRow, ShareRow


class KnownEntry(NamedTuple):
    """An entry as it stands, with who submitted it, when, and where it came from."""

    entry: Entry
    version: int
    submitted_by: str
    recorded_at: datetime
    source: str = "api"


class EntryFilter(NamedTuple):
    """What narrows a list of entries; None asks for nothing. `own` limits it to a person's own and to `overseen`.

    `of_team` are the days of the team asked for by `team_id`.
    """

    own: str | None = None
    occurred_from: date | None = None
    occurred_to: date | None = None
    kind: tuple[str, ...] = ()
    direction: str | None = None
    giver: str | None = None
    recipient_id: str | None = None
    employer_id: str | None = None
    standing: str | None = None
    overseen: tuple[Stay, ...] = ()
    team_id: str | None = None
    of_team: tuple[Stay, ...] | None = None

    def matches(self, known: KnownEntry) -> bool:
        """Whether an entry is one of those asked for."""
        entry = known.entry
        just = ((self.direction, entry.direction), (self.giver, entry.giver), (self.standing, entry.standing))
        return (
            self._is_of(known)
            and all(wanted in (None, value) for wanted, value in just)
            and (not self.kind or entry.kind in self.kind)
            and (self.occurred_from or date.min) <= entry.occurred_on <= (self.occurred_to or date.max)
            and self.recipient_id in (None, *(one.recipient_id for one in entry.recipients))
            and self.employer_id in (None, *(one.employer_id for one in entry.recipients))
        )

    def _is_of(self, known: KnownEntry) -> bool:
        one = known.entry
        about: Any = {"direction": one.direction, "giver": one.giver, "submitted_by": known.submitted_by}
        mine = self.own in (None, known.submitted_by, one.giver)
        return (mine or covered(self.overseen, **about, occurred_on=one.occurred_on)) and (
            self.of_team is None or covered(self.of_team, **about, occurred_on=one.occurred_on)
        )


class NewVersion(NamedTuple):
    """A version of an entry about to be kept. `shares` are (client id, minor units), one per listed person."""

    entry: Entry
    version: int
    shares: Sequence[tuple[str, int]]
    reason: str
    action: str = "entry.recorded"


def add(
    connection: Connection,
    entries: Sequence[NewVersion],
    *,
    by: Mapping[str, str],
    sources: Mapping[str, str],
    at: datetime,
) -> None:
    """New entries with their first version and shares. By entry id: who submitted each, and where it came from."""
    rows = [_entry_row(new, by[new.entry.id], at, sources[new.entry.id]) for new in entries]
    insert_rows(connection, EntryRow, _ENTRY, rows)
    add_versions(connection, entries, by=by, at=at, known_from={new.entry.id: new.entry.sequence for new in entries})


def add_versions(
    connection: Connection,
    entries: Sequence[NewVersion],
    *,
    by: Mapping[str, str],
    at: datetime,
    known_from: Mapping[str, int],
) -> None:
    """Further versions of entries, with their shares."""
    insert_rows(
        connection,
        EntryVersionRow,
        ("entry_id", "version", "document", "action", "reason", "recorded_by", "recorded_at", "known_from"),
        [
            (one.id, version, canonical(to_document(one)), action, reason, by[one.id], at, known_from[one.id])
            for one, version, _, reason, action in entries
        ],
    )
    insert_rows(
        connection,
        ShareRow,
        (
            "entry_id",
            "entry_version",
            "position",
            "recipient_id",
            "client_id",
            "employer_id",
            "client_employer_id",
            "amount_minor",
            "currency",
        ),
        [row for new in entries for row in _share_rows(new)],
    )


_ENTRY = (
    "id",
    "version",
    "sequence",
    "occurred_on",
    "kind",
    "direction",
    "giver",
    "total_minor",
    "currency",
    "standing",
    "submitted_by",
    "recorded_at",
    "source",
)


def _entry_row(new: NewVersion, by: str, at: datetime, source: str) -> tuple[object, ...]:
    one = new.entry
    return (
        one.id,
        new.version,
        one.sequence,
        one.occurred_on,
        one.kind.value,
        one.direction.value,
        one.giver,
        one.total,
        one.currency.code,
        one.standing.value,
        by,
        at,
        source,
    )


def _share_rows(new: NewVersion) -> Iterable[tuple[object, ...]]:
    for place, (person, (_, minor)) in enumerate(zip(new.entry.recipients, new.shares, strict=True)):
        listed = person.listed_as or person.recipient_id
        yield (
            new.entry.id,
            new.version,
            place,
            listed,
            person.guest_of or listed,
            person.employer_id,
            person.client_employer_id,
            minor,
            new.entry.currency.code,
        )


def hold(connection: Connection, entry_id: str, version: int) -> bool:
    """Holds an entry at a version until the transaction ends; False where it has another by now."""
    question = select(EntryRow.version).where(EntryRow.id == entry_id).with_for_update(key_share=True)
    return connection.scalar(question) == version


def move_on(connection: Connection, corrections: Sequence[tuple[KnownEntry, Entry]]) -> bool:
    """Moves entries on to their next version; False where one of them has another version by now."""
    for known, entry in corrections:
        done = connection.execute(
            update(EntryRow)
            .where(EntryRow.id == entry.id, EntryRow.version == known.version)
            .values(
                version=known.version + 1,
                occurred_on=entry.occurred_on,
                kind=entry.kind.value,
                direction=entry.direction.value,
                giver=entry.giver,
                total_minor=entry.total,
                currency=entry.currency.code,
                standing=entry.standing.value,
            )
        )
        if done.rowcount != 1:
            return False
    return True


_KNOWN = (
    EntryRow.id,
    EntryRow.sequence,
    EntryVersionRow.document,
    EntryRow.version,
    EntryRow.submitted_by,
    EntryRow.recorded_at,
    EntryRow.source,
)
_NOW = select(*_KNOWN).join(
    EntryVersionRow, (EntryVersionRow.entry_id == EntryRow.id) & (EntryVersionRow.version == EntryRow.version)
)


def _known(row: Sequence[object]) -> KnownEntry:
    id, sequence, document, *rest = row
    return KnownEntry(from_document(id, sequence, json.loads(document)), *rest)  # type: ignore[arg-type]


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownEntry]:
    """The entries that exist among the ids, as they stand."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row.id: _known(row) for row in connection.execute(_NOW.where(among(connection, EntryRow.id, wanted)))}


def touching(
    connection: Connection, *, people: Iterable[str], employers: Iterable[str], first: date, last: date
) -> list[Entry]:
    """Every entry between two days whose shares can count for one of the people, or for somebody of the employers."""
    of_people, of_employers = sorted(set(people)), sorted(set(employers))
    shares = select(ShareRow.entry_id).where(
        or_(
            among(connection, ShareRow.client_id, of_people),
            among(connection, ShareRow.recipient_id, of_people),
            *_of_employers(connection, of_employers),
        )
    )
    rows = connection.execute(
        _NOW.where(EntryRow.id.in_(shares), EntryRow.occurred_on >= first, EntryRow.occurred_on <= last)
    )
    return [_known(row).entry for row in rows]


def listing(connection: Connection, recipient_id: str) -> list[KnownEntry]:
    """Every entry whose current version lists a recipient, in order of event date."""
    of = (ShareRow.entry_id == EntryRow.id) & (ShareRow.entry_version == EntryRow.version)
    question = _NOW.join(ShareRow, of).where(ShareRow.recipient_id == recipient_id)
    return [_known(row) for row in connection.execute(question.order_by(EntryRow.occurred_on, EntryRow.id))]


def as_known(connection: Connection, ids: Iterable[str], at: int) -> list[tuple[Entry, int]]:
    """The entries as they stood at a place in the order of record, each with its version then."""
    latest = (
        select(EntryVersionRow.entry_id, func.max(EntryVersionRow.version).label("version"))
        .where(among(connection, EntryVersionRow.entry_id, ids), EntryVersionRow.known_from <= at)
        .group_by(EntryVersionRow.entry_id)
        .subquery()
    )
    rows = connection.execute(
        select(EntryRow.id, EntryRow.sequence, EntryVersionRow.document, EntryVersionRow.version)
        .join(EntryVersionRow, EntryVersionRow.entry_id == EntryRow.id)
        .join(latest, (latest.c.entry_id == EntryRow.id) & (latest.c.version == EntryVersionRow.version))
    )
    return [(from_document(id, sequence, json.loads(document)), version) for id, sequence, document, version in rows]


def known_as_of(connection: Connection, ids: Iterable[str], at: int) -> list[KnownEntry]:
    """The entries as they stood at a place in the order of record, with who had submitted them."""
    columns = (EntryRow.id, EntryRow.submitted_by, EntryRow.recorded_at, EntryRow.source)
    first = {row.id: row[1:] for row in connection.execute(select(*columns).where(among(connection, EntryRow.id, ids)))}
    return [KnownEntry(entry, version, *first[entry.id]) for entry, version in as_known(connection, ids, at)]


def listed_as_of(
    connection: Connection, wanted: EntryFilter, at: int, *, after: tuple[str] | None, limit: int
) -> list[KnownEntry]:
    """Entries as they stood at a place in the order of record, newest record first."""
    found: list[KnownEntry] = []
    last = after[0] if after else None
    while len(found) < limit:
        question = select(EntryRow.id).where(EntryRow.sequence <= at)
        if last is not None:
            question = question.where(EntryRow.id < last)
        ids = list(connection.scalars(question.order_by(EntryRow.id.desc()).limit(500)))
        if not ids:
            break
        standing = sorted(known_as_of(connection, ids, at), key=lambda one: one.entry.id, reverse=True)
        found += [one for one in standing if wanted.matches(one)]
        last = ids[-1]
    return found[:limit]


def owners_since(connection: Connection, since: date) -> set[str]:
    """Everybody, people and employers, for whom an entry from a day on can count."""
    rows = connection.execute(
        select(ShareRow.client_id, ShareRow.recipient_id, ShareRow.employer_id, ShareRow.client_employer_id)
        .join(EntryRow, EntryRow.id == ShareRow.entry_id)
        .where(EntryRow.occurred_on >= since)
        .distinct()
    )
    return {owner for row in rows for owner in row if owner is not None}


def _of_people(connection: Connection, people: Iterable[str]) -> ColumnElement[bool]:
    wanted = set(people)
    return or_(among(connection, ShareRow.client_id, wanted), among(connection, ShareRow.recipient_id, wanted))


def _of_employers(connection: Connection, employers: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    wanted = set(employers)
    return (
        among(connection, ShareRow.employer_id, wanted),
        among(connection, ShareRow.client_employer_id, wanted),
    )


def first_day(connection: Connection, people: Iterable[str]) -> date | None:
    """The earliest event that had to do with any of the people, None where there is none."""
    return connection.scalar(
        select(func.min(EntryRow.occurred_on))
        .join(ShareRow, ShareRow.entry_id == EntryRow.id)
        .where(_of_people(connection, people))
    )


def employers_of(connection: Connection, people: Iterable[str]) -> set[str]:
    """For whom the people worked when they got something, or for whom anybody on those entries did."""
    entries = select(ShareRow.entry_id).where(_of_people(connection, people))
    places = select(ShareRow.employer_id, ShareRow.client_employer_id).where(ShareRow.entry_id.in_(entries))
    return {employer_id for row in connection.execute(places.distinct()) for employer_id in row if employer_id}


def ids_of(connection: Connection, *, people: Iterable[str], employers: Iterable[str]) -> list[str]:
    """The ids of all entries that in any version had to do with the people or employers."""
    return list(
        connection.scalars(
            select(ShareRow.entry_id)
            .where(or_(_of_people(connection, people), *_of_employers(connection, employers)))
            .distinct()
        )
    )


def shares(connection: Connection, versions: Mapping[str, int]) -> dict[str, list[int]]:
    """What each listed person's part is, in minor units, of versions of entries."""
    ids = versions.keys()
    rows = connection.execute(
        select(ShareRow.entry_id, ShareRow.entry_version, ShareRow.amount_minor)
        .where(among(connection, ShareRow.entry_id, ids))
        .order_by(ShareRow.entry_id, ShareRow.position)
    )
    parts: dict[str, list[int]] = {}
    for entry_id, version, minor in rows:
        if versions[entry_id] == version:
            parts.setdefault(entry_id, []).append(minor)
    return parts


def listed(
    connection: Connection, wanted: EntryFilter, *, after: tuple[date, str] | None, limit: int
) -> list[KnownEntry]:
    """Entries, newest event first. Constant cost per page, whatever the page."""
    question = _NOW.where(
        *teams.narrowed(connection, EntryRow, own=wanted.own, overseen=wanted.overseen, of_team=wanted.of_team)
    )
    for column, value in (
        (EntryRow.direction, wanted.direction),
        (EntryRow.giver, wanted.giver),
        (EntryRow.standing, wanted.standing),
    ):
        if value is not None:
            question = question.where(column == value)
    if wanted.kind:
        question = question.where(EntryRow.kind.in_(wanted.kind))
    if wanted.occurred_from:
        question = question.where(EntryRow.occurred_on >= wanted.occurred_from)
    if wanted.occurred_to:
        question = question.where(EntryRow.occurred_on <= wanted.occurred_to)
    for share_column, id in ((ShareRow.recipient_id, wanted.recipient_id), (ShareRow.employer_id, wanted.employer_id)):
        if id is not None:
            of = (
                (ShareRow.entry_id == EntryRow.id) & (ShareRow.entry_version == EntryRow.version) & (share_column == id)
            )
            question = question.where(select(ShareRow.entry_id).where(of).exists())
    if after:
        question = question.where(tuple_(EntryRow.occurred_on, EntryRow.id) < tuple_(*map(literal, after)))
    rows = connection.execute(question.order_by(EntryRow.occurred_on.desc(), EntryRow.id.desc()).limit(limit))
    return [_known(row) for row in rows]


class KnownVersion(NamedTuple):
    """One version of an entry, with who said so, when and why."""

    entry: Entry
    version: int
    action: str
    reason: str
    recorded_by: str
    recorded_at: datetime


def versions(connection: Connection, entry_id: str) -> list[KnownVersion]:
    """All versions of an entry, first to last."""
    rows = connection.execute(
        select(
            EntryRow.sequence,
            EntryVersionRow.document,
            EntryVersionRow.version,
            EntryVersionRow.action,
            EntryVersionRow.reason,
            EntryVersionRow.recorded_by,
            EntryVersionRow.recorded_at,
        )
        .join(EntryVersionRow, EntryVersionRow.entry_id == EntryRow.id)
        .where(EntryRow.id == entry_id)
        .order_by(EntryVersionRow.version)
    )
    return [KnownVersion(from_document(entry_id, row[0], json.loads(row[1])), *row[2:]) for row in rows]
