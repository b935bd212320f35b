"""Pages: templates with the frame around them, for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from app.console import charts, icons, sentences, showing
from app.console.asking import Asked
from app.console.static_files import address
from app.domain.access import Permission, Principal
from app.services import queues

THEMES = ("system", "light", "dark")
ROWS = (25, 50, 100)


class Item(NamedTuple):
    """One line of the navigation."""

    icon: str
    text: str
    path: str
    key: str
    waiting: int | None = None


class Preferences(NamedTuple):
    """What a browser remembers of how its user likes the pages."""

    theme: str
    keys: bool
    rows: int


def preferences(request: Request) -> Preferences:
    """The preferences in the request's cookies, or what is usual."""
    theme = request.cookies.get("propriety-theme", "")
    rows = request.cookies.get("propriety-rows", "")
    return Preferences(
        theme if theme in THEMES else "system",
        request.cookies.get("propriety-keys") != "off",
        int(rows) if rows in {str(one) for one in ROWS} else 50,
    )


@cache
def environment() -> Environment:
    """The templates. What is not defined is a mistake, and everything is escaped."""
    made = Environment(
        loader=PackageLoader("app.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        icon=icons.icon,
        severity_icon=icons.severity_icon,
        static=address,
        meter=charts.meter,
        money=showing.money,
        of_rule=showing.of_rule,
        day=showing.day,
        timed=showing.timed,
        full_day=showing.full_day,
        moment=showing.moment,
        due_in_words=showing.due,
        due_after_word=showing.due_after_word,
        percent=showing.percent,
        initials=showing.initials,
        words=showing.words,
        period=showing.period,
        authority=sentences.authority,
        exclusion=sentences.exclusion,
        P=Permission,
    )
    return made


def page(by: Asked, template: str, *, active: str = "", status: int = 200, **context: Any) -> Response:
    """A whole page for somebody who is signed in."""
    likes = preferences(by.request)
    framed = {
        "me": by.principal,
        "role": showing.words(by.principal.role),
        "nav": _navigation(by),
        "active": active,
        "zone": by.desk.settings.zone,
        "today": by.desk.today(),
        "path": by.request.url.path,
    }
    return _html(template, status, likes, framed | context)


def fragment(by: Asked, template: str, *, status: int = 200, **context: Any) -> Response:
    """A part of a page."""
    return _html(
        template,
        status,
        preferences(by.request),
        {"me": by.principal, "zone": by.desk.settings.zone, "today": by.desk.today()} | context,
    )


def bare(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """A page for nobody in particular: signing in, and errors."""
    return _html(template, status, preferences(request), context)


def _html(template: str, status: int, likes: Preferences, context: Mapping[str, Any]) -> Response:
    text = environment().get_template(template).render(theme=likes.theme, keys=likes.keys, **context)
    return Response(text, status, media_type="text/html; charset=utf-8")


def _navigation(by: Asked) -> Sequence[tuple[str, Sequence[Item]]]:
    who = by.principal
    waiting = queues.waiting(by.connection, by.desk, who)
    groups: list[tuple[str, list[Item]]] = [
        ("Review", _review(who, waiting)),
        ("My work", _own(who, waiting)),
        ("Records", _records(who)),
        ("Policy", _policy(who)),
        (
            "Oversight",
            [Item("clock", "Audit trail", "/console/audit", "audit")] if who.may(Permission.READ_AUDIT) else [],
        ),
        ("Admin", _admin(who)),
    ]
    return [(name, items) for name, items in groups if items]


def _review(who: Principal, waiting: queues.Waiting) -> list[Item]:
    if not who.may(Permission.READ_ALL):
        return []
    items = [Item("inbox", "Queue", "/console/queue", "queue", waiting.open)]
    if who.may(Permission.REVIEW):
        items.append(Item("user", "My cases", "/console/queue?view=mine", "mine", waiting.mine))
    return items


def _own(who: Principal, waiting: queues.Waiting) -> list[Item]:
    if not who.may(Permission.SUBMIT):
        return []
    return [
        Item("plus", "New entry", "/console/entries/new", "new"),
        Item("list", "My entries", "/console/me/entries", "mine-entries"),
        Item("inbox", "Drafts to confirm", "/console/me/drafts", "drafts"),
        Item("chat", "Questions", "/console/me/questions", "questions", waiting.questions),
    ]


def _records(who: Principal) -> list[Item]:
    if not who.may(Permission.READ_ALL):
        return [Item("gift", "Team’s entries", "/console/entries", "entries")] if who.may(Permission.READ_TEAM) else []
    return [
        Item("gift", "Entries", "/console/entries", "entries"),
        Item("users", "Recipients", "/console/recipients", "recipients"),
        Item("chart", "Reports", "/console/reports", "reports"),
    ]


def _policy(who: Principal) -> list[Item]:
    return [Item("rules", "Policies", "/console/policies", "policies")] if who.may(Permission.READ_POLICIES) else []


def _admin(who: Principal) -> list[Item]:
    items = []
    if who.may(Permission.MANAGE_SUBSCRIPTIONS):
        items.append(Item("hook", "Webhooks", "/console/admin/webhooks", "webhooks"))
    if who.may(Permission.MANAGE_KEYS):
        items.append(Item("key", "API keys", "/console/admin/keys", "keys"))
    if who.may(Permission.MANAGE_USERS):
        items.append(Item("users", "Users", "/console/admin/users", "users"))
    return items
