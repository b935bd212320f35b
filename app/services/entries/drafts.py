"""Drafts: who may submit one, which days it can have, and the entry it becomes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain import entries as domain
from app.domain.access import Permission, Principal
from app.domain.entries import Direction, Draft, Entry
from app.domain.refusals import Forbidden, Unprocessable
from app.services import policies, recipients, screening
from app.services.desk import Desk
from app.services.entries.reading import Recorded, may_see
from app.services.recipients import Match, Roster
from app.services.screening import Change
from app.services.violations import About
from app.storage import entries as rows
from app.storage.ids import new_id

EARLIEST = date(2000, 1, 1)


class NotYourEntry(Forbidden):
    code = "not_your_entry"
    title = "Not your entry"


class InTheFuture(Unprocessable):
    code = "in_the_future"
    title = "The date lies in the future"


class TooLongAgo(Unprocessable):
    code = "too_long_ago"
    title = "The date lies before the books begin"


def require_may_submit(principal: Principal, draft: Draft) -> None:
    """Raises RoleForbids or NotYourEntry unless the principal may submit such a draft."""
    principal.require(Permission.SUBMIT)
    if principal.may(Permission.SUBMIT_FOR_OTHERS) or draft.direction is Direction.RECEIVED:
        return
    if draft.giver != principal.person:
        raise NotYourEntry.at("/giver", "You submit what you gave yourself; leave out giver, or name yourself")


def require_date(desk: Desk, on: date) -> None:
    """Raises InTheFuture or TooLongAgo for a day that an entry cannot have."""
    if on > desk.today() + timedelta(days=desk.settings.future_days):
        raise InTheFuture.at("/occurred_on", "An entry is recorded when it has happened; ask first with an assessment")
    if on < EARLIEST:
        raise TooLongAgo.at("/occurred_on", f"The books begin on {EARLIEST}")


def entry_of(draft: Draft, roster: Roster, id: str, sequence: int) -> Entry:
    entry = draft.entry(id, sequence, roster.listed(draft))
    domain.check(entry)
    return entry


def people_of(draft: Draft, roster: Roster) -> dict[str, Match]:
    named = (who for line in draft.people for who in (line.who, line.guest_of) if who is not None)
    return {match.person.id: match for who in named if (match := roster.matches.get(who)) is not None}


def about_others(connection: Connection, changes: Iterable[Change]) -> dict[str, About]:
    """Who submitted the other entries whose results change."""
    others = {change.key[1] for change in changes}
    known = rows.by_id(connection, others)
    return {id: About(one.entry, one.submitted_by, one.source) for id, one in known.items()}


def assess(connection: Connection, desk: Desk, principal: Principal, draft: Draft) -> Recorded:
    """What recording a draft would answer at this moment; nothing is written. Raises what recording would refuse."""
    require_may_submit(principal, draft)
    if draft.occurred_on < EARLIEST:
        require_date(desk, draft.occurred_on)
    stamp = desk.stamp(principal.person)
    book = policies.current(connection, desk)
    roster = recipients.resolve(connection, [draft], stamp, hold=False, employers_too=False)
    entry = entry_of(draft, roster, new_id("ent"), desk.sequencer.next(roster.last_sequence))
    [one] = screening.screen(connection, book, [screening.weigh(book, entry, roster.links)])
    about = about_others(connection, one.others)
    return Recorded(
        entry,
        0,
        principal.person,
        stamp.at,
        desk.day_of(stamp.at),
        [minor for _, minor in one.shares],
        book,
        people_of(draft, roster),
        roster.employer_names,
        one.own,
        [change for change in one.others if may_see(principal, about[change.key[1]])],
    )
