"""Queues: the review queue in its views, with all names that it shows, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.policies import PolicyBook, Rule
from app.domain.recipients import name_key
from app.domain.violations import Order as Order
from app.domain.violations import State
from app.services import policies, violations
from app.services.desk import Desk
from app.storage import queues, recipients
from app.storage.queues import MOST_COUNTED as MOST_COUNTED
from app.storage.queues import Sought as Sought
from app.storage.recipients import KnownEmployer, KnownRecipient
from app.storage.violations import NOBODY, KnownViolation, ViolationFilter
from app.storage.violations import Place as Place
from app.storage.violations import Sorting as Sorting

_UNDECIDED = tuple(one.value for one in State if one not in (State.DECIDED, State.WITHDRAWN))
_MOST_FOUND = 200


class View(StrEnum):
    """Saved views of the queue."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    WAITING = "waiting"
    ESCALATED = "escalated"
    WEEK = "week"
    DECIDED = "decided"


class Waiting(NamedTuple):
    """What waits: open cases, one's own cases, and questions to oneself; None where that is nobody's business."""

    open: int | None = None
    mine: int | None = None
    questions: int | None = None


class Narrowed(NamedTuple):
    """How a view is narrowed; None or empty asks for nothing. `text` is a person, a recipient's name or a rule's."""

    severity: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    type: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Cases with everything that their lines show."""

    cases: Sequence[KnownViolation]
    book: PolicyBook
    people: Mapping[str, KnownRecipient]
    employers: Mapping[str, KnownEmployer]

    def rule(self, case: KnownViolation) -> Rule:
        """The rule that a case is about, in the version that found it."""
        return self.book.by_id[case.policy_id].by_id[case.rule_id]

    def who(self, case: KnownViolation) -> str:
        """The name of whoever a case is shown for: a person or an employer."""
        person, employer = self.people.get(case.shown), self.employers.get(case.shown)
        return person.name if person else employer.name if employer else case.shown

    def employer(self, case: KnownViolation) -> str | None:
        """For whom the person worked that day."""
        found = self.employers.get(case.employer_id or "")
        return found.name if found is not None and found.id != case.shown else None


def filter_of(view: View, principal: Principal, today: date) -> ViolationFilter:
    """Which cases a view shows."""
    open_ones = ViolationFilter(state=_UNDECIDED, today=today)
    match view:
        case View.MINE:
            return open_ones._replace(assignee=principal.person)
        case View.UNASSIGNED:
            return open_ones._replace(assignee=NOBODY)
        case View.WAITING:
            return ViolationFilter(state=(State.WAITING_ON_REP.value,))
        case View.ESCALATED:
            return ViolationFilter(state=(State.ESCALATED.value, State.WAITING_ON_SECOND_PERSON.value))
        case View.WEEK:
            return open_ones._replace(due_to=today + timedelta(days=6 - today.weekday()))
        case View.DECIDED:
            return ViolationFilter(state=(State.DECIDED.value, State.WITHDRAWN.value))
        case _:
            return open_ones


def sought(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    view: View,
    narrowed: Narrowed = Narrowed(),  # noqa: B008
) -> Sought:
    """What a view asks for, once it is narrowed. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    wanted = filter_of(view, principal, desk.today())
    types = (narrowed.type,) if narrowed.type else ()
    asked = Sought(
        wanted._replace(severity=narrowed.severity, rule_id=narrowed.rule, recipient_type=types, today=desk.today())
    )
    if not narrowed.text:
        return asked
    found = recipients.search(
        connection, name=name_key(narrowed.text), employer_id=None, type=None, after=None, limit=_MOST_FOUND
    )
    book = policies.current(connection, desk)
    word = narrowed.text.casefold()
    rules = {rule.id for policy in book.policies for rule in policy.rules if word in rule.name.casefold()}
    return asked._replace(
        giver=narrowed.text, shown=tuple(person.id for _, person in found), rules=tuple(sorted(rules))
    )


def page(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    wanted: Sought,
    order: Order,
    *,
    after: Place | None = None,
    before: Place | None = None,
    limit: int,
) -> Named:
    """Cases after a place in a queue, or the last ones before it, in its order. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    found = queues.page(connection, wanted, Sorting(order), after=after, before=before, limit=limit)
    return named(connection, desk, violations.told(connection, principal, found))


def place_of(case: KnownViolation, order: Order) -> Place:
    """Where a case stands in an order."""
    return Sorting(order).place(case)


def named(connection: Connection, desk: Desk, cases: Sequence[KnownViolation]) -> Named:
    """Cases with the names of everybody on them, in a handful of questions however many there are."""
    shown = {case.shown for case in cases}
    people = recipients.by_id(connection, {id for id in shown if not id.startswith("emp_")})
    employers = {case.employer_id for case in cases if case.employer_id} | {id for id in shown if id.startswith("emp_")}
    return Named(
        cases,
        policies.current(connection, desk),
        people,
        recipients.employers_by_id(connection, employers) if employers else {},
    )


def counts(connection: Connection, principal: Principal, several: Sequence[Sought]) -> list[int]:
    """How many cases each finds, up to one more than MOST_COUNTED. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    return queues.counts(connection, several)


def waiting(connection: Connection, desk: Desk, principal: Principal) -> Waiting:
    """What waits for somebody, as far as it is their business."""
    today = desk.today()
    opened = mine = questions = None
    if principal.may(Permission.READ_ALL):
        views = [Sought(filter_of(view, principal, today)) for view in (View.OPEN, View.MINE)]
        opened, mine = queues.counts(connection, views)
    if principal.may(Permission.SUBMIT):
        questions = queues.questions_to(connection, principal.person)
    return Waiting(opened, mine, questions)


def last_decided(connection: Connection, principal: Principal) -> date | None:
    """The day on which a case was last decided or withdrawn. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    return queues.last_decided(connection)
