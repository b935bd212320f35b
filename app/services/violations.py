"""Violations: cases opened, changed and withdrawn by what screening found; and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.entries import Entry
from app.domain.policies import PolicyBook
from app.domain.refusals import NotFound
from app.domain.screening import Assessment, Outcome
from app.domain.violations import Movement, State, movement
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
) -> Cases:
    """Keeps changed results and moves their cases: opens, reopens, changes, withdraws. The cases that moved, by result.

    `fresh` names entries that are new in this transaction, which therefore have no cases yet.
    """
    _keep_results(connection, book, changes)
    stale = [one.change.key for one in changes if one.change.key[1] not in fresh]
    before = violations.by_key(connection, stale)
    moved: Cases = {}
    for one in changes:
        case = before.get(one.change.key)
        step = _movement(one.change.after, case)
        if step is None:
            continue
        now = _opened(book, one, about) if case is None else _changed(book, case, one, step)
        moved[now.key] = now
        journal.note(now.id, now.version, step.value, _facts(now), one.stamp)
    violations.add(connection, [case for case in moved.values() if case.version == 1])
    violations.change(connection, [case for case in moved.values() if case.version > 1])
    places = {one.change.key: one.known_from for one in changes}
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


def _movement(after: Assessment | None, case: KnownViolation | None) -> Movement | None:
    violates = after is not None and after.outcome is Outcome.VIOLATION
    same = case is not None and after is not None and _sums(after) == (case.counted, case.aggregate, case.limit_value)
    worse = case is not None and after is not None and after.over_by > case.over_by
    return movement(State(case.state) if case else None, violates=violates, worse=worse, same=same)


def _sums(answer: Assessment) -> tuple[int, int, int]:
    return (answer.line.counted, answer.aggregate, answer.limit)


def _opened(book: PolicyBook, one: Caused, about: Mapping[str, About]) -> KnownViolation:
    answer = one.change.after
    if answer is None:
        raise ValueError("a case is opened for a result")
    line, entry = answer.line, about[answer.line.entry_id].entry
    rule = book.rule_on(line.rule_id, line.occurred_on)
    return KnownViolation(
        id=new_id("vio"),
        version=1,
        state=State.OPEN.value,
        entry_id=line.entry_id,
        rule_id=line.rule_id,
        shown=line.shown,
        subject=line.subject,
        policy_id=policy_id(book, answer),
        severity=rule.severity if rule else "medium",
        occurred_on=line.occurred_on,
        giver=entry.giver,
        submitted_by=about[line.entry_id].submitted_by,
        direction=entry.direction.value,
        kind=kind_in(book, entry).value,
        employer_id=next(
            (person.employer_id for person in entry.recipients if person.recipient_id == line.shown), None
        ),
        counted=line.counted,
        aggregate=answer.aggregate,
        limit_value=answer.limit,
        over_by=answer.over_by,
        cause=one.cause,
        opened_at=one.stamp.at,
        changed_at=one.stamp.at,
    )


def _changed(book: PolicyBook, case: KnownViolation, one: Caused, step: Movement) -> KnownViolation:
    """The case after a change; a withdrawn one keeps the figures it was opened for."""
    now = replace(case, version=case.version + 1, changed_at=one.stamp.at, cause=one.cause)
    answer = one.change.after
    if step is Movement.WITHDRAWN or answer is None:
        return replace(now, state=State.WITHDRAWN.value)
    return replace(
        now,
        state=State.OPEN.value if step is Movement.REOPENED else case.state,
        policy_id=policy_id(book, answer),
        subject=answer.line.subject,
        occurred_on=answer.line.occurred_on,
        counted=answer.line.counted,
        aggregate=answer.aggregate,
        limit_value=answer.limit,
        over_by=answer.over_by,
    )


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
    return found


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
        return violations.listed(connection, wanted, after=after, limit=limit)
    return violations.all_as_known(connection, wanted, at, after=after, limit=limit)


def of_entries(connection: Connection, ids: Iterable[str], at: int | None = None) -> list[KnownViolation]:
    """All cases of entries as they stand, or stood."""
    if at is None:
        return violations.of_entries(connection, ids)
    return violations.of_entries_as_known(connection, ids, at)
