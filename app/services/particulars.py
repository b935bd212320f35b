"""A recipient's particulars: names, ids elsewhere, and what they were from which day on, corrected with reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.entries import Entry, Listed
from app.domain.policies import PolicyBook
from app.domain.recipients import match_key, name_key
from app.domain.refusals import StaleVersion
from app.services import matches, policies, recipients, screening
from app.services.desk import Desk
from app.services.entries import Correction, keep_versions
from app.services.journal import Journal
from app.services.merges import NotOnePerson, can_be_one
from app.services.recipients import ExternalIdTaken, RecipientNotFound, Roster, UnknownEmployer, place_on
from app.services.violations import Cases
from app.storage import entries as entry_rows
from app.storage import recipients as rows
from app.storage.recipients import KnownRecipient, Place

ALWAYS = date.min


class RecipientChanged(StaleVersion):
    code = "recipient_changed"
    title = "The recipient has another version by now"


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is different now; None leaves a particular as it is. `effective_from` is the day for type and employer.

    `history` is all that the person ever was, in place of what is known; `forgotten` drops mail, phone and aliases.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    aliases: Sequence[str] | None = None
    external_ids: Sequence[tuple[str, str]] | None = None
    type: str | None = None
    employer: str | None = None
    employer_id: str | None = None
    effective_from: date | None = None
    history: Sequence[Place] | None = None
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """A recipient after a change, and what that changed of results and cases."""

    person: KnownRecipient
    changes: Sequence[screening.Change]
    cases: Cases


def change(
    connection: Connection, desk: Desk, recipient_id: str, said: Particulars, *, version: int, reason: str, by: str
) -> Changed:
    """A recipient's next version. Entries that took type or employer from the record follow, and are judged anew.

    Raises RecipientNotFound, RecipientChanged, UnknownEmployer, NotOnePerson or ExternalIdTaken.
    """
    stamp, journal = desk.stamp(by, reason=reason), desk.journal()
    book = policies.current(connection, desk, hold=True)
    known = rows.by_id(connection, [recipient_id]).get(recipient_id)
    if known is None:
        raise RecipientNotFound("There is no such recipient")
    roster = _hold(connection, known, stamp)
    held = roster.held[recipient_id]
    if held.version != version:
        raise RecipientChanged(f"The recipient is at version {held.version}; read it again")
    employer_id = _employer(connection, said, journal, stamp)
    history = _history(roster, held, said, employer_id, desk.today())
    if said.type is not None:
        _require_one_person(connection, held, history[-1].type)
    _keep(connection, held, said, history)
    journal.note(recipient_id, version + 1, "recipient.changed", _facts(said, employer_id), stamp)
    known_from, changes, cases = _follow(connection, desk, book, roster, held, history, journal, stamp)
    before = roster.histories.get(recipient_id) or [Place(ALWAYS, held.type, held.employer_id)]
    if history != before:
        rows.keep_former_places(connection, recipient_id, before, known_until=known_from)
    journal.seal(connection)
    return Changed(recipients.get(connection, recipient_id), changes, cases)


def _hold(connection: Connection, known: KnownRecipient, stamp: Stamp) -> Roster:
    """The recipient with everybody who is on an entry with them; while they are held, no entry can join those."""
    also = {known.id, known.canonical_id}
    while True:
        also |= _together_with(connection, known.id)
        roster = recipients.resolve(connection, [], stamp, hold=True, employers_too=False, also=also)
        if _together_with(connection, known.id) <= roster.held.keys():
            return roster


def _together_with(connection: Connection, recipient_id: str) -> set[str]:
    """Everybody who is named on an entry that lists the recipient."""
    listing = entry_rows.listing(connection, recipient_id)
    return {id for one in listing for row in one.entry.recipients for id in (row.recipient_id, row.guest_of) if id}


def _require_one_person(connection: Connection, held: KnownRecipient, type: str) -> None:
    """Raises NotOnePerson where a record that is one with others would get a type that theirs cannot go with."""
    group = rows.by_id(connection, rows.groups(connection, [held.canonical_id]))
    if not can_be_one([type, *(person.type for person in group.values() if person.id != held.id)]):
        raise NotOnePerson.at(
            "/type", "Another record of this person has a type that does not go with it; part them first"
        )


def _employer(connection: Connection, said: Particulars, journal: Journal, stamp: Stamp) -> str | None:
    """The id of the employer that is said, created where it is new."""
    if said.employer_id is not None:
        if said.employer_id not in rows.employers_by_id(connection, [said.employer_id]):
            raise UnknownEmployer.at("/employer_id", "There is no employer with this id")
        return said.employer_id
    if said.employer is None:
        return None
    return recipients.employer_named(connection, said.employer, journal, stamp)


def _history(
    roster: Roster, held: KnownRecipient, said: Particulars, employer_id: str | None, today: date
) -> list[Place]:
    """What the person was when, with the change in its place: it holds until the next one that is known."""
    if said.history:
        return sorted(said.history)
    history = roster.histories.get(held.id) or [Place(ALWAYS, held.type, held.employer_id)]
    if said.type is None and employer_id is None:
        return history
    since = said.effective_from or today
    type, employer = place_on(history, since) or (held.type, held.employer_id)
    changed = Place(since, said.type or type, employer_id or employer)
    return sorted([place for place in history if place.effective_from != since] + [changed])


def _keep(connection: Connection, held: KnownRecipient, said: Particulars, history: Sequence[Place]) -> None:
    last = history[-1]
    name, email = said.name or held.name, None if said.forgotten else said.email or held.email
    values: dict[str, object] = {
        "name": name,
        "name_key": name_key(name),
        "email": email,
        "phone": None if said.forgotten else said.phone or held.phone,
        "type": last.type,
        "employer_id": last.employer_id,
        "place_from": None if len(history) == 1 and last.effective_from == ALWAYS else last.effective_from,
    }
    key = match_key(name, last.employer_id, email)
    if rows.by_match_key(connection, [key]).get(key) is None:
        values["match_key"] = key
    rows.change(connection, held.id, version=held.version, values=values)
    rows.set_places(connection, held.id, history if values["place_from"] else ())
    if said.aliases is not None or said.forgotten:
        rows.set_aliases(connection, held.id, () if said.forgotten else said.aliases or ())
    if said.external_ids is not None:
        taken = rows.by_external_id(connection, said.external_ids)
        if any(owner != held.id for owner in taken.values()):
            raise ExternalIdTaken("One of these external ids belongs to another recipient")
        rows.set_external_ids(connection, held.id, said.external_ids)
    matches.refresh(connection, [held.canonical_id])


def _follow(
    connection: Connection,
    desk: Desk,
    book: PolicyBook,
    roster: Roster,
    held: KnownRecipient,
    history: Sequence[Place],
    journal: Journal,
    stamp: Stamp,
) -> tuple[int, Sequence[screening.Change], Cases]:
    """New versions of the entries that took the person's type or employer from the record, where it differs now.

    The place in the order of record from which the change is known, with what it changed.
    """
    corrections = []
    for known in entry_rows.listing(connection, held.id):
        entry = _as_of_record(known.entry, held.id, history)
        if entry != known.entry:
            weighed = screening.weigh(book, entry, roster.links)
            corrections.append((Correction(known, entry, "entry.recipient_changed"), weighed.shares))
    if not corrections:
        return desk.sequencer.next(roster.last_sequence), (), Cases()
    if book.uses_employers:
        people = [row for one, _ in corrections for row in (*one.entry.recipients, *one.known.entry.recipients)]
        places = {place for row in people for place in (row.employer_id, row.client_employer_id) if place}
        recipients.hold_employers(connection, roster, places)
    known_from = desk.sequencer.next(roster.last_sequence)
    cause = f"{held.id}:{held.version + 1}"
    changes, cases = keep_versions(
        connection,
        desk,
        book,
        roster,
        corrections,
        known_from=known_from,
        journal=journal,
        stamp=stamp,
        cause=cause,
    )
    return known_from, changes, cases


def _as_of_record(entry: Entry, person: str, history: Sequence[Place]) -> Entry:
    return replace(
        entry,
        recipients=tuple(
            _placed(one, place_on(history, entry.occurred_on)) if one.recipient_id == person else one
            for one in entry.recipients
        ),
    )


def _placed(one: Listed, place: tuple[str, str | None] | None) -> Listed:
    if place is None:
        return one
    type, employer_id = place
    return replace(
        one,
        type=type if one.type_from_record else one.type,
        employer_id=employer_id if one.employer_from_record else one.employer_id,
    )


def _facts(said: Particulars, employer_id: str | None) -> Mapping[str, object]:
    facts: dict[str, object] = {
        "name": said.name,
        "email": said.email,
        "phone": said.phone,
        "aliases": None if said.aliases is None else list(said.aliases),
        "external_ids": None if said.external_ids is None else [list(pair) for pair in said.external_ids],
        "type": said.type,
        "employer_id": employer_id,
        "effective_from": said.effective_from.isoformat() if said.effective_from else None,
        "history": said.history and [[one.effective_from.isoformat(), *one[1:]] for one in said.history],
        "forgotten": said.forgotten or None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def history(connection: Connection, person: KnownRecipient) -> list[Place]:
    """What a person was from which day on, earliest first."""
    return rows.places(connection, [person.id]).get(person.id) or [Place(ALWAYS, person.type, person.employer_id)]


def aliases(connection: Connection, recipient_id: str) -> list[str]:
    """Other names of a recipient."""
    return rows.aliases(connection, recipient_id)
