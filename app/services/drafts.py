"""Drafts: proposed entries. Sources propose and bring up to date, their owners complete, confirm or dismiss.

A source never reaches past a draft: once it is confirmed, what the source says otherwise is noted and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.drafts import (
    DraftState,
    ProposedEntry,
    brought_up_to_date,
    differences,
    fitted,
    fitted_text,
    says,
    to_document,
)
from app.domain.entries import Direction, Draft, Kind
from app.domain.money import Currency
from app.domain.recipients import Named
from app.domain.refusals import Conflict, Forbidden, NotFound, Refusal, StaleVersion
from app.services import entries, policies, recipients, screening
from app.services.desk import Desk
from app.services.entries import Recorded
from app.services.entries.drafts import require_date
from app.services.journal import Journal
from app.services.recipients import Match
from app.services.screening import Headroom
from app.storage import drafts as rows
from app.storage import imports as import_rows
from app.storage.drafts import DraftFilter as DraftFilter
from app.storage.drafts import KnownDraft as KnownDraft
from app.storage.ids import new_id
from app.storage.imports import KnownExpense as KnownExpense

Completion = Callable[[ProposedEntry], ProposedEntry]


class DraftNotFound(NotFound):
    code = "draft_not_found"


class DraftChanged(StaleVersion):
    code = "draft_changed"
    title = "The draft has another version by now"


class DraftClosed(Conflict):
    code = "draft_closed"
    title = "The draft is closed"


class NotYourDraft(Forbidden):
    code = "not_your_draft"
    title = "Not your draft"


class Proposal(NamedTuple):
    """What is proposed: to whom, about which thing of which system, and the entry as far as it is known.

    `about` is meeting, expense or entry, `label` what the source calls it. `source` and `external_id` are None for what
    somebody writes down for themselves.
    """

    owner: str
    entry: ProposedEntry
    about: str = "entry"
    label: str = ""
    source: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """One line of a draft: who it is in our books, if they are there, who it may be, and what is left for them."""

    match: Match | None
    headroom: Sequence[Headroom]


@dataclass(frozen=True, slots=True)
class SeenDraft:
    """A draft with its people, and what confirming it would answer: `preview`, or the refusal in `obstacle`.

    `expenses` are the owner's about that day, as the expense system told them, of which no entry came yet.
    """

    draft: KnownDraft
    people: Sequence[SeenPerson] = ()
    preview: Recorded | None = None
    obstacle: Refusal | None = None
    expenses: Sequence[KnownExpense] = ()


def propose(connection: Connection, proposal: Proposal, *, journal: Journal, stamp: Stamp) -> KnownDraft:
    """Puts a proposal before its owner; about the same thing of the same source there is one draft, whatever happens.

    An open draft follows its source except where somebody filled it in; a withdrawn one opens again; to a confirmed or
    dismissed one it is noted what the source says otherwise. Says nothing where nothing changed. The caller seals.
    """
    said = fitted(proposal.entry)
    proposal = proposal._replace(label=fitted_text(proposal.label))
    known = None
    if proposal.source is not None and proposal.external_id is not None:
        known = rows.by_source(connection, proposal.source, proposal.external_id)
    if known is None:
        return _proposed(connection, proposal, said, journal, stamp)
    now = replace(
        known,
        version=known.version + 1,
        said=said,
        changed_at=stamp.at,
        source_withdrawn_at=None,
        label=proposal.label,
    )
    if known.state is DraftState.WITHDRAWN:
        opened = DraftState.OPEN
        now = replace(now, state=opened, closed_at=None, closed_by=None, reason=None, said_when_settled=None)
    if now.state is DraftState.OPEN:
        entry = brought_up_to_date(known.proposal, known.said, said)
        now = replace(now, owner=proposal.owner, proposal=entry)
    same = replace(now, version=known.version, changed_at=known.changed_at) == known
    return known if same else _kept(connection, known, now, "draft.followed_source", journal, stamp)


def withdraw(connection: Connection, source: str, external_id: str, *, journal: Journal, stamp: Stamp) -> None:
    """What the source no longer stands by: its open draft closes; a closed one keeps a note. The caller seals."""
    known = rows.by_source(connection, source, external_id)
    if known is None or known.source_withdrawn_at is not None:
        return
    now = replace(known, version=known.version + 1, changed_at=stamp.at, source_withdrawn_at=stamp.at)
    if known.state is DraftState.OPEN:
        now = _closed(now, DraftState.WITHDRAWN, stamp, reason=stamp.reason or "withdrawn by its source")
    _kept(connection, known, now, "draft.withdrawn", journal, stamp)


def create(connection: Connection, desk: Desk, principal: Principal, proposal: Proposal) -> KnownDraft:
    """Writes down a draft for oneself, or for others with the right to. Raises RoleForbids or NotYourDraft."""
    principal.require(Permission.SUBMIT)
    if not principal.may(Permission.SUBMIT_FOR_OTHERS):
        if proposal.owner != principal.person:
            raise NotYourDraft.at("/owner", "You write down drafts for yourself; leave out owner")
        if proposal.source is not None:
            raise NotYourDraft.at("/source", "Only systems and officers speak for a source")
    journal = desk.journal()
    draft = propose(connection, proposal, journal=journal, stamp=desk.stamp(principal.person))
    journal.seal(connection)
    return draft


def complete(
    connection: Connection, desk: Desk, principal: Principal, draft_id: str, *, version: int, completion: Completion
) -> KnownDraft:
    """Fills in or corrects an open draft. Raises DraftNotFound, RoleForbids, DraftChanged, DraftClosed."""
    known = _open(connection, principal, draft_id, version)
    stamp, journal = desk.stamp(principal.person), desk.journal()
    entry = completion(known.proposal)
    if entry == known.proposal:
        return known
    now = replace(known, version=known.version + 1, proposal=entry, changed_at=stamp.at)
    kept = _kept(connection, known, now, "draft.completed", journal, stamp)
    journal.seal(connection)
    return kept


def confirm(
    connection: Connection, desk: Desk, principal: Principal, draft_id: str, *, version: int, completion: Completion
) -> tuple[KnownDraft, Recorded, bool]:
    """Records the entry that a draft proposes: draft, entry, and whether this had been done before.

    Whoever repeats a confirmation gets the same entry again. Raises DraftIncomplete, what `complete` raises and what
    recording raises; then nothing is kept.
    """
    known = _theirs(connection, principal, draft_id)
    entry = completion(known.proposal)
    if known.entry_id is not None and known.version == version + 1 and entry == known.proposal:
        return known, entries.get(connection, desk, principal, known.entry_id), True
    _require_open(known, version)
    draft = replace(entry.draft(), giver=entry.giver or known.owner)
    stamp, journal = desk.stamp(principal.person), desk.journal()
    [outcome] = entries.record_for(connection, desk, principal, [draft], journal, stamp=stamp, system=known.source)
    if isinstance(outcome, Refusal):
        raise outcome
    now = replace(known, version=known.version + 1, proposal=entry, changed_at=stamp.at, entry_id=outcome.entry.id)
    now = _closed(now, DraftState.CONFIRMED, stamp)
    kept = _kept(connection, known, now, "draft.confirmed", journal, stamp)
    journal.seal(connection)
    return kept, replace(outcome, draft_id=kept.id), False


def dismiss(
    connection: Connection, desk: Desk, principal: Principal, draft_id: str, *, version: int, reason: str
) -> KnownDraft:
    """Closes a draft without an entry; officers see why. Raises what `complete` raises."""
    known = _open(connection, principal, draft_id, version)
    stamp, journal = desk.stamp(principal.person, reason=reason), desk.journal()
    now = replace(known, version=known.version + 1, changed_at=stamp.at)
    kept = _kept(
        connection, known, _closed(now, DraftState.DISMISSED, stamp, reason=reason), "draft.dismissed", journal, stamp
    )
    journal.seal(connection)
    return kept


def get(connection: Connection, principal: Principal, draft_id: str) -> KnownDraft:
    """One draft. Raises DraftNotFound, alike for absent and not theirs."""
    known = rows.by_id(connection, draft_id)
    if known is None or not _may_see(principal, known):
        raise DraftNotFound("There is no such draft")
    return known


def listed(
    connection: Connection, principal: Principal, wanted: DraftFilter, *, after: str | None, limit: int
) -> list[KnownDraft]:
    """Drafts, newest first; without the right to read all, one's own. Raises RoleForbids."""
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        if wanted.owner not in (None, principal.person):
            return []
        wanted = wanted._replace(owner=principal.person)
    return rows.listed(connection, wanted, after=after, limit=limit)


def seen(connection: Connection, desk: Desk, principal: Principal, draft: KnownDraft) -> SeenDraft:
    """A draft as somebody looks at it who decides what to do with it; a closed one needs no second look."""
    if draft.state is not DraftState.OPEN:
        return SeenDraft(draft)
    people, spent = _people(connection, desk, draft.proposal), _expenses(connection, draft)
    if draft.proposal.missing or not principal.may(Permission.SUBMIT):
        return SeenDraft(draft, people, expenses=spent)
    whole = replace(draft.proposal.draft(), giver=draft.proposal.giver or draft.owner)
    try:
        require_date(desk, whole.occurred_on)
        return SeenDraft(draft, people, preview=entries.assess(connection, desk, principal, whole), expenses=spent)
    except Refusal as refusal:
        return SeenDraft(draft, people, obstacle=refusal, expenses=spent)


def said_otherwise(draft: KnownDraft) -> list[str]:
    """The fields in which the source now differs: from an open draft, or from what it said when a draft was closed."""
    if draft.source is None:
        return []
    if draft.said_when_settled is not None:
        return differences(draft.said, draft.said_when_settled)
    return [name for name in differences(draft.said, draft.proposal) if says(draft.said, name)]


def _expenses(connection: Connection, draft: KnownDraft) -> list[KnownExpense]:
    on = draft.proposal.occurred_on
    if on is None:
        return []
    near = timedelta(days=1)
    return import_rows.open_expenses(connection, draft.owner, on - near, on + near)


def _people(connection: Connection, desk: Desk, entry: ProposedEntry) -> list[SeenPerson]:
    """Who the people are; nobody is refused here for what is still missing."""
    probe = Draft(
        occurred_on=entry.occurred_on or desk.today(),
        kind=entry.kind or Kind.GIFT,
        direction=Direction.GIVEN,
        giver="",
        total=0,
        currency=entry.currency or Currency("USD", 2),
        people=tuple(replace(line, who=_nameable(line.who), guest_of=None) for line in entry.people),
    )
    stamp = desk.stamp("")
    roster = recipients.resolve(connection, [probe], stamp, hold=False, employers_too=False)
    book = policies.current(connection, desk)
    found = []
    for line in probe.people:
        match = roster.matches.get(line.who)
        left: Sequence[Headroom] = ()
        if match is not None and match.how != "created":
            person = roster.held.get(match.person.canonical_id, match.person)
            type, employer_id = roster.place_on(person, probe.occurred_on)
            left = screening.headroom(
                connection, book, recipient_id=person.id, type=type, employer_id=employer_id, on=probe.occurred_on
            )
        found.append(SeenPerson(match, left))
    return found


def _nameable(who: Named) -> Named:
    """A name to look for, also of somebody of whom nothing but an address is known."""
    called = who.name or (who.email or "").partition("@")[0].replace(".", " ") or None
    return replace(who, name=None if who.id else called, type=who.type or "unknown")


def _proposed(
    connection: Connection, proposal: Proposal, said: ProposedEntry, journal: Journal, stamp: Stamp
) -> KnownDraft:
    draft = KnownDraft(
        id=new_id("drf"),
        version=1,
        state=DraftState.OPEN,
        owner=proposal.owner,
        source=proposal.source,
        external_id=proposal.external_id,
        about=proposal.about,
        label=proposal.label,
        proposal=said,
        said=said,
        said_when_settled=None,
        source_withdrawn_at=None,
        proposed_by=stamp.actor,
        proposed_at=stamp.at,
        changed_at=stamp.at,
    )
    rows.add(connection, draft)
    facts = {
        "owner": draft.owner,
        "source": draft.source,
        "external_id": draft.external_id,
        "about": draft.about,
        "entry": to_document(said),
    }
    journal.note(draft.id, 1, "draft.proposed", facts, stamp)
    return draft


def _kept(
    connection: Connection, before: KnownDraft, now: KnownDraft, action: str, journal: Journal, stamp: Stamp
) -> KnownDraft:
    if not rows.swap(connection, now):
        raise DraftChanged("The draft was changed at this moment; read it again")
    facts: dict[str, object] = {"state": now.state.value, "owner": now.owner, "entry": to_document(now.proposal)}
    if now.said != before.said:
        facts["source_says"] = to_document(now.said)
    if now.entry_id is not None:
        facts["recorded_as"] = now.entry_id
    journal.note(now.id, now.version, action, facts, stamp)
    return now


def _closed(draft: KnownDraft, state: DraftState, stamp: Stamp, *, reason: str | None = None) -> KnownDraft:
    at: datetime = stamp.at
    return replace(draft, state=state, closed_by=stamp.actor, closed_at=at, reason=reason, said_when_settled=draft.said)


def _may_see(principal: Principal, draft: KnownDraft) -> bool:
    own = principal.may(Permission.READ_OWN) and draft.owner == principal.person
    return own or principal.may(Permission.READ_ALL)


def _theirs(connection: Connection, principal: Principal, draft_id: str) -> KnownDraft:
    principal.require(Permission.SUBMIT)
    known = get(connection, principal, draft_id)
    if known.owner != principal.person:
        principal.require(Permission.SUBMIT_FOR_OTHERS)
    return known


def _open(connection: Connection, principal: Principal, draft_id: str, version: int) -> KnownDraft:
    known = _theirs(connection, principal, draft_id)
    _require_open(known, version)
    return known


def _require_open(known: KnownDraft, version: int) -> None:
    if known.state is not DraftState.OPEN:
        raise DraftClosed(f"The draft is {known.state}")
    if known.version != version:
        raise DraftChanged(f"The draft is at version {known.version}; read it again")
