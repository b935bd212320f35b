"""Merges: two records found to be one person, or found not to be after all; what that changes is judged anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.policies import PolicyBook
from app.domain.refusals import Conflict, NotFound, Unprocessable
from app.services import policies, screening, violations
from app.services.desk import Desk
from app.services.entries import about_others
from app.services.journal import Journal
from app.services.recipients import RecipientNotFound
from app.services.screening import Change
from app.services.violations import Cases, Caused
from app.storage import entries as entry_rows
from app.storage import merges
from app.storage import recipients as recipient_rows
from app.storage.ids import new_id
from app.storage.merges import KnownMerge as KnownMerge
from app.storage.recipients import KnownEmployer, KnownRecipient

OWN = "own_associated_person"


class MergeNotFound(NotFound):
    code = "merge_not_found"


class MergedWithSelf(Unprocessable):
    code = "merged_with_self"
    title = "A person cannot be merged with themselves"


class AlreadyMerged(Conflict):
    code = "already_merged"
    title = "The record was merged into another person"


class MergedInCircle(Conflict):
    code = "merged_in_circle"
    title = "The two are one person already"


class NotOnePerson(Unprocessable):
    code = "not_one_person"
    title = "People of these types cannot be one person"


class MergeUndone(Conflict):
    code = "merge_undone"
    title = "The merge was undone before"


@dataclass(frozen=True, slots=True)
class Effect:
    """A merge, made or undone, and what it changes: results and cases."""

    merge: KnownMerge
    book: PolicyBook
    changes: Sequence[Change]
    cases: Cases


def merge(connection: Connection, desk: Desk, keep_id: str, drop_id: str, *, reason: str, by: str) -> Effect:
    """Shows everything of `drop_id` under `keep_id` from now on, or under whoever that one was merged into.

    Raises RecipientNotFound, MergedWithSelf, AlreadyMerged, MergedInCircle, or NotOnePerson for own people and others.
    """
    if keep_id == drop_id:
        raise MergedWithSelf.at("/recipient_id", "Name the other record")
    book = policies.current(connection, desk, hold=True)
    held = _hold(connection, [keep_id, drop_id])
    _check(held, keep_id, drop_id)
    stamp, journal = desk.stamp(by, reason=reason), desk.journal()
    employers = _hold_employers(connection, book, held)
    known_from = desk.sequencer.next(_last_sequence(held, employers))
    made = KnownMerge(new_id("mrg"), 1, keep_id, drop_id, reason, by, stamp.at, None, None, None, known_from, None)
    merges.add(connection, made)
    dropped = [person.id for person in held.values() if person.canonical_id == drop_id]
    person = held[keep_id].canonical_id
    recipient_rows.set_canonical(connection, dropped, person)
    journal.note(made.id, 1, "merge.made", {"keep": keep_id, "drop": drop_id, "reason": reason}, stamp)
    return _judged_anew(connection, desk, book, made, held, employers, {person, drop_id}, known_from, journal, stamp)


def undo(connection: Connection, desk: Desk, merge_id: str, *, reason: str, by: str) -> Effect:
    """Takes a merge back: every record is again who it was without it. Raises MergeNotFound or MergeUndone."""
    made = get(connection, merge_id)
    book = policies.current(connection, desk, hold=True)
    held = _hold(connection, [made.keep_id, made.drop_id])
    made = get(connection, merge_id)
    if made.known_until is not None:
        raise MergeUndone("This merge was undone before")
    stamp, journal = desk.stamp(by, reason=reason), desk.journal()
    employers = _hold_employers(connection, book, held)
    known_from = desk.sequencer.next(_last_sequence(held, employers))
    undone = made._replace(version=2, undone_by=by, undone_at=stamp.at, undone_reason=reason, known_until=known_from)
    merges.undo(connection, undone)
    direct = {one.drop_id: one.keep_id for one in merges.standing(connection, held)}
    roots = {id: _root(direct, id) for id in held}
    for root in sorted(set(roots.values())):
        recipient_rows.set_canonical(connection, [id for id in roots if roots[id] == root], root)
    journal.note(made.id, 2, "merge.undone", {"reason": reason}, stamp)
    owners = {*roots.values(), *(person.canonical_id for person in held.values())}
    return _judged_anew(connection, desk, book, undone, held, employers, owners, known_from, journal, stamp)


def _hold(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
    """Both records with everybody who is one with them, held in the order of ids."""
    ids = set(ids)
    while True:
        known = recipient_rows.by_id(connection, ids)
        everybody = recipient_rows.groups(connection, {person.canonical_id for person in known.values()}) | ids
        held = recipient_rows.lock(connection, everybody)
        if recipient_rows.groups(connection, {person.canonical_id for person in held.values()}) <= held.keys():
            return held


def _check(held: Mapping[str, KnownRecipient], keep_id: str, drop_id: str) -> None:
    for id in (keep_id, drop_id):
        if id not in held:
            raise RecipientNotFound("There is no such recipient")
    if held[drop_id].canonical_id != drop_id:
        raise AlreadyMerged(f"{drop_id} was merged into {held[drop_id].canonical_id}; name that record instead")
    if held[keep_id].canonical_id == drop_id:
        raise MergedInCircle(f"{keep_id} was merged into {drop_id}")
    if not can_be_one(person.type for person in held.values()):
        raise NotOnePerson.at("/recipient_id", "One is of our own people and the other is not; correct a type first")


def can_be_one(types: Iterable[str]) -> bool:
    """Whether records of these types can be of one person: nobody is of our own people and of somebody else's."""
    return len({type == OWN for type in types}) == 1


def _root(direct: Mapping[str, str], id: str) -> str:
    while id in direct:
        id = direct[id]
    return id


def _hold_employers(
    connection: Connection, book: PolicyBook, held: Mapping[str, KnownRecipient]
) -> dict[str, KnownEmployer]:
    """For whom everybody worked who is on an entry with one of those held, where any rule looks at employers."""
    concerned = entry_rows.employers_of(connection, held) if book.uses_employers else set()
    return recipient_rows.lock_employers(connection, concerned)


def _last_sequence(held: Mapping[str, KnownRecipient], employers: Mapping[str, KnownEmployer]) -> int:
    people = (person.touched_sequence for person in held.values())
    return max([0, *people, *(employer.touched_sequence for employer in employers.values())])


def _judged_anew(
    connection: Connection,
    desk: Desk,
    book: PolicyBook,
    made: KnownMerge,
    held: Mapping[str, KnownRecipient],
    employers: Mapping[str, KnownEmployer],
    owners: set[str],
    known_from: int,
    journal: Journal,
    stamp: Stamp,
) -> Effect:
    since = entry_rows.first_day(connection, held)
    changes: list[Change] = []
    if since is not None:
        changes = screening.replay(connection, book, owners | employers.keys(), since=since, until=date.max)
    caused = [Caused(change, known_from, made.id, stamp) for change in changes]
    about = about_others(connection, changes)
    cases = violations.settle(connection, desk, book, caused, about, journal=journal)
    recipient_rows.touch(connection, sorted(held), sorted(employers), known_from)
    journal.seal(connection)
    return Effect(made, book, changes, cases)


def get(connection: Connection, merge_id: str) -> KnownMerge:
    """One merge. Raises MergeNotFound."""
    found = merges.by_id(connection, merge_id)
    if found is None:
        raise MergeNotFound("There is no such merge")
    return found


def listed(connection: Connection, *, recipient_id: str | None, after: str | None, limit: int) -> list[KnownMerge]:
    """Merges, newest first."""
    return merges.listed(connection, recipient_id=recipient_id, after=after, limit=limit)
