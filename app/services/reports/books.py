"""The books as a report reads them: entries page by page with answers, cases and the names of everybody on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from app.domain.entries import Direction, Entry, Kind, Listed
from app.domain.policies import Measure, PolicyBook, Rule
from app.domain.sheets import Amount
from app.services import policies, screening, violations
from app.services.desk import Desk
from app.storage import entries as entry_rows
from app.storage import merges, recipients
from app.storage import screening as answer_rows
from app.storage.ids import moment_at
from app.storage.recipients import KnownEmployer, KnownRecipient
from app.storage.reports import ledger
from app.storage.screening import Known
from app.storage.violations import KnownViolation


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks of a report: the days of the events, both included, and what narrows it.

    `at` is the place in the order of record at which it is known; None means now. `at_least` is in percent of a limit,
    `days` how many after the event an entry may be recorded.
    """

    first: date
    last: date
    at: int | None = None
    recipient_id: str | None = None
    employer_id: str | None = None
    rule_id: str | None = None
    giver: str | None = None
    direction: Direction | None = None
    kinds: tuple[Kind, ...] = ()
    types: tuple[str, ...] = ()
    at_least: int = 80
    days: int = 14


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry with merged people as who they turned out to be; `parts` are those of its lines, in minor units."""

    entry: Entry
    version: int
    submitted_by: str
    recorded_at: datetime
    parts: Sequence[int]
    answers: Sequence[Known]
    cases: Sequence[KnownViolation]

    def client_of(self, person: Listed) -> str:
        """Whom a line counts for: a guest's, the client whose guest they are."""
        return person.guest_of or person.recipient_id

    def answer(self, rule_id: str, *shown: str | None) -> Known | None:
        """The answer under a rule for the first of somebody it is shown for."""
        for one in self.answers:
            if one.assessment.line.rule_id == rule_id and one.assessment.line.shown in shown:
                return one
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries in order, with everybody named on them."""

    entries: Sequence[Entered]
    people: Mapping[str, KnownRecipient]
    employers: Mapping[str, KnownEmployer]

    def person(self, id: str | None) -> str | None:
        """The name of a recipient."""
        return self.people[id].name if id is not None and id in self.people else None

    def employer(self, id: str | None) -> str | None:
        """The name of an employer."""
        return self.employers[id].name if id is not None and id in self.employers else None


@dataclass
class Books:
    """One state of the books, and how far a report has read in them."""

    connection: Connection
    desk: Desk
    wanted: Wanted
    progress: Callable[[int], None] = lambda _: None
    policies: PolicyBook = field(init=False)
    read: int = 0

    def __post_init__(self) -> None:
        self.policies = policies.as_known(self.connection, self.desk, self.wanted.at)

    @property
    def known(self) -> datetime | None:
        """The moment as of which it is known; None means now."""
        return None if self.wanted.at is None else moment_at(self.wanted.at)

    def pages(self, *, people: Iterable[str] | None = None, employer_id: str | None = None) -> Iterator[Page]:
        """The entries of the wanted days, those of some people or of an employer's people only where said."""
        wanted = self.wanted
        links = None if wanted.at is None else merges.as_known(self.connection, wanted.at)
        found = ledger.entries(
            self.connection, first=wanted.first, last=wanted.last, at=wanted.at, people=people, employer_id=employer_id
        )
        for part in found:
            yield self._page([one for one in part if self._is_wanted(one.entry)], links)
            self.read += len(part)
            self.progress(self.read)

    def _is_wanted(self, entry: Entry) -> bool:
        wanted = self.wanted
        return (
            wanted.direction in (None, entry.direction)
            and (not wanted.kinds or entry.kind in wanted.kinds)
            and wanted.giver in (None, entry.giver)
        )

    def _page(self, known: Sequence[entry_rows.KnownEntry], links: Mapping[str, str] | None) -> Page:
        ids = [one.entry.id for one in known]
        merged = self._merged([one.entry for one in known], links)
        parts = entry_rows.shares(self.connection, {one.entry.id: one.version for one in known})
        answers: dict[str, list[Known]] = {}
        for answer in answer_rows.of_entries(self.connection, ids, self.wanted.at):
            answers.setdefault(answer.assessment.line.entry_id, []).append(answer)
        cases: dict[str, list[KnownViolation]] = {}
        for case in violations.of_entries(self.connection, ids, self.wanted.at):
            cases.setdefault(case.entry_id, []).append(case)
        entered = [
            Entered(
                entry,
                one.version,
                one.submitted_by,
                one.recorded_at,
                parts.get(entry.id, ()),
                answers.get(entry.id, ()),
                cases.get(entry.id, ()),
            )
            for one, entry in zip(known, merged, strict=True)
        ]
        return Page(entered, *self.named(_people(merged), _employers(merged)))

    def _merged(self, entries: Sequence[Entry], links: Mapping[str, str] | None) -> list[Entry]:
        if links is None:
            return screening.with_people(self.connection, entries)
        return [entry.with_people(links) for entry in entries]

    def named(
        self, people: Iterable[str], employers: Iterable[str]
    ) -> tuple[dict[str, KnownRecipient], dict[str, KnownEmployer]]:
        """People and employers by their ids."""
        return recipients.by_id(self.connection, people), recipients.employers_by_id(self.connection, employers)

    def rule(self, policy_id: str, rule_id: str) -> Rule:
        """A rule as the version says that gave an answer."""
        return self.policies.by_id[policy_id].by_id[rule_id]

    def sum(self, rule: Rule, minor: int) -> Amount:
        """What a rule adds up: money, or a count."""
        return Amount(minor, rule.exponent, "count" if rule.measure is Measure.COUNT else rule.currency.code)


def money(minor: int, entry: Entry) -> Amount:
    """An amount of an entry in its currency."""
    return Amount.of(minor, entry.currency)


def _people(entries: Iterable[Entry]) -> set[str]:
    return {id for one in entries for person in one.recipients for id in (person.recipient_id, person.guest_of) if id}


def _employers(entries: Iterable[Entry]) -> set[str]:
    return {
        id
        for one in entries
        for person in one.recipients
        for id in (person.employer_id, person.client_employer_id)
        if id
    }
