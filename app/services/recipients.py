"""Recipients: finding whom a draft names, creating those who are new, searching, and what is left for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.entries import Draft, Listed
from app.domain.names import Look
from app.domain.recipients import Named, match_key, name_key
from app.domain.refusals import Conflict, NotFound, Unprocessable
from app.services import names
from app.services.desk import Desk
from app.services.journal import Journal
from app.services.names import LookAlike
from app.storage import matches, merges, recipients
from app.storage.ids import new_id
from app.storage.matches import Record
from app.storage.recipients import KnownEmployer as KnownEmployer
from app.storage.recipients import KnownRecipient as KnownRecipient
from app.storage.recipients import Place


class UnknownRecipient(Unprocessable):
    code = "unknown_recipient"
    title = "There is no such recipient"


class UnknownEmployer(Unprocessable):
    code = "unknown_employer"
    title = "There is no such employer"


class RecipientIncomplete(Unprocessable):
    code = "recipient_incomplete"
    title = "More is needed to find or create the recipient"


class RecipientNotFound(NotFound):
    code = "recipient_not_found"


class EmployerNotFound(NotFound):
    code = "employer_not_found"


class ExternalIdTaken(Conflict):
    code = "external_id_taken"
    title = "That external id belongs to another recipient"


class EmployerExists(Conflict):
    code = "employer_exists"
    title = "There is an employer of that name"


# A new person on an entry is held against those with whom they share a key that no more records than this have.
_FEW = 20


class Match(NamedTuple):
    """The person behind a name on a draft, and how they were found: id, external_id, name, email or created.

    `looks_like` are those whom somebody created may be, most likely first.
    """

    person: KnownRecipient
    how: str
    looks_like: Sequence[LookAlike] = ()


@dataclass
class Roster:
    """Everybody that a batch of drafts names, found or about to be created.

    `canon` says who the merged ones turned out to be in the end, `links` who was merged into whom directly.
    """

    matches: dict[Named, Match] = field(default_factory=dict)
    employers: dict[str, KnownEmployer] = field(default_factory=dict)
    by_employer_key: dict[str, KnownEmployer] = field(default_factory=dict)
    new_people: dict[str, tuple[KnownRecipient, Named, str]] = field(default_factory=dict)
    new_keys: dict[str, set[str]] = field(default_factory=dict)
    new_employers: dict[str, KnownEmployer] = field(default_factory=dict)
    held_employers: set[str] = field(default_factory=set)
    canon: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    histories: dict[str, list[Place]] = field(default_factory=dict)
    held: dict[str, KnownRecipient] = field(default_factory=dict)

    @property
    def last_sequence(self) -> int:
        """The last place in the order of record among everybody on the roster."""
        people = (person.touched_sequence for person in self.held.values())
        return max([0, *people, *(employer.touched_sequence for employer in self.employers.values())])

    @property
    def employer_names(self) -> dict[str, str]:
        """Names of employers by id, as far as they are known without another question."""
        registered = {
            match.person.employer_id: match.person.employer
            for match in self.matches.values()
            if match.person.employer_id is not None and match.person.employer is not None
        }
        return registered | {id: employer.name for id, employer in self.employers.items()}

    def match(self, who: Named, pointer: str) -> Match:
        """The person behind a name. Raises UnknownRecipient or RecipientIncomplete at the pointer."""
        found = self.matches.get(who)
        if found is not None:
            return found
        if who.id is not None:
            raise UnknownRecipient.at(f"{pointer}/id", "There is no recipient with this id")
        if who.name is None:
            raise RecipientIncomplete.at(
                pointer, "Nobody has this external id yet: add name, employer and type to create the recipient"
            )
        raise RecipientIncomplete.at(
            f"{pointer}/type", "This recipient is new: add a type, such as institutional_employee"
        )

    def employer_id(self, name: str | None, id: str | None, pointer: str) -> str | None:
        """The employer by id or name, or None where neither is said. Raises UnknownEmployer at the id's pointer."""
        if id is not None:
            if id not in self.employers:
                raise UnknownEmployer.at(pointer, "There is no employer with this id")
            return id
        return self.by_employer_key[name_key(name)].id if name is not None else None

    def listed(self, draft: Draft) -> tuple[Listed, ...]:
        """The draft's people as an entry lists them. Raises what `match` and `employer_id` raise."""
        return tuple(self._listed(place, draft) for place in range(len(draft.people)))

    def _listed(self, place: int, draft: Draft) -> Listed:
        line, pointer = draft.people[place], f"/recipients/{place}"
        person = self.match(line.who, pointer).person
        said = self.employer_id(line.who.employer, line.who.employer_id, f"{pointer}/employer_id")
        guest_of = self.match(line.guest_of, f"{pointer}/guest_of").person.id if line.guest_of else None
        type, employer_id = self.place_on(person, draft.occurred_on)
        return Listed(
            recipient_id=person.id,
            employer_id=said or employer_id,
            type=line.who.type or type,
            guest_of=guest_of,
            client_employer_id=self.employer_id(
                line.client_employer, line.client_employer_id, f"{pointer}/client_employer_id"
            ),
            client_type=line.client_type,
            share=line.share,
            type_from_record=line.who.type is None,
            employer_from_record=said is None,
        )

    def place_on(self, person: KnownRecipient, on: date) -> tuple[str, str | None]:
        """Type and employer of a person on a day."""
        if person.place_from is None or on >= person.place_from:
            return person.type, person.employer_id
        return place_on(self.histories.get(person.id, ()), on) or (person.type, person.employer_id)


def place_on(history: Sequence[Place], on: date) -> tuple[str, str | None] | None:
    """Type and employer on a day, after a history in order; None where it begins later."""
    held = [place for place in history if place.effective_from <= on]
    return (held[-1].type, held[-1].employer_id) if held else None


def resolve(
    connection: Connection,
    drafts: Sequence[Draft],
    stamp: Stamp,
    *,
    hold: bool,
    employers_too: bool,
    also: Iterable[str] = (),
) -> Roster:
    """Finds everybody whom the drafts name, in a handful of statements for the whole batch; `hold` locks them.

    Those who are named well enough but not found stand on the roster as about to be created. `also` are recipients to
    hold besides.
    """
    named = _named(drafts)
    roster = Roster()
    _find_employers(connection, drafts, named, roster, stamp)
    ids = _find_ids(connection, named, roster)
    roster.held = _hold(connection, {*ids.values(), *also}, hold=hold)
    for who, id in ids.items():
        if id in roster.held:
            roster.matches[who] = Match(roster.held[id], _how(who))
    roster.canon = {id: person.canonical_id for id, person in roster.held.items() if person.canonical_id != id}
    roster.links = merges.links(connection, roster.canon) if roster.canon else {}
    moved = [person.id for person in roster.held.values() if person.place_from is not None]
    if moved:
        roster.histories = recipients.places(connection, moved)
        once = {place.employer_id for history in roster.histories.values() for place in history}
        roster.employers |= recipients.employers_by_id(connection, {id for id in once if id is not None})
    _plan_new(named, roster, stamp)
    _look_around(connection, roster)
    if hold and employers_too:
        hold_employers(connection, roster)
    return roster


def _hold(connection: Connection, ids: Set[str], *, hold: bool) -> dict[str, KnownRecipient]:
    """Records with whoever they turned out to be; while a record is held, nobody can merge it into another."""
    find = recipients.lock if hold else recipients.by_id
    held = find(connection, ids)
    while missing := {person.canonical_id for person in held.values()} - held.keys():
        held |= find(connection, missing)
    return held


def hold_employers(connection: Connection, roster: Roster, also: Iterable[str] = ()) -> None:
    """Holds the employers in play, so that what their people got is added up by one writer at a time."""
    in_play = {person.employer_id for person in roster.held.values()} | set(roster.employers) | set(also)
    held = recipients.lock_employers(connection, {id for id in in_play if id})
    roster.employers |= held
    roster.held_employers = set(held)


def _named(drafts: Iterable[Draft]) -> list[Named]:
    people = (line for draft in drafts for line in draft.people)
    return list(dict.fromkeys(who for line in people for who in (line.who, line.guest_of) if who is not None))


def _find_employers(
    connection: Connection, drafts: Sequence[Draft], named: Sequence[Named], roster: Roster, stamp: Stamp
) -> None:
    lines = [line for draft in drafts for line in draft.people]
    ids = {who.employer_id for who in named} | {line.client_employer_id for line in lines}
    roster.employers |= recipients.employers_by_id(connection, {id for id in ids if id is not None})
    clients = (line.client_employer for line in lines if line.client_employer)
    names = {name_key(name): name for name in (*(who.employer for who in named if who.employer), *clients)}
    found = recipients.employers_by_key(connection, names)
    for key, name in names.items():
        if key not in found:
            found[key] = roster.new_employers[key] = KnownEmployer(new_id("emp"), 1, name, 0, stamp.at)
    roster.by_employer_key = found
    roster.employers |= {employer.id: employer for employer in found.values()}


def _find_ids(connection: Connection, named: Sequence[Named], roster: Roster) -> dict[Named, str]:
    ids = {who: who.id for who in named if who.id is not None}
    outside = {who: (who.source or "", who.external_id) for who in named if who.id is None and who.external_id}
    by_pair = recipients.by_external_id(connection, outside.values())
    ids |= {who: by_pair[pair] for who, pair in outside.items() if pair in by_pair}
    keyed = {who: _key(who, roster) for who in named if who.id is None and not who.external_id and who.name}
    by_key = recipients.by_match_key(connection, keyed.values())
    return ids | {who: by_key[key] for who, key in keyed.items() if key in by_key}


def _key(who: Named, roster: Roster) -> str:
    employer = who.employer_id or (roster.by_employer_key[name_key(who.employer)].id if who.employer else None)
    return match_key(who.name or "", employer, who.email)


def _how(who: Named) -> str:
    if who.id is not None:
        return "id"
    if who.external_id is not None:
        return "external_id"
    return "email" if who.email else "name"


def _new_person(who: Named, employer_id: str | None, employer: str | None, stamp: Stamp) -> KnownRecipient:
    id = new_id("rec")
    return KnownRecipient(
        id=id,
        version=1,
        name=who.name or "",
        type=who.type or "",
        employer_id=employer_id,
        employer=employer,
        email=who.email,
        phone=None,
        canonical_id=id,
        place_from=None,
        touched_sequence=0,
        created_at=stamp.at,
    )


def _plan_new(named: Sequence[Named], roster: Roster, stamp: Stamp) -> None:
    """Provisional rows for people who are not known; two names for one person in a batch become one row."""
    planned: dict[str, KnownRecipient] = {}
    for who in named:
        if who in roster.matches or who.id is not None or who.name is None or who.type is None:
            continue
        if who.employer_id is not None and who.employer_id not in roster.employers:
            continue
        key = _new_key(who, roster)
        if key not in planned:
            employer_id = roster.employer_id(who.employer, who.employer_id, "/employer_id")
            employer = roster.employers[employer_id].name if employer_id else None
            planned[key] = _new_person(who, employer_id, employer, stamp)
            roster.new_people[planned[key].id] = (planned[key], who, key)
        roster.matches[who] = Match(planned[key], "created")
    # A guest may name the client by less than the line that introduces them, wherever it stands.
    for who in named:
        if who not in roster.matches and who.id is None and (key := _new_key(who, roster)) in planned:
            roster.matches[who] = Match(planned[key], "created")


def _look_around(connection: Connection, roster: Roster) -> None:
    """Whom those about to be created look like: one question for all of them, none where nobody is new."""
    if not roster.new_people:
        return
    looks = {
        id: _look(person, [(who.source or "", who.external_id)] if who.external_id else [])
        for id, (person, who, _) in roster.new_people.items()
    }
    roster.new_keys = {id: names.keys_of(look) for id, look in looks.items()}
    under: dict[str, list[Record]] = {}
    for key, found in matches.sharing(connection, set().union(*roster.new_keys.values()), most=_FEW):
        under.setdefault(key, []).append(found)
    alike = {
        id: names.look_alikes(
            look, {one.id: _look(one) for key in roster.new_keys[id] for one in under.get(key, ())}.values()
        )
        for id, look in looks.items()
    }
    for who, match in roster.matches.items():
        if match.how == "created":
            roster.matches[who] = match._replace(looks_like=alike[match.person.id])


def _look(person: KnownRecipient | Record, outside: Iterable[tuple[str, str]] = ()) -> Look:
    return names.look(
        person.id,
        person.type,
        [person.name],
        employers=[(person.employer_id, person.employer)],
        emails=[person.email],
        phones=[person.phone],
        outside=outside,
    )


def _new_key(who: Named, roster: Roster) -> str:
    return f"external:{who.source}:{who.external_id}" if who.external_id else _key(who, roster)


def create_planned(
    connection: Connection,
    roster: Roster,
    people: Iterable[str],
    employers: Iterable[str],
    journal: Journal,
    stamp: Stamp,
) -> None:
    """Creates those on the roster whom an accepted draft uses, with the employers they need."""
    new = [roster.new_people.pop(id) for id in dict.fromkeys(people) if id in roster.new_people]
    # In the order of what is unique about them: two writers who create the same people must not wait for each other.
    new.sort(key=lambda planned: planned[2])
    needed = {person.employer_id for person, _, _ in new if person.employer_id is not None}
    _create_employers(connection, roster, needed | set(employers), journal, stamp)
    rows, outside = [], []
    for person, who, key in new:
        rows.append(_row(person, None if who.external_id else key))
        facts = _facts(person)
        if who.external_id:
            outside.append({"source": who.source or "", "external_id": who.external_id, "recipient_id": person.id})
            facts |= {"external_ids": [[who.source, who.external_id]]}
        journal.note(person.id, 1, "recipient.created", facts, stamp)
    recipients.add(connection, rows, outside)
    matches.add_keys(connection, [(person.id, key) for person, _, _ in new for key in roster.new_keys[person.id]])


def _create_employers(connection: Connection, roster: Roster, used: set[str], journal: Journal, stamp: Stamp) -> None:
    fresh = sorted(key for key, employer in roster.new_employers.items() if employer.id in used)
    rows: list[dict[str, object]] = []
    for key in fresh:
        employer = roster.new_employers.pop(key)
        rows.append(_employer_row(employer, key))
        journal.note(employer.id, 1, "employer.created", {"name": employer.name}, stamp)
    recipients.add_employers(connection, rows)


def _row(person: KnownRecipient, key: str | None) -> dict[str, object]:
    return {
        "id": person.id,
        "version": person.version,
        "name": person.name,
        "name_key": name_key(person.name),
        "type": person.type,
        "employer_id": person.employer_id,
        "email": person.email,
        "match_key": key,
        "phone": person.phone,
        "canonical_id": person.canonical_id,
        "place_from": None,
        "touched_sequence": person.touched_sequence,
        "created_at": person.created_at,
    }


def _employer_row(employer: KnownEmployer, key: str) -> dict[str, object]:
    return {"id": employer.id, "version": 1, "name": employer.name, "name_key": key, "created_at": employer.created_at}


def _facts(person: KnownRecipient) -> dict[str, object]:
    return {"name": person.name, "type": person.type, "employer_id": person.employer_id, "email": person.email}


def create(
    connection: Connection, desk: Desk, who: Named, external_ids: Sequence[tuple[str, str]], *, by: str
) -> KnownRecipient:
    """A new recipient, on purpose: also where one of that name exists. Raises ExternalIdTaken or UnknownEmployer."""
    stamp, journal = desk.stamp(by), desk.journal()
    if recipients.by_external_id(connection, external_ids):
        raise ExternalIdTaken("One of these external ids belongs to another recipient")
    roster = Roster()
    _find_employers(connection, [], [who], roster, stamp)
    employer_id = roster.employer_id(who.employer, who.employer_id, "/employer_id")
    _create_employers(connection, roster, {employer_id} if employer_id else set(), journal, stamp)
    employer = roster.employers[employer_id].name if employer_id else None
    person = _new_person(who, employer_id, employer, stamp)
    key = match_key(person.name, employer_id, who.email)
    taken = recipients.by_match_key(connection, [key])
    pairs = [{"source": source, "external_id": id, "recipient_id": person.id} for source, id in external_ids]
    recipients.add(connection, [_row(person, None if taken else key)], pairs)
    matches.add_keys(connection, [(person.id, key) for key in names.keys_of(_look(person, external_ids))])
    facts = _facts(person) | {"external_ids": [list(pair) for pair in external_ids]}
    journal.note(person.id, 1, "recipient.created", facts, stamp)
    journal.seal(connection)
    return person


def employer_named(connection: Connection, name: str, journal: Journal, stamp: Stamp) -> str:
    """The id of the employer of that name, created where there is none."""
    roster = Roster()
    _find_employers(connection, [], [Named(employer=name)], roster, stamp)
    employer_id = roster.by_employer_key[name_key(name)].id
    _create_employers(connection, roster, {employer_id}, journal, stamp)
    return employer_id


def create_employer(connection: Connection, desk: Desk, name: str, *, by: str) -> KnownEmployer:
    """A new employer. Raises EmployerExists where there is one of that name."""
    stamp, journal, key = desk.stamp(by), desk.journal(), name_key(name)
    if recipients.employers_by_key(connection, [key]):
        raise EmployerExists("There is an employer of that name already")
    employer = KnownEmployer(new_id("emp"), 1, name, 0, stamp.at)
    recipients.add_employers(connection, [_employer_row(employer, key)])
    journal.note(employer.id, 1, "employer.created", {"name": name}, stamp)
    journal.seal(connection)
    return employer


def get(connection: Connection, recipient_id: str) -> KnownRecipient:
    """One recipient. Raises RecipientNotFound."""
    found = recipients.by_id(connection, [recipient_id]).get(recipient_id)
    if found is None:
        raise RecipientNotFound("There is no such recipient")
    return found


def place_of(connection: Connection, person: KnownRecipient, on: date, at: int | None = None) -> tuple[str, str | None]:
    """Type and employer of a person on a day, as known now or at a place in the order of record."""
    if at is not None and (then := place_on(recipients.former_places(connection, person.id, at), on)) is not None:
        return then
    if person.place_from is None or on >= person.place_from:
        return person.type, person.employer_id
    history = recipients.places(connection, [person.id]).get(person.id, [])
    return place_on(history, on) or (person.type, person.employer_id)


def get_employer(connection: Connection, employer_id: str) -> KnownEmployer:
    """One employer. Raises EmployerNotFound."""
    found = recipients.employers_by_id(connection, [employer_id]).get(employer_id)
    if found is None:
        raise EmployerNotFound("There is no such employer")
    return found


def external_ids(connection: Connection, recipient_id: str) -> list[tuple[str, str]]:
    """(source, id) of a recipient in other systems."""
    return recipients.external_ids(connection, recipient_id)


def search(
    connection: Connection,
    *,
    name: str | None,
    employer_id: str | None,
    type: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[tuple[str, KnownRecipient]]:
    """Recipients whose name, or a word of it, begins so; in order of name."""
    return recipients.search(
        connection, name=name_key(name) if name else None, employer_id=employer_id, type=type, after=after, limit=limit
    )


def search_employers(
    connection: Connection, *, name: str | None, after: tuple[str, str] | None, limit: int
) -> list[tuple[str, KnownEmployer]]:
    """Employers whose name, or a word of it, begins so; in order of name."""
    return recipients.search_employers(connection, name=name_key(name) if name else None, after=after, limit=limit)
