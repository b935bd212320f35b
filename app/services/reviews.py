"""Reviews: what reviewers do about cases short of deciding them, each act by the one table of moves and in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from app.domain import reviews as domain
from app.domain.access import GRANTS, Permission, Principal, Role
from app.domain.audit import Stamp
from app.domain.entries import Entry
from app.domain.refusals import Conflict, Refusal, StaleVersion, Unprocessable
from app.domain.violations import JUDGEMENTS, Act, State, after
from app.services import violations
from app.services.desk import Desk
from app.services.journal import Journal
from app.services.violations import ViolationNotFound
from app.services.violations.settling import reopened
from app.storage import access, dispositions, links, recipients, users
from app.storage import entries as entry_rows
from app.storage import violations as rows
from app.storage.entries import KnownEntry
from app.storage.links import KnownLink as KnownLink
from app.storage.violations import KnownViolation

LONGEST_SNOOZE = timedelta(days=30)


class ViolationChanged(StaleVersion):
    code = "violation_changed"
    title = "The violation has another version by now"


class AlreadyAssigned(Conflict):
    code = "already_assigned"
    title = "The violation is theirs already"


class NotAReviewer(Unprocessable):
    code = "not_a_reviewer"
    title = "The violation cannot be theirs"


class SnoozeDate(Unprocessable):
    code = "snooze_date"
    title = "A violation cannot be put off until that day"


class LinkedToItself(Unprocessable):
    code = "linked_to_itself"
    title = "A violation cannot be linked to itself"


class AlreadyLinked(Conflict):
    code = "already_linked"
    title = "The two violations are linked already"


class UnknownViolation(Unprocessable):
    code = "unknown_violation"
    title = "There is no such violation"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person at work on cases in one transaction, with the journal of what they do; all of it happens at `stamp`."""

    connection: Connection
    desk: Desk
    principal: Principal
    journal: Journal
    stamp: Stamp

    @classmethod
    def at_work(cls, connection: Connection, desk: Desk, principal: Principal) -> Reviewer:
        """Somebody who begins now."""
        return cls(connection, desk, principal, desk.journal(), desk.stamp(principal.person))

    def take_up(self, violation_id: str, version: int, act: Act) -> tuple[KnownViolation, State]:
        """The case at the version that was read, and the state that follows the act.

        Raises RoleForbids, ViolationNotFound, SelfReview, ViolationChanged, and what `violations.after` raises.
        """
        self.principal.require(Permission.REVIEW)
        case = self.find(violation_id)
        if act in JUDGEMENTS:
            self._require_impartial_on(case)
        require_version(case, version)
        return case, after(State(case.state), act)

    def find(self, violation_id: str) -> KnownViolation:
        """A case with all that it says. Raises ViolationNotFound."""
        case = rows.by_id(self.connection, violation_id)
        if case is None or not violations.may_see(self.principal, case):
            raise ViolationNotFound("There is no such violation")
        return case

    def _require_impartial_on(self, case: KnownViolation) -> None:
        known = entry_rows.by_id(self.connection, [case.entry_id])[case.entry_id]
        require_impartial(self.connection, self.principal.person, known)

    def move(self, case: KnownViolation, action: str, facts: Mapping[str, object], reason: str = "") -> KnownViolation:
        """The case's next version, if nobody was quicker, with its line in the log. Raises ViolationChanged."""
        now = replace(case, version=case.version + 1, changed_at=self.stamp.at)
        if not rows.swap(self.connection, now):
            raise ViolationChanged("The violation was changed at this moment; read it again")
        known_from = self.desk.sequencer.next(rows.last_known(self.connection, case.id))
        rows.remember(self.connection, [(now, known_from)])
        stamp = replace(self.stamp, reason=reason)
        self.journal.note(now.id, now.version, action, {"state": now.state, **facts}, stamp)
        return now


def require_version(case: KnownViolation, version: int) -> None:
    """Raises ViolationChanged unless the case has the version that was read."""
    if case.version != version:
        raise ViolationChanged(f"The violation is at version {case.version}; read it again")


def carry_out(
    connection: Connection, desk: Desk, principal: Principal, work: Callable[[Reviewer], KnownViolation]
) -> KnownViolation:
    """One act, with its line in the log."""
    reviewer = Reviewer.at_work(connection, desk, principal)
    done = work(reviewer)
    reviewer.journal.seal(connection)
    return violations.as_seen_by(principal, done)


def carry_out_each(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    meant: Iterable[tuple[str, int]],
    work: Callable[[Reviewer, str, int], KnownViolation],
) -> list[KnownViolation | Refusal]:
    """The same act on many cases, each (id, version); a refused one leaves its neighbours alone."""
    principal.require(Permission.REVIEW)
    reviewer = Reviewer.at_work(connection, desk, principal)
    results = [_tried(reviewer, work, violation_id, version) for violation_id, version in meant]
    reviewer.journal.seal(connection)
    return results


def _tried(
    reviewer: Reviewer, work: Callable[[Reviewer, str, int], KnownViolation], violation_id: str, version: int
) -> KnownViolation | Refusal:
    # A refusal is complete before the first write of its act, so that nothing of it remains.
    try:
        return work(reviewer, violation_id, version)
    except Refusal as refusal:
        return refusal


def require_impartial(connection: Connection, person: str, known: KnownEntry) -> None:
    """Raises SelfReview for whoever submitted, gave, hosted or received what the entry says, or said before."""
    # An amendment does not make anybody impartial, least of all when it is their own.
    said = [one.entry for one in entry_rows.versions(connection, known.entry.id)]
    received = _received(connection, said)
    involved = set().union(*(domain.involved(entry, known.submitted_by, received) for entry in said))
    domain.require_impartial(person, involved, access.addresses(connection, person))


def _received(connection: Connection, said: Iterable[Entry]) -> Sequence[domain.Named]:
    """The people on an entry's versions, with every record that is one with theirs."""
    listed = {
        id for entry in said for one in entry.recipients for id in (one.recipient_id, one.guest_of) if id is not None
    }
    canon = recipients.canon(connection, listed)
    people = recipients.by_id(connection, recipients.groups(connection, {canon.get(id, id) for id in listed}) | listed)
    ids = recipients.external_ids_of(connection, people)
    return [domain.Named(one.id, one.name, one.email, tuple(ids.get(one.id, ()))) for one in people.values()]


# The acts


def assign(reviewer: Reviewer, violation_id: str, version: int, assignee: str | None) -> KnownViolation:
    """Gives a case to a reviewer, or with None back to nobody.

    Raises AlreadyAssigned, SelfReview for its people, or NotAReviewer for a user who reviews nothing or has left.
    """
    act = Act.UNASSIGN if assignee is None else Act.ASSIGN
    case, state = reviewer.take_up(violation_id, version, act)
    if case.assignee == assignee:
        raise AlreadyAssigned(f"The violation is {'nobody' if assignee is None else assignee}'s already")
    if assignee is not None:
        known = entry_rows.by_id(reviewer.connection, [case.entry_id])[case.entry_id]
        require_impartial(reviewer.connection, assignee, known)
        _require_reviewer(reviewer.connection, assignee)
    now = replace(case, state=state.value, assignee=assignee)
    return reviewer.move(now, "violation.assigned", {"assignee": assignee})


def _require_reviewer(connection: Connection, assignee: str) -> None:
    # Whoever comes by key or token alone is not among the users; only of a user is it known what they may do.
    user = users.by_person(connection, [assignee]).get(users.key(assignee))
    if user is not None and user.person != assignee:
        raise NotAReviewer.at("/assignee", f"The user is written {user.person!r}")
    if user is not None and not (user.active and Permission.REVIEW in GRANTS[Role(user.role)]):
        raise NotAReviewer.at("/assignee", "This user decides no violations: they have another role, or have left")


def comment(reviewer: Reviewer, violation_id: str, version: int, text: str) -> KnownViolation:
    """A reviewer's remark, which reps do not see."""
    case, _ = reviewer.take_up(violation_id, version, Act.COMMENT)
    return reviewer.move(case, "violation.commented", {"text": text})


def snooze(reviewer: Reviewer, violation_id: str, version: int, until: date, reason: str) -> KnownViolation:
    """Puts a case off until a day, at most 30 days from today. Raises SnoozeDate."""
    case, _ = reviewer.take_up(violation_id, version, Act.SNOOZE)
    today = reviewer.desk.today()
    if not today < until <= today + LONGEST_SNOOZE:
        last = today + LONGEST_SNOOZE
        raise SnoozeDate.at("/until", f"until: a day from {today + timedelta(days=1)} to {last}")
    now = replace(case, snoozed_until=until)
    return reviewer.move(now, "violation.snoozed", {"until": until.isoformat(), "text": reason}, reason)


def link(reviewer: Reviewer, violation_id: str, version: int, other_id: str, note: str) -> KnownViolation:
    """Says that two cases belong together; both have it in their history.

    Raises LinkedToItself, UnknownViolation or AlreadyLinked.
    """
    case, _ = reviewer.take_up(violation_id, version, Act.LINK)
    other = other_case(reviewer, other_id, "/violation_id")
    if other.id == case.id:
        raise LinkedToItself.at("/violation_id", "Name another violation")
    if any(one.violation_id == other.id for one in links.of(reviewer.connection, case.id)):
        raise AlreadyLinked("The two violations are linked already")
    moved = {}
    for one, linked in sorted([(case, other), (other, case)], key=lambda pair: pair[0].id):
        moved[one.id] = reviewer.move(one, "violation.linked", {"violation": linked.id, "text": note})
    stamp = reviewer.stamp
    links.add(reviewer.connection, case.id, other.id, note=note, by=stamp.actor, at=stamp.at)
    return moved[case.id]


def other_case(reviewer: Reviewer, violation_id: str, pointer: str) -> KnownViolation:
    """A case that a body names. Raises UnknownViolation at the pointer."""
    try:
        return reviewer.find(violation_id)
    except ViolationNotFound as absent:
        raise UnknownViolation.at(pointer, "There is no such violation") from absent


def linked(connection: Connection, principal: Principal, violation_id: str) -> list[KnownLink]:
    """The cases that belong to one. Raises RoleForbids or ViolationNotFound."""
    principal.require(Permission.READ_ALL)
    return links.of(connection, violations.get(connection, principal, violation_id).id)


def escalate(reviewer: Reviewer, violation_id: str, version: int, reason: str) -> KnownViolation:
    """Takes a case up to whoever decides what officers do not. A waiver that waited for a second person falls."""
    case, state = reviewer.take_up(violation_id, version, Act.ESCALATE)
    now = without_proposal(case, state)
    moved = reviewer.move(now, "violation.escalated", {"text": reason}, reason)
    let_fall(reviewer, case, now, "escalated instead")
    return moved


def reopen(reviewer: Reviewer, violation_id: str, version: int, reason: str) -> KnownViolation:
    """Takes a decision back: the case is open again, nobody's, and due anew. Raises SelfReview for who is involved."""
    case, _ = reviewer.take_up(violation_id, version, Act.REOPEN)
    now = reopened(reviewer.desk, case, reviewer.stamp)
    moved = reviewer.move(now, "violation.reopened", {"text": reason, "due_on": now.due_on.isoformat()}, reason)
    let_fall(reviewer, case, now, reason)
    return moved


def without_proposal(case: KnownViolation, state: State) -> KnownViolation:
    """The case in another state; a waiver that waited for a second person is off the table there."""
    keeps = state in (State.WAITING_ON_SECOND_PERSON, State.DECIDED)
    return replace(case, state=state.value, disposition_id=case.disposition_id if keeps else None)


def let_fall(reviewer: Reviewer, case: KnownViolation, now: KnownViolation, because: str) -> None:
    """The decision that a case had and no longer has falls."""
    if case.disposition_id is not None and now.disposition_id != case.disposition_id:
        dispositions.fall(reviewer.connection, [case.disposition_id], at=reviewer.stamp.at, because=because)
