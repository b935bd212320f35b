"""Reports share by share: the gift log, officials and unions, exclusions claimed; and the entries recorded late."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.domain.audit import canonical
from app.domain.entries import Entry, Listed
from app.domain.policies import CLAIMS
from app.domain.sheets import Cell, Column, Kind, Row
from app.services.reports.books import Books, Entered, Page, money
from app.storage.screening import Known

REGISTER_RULE = "finra-3220-gifts"
OFFICIALS = (
    "congress",
    "federal_executive",
    "finra_staff",
    "foreign_official",
    "government_official",
    "judge",
    "local_official",
    "municipal_entity_employee",
    "pension_trustee",
    "plan_fiduciary",
    "public_official",
    "state_official",
    "union_official",
)
"""The types of recipients whose gifts other regimes look at, as the shipped packs and their neighbours name them."""

GIFT_LOG = (
    Column("entry_id", heading="Entry"),
    Column("line", Kind.INTEGER, "Line"),
    Column("version", Kind.INTEGER, "Version"),
    Column("occurred_on", Kind.DATE, "Event"),
    Column("recorded_at", Kind.MOMENT, "Recorded"),
    Column("days_to_record", Kind.INTEGER, "Days to record"),
    Column("direction", heading="Direction"),
    Column("kind", heading="Kind"),
    Column("giver", heading="Giver"),
    Column("submitted_by", heading="Submitted by"),
    Column("recipient_id", heading="Recipient id"),
    Column("recipient", heading="Recipient"),
    Column("type", heading="Type"),
    Column("employer", heading="Employer"),
    Column("guest_of", heading="Guest of"),
    Column("purpose", heading="Purpose"),
    Column("venue", heading="Venue"),
    Column("total", Kind.MONEY, "Total"),
    Column("share", Kind.MONEY, "Share"),
    Column("standing", heading="Standing"),
    Column("claimed", heading="Claimed"),
    Column("rule_id", heading="Rule"),
    Column("counted", Kind.MONEY, "Counted"),
    Column("total_after", Kind.MONEY, "Total after"),
    Column("limit", Kind.MONEY, "Limit"),
    Column("outcome", heading="Outcome"),
    Column("exclusion", heading="Why it does not count"),
    Column("policy_id", heading="Policy version"),
)


def gift_log(books: Books) -> Iterator[Row]:
    """Every share of every entry of the days, whatever its amount and direction, with what the rule made of it."""
    yield from _shares(books, lambda _: True)


def officials(books: Books) -> Iterator[Row]:
    """The same for recipients of some types, and for their guests."""
    types = frozenset(books.wanted.types or OFFICIALS)
    yield from _shares(books, lambda type: type in types)


def _shares(books: Books, of_type: Callable[[str], bool]) -> Iterator[Row]:
    for page in books.pages():
        for one in page.entries:
            told: set[str] = set()
            for line, person in enumerate(one.entry.recipients):
                if of_type(person.type) or of_type(client_type(one.entry, person)):
                    yield _share(books, page, one, line, told)


def client_type(entry: Entry, person: Listed) -> str:
    """The type of whoever a line counts for: their own; a guest's, the client's."""
    if person.guest_of is None:
        return person.type
    client = next((other for other in entry.recipients if other.recipient_id == person.guest_of), None)
    return client.type if client else person.client_type or person.type


def _share(books: Books, page: Page, one: Entered, line: int, told: set[str]) -> Row:
    """One line of an entry. What the rule made of a client is told once, on the first line that counts for them."""
    entry, person = one.entry, one.entry.recipients[line]
    client = one.client_of(person)
    rule_id = books.wanted.rule_id or REGISTER_RULE
    answer = one.answer(rule_id, client, person.recipient_id, person.employer_id) if client not in told else None
    told.add(client)
    return (
        entry.id,
        line,
        one.version,
        entry.occurred_on,
        one.recorded_at,
        days_to_record(books, one),
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        one.submitted_by,
        person.recipient_id,
        page.person(person.recipient_id),
        person.type,
        page.employer(person.employer_id),
        page.person(person.guest_of),
        entry.purpose,
        entry.venue,
        money(entry.total, entry),
        money(one.parts[line], entry),
        entry.standing.value,
        claims(entry),
        *_judged(books, answer),
    )


def claims(entry: Entry) -> str:
    """The exclusions that were claimed for an entry."""
    return " ".join(sorted(entry.flags & set(CLAIMS)))


def days_to_record(books: Books, one: Entered) -> int:
    """How many days after the event it was recorded, by the firm's calendar."""
    return (books.desk.day_of(one.recorded_at) - one.entry.occurred_on).days


def _judged(books: Books, answer: Known | None) -> tuple[Cell, ...]:
    if answer is None:
        return (None,) * 7
    one = answer.assessment
    rule = books.rule(answer.policy_id, one.line.rule_id)
    sums = (books.sum(rule, minor) for minor in (one.line.counted, one.aggregate, one.limit))
    return (rule.id, *sums, one.outcome.value, one.line.exclusion, answer.policy_id)


EXCLUSIONS = (
    Column("entry_id", heading="Entry"),
    Column("rule_id", heading="Rule"),
    Column("shown", heading="Shown for"),
    Column("occurred_on", Kind.DATE, "Event"),
    Column("direction", heading="Direction"),
    Column("kind", heading="Kind"),
    Column("giver", heading="Giver"),
    Column("name", heading="Name"),
    Column("total", Kind.MONEY, "Total"),
    Column("claimed", heading="Claimed"),
    Column("facts", heading="Facts"),
    Column("granted", heading="Granted"),
    Column("exclusion", heading="Why it does not count"),
    Column("counted", Kind.MONEY, "Counted"),
    Column("outcome", heading="Outcome"),
    Column("policy_id", heading="Policy version"),
)


def exclusions(books: Books) -> Iterator[Row]:
    """Every claim that a gift need not count, rule by rule: what was claimed, on which facts, and what came of it."""
    for page in books.pages():
        for one in page.entries:
            claimed = claims(one.entry)
            for answer in one.answers if claimed else ():
                if books.wanted.rule_id in (None, answer.assessment.line.rule_id):
                    yield _claim(books, page, one, claimed, answer)


def _claim(books: Books, page: Page, one: Entered, claimed: str, answer: Known) -> Row:
    entry, (line, _, _, outcome, _) = one.entry, answer.assessment
    rule = books.rule(answer.policy_id, line.rule_id)
    facts = {name: str(fact) for name, fact in entry.facts.items()}
    return (
        entry.id,
        rule.id,
        line.shown,
        entry.occurred_on,
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        page.person(line.shown) or page.employer(line.shown),
        money(entry.total, entry),
        claimed,
        canonical(facts) if facts else "",
        "yes" if line.exclusion in CLAIMS else "no",
        line.exclusion,
        books.sum(rule, line.counted),
        outcome.value,
        answer.policy_id,
    )


LATE = (
    Column("entry_id", heading="Entry"),
    Column("occurred_on", Kind.DATE, "Event"),
    Column("recorded_at", Kind.MOMENT, "Recorded"),
    Column("days_late", Kind.INTEGER, "Days late"),
    Column("direction", heading="Direction"),
    Column("kind", heading="Kind"),
    Column("giver", heading="Giver"),
    Column("submitted_by", heading="Submitted by"),
    Column("recipients", Kind.INTEGER, "Recipients"),
    Column("total", Kind.MONEY, "Total"),
    Column("violations", Kind.INTEGER, "Violations"),
    Column("standing", heading="Standing"),
)


def late_entries(books: Books) -> Iterator[Row]:
    """Entries of the days that were recorded more than so many days after the event."""
    for page in books.pages():
        for one in page.entries:
            late = days_to_record(books, one) - books.wanted.days
            if late > 0:
                yield _late(one, late)


def _late(one: Entered, late: int) -> Row:
    entry = one.entry
    return (
        entry.id,
        entry.occurred_on,
        one.recorded_at,
        late,
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        one.submitted_by,
        len(entry.recipients),
        money(entry.total, entry),
        len(one.cases),
        entry.standing.value,
    )
