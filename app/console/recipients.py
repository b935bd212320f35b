"""C6, C7, C8: recipients, what each has got against every limit, and who may be one person with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from app.console import charts, places, sentences
from app.console.asking import Acting, ActingAs, Asked, AskedBy, Page
from app.console.charts import Point, Totals
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page, preferences
from app.console.showing import of_rule
from app.domain.access import Permission, Principal
from app.domain.policies import Measure, PeriodType, Rule
from app.domain.refusals import Refusal
from app.domain.screening import Outcome
from app.services import matches, merges, particulars, policies, recipients, screening, statements
from app.services.desk import Connection
from app.services.matches import Wanted
from app.services.merges import Effect
from app.services.screening import Headroom
from app.services.statements import StatedRule

router = APIRouter(route_class=Page)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Short = Annotated[str, Query(max_length=200)]
_LIKELY = 40
_YEARS = 4


@router.get("/recipients")
def list_recipients(by: AskedBy, q: Short = "", type: Short = "", after: Short = "") -> Response:
    """Recipients in order of name, or those whose name begins so."""
    by.require(Permission.READ_ALL)
    limit = preferences(by.request).rows
    text = " ".join(q.replace("\x00", "").split())
    place = places.read(after, str, str)
    found = recipients.search(
        by.connection,
        name=text or None,
        employer_id=None,
        type=type.replace("\x00", "") or None,
        after=(str(place[0]), str(place[1])) if place is not None else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    more = places.write(shown[-1][0], shown[-1][1].id) if len(found) > limit else None
    book = policies.current(by.connection, by.desk)
    types = {one for policy in book.policies for rule in policy.rules for one in rule.applies_to} - {"business"}
    return page(
        by,
        "recipients/list.html",
        active="recipients",
        rows=[person for _, person in shown],
        text=text,
        type=type,
        types=sorted(types | {person.type for _, person in shown}),
        next=places.address("/console/recipients", q=text, type=type, after=more) if more else None,
        at_start=place is None,
    )


@dataclass(frozen=True, slots=True)
class Card:
    """One limit of a recipient on a day, as a card."""

    rule: Rule
    used: int
    limit: int
    state: str
    said: str
    href: str
    chosen: bool


@router.get("/recipients/{recipient_id}")
def show_ledger(by: AskedBy, recipient_id: AnyId, limit: Short = "", year: Short = "") -> Response:
    """What a recipient got in a year, against one limit, with the others beside it."""
    by.require(Permission.READ_ALL)
    named = recipients.get(by.connection, recipient_id)
    if named.canonical_id != named.id:
        return RedirectResponse(f"/console/recipients/{named.canonical_id}", 303)
    today = by.desk.today()
    chosen_year = int(year) if year.isascii() and year.isdigit() and 1990 <= int(year) <= today.year + 1 else today.year
    on = min(today, date(chosen_year, 12, 31))
    first, last = date(chosen_year, 1, 1), date(chosen_year, 12, 31)
    told = statements.statement(by.connection, by.desk, recipient_id, first=first, last=last)
    kind, employer_id = recipients.place_of(by.connection, named, on)
    rooms = screening.headroom(
        by.connection, told.book, recipient_id=named.id, type=kind, employer_id=employer_id, on=on
    )
    stated = {one.rule.id: one for one in told.rules}
    known = [one.rule.id for one in rooms] + [id for id in stated if id not in {one.rule.id for one in rooms}]
    chosen = limit if limit in known else _liveliest(known, stated)
    rule = next((one.rule for one in rooms if one.rule.id == chosen), None)
    if rule is None and chosen in stated:
        rule = stated[chosen].rule
    return page(
        by,
        "recipients/ledger.html",
        active="recipients",
        person=named,
        year=chosen_year,
        years=[today.year - back for back in range(_YEARS)],
        cards=[_card(one, named.id, chosen, chosen_year) for one in rooms],
        rule=rule,
        chosen=chosen,
        lines=list(reversed(_lines(told, stated[chosen]))) if chosen in stated else [],
        chart=_chart(named.name, stated[chosen], rule, told) if chosen in stated and rule is not None else None,
        cases={(case.entry_id, case.rule_id): case for one in told.rules for case in one.violations},
        other_rules=[stated[id].rule for id in stated if id not in {one.rule.id for one in rooms}],
        records=len(told.records),
    )


def _liveliest(known: Sequence[str], stated: dict[str, StatedRule]) -> str:
    """The limit under which most happened, the first one where nothing did."""
    return max(known, key=lambda id: len(stated[id].answers) if id in stated else 0, default="")


def _card(one: Headroom, recipient_id: str, chosen: str, year: int) -> Card:
    near = one.rule.warn_at is not None and one.used * one.rule.warn_at.denominator >= (
        one.rule.warn_at.numerator * one.limit
    )
    if one.left < 0:
        state, said = "over", "Over the limit"
    else:
        state = "near" if near and one.used else "ok"
        said = f"{of_rule(one.left, one.rule)} left"
    if one.resets_on is not None and state != "over":
        said += f" until {one.resets_on:%-d %b %Y}"
    href = places.address(f"/console/recipients/{recipient_id}", limit=one.rule.id, year=year)
    return Card(one.rule, one.used, one.limit, state, said, href, one.rule.id == chosen)


def _lines(told: statements.Statement, stated: StatedRule) -> list[dict[str, Any]]:
    return [
        {
            "entry": told.entries[given.assessment.line.entry_id].entry,
            "counted": of_rule(given.assessment.line.counted, stated.rule),
            "excluded": given.assessment.line.exclusion,
            "running": of_rule(given.assessment.aggregate, stated.rule),
            "over": given.assessment.outcome is Outcome.VIOLATION,
        }
        for given in stated.answers
    ]


def _chart(who: str, stated: StatedRule, rule: Rule, told: statements.Statement) -> Markup | None:
    counted = [one.assessment for one in stated.answers if one.assessment.line.exclusion is None]
    yearly = rule.period.type in (PeriodType.CALENDAR_YEAR,)
    limit = rule.limit_on(min(told.last, told.today)) or (counted[-1].limit if counted else 0)
    if not counted or not yearly or rule.measure is Measure.PROHIBITION:
        return None
    return charts.running_total(
        Totals(
            id="rl",
            label=f"{who}, {sentences.things(rule).lower()} in {told.first.year}: running total",
            points=[
                Point(one.line.occurred_on, one.aggregate - one.line.counted, one.aggregate, one is counted[-1])
                for one in counted
            ],
            not_counted=[
                one.assessment.line.occurred_on for one in stated.answers if one.assessment.line.exclusion is not None
            ],
            limit=limit,
            warn=None if rule.warn_at is None else int(limit * rule.warn_at),
            start=told.first,
            end=told.last,
            today=told.today,
            write=lambda value: of_rule(value, rule),
            brief=lambda value: of_rule(value, rule),
        ),
        width=1140,
        height=240,
    )


# C8: identity


@router.get("/recipients/{recipient_id}/identity")
def show_identity(by: AskedBy, recipient_id: AnyId, done: Short = "") -> Response:
    """Names and ids of a recipient, who may be the same person, and merges that were made."""
    return _identity(by, recipient_id, Form([]), done=done)


def _identity(
    by: Asked, recipient_id: str, form: Form, *, effect: Effect | None = None, done: str = "", status: int = 200
) -> Response:
    by.require(Permission.READ_ALL)
    person = recipients.get(by.connection, recipient_id)
    found = matches.listed(by.connection, by.desk, Wanted(_LIKELY, recipient_id=person.id), after=None, limit=20)
    made: Sequence[Any] = []
    if by.principal.may(Permission.MERGE_RECIPIENTS):
        made = merges.listed(by.connection, recipient_id=person.id, after=None, limit=50)
    return page(
        by,
        "recipients/identity.html",
        active="recipients",
        status=status,
        person=person,
        outside=recipients.external_ids(by.connection, person.id),
        aliases=particulars.aliases(by.connection, person.id),
        found=[(next(one for one in match.people if one.id != person.id), match) for match in found
               if any(one.id != person.id for one in match.people)],
        merges=made,
        effect=_effect(effect) if effect is not None else None,
        form=form,
        faults=form.faults,
        done=done,
    )  # fmt: skip


def _effect(effect: Effect) -> dict[str, Any]:
    """What a merge would change, in words."""
    lines = []
    for change in effect.changes:
        if change.after is None:
            continue
        rule = effect.book.rule_on(change.after.line.rule_id, change.after.line.occurred_on)
        if rule is not None:
            before = of_rule(change.before.assessment.aggregate, rule) if change.before else "–"
            over = change.after.outcome is Outcome.VIOLATION
            lines.append(
                (rule.name, change.after.line.occurred_on, before, of_rule(change.after.aggregate, rule), over)
            )
    opened = sum(case.version == 1 for case in effect.cases.values())
    return {"lines": lines, "opened": opened, "updated": len(effect.cases) - opened}


@router.post("/recipients/{recipient_id}/merges")
def merge(recipient_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Merges another record into this one; first it is shown what that would change."""
    other = form.required("other", "Name the other record", most=64)
    reason = form.required("reason", "Say how it was found out that they are one person", most=2000, least=3)

    def work(connection: Connection, principal: Principal) -> Effect:
        principal.require(Permission.MERGE_RECIPIENTS)
        return merges.merge(connection, acting.desk, recipient_id, other, reason=reason, by=principal.person)

    return _carry_out(acting, recipient_id, form, "other", work, "Merged. Every total was worked out anew.")


@router.post("/recipients/{recipient_id}/partings")
def part(recipient_id: AnyId, acting: ActingAs, form: Posted) -> Response:
    """Takes a merge back; first it is shown what that would change."""
    merge_id = form.required("merge", "Name the merge", most=64)
    reason = form.required("part-reason", "Say how it was found out that they are two", most=2000, least=3)

    def work(connection: Connection, principal: Principal) -> Effect:
        principal.require(Permission.MERGE_RECIPIENTS)
        return merges.undo(connection, acting.desk, merge_id, reason=reason, by=principal.person)

    return _carry_out(acting, recipient_id, form, "part-reason", work, "Parted. Every total was worked out anew.")


def _carry_out(acting: Acting, recipient_id: str, form: Form, field: str, work: Any, done: str) -> Response:
    effect = None
    if not form.faults:
        try:
            if form.text("act") == "go":
                acting.write(work)
                return RedirectResponse(places.address(f"/console/recipients/{recipient_id}/identity", done=done), 303)
            effect = acting.rehearse(work)
        except Refusal as refusal:
            if refusal.status in (401, 404) or (refusal.status == 403):
                raise
            form.fault(field, sentence_of(refusal.detail))
    status = 422 if form.faults else 200
    return acting.read(lambda by: _identity(by, recipient_id, form, effect=effect, status=status))
