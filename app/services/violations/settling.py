"""Settling: what screening found is kept, and the cases of violating results are opened, moved and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.entries import Entry
from app.domain.policies import Authority, PolicyBook
from app.domain.review_codes import WITHDRAWN_BY_RECALCULATION
from app.domain.screening import Assessment, Outcome
from app.domain.violations import SEVERITIES, Figures, Ground, Movement, State, cause_kind, movement, why_worse
from app.domain.violations import Outcome as Decided
from app.services.desk import Desk
from app.services.journal import Journal
from app.services.screening import Change, kind_in, policy_id, with_people
from app.storage import dispositions, exemptions, recipients, screening, violations
from app.storage.dispositions import KnownDisposition
from app.storage.exemptions import KnownExemption
from app.storage.ids import moment_at, new_id
from app.storage.screening import Known
from app.storage.violations import OVER_DECIMALS, KnownViolation


@dataclass(frozen=True, slots=True)
class About:
    """The entry that a case is about, who submitted it, and where it came from."""

    entry: Entry
    submitted_by: str
    source: str = "api"


@dataclass(frozen=True, slots=True)
class Caused:
    """A changed result with its place in the order of record, its cause (another entry and version), who and when."""

    change: Change
    known_from: int
    cause: str | None
    stamp: Stamp


Key = tuple[str, str, str]


class Cases(dict[Key, KnownViolation]):
    """The cases that moved, by result; `steps` says how each of them did."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[Key, Movement] = {}


_UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("outcome", "reason_code", "corrective_action", "decided_by", "confirmed_by", "closed_on")
)


@dataclass(frozen=True, slots=True)
class _Decision:
    """A decision that a case has, with the exemption that it names and all records of the case's recipient."""

    made: KnownDisposition
    exemption: KnownExemption | None
    recipients: Set[str]

    @property
    def outcome(self) -> Decided:
        """How it was decided."""
        return Decided(self.made.outcome)

    def ground(self, book: PolicyBook, rule_id: str) -> Ground:
        """What it was made on."""
        figures = Figures(self.made.counted, self.made.aggregate, self.made.limit_value)
        return Ground(figures, book.by_id[self.made.policy_id].by_id[rule_id].unit, self.made.giver)


@dataclass(frozen=True, slots=True)
class _Moved:
    """What becomes of a case: the movement, the case after it, and why a decision no longer holds."""

    step: Movement
    case: KnownViolation
    why: str | None = None


def settle(
    connection: Connection,
    desk: Desk,
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
    that stay as they are although their entry says something else now: only what the case says of the entry follows.
    A decision holds as long as nothing got worse; the case of one that does not is reopened and says why.
    """
    _keep_results(connection, book, changes)
    everything = (*changes, *unmoved)
    stale = [one.change.key for one in everything if one.change.key[1] not in fresh]
    before = violations.by_key(connection, stale)
    decisions = _decisions(connection, before.values())
    moved = Cases()
    for one, said in zip(everything, _all_said(connection, desk, book, everything, about), strict=True):
        case = before.get(one.change.key)
        after = _moved(desk, book, case, one, said, decisions.get(case.id) if case else None, about)
        if after is not None:
            moved[after.case.key] = after.case
            moved.steps[after.case.key] = after.step
            _fall(connection, after, case, one.stamp)
            journal.note(after.case.id, after.case.version, after.step.value, _facts(after), one.stamp)
    places = {one.change.key: one.known_from for one in everything}
    violations.add(connection, [case for case in moved.values() if case.version == 1])
    violations.change(connection, [case for case in moved.values() if case.version > 1])
    violations.remember(connection, [(case, places[key]) for key, case in moved.items()])
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


def _decisions(connection: Connection, cases: Iterable[KnownViolation]) -> dict[str, _Decision]:
    """The decisions that cases have, standing or waiting, by case."""
    having = {case.disposition_id: case for case in cases if case.disposition_id is not None}
    if not having:
        return {}
    made = dispositions.by_id(connection, having)
    named = exemptions.by_id(connection, {one.exemption_id for one in made.values() if one.exemption_id})
    return {
        having[id].id: _Decision(
            one,
            named[one.exemption_id] if one.exemption_id else None,
            recipients.groups(connection, [having[id].shown]) if one.exemption_id else frozenset(),
        )
        for id, one in made.items()
    }


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
    unit: str
    over_scaled: int
    of_limit: int | None
    severity_rank: int
    recipient_type: str | None
    days_late: int


def _all_said(
    connection: Connection, desk: Desk, book: PolicyBook, everything: Sequence[Caused], about: Mapping[str, About]
) -> list[_Said | None]:
    """What the case of each result would say; None where the result is no violation."""
    violating = [one.change.after if _violates(one.change.after) else None for one in everything]
    entries = _as_shown(connection, [answer for answer in violating if answer is not None], about)
    return [
        None if answer is None else _said(desk, book, answer, entries[answer.line.entry_id]) for answer in violating
    ]


def _violates(answer: Assessment | None) -> bool:
    return answer is not None and answer.outcome is Outcome.VIOLATION


def _as_shown(connection: Connection, answers: Sequence[Assessment], about: Mapping[str, About]) -> Mapping[str, Entry]:
    """The entries of results; merged people as who they turned out to be, where a result is shown for such a one."""
    entries = {answer.line.entry_id: about[answer.line.entry_id].entry for answer in answers}
    merged = {
        answer.line.entry_id for answer in answers if not _names(entries[answer.line.entry_id], answer.line.shown)
    }
    found = with_people(connection, [entries[id] for id in sorted(merged)]) if merged else []
    return entries | {entry.id: entry for entry in found}


def _names(entry: Entry, shown: str) -> bool:
    return any(
        shown in (one.recipient_id, one.guest_of, one.employer_id, one.client_employer_id) for one in entry.recipients
    )


def _said(desk: Desk, book: PolicyBook, answer: Assessment, entry: Entry) -> _Said:
    line = answer.line
    rule = book.rule_on(line.rule_id, line.occurred_on)
    severity = rule.severity if rule else "medium"
    over_by = answer.aggregate - answer.limit
    exponent = rule.exponent if rule else entry.currency.exponent
    return _Said(
        subject=line.subject,
        policy_id=policy_id(book, answer),
        severity=severity,
        occurred_on=line.occurred_on,
        giver=entry.giver,
        direction=entry.direction.value,
        kind=kind_in(book, entry).value,
        employer_id=_employer(entry, line.shown),
        counted=line.counted,
        aggregate=answer.aggregate,
        limit_value=answer.limit,
        over_by=over_by,
        unit=rule.unit if rule else entry.currency.code,
        over_scaled=over_by * 10 ** (OVER_DECIMALS - exponent),
        of_limit=(2000 * answer.aggregate + answer.limit) // (2 * answer.limit) if answer.limit else None,
        severity_rank=SEVERITIES.index(severity),
        recipient_type=_type(entry, line.shown),
        days_late=(desk.day_of(moment_at(entry.sequence)) - line.occurred_on).days,
    )


def _type(entry: Entry, shown: str) -> str | None:
    """What the person was that day; a guest's client who is not on the entry, where the guest says. No employer's."""
    own = (one.type for one in entry.recipients if one.recipient_id == shown)
    client = (one.client_type for one in entry.recipients if one.guest_of == shown)
    return next((type for type in (*own, *client) if type is not None), None)


def _employer(entry: Entry, shown: str) -> str | None:
    """For whom the person worked that day; a guest's client who is not on the entry, where the guest says."""
    worked_for = (one.employer_id for one in entry.recipients if one.recipient_id == shown)
    client_worked_for = (one.client_employer_id for one in entry.recipients if one.guest_of == shown)
    return next((id for id in (*worked_for, *client_worked_for) if id is not None), None)


def _moved(
    desk: Desk,
    book: PolicyBook,
    case: KnownViolation | None,
    one: Caused,
    said: _Said | None,
    decision: _Decision | None,
    about: Mapping[str, About],
) -> _Moved | None:
    """What becomes of a case, given what it would say; None where nothing does."""
    if case is None:
        return _Moved(Movement.OPENED, _opened(desk, one, said, about)) if said else None
    now = replace(case, **said._asdict()) if said else case
    why = _why_worse(book, decision, now) if decision and said else None
    step = movement(
        State(case.state),
        violates=said is not None,
        worse=why is not None,
        same=now == case,
        decided=decision is not None,
    )
    return None if step is None else _next(desk, now, step, one, decision, why)


def _why_worse(book: PolicyBook, decision: _Decision, now: KnownViolation) -> str | None:
    rule = book.by_id[now.policy_id].by_id[now.rule_id]
    ground = Ground(
        Figures(now.counted, now.aggregate, now.limit_value),
        rule.unit,
        now.giver,
        waivable=rule.authority is Authority.FIRM,
        covered=decision.exemption is None or covers(decision.exemption, now, decision.recipients) is None,
    )
    return why_worse(decision.ground(book, now.rule_id), ground, decision.outcome)


def covers(exemption: KnownExemption, case: KnownViolation, recipients: Set[str]) -> str | None:
    """Why an exemption does not cover a case, or None where it does. `recipients` are the person's records."""
    return exemption.exempts.why_not(
        rule_id=case.rule_id,
        recipients=recipients,
        employers={id for id in (case.employer_id, case.shown) if id is not None},
        on=case.occurred_on,
    )


def _opened(desk: Desk, one: Caused, said: _Said, about: Mapping[str, About]) -> KnownViolation:
    rule_id, entry_id, shown = one.change.key
    return KnownViolation(
        id=new_id("vio"),
        version=1,
        state=State.OPEN.value,
        entry_id=entry_id,
        rule_id=rule_id,
        shown=shown,
        submitted_by=about[entry_id].submitted_by,
        source=about[entry_id].source,
        cause=one.cause,
        cause_kind=cause_kind(one.cause),
        opened_at=one.stamp.at,
        changed_at=one.stamp.at,
        opened_on=desk.day_of(one.stamp.at),
        due_on=desk.review_due_on(said.severity, one.stamp.at),
        **said._asdict(),
    )


def _next(
    desk: Desk, now: KnownViolation, step: Movement, one: Caused, decision: _Decision | None, why: str | None
) -> _Moved:
    """The next version of a case that says already what it has to say."""
    now = replace(
        now,
        version=now.version + 1,
        changed_at=one.stamp.at,
        cause=one.cause,
        cause_kind=cause_kind(one.cause),
        snoozed_until=None,
    )
    if step is Movement.WITHDRAWN:
        waiting = now.state == State.WAITING_ON_SECOND_PERSON
        why = "the facts changed before a second person agreed" if waiting else None
        return _Moved(step, _withdrawn(desk, now, one.stamp, keeps_decision=not waiting), why)
    if step is Movement.REOPENED:
        return _Moved(step, reopened(desk, now, one.stamp), why)
    if step is Movement.RESTORED and decision is not None:
        return _Moved(step, decided(desk, now, decision.made))
    return _Moved(step, now)


def _withdrawn(desk: Desk, case: KnownViolation, stamp: Stamp, *, keeps_decision: bool) -> KnownViolation:
    """A case without its ground keeps the figures it was opened for, and a decision for when the ground comes back."""
    kept = {"disposition_id": case.disposition_id if keeps_decision else None}
    return replace(
        case,
        **_UNDECIDED
        | kept
        | {
            "state": State.WITHDRAWN.value,
            "closed_on": desk.day_of(stamp.at),
            "reason_code": WITHDRAWN_BY_RECALCULATION,
        },
    )


def reopened(desk: Desk, case: KnownViolation, stamp: Stamp) -> KnownViolation:
    """A case back in the queue: undecided, nobody's, and due as if it were new."""
    return replace(
        case,
        **_UNDECIDED
        | {
            "state": State.OPEN.value,
            "assignee": None,
            "disposition_id": None,
            "snoozed_until": None,
            "due_on": desk.review_due_on(case.severity, stamp.at),
        },
    )


def decided(desk: Desk, case: KnownViolation, made: KnownDisposition) -> KnownViolation:
    """A case on which a complete decision stands."""
    return replace(
        case,
        state=State.DECIDED.value,
        outcome=made.outcome,
        reason_code=made.reason_code,
        corrective_action=made.corrective_action,
        decided_by=made.decided_by,
        confirmed_by=made.confirmed_by,
        disposition_id=made.id,
        snoozed_until=None,
        closed_on=desk.day_of(made.confirmed_at or made.decided_at),
    )


def _fall(connection: Connection, after: _Moved, before: KnownViolation | None, stamp: Stamp) -> None:
    """The decision of a case that no longer has it falls."""
    if before is not None and before.disposition_id is not None and after.case.disposition_id is None:
        dispositions.fall(connection, [before.disposition_id], at=stamp.at, because=after.why or after.step.value)


def _facts(after: _Moved) -> dict[str, object]:
    case = after.case
    facts = {
        "entry": case.entry_id,
        "rule": case.rule_id,
        "shown": case.shown,
        "policy": case.policy_id,
        "state": case.state,
        "counted": case.counted,
        "aggregate": case.aggregate,
        "limit": case.limit_value,
        "cause": case.cause,
        "due_on": case.due_on.isoformat(),
    }
    if case.outcome is not None:
        facts["outcome"] = case.outcome
    return facts | ({"why": after.why} if after.why else {})
