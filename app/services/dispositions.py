"""Dispositions: deciding cases, and the second person's word where one officer's is not enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.policies import Authority, Measure, Rule
from app.domain.refusals import Conflict, Forbidden, NotFound, Unprocessable
from app.domain.reviews import may_waive_alone, require_second_person
from app.domain.violations import Act, Outcome, State, after
from app.services import audit, exemptions, policies
from app.services.reviews import Reviewer, let_fall, other_case
from app.services.violations.settling import decided
from app.storage import access
from app.storage import dispositions as rows
from app.storage.dispositions import KnownDisposition as KnownDisposition
from app.storage.ids import new_id
from app.storage.violations import KnownViolation

_MOST_RECORDS = 10_000


class DispositionNotFound(NotFound):
    code = "disposition_not_found"


class Escalated(Forbidden):
    code = "escalated"
    title = "A senior officer decides what was escalated"


class NotWaiting(Conflict):
    code = "disposition_not_waiting"
    title = "This decision does not wait for a second person"


class RegulatorsRule(Unprocessable):
    code = "regulator_rule_not_waivable"
    title = "A regulator's rule cannot be waived"


class DuplicateOfRequired(Unprocessable):
    code = "duplicate_of_required"
    title = "Say which violation it duplicates"


class NotADuplicate(Unprocessable):
    code = "not_a_duplicate"
    title = "It cannot be a duplicate of that violation"


class ExemptionRequired(Unprocessable):
    code = "exemption_required"
    title = "Say which exemption covers it"


class NotForThisOutcome(Unprocessable):
    code = "not_for_this_outcome"
    title = "This does not go with the outcome"


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody wants to decide: outcome, reason and action by the firm's codes, and a note in their own words."""

    outcome: Outcome
    reason_code: str
    corrective_action: str | None
    note: str
    duplicate_of: str | None = None
    exemption_id: str | None = None


def decide(reviewer: Reviewer, violation_id: str, version: int, decision: Decision) -> KnownViolation:
    """Decides a case; a waiver above the officer's own amount waits for a second person to confirm it.

    Raises what `Reviewer.take_up` and the review codes raise, Escalated, RegulatorsRule, DuplicateOfRequired,
    NotADuplicate, ExemptionRequired, NotForThisOutcome, UnknownExemption and ExemptionDoesNotCover.
    """
    case, _ = reviewer.take_up(violation_id, version, Act.DECIDE)
    if not reviewer.principal.may(Permission.DECIDE_ESCALATED) and _is_escalated(reviewer, case):
        raise Escalated("This violation was escalated; a senior officer decides it")
    rule = _rule(reviewer, case)
    action = _checked(reviewer, case, rule, decision)
    act = Act.PROPOSE if _needs_second_person(reviewer, case, rule, decision) else Act.DECIDE
    made = _made(reviewer, case, rule, decision, action, needs_second_person=act is Act.PROPOSE)
    state = after(State(case.state), act)
    if state is State.DECIDED:
        now, told = decided(reviewer.desk, case, made), "violation.decided"
    else:
        now, told = replace(case, state=state.value, disposition_id=made.id, snoozed_until=None), "violation.proposed"
    moved = reviewer.move(now, told, _facts(made))
    let_fall(reviewer, case, now, "decided otherwise")
    rows.add(reviewer.connection, made)
    return moved


def confirm(reviewer: Reviewer, disposition_id: str, version: int, note: str) -> KnownViolation:
    """A second person agrees with a waiver: the case is decided.

    Raises DispositionNotFound, NotWaiting, SelfConfirmation, RegulatorsRule, and what `Reviewer.take_up` raises.
    """
    reviewer.principal.require(Permission.REVIEW)
    made = rows.by_id(reviewer.connection, [disposition_id]).get(disposition_id)
    if made is None:
        raise DispositionNotFound("There is no such decision")
    first = access.addresses(reviewer.connection, made.decided_by)
    require_second_person(reviewer.principal.person, made.decided_by, first)
    if made.fell_at is not None or made.confirmed_at is not None or not made.needs_second_person:
        raise NotWaiting("This decision does not wait for a second person")
    case, _ = reviewer.take_up(made.violation_id, version, Act.CONFIRM)
    _require_waivable(reviewer, _rule(reviewer, case))
    by, at = reviewer.stamp.actor, reviewer.stamp.at
    whole = made._replace(confirmed_by=by, confirmed_at=at, confirmation_note=note)
    facts = _facts(made) | {"text": note, "proposed_by": made.decided_by}
    moved = reviewer.move(decided(reviewer.desk, case, whole), "violation.decided", facts)
    rows.confirm(reviewer.connection, made.id, by=by, at=at, note=note)
    return moved


def get(connection: Connection, principal: Principal, disposition_id: str) -> KnownDisposition:
    """One decision, standing or fallen. Raises RoleForbids or DispositionNotFound."""
    principal.require(Permission.READ_ALL)
    found = rows.by_id(connection, [disposition_id]).get(disposition_id)
    if found is None:
        raise DispositionNotFound("There is no such decision")
    return found


def _rule(reviewer: Reviewer, case: KnownViolation) -> Rule:
    book = policies.current(reviewer.connection, reviewer.desk)
    return book.by_id[case.policy_id].by_id[case.rule_id]


def _is_escalated(reviewer: Reviewer, case: KnownViolation) -> bool:
    """Whether it was escalated since it was last opened; a proposed waiver or a question does not take that away."""
    if case.state in (State.ESCALATED, State.OPEN):
        return case.state == State.ESCALATED
    wanted = audit.RecordFilter(entity_id=case.id)
    records = audit.records(reviewer.connection, reviewer.desk, wanted, after=-1, limit=_MOST_RECORDS)
    happened = [one.action for one in records if one.action in ("violation.escalated", "violation.reopened")]
    return happened[-1:] == ["violation.escalated"]


def _is_regulators(reviewer: Reviewer, rule: Rule) -> bool:
    """Whether any published version says so: no later one makes a regulator's rule the firm's to waive."""
    book = policies.current(reviewer.connection, reviewer.desk)
    versions = (policy.by_id.get(rule.id) for policy in book.by_id.values())
    return any(one is not None and one.authority is Authority.REGULATOR for one in versions)


def _checked(reviewer: Reviewer, case: KnownViolation, rule: Rule, decision: Decision) -> str:
    """The corrective action of a decision that can be made."""
    reason = reviewer.desk.codes.reason(decision.reason_code, decision.outcome)
    action = reviewer.desk.codes.action(decision.corrective_action, decision.outcome)
    if decision.outcome is Outcome.WAIVED:
        _require_waivable(reviewer, rule)
    _check_duplicate(reviewer, case, decision)
    if reason.needs_exemption and decision.exemption_id is None:
        raise ExemptionRequired.at("/exemption_id", f"With {reason.code}, name the exemption that covers it")
    if decision.exemption_id is not None:
        _check_exemption(reviewer, case, decision, decision.exemption_id)
    return action


def _require_waivable(reviewer: Reviewer, rule: Rule) -> None:
    if _is_regulators(reviewer, rule):
        raise RegulatorsRule.at(
            "/outcome", f"{rule.name} is a regulator's rule: decide it, or name an exemption on record"
        )


def _check_duplicate(reviewer: Reviewer, case: KnownViolation, decision: Decision) -> None:
    if decision.outcome is not Outcome.DUPLICATE:
        if decision.duplicate_of is not None:
            raise NotForThisOutcome.at("/duplicate_of", "duplicate_of goes with the outcome duplicate")
        return
    if decision.duplicate_of is None:
        raise DuplicateOfRequired.at("/duplicate_of", "Name the violation under which the same facts are reviewed")
    original = other_case(reviewer, decision.duplicate_of, "/duplicate_of")
    if original.id == case.id or original.state == State.WITHDRAWN or original.outcome == Outcome.DUPLICATE:
        raise NotADuplicate.at(
            "/duplicate_of", "Name another violation, neither withdrawn nor itself a duplicate of a third"
        )


def _check_exemption(reviewer: Reviewer, case: KnownViolation, decision: Decision, exemption_id: str) -> None:
    if decision.outcome is not Outcome.NO_VIOLATION:
        raise NotForThisOutcome.at("/exemption_id", "An exemption goes with the outcome no_violation")
    exemptions.require_covers(reviewer.connection, exemption_id, case)


def _needs_second_person(reviewer: Reviewer, case: KnownViolation, rule: Rule, decision: Decision) -> bool:
    if decision.outcome is not Outcome.WAIVED:
        return False
    who = reviewer.principal
    currency = None if rule.measure is Measure.COUNT else rule.currency.code
    return not may_waive_alone(case.over_by, currency, own_limit=who.waiver_minor, own_currency=who.waiver_currency)


def _made(
    reviewer: Reviewer, case: KnownViolation, rule: Rule, decision: Decision, action: str, *, needs_second_person: bool
) -> KnownDisposition:
    return KnownDisposition(
        id=new_id("dsp"),
        violation_id=case.id,
        outcome=decision.outcome.value,
        reason_code=decision.reason_code,
        corrective_action=action,
        note=decision.note,
        duplicate_of=decision.duplicate_of,
        exemption_id=decision.exemption_id,
        authority=rule.authority.value,
        policy_id=case.policy_id,
        giver=case.giver,
        counted=case.counted,
        aggregate=case.aggregate,
        limit_value=case.limit_value,
        needs_second_person=needs_second_person,
        decided_by=reviewer.stamp.actor,
        decided_at=reviewer.stamp.at,
    )


def _facts(made: KnownDisposition) -> dict[str, object]:
    facts: dict[str, object] = {
        "disposition": made.id,
        "outcome": made.outcome,
        "reason_code": made.reason_code,
        "corrective_action": made.corrective_action,
        "text": made.note,
    }
    named = {"duplicate_of": made.duplicate_of, "exemption": made.exemption_id}
    return facts | {name: id for name, id in named.items() if id is not None}
