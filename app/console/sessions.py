"""Signing in and out: a password, a one-time link, and what was posted while nobody was signed in any more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.console.asking import AskedBy, Page, cookie_name, credentials_of, desk_of, is_secure
from app.console.forms import Form, Posted, read_form
from app.console.pages import bare, page
from app.domain.access import BadKey, Permission
from app.domain.refusals import Refusal, Unauthenticated
from app.services import sessions
from app.services.sessions import Opened

router = APIRouter(route_class=Page)
Next = Annotated[str, Query(alias="next", max_length=2000)]
_HOME = "/console/home"
_LINKED = "/console/sign-in/link"


def inside(path: str) -> str:
    """A page of ours to go on to; the first one for anything that leads elsewhere."""
    plain = path.startswith("/console/") and "\\" not in path and "//" not in path and path.isprintable()
    return path if plain and not path.startswith(("/console/sign-", "/console/static")) else _HOME


@router.get("/home")
def go_home(by: AskedBy) -> RedirectResponse:
    """Where somebody of this role begins."""
    if by.principal.may(Permission.READ_ALL):
        return RedirectResponse("/console/queue", 303)
    if by.principal.may(Permission.SUBMIT):
        return RedirectResponse("/console/entries/new", 303)
    return RedirectResponse("/console/admin/users", 303)


@router.get("/sign-in")
def ask_who(request: Request, then: Next = _HOME) -> Response:
    """The page on which one signs in."""
    return _sign_in_page(request, then=inside(then), ended=inside(then) != _HOME)


@router.post("/sign-in")
def sign_in(request: Request, form: Posted) -> Response:
    """Signs in with a password; then on to the page that was asked for, or to what was posted before."""
    name, password = form.optional("name", most=254), next(iter(form.all("password")), "")
    kept = [(key.removeprefix("kept:"), value) for key, value in form.pairs if key.startswith("kept:")]
    target = inside(form.text("next"))
    try:
        opened = sessions.sign_in(desk_of(request), "" if form.faults else name, password)
    except Unauthenticated as refusal:
        return _sign_in_page(request, then=target, kept=kept, name=name, fault=refusal.detail, status=401)
    if kept:
        answer = bare(request, "sessions/go_on.html", target=target, kept=kept)
        return _with_cookie(request, answer, opened)
    return _with_cookie(request, RedirectResponse(target, 303), opened)


async def keep_post(request: Request) -> Response:
    """Somebody posted after their session had ended: the page to sign in holds everything they wrote."""
    form: Form | None = getattr(request.state, "form", None)
    try:
        form = form or await read_form(request)
    except Refusal as refusal:
        return bare(
            request, "failure.html", status=refusal.status, title=refusal.title, detail=refusal.detail, advice="",
            reference="",
        )  # fmt: skip
    target = request.url.path
    return _sign_in_page(request, then=inside(target), kept=form.pairs, ended=True, status=401)


def _sign_in_page(
    request: Request,
    *,
    then: str,
    kept: list[tuple[str, str]] | tuple[()] | object = (),
    name: str = "",
    fault: str = "",
    ended: bool = False,
    status: int = 200,
) -> Response:
    return bare(
        request, "sessions/sign_in.html", status=status, next=then, kept=kept, name=name, fault=fault, ended=ended
    )


@router.get("/sign-in/link")
def show_link(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """A one-time link only shows a button: programs that look at links in mails do not use it up."""
    return bare(request, "sessions/link.html", token=token)


@router.post("/sign-in/link")
def follow_link(request: Request, form: Posted) -> Response:
    """Signs in once; whoever has no password yet is asked for one."""
    desk, token = desk_of(request), form.text("token")
    opened = desk.database.write(lambda connection: sessions.use_link(connection, desk, token))
    target = _HOME if opened.has_password else "/console/me/password?first=yes"
    return _with_cookie(request, RedirectResponse(target, 303), opened)


@router.post("/sign-out")
def sign_out(request: Request, form: Posted) -> Response:
    """Ends the session."""
    desk = desk_of(request)
    try:
        presented = credentials_of(request)
        desk.database.write(lambda connection: sessions.sign_out(connection, desk, presented))
    except BadKey:
        pass  # whoever is signed out already wanted just that
    answer = RedirectResponse("/console/sign-in?next=%2Fconsole%2Fhome", 303)
    answer.delete_cookie(cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="lax")
    return answer


@router.get("/me/password")
def ask_password(by: AskedBy, first: str = "") -> Response:
    """The page on which one chooses a password."""
    return _password_page(by, {}, first=first == "yes")


@router.post("/me/password")
def set_password(by: AskedBy, form: Posted) -> Response:
    """A new password; all other sessions of the user end."""
    new, again = (next(iter(form.all(name)), "") for name in ("new", "again"))
    if new != again:
        form.fault("again", "Type the same password twice")
    if not form.faults:
        try:
            sessions.set_password(by.desk, by.principal, by.credentials, now=next(iter(form.all("now")), ""), new=new)
            return RedirectResponse("/console/home", 303)
        except Refusal as refusal:
            form.take(refusal, {"new": "new", "now": "now"}, "new")
    return _password_page(by, form.faults, first=form.text("first") == "yes", status=422)


def _password_page(by: AskedBy, faults: dict[str, str], *, first: bool, status: int = 200) -> Response:
    has_one = sessions.has_password(by.connection, by.principal.user_id or "")
    return page(by, "sessions/password.html", status=status, faults=faults, first=first, has_one=has_one)


def _with_cookie(request: Request, answer: Response, opened: Opened) -> Response:
    answer.set_cookie(
        cookie_name(request), opened.token, path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )
    return answer
