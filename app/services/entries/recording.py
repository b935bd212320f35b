"""Recording: a batch of submissions in one transaction, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from app.domain import entries as domain
from app.domain.access import Principal
from app.domain.audit import Stamp
from app.domain.entries import Draft
from app.domain.policies import PolicyBook
from app.domain.refusals import Refusal, Unprocessable
from app.services import access, policies, recipients, screening, violations
from app.services.access import Presented
from app.services.desk import Desk
from app.services.entries.drafts import about_others, entry_of, people_of, require_date, require_may_submit
from app.services.entries.reading import Recorded, may_see
from app.services.journal import Journal
from app.services.recipients import Match, Roster
from app.services.screening import Change, Screened, Weighed
from app.services.violations import About, Caused, as_seen_by
from app.storage import answers
from app.storage import entries as rows
from app.storage import recipients as recipient_rows
from app.storage.answers import Answer
from app.storage.entries import NewVersion
from app.storage.ids import new_id


class KeyReused(Unprocessable):
    code = "idempotency_key_reused"
    title = "The idempotency key was used for another request"


Item = Draft | Refusal
Outcome = Recorded | Refusal
Render = Callable[[Principal, Sequence[Outcome]], tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Submission:
    """One request to record: its drafts in order (or why one cannot be read), and how its answer is written.

    With an idempotency `key`, the answer is kept under (principal, route, key) and given again to every repetition
    whose `fingerprint` is the same. `render` turns principal and outcomes into status and body. Nothing refused is
    remembered.
    """

    credentials: Presented
    route: str
    items: Sequence[Item]
    render: Render
    key: str | None = None
    fingerprint: str = ""


@dataclass
class _Work:
    """Drafts on their way through the batch, with who hands them in."""

    principal: Principal
    stamp: Stamp
    items: list[Item]
    outcomes: list[Outcome | None] = field(default_factory=list)
    system: str | None = None

    @property
    def source(self) -> str:
        """Where the entries come from: another system, or else the door."""
        return self.system or self.stamp.door


@dataclass(kw_only=True)
class _Submitted(_Work):
    """Those of a submission."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A draft that can be recorded, and the place its outcome goes to."""

    work: _Work
    place: int
    weighed: Weighed
    people: Mapping[str, Match]


Reply = tuple[int, str, bool]


def record(connection: Connection, desk: Desk, submissions: Sequence[Submission]) -> list[Reply | Refusal]:
    """Records all submissions that can be recorded; one refused draft leaves its neighbours alone.

    Each answer is (status, body, replayed) or a refusal of the whole submission. It may leave only after the commit.
    """
    now = desk.clock()
    principals = access.identify(connection, desk, (one.credentials for one in submissions))
    given = answers.find(connection, _keys(submissions, principals))
    replies: list[Reply | Refusal | None] = []
    first_of: dict[answers.Key, _Submitted] = {}
    works: list[_Submitted | None] = []
    for one in submissions:
        admitted = _admit(one, principals, given, first_of, desk)
        works.append(admitted if isinstance(admitted, _Submitted) else None)
        replies.append(None if isinstance(admitted, _Submitted) else admitted)
    todo = [work for work in works if work is not None and _first(work, first_of)]
    journal = desk.journal()
    _record_all(connection, desk, todo, journal)
    rendered = {id(work): work.submission.render(work.principal, _settled(work.outcomes)) for work in todo}
    answers.keep(connection, [_answer(work, *rendered[id(work)], now) for work in todo if _worth_keeping(work)])
    journal.seal(connection)
    for place, work in enumerate(works):
        if work is not None:
            original = work if _first(work, first_of) else first_of[_key(work.submission, work.principal)]
            replies[place] = _reply(original, rendered[id(original)], replayed=original is not work)
    return [reply for reply in replies if reply is not None]


def record_for(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    items: Sequence[Item],
    journal: Journal,
    *,
    stamp: Stamp | None = None,
    system: str | None = None,
) -> list[Outcome]:
    """Records what one principal hands in, inside a transaction whose journal the caller seals.

    `system` is the other system that it comes from, where it does.
    """
    mine = [_given_by(principal, item) for item in items]
    work = _Work(principal, stamp or desk.stamp(principal.person), mine, system=system)
    _record_all(connection, desk, [work], journal)
    return _settled(work.outcomes)


def _keys(submissions: Iterable[Submission], principals: Mapping[Presented, Principal]) -> list[answers.Key]:
    return [
        _key(one, principals[one.credentials])
        for one in submissions
        if one.key is not None and one.credentials in principals
    ]


def _key(submission: Submission, principal: Principal) -> answers.Key:
    return (principal.id, submission.route, submission.key or "")


def _admit(
    submission: Submission,
    principals: Mapping[Presented, Principal],
    given: Mapping[answers.Key, Answer],
    first_of: dict[answers.Key, _Submitted],
    desk: Desk,
) -> _Submitted | Reply | Refusal:
    """A submission ready for work; or the answer it had before; or why it is refused as a whole."""
    principal = principals.get(submission.credentials)
    if principal is None:
        return access.unknown(submission.credentials)
    items = [_given_by(principal, item) for item in submission.items]
    work = _Submitted(principal, desk.stamp(principal.person), items, submission=submission)
    if submission.key is None:
        return work
    key = _key(submission, principal)
    before = given.get(key)
    asked = before.fingerprint if before else first_of.setdefault(key, work).submission.fingerprint
    if asked != submission.fingerprint:
        return KeyReused("This Idempotency-Key was used for another request; take a new key")
    return (before.status, before.body, True) if before else work


def _given_by(principal: Principal, item: Item) -> Item:
    """A draft that names no giver is the principal's own."""
    return replace(item, giver=principal.person) if isinstance(item, Draft) and not item.giver else item


def _first(work: _Submitted, first_of: Mapping[answers.Key, _Submitted]) -> bool:
    """Whether a submission is the first under its key in this batch; the others share its answer."""
    return work.submission.key is None or first_of[_key(work.submission, work.principal)] is work


def _settled(outcomes: Sequence[Outcome | None]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome is not None]


def _worth_keeping(work: _Submitted) -> bool:
    return work.submission.key is not None and any(isinstance(one, Recorded) for one in work.outcomes)


def _answer(work: _Submitted, status: int, body: str, now: datetime) -> Answer:
    return Answer(*_key(work.submission, work.principal), work.submission.fingerprint, status, body, now)


def _reply(work: _Submitted, rendered: tuple[int, str], *, replayed: bool) -> Reply | Refusal:
    if len(work.items) == 1 and isinstance(work.outcomes[0], Refusal) and rendered[0] >= 400:
        return work.outcomes[0]
    return (*rendered, replayed and _worth_keeping(work))


def _record_all(connection: Connection, desk: Desk, works: Sequence[_Work], journal: Journal) -> None:
    """Fills in every outcome: reads once for all drafts, decides in memory, writes set by set."""
    for work in works:
        work.outcomes = [_refused_beforehand(item, work.principal, desk) for item in work.items]
    drafts = [item for work in works for item, out in _open_items(work)]
    if not drafts:
        return
    book = policies.current(connection, desk, hold=True)
    stamp = works[0].stamp
    roster = recipients.resolve(connection, drafts, stamp, hold=True, employers_too=book.uses_employers)
    waiting = _weigh_all(desk, book, roster, works)
    while waiting:
        screened = screening.screen(connection, book, [one.weighed for one in waiting])
        run, waiting = waiting[: len(screened)], waiting[len(screened) :]
        _keep(connection, desk, book, roster, run, screened, journal)


def _open_items(work: _Work) -> list[tuple[Draft, int]]:
    return [
        (item, place)
        for place, item in enumerate(work.items)
        if work.outcomes[place] is None and isinstance(item, Draft)
    ]


def _refused_beforehand(item: Item, principal: Principal, desk: Desk) -> Refusal | None:
    if isinstance(item, Refusal):
        return item
    try:
        require_may_submit(principal, item)
        require_date(desk, item.occurred_on)
    except Refusal as refusal:
        return refusal
    return None


def _weigh_all(desk: Desk, book: PolicyBook, roster: Roster, works: Sequence[_Work]) -> list[_Accepted]:
    """Every draft as an entry with its lines; those that cannot be counted get their refusal."""
    above = roster.last_sequence
    accepted = []
    for work in works:
        for draft, place in _open_items(work):
            try:
                entry = entry_of(draft, roster, new_id("ent"), desk.sequencer.next(above))
                accepted.append(
                    _Accepted(work, place, screening.weigh(book, entry, roster.links), people_of(draft, roster))
                )
            except Refusal as refusal:
                work.outcomes[place] = refusal
    return accepted


def _keep(
    connection: Connection,
    desk: Desk,
    book: PolicyBook,
    roster: Roster,
    run: Sequence[_Accepted],
    screened: Sequence[Screened],
    journal: Journal,
) -> None:
    """Writes a run of entries with everything that follows from them, and fills in their outcomes."""
    pairs = list(zip(run, screened, strict=True))
    by = {one.entry.id: accepted.work.principal.person for accepted, one in pairs}
    sources = {one.entry.id: accepted.work.source for accepted, one in pairs}
    at = run[0].work.stamp.at
    _keep_people(connection, roster, screened, journal, run[0].work.stamp)
    rows.add(connection, [NewVersion(one.entry, 1, one.shares, "") for one in screened], by=by, sources=sources, at=at)
    for accepted, one in pairs:
        journal.note(one.entry.id, 1, "entry.recorded", _facts(one), accepted.work.stamp)
    own = {one.entry.id: About(one.entry, by[one.entry.id], sources[one.entry.id]) for one in screened}
    about = own | about_others(connection, [change for one in screened for change in one.others])
    changes = [change for accepted, one in pairs for change in _caused(one, accepted.work.stamp)]
    cases = violations.settle(connection, desk, book, changes, about, journal=journal, fresh=by.keys())
    employers = roster.employer_names
    for accepted, one in pairs:
        keys = [answer.key for answer in one.own] + [change.key for change in one.others]
        accepted.work.outcomes[accepted.place] = Recorded(
            entry=one.entry,
            version=1,
            submitted_by=by[one.entry.id],
            recorded_at=at,
            today=desk.day_of(at),
            shares=[minor for _, minor in one.shares],
            book=book,
            people=accepted.people,
            employers=employers,
            assessments=one.own,
            others=[change for change in one.others if may_see(accepted.work.principal, about[change.key[1]])],
            violations=[
                as_seen_by(accepted.work.principal, cases[key])
                for key in keys
                if key in cases and may_see(accepted.work.principal, about[key[1]])
            ],
        )


def _caused(one: Screened, stamp: Stamp) -> Iterator[Caused]:
    """An entry's own results, and those of others with the entry as their cause."""
    for answer in one.own:
        yield Caused(Change(None, answer), one.entry.sequence, None, stamp)
    for change in one.others:
        yield Caused(change, one.entry.sequence, f"{one.entry.id}:1", stamp)


def _facts(one: Screened) -> dict[str, object]:
    """What history says of a recording: the entry, its results, and what they change of others."""
    results = [
        [line.rule_id, line.shown, line.counted, aggregate, limit, outcome.value, line.exclusion]
        for line, aggregate, limit, outcome, _ in one.own
    ]
    return {"entry": domain.to_document(one.entry), "results": results, "changed": [list(c.key) for c in one.others]}


def _keep_people(
    connection: Connection, roster: Roster, screened: Sequence[Screened], journal: Journal, stamp: Stamp
) -> None:
    """Creates whoever is new, and moves everybody's last place in the order of record."""
    listed = [person for one in screened for person in one.entry.recipients]
    people = {id for person in listed for id in (person.recipient_id, person.guest_of) if id is not None}
    people |= {roster.canon[id] for id in people if id in roster.canon}
    employers = {id for person in listed for id in (person.employer_id, person.client_employer_id) if id is not None}
    recipients.create_planned(connection, roster, sorted(people), employers, journal, stamp)
    last = max(one.entry.sequence for one in screened)
    recipient_rows.touch(connection, sorted(people), sorted(employers & roster.held_employers), last)
