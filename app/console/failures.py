"""Error pages: every refusal as a page that says what happened and what to do, and nothing of what it must not."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from app.console import sessions
from app.console.forms import sentence_of
from app.console.pages import bare
from app.domain.access import BadKey
from app.domain.refusals import Refusal

_log = logging.getLogger(__name__)
_TITLES: Mapping[int, str] = {
    400: "This request cannot be read",
    401: "You are not signed in",
    403: "You cannot do this",
    404: "This page is not there",
    405: "This cannot be done here",
    409: "This has changed meanwhile",
    412: "Somebody changed this since you opened it",
    413: "This is too large",
    415: "This cannot be read",
    422: "There is a problem",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not now",
}
_ADVICE: Mapping[int, str] = {
    403: "Your role does not allow it, or it is your own. Ask a colleague in Compliance.",
    404: "It may have been moved, or it is not yours to see. Check the address, or start again from the beginning.",
    409: "Go back, load the page anew and look at what is different.",
    412: "Go back, load the page anew and look at what is different.",
    503: "Nothing was changed. Try again in a moment.",
}


def failure(request: Request, status: int, detail: str, *, reference: str = "") -> Response:
    """An error page."""
    title = _TITLES.get(status, "This did not work")
    return bare(
        request,
        "failure.html",
        status=status,
        title=title,
        detail=detail,
        advice=_ADVICE.get(status, ""),
        reference=reference,
    )


def install(app: FastAPI) -> None:
    """Makes every error a page."""

    @app.exception_handler(BadKey)
    async def nobody(request: Request, refusal: BadKey) -> Response:
        """Reading goes on after signing in; what was posted is kept on the page on which one signs in."""
        if request.headers.get("x-fragment"):
            return failure(request, 401, "You were signed out. Load the page anew to sign in")
        path = request.url.path
        if request.method == "GET":
            asked = path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/console/sign-in?next={quote(asked, safe='')}", 303)
        return await sessions.keep_post(request)

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        answer = failure(request, refusal.status, sentence_of(refusal.detail))
        if refusal.retry_after_s:
            answer.headers["Retry-After"] = str(refusal.retry_after_s)
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        in_path = any(one["loc"][:1] == ("path",) for one in error.errors())
        if in_path:
            return failure(request, 404, "There is no such page")
        return failure(request, 400, "The address has a part that cannot be read")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        detail = "There is no such page" if error.status_code == 404 else str(error.detail)
        answer = failure(request, error.status_code, detail)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        reference = secrets.token_hex(4).upper()
        _log.error("unforeseen %s: %s on %s", reference, type(error).__name__, request.url.path, exc_info=error)
        return failure(request, 500, "Nothing was changed.", reference=reference)
