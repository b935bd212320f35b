"""Violations: the case opened for a violating assessment, and how recalculation moves it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    OPEN = "open"
    IN_REVIEW = "in_review"
    WAITING_ON_REP = "waiting_on_rep"
    ESCALATED = "escalated"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Movement(StrEnum):
    """What recalculation does to a case."""

    OPENED = "violation.opened"
    REOPENED = "violation.reopened"
    CHANGED = "violation.changed"
    WITHDRAWN = "violation.withdrawn"


def movement(state: State | None, *, violates: bool, worse: bool, same: bool) -> Movement | None:
    """What a fresh assessment does to a case in a state (None: there is none yet).

    A case that loses its ground is withdrawn, never deleted; one that was decided is reopened when its facts get worse.
    """
    if state is None:
        return Movement.OPENED if violates else None
    if not violates:
        return None if state is State.WITHDRAWN else Movement.WITHDRAWN
    if state is State.WITHDRAWN:
        return Movement.REOPENED
    if same:
        return None
    return Movement.REOPENED if state is State.DECIDED and worse else Movement.CHANGED
