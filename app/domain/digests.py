"""Digests: one mail a day to whoever has something waiting. It counts and links and names nobody, since it is mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

SEVERITIES = ("critical", "high", "medium", "low")
# Before each attempt of one day's digest; then the next day's says it all anyway.
_DELAYS = (timedelta(), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))


class DigestState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person: cases by severity, how many are new and overdue, questions, and what stopped."""

    cases: Mapping[str, int] = field(default_factory=dict)
    new: int = 0
    overdue: int = 0
    questions: int = 0
    stopped: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(sum(self.cases.values()) or self.questions or self.stopped)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail's subject and its plain text."""

    subject: str
    text: str


def compose(waiting: Waiting, day: date, *, base_url: str = "") -> Mail | None:
    """The digest of a day, or None where nothing waits: silence is the message that nothing does."""
    if not waiting:
        return None
    subjects, lines = [], []
    if total := sum(waiting.cases.values()):
        subjects.append(f"{total} open" + (f", {waiting.overdue} overdue" if waiting.overdue else ""))
        lines += [f"Violations waiting for a decision: {total}", *_by_severity(waiting.cases)]
        lines += [f"  new in the last day: {waiting.new}", f"  overdue: {waiting.overdue}"]
        lines += [f"  {base_url}/v1/violations?state=open" if base_url else "", ""]
    if waiting.questions:
        subjects.append("1 question for you" if waiting.questions == 1 else f"{waiting.questions} questions for you")
        lines += [f"Questions that compliance asks you: {waiting.questions}", ""]
    for stopped in waiting.stopped:
        lines += [f"Your webhook subscription {stopped} is disabled: nobody answered there any more.", ""]
    if waiting.stopped:
        subjects.append("a webhook is disabled")
    return Mail(f"Propriety, {day.isoformat()}: {'; '.join(subjects)}", "\n".join(lines).strip() + "\n")


def _by_severity(cases: Mapping[str, int]) -> list[str]:
    known = [severity for severity in SEVERITIES if severity in cases]
    return [f"  {severity}: {cases[severity]}" for severity in [*known, *sorted(cases.keys() - set(SEVERITIES))]]


def next_attempt(made: int) -> timedelta | None:
    """How long to wait after `made` failed attempts; None where the day's digest is given up."""
    return _DELAYS[made] if made < len(_DELAYS) else None
