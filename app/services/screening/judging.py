"""Screening: a batch of entries judged against the policies in force and everything added up before them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.entries import Entry, Kind
from app.domain.policies import PeriodType, PolicyBook, Rule, Settings
from app.domain.screening import Assessment, Line, apportion, assess, count, reach, results, span, treated_as
from app.storage import entries as entry_rows
from app.storage import merges as merge_rows
from app.storage import recipients as recipient_rows
from app.storage import screening
from app.storage.screening import Known, Question, Total

Subject = tuple[str, str]
_NOTHING = Total(0, None)


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry with its lines: under the version in force on its day, and under later ones that may reach back."""

    entry: Entry
    lines: Sequence[Line]
    foreign: Sequence[Line]
    shares: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """A result that is new, changed or gone: `before` as it was known, `after` as it is now."""

    before: Known | None
    after: Assessment | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, entry and whoever the result is shown for."""
        if self.after is not None:
            return self.after.key
        if self.before is None:
            raise ValueError("a change has a before or an after")
        return self.before.assessment.key


@dataclass(frozen=True, slots=True)
class Screened:
    """An entry judged: its own results, and what it changes of others'."""

    entry: Entry
    shares: Sequence[tuple[str, int]]
    own: Sequence[Assessment]
    others: Sequence[Change]


def weigh(book: PolicyBook, entry: Entry, links: Mapping[str, str] | None = None) -> Weighed:
    """Counts an entry under every version that can have to do with it, with merged people as who they turned out to be.

    `links` say who was merged into whom directly. Raises NoRate, ValueBelowZero or GuestOfNobody for what a version
    cannot count.
    """
    policy = book.in_force(entry.occurred_on)
    later = [other for other in book.policies if other.effective_from > entry.occurred_on]
    counted = entry.with_people(links or {})
    return Weighed(
        entry,
        count(policy, counted) if policy else [],
        [line for other in later for line in count(other, counted)],
        apportion(entry, policy.settings if policy else Settings()),
    )


def screen(connection: Connection, book: PolicyBook, weighed: Sequence[Weighed]) -> list[Screened]:
    """Judges entries from the front, each seeing those before it; at least one, and as many as need nothing written.

    An entry that moves the totals of earlier ones in the same batch waits until those are kept.
    """
    asked = [_asked(book, one) for one in weighed]
    stored = screening.totals(connection, list(_questions(weighed, asked)))
    pending: dict[Subject, list[Line]] = {}
    shown: set[str] = set()
    done: list[Screened] = []
    for one, lines in zip(weighed, asked, strict=True):
        late = {line.shown for line in _late(book, one, lines, stored, pending)}
        if late & shown:
            break
        own = [_judged(line, rule, asked, stored, pending) for line, rule, asked in lines if line.shown not in late]
        others: list[Change] = []
        if late:
            changes = replay(connection, book, late, since=one.entry.occurred_on, fresh=[one.entry])
            own += [change.after for change in changes if change.after and change.after.line.entry_id == one.entry.id]
            others = [change for change in changes if change.key[1] != one.entry.id]
        for line in one.lines:
            pending.setdefault((line.rule_id, line.subject), []).append(line)
        for line in (*one.lines, *one.foreign):
            shown.add(line.shown)
        done.append(Screened(one.entry, one.shares, _in_listed_order(one, own), others))
    return done


def replay(
    connection: Connection,
    book: PolicyBook,
    owners: Set[str],
    *,
    since: date,
    until: date | None = None,
    fresh: Sequence[Entry] = (),
) -> list[Change]:
    """The plain definition for some recipients or employers from a day on, held against what is known.

    What is new, changed or gone, in order. `fresh` are entries not kept yet, or that replace what is kept of them;
    `until` is the last day that can be touched, by default as far as an entry of `since` can reach.
    """
    first, reached = extent(book, since)
    last = until or reached
    replaced = {entry.id for entry in fresh}
    history = [entry for entry in touching(connection, owners, first=first, last=last) if entry.id not in replaced]
    entries = with_people(connection, [*history, *fresh])
    now = {
        answer.key: answer
        for answer in results(book, entries, of=book.between(since, last))
        if answer.line.occurred_on >= since and answer.line.shown in owners
    }
    touched = [entry.id for entry in history if entry.occurred_on >= since] + list(replaced)
    known = {
        one.assessment.key: one
        for one in screening.of_entries(connection, touched)
        if one.assessment.line.shown in owners
    }
    return _differences(book, known, now)


def unchanged(connection: Connection, entry_ids: Iterable[str], changes: Iterable[Change]) -> list[Change]:
    """The results of entries that are none of the changes, as changes that change nothing."""
    changed = {change.key for change in changes}
    known = screening.of_entries(connection, entry_ids)
    return [Change(one, one.assessment) for one in known if one.assessment.key not in changed]


def touching(connection: Connection, owners: Set[str], *, first: date, last: date) -> list[Entry]:
    """Every entry between two days that has to do with the owners, or with records that turned out to be them."""
    people = {owner for owner in owners if owner.startswith("rec_")}
    everybody = recipient_rows.groups(connection, people)
    return entry_rows.touching(connection, people=everybody, employers=owners - people, first=first, last=last)


def with_people(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with every merged record replaced by whom it turned out to be."""
    named = {id for entry in entries for one in entry.recipients for id in (one.recipient_id, one.guest_of) if id}
    links = merge_rows.links(connection, named)
    return [entry.with_people(links) for entry in entries]


def _differences(
    book: PolicyBook, known: Mapping[screening.Key, Known], now: Mapping[screening.Key, Assessment]
) -> list[Change]:
    changes = [Change(before, None) for key, before in known.items() if key not in now]
    for key, answer in now.items():
        before = known.get(key)
        if before is None or before.assessment != answer or before.policy_id != policy_id(book, answer):
            changes.append(Change(before, answer))
    return sorted(changes, key=_order)


def _order(change: Change) -> tuple[date, int, str, str]:
    answer = change.after or change.before.assessment if change.before else change.after
    if answer is None:
        raise ValueError("a change has a before or an after")
    return (answer.line.occurred_on, answer.line.sequence, answer.line.rule_id, answer.line.shown)


def kind_in(book: PolicyBook, entry: Entry) -> Kind:
    """The kind that the rules in force on its day see in an entry."""
    policy = book.in_force(entry.occurred_on)
    return treated_as(entry, policy.settings) if policy else entry.kind


def policy_id(book: PolicyBook, answer: Assessment) -> str:
    """The version that gave an answer: the one in force on the entry's day."""
    policy = book.in_force(answer.line.occurred_on)
    if policy is None:
        raise ValueError("an answer comes from a policy in force")
    return policy.id


class _Asked(NamedTuple):
    """A line with the rule that judges it and what has to be known for that; nothing where the line stands alone."""

    line: Line
    rule: Rule
    question: Question | None


def _asked(book: PolicyBook, one: Weighed) -> list[_Asked]:
    rules = [(line, _governing(book, line)) for line in one.lines]
    return [
        _Asked(line, rule, None if rule.period.type is PeriodType.PER_EVENT else _question(rule, line))
        for line, rule in rules
    ]


def _questions(weighed: Sequence[Weighed], asked: Sequence[Sequence[_Asked]]) -> set[Question]:
    questions = {one.question for lines in asked for one in lines if one.question is not None}
    return questions | {_last_day(line) for one in weighed for line in one.foreign}


def _question(rule: Rule, line: Line) -> Question:
    on = line.occurred_on
    # A year of first gifts is always replayed: of its total only the last day matters here.
    first = on if rule.period.type is PeriodType.FIRST_GIFT_YEAR else span(rule.period, on).start
    return Question(line.rule_id, line.subject, first, on)


def _last_day(line: Line) -> Question:
    return Question(line.rule_id, line.subject, line.occurred_on, line.occurred_on)


def _governing(book: PolicyBook, line: Line) -> Rule:
    rule = book.rule_on(line.rule_id, line.occurred_on)
    if rule is None:
        raise ValueError(f"rule {line.rule_id} is not in force on {line.occurred_on}")
    return rule


def _late(
    book: PolicyBook,
    one: Weighed,
    lines: Sequence[_Asked],
    stored: Mapping[Question, Total],
    pending: Mapping[Subject, Sequence[Line]],
) -> Iterator[Line]:
    """The lines that cannot simply be added at the end of their subject's history."""
    on = one.entry.occurred_on
    for line, rule, question in lines:
        if question is None:
            continue
        ahead = pending.get((line.rule_id, line.subject), ())
        if (
            rule.period.type is PeriodType.FIRST_GIFT_YEAR
            or is_after(stored.get(question, _NOTHING).last_on, on)
            or any(other.occurred_on > on for other in ahead)
            or not book.counts_alike(rule, question.first, on)
        ):
            yield line
    for line in one.foreign:
        if is_after(stored.get(_last_day(line), _NOTHING).last_on, on) or any(
            other.occurred_on > on for other in pending.get((line.rule_id, line.subject), ())
        ):
            yield line


def is_after(last_on: date | None, on: date) -> bool:
    """Whether a subject has something on a later day."""
    return last_on is not None and last_on > on


def _judged(
    line: Line,
    rule: Rule,
    question: Question | None,
    stored: Mapping[Question, Total],
    pending: Mapping[Subject, Sequence[Line]],
) -> Assessment:
    """The fast path: the stored total of the period, what the batch adds before it, and the line."""
    if question is None:
        return assess(rule, line, prior=0)
    ahead = pending.get((line.rule_id, line.subject), ())
    in_batch = sum(other.counted for other in ahead if question.first <= other.occurred_on <= question.last)
    return assess(rule, line, prior=stored.get(question, _NOTHING).counted + in_batch)


def _in_listed_order(one: Weighed, own: Iterable[Assessment]) -> list[Assessment]:
    """Results rule by rule, in the order of the people on the entry."""
    places = {(line.rule_id, line.shown): place for place, line in enumerate(one.lines)}
    return sorted(own, key=lambda answer: places[answer.line.rule_id, answer.line.shown])


def extent(book: PolicyBook, since: date) -> tuple[date, date]:
    """The first day that totals from a day on can reach back to, and the last that an entry of the day can touch."""
    rules = [rule for policy in book.policies for rule in policy.rules]
    last = max((reach(rule.period, since) for rule in rules), default=since)
    first = min((span(rule.period, since).start for rule in rules), default=since)
    return first, last
