"""Drafts to confirm: what connected systems or files propose, completed and confirmed, or dismissed with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import Acting, ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page
from app.domain.access import Permission
from app.domain.drafts import ProposedEntry
from app.domain.entries import Kind
from app.domain.money import Currency, parse_minor
from app.domain.refusals import Refusal, StaleVersion
from app.services import drafts
from app.services.drafts import DraftFilter
from app.services.packs import exponent

router = APIRouter(route_class=Page)
DraftId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_SHOWN = 30


@router.get("/me/drafts")
def list_drafts(by: AskedBy, done: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Open drafts of one's own, newest first, each with what confirming it would answer."""
    return _page(by, Form([]), "", done=done)


def _page(by: Asked, form: Form, at: str, *, done: str = "", conflict: str = "", status: int = 200) -> Response:
    by.require(Permission.SUBMIT)
    wanted = DraftFilter(owner=by.principal.person, state="open")
    found = drafts.listed(by.connection, by.principal, wanted, after=None, limit=_SHOWN + 1)
    return page(
        by,
        "drafts/page.html",
        active="drafts",
        status=status,
        found=[drafts.seen(by.connection, by.desk, by.principal, one) for one in found[:_SHOWN]],
        more=len(found) > _SHOWN,
        kinds=tuple(Kind),
        form=form,
        faults=form.faults,
        at=at,
        done=done,
        conflict=conflict,
    )


@router.post("/me/drafts/{draft_id}")
def confirm(draft_id: DraftId, acting: ActingAs, form: Posted) -> Response:
    """Confirms a draft with what was filled in; it becomes an entry, once."""
    completion = _completion(form)

    def work(connection: Any, principal: Any, version: int) -> str:
        _, recorded, _ = drafts.confirm(
            connection, acting.desk, principal, draft_id, version=version, completion=completion
        )
        return f"/console/entries/{recorded.entry.id}"

    return _act(acting, draft_id, form, "Saved.", work)


@router.post("/me/drafts/{draft_id}/dismissal")
def dismiss(draft_id: DraftId, acting: ActingAs, form: Posted) -> Response:
    """Closes a draft without an entry."""
    reason = form.required("reason", "Say why it is no entry", most=2000, least=3)

    def work(connection: Any, principal: Any, version: int) -> str:
        drafts.dismiss(connection, acting.desk, principal, draft_id, version=version, reason=reason)
        return "/console/me/drafts"

    return _act(acting, draft_id, form, "Dismissed.", work)


def _completion(form: Form) -> Callable[[ProposedEntry], ProposedEntry]:
    """What was filled in; what was left empty stays as it was proposed."""
    said: dict[str, Any] = {}
    if form.text("occurred_on"):
        said["occurred_on"] = form.day("occurred_on", "Enter the date of the event")
    if form.text("kind") in set(Kind):
        said["kind"] = Kind(form.text("kind"))
    if form.text("hosts_present"):
        said["hosts_present"] = form.text("hosts_present") == "yes"
    if form.text("amount"):
        code = form.text("currency").upper() or "USD"
        digits = exponent(code)
        try:
            if digits is None:
                raise ValueError("no currency")
            said |= {
                "total": parse_minor(form.text("amount").replace(",", ""), digits),
                "currency": Currency(code, digits),
            }
        except ValueError:
            form.fault("amount", "Enter the amount as a number, like 540.00")
    return lambda proposal: replace(proposal, **said)


def _act(acting: Acting, draft_id: str, form: Form, done: str, work: Callable[[Any, Any, int], str]) -> Response:
    version, conflict = form.whole("version"), ""
    if not form.faults and version is not None:
        try:
            target = acting.write(lambda connection, principal: work(connection, principal, version))
            return RedirectResponse(places.address(target, done=done), 303)
        except StaleVersion as refusal:
            conflict = sentence_of(refusal.detail)
        except Refusal as refusal:
            if refusal.status in (401, 404):
                raise
            form.fault("draft", sentence_of(refusal.detail))
    status = 409 if conflict else 422
    return acting.read(lambda by: _page(by, form, draft_id, conflict=conflict, status=status))
