"""A3: the people who sign in: added, changed, made inactive, and let in by a link that works once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted, sentence_of
from app.console.pages import page, preferences
from app.domain.access import Permission, Role
from app.domain.money import parse_minor
from app.domain.refusals import Refusal, StaleVersion
from app.services import sessions, users
from app.services.packs import exponent
from app.services.users import UserDraft, UserFilter

router = APIRouter(route_class=Page)
UserId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Short = Annotated[str, Query(max_length=200)]
_ROLES = tuple(role for role in Role if role is not Role.INTEGRATION)


@router.get("/admin/users")
def list_users(by: AskedBy, after: Short = "", done: Short = "") -> Response:
    """Users, newest first, and a form for one more."""
    return _list(by, Form([]), after=after, done=done)


def _list(by: Asked, form: Form, *, after: str = "", done: str = "", status: int = 200) -> Response:
    by.require(Permission.MANAGE_USERS)
    limit = preferences(by.request).rows
    plain = after if after.isascii() and after.isprintable() else ""
    found = users.listed(by.connection, by.principal, UserFilter(), after=plain or None, limit=limit + 1)
    shown = found[:limit]
    return page(
        by,
        "admin/users.html",
        active="users",
        status=status,
        rows=shown,
        roles=_ROLES,
        form=form,
        faults=form.faults,
        done=done,
        next=places.address("/console/admin/users", after=shown[-1].id) if len(found) > limit else None,
    )


@router.post("/admin/users")
def add_user(acting: ActingAs, form: Posted) -> Response:
    """Adds a user, and shows the link by which they sign in first."""
    person = form.required("person", "Say how entries name them")
    draft = _draft(form)
    if not form.faults and draft is not None:
        try:
            user = acting.write(
                lambda connection, principal: users.create(connection, acting.desk, principal, person, draft)
            )
            done = "Added. Make a link below, so that they can sign in."
            return RedirectResponse(places.address(f"/console/admin/users/{user.id}", done=done), 303)
        except Refusal as refusal:
            if refusal.status in (401, 403) and not refusal.faults:
                raise
            form.take(refusal, _FIELDS, "person")
    return acting.read(lambda by: _list(by, form, status=422))


_FIELDS = {"person": "person", "email": "email", "name": "name", "role": "role", "waiver_limit": "waiver"}


def _draft(form: Form) -> UserDraft | None:
    name = form.required("name", "Enter their name")
    email = form.optional("email", most=254)
    role = form.text("role")
    if role not in set(Role):
        form.fault("role", "Choose a role")
    if email and ("@" not in email or " " in email):
        form.fault("email", "Enter the address like name@firm.com")
    waiver = _waiver(form)
    if form.faults:
        return None
    return UserDraft(name, email or None, Role(role), waiver, active=form.text("active") != "no")


def _waiver(form: Form) -> tuple[int, str]:
    """What an officer may waive alone, such as `500.00 USD`; nothing, where nothing is said."""
    said = form.text("waiver").split()
    if not said:
        return 0, ""
    code = said[1].upper() if len(said) == 2 else "USD"
    digits = exponent(code)
    try:
        if digits is None or len(said) > 2:
            raise ValueError("no currency")
        minor = parse_minor(said[0].replace(",", ""), digits)
    except ValueError:
        form.fault("waiver", "Write the amount as 500.00 USD")
        return 0, ""
    return (minor, code) if minor else (0, "")


@router.get("/admin/users/{user_id}")
def show_user(by: AskedBy, user_id: UserId, done: Short = "") -> Response:
    """One user."""
    return _user(by, user_id, Form([]), done=done)


def _user(
    by: Asked, user_id: str, form: Form, *, done: str = "", link: str = "", conflict: str = "", status: int = 200
) -> Response:
    user = users.get(by.connection, by.principal, user_id)
    return page(
        by,
        "admin/user.html",
        active="users",
        status=status,
        user=user,
        has_password=sessions.has_password(by.connection, user.id),
        roles=_ROLES,
        form=form,
        faults=form.faults,
        done=done,
        link=link,
        conflict=conflict,
        waiver=f"{_decimal(user.waiver_minor, user.waiver_currency)}" if user.waiver_minor else "",
    )


def _decimal(minor: int, code: str) -> str:
    digits = exponent(code) or 0
    whole = str(minor).rjust(digits + 1, "0")
    return f"{whole[:-digits]}.{whole[-digits:]} {code}" if digits else f"{whole} {code}"


@router.post("/admin/users/{user_id}")
def change_user(user_id: UserId, acting: ActingAs, form: Posted) -> Response:
    """Changes a user at the version that was shown. It holds from their next request on."""
    draft, version, conflict = _draft(form), form.whole("version"), ""
    if not form.faults and draft is not None and version is not None:
        said: dict[str, Any] = {name: getattr(draft, name) for name in ("name", "email", "role", "waiver", "active")}
        try:
            acting.write(lambda connection, principal: users.change(
                connection, acting.desk, principal, user_id, _otherwise(connection, principal, user_id, said),
                version=version,
            ))  # fmt: skip
            return RedirectResponse(places.address(f"/console/admin/users/{user_id}", done="Saved."), 303)
        except StaleVersion as refusal:
            conflict = sentence_of(refusal.detail)
        except Refusal as refusal:
            if refusal.status in (401, 404):
                raise
            form.take(refusal, _FIELDS, "name")
    status = 409 if conflict else 422
    return acting.read(lambda by: _user(by, user_id, form, conflict=conflict, status=status))


def _otherwise(connection: Any, principal: Any, user_id: str, said: dict[str, Any]) -> dict[str, Any]:
    """Only what is to be otherwise, so that nobody's own rights count as changed where they stay."""
    user = users.get(connection, principal, user_id)
    now = {
        "name": user.name, "email": user.email, "role": Role(user.role), "active": user.active,
        "waiver": (user.waiver_minor, user.waiver_currency),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value != now[name]}


@router.post("/admin/users/{user_id}/link")
def make_link(user_id: UserId, acting: ActingAs, form: Posted) -> Response:
    """A link that signs the user in once; it is shown this once."""

    def make(connection: Any, principal: Any) -> str:
        user = users.get(connection, principal, user_id)
        return sessions.make_link(connection, acting.desk, user.id, by=principal.person)

    token = acting.write(make)
    base = acting.desk.settings.public_url or str(acting.request.base_url).rstrip("/").removesuffix("/console")
    link = f"{base}/console/sign-in/link?token={token}"
    return acting.read(lambda by: _user(by, user_id, form, link=link))
