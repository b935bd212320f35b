"""R2 and C5: lists of entries, one's own or all, and an entry with its people, results, versions and cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import Acting, ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, read_day, sentence_of
from app.console.pages import page, preferences
from app.console.showing import foreign, words
from app.domain.access import Permission, Principal
from app.domain.entries import Direction, Entry, Kind, Standing, to_document
from app.domain.refusals import Refusal, StaleVersion
from app.domain.screening import Assessment
from app.domain.violations import State
from app.services import approvals, entries
from app.services.desk import Connection
from app.services.entries import EntryFilter, Recorded

router = APIRouter(route_class=Page)
EntryId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Short = Annotated[str, Query(max_length=200)]
_REASON = "Say why, in a few words"


class Row(NamedTuple):
    """One line of a list of entries."""

    one: Recorded
    people: str
    total: str
    status: str


@router.get("/entries")
def list_entries(
    by: AskedBy,
    kind: Short = "",
    direction: Short = "",
    giver: Short = "",
    standing: Short = "",
    since: Short = "",
    until: Short = "",
    after: Short = "",
) -> Response:
    """All entries, or one's own and the team's, newest event first, narrowed by the address."""
    if not by.principal.may(Permission.READ_TEAM):
        by.require(Permission.READ_ALL)
    wanted = EntryFilter(
        kind=(kind,) if kind in set(Kind) else (),
        direction=direction if direction in set(Direction) else None,
        giver=giver.replace("\x00", "") or None,
        standing=standing if standing in set(Standing) else None,
        occurred_from=read_day(since),
        occurred_to=read_day(until),
    )
    asked = {"kind": kind, "direction": direction, "giver": giver, "standing": standing, "since": since, "until": until}
    return _list(by, wanted, after, "/console/entries", asked, "entries/list.html", "entries")


@router.get("/me/entries")
def list_own(by: AskedBy, after: Short = "") -> Response:
    """What one gave or submitted, newest event first."""
    by.require(Permission.SUBMIT)
    wanted = EntryFilter(own=by.principal.person)
    return _list(by, wanted, after, "/console/me/entries", {}, "entries/own.html", "mine-entries")


def _list(
    by: Asked, wanted: EntryFilter, after: str, path: str, asked: Mapping[str, str], template: str, active: str
) -> Response:
    limit = preferences(by.request).rows
    place = places.read(after, date, str)
    found = entries.listed(
        by.connection,
        by.desk,
        by.principal,
        wanted,
        after=(place[0], str(place[1])) if place is not None and isinstance(place[0], date) else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    last = shown[-1].entry if shown else None
    more = len(found) > limit and last is not None
    following = places.address(path, **asked, after=places.write(last.occurred_on, last.id)) if more and last else None
    return page(
        by,
        template,
        active=active,
        rows=[_row(one) for one in shown],
        asked=asked,
        kinds=tuple(Kind),
        standings=tuple(Standing),
        next=following,
        at_start=not after,
        narrowed=any(asked.values()),
    )


def _row(one: Recorded) -> Row:
    people = [_name(one, person.recipient_id) for person in one.entry.recipients]
    named = ", ".join(people[:2]) + (f" and {len(people) - 2} more" if len(people) > 2 else "")
    policy = one.book.in_force(one.entry.occurred_on)
    home = policy.currency if policy else one.entry.currency
    return Row(one, named or "Group not named yet", foreign(one.entry.total, one.entry.currency, home), status(one))


def _name(one: Recorded, recipient_id: str) -> str:
    match = one.people.get(recipient_id)
    return match.person.name if match is not None else recipient_id


def status(one: Recorded) -> str:
    """How an entry stands, in the words of whoever submitted it."""
    if one.entry.standing is Standing.CANCELLED:
        return "Withdrawn"
    if one.entry.standing is Standing.RETURNED:
        return "Returned"
    states = {State(case.state) for case in one.violations}
    if State.WAITING_ON_REP in states:
        return "Answer needed"
    if states - {State.DECIDED, State.WITHDRAWN}:
        return "With Compliance"
    outcomes = [case.outcome for case in one.violations if case.outcome]
    if outcomes:
        return f"Closed: {words(outcomes[-1]).lower()}"
    return "Approved" if one.approval is not None else "Saved"


@router.get("/entries/{entry_id}")
def show_entry(by: AskedBy, entry_id: EntryId, done: Short = "") -> Response:
    """An entry."""
    return _entry_page(by, entry_id, Form([]), done=done)


def _entry_page(
    by: Asked, entry_id: str, form: Form, *, done: str = "", conflict: str = "", status_code: int = 200
) -> Response:
    one = entries.get(by.connection, by.desk, by.principal, entry_id)
    policy = one.book.in_force(one.entry.occurred_on)
    home = policy.currency if policy else one.entry.currency
    own = by.principal.person in (one.submitted_by, one.entry.giver)
    all_of_it = by.principal.may(Permission.READ_ALL)
    return page(
        by,
        "entries/page.html",
        active="entries" if all_of_it else "mine-entries",
        status=status_code,
        one=one,
        entry=one.entry,
        status_word=status(one),
        people=[
            (person, _name(one, person.recipient_id), one.employers.get(person.employer_id or ""), share)
            for person, share in zip(one.entry.recipients, one.shares, strict=True)
        ],
        results=[(answer, one.book.rule_on(answer.line.rule_id, answer.line.occurred_on), _whose(one, answer))
                 for answer in one.assessments],
        versions=_versions(entries.versions(by.connection, by.principal, entry_id)),
        home=home,
        shows_amounts=all_of_it or by.desk.settings.reps_see_amounts,
        may_correct=one.entry.standing is Standing.LIVE
        and ((own and by.principal.may(Permission.SUBMIT)) or by.principal.may(Permission.SUBMIT_FOR_OTHERS)),
        may_approve=by.principal.may(Permission.APPROVE) and not own and one.approval is None
        and one.entry.standing is Standing.LIVE,
        form=form,
        faults=form.faults,
        done=done,
        conflict=conflict,
    )  # fmt: skip


def _whose(one: Recorded, answer: Assessment) -> str:
    shown = answer.line.shown
    return one.employers.get(shown, shown) if shown.startswith("emp_") else _name(one, shown)


def _versions(found: Sequence[Any]) -> list[tuple[Any, list[tuple[str, str, str]]]]:
    """Each version with the fields that it changed: name, before, after."""
    told = []
    before: dict[str, object] = {}
    for version in found:
        said = _said(version.entry)
        names = [name for name in said if before and said[name] != before.get(name)]
        told.append((version, [(words(name), str(before.get(name, "")), str(said[name])) for name in names]))
        before = said
    return told


def _said(entry: Entry) -> dict[str, object]:
    return {name: value for name, value in to_document(entry).items() if name not in ("exponent", "value")}


Work = Callable[[Connection, Principal, int], object]


@router.post("/entries/{entry_id}/withdrawal")
def withdraw(entry_id: EntryId, acting: ActingAs, form: Posted) -> Response:
    """Takes an entry back."""
    reason = form.required("reason", _REASON, most=2000, least=3)
    done = "Withdrawn. Enter it again below if it was only wrong."
    return _act(acting, entry_id, form, "reason", done, lambda connection, principal, version: entries.withdraw(
        connection, acting.desk, principal, entry_id, version=version, reason=reason
    ))  # fmt: skip


@router.post("/entries/{entry_id}/return")
def give_back(entry_id: EntryId, acting: ActingAs, form: Posted) -> Response:
    """The gift came back."""
    reason = form.required("reason", _REASON, most=2000, least=3)
    done = "Recorded as returned. It counts no more."
    return _act(acting, entry_id, form, "reason", done, lambda connection, principal, version: entries.give_back(
        connection, acting.desk, principal, entry_id, version=version, reason=reason
    ))  # fmt: skip


@router.post("/entries/{entry_id}/approval")
def approve(entry_id: EntryId, acting: ActingAs, form: Posted) -> Response:
    """Agrees with an entry as it stands."""
    note = form.required("approval-note", "Say what was looked at", most=2000)
    return _act(acting, entry_id, form, "approval-note", "Approved.", lambda connection, principal, version: (
        approvals.approve(connection, acting.desk, principal, entry_id, version=version, note=note)
    ))  # fmt: skip


def _act(acting: Acting, entry_id: str, form: Form, field: str, done: str, work: Work) -> Response:
    version = form.whole("version")
    conflict = ""
    if not form.faults and version is not None:
        try:
            acting.write(lambda connection, principal: work(connection, principal, version))
            return RedirectResponse(places.address(f"/console/entries/{entry_id}", done=done), 303)
        except StaleVersion as refusal:
            conflict = sentence_of(refusal.detail)
        except Refusal as refusal:
            if refusal.status in (401, 404):
                raise
            form.take(refusal, {}, field)
    status_code = 409 if conflict else 422
    return acting.read(lambda by: _entry_page(by, entry_id, form, conflict=conflict, status_code=status_code))
