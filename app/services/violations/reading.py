"""Reading cases: as they stand or stood, with their history, for whoever may see them and as far as they may."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.erasures import ERASED
from app.domain.refusals import NotFound
from app.domain.violations import Movement
from app.services import audit, causes, teams
from app.services.desk import Desk
from app.storage import violations
from app.storage.violations import KnownViolation, Place
from app.storage.violations import Sorting as Sorting
from app.storage.violations import ViolationFilter as ViolationFilter


class ViolationNotFound(NotFound):
    code = "violation_not_found"


def get(connection: Connection, principal: Principal, violation_id: str, *, at: int | None = None) -> KnownViolation:
    """One case as it stands, or stood. Raises ViolationNotFound, alike for absent, not open yet, and not theirs."""
    if at is None:
        found = violations.by_id(connection, violation_id)
    else:
        found = violations.as_known(connection, violation_id, at)
    if found is None or not may_see(principal, found):
        raise ViolationNotFound("There is no such violation")
    return told(connection, principal, [found])[0]


def may_see(principal: Principal, case: KnownViolation) -> bool:
    """Whoever may read all, the one who gave it or submitted it, and who supervises that person's team of the day."""
    return principal.may_read(
        direction=case.direction, giver=case.giver, submitted_by=case.submitted_by, occurred_on=case.occurred_on
    )


def concerns(person: str, case: KnownViolation) -> bool:
    """Whether a case is about what somebody gave or submitted."""
    return person in (case.giver, case.submitted_by)


def as_seen_by(principal: Principal, case: KnownViolation) -> KnownViolation:
    """The case without what is the reviewers' own business, for whoever may not read all."""
    if principal.may(Permission.READ_ALL):
        return case
    return replace(case, assignee=None, snoozed_until=None, decided_by=None, confirmed_by=None)


def listed(
    connection: Connection,
    principal: Principal,
    wanted: ViolationFilter,
    sorting: Sorting,
    *,
    at: int | None = None,
    after: Place | None,
    limit: int,
) -> list[KnownViolation]:
    """Cases as they stand, or stood; without the right to read all, only those on own entries and the team's.

    Raises RoleForbids where somebody asks by what they may not see.
    """
    wanted = _for(connection, principal, wanted)
    if at is None:
        found = violations.listed(connection, wanted, sorting, after=after, limit=limit)
    else:
        found = violations.listed_as_known(connection, wanted, sorting, at, after=after, limit=limit)
    return told(connection, principal, found)


def how_many(
    connection: Connection, principal: Principal, wanted: ViolationFilter, *, most: int, at: int | None = None
) -> int:
    """How many cases `listed` would give, counted up to as many as `most`. Raises RoleForbids as that does."""
    return violations.how_many(connection, _for(connection, principal, wanted), most=most, at=at)


def _for(connection: Connection, principal: Principal, wanted: ViolationFilter) -> ViolationFilter:
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        if wanted != wanted._replace(assignee=None, snoozed=None, cause=None, cause_kind=(), recalculated=None):
            principal.require(Permission.READ_ALL)
        wanted = wanted._replace(own=principal.person, overseen=principal.oversees.stays)
    if wanted.team_id is not None:
        wanted = wanted._replace(of_team=teams.stays_of(connection, principal, wanted.team_id))
    return wanted


def told(connection: Connection, principal: Principal, cases: Sequence[KnownViolation]) -> list[KnownViolation]:
    """Cases as `as_seen_by` gives them, without the causes that whoever asks may not know of."""
    known = causes.known_to(connection, principal, (case.cause for case in cases))
    seen = (as_seen_by(principal, case) for case in cases)
    return [case if case.cause in known else replace(case, cause=None, cause_kind=None) for case in seen]


def of_entries(connection: Connection, ids: Iterable[str], at: int | None = None) -> list[KnownViolation]:
    """All cases of entries as they stand, or stood."""
    if at is None:
        return violations.of_entries(connection, ids)
    return violations.of_entries_as_known(connection, ids, at)


# History

_FOR_EVERYBODY = {*Movement, "violation.asked", "violation.answered", "violation.decided"}
_REMARKS = ("text", "assignee", "disposition", "proposed_by")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a case's history: what, by whom, when, why; `facts` are as the log has them at the position."""

    version: int
    action: str
    by: str | None
    at: datetime
    reason: str
    facts: Mapping[str, Any]
    position: int


def history(
    connection: Connection, desk: Desk, principal: Principal, violation_id: str, *, at: int | None = None
) -> list[Happened]:
    """Everything that happened to a case, in order, as the log has it. Raises ViolationNotFound.

    Whoever may not read all gets neither the reviewers' remarks nor who else's entries moved the case.
    """
    case = get(connection, principal, violation_id, at=at)
    wanted = audit.RecordFilter(entity_id=case.id)
    records = audit.records(connection, desk, wanted, after=-1, limit=_MOST)
    lines = [_happened(record, case) for record in records if record.entity_version <= case.version]
    if principal.may(Permission.READ_ALL):
        return lines
    known = causes.known_to(connection, principal, (line.facts.get("cause") for line in lines))
    return [_without_remarks(line, principal, known) for line in lines if line.action in _FOR_EVERYBODY]


def _happened(record: audit.Record, case: KnownViolation) -> Happened:
    """A line of the log. What no other change caused, the recording of the case's own entry did."""
    if not record.body:  # erased, its time being over
        return Happened(record.entity_version, record.action, record.actor, record.at, ERASED, {}, record.position)
    body = json.loads(record.body)
    facts = body["facts"]
    if "cause" in facts and facts["cause"] is None:
        facts = facts | {"cause": f"{case.entry_id}:1"}
    return Happened(
        record.entity_version, record.action, record.actor, record.at, body["reason"], facts, record.position
    )


def _without_remarks(line: Happened, principal: Principal, causes: Set[str]) -> Happened:
    """Questions and answers as they are; of everything else only what it came to."""
    if line.action in ("violation.asked", "violation.answered"):
        return line
    kept = {name: fact for name, fact in line.facts.items() if name not in _REMARKS}
    if "cause" in kept and kept["cause"] not in causes:
        kept["cause"] = None
    by = line.by if line.by == principal.person else None
    return replace(line, by=by, reason="", facts=kept)
