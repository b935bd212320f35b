"""A2: API keys: made, shown once, and ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted
from app.console.pages import page, preferences
from app.domain.access import Permission, Role
from app.domain.refusals import Refusal
from app.services import access

router = APIRouter(route_class=Page)
Short = Annotated[str, Query(max_length=200)]
_FIELDS = {"person": "person", "role": "role", "name": "name"}
_MOST_DAYS = 3650


@router.get("/admin/keys")
def list_keys(by: AskedBy, after: Short = "", done: Short = "") -> Response:
    """Keys, newest first, without their secrets."""
    return _page(by, Form([]), after=after, done=done)


def _page(by: Asked, form: Form, *, after: str = "", done: str = "", secret: str = "", status: int = 200) -> Response:
    by.require(Permission.MANAGE_KEYS)
    limit = preferences(by.request).rows
    plain = after if after.isascii() and after.isprintable() else ""
    found = access.keys(by.connection, after=plain or None, limit=limit + 1)
    shown = found[:limit]
    return page(
        by,
        "admin/keys.html",
        active="keys",
        status=status,
        rows=shown,
        roles=tuple(Role),
        now=by.desk.clock(),
        form=form,
        faults=form.faults,
        done=done,
        secret=secret,
        next=places.address("/console/admin/keys", after=shown[-1].id) if len(found) > limit else None,
    )


@router.post("/admin/keys")
def create_key(acting: ActingAs, form: Posted) -> Response:
    """Makes a key. Its secret is on this page and nowhere else."""
    name = form.required("name", "Say what the key is for")
    person = form.optional("person") or name
    role, days = form.text("role"), form.whole("days")
    if role not in set(Role):
        form.fault("role", "Choose a role")
    if days is None or not 1 <= days <= _MOST_DAYS:
        form.fault("days", f"Enter a number of days from 1 to {_MOST_DAYS}")
    if not form.faults:

        def make(connection: Any, principal: Any) -> str:
            principal.require(Permission.MANAGE_KEYS)
            _, secret = access.create_key(
                connection,
                acting.desk,
                name=name,
                role=Role(role),
                person=person,
                lifetime=timedelta(days=days or 1),
                by=principal.person,
                door="console",
            )
            return secret

        try:
            secret = acting.write(make)
            return acting.read(lambda by: _page(by, Form([]), secret=secret))
        except Refusal as refusal:
            if refusal.status in (401, 403):
                raise
            form.take(refusal, _FIELDS, "name")
    return acting.read(lambda by: _page(by, form, status=422))


@router.post("/admin/keys/{key_id}/end")
def revoke_key(
    key_id: Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")], acting: ActingAs, form: Posted
) -> Response:
    """Ends a key, once it is ticked that it may end."""

    def end(connection: Any, principal: Any) -> None:
        principal.require(Permission.MANAGE_KEYS)
        access.revoke_key(connection, acting.desk, key_id, by=principal.person, door="console")

    if form.text("confirm") != "yes":
        form.fault(f"confirm-{key_id}", "Tick that the key may end")
        return acting.read(lambda by: _page(by, form, status=422))
    acting.write(end)
    return RedirectResponse(
        places.address("/console/admin/keys", done="Ended. The next request with it is refused."), 303
    )
