"""Violations: cases opened, changed and withdrawn by what screening found; and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.entries import Entry
from app.domain.policies import PolicyBook
from app.domain.refusals import NotFound
from app.domain.screening import Assessment, Outcome
from app.domain.violations import Movement, State, movement
from app.services import causes
from app.services.journal import Journal
from app.services.screening import Change, kind_in, policy_id
from app.storage import screening, violations
from app.storage.ids import new_id
from app.storage.screening import Known
from app.storage.violations import KnownViolation as KnownViolation
from app.storage.violations import ViolationFilter as ViolationFilter


class ViolationNotFound(NotFound):
    code = "violation_not_found"


@dataclass(frozen=True, slots=True)
class About:
    """The entry that a case is about, and who submitted it."""

    entry: Entry
    submitted_by: str


@dataclass(frozen=True, slots=True)
class Caused:
    """A changed result with its place in the order of record, its cause (another entry and version), who and when."""

    change: Change
    known_from: int
    cause: str | None
    stamp: Stamp


Cases = dict[tuple[str, str, str], KnownViolation]


def settle(
    connection: Connection,
    book: PolicyBook,
    changes: Sequence[Caused],
    about: Mapping[str, About],
    *,
    journal: Journal,
    fresh: Set[str] = frozenset(),
    unmoved: Sequence[Caused] = (),
) -> Cases:
    """Keeps changed results and moves their cases: opens, reopens, changes, withdraws. The cases that moved, by result.

    `fresh` names entries that are new in this transaction, which therefore have no cases yet. `unmoved` are results
    that stay as they are although their entry says something else now: what the case says of the entry follows.
    """
    _keep_results(connection, book, changes)
    stale = [one.change.key for one in (*changes, *unmoved) if one.change.key[1] not in fresh]
    before = violations.by_key(connection, stale)
    moved: Cases = {}
    for one in (*changes, *unmoved):
        case, answer = before.get(one.change.key), one.change.after
        said = _said(book, answer, about[answer.line.entry_id]) if answer is not None and _violates(answer) else None
        step = _movement(said, case)
        if step is None:
            continue
        now = _changed(case, one, said, step) if case else _opened(one, said, about[one.change.key[1]].submitted_by)
        moved[now.key] = now
        journal.note(now.id, now.version, step.value, _facts(now), one.stamp)
    violations.add(connection, [case for case in moved.values() if case.version == 1])
    violations.change(connection, [case for case in moved.values() if case.version > 1])
    places = {one.change.key: one.known_from for one in (*changes, *unmoved)}
    violations.remember(connection, [(case, places[case.key]) for case in moved.values()])
    return moved


def _keep_results(connection: Connection, book: PolicyBook, changes: Sequence[Caused]) -> None:
    ended = [(one.change.key, one.known_from) for one in changes if one.change.before is not None]
    screening.close(connection, ended)
    screening.add(
        connection,
        [
            Known(one.change.after, policy_id(book, one.change.after), one.known_from, None, one.cause)
            for one in changes
            if one.change.after is not None
        ],
    )


class _Said(NamedTuple):
    """What a case says of the result and the entry that it is about."""

    subject: str
    policy_id: str
    severity: str
    occurred_on: date
    giver: str
    direction: str
    kind: str
    employer_id: str | None
    counted: int
    aggregate: int
    limit_value: int
    over_by: int


def _said(book: PolicyBook, answer: Assessment, about: About) -> _Said:
    line, entry = answer.line, about.entry
    rule = book.rule_on(line.rule_id, line.occurred_on)
    return _Said(
        subject=line.subject,
        policy_id=policy_id(book, answer),
        severity=rule.severity if rule else "medium",
        occurred_on=line.occurred_on,
        giver=entry.giver,
        direction=entry.direction.value,
        kind=kind_in(book, entry).value,
        employer_id=next(
            (person.employer_id for person in entry.recipients if person.recipient_id == line.shown), None
        ),
        counted=line.counted,
        aggregate=answer.aggregate,
        limit_value=answer.limit,
        over_by=answer.aggregate - answer.limit,
    )


def _violates(answer: Assessment) -> bool:
    return answer.outcome is Outcome.VIOLATION


def _movement(said: _Said | None, case: KnownViolation | None) -> Movement | None:
    """What happens to a case, given what it would say; None where the result is no violation."""
    same = case is not None and said is not None and said == _said_by(case)
    worse = case is not None and said is not None and said.over_by > case.over_by
    return movement(State(case.state) if case else None, violates=said is not None, worse=worse, same=same)


def _said_by(case: KnownViolation) -> _Said:
    return _Said(*(getattr(case, name) for name in _Said._fields))


def _opened(one: Caused, said: _Said | None, submitted_by: str) -> KnownViolation:
    answer = one.change.after
    if answer is None or said is None:
        raise ValueError("a case is opened for a result")
    return KnownViolation(
        id=new_id("vio"),
        version=1,
        state=State.OPEN.value,
        entry_id=answer.line.entry_id,
        rule_id=answer.line.rule_id,
        shown=answer.line.shown,
        submitted_by=submitted_by,
        cause=one.cause,
        opened_at=one.stamp.at,
        changed_at=one.stamp.at,
        **said._asdict(),
    )


def _changed(case: KnownViolation, one: Caused, said: _Said | None, step: Movement) -> KnownViolation:
    """The case after a change; a withdrawn one keeps the figures it was opened for."""
    now = replace(case, version=case.version + 1, changed_at=one.stamp.at, cause=one.cause)
    if step is Movement.WITHDRAWN or said is None:
        return replace(now, state=State.WITHDRAWN.value)
    return replace(now, state=State.OPEN.value if step is Movement.REOPENED else case.state, **said._asdict())


def _facts(case: KnownViolation) -> dict[str, object]:
    return {
        "entry": case.entry_id,
        "rule": case.rule_id,
        "shown": case.shown,
        "policy": case.policy_id,
        "state": case.state,
        "counted": case.counted,
        "aggregate": case.aggregate,
        "limit": case.limit_value,
        "cause": case.cause,
    }


def get(connection: Connection, principal: Principal, violation_id: str, *, at: int | None = None) -> KnownViolation:
    """One case as it stands, or stood. Raises ViolationNotFound, alike for absent, not open yet, and not theirs."""
    if at is None:
        found = violations.by_id(connection, violation_id)
    else:
        found = violations.as_known(connection, violation_id, at)
    if found is None or not _may_see(principal, found):
        raise ViolationNotFound("There is no such violation")
    return told(connection, principal, [found])[0]


def _may_see(principal: Principal, case: KnownViolation) -> bool:
    if principal.may(Permission.READ_ALL):
        return True
    return principal.may(Permission.READ_OWN) and principal.person in (case.giver, case.submitted_by)


def listed(
    connection: Connection,
    principal: Principal,
    wanted: ViolationFilter,
    *,
    at: int | None = None,
    after: tuple[str] | None,
    limit: int,
) -> list[KnownViolation]:
    """Cases as they stand, or stood, newest first; without the right to read all, only those on own entries."""
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        wanted = wanted._replace(own=principal.person)
    if at is None:
        found = violations.listed(connection, wanted, after=after, limit=limit)
    else:
        found = violations.all_as_known(connection, wanted, at, after=after, limit=limit)
    return told(connection, principal, found)


def told(connection: Connection, principal: Principal, cases: Sequence[KnownViolation]) -> list[KnownViolation]:
    """Cases without the causes that whoever asks may not know of."""
    known = causes.known_to(connection, principal, (case.cause for case in cases))
    return [case if case.cause in known else replace(case, cause=None) for case in cases]


def of_entries(connection: Connection, ids: Iterable[str], at: int | None = None) -> list[KnownViolation]:
    """All cases of entries as they stand, or stood."""
    if at is None:
        return violations.of_entries(connection, ids)
    return violations.of_entries_as_known(connection, ids, at)
