"""Proposing: a meeting or an expense of another system becomes a draft for whoever gave it, and follows its source.

A connection proposes; what was confirmed into an entry it can neither take back nor make less.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Principal, Role
from app.domain.connections import ExpensePolicy, Noun, attendees_of, without_names
from app.domain.connections.texts import moment, text
from app.domain.drafts import DraftState, ProposedEntry, to_document
from app.domain.entries import DraftPerson, Kind
from app.domain.money import Currency, parse_minor
from app.domain.recipients import Named
from app.domain.refusals import Refusal
from app.services import drafts, packs
from app.services.desk import Desk
from app.services.drafts import KnownDraft, Proposal
from app.storage import counterparts
from app.storage.connections import KnownConnection
from app.storage.counterparts import KnownCounterpart


class Unsettled(Exception):
    """Something has to be said before anything can come of it; the word is the reason of a dead letter."""


def settle_hospitality(connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart) -> None:
    """Makes of a meeting or an expense what follows from all that was said of it. Raises Unsettled."""
    noun, row = Noun(row.noun), _without_forgotten(connection, row)
    proposal = _proposal(connection, desk, known, row, noun)
    if proposal is None:
        return
    stands = not row.facts.is_deleted
    applied = json.dumps(
        {"owner": proposal.owner, "label": proposal.label, "stands": stands, "entry": to_document(proposal.entry)},
        sort_keys=True,
        default=str,
    )
    if applied == row.applied:
        return
    stamp, journal = desk.stamp(known.id, door="webhook", reason="cancelled in the connected system"), desk.journal()
    draft = drafts.propose(connection, proposal, journal=journal, stamp=stamp)
    if not stands:
        drafts.withdraw(connection, row.source, str(proposal.external_id), journal=journal, stamp=stamp)
    journal.seal(connection)
    entry_id = row.entry_id
    if stands and noun is Noun.EXPENSE and known.mapping.expenses is ExpensePolicy.ENTRY:
        entry_id = _recorded(connection, desk, known, draft) or entry_id
    counterparts.keep(connection, row._replace(applied=applied, entry_id=entry_id))


def _proposal(
    connection: Connection, desk: Desk, known: KnownConnection, row: KnownCounterpart, noun: Noun
) -> Proposal | None:
    said = row.facts.said
    kind = known.mapping.kind_of(said("activity" if noun is Noun.MEETING else "kind"))
    if not row.facts.fields or not kind:
        return None
    owner = known.mapping.rep_of(said("owner"))
    if not owner:
        raise Unsettled("no_giver")
    label = text(said("title" if noun is Noun.MEETING else "purpose")) or noun.value
    entry = ProposedEntry(
        occurred_on=_day(desk, said("starts_at" if noun is Noun.MEETING else "occurred_on")),
        kind=Kind(kind),
        giver=owner,
        people=_people(connection, known, row),
        hosts_present=_present(noun, said("hosts_present")),
        hosts=(owner,) if _present(noun, said("hosts_present")) else None,
        purpose=label,
        venue=text(said("place")),
        **_money(said("amount"), said("currency")),
    )
    return Proposal(owner, entry, noun.value, label, row.source, f"{noun.value}/{row.external_id}")


def _without_forgotten(connection: Connection, row: KnownCounterpart) -> KnownCounterpart:
    """The record without the names of those who were forgotten, wherever it had them from."""
    ids = [one.external_id for one in attendees_of(row.facts) if one.external_id]
    contacts = counterparts.among_ids(connection, row.source, Noun.CONTACT, ids)
    after = without_names(row.facts, {id for id, one in contacts.items() if one.facts.erased is not None})
    if after != row.facts:
        row = row._replace(facts=after)
        counterparts.keep(connection, row)
    return row


def _present(noun: Noun, said: Any) -> bool | None:
    """Whether our people were there: whoever called a meeting was; of an expense that has to be said."""
    return True if noun is Noun.MEETING else said if isinstance(said, bool) else None


def _day(desk: Desk, said: Any) -> date | None:
    """The firm's day of a moment, or the day itself where only a day is said."""
    words = text(said)
    if len(words) == 10 and (at := moment(f"{words}T00:00:00Z")) is not None:
        return at.date()
    found = moment(said)
    return desk.day_of(found) if found is not None else None


def _money(amount: Any, code: Any) -> dict[str, Any]:
    """Amount and currency, where both are said and are money; otherwise the rep has to say them."""
    digits = packs.exponent(text(code))
    try:
        minor = parse_minor(text(amount), digits) if digits is not None else 0
    except ValueError:
        return {}
    return {"total": minor, "currency": Currency(text(code), digits)} if digits is not None and minor > 0 else {}


def _people(connection: Connection, known: KnownConnection, row: KnownCounterpart) -> tuple[DraftPerson, ...]:
    """Who took part. Of whom we know already, only the id is said, so that the books decide who that is."""
    listed = attendees_of(row.facts)
    contacts = counterparts.among_ids(
        connection, row.source, Noun.CONTACT, [one.external_id for one in listed if one.external_id]
    )
    people = []
    for one in listed:
        contact = contacts.get(one.external_id)
        is_known = contact is not None and contact.recipient_id is not None
        who = Named(
            source=row.source if one.external_id else None,
            external_id=one.external_id or None,
            name=one.name or None,
            employer=None if is_known else known.mapping.employer_of(one.company) or one.company or None,
            email=one.email or None,
            type=None if is_known else known.mapping.default_type,
        )
        people.append(DraftPerson(who))
    return tuple(people)


def _recorded(connection: Connection, desk: Desk, known: KnownConnection, draft: KnownDraft) -> str | None:
    """The entry of an expense that says everything; where it lacks something or is refused, its owner has the draft."""
    if draft.state is not DraftState.OPEN or draft.proposal.missing:
        return draft.entry_id
    # A connection acts for every rep that its mapping names, which no key of a rep could.
    itself = Principal(known.id, known.name, Role.OFFICER, known.id)
    try:
        confirmed, _, _ = drafts.confirm(
            connection, desk, itself, draft.id, version=draft.version, completion=lambda entry: entry
        )
    except Refusal as refusal:
        if refusal.status >= 500:
            raise
        return None
    return confirmed.entry_id
