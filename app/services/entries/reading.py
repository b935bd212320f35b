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
from app.services import policies, teams, violations
from app.services.desk import Desk
from app.services.recipients import Match
from app.services.screening import Change
from app.services.violations import About
from app.storage import approvals as approval_rows
from app.storage import drafts as draft_rows
from app.storage import entries as rows
from app.storage import recipients as recipient_rows
from app.storage import screening as answer_rows
from app.storage.approvals import KnownApproval
from app.storage.entries import EntryFilter, KnownEntry, KnownVersion
from app.storage.recipients import KnownRecipient
from app.storage.screening import Known
from app.storage.violations import KnownViolation


class EntryNotFound(NotFound):
    code = "entry_not_found"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its results, as its recorder is told. `others` are changed results of other entries.

    `today` is the day on which it is told; `gone` are results that the entry itself no longer has.
    """

    entry: Entry
    version: int
    submitted_by: str
    recorded_at: datetime
    today: date
    shares: Sequence[int]
    book: PolicyBook
    people: Mapping[str, Match]
    employers: Mapping[str, str]
    assessments: Sequence[Assessment]
    others: Sequence[Change] = ()
    violations: Sequence[KnownViolation] = ()
    gone: Sequence[Change] = ()
    approval: KnownApproval | None = None
    draft_id: str | None = None


def get(connection: Connection, desk: Desk, principal: Principal, entry_id: str, *, at: int | None = None) -> Recorded:
    """An entry with its results as they stand, or stood at a place in the order of record.

    Raises EntryNotFound, alike for absent, not recorded yet, and not theirs.
    """
    known = _find(connection, entry_id, at)
    if known is None or not may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    return with_results(connection, desk, principal, [known], at)[0]


def _find(connection: Connection, entry_id: str, at: int | None) -> KnownEntry | None:
    if at is None:
        return rows.by_id(connection, [entry_id]).get(entry_id)
    return next(iter(rows.known_as_of(connection, [entry_id], at)), None)


def listed(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    wanted: EntryFilter,
    *,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Recorded]:
    """Entries, newest event first; without the right to read all, only the principal's own and their team's."""
    found = rows.listed(connection, _for(connection, principal, wanted), after=after, limit=limit)
    return with_results(connection, desk, principal, found)


def listed_as_of(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    wanted: EntryFilter,
    at: int,
    *,
    after: tuple[str] | None,
    limit: int,
) -> list[Recorded]:
    """Entries as they stood at a place in the order of record, newest record first."""
    found = rows.listed_as_of(connection, _for(connection, principal, wanted), at, after=after, limit=limit)
    return with_results(connection, desk, principal, found, at)


def _for(connection: Connection, principal: Principal, wanted: EntryFilter) -> EntryFilter:
    if wanted.team_id is not None:
        wanted = wanted._replace(of_team=teams.stays_of(connection, principal, wanted.team_id))
    if principal.may(Permission.READ_ALL):
        return wanted
    principal.require(Permission.READ_OWN)
    return wanted._replace(own=principal.person, overseen=principal.oversees.stays)


def versions(connection: Connection, principal: Principal, entry_id: str) -> list[KnownVersion]:
    """All versions of an entry, first to last. Raises EntryNotFound."""
    known = rows.by_id(connection, [entry_id]).get(entry_id)
    if known is None or not may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    return rows.versions(connection, entry_id)


def may_see(principal: Principal, about: About | KnownEntry) -> bool:
    """Whoever may read all, the one who gave it or submitted it, and who supervises that person's team of the day."""
    one = about.entry
    return principal.may_read(
        direction=one.direction, giver=one.giver, submitted_by=about.submitted_by, occurred_on=one.occurred_on
    )


def with_results(
    connection: Connection, desk: Desk, principal: Principal, known: Sequence[KnownEntry], at: int | None = None
) -> list[Recorded]:
    """Entries with people, shares, results, cases and approval, as they are or were known, for whoever asks."""
    ids = [one.entry.id for one in known]
    book = policies.as_known(connection, desk, at)
    parts = rows.shares(connection, {one.entry.id: one.version for one in known})
    people, employers = _named(connection, known), _employer_names(connection, known)
    answers: dict[str, list[Known]] = {}
    for answer in answer_rows.of_entries(connection, ids, at):
        answers.setdefault(answer.assessment.line.entry_id, []).append(answer)
    cases: dict[str, list[KnownViolation]] = {}
    for case in violations.told(connection, principal, violations.of_entries(connection, ids, at)):
        cases.setdefault(case.entry_id, []).append(case)
    approvals = approval_rows.standing(connection, ids) if at is None else {}
    drafts = draft_rows.of_entries(connection, ids)
    return [
        Recorded(
            entry=one.entry,
            version=one.version,
            submitted_by=one.submitted_by,
            recorded_at=one.recorded_at,
            today=desk.today(at),
            shares=parts.get(one.entry.id, ()),
            book=book,
            people=people,
            employers=employers,
            assessments=[answer.assessment for answer in answers.get(one.entry.id, ())],
            violations=cases.get(one.entry.id, ()),
            approval=approvals.get(one.entry.id),
            draft_id=drafts.get(one.entry.id),
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
