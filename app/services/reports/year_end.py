"""Year-end summary: the period in numbers, for the principal who supervises it; each is the total of a report."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.entries import Entry, Standing
from app.domain.policies import CLAIMS
from app.domain.sheets import Amount, Column, Kind, Row
from app.services.reports.books import Books, Entered
from app.services.reports.decisions import opened, standing, taken
from app.services.reports.gifts import OFFICIALS, client_type, days_to_record

YEAR_END = (
    Column("section", heading="Section"),
    Column("item", heading="Item"),
    Column("count", Kind.INTEGER, "Count"),
    Column("amount", Kind.MONEY, "Amount"),
)


class Numbers:
    """Counts and sums by section, item and currency, in the order in which sections are named here."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._sums: dict[tuple[str, str, str], int] = {}
        self._exponents: dict[str, int] = {}

    def count(self, section: str, item: str, number: int = 1) -> None:
        """So many more of an item."""
        key = (section, item, "")
        self._counts[key] = self._counts.get(key, 0) + number

    def add(self, section: str, item: str, entry: Entry, minor: int) -> None:
        """One more of an item, worth something in an entry's currency."""
        key = (section, item, entry.currency.code)
        self._exponents[entry.currency.code] = entry.currency.exponent
        self._counts[key] = self._counts.get(key, 0) + 1
        self._sums[key] = self._sums.get(key, 0) + minor

    def rows(self) -> Iterator[Row]:
        """One row per section, item and currency."""
        for section, item, currency in sorted(self._counts, key=lambda key: (_SECTIONS.index(key[0]), *key[1:])):
            key = (section, item, currency)
            minor = self._sums.get(key)
            worth = None if minor is None else Amount(minor, self._exponents[currency], currency)
            yield (section, item, self._counts[key], worth)


_SECTIONS = (
    "entries by direction",
    "entries by kind",
    "entries by standing",
    "exclusions claimed",
    "recorded late",
    "officials and unions",
    "results by rule",
    "flags opened by rule",
    "flags opened, as they stand",
    "decisions taken",
    "decisions taken, in time",
    "decisions taken, by whom",
    "policy versions in force",
)


def year_end(books: Books) -> Iterator[Row]:
    """The days in numbers: entries, exclusions, late ones, officials, results, flags, decisions, versions in force."""
    numbers = Numbers()
    for page in books.pages():
        for one in page.entries:
            _entry(books, numbers, one)
    for case in opened(books):
        numbers.count("flags opened by rule", case.rule_id)
        numbers.count("flags opened, as they stand", standing(case))
    for decision in taken(books):
        in_time = books.desk.day_of(decision.taken_at) <= decision.due_on
        numbers.count("decisions taken", decision.outcome)
        numbers.count("decisions taken, in time", "in time" if in_time else "overdue")
        numbers.count("decisions taken, by whom", decision.decided_by)
    for policy in books.policies.between(books.wanted.first, books.wanted.last):
        numbers.count("policy versions in force", f"version {policy.version}: {policy.name}")
    yield from numbers.rows()


def _entry(books: Books, numbers: Numbers, one: Entered) -> None:
    entry = one.entry
    numbers.add("entries by standing", entry.standing.value, entry, entry.total)
    if entry.standing is not Standing.CANCELLED:
        numbers.add("entries by direction", entry.direction.value, entry, entry.total)
        numbers.add("entries by kind", f"{entry.kind.value}, {entry.direction.value}", entry, entry.total)
    for claim in sorted(entry.flags & set(CLAIMS)):
        numbers.add("exclusions claimed", claim, entry, entry.total)
    if days_to_record(books, one) > books.wanted.days:
        numbers.add("recorded late", f"more than {books.wanted.days} days after", entry, entry.total)
    for line, person in enumerate(entry.recipients):
        type = next((one for one in (client_type(entry, person), person.type) if one in OFFICIALS), None)
        if type is not None:
            numbers.add("officials and unions", type, entry, one.parts[line])
    for answer in one.answers:
        numbers.count("results by rule", f"{answer.assessment.line.rule_id}: {answer.assessment.outcome.value}")
