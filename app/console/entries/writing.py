"""R1: recording a new entry, with the headroom of everybody on it while it is written."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.console import places
from app.console.asking import Acting, ActingAs, Asked, AskedBy, Page
from app.console.entries import drafting
from app.console.entries.checking import FIELDS, Check, check
from app.console.entries.drafting import Filled, Guest
from app.console.forms import Form, Posted
from app.console.pages import fragment, page
from app.domain.access import Permission, Principal
from app.domain.entries import HOSTED_KINDS, Kind
from app.domain.money import format_minor
from app.domain.refusals import Refusal
from app.services import entries, policies, recipients
from app.services.entries import Outcome, Recorded, Submission
from app.services.writer import Writer

router = APIRouter(route_class=Page)
_FOUND = 8
_CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "HKD", "SGD")
_ROUTE = "console: new entry"


@router.get("/entries/new")
def new_entry(by: AskedBy, copy: Annotated[str, Query(max_length=64, pattern=r"^[\x21-\x7e]*$")] = "") -> Response:
    """An empty form, or one with what another entry said."""
    by.require(Permission.SUBMIT)
    pairs = _copied(by, copy) if copy else []
    filled = drafting.read(Form(pairs), by.principal.person)
    checked = check(by, filled)
    filled.form.faults.clear()
    return _page(by, filled, checked)


def _copied(by: Asked, entry_id: str) -> list[tuple[str, str]]:
    """What another entry said, without its day."""
    one = entries.get(by.connection, by.desk, by.principal, entry_id)
    entry = one.entry
    pairs = [
        ("direction", entry.direction.value),
        ("kind", entry.kind.value),
        ("amount", format_minor(entry.total, entry.currency.exponent)),
        ("currency", entry.currency.code),
        ("venue", entry.venue),
        ("purpose", entry.purpose),
        ("hosts", ", ".join(entry.hosts or ())),
        ("hosts_present", "no" if entry.hosts_present is False else "yes"),
        ("giver", entry.giver if entry.direction == "received" else ""),
    ]
    for person in entry.recipients:
        match = one.people.get(person.recipient_id)
        name = match.person.name if match else person.recipient_id
        employer = one.employers.get(person.employer_id or "", "")
        pairs.append(("person", Guest(person.recipient_id, name, employer, person.type, "").word))
    return pairs


@router.post("/entries/check")
def check_entry(by: AskedBy, form: Posted) -> Response:
    """The parts of the form that say what is left; asked while somebody writes."""
    by.require(Permission.SUBMIT)
    filled = drafting.read(form, by.principal.person)
    return fragment(by, "entries/live.html", filled=filled, check=check(by, filled), form=form)


@router.get("/entries/people")
def find_people(by: AskedBy, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """People whose name begins so, for the list under the field."""
    by.require(Permission.KNOW_RECIPIENTS)
    text = " ".join(q.replace("\x00", "").split())
    return fragment(by, "entries/people.html", found=_found(by, text), text=text)


def _found(by: Asked, text: str) -> Sequence[Guest]:
    if len(text) < 2:
        return []
    found = recipients.search(by.connection, name=text, employer_id=None, type=None, after=None, limit=_FOUND)
    return [Guest(one.id, one.name, one.employer or "", one.type, "") for _, one in found]


@router.post("/entries/new")
async def save_entry(acting: ActingAs, form: Posted) -> Response:
    """Saves the entry, or does to the form what one of its other buttons says."""
    act = form.text("act")
    answer = await run_in_threadpool(_prepared, acting, form, act)
    if isinstance(answer, Response):
        return answer
    writer: Writer = acting.request.app.state.writer
    try:
        _, entry_id, _ = await writer.submit(_submission(acting, form, answer))
    except Refusal as refusal:
        if refusal.status in (401, 403, 503):
            raise
        form.take(refusal, FIELDS, "amount")
        return await run_in_threadpool(_again, acting, form, 422)
    return RedirectResponse(places.address(f"/console/entries/{entry_id}", done="Saved."), 303)


def _prepared(acting: Acting, form: Form, act: str) -> Filled | Response:
    """The form ready to be saved; or the page, where another button was pressed or something is missing."""
    _changed(form, act)
    if act not in ("", "save"):
        return _again(acting, form, 200)

    def inside(by: Asked) -> Filled | Response:
        by.require(Permission.SUBMIT)
        filled = drafting.read(form, by.principal.person)
        checked = check(by, filled)
        explained = len(form.text("explanation")) >= drafting.SHORTEST_EXPLANATION
        if checked.over and not explained:
            form.fault(
                "explanation",
                f"Explain in at least {drafting.SHORTEST_EXPLANATION} characters why the limit was passed",
            )
        return _page(by, filled, checked, status=422) if form.faults or filled.draft is None else filled

    return acting.read(inside)


def _changed(form: Form, act: str) -> None:
    """What the buttons beside the people do, where there is no script."""
    if act.startswith("add:"):
        form.pairs = [*form.pairs, ("person", act.removeprefix("add:"))]
    elif act.startswith("remove:"):
        gone = act.removeprefix("remove:")
        form.pairs = [pair for pair in form.pairs if pair != ("person", gone)]
    elif act == "add-new":
        said = {name: form.optional(f"new-{name}") for name in ("name", "employer", "type", "email")}
        guest = Guest("", said["name"], said["employer"], said["type"], said["email"])
        if not guest.name or not guest.type:
            form.fault("new-name", "A new person needs a name and a type")
            return
        form.pairs = [
            *(pair for pair in form.pairs if not pair[0].startswith("new-")),
            ("person", guest.word),
        ]
    elif act == "find":
        return


def _again(acting: Acting, form: Form, status: int) -> Response:
    """The page as it was sent, checked."""

    def inside(by: Asked) -> Response:
        by.require(Permission.SUBMIT)
        kept = dict(form.faults)
        filled = drafting.read(form, by.principal.person)
        checked = check(by, filled)
        if status == 200:
            form.faults = kept
        found = _found(by, form.text("find")) if form.text("act") == "find" else None
        return _page(by, filled, checked, status=422 if form.faults else status, found=found)

    return acting.read(inside)


def _page(
    by: Asked, filled: Filled, checked: Check, *, status: int = 200, found: Sequence[Guest] | None = None
) -> Response:
    book = policies.current(by.connection, by.desk)
    policy = book.in_force(by.desk.today())
    types = sorted({type for rule in (policy.rules if policy else ()) for type in rule.applies_to} - {"business"})
    usual = policy.currency.code if policy else "USD"
    return page(
        by,
        "entries/new.html",
        active="new",
        status=status,
        filled=filled,
        check=checked,
        form=filled.form,
        faults=filled.form.faults,
        kinds=tuple(Kind),
        hosted=[kind.value for kind in HOSTED_KINDS],
        currencies=[usual, *(one for one in _CURRENCIES if one != usual)],
        types=sorted({*types, "institutional_employee", "retail_customer", "own_associated_person"}),
        key=filled.form.text("key") or secrets.token_urlsafe(16),
        rules=[(rule, rule.limit_on(by.desk.today())) for rule in (policy.rules if policy else ())],
        policy=policy,
        found=found,
        longest=drafting.LONGEST_EXPLANATION,
    )


def _submission(acting: Acting, form: Form, filled: Filled) -> Submission:
    assert filled.draft is not None  # noqa: S101 - what has no draft is shown again
    key = form.text("key")
    plain = key if key.isascii() and key.isprintable() and " " not in key and len(key) <= 64 else ""
    said = repr([pair for pair in form.pairs if pair[0] != "act"])
    return Submission(
        credentials=acting.credentials,
        route=_ROUTE,
        items=[filled.draft],
        render=_id_of,
        key=plain or None,
        fingerprint=hashlib.sha256(said.encode()).hexdigest() if plain else "",
    )


def _id_of(_principal: Principal, outcomes: Sequence[Outcome]) -> tuple[int, str]:
    [outcome] = outcomes
    return (201, outcome.entry.id) if isinstance(outcome, Recorded) else (outcome.status, "")


__all__: list[Any] = ["router"]
