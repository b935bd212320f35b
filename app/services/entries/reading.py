"""Reading entries: as they stand or as they stood, with their results, for whoever may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.entries import Entry
from app.domain.policies import PolicyBook
from app.domain.refusals import NotFound
from app.domain.screening import Assessment
from app.services import policies, violations
from app.services.desk import Desk
from app.services.recipients import Match
from app.services.screening import Change
from app.services.violations import About
from app.storage import entries as rows
from app.storage import recipients as recipient_rows
from app.storage import screening as answer_rows
from app.storage.entries import EntryFilter, KnownEntry, KnownVersion
from app.storage.recipients import KnownRecipient
from app.storage.screening import Known
from app.storage.violations import KnownViolation


class EntryNotFound(NotFound):
    code = "entry_not_found"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its results, as its recorder is told. `others` are changed results of other entries.

    `gone` are results that the entry itself no longer has.
    """

    entry: Entry
    version: int
    submitted_by: str
    recorded_at: datetime
    shares: Sequence[int]
    book: PolicyBook
    people: Mapping[str, Match]
    employers: Mapping[str, str]
    assessments: Sequence[Assessment]
    others: Sequence[Change] = ()
    violations: Sequence[KnownViolation] = ()
    gone: Sequence[Change] = ()


def get(connection: Connection, desk: Desk, principal: Principal, entry_id: str) -> Recorded:
    """An entry as it stands, with its current results. Raises EntryNotFound, alike for absent and not theirs."""
    known = rows.by_id(connection, [entry_id]).get(entry_id)
    if known is None or not may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    return with_results(connection, desk, [known])[0]


def listed(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    wanted: EntryFilter,
    *,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Recorded]:
    """Entries, newest event first; without the right to read all, only the principal's own."""
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        wanted = wanted._replace(own=principal.person)
    return with_results(connection, desk, rows.listed(connection, wanted, after=after, limit=limit))


def versions(connection: Connection, principal: Principal, entry_id: str) -> list[KnownVersion]:
    """All versions of an entry, first to last. Raises EntryNotFound."""
    known = rows.by_id(connection, [entry_id]).get(entry_id)
    if known is None or not may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    return rows.versions(connection, entry_id)


def may_see(principal: Principal, about: About | KnownEntry) -> bool:
    """Whoever may read all, and otherwise the one who gave it or submitted it."""
    if principal.may(Permission.READ_ALL):
        return True
    return principal.may(Permission.READ_OWN) and principal.person in (about.submitted_by, about.entry.giver)


def with_results(connection: Connection, desk: Desk, known: Sequence[KnownEntry]) -> list[Recorded]:
    ids = [one.entry.id for one in known]
    book = policies.current(connection, desk)
    parts = rows.shares(connection, ids)
    people = _named(connection, known)
    employers = _employer_names(connection, known)
    by_entry: dict[str, list[Known]] = {}
    for answer in answer_rows.of_entries(connection, ids):
        by_entry.setdefault(answer.assessment.line.entry_id, []).append(answer)
    cases: dict[str, list[KnownViolation]] = {}
    for case in violations.of_entries(connection, ids):
        cases.setdefault(case.entry_id, []).append(case)
    return [
        Recorded(
            one.entry,
            one.version,
            one.submitted_by,
            one.recorded_at,
            parts.get(one.entry.id, ()),
            book,
            people,
            employers,
            [answer.assessment for answer in by_entry.get(one.entry.id, ())],
            (),
            cases.get(one.entry.id, ()),
        )
        for one in known
    ]


def _named(connection: Connection, known: Sequence[KnownEntry]) -> dict[str, Match]:
    ids = {
        id for one in known for person in one.entry.recipients for id in (person.recipient_id, person.guest_of) if id
    }
    found: dict[str, KnownRecipient] = recipient_rows.by_id(connection, ids)
    return {id: Match(person, "id") for id, person in found.items()}


def _employer_names(connection: Connection, known: Sequence[KnownEntry]) -> dict[str, str]:
    ids = {person.employer_id for one in known for person in one.entry.recipients if person.employer_id}
    return {id: employer.name for id, employer in recipient_rows.employers_by_id(connection, ids).items()}
