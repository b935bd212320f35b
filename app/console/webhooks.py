"""A1: who is told of what happens here, with every delivery and its replay; and the systems that tell us things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page
from app.domain.access import Permission
from app.domain.refusals import Refusal, StaleVersion
from app.domain.subscriptions import EVENTS, Payload, SubscriptionState
from app.services import connections, deliveries, subscriptions
from app.services.deliveries import DeliveryFilter

router = APIRouter(route_class=Page)
SubscriptionId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Short = Annotated[str, Query(max_length=200)]
_SHOWN = 50
_FIELDS = {"url": "url", "events": "events", "payload": "payload", "description": "description"}


@router.get("/admin/webhooks")
def list_webhooks(by: AskedBy, done: Short = "") -> Response:
    """All subscriptions, and a form for one more."""
    return _list(by, Form([]), done=done)


def _list(by: Asked, form: Form, *, done: str = "", status: int = 200) -> Response:
    by.require(Permission.MANAGE_SUBSCRIPTIONS)
    found = subscriptions.listed(by.connection, by.principal, after=None, limit=_SHOWN)
    connected = _connected(by)
    return page(
        by,
        "admin/webhooks.html",
        active="webhooks",
        status=status,
        rows=[(one, deliveries.standing(by.connection, one.id)) for one in found],
        connected=connected,
        events=EVENTS,
        form=form,
        faults=form.faults,
        done=done,
    )


def _connected(by: Asked) -> Any:
    if not by.principal.may(Permission.MANAGE_CONNECTIONS):
        return None
    return connections.listed(by.connection, by.principal, after=None, limit=_SHOWN)


@router.post("/admin/webhooks")
def add_webhook(acting: ActingAs, form: Posted) -> Response:
    """Adds a subscription, and shows its secret this once."""
    url = form.required("url", "Enter the address, such as https://crm.firm.com/hooks", most=2000)
    description = form.optional("description")
    events = [one for one in form.all("events") if one in set(EVENTS)]
    if not events:
        form.fault("events", "Choose at least one event")
    if not form.faults:
        try:
            subscriptions.check_url(acting.desk, url)
            made, _, secret = acting.write(
                lambda connection, principal: subscriptions.create(
                    connection, acting.desk, principal, url=url, events=events, description=description,
                    payload=Payload.THIN,
                )
            )  # fmt: skip
            return acting.read(lambda by: _show(by, made.id, Form([]), secret=secret))
        except Refusal as refusal:
            if refusal.status in (401, 403):
                raise
            form.take(refusal, _FIELDS, "url")
    return acting.read(lambda by: _list(by, form, status=422))


@router.get("/admin/webhooks/{subscription_id}")
def show_webhook(by: AskedBy, subscription_id: SubscriptionId, done: Short = "", after: Short = "") -> Response:
    """One subscription with its deliveries, newest first."""
    return _show(by, subscription_id, Form([]), done=done, after=after)


def _show(
    by: Asked, subscription_id: str, form: Form, *, done: str = "", after: str = "", secret: str = "", status: int = 200
) -> Response:
    one = subscriptions.get(by.connection, by.principal, subscription_id)
    plain = after if after.isascii() and after.isprintable() else ""
    found = deliveries.listed(
        by.connection, by.principal, one.id, DeliveryFilter(), after=plain or None, limit=_SHOWN + 1
    )
    shown = found[:_SHOWN]
    path = f"/console/admin/webhooks/{one.id}"
    return page(
        by,
        "admin/webhook.html",
        active="webhooks",
        status=status,
        one=one,
        rows=shown,
        standing=deliveries.standing(by.connection, one.id),
        form=form,
        faults=form.faults,
        done=done,
        secret=secret,
        next=places.address(path, after=shown[-1].id) if len(found) > _SHOWN else None,
    )


@router.post("/admin/webhooks/{subscription_id}/act")
def act_on_webhook(subscription_id: SubscriptionId, acting: ActingAs, form: Posted) -> Response:
    """Tests, pauses, resumes, replays or rotates, as the button says."""
    act, desk = form.text("act"), acting.desk
    version = form.whole("version") or 0
    delivery = form.optional("delivery", most=64)
    since = form.day("since", "Say since which day") if act == "replay-since" else None

    def state(to: SubscriptionState) -> Callable[[Any, Any], object]:
        return lambda connection, principal: subscriptions.change(
            connection, desk, principal, subscription_id, version=version, state=to
        )

    def again(connection: Any, principal: Any) -> object:
        if since is not None:
            moment = datetime.combine(since, time(), desk.settings.zone)
            return deliveries.replay_since(connection, desk, principal, subscription_id, moment)
        return deliveries.replay(connection, desk, principal, subscription_id, delivery)

    works: dict[str, tuple[str, Callable[[Any, Any], object]]] = {
        "test": ("A test message is on its way.",
                 lambda connection, principal: deliveries.test(connection, desk, principal, subscription_id)),
        "pause": ("Paused. Nothing is lost; it goes on where it stopped.", state(SubscriptionState.DISABLED)),
        "resume": ("It goes on where it stopped.", state(SubscriptionState.ACTIVE)),
        "replay": ("Sent again.", again),
        "replay-since": ("Everything since that day is told again.", again),
    }  # fmt: skip
    if act not in works:
        form.fault("act", "Choose what to do")
    if not form.faults:
        try:
            acting.write(works[act][1])
            return RedirectResponse(
                places.address(f"/console/admin/webhooks/{subscription_id}", done=works[act][0]), 303
            )
        except Refusal as refusal:
            if refusal.status in (401, 403, 404) and not isinstance(refusal, StaleVersion):
                raise
            form.fault("act", sentence_of(refusal.detail))
    return acting.read(lambda by: _show(by, subscription_id, form, status=422))
