"""Publishing a policy: a second person puts it in force, and everything it touches is judged anew at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection

from app.domain.audit import canonical
from app.domain.money import format_minor
from app.domain.policies import PolicyBook
from app.domain.screening import Assessment, Outcome
from app.domain.violations import Movement
from app.services import policies, screening, violations
from app.services.desk import Desk
from app.services.entries import about_others
from app.services.screening import Change
from app.services.violations import Cases, Caused
from app.storage import entries as entry_rows
from app.storage import policies as policy_rows
from app.storage import publications as publication_rows
from app.storage import recipients as recipient_rows
from app.storage.policies import KnownPolicy
from app.storage.publications import KeptChange as KeptChange

_AT_ONCE = 200


@dataclass
class Publication:
    """A published version and what it changed: results new, changed or gone, cases that moved, people, money.

    `opened` counts cases that were reopened, too. `violating` has for each unit what counted in the changed results
    that violate: before, after, and its decimals.
    """

    policy: KnownPolicy
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    opened: int = 0
    moved: int = 0
    closed: int = 0
    people: set[str] = field(default_factory=set)
    violating: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The numbers, as they are kept with the publication."""
        return {
            "new": self.new,
            "changed": self.changed,
            "withdrawn": self.withdrawn,
            "violations_opened": self.opened,
            "violations_changed": self.moved,
            "violations_withdrawn": self.closed,
            "people": len(self.people),
            "violating": [
                {"unit": unit, "before": format_minor(before, digits), "after": format_minor(after, digits)}
                for unit, (before, after, digits) in sorted(self.violating.items())
            ],
        }

    def add(self, book: PolicyBook, changes: Sequence[Change], cases: Cases) -> None:
        """Counts a part of what changed."""
        for change in changes:
            self.new += change.before is None
            self.withdrawn += change.after is None
            self.changed += change.before is not None and change.after is not None
            self.people.add(change.key[2])
            if change.before is not None:
                self._weigh(book, change.before.policy_id, change.before.assessment, before=1)
            if change.after is not None:
                self._weigh(book, screening.policy_id(book, change.after), change.after, after=1)
        steps = cases.steps.values()
        self.opened += sum(step in (Movement.OPENED, Movement.REOPENED) for step in steps)
        self.moved += sum(step in (Movement.CHANGED, Movement.RESTORED) for step in steps)
        self.closed += sum(step is Movement.WITHDRAWN for step in steps)

    def _weigh(self, book: PolicyBook, policy_id: str, answer: Assessment, *, before: int = 0, after: int = 0) -> None:
        if answer.outcome is Outcome.VIOLATION:
            rule = book.by_id[policy_id].by_id[answer.line.rule_id]
            was, now, digits = self.violating.get(rule.unit, (0, 0, rule.exponent))
            counted = answer.line.counted
            self.violating[rule.unit] = (was + before * counted, now + after * counted, digits)


def _unheard(_done: int, _total: int) -> None:
    """Nobody asked how far it is."""


def publish(
    connection: Connection,
    desk: Desk,
    policy_id: str,
    *,
    effective_from: date,
    by: str,
    door: str = "api",
    progress: Callable[[int, int], None] = _unheard,
) -> Publication:
    """Puts a draft in force from a day on and judges anew everything dated from then on, with what reaches back to it.

    Part by part, so that memory stays flat; `progress` hears how many people of how many are done. The difference is
    kept with the publication. Raises what `policies.published` raises.
    """
    journal = desk.journal()
    known = policies.published(
        connection, desk, policy_id, effective_from=effective_from, by=by, journal=journal, door=door
    )
    done = Publication(known)
    book = policies.read(connection)
    # Whoever comes next goes above the version's own place, so that is where what it changes has to stand too.
    stamp, sequence = desk.stamp(by, door=door), known.known_from or desk.sequencer.next()
    since = _first_touched(book, known, effective_from)
    before = PolicyBook(policy for policy in book.by_id.values() if policy.id != policy_id)
    owners = _owners(connection, since, employers_too=book.uses_employers or before.uses_employers)
    judged = 0
    for part in _in_parts(owners):
        changes = _judged_anew(connection, book, set(part), since)
        about = about_others(connection, changes)
        caused = [Caused(change, sequence, policy_id, stamp) for change in changes]
        done.add(book, changes, violations.settle(connection, desk, book, caused, about, journal=journal))
        publication_rows.keep_changes(connection, policy_id, changes_kept(book, changes))
        judged += len(part)
        progress(judged, len(owners))
    policy_rows.keep_summary(connection, policy_id, json.dumps(done.summary()))
    journal.seal(connection)
    return done


def _judged_anew(connection: Connection, book: PolicyBook, part: set[str], since: date) -> list[Change]:
    people = {owner for owner in part if owner.startswith("rec_")}
    recipient_rows.lock(connection, recipient_rows.groups(connection, people))
    recipient_rows.lock_employers(connection, part - people)
    return screening.replay(connection, book, part, since=since, until=date.max)


def _owners(connection: Connection, since: date, *, employers_too: bool) -> list[str]:
    """Everybody whose results can differ, merged records as who they turned out to be; people first."""
    found = entry_rows.owners_since(connection, since)
    people = {owner for owner in found if owner.startswith("rec_")}
    canon = recipient_rows.canon(connection, people)
    employers = sorted(found - people) if employers_too else []
    return sorted({canon.get(person, person) for person in people}) + employers


def changes_kept(book: PolicyBook, changes: Sequence[Change]) -> Iterator[tuple[str, str, str, str | None, str | None]]:
    """(rule, entry, shown, before, after) of every change, as it is kept with the publication."""
    for change in changes:
        before, after = change.before, change.after
        yield (
            *change.key,
            _kept(before.assessment, before.policy_id) if before else None,
            _kept(after, screening.policy_id(book, after)) if after else None,
        )


def _kept(answer: Assessment, policy_id: str) -> str:
    line = answer.line
    return canonical(
        {
            "counted": line.counted,
            "aggregate": answer.aggregate,
            "limit": answer.limit,
            "outcome": answer.outcome.value,
            "exclusion": line.exclusion,
            "policy": policy_id,
        }
    )


def changes_of(
    connection: Connection, policy_id: str, *, after: tuple[str, str, str] | None, limit: int
) -> list[KeptChange]:
    """What a publication changed, result by result."""
    return publication_rows.changes(connection, policy_id, after=after, limit=limit)


def _first_touched(book: PolicyBook, known: KnownPolicy, effective_from: date) -> date:
    """The first day whose results can differ: the day it takes effect, or of a corrected rate if that is earlier.

    No entry is dated before the books begin.
    """
    policy = book.by_id[known.id]
    rates = (day for days in policy.settings.fx.values() for day in days)
    return max(min([effective_from, *rates]), policies.ALWAYS)


def _in_parts(owners: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(owners), _AT_ONCE):
        yield owners[start : start + _AT_ONCE]
