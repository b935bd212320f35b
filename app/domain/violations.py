"""Violations: the case opened for a violating assessment, what people do with it, and how recalculation moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from app.domain.refusals import Conflict


class State(StrEnum):
    OPEN = "open"
    IN_REVIEW = "in_review"
    WAITING_ON_REP = "waiting_on_rep"
    ESCALATED = "escalated"
    WAITING_ON_SECOND_PERSON = "waiting_on_second_person"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


CLOSED = frozenset({State.DECIDED, State.WITHDRAWN})


class Outcome(StrEnum):
    """How a case was decided."""

    CONFIRMED = "confirmed"
    NO_VIOLATION = "no_violation"
    WAIVED = "waived"
    DUPLICATE = "duplicate"


class Order(StrEnum):
    """How cases are put in order: soonest due, gravest, furthest over, or newest first."""

    DUE = "due"
    SEVERITY = "severity"
    AMOUNT_OVER = "amount_over"
    NEWEST = "newest"


class CauseKind(StrEnum):
    """What moved a case last, where it was not the recording of its own entry."""

    ENTRY = "entry"
    CORRECTION = "correction"
    POLICY = "policy"
    MERGE = "merge"
    PARTICULARS = "particulars"


SEVERITIES = ("critical", "high", "medium", "low")
_CAUSES = {"pol": CauseKind.POLICY, "rec": CauseKind.PARTICULARS, "emp": CauseKind.PARTICULARS}


def cause_kind(cause: str | None) -> CauseKind | None:
    """The kind of a cause such as `ent_…:2`: a first version is another entry that was recorded, a later a correction.

    What is no entry, policy, recipient or employer is a merge, or its end.
    """
    if cause is None:
        return None
    if cause.startswith("ent_"):
        return CauseKind.ENTRY if cause.endswith(":1") else CauseKind.CORRECTION
    return _CAUSES.get(cause[:3], CauseKind.MERGE)


class Act(StrEnum):
    """What a person does with a case. PROPOSE is a waiver that needs a second person, CONFIRM what that person does.

    ANSWER leaves another question open, ANSWER_LAST leaves none.
    """

    ASSIGN = "assign"
    UNASSIGN = "unassign"
    COMMENT = "comment"
    ASK = "ask"
    ANSWER = "answer"
    ANSWER_LAST = "answer_last"
    SNOOZE = "snooze"
    LINK = "link"
    ESCALATE = "escalate"
    DECIDE = "decide"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    REOPEN = "reopen"


JUDGEMENTS = frozenset({Act.DECIDE, Act.PROPOSE, Act.CONFIRM, Act.REOPEN})
"""The acts that nobody does on what is their own."""


class ViolationWithdrawn(Conflict):
    code = "violation_withdrawn"
    title = "The violation was withdrawn"


class ViolationDecided(Conflict):
    code = "violation_decided"
    title = "The violation is decided"


class ActNotAllowed(Conflict):
    code = "act_not_allowed"
    title = "The violation's state does not allow this"


_S, _A = State, Act
_ALWAYS = (Act.COMMENT, Act.LINK)


def _row(state: State, moves: Mapping[Act, State], *staying: Act) -> dict[Act, State]:
    return dict.fromkeys((*_ALWAYS, *staying), state) | dict(moves)


_TO_A_DECISION = {_A.DECIDE: _S.DECIDED, _A.PROPOSE: _S.WAITING_ON_SECOND_PERSON}

MOVES: Mapping[State, Mapping[Act, State]] = MappingProxyType(
    {
        _S.OPEN: _row(
            _S.OPEN,
            {_A.ASSIGN: _S.IN_REVIEW, _A.ASK: _S.WAITING_ON_REP, _A.ESCALATE: _S.ESCALATED, **_TO_A_DECISION},
            _A.UNASSIGN,
            _A.ANSWER,
            _A.ANSWER_LAST,
            _A.SNOOZE,
        ),
        _S.IN_REVIEW: _row(
            _S.IN_REVIEW,
            {_A.UNASSIGN: _S.OPEN, _A.ASK: _S.WAITING_ON_REP, _A.ESCALATE: _S.ESCALATED, **_TO_A_DECISION},
            _A.ASSIGN,
            _A.ANSWER,
            _A.ANSWER_LAST,
            _A.SNOOZE,
        ),
        _S.WAITING_ON_REP: _row(
            _S.WAITING_ON_REP,
            {_A.ANSWER_LAST: _S.IN_REVIEW, _A.ESCALATE: _S.ESCALATED, **_TO_A_DECISION},
            _A.ASSIGN,
            _A.UNASSIGN,
            _A.ASK,
            _A.ANSWER,
            _A.SNOOZE,
        ),
        _S.ESCALATED: _row(
            _S.ESCALATED,
            _TO_A_DECISION,
            _A.ASSIGN,
            _A.UNASSIGN,
            _A.ASK,
            _A.ANSWER,
            _A.ANSWER_LAST,
            _A.SNOOZE,
        ),
        _S.WAITING_ON_SECOND_PERSON: _row(
            _S.WAITING_ON_SECOND_PERSON,
            {_A.ASK: _S.WAITING_ON_REP, _A.ESCALATE: _S.ESCALATED, _A.CONFIRM: _S.DECIDED, **_TO_A_DECISION},
            _A.ASSIGN,
            _A.UNASSIGN,
            _A.ANSWER,
            _A.ANSWER_LAST,
        ),
        _S.DECIDED: _row(_S.DECIDED, {_A.REOPEN: _S.OPEN}),
        _S.WITHDRAWN: _row(_S.WITHDRAWN, {}),
    }
)
"""The one table of what may be done in a state and which state follows. A pair that is not in it is not allowed."""


def after(state: State, act: Act) -> State:
    """The state that follows an act. Raises ViolationWithdrawn, ViolationDecided or ActNotAllowed for all others."""
    following = MOVES[state].get(act)
    if following is not None:
        return following
    if state is State.WITHDRAWN:
        raise ViolationWithdrawn("The violation was withdrawn; it can only be commented on and linked")
    if state is State.DECIDED:
        raise ViolationDecided("The violation is decided; reopen it first")
    raise ActNotAllowed(f"This cannot be done while the violation is {state.replace('_', ' ')}")


# Recalculation


class Movement(StrEnum):
    """What recalculation does to a case."""

    OPENED = "violation.opened"
    REOPENED = "violation.reopened"
    CHANGED = "violation.changed"
    WITHDRAWN = "violation.withdrawn"
    RESTORED = "violation.restored"


def movement(state: State | None, *, violates: bool, worse: bool, same: bool, decided: bool = False) -> Movement | None:
    """What a fresh assessment does to a case in a state (None: there is none yet).

    A case that loses its ground is withdrawn, never deleted. One that was decided, or waits for a second person to
    agree, is reopened when its facts get `worse` than those of the decision. A withdrawn case whose ground comes back
    is opened again; where it had been `decided` and nothing is worse, the decision holds again.
    """
    if state is None:
        return Movement.OPENED if violates else None
    if not violates:
        return None if state is State.WITHDRAWN else Movement.WITHDRAWN
    if state is State.WITHDRAWN:
        return Movement.RESTORED if decided and not worse else Movement.REOPENED
    if worse and state in (State.DECIDED, State.WAITING_ON_SECOND_PERSON):
        return Movement.REOPENED
    return None if same else Movement.CHANGED


class Figures(NamedTuple):
    """The sums of a case, in minor units of the rule's currency or as a count."""

    counted: int
    aggregate: int
    limit: int

    @property
    def over_by(self) -> int:
        """How far the total lies above the limit."""
        return self.aggregate - self.limit


@dataclass(frozen=True, slots=True)
class Ground:
    """What a decision rests on: the sums, whose gift it was, and whether what was granted may be granted.

    `unit` is what the sums are in: a currency or `count`. `waivable`: the rule is the firm's own. `covered`: the
    exemption that was named, if any, covers the case.
    """

    figures: Figures
    unit: str
    giver: str
    waivable: bool = True
    covered: bool = True


def why_worse(before: Ground, now: Ground, outcome: Outcome) -> str | None:
    """Why a decision made on one ground does not hold on another; None where it holds."""
    if now.giver != before.giver:
        return "the giver is another person than the one decided on"
    if outcome is Outcome.WAIVED and not now.waivable:
        return "the rule is now a regulator's, which cannot be waived"
    if not now.covered:
        return "the exemption no longer covers it"
    if now.unit != before.unit:
        return "the rule adds up something else than when it was decided"
    if now.figures.over_by > before.figures.over_by:
        return "more is over the limit than when it was decided"
    if now.figures.counted > before.figures.counted:
        return "more of this entry counts than when it was decided"
    return None
