"""Correcting: amendments, withdrawals, returns, repayments. The original stays; what is touched is judged anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from app.domain import entries as domain
from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.entries import Draft, Entry, Standing
from app.domain.policies import PolicyBook
from app.domain.refusals import Conflict, StaleVersion, Unprocessable
from app.services import policies, recipients, screening, violations
from app.services.desk import Desk
from app.services.entries.drafts import NotYourEntry, about_others, require_date, require_may_submit
from app.services.entries.reading import EntryNotFound, Recorded, may_see, with_results
from app.services.journal import Journal
from app.services.recipients import Roster
from app.services.screening import Change
from app.services.violations import About, Caused
from app.storage import approvals
from app.storage import entries as rows
from app.storage import recipients as recipient_rows
from app.storage.entries import KnownEntry, NewVersion

# Far above what anything costs, and far below where sums of it would no longer be exact to other readers of the log.
MOST_REPAID = 10**15


class EntryChanged(StaleVersion):
    code = "entry_changed"
    title = "The entry has another version by now"


class EntryWithdrawn(Conflict):
    code = "entry_withdrawn"
    title = "The entry was withdrawn"


class EntryReturned(Conflict):
    code = "entry_returned"
    title = "The gift was returned"


class AmountFixedByRepayment(Conflict):
    code = "amount_fixed_by_repayment"
    title = "Part of the amount was repaid"


class NothingChanges(Unprocessable):
    code = "nothing_changes"
    title = "The amendment changes nothing"


class RepaidTooMuch(Unprocessable):
    code = "repaid_too_much"
    title = "More is repaid than any entry is worth"


class RepaidInOtherCurrency(Unprocessable):
    code = "repaid_in_other_currency"
    title = "The repayment is in another currency"


@dataclass(frozen=True, slots=True)
class Correction:
    """One entry's next version, and what it is in the business's words."""

    known: KnownEntry
    entry: Entry
    action: str


def amend(
    connection: Connection, desk: Desk, principal: Principal, entry_id: str, draft: Draft, *, version: int, reason: str
) -> Recorded:
    """The entry as the draft says it, in its old place in the order of record. Everything may change.

    Raises EntryNotFound, EntryChanged, EntryWithdrawn, EntryReturned, AmountFixedByRepayment, NothingChanges, and what
    recording the draft would raise.
    """
    known = _open(connection, principal, entry_id, version)
    if known.entry.repaid and (draft.total, draft.currency) != (known.entry.total, known.entry.currency):
        raise AmountFixedByRepayment("Part of the amount was repaid, so the amount can no longer be amended")
    require_may_submit(principal, draft)
    require_date(desk, draft.occurred_on)
    stamp = desk.stamp(principal.person, reason=reason)
    book = policies.current(connection, desk, hold=True)
    roster = recipients.resolve(connection, [draft], stamp, hold=True, employers_too=False, also=_people(known.entry))
    entry = replace(draft.entry(known.entry.id, known.entry.sequence, roster.listed(draft)), repaid=known.entry.repaid)
    domain.check(entry)
    if entry == known.entry:
        raise NothingChanges("The entry says all of this already")
    journal = desk.journal()
    if book.uses_employers:
        recipients.hold_employers(connection, roster, _employers(known.entry) | _employers(entry))
    recipients.create_planned(connection, roster, sorted(_people(entry)), _employers(entry), journal, stamp)
    return _corrected(
        connection, desk, principal, book, roster, Correction(known, entry, "entry.amended"), journal, stamp
    )


def withdraw(
    connection: Connection, desk: Desk, principal: Principal, entry_id: str, *, version: int, reason: str
) -> Recorded:
    """Takes an entry back: it counts no more, and its record stays. Raises what `amend` raises."""
    known = _open(connection, principal, entry_id, version)
    entry = replace(known.entry, standing=Standing.CANCELLED)
    return _again(connection, desk, principal, Correction(known, entry, "entry.withdrawn"), reason)


def give_back(
    connection: Connection, desk: Desk, principal: Principal, entry_id: str, *, version: int, reason: str
) -> Recorded:
    """The gift was returned in full: it counts no more. Raises what `amend` raises."""
    known = _open(connection, principal, entry_id, version)
    entry = replace(known.entry, standing=Standing.RETURNED)
    return _again(connection, desk, principal, Correction(known, entry, "entry.returned"), reason)


def repay(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    entry_id: str,
    *,
    minor: int,
    currency: str,
    version: int,
    reason: str,
) -> Recorded:
    """A part was paid back, in minor units of the entry's currency; it comes off under rules that net repayments.

    Raises RepaidInOtherCurrency, RepaidTooMuch and what `amend` raises.
    """
    known = _open(connection, principal, entry_id, version)
    if currency != known.entry.currency.code:
        raise RepaidInOtherCurrency.at("/repaid/currency", f"Say the repayment in {known.entry.currency.code}")
    entry = replace(known.entry, repaid=known.entry.repaid + minor)
    if entry.repaid > MOST_REPAID:
        raise RepaidTooMuch.at(
            "/repaid/amount", "Together with what was repaid before, this is more than can be recorded"
        )
    return _again(connection, desk, principal, Correction(known, entry, "entry.repaid"), reason)


def _open(connection: Connection, principal: Principal, entry_id: str, version: int) -> KnownEntry:
    """The entry, if the principal may change it and it is still open to change, at the version they read."""
    principal.require(Permission.SUBMIT)
    known = rows.by_id(connection, [entry_id]).get(entry_id)
    if known is None or not may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    if not principal.may(Permission.READ_ALL) and not principal.owns(
        giver=known.entry.giver, submitted_by=known.submitted_by
    ):
        raise NotYourEntry("A supervisor reads and approves the team's entries; whoever gave them corrects them")
    if known.version != version:
        raise EntryChanged(f"The entry is at version {known.version}; read it again")
    if known.entry.standing is Standing.CANCELLED:
        raise EntryWithdrawn("A withdrawn entry cannot be changed; record a new one")
    if known.entry.standing is Standing.RETURNED:
        raise EntryReturned("A returned gift cannot be changed; record a new entry")
    return known


def _again(connection: Connection, desk: Desk, principal: Principal, correction: Correction, reason: str) -> Recorded:
    """A correction that changes nothing about the people on the entry."""
    stamp = desk.stamp(principal.person, reason=reason)
    book = policies.current(connection, desk, hold=True)
    entry = correction.entry
    roster = recipients.resolve(connection, [], stamp, hold=True, employers_too=False, also=_people(entry))
    if book.uses_employers:
        recipients.hold_employers(connection, roster, _employers(entry))
    return _corrected(connection, desk, principal, book, roster, correction, desk.journal(), stamp)


def _corrected(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    book: PolicyBook,
    roster: Roster,
    correction: Correction,
    journal: Journal,
    stamp: Stamp,
) -> Recorded:
    entry, version = correction.entry, correction.known.version + 1
    known_from = desk.sequencer.next(roster.last_sequence)
    weighed = screening.weigh(book, entry, roster.links)
    corrections = [(correction, weighed.shares)]
    changes, moved = keep_versions(
        connection, desk, book, roster, corrections, known_from=known_from, journal=journal, stamp=stamp
    )
    journal.seal(connection)
    others = [change for change in changes if change.key[1] != entry.id]
    about = about_others(connection, others)
    kept = KnownEntry(entry, version, correction.known.submitted_by, stamp.at, correction.known.source)
    [one] = with_results(connection, desk, principal, [kept])
    return replace(
        one,
        recorded_at=correction.known.recorded_at,
        others=[change for change in others if may_see(principal, about[change.key[1]])],
        gone=[change for change in changes if change.key[1] == entry.id and change.after is None],
        violations=[
            violations.as_seen_by(principal, case)
            for key, case in moved.items()
            if key[1] == entry.id or may_see(principal, about[key[1]])
        ],
    )


def keep_versions(
    connection: Connection,
    desk: Desk,
    book: PolicyBook,
    roster: Roster,
    corrections: Sequence[tuple[Correction, Sequence[tuple[str, int]]]],
    *,
    known_from: int,
    journal: Journal,
    stamp: Stamp,
    cause: str | None = None,
) -> tuple[list[Change], violations.Cases]:
    """Keeps the next versions of entries and judges everything anew that they touch, under every rule.

    The caller holds everybody concerned. `cause` is by default the corrected entry and its new version.
    """
    if not rows.move_on(connection, [(one.known, one.entry) for one, _ in corrections]):
        raise EntryChanged("The entry was changed at this moment; read it again")
    by = {one.entry.id: stamp.actor for one, _ in corrections}
    versions = [
        NewVersion(one.entry, one.known.version + 1, shares, stamp.reason, one.action) for one, shares in corrections
    ]
    owners = _owners(book, roster, [entry for one, _ in corrections for entry in (one.known.entry, one.entry)])
    since, until = _span(book, [one for one, _ in corrections])
    changes = screening.replay(
        connection, book, owners, since=since, until=until, fresh=[one.entry for one, _ in corrections]
    )
    rows.add_versions(connection, versions, by=by, at=stamp.at, known_from=dict.fromkeys(by, known_from))
    for one, _ in corrections:
        journal.note(one.entry.id, one.known.version + 1, one.action, _facts(one), stamp)
    _let_approvals_fall(connection, sorted(by), journal, stamp)
    moved = violations.settle(
        connection,
        desk,
        book,
        [Caused(change, known_from, cause or _cause(corrections, change), stamp) for change in changes],
        _about(connection, corrections, changes),
        journal=journal,
        unmoved=[
            Caused(change, known_from, cause or _cause(corrections, change), stamp)
            for change in screening.unchanged(connection, by, changes)
        ],
    )
    people = {person for owner in (roster.held.keys(), owners) for person in owner if person.startswith("rec_")}
    recipient_rows.touch(connection, sorted(people), sorted(roster.held_employers), known_from)
    return changes, moved


def _let_approvals_fall(connection: Connection, entry_ids: list[str], journal: Journal, stamp: Stamp) -> None:
    """The approvals of entries that have just changed no longer stand."""
    fallen = approvals.standing(connection, entry_ids)
    approvals.fell(connection, [one.id for one in fallen.values()], stamp.at)
    for one in fallen.values():
        journal.note(one.id, 2, "approval.fell", {"entry": one.entry_id, "version": one.entry_version}, stamp)


def _cause(corrections: Sequence[tuple[Correction, Sequence[tuple[str, int]]]], change: Change) -> str:
    """The correction of the result's own entry, or else the first one."""
    own = next((one for one, _ in corrections if one.entry.id == change.key[1]), corrections[0][0])
    return f"{own.entry.id}:{own.known.version + 1}"


def _owners(book: PolicyBook, roster: Roster, entries: Iterable[Entry]) -> set[str]:
    """Everybody whose totals the entries can be a part of."""
    owners: set[str] = set()
    for entry in entries:
        owners |= {roster.canon.get(person, person) for person in _people(entry)}
        owners |= _employers(entry) if book.uses_employers else set()
    return owners


def _span(book: PolicyBook, corrections: Sequence[Correction]) -> tuple[date, date]:
    days = [entry.occurred_on for one in corrections for entry in (one.known.entry, one.entry)]
    return min(days), screening.extent(book, max(days))[1]


def _people(entry: Entry) -> set[str]:
    return {id for one in entry.recipients for id in (one.recipient_id, one.guest_of) if id is not None}


def _employers(entry: Entry) -> set[str]:
    return {id for one in entry.recipients for id in (one.employer_id, one.client_employer_id) if id is not None}


def _facts(one: Correction) -> Mapping[str, object]:
    """What history says of a correction: the entry as it is now, and which fields were something else."""
    before, after = domain.to_document(one.known.entry), domain.to_document(one.entry)
    return {"entry": after, "changed": {name: before[name] for name in after if before[name] != after[name]}}


def _about(
    connection: Connection,
    corrections: Sequence[tuple[Correction, Sequence[tuple[str, int]]]],
    changes: Sequence[Change],
) -> dict[str, About]:
    own = {one.entry.id: About(one.entry, one.known.submitted_by, one.known.source) for one, _ in corrections}
    return about_others(connection, [change for change in changes if change.key[1] not in own]) | own
