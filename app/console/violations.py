"""C2: a case with its proof in front of it, and everything that a reviewer does about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from app.console import charts, places, proofs, sentences
from app.console.asking import Acting, ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page
from app.domain.access import Permission, Principal
from app.domain.policies import Authority, Rule
from app.domain.refusals import Refusal, StaleVersion
from app.domain.review_codes import SEVERITIES
from app.domain.violations import Act, Outcome, State, after
from app.services import dispositions, exemptions, queues, reviews, violations
from app.services import proofs as proof_services
from app.services import questions as question_services
from app.services.dispositions import Decision
from app.services.queues import Order, View
from app.services.reviews import Reviewer
from app.services.violations import KnownViolation, ViolationFilter

router = APIRouter(route_class=Page)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Short = Annotated[str, Query(max_length=200)]
Several = Annotated[list[str], Query(max_length=20)]
SHORTEST_NOTE = 20
_NOTE = f"Write a note of at least {SHORTEST_NOTE} characters"
_ESCALATE = "escalate"
_OTHERS = 6


@dataclass(frozen=True, slots=True)
class Preview:
    """A case as the pane beside the queue shows it."""

    case: KnownViolation
    rule: Rule
    title: str
    summary: Markup
    chart: Markup | None
    who: str
    employer: str | None
    waivable: bool


def preview(by: Asked, violation_id: str) -> Preview:
    """What it takes to triage a case. Raises ViolationNotFound."""
    shown = proof_services.of_violation(by.connection, by.principal, violation_id)
    case = violations.get(by.connection, by.principal, violation_id)
    named = queues.named(by.connection, by.desk, [case])
    view = proofs.view(shown.proof, by.desk.today())
    who = named.who(case)
    return Preview(
        case,
        view.rule,
        sentences.title(view.rule, case, who),
        view.summary(who),
        charts.running_total(view.chart(f"p-{case.id}", who), width=470, height=190) if view.has_chart else None,
        who,
        named.employer(case),
        view.rule.authority is Authority.FIRM,
    )


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent, with what is wrong with it; nothing, where a case is only looked at."""

    form: Form
    faults: Mapping[str, str]
    conflict: str = ""


@router.get("/cases/{violation_id}")
def show_case(request: Request, by: AskedBy, violation_id: AnyId, outcome: Short = "", done: Short = "") -> Response:
    """A case."""
    return _case_page(by, violation_id, Filled(Form([("outcome", outcome)]), {}), done=done)


@router.get("/cases/{violation_id}/file")
def print_case(by: AskedBy, violation_id: AnyId) -> Response:
    """The case file, made for paper: the same page, with its proof and history laid out, and who printed it when."""
    return _case_page(by, violation_id, Filled(Form([]), {}), template="violations/file.html")


def _case_page(
    by: Asked,
    violation_id: str,
    filled: Filled,
    *,
    done: str = "",
    status: int = 200,
    template: str = "violations/page.html",
) -> Response:
    by.require(Permission.READ_ALL)
    shown = proof_services.of_violation(by.connection, by.principal, violation_id)
    case = violations.get(by.connection, by.principal, violation_id)
    named = queues.named(by.connection, by.desk, [case])
    who = named.who(case)
    view = proofs.view(shown.proof, by.desk.today())
    others = violations.listed(
        by.connection,
        by.principal,
        ViolationFilter(recipient_id=case.shown),
        queues.Sorting(),
        after=None,
        limit=_OTHERS + 1,
    )
    wide = template == "violations/file.html"
    return page(
        by,
        template,
        active="queue",
        status=status,
        case=case,
        view=view,
        who=who,
        employer=named.employer(case),
        person=named.people.get(case.shown),
        title=sentences.title(view.rule, case, who),
        chart=charts.running_total(view.chart("cd", who), width=820, height=250) if view.has_chart else None,
        history=violations.history(by.connection, by.desk, by.principal, violation_id),
        decision=_decision(by, case),
        linked=reviews.linked(by.connection, by.principal, violation_id),
        others=[(one, named.book.by_id[one.policy_id].by_id[one.rule_id]) for one in others if one.id != case.id],
        may=_may(by.principal, case),
        codes=by.desk.codes,
        outcomes=tuple(Outcome),
        exempting=[] if wide else _exemptions(by, case),
        form=filled.form,
        faults=filled.faults,
        conflict=filled.conflict,
        done=done,
        neighbours=_neighbours(by, case),
        now=by.desk.clock(),
        shortest_note=SHORTEST_NOTE,
    )


def _decision(by: Asked, case: KnownViolation) -> dispositions.KnownDisposition | None:
    return dispositions.get(by.connection, by.principal, case.disposition_id) if case.disposition_id else None


def _exemptions(by: Asked, case: KnownViolation) -> Sequence[Any]:
    if not by.principal.may(Permission.REVIEW):
        return []
    found = exemptions.listed(by.connection, by.principal, after=None, limit=200)
    return [one for one in found if case.rule_id in one.exempts.rule_ids]


def _may(who: Principal, case: KnownViolation) -> set[str]:
    """What this person may do with a case in this state."""
    if not who.may(Permission.REVIEW):
        return set()
    state = State(case.state)
    return {act.value for act in Act if _follows(state, act)}


def _follows(state: State, act: Act) -> bool:
    try:
        after(state, act)
    except Refusal:
        return False
    return True


def _neighbours(by: Asked, case: KnownViolation) -> tuple[str | None, str | None]:
    """The cases before and after this one in the queue that the address goes through."""
    query = by.request.query_params
    if "view" not in query:
        return None, None
    view = View(query["view"]) if query["view"] in set(View) else View.OPEN
    order = Order(query.get("sort", "")) if query.get("sort") in set(Order) else Order.DUE
    plain = [one for one in query.getlist("rule") if one.isprintable()]
    kind, text = query.get("type", ""), query.get("q", "")
    narrowed = queues.Narrowed(
        tuple(one for one in SEVERITIES if one in query.getlist("sev")),
        tuple(plain[:20]),
        kind if kind and kind.isprintable() else None,
        " ".join(text.replace("\x00", "").split())[:200],
    )
    wanted = queues.sought(by.connection, by.desk, by.principal, view, narrowed)
    spot = queues.place_of(case, order)
    ask = (by.connection, by.desk, by.principal, wanted, order)
    before = queues.page(*ask, before=spot, limit=1).cases
    later = queues.page(*ask, after=spot, limit=1).cases
    kept = {
        "view": view.value, "sort": order.value, "sev": narrowed.severity, "rule": narrowed.rule,
        "type": narrowed.type, "q": narrowed.text,
    }  # fmt: skip
    first, second = (
        places.address(f"/console/cases/{found[0].id}", **kept) if found else None for found in (before, later)
    )
    return first, second


# Acts

Work = Callable[[Reviewer, int], KnownViolation]


def _act(acting: Acting, violation_id: str, form: Form, names: Mapping[str, str], field: str, work: Work) -> Response:
    """Does something with the case at the version that was shown; shows the page again where it cannot be done."""
    version = form.whole("version")
    if version is None:
        form.fault(field, "The page was incomplete. Look at the case below and send it again")
    if not form.faults and version is not None:
        try:
            acting.write(
                lambda connection, principal: reviews.carry_out(
                    connection, acting.desk, principal, lambda reviewer: work(reviewer, version)
                )
            )
            if form.text("back") == "queue":
                return RedirectResponse("/console/queue", 303)
            return RedirectResponse(places.address(f"/console/cases/{violation_id}", done=form.text("said")[:100]), 303)
        except StaleVersion:
            return _conflict(acting, violation_id, form)
        except Refusal as refusal:
            if refusal.status in (401, 404):
                raise
            form.take(refusal, names, field)
            if refusal.status == 409:
                return _conflict(acting, violation_id, form, sentence_of(refusal.detail))
    return acting.read(lambda by: _case_page(by, violation_id, Filled(form, form.faults), status=422))


def _conflict(acting: Acting, violation_id: str, form: Form, why: str = "") -> Response:
    """Somebody was quicker: the case as it is now, and everything that was typed. A click twice is no conflict."""

    def again(by: Asked) -> Response:
        case = violations.get(by.connection, by.principal, violation_id)
        mine = by.principal.person in (case.decided_by, case.assignee)
        if mine and form.text("outcome") in (case.outcome, case.state.removesuffix("d")):
            return RedirectResponse(f"/console/cases/{violation_id}", 303)
        last = violations.history(by.connection, by.desk, by.principal, violation_id)[-1]
        did = last.action.removeprefix("violation.").replace("_", " ")
        said = why or f"{last.by or 'A recalculation'} {did} this case since you opened the page."
        return _case_page(by, violation_id, Filled(form, {}, said), status=409)

    return acting.read(again)


@router.post("/cases/{violation_id}/decision")
def decide(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Decides a case, or takes it up."""
    outcome = form.text("outcome")
    if outcome == _ESCALATE:
        reason = form.required("note", _NOTE, most=2000, least=SHORTEST_NOTE)
        return _act(
            acting, violation_id, form, {"reason": "note"}, "note",
            lambda reviewer, version: reviews.escalate(reviewer, violation_id, version, reason),
        )  # fmt: skip
    if outcome not in set(Outcome):
        form.fault("outcome", "Choose an outcome")
    reason = form.required(f"reason-{outcome}", "Choose a reason", most=64)
    note = form.required("note", _NOTE, most=2000, least=SHORTEST_NOTE)
    duplicate = form.optional("duplicate_of", most=64) if outcome == Outcome.DUPLICATE else ""
    exemption = form.optional("exemption_id", most=64) if outcome == Outcome.NO_VIOLATION else ""
    action = form.optional(f"action-{outcome}", most=64)
    names = {
        "reason_code": f"reason-{outcome}", "corrective_action": f"action-{outcome}", "note": "note",
        "duplicate_of": "duplicate_of", "exemption_id": "exemption_id",
    }  # fmt: skip

    def work(reviewer: Reviewer, version: int) -> KnownViolation:
        made = Decision(Outcome(outcome), reason, action or None, note, duplicate or None, exemption or None)
        return dispositions.decide(reviewer, violation_id, version, made)

    return _act(acting, violation_id, form, names, "outcome", work)


@router.post("/cases/{violation_id}/confirmation")
def confirm(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """The second person agrees with a waiver."""
    note = form.required("confirm-note", _NOTE, most=2000, least=SHORTEST_NOTE)
    made = form.required("disposition", "This case does not wait for a second person", most=64)
    return _act(
        acting, violation_id, form, {"note": "confirm-note"}, "confirm-note",
        lambda reviewer, version: dispositions.confirm(reviewer, made, version, note),
    )  # fmt: skip


@router.post("/cases/{violation_id}/assignment")
def assign(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Gives a case to somebody, or back to nobody."""
    person = form.optional("assignee")
    return _act(
        acting, violation_id, form, {"assignee": "assignee"}, "assignee",
        lambda reviewer, version: reviews.assign(reviewer, violation_id, version, person or None),
    )  # fmt: skip


@router.post("/cases/{violation_id}/comments")
def comment(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Adds a note that reviewers see."""
    text = form.required("comment", "Write the note", most=2000)
    return _act(
        acting, violation_id, form, {"text": "comment"}, "comment",
        lambda reviewer, version: reviews.comment(reviewer, violation_id, version, text),
    )  # fmt: skip


@router.post("/cases/{violation_id}/questions")
def ask(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Asks whoever gave or submitted the entry."""
    text = form.required("question", "Write the question", most=2000)
    due_on = form.day("due_on", "Say by which day an answer is needed")

    def work(reviewer: Reviewer, version: int) -> KnownViolation:
        if due_on is not None:
            question_services.ask(reviewer, violation_id, version, text, due_on)
        return violations.get(reviewer.connection, reviewer.principal, violation_id)

    return _act(acting, violation_id, form, {"text": "question", "due_on": "due_on"}, "question", work)


@router.post("/cases/{violation_id}/snoozes")
def snooze(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Puts a case off."""
    until = form.day("until", "Say until which day")
    reason = form.required("snooze-reason", "Say why it can wait", most=2000)

    def work(reviewer: Reviewer, version: int) -> KnownViolation:
        if until is None:
            return violations.get(reviewer.connection, reviewer.principal, violation_id)
        return reviews.snooze(reviewer, violation_id, version, until, reason)

    return _act(acting, violation_id, form, {"until": "until", "reason": "snooze-reason"}, "until", work)


@router.post("/cases/{violation_id}/links")
def link(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Says that another case belongs to this one."""
    other = form.required("other", "Name the other case by its id", most=64)
    note = form.required("link-note", "Say how they belong together", most=2000)
    return _act(
        acting, violation_id, form, {"violation_id": "other", "note": "link-note"}, "other",
        lambda reviewer, version: reviews.link(reviewer, violation_id, version, other, note),
    )  # fmt: skip


@router.post("/cases/{violation_id}/reopenings")
def reopen(violation_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Takes a decision back."""
    reason = form.required("reopen-reason", "Say why the decision does not hold", most=2000)
    return _act(
        acting, violation_id, form, {"reason": "reopen-reason"}, "reopen-reason",
        lambda reviewer, version: reviews.reopen(reviewer, violation_id, version, reason),
    )  # fmt: skip
