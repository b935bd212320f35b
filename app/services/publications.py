"""Publishing a policy: a second person puts it in force, and everything it touches is judged anew at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from sqlalchemy import Connection

from app.domain.policies import PolicyBook
from app.services import policies, screening, violations
from app.services.desk import Desk
from app.services.violations import About, Caused
from app.storage import entries as entry_rows
from app.storage import recipients as recipient_rows
from app.storage.policies import KnownPolicy

_AT_ONCE = 200


@dataclass
class Publication:
    """A published version and what it changed: results that are new, changed or gone, and cases that moved."""

    policy: KnownPolicy
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    violations: int = 0


def publish(
    connection: Connection, desk: Desk, policy_id: str, *, effective_from: date, by: str, door: str = "api"
) -> Publication:
    """Puts a draft in force from a day on and judges anew everything dated from then on, with what reaches back to it.

    Raises what `policies.published` raises.
    """
    journal = desk.journal()
    known = policies.published(
        connection, desk, policy_id, effective_from=effective_from, by=by, journal=journal, door=door
    )
    done = Publication(known)
    book = policies.read(connection)
    stamp, sequence = desk.stamp(by, door=door), desk.sequencer.next()
    since = _first_touched(book, known, effective_from)
    for owners in _in_parts(entry_rows.owners_since(connection, since)):
        recipient_rows.lock(connection, owners)
        changes = screening.replay(connection, book, set(owners), since=since, until=date.max)
        for change in changes:
            done.new += change.before is None
            done.withdrawn += change.after is None
            done.changed += change.before is not None and change.after is not None
        touched = entry_rows.by_id(connection, {change.key[1] for change in changes})
        about = {id: About(one.entry, one.submitted_by) for id, one in touched.items()}
        caused = [Caused(change, sequence, policy_id, stamp) for change in changes]
        done.violations += len(violations.settle(connection, book, caused, about, journal=journal))
    journal.seal(connection)
    return done


def _first_touched(book: PolicyBook, known: KnownPolicy, effective_from: date) -> date:
    """The first day whose results can differ: the day it takes effect, or of a corrected rate if that is earlier."""
    policy = book.by_id[known.id]
    rates = (day for days in policy.settings.fx.values() for day in days)
    return min([effective_from, *rates])


def _in_parts(owners: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(sorted(owners))
    while part := list(islice(remaining, _AT_ONCE)):
        yield part
