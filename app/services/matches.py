"""Matches: recipients who may be one person, with reasons, and with what they would have together under each limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from app.domain.matches import CERTAIN, NAMESAKES, Reason, score
from app.domain.names import Look
from app.services import names, policies, screening
from app.services.desk import Desk
from app.services.names import LookAlike
from app.services.screening import Together
from app.storage import distinctions, matches
from app.storage import recipients as recipient_rows
from app.storage.database import Database
from app.storage.matches import Pair
from app.storage.recipients import KnownRecipient

T = TypeVar("T")

# A key that more records have is too common to propose anybody by; whoever asks about one person sees further.
COMMON, COMMON_FOR_ONE = 50, 500
_PAIRS_AT_A_TIME = 2000


class Wanted(NamedTuple):
    """Which matches are asked for; None asks for nothing. `crosses`: those that jointly cross a limit, or do not."""

    min_score: int
    recipient_id: str | None = None
    employer_id: str | None = None
    crosses: bool | None = None


class Place(NamedTuple):
    """Where a match stands in the list: those that cross a limit first, then by score, then by ids."""

    within: int
    doubt: int
    one: str
    other: str


class Match(NamedTuple):
    """Two recipients who may be one person."""

    people: tuple[KnownRecipient, KnownRecipient]
    score: int
    reasons: Sequence[Reason]
    joint: Sequence[Together]

    @property
    def crosses(self) -> bool:
        """Whether they jointly cross a limit."""
        return any(one.crosses for one in self.joint)

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        one, other = (person.id for person in self.people)
        return Place(int(not self.crosses), CERTAIN - self.score, one, other)


class _Found(NamedTuple):
    place: Place
    reasons: Sequence[Reason]
    joint: Sequence[Together]


def listed(connection: Connection, desk: Desk, wanted: Wanted, *, after: Place | None, limit: int) -> list[Match]:
    """Likely matches, first those that jointly cross a limit today, then the most likely.

    Every page reads all candidates anew and keeps no more of them than it shows.
    """
    found = (
        one
        for one in _found(connection, desk, wanted)
        if (wanted.crosses is None or (one.place.within == 0) is wanted.crosses)
        and (after is None or one.place > after)
    )
    shown = nsmallest(limit, found, key=lambda one: one.place)
    people = recipient_rows.by_id(connection, [id for one in shown for id in one.place[2:]])
    return [
        Match((people[one.place.one], people[one.place.other]), CERTAIN - one.place.doubt, one.reasons, one.joint)
        for one in shown
    ]


def _found(connection: Connection, desk: Desk, wanted: Wanted) -> Iterator[_Found]:
    book, today = policies.current(connection, desk), desk.today()
    for pairs in _batches(_candidates(connection, wanted), _PAIRS_AT_A_TIME):
        likely = list(_likely(connection, pairs, wanted.min_score))
        joint = screening.together(connection, book, [pair for pair, _, _ in likely], today)
        for pair, points, reasons in likely:
            within = int(not any(one.crosses for one in joint[pair]))
            yield _Found(Place(within, CERTAIN - points, *pair), reasons, joint[pair])


def _candidates(connection: Connection, wanted: Wanted) -> Iterator[Pair]:
    if wanted.recipient_id is None:
        yield from matches.pairs(
            connection, most=COMMON, namesakes=wanted.min_score <= NAMESAKES, employer_id=wanted.employer_id
        )
        return
    known = recipient_rows.by_id(connection, [wanted.recipient_id]).get(wanted.recipient_id)
    if known is None:
        return
    person = known.canonical_id
    others = matches.meeting(connection, person, most=COMMON_FOR_ONE)
    if wanted.employer_id is not None:
        employers = {one.id: one.employer_id for one in recipient_rows.by_id(connection, [person, *others]).values()}
        others = [id for id in others if wanted.employer_id in (employers[id], employers[person])]
    yield from (Pair(min(person, other), max(person, other)) for other in others)


def _likely(
    connection: Connection, pairs: Sequence[Pair], min_score: int
) -> Iterator[tuple[Pair, int, Sequence[Reason]]]:
    people = sorted({person for pair in pairs for person in pair})
    distinct, seen = distinctions.among_people(connection, people), looks(connection, people)
    for pair in pairs:
        one, other = seen[pair.one], seen[pair.other]
        if pair in distinct or one.own != other.own:
            continue
        reasons = names.compare(one, other)
        points = score(reasons)
        if points >= min_score:
            yield pair, points, reasons


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def looks(connection: Connection, people: Sequence[str]) -> dict[str, Look]:
    """What is compared of people: whatever any of their records says."""
    return _looks(connection, people, lambda person, _record: person)


def _looks(connection: Connection, people: Sequence[str], whose: Callable[[str, str], str]) -> dict[str, Look]:
    """Looks by person or by record. Of several records the one that is shown stands first and says the type."""
    records: dict[str, list[matches.Record]] = {}
    for record in matches.records(connection, people):
        records.setdefault(whose(record.person, record.id), []).append(record)
    called = _gathered(matches.other_names(connection, people), whose)
    elsewhere = _gathered(matches.ids_elsewhere(connection, people), whose)
    formerly = _gathered(matches.former_employers(connection, people), whose)
    found = {}
    for id, mine in records.items():
        mine.sort(key=lambda record: (record.id != record.person, record.id))
        found[id] = names.look(
            id,
            mine[0].type,
            [*(record.name for record in mine), *(name for _, name in called.get(id, ()))],
            employers=[*((record.employer_id, record.employer) for record in mine), *formerly.get(id, ())],
            emails=[record.email for record in mine],
            phones=[record.phone for record in mine],
            outside=elsewhere.get(id, ()),
        )
    return found


def _gathered(sayings: Iterable[matches.Saying], whose: Callable[[str, str], str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for person, record_id, source, value in sayings:
        found.setdefault(whose(person, record_id), []).append((source, value))
    return found


def look_alikes(connection: Connection, recipient_id: str) -> list[LookAlike]:
    """The most likely other records of a person."""
    others = matches.meeting(connection, recipient_id, most=COMMON_FOR_ONE)
    seen = looks(connection, [recipient_id, *others])
    distinct = distinctions.among_people(connection, [recipient_id])
    mine = seen.pop(recipient_id)
    return names.look_alikes(
        mine, [look for id, look in seen.items() if (min(id, mine.id), max(id, mine.id)) not in distinct]
    )


def refresh(connection: Connection, people: Sequence[str]) -> None:
    """Works out anew by which keys the records of people are found."""
    seen = _looks(connection, people, lambda _person, record: record)
    matches.replace_keys(connection, seen, [(id, key) for id, one in seen.items() for key in names.keys_of(one)])


def backfill(database: Database, *, at_a_time: int = 500) -> int:
    """Works out the keys of everybody, for books that were kept without; safe to repeat. Returns how many people."""
    done, after = 0, ""
    while people := database.write(partial(_refresh_after, after=after, limit=at_a_time)):
        done, after = done + len(people), people[-1]
    return done


def _refresh_after(connection: Connection, *, after: str, limit: int) -> list[str]:
    people = matches.people_after(connection, after, limit)
    if people:
        refresh(connection, people)
    return people
