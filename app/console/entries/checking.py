"""What a draft leaves of every limit, per person: the answer of the one judge in what-if mode, as the form shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.console import sentences
from app.console.asking import Asked
from app.console.entries.drafting import Filled, Guest
from app.console.showing import foreign, of_rule
from app.domain.access import Permission
from app.domain.policies import Measure, PolicyBook, Rule
from app.domain.refusals import Refusal
from app.domain.review_codes import SEVERITIES
from app.domain.screening import Assessment, Outcome
from app.services import entries
from app.services.entries import Recorded

FIELDS = {
    "occurred_on": "occurred_on",
    "total": "amount",
    "recipients": "find",
    "hosts_present": "hosts_present",
    "giver": "giver",
    "kind": "kind",
    "value": "amount",
    "facts": "explanation",
}


@dataclass(frozen=True, slots=True)
class Left:
    """The tightest limit of one person after the entry."""

    rule: Rule
    answer: Assessment
    state: str
    said: str
    used: str

    @property
    def severity(self) -> str:
        """The shape of its state."""
        if self.state == "over":
            return self.rule.severity
        return {"near": "medium"}.get(self.state, "ok")


@dataclass(frozen=True, slots=True)
class Line:
    """One person with their share and what is left for them; nothing is said of limits that do not apply."""

    guest: Guest
    share: str
    left: Left | None
    looks_like: Sequence[str]


@dataclass(frozen=True, slots=True)
class Check:
    """What the form says to what was filled in: a line per person, and how it stands as a whole."""

    lines: Sequence[Line]
    checked: bool
    why_not: str = ""
    note: str = ""
    shows_amounts: bool = True

    @property
    def over(self) -> Sequence[Line]:
        """The people who would be over a limit."""
        return [line for line in self.lines if line.left is not None and line.left.state == "over"]

    @property
    def near(self) -> Sequence[Line]:
        """The people who would be close to a limit."""
        return [line for line in self.lines if line.left is not None and line.left.state == "near"]

    @property
    def verdict(self) -> str:
        """How it stands, in one sentence for the eye and the ear."""
        if not self.checked:
            return "Not checked yet"
        many = len(self.lines)
        if self.over:
            return f"Over a limit for {len(self.over)} of {many}" if many > 1 else "Over a limit"
        if self.near:
            return "Within limits, close to one"
        return "Within every limit"


def check(by: Asked, filled: Filled) -> Check:
    """Asks the judge what recording would answer. Nothing is written; what is refused becomes a fault of the form."""
    plain = [Line(guest, "", None, ()) for guest in filled.guests]
    shows = by.desk.settings.reps_see_amounts or by.principal.may(Permission.READ_ALL)
    if filled.draft is None:
        return Check(plain, False, "Fill in the date, the cost and at least one person to see what is left.")
    try:
        told = entries.assess(by.connection, by.desk, by.principal, filled.draft)
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        filled.form.take(refusal, FIELDS, "amount")
        return Check(plain, False, "Something has to be put right before limits can be checked.")
    days = (by.desk.today() - filled.draft.occurred_on).days
    note = "This has not happened yet: it can be checked, not saved." if days < 0 else ""
    return Check([_line(told, place, guest, shows) for place, guest in enumerate(filled.guests)], True, "", note, shows)


def _line(told: Recorded, place: int, guest: Guest, shows: bool) -> Line:
    listed = told.entry.recipients[place]
    policy = told.book.in_force(told.entry.occurred_on)
    home = policy.currency if policy else told.entry.currency
    match = told.people.get(listed.recipient_id)
    alike = match.looks_like if match is not None and match.how == "created" else ()
    person = match.person.canonical_id if match is not None and not alike else listed.recipient_id
    mine = [one for one in told.assessments if one.line.shown in (listed.recipient_id, person)]
    return Line(
        guest,
        foreign(told.shares[place], told.entry.currency, home),
        _tightest(told.book, mine, shows),
        [f"{one.name}{f', {one.employer}' if one.employer else ''}" for one in alike[:2]],
    )


def _tightest(book: PolicyBook, mine: Sequence[Assessment], shows: bool) -> Left | None:
    """The limit with the least left after this entry, ties by severity; counts only where no money is at stake."""
    found = [(one, rule) for one in mine if one.outcome is not Outcome.EXCLUDED and (rule := _rule(book, one))]
    if not found:
        return None

    def key(pair: tuple[Assessment, Rule]) -> tuple[bool, bool, int, int]:
        answer, rule = pair
        counted = rule.measure is Measure.COUNT
        rank = SEVERITIES.index(rule.severity) if rule.severity in SEVERITIES else len(SEVERITIES)
        return (answer.outcome is not Outcome.VIOLATION, counted, -answer.over_by, rank)

    return _left(*min(found, key=key), shows=shows)


def _rule(book: PolicyBook, answer: Assessment) -> Rule | None:
    return book.rule_on(answer.line.rule_id, answer.line.occurred_on)


def _left(answer: Assessment, rule: Rule, *, shows: bool) -> Left:
    state = {Outcome.VIOLATION: "over", Outcome.WARNING: "near"}.get(answer.outcome, "ok")
    if not shows:
        return Left(rule, answer, state, {"over": "Over", "near": "Close to the limit", "ok": "OK"}[state], "")
    used = f"{of_rule(answer.aggregate, rule)} of {of_rule(answer.limit, rule)}"
    if answer.line.forbidden:
        return Left(rule, answer, state, "Prohibited", sentences.authority(rule))
    if state == "over" and answer.over_by > 0:
        return Left(rule, answer, state, f"{of_rule(answer.over_by, rule)} over", used)
    if state == "over":
        return Left(rule, answer, state, "At the limit, which is too much", used)
    return Left(rule, answer, state, f"{of_rule(-answer.over_by, rule)} left", used)
