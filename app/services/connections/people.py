"""People: a contact of another system becomes a recipient, follows it from then on, and is forgotten when that asks.

What somebody here changed since stays as they left it; the other system fills in and adds, from the day it speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from app.domain.connections import Contact, MergePolicy, Noun, contact_of, first_day, mentioned
from app.domain.connections.texts import text
from app.domain.recipients import Named
from app.services import merge_proposals, particulars, recipients
from app.services.desk import Desk
from app.services.particulars import ALWAYS, Particulars
from app.services.recipients import KnownRecipient
from app.storage import counterparts, receipts
from app.storage import recipients as recipient_rows
from app.storage.connections import KnownConnection
from app.storage.counterparts import KnownCounterpart
from app.storage.recipients import Place

_REASON = "as the connected system says"


def settle_contact(connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart) -> None:
    """Makes of a contact what follows from all that was said of it; does nothing where that is done already."""
    contact = _contact(connection, known, row)
    if row.facts.erased is not None:
        receipts.forget(connection, known.id, Noun.CONTACT.value, row.external_id)
    if contact is None:
        return
    row = _linked(connection, desk, known, row, contact)
    _follow(connection, desk, known, row, contact)
    _merged(connection, desk, known, row)


def _contact(connection: Connection, known: KnownConnection, row: KnownCounterpart) -> Contact | None:
    ids = [id for noun, id in mentioned(row.facts) if noun is Noun.ORGANIZATION]
    organizations = counterparts.among_ids(connection, row.source, Noun.ORGANIZATION, ids)
    names = {id: text(one.facts.said("name")) for id, one in organizations.items()}
    return contact_of(row.facts, known.mapping, names, key=f"{row.source}:{row.external_id}")


def _linked(
    connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart, contact: Contact
) -> KnownCounterpart:
    """The contact with its recipient: found by its id in the other system, or created."""
    if row.recipient_id is not None:
        return row
    pair = (row.source, row.external_id)
    found = recipient_rows.by_external_id(connection, [pair]).get(pair)
    if found is not None:
        row = row._replace(recipient_id=found)
    else:
        first = contact.standings[0]
        who = Named(name=contact.name, employer=first.employer or None, email=contact.email or None, type=first.type)
        person = recipients.create(connection, desk, who, [pair], by=known.id)
        applied = {
            "name": person.name,
            "email": contact.email,
            "phone": "",
            "places": _listed(_now(connection, person)),
        }
        row = row._replace(recipient_id=person.id, ours=1, applied=json.dumps(applied))
    counterparts.keep(connection, row)
    return row


def _follow(
    connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart, contact: Contact
) -> None:
    """Brings the recipient up to what the contact is by now."""
    before: dict[str, Any] = json.loads(row.applied)
    person = recipients.get(connection, str(row.recipient_id))
    wanted = _places(connection, desk, known, row, contact)
    current = _now(connection, person)
    said = {"name": contact.name, "email": contact.email, "phone": contact.phone}
    told: dict[str, Any] = {name: value for name, value in said.items() if value and value != before.get(name)}
    told = {name: value for name, value in told.items() if value != getattr(person, name)}
    history = _three_ways(current, {tuple(one) for one in before.get("places", [])}, wanted)
    forgotten = row.facts.erased is not None and bool(person.email or person.phone)
    if told or forgotten or history != current:
        change = Particulars(**told, history=history if history != current else None, forgotten=forgotten)
        particulars.change(connection, desk, person.id, change, version=person.version, reason=_REASON, by=known.id)
    applied = json.dumps({**said, "places": _listed(wanted)})
    if applied != row.applied:
        counterparts.keep(connection, row._replace(applied=applied))


def _places(
    connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart, contact: Contact
) -> list[Place]:
    """What the contact was when, with our ids of employers; the first holds always where it was made of it."""
    begin = ALWAYS if row.ours else first_day(row.facts)
    if begin is None:
        return []
    journal, stamp = desk.journal(), desk.stamp(known.id, door="webhook")
    found = [
        Place(
            one.since or begin,
            one.type,
            recipients.employer_named(connection, one.employer, journal, stamp) if one.employer else None,
        )
        for one in contact.standings
    ]
    journal.seal(connection)
    return found


def _three_ways(current: Sequence[Place], ours: set[tuple[Any, ...]], wanted: Sequence[Place]) -> list[Place]:
    """What is wanted beside what somebody else put there, which holds where both speak of one day."""
    others = [one for one in current if (one.effective_from.isoformat(), *one[1:]) not in ours]
    days = {one.effective_from for one in others}
    both = sorted([*others, *(one for one in wanted if one.effective_from not in days)], key=_day)
    if not both or both[0].effective_from != ALWAYS:
        return list(current)
    return [one for at, one in enumerate(both) if at == 0 or one[1:] != both[at - 1][1:]]


def _day(one: Place) -> date:
    return one.effective_from


def _now(connection: Connection, person: KnownRecipient) -> list[Place]:
    return list(particulars.history(connection, person))


def _listed(places: Sequence[Place]) -> list[list[str | None]]:
    return [[one.effective_from.isoformat(), *one[1:]] for one in places]


def _merged(connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart) -> None:
    """Where the other system made two contacts one, so does the connection's policy, or an officer is asked."""
    if row.facts.into is None:
        return
    kept = counterparts.among_ids(connection, row.source, Noun.CONTACT, [row.facts.into[0]])
    for one in kept.values():
        if one.recipient_id and row.recipient_id and one.recipient_id != row.recipient_id:
            apply = known.mapping.merges is MergePolicy.APPLY
            merge_proposals.propose(connection, desk, known.id, one.recipient_id, row.recipient_id, apply=apply)
