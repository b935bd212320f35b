"""Preferences: theme, single-key shortcuts and rows on a page, kept in cookies of the browser."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.console.asking import AskedBy, Page, is_secure
from app.console.forms import Posted
from app.console.pages import ROWS, THEMES, page, preferences
from app.console.sessions import inside

router = APIRouter(route_class=Page)
_YEAR_S = 31_536_000


@router.get("/me/preferences")
def show(by: AskedBy, saved: str = "") -> Response:
    """The preferences as they are."""
    return page(
        by, "preferences.html", likes=preferences(by.request), themes=THEMES, choices=ROWS, saved=saved == "yes"
    )


@router.post("/me/preferences")
def keep(by: AskedBy, form: Posted) -> Response:
    """Keeps the preferences in this browser."""
    answer = RedirectResponse("/console/me/preferences?saved=yes", 303)
    theme, rows = form.text("theme"), form.text("rows")
    _keep(by, answer, "theme", theme if theme in THEMES else "system")
    _keep(by, answer, "rows", rows if rows in {str(one) for one in ROWS} else "50")
    _keep(by, answer, "keys", "on" if form.text("keys") == "on" else "off")
    return answer


@router.post("/me/theme")
def change_theme(by: AskedBy, form: Posted) -> Response:
    """The next theme: the one that is asked for, or the one after the present."""
    now = preferences(by.request).theme
    wanted = form.text("theme")
    theme = wanted if wanted in THEMES else THEMES[(THEMES.index(now) + 1) % len(THEMES)]
    answer = RedirectResponse(inside(form.text("back")), 303)
    _keep(by, answer, "theme", theme)
    return answer


def _keep(by: AskedBy, answer: Response, name: str, value: str) -> None:
    answer.set_cookie(
        f"propriety-{name}", value, max_age=_YEAR_S, path="/console", secure=is_secure(by.request), httponly=True,
        samesite="lax",
    )  # fmt: skip
