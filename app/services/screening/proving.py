"""Proving: the arithmetic behind one answer, worked out anew from the facts as they were known at the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.entries import Entry
from app.domain.policies import PeriodType, Policy, Rule
from app.domain.screening import Line, Step, count, explain
from app.services import policies
from app.services.screening.knowing import versions_of
from app.storage.screening import Known


@dataclass(frozen=True, slots=True)
class ProvedLine:
    """One entry that was read for the answer: what it adds, how that comes about, and the total up to it."""

    line: Line
    entry: Entry
    version: int
    steps: Sequence[Step]
    running: int


@dataclass(frozen=True, slots=True)
class Proof:
    """An answer with everything it rests on. `agrees` says that the sum worked out anew is the one that was kept."""

    known: Known
    policy: Policy
    rule: Rule
    lines: Sequence[ProvedLine]

    @property
    def agrees(self) -> bool:
        """Whether the arithmetic gives the kept figures again."""
        answer = self.known.assessment
        last = self.lines[-1] if self.lines else None
        return last is not None and last.running == answer.aggregate and last.line.counted == answer.line.counted


def prove(connection: Connection, known: Known) -> Proof:
    """Reads the entries of the answer's period as they stood when the answer was given, and adds them up anew."""
    answer, at = known.assessment, known.known_from
    book = policies.read(connection, at)
    policy = book.by_id[known.policy_id]
    owner = answer.line.shown
    rule = policy.by_id[answer.line.rule_id]
    pairs = [
        (line, entry, version)
        for entry, version in versions_of(
            connection, owner, first=answer.period.start, last=answer.line.occurred_on, at=at
        )
        for line in count(policy, entry)
        if _added_up(line, answer.line)
    ]
    pairs.sort(key=lambda pair: pair[0].order)
    if rule.period.type is PeriodType.PER_EVENT:
        pairs = [pair for pair in pairs if pair[0].entry_id == answer.line.entry_id]
    return Proof(known, policy, rule, _running(policy, rule, pairs))


def _added_up(line: Line, last: Line) -> bool:
    return line.rule_id == last.rule_id and line.subject == last.subject and line.order <= last.order


def _running(policy: Policy, rule: Rule, pairs: Sequence[tuple[Line, Entry, int]]) -> list[ProvedLine]:
    total, lines = 0, []
    for line, entry, version in pairs:
        total += line.counted
        lines.append(ProvedLine(line, entry, version, explain(policy, rule, entry, line), total))
    return lines
