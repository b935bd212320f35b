"""Knowing: a recipient's or employer's entries as they stand, or as they stood at a place in the order of record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from app.domain.entries import Entry
from app.services.screening.judging import touching, with_people
from app.storage import entries as entry_rows
from app.storage import merges as merge_rows
from app.storage.recipients import KnownRecipient


def history_of(connection: Connection, owner: str, *, first: date, last: date, at: int | None = None) -> list[Entry]:
    """The entries between two days that have to do with an owner, merged people as who they turned out to be."""
    if at is None:
        return with_people(connection, touching(connection, {owner}, first=first, last=last))
    return [entry for entry, _ in versions_of(connection, owner, first=first, last=last, at=at)]


def versions_of(connection: Connection, owner: str, *, first: date, last: date, at: int) -> list[tuple[Entry, int]]:
    """The entries between two days as they stood at a place in the order of record, each with its version then."""
    links = merge_rows.as_known(connection, at)
    people, employers = ([], [owner]) if owner.startswith("emp_") else ([owner, *_dropped(links, owner)], [])
    ids = entry_rows.ids_of(connection, people=people, employers=employers)
    return [
        (entry.with_people(links), version)
        for entry, version in entry_rows.as_known(connection, ids, at)
        if first <= entry.occurred_on <= last
    ]


def person_as_known(connection: Connection, record: KnownRecipient, at: int | None) -> str:
    """Who a record turned out to be, as known now or at a place in the order of record."""
    return record.canonical_id if at is None else canon_as_known(connection, at).get(record.id, record.id)


def canon_as_known(connection: Connection, at: int) -> dict[str, str]:
    """Who everybody merged by then had turned out to be at a place in the order of record."""
    return _ends(merge_rows.as_known(connection, at))


def _ends(links: Mapping[str, str]) -> dict[str, str]:
    """Who everybody is at the end of all merges."""
    ends = {}
    for dropped in links:
        person = dropped
        while person in links:
            person = links[person]
        ends[dropped] = person
    return ends


def _dropped(links: Mapping[str, str], owner: str) -> list[str]:
    return [dropped for dropped, person in _ends(links).items() if person == owner]
