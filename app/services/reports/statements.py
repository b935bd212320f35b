"""Statements: what one person got, rule by rule; and what we gave the people of one employer, share by share."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.entries import Entry, Listed, Standing
from app.domain.money import divide
from app.domain.sheets import Column, Kind, Row
from app.services import recipients
from app.services.reports.books import Books, Entered, Page, money
from app.services.screening import canon_as_known
from app.storage import recipients as recipient_rows
from app.storage.screening import Known

RECIPIENT = (
    Column("entry_id", heading="Entry"),
    Column("rule_id", heading="Rule"),
    Column("version", Kind.INTEGER, "Version"),
    Column("occurred_on", Kind.DATE, "Event"),
    Column("recorded_at", Kind.MOMENT, "Recorded"),
    Column("direction", heading="Direction"),
    Column("kind", heading="Kind"),
    Column("giver", heading="Giver"),
    Column("purpose", heading="Purpose"),
    Column("total", Kind.MONEY, "Total of the entry"),
    Column("share", Kind.MONEY, "Their share"),
    Column("standing", heading="Standing"),
    Column("counted", Kind.MONEY, "Counted"),
    Column("total_after", Kind.MONEY, "Total after"),
    Column("limit", Kind.MONEY, "Limit"),
    Column("outcome", heading="Outcome"),
    Column("exclusion", heading="Why it does not count"),
    Column("period_start", Kind.DATE, "Period from"),
    Column("period_end", Kind.DATE, "Period to"),
    Column("violation", heading="Violation"),
    Column("decision", heading="Decision"),
    Column("policy_id", heading="Policy version"),
)


def recipient_statement(books: Books) -> Iterator[Row]:
    """Every answer for a person in the days, with their guests' shares in theirs. Raises RecipientNotFound."""
    owner, records = _one_person(books)
    for page in books.pages(people=records):
        for one in page.entries:
            for answer in one.answers:
                if answer.assessment.line.shown == owner:
                    yield _answered(books, one, owner, answer)


def _one_person(books: Books) -> tuple[str, set[str]]:
    """Who the record turned out to be, and all records that are the same person."""
    named = recipients.get(books.connection, books.wanted.recipient_id or "")
    if books.wanted.at is None:
        return named.canonical_id, recipient_rows.groups(books.connection, [named.canonical_id])
    canon = canon_as_known(books.connection, books.wanted.at)
    owner = canon.get(named.id, named.id)
    return owner, {owner, *(dropped for dropped, person in canon.items() if person == owner)}


def _answered(books: Books, one: Entered, owner: str, answer: Known) -> Row:
    entry, (line, aggregate, limit, outcome, period) = one.entry, answer.assessment
    rule = books.rule(answer.policy_id, line.rule_id)
    parts = (one.parts[place] for place, person in enumerate(entry.recipients) if one.client_of(person) == owner)
    case = next((case for case in one.cases if case.key == answer.assessment.key), None)
    return (
        entry.id,
        rule.id,
        one.version,
        entry.occurred_on,
        one.recorded_at,
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        entry.purpose,
        money(entry.total, entry),
        money(sum(parts), entry),
        entry.standing.value,
        books.sum(rule, line.counted),
        books.sum(rule, aggregate),
        books.sum(rule, limit),
        outcome.value,
        line.exclusion,
        period.start,
        period.end,
        case.state if case else None,
        case.outcome if case else None,
        answer.policy_id,
    )


EMPLOYER = (
    Column("entry_id", heading="Entry"),
    Column("line", Kind.INTEGER, "Line"),
    Column("version", Kind.INTEGER, "Version"),
    Column("occurred_on", Kind.DATE, "Event"),
    Column("direction", heading="Direction"),
    Column("kind", heading="Kind"),
    Column("giver", heading="Giver"),
    Column("recipient_id", heading="Recipient id"),
    Column("recipient", heading="Recipient"),
    Column("type", heading="Type"),
    Column("guest_of", heading="Guest of"),
    Column("purpose", heading="Purpose"),
    Column("venue", heading="Venue"),
    Column("share", Kind.MONEY, "Share"),
    Column("returned", Kind.MONEY, "Returned or repaid"),
    Column("net", Kind.MONEY, "Net"),
    Column("standing", heading="Standing"),
)


def employer_statement(books: Books) -> Iterator[Row]:
    """Every share that somebody of an employer got in the days, guests of its people included, withdrawn entries not.

    Where they worked is what the entry says of that day. Raises EmployerNotFound.
    """
    employer_id = books.wanted.employer_id or ""
    recipients.get_employer(books.connection, employer_id)
    for page in books.pages(employer_id=employer_id):
        for one in page.entries:
            if one.entry.standing is Standing.CANCELLED:
                continue
            for line, person in enumerate(one.entry.recipients):
                if employer_of(one.entry, person) == employer_id:
                    yield _given(page, one, line)


def employer_of(entry: Entry, person: Listed) -> str | None:
    """For whom the person a line counts for worked that day; a guest's line is the client's."""
    if person.guest_of is None:
        return person.employer_id
    client = next((other for other in entry.recipients if other.recipient_id == person.guest_of), None)
    return client.employer_id if client else person.client_employer_id


def taken_back(one: Entered) -> list[int]:
    """What of each line was returned or repaid, in minor units: repayments in proportion to the parts."""
    if one.entry.standing is Standing.RETURNED:
        return list(one.parts)
    rest = one.entry.total - sum(one.parts)
    return divide(one.entry.repaid, [*one.parts, rest])[:-1] if one.entry.total else list(one.parts)


def _given(page: Page, one: Entered, line: int) -> Row:
    entry, person = one.entry, one.entry.recipients[line]
    back = taken_back(one)[line]
    return (
        entry.id,
        line,
        one.version,
        entry.occurred_on,
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        person.recipient_id,
        page.person(person.recipient_id),
        person.type,
        page.person(person.guest_of),
        entry.purpose,
        entry.venue,
        money(one.parts[line], entry),
        money(back, entry),
        money(one.parts[line] - back, entry),
        entry.standing.value,
    )
