"""Whatever is posted to or asked of any page, the answer is a page of ours, never a mistake of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from app.console.application import _ROUTERS
from tests.api.reviewing import over_the_gift_limit
from tests.console.visiting import Page, Visitor, breaches, visit
from tests.server import Server

HOSTILE = (
    "\x00",
    "a\x00b",
    "\ud7ff\u202e\u200b",
    "'; DROP TABLE violations; --",
    "%_\\",
    "9" * 30,
    "-1",
    "1e9",
    "2026-13-45",
    "0000-00-00",
    "[]",
    '["","","","",""]',
    "<script>alert(1)</script>",
    "😀" * 300,
    "x" * 5000,
    "",
)
FIELDS = [
    "version",
    "outcome",
    "reason-confirmed",
    "action-confirmed",
    "reason-duplicate",
    "duplicate_of",
    "exemption_id",
    "note",
    "comment",
    "question",
    "due_on",
    "until",
    "snooze-reason",
    "other",
    "link-note",
    "assignee",
    "disposition",
    "confirm-note",
    "reopen-reason",
    "act",
    "case",
    "view",
    "sort",
    "direction",
    "kind",
    "occurred_on",
    "amount",
    "currency",
    "person",
    "find",
    "hosts",
    "hosts_present",
    "tax",
    "face",
    "explanation",
    "purpose",
    "giver",
    "key",
    "reason",
    "approval-note",
    "answer",
    "merge",
    "part-reason",
    "name",
    "email",
    "role",
    "waiver",
    "active",
    "days",
    "confirm",
    "url",
    "events",
    "description",
    "delivery",
    "since",
    "password",
    "new",
    "again",
    "now",
    "token",
    "next",
    "theme",
    "rows",
    "back",
    "q",
    "sev",
    "rule",
    "type",
    "after",
    "before",
    "limit",
    "year",
    "entity",
    "action",
    "actor",
    "copy",
    "standing",
]


def paths(method: str) -> Iterator[str]:
    """The paths of all routes that take a method."""
    for module in _ROUTERS:
        for route in module.router.routes:
            if isinstance(route, APIRoute) and method in route.methods:
                yield f"/console{route.path}"


def concrete(path: str, ids: dict[str, str]) -> str:
    for name, id in ids.items():
        path = path.replace(f"{{{name}}}", id)
    return path


@pytest.fixture
def ids(rep) -> dict[str, str]:
    case = over_the_gift_limit(rep)
    return {
        "violation_id": case["id"],
        "entry_id": case["entry_id"],
        "recipient_id": case["recipient_id"],
        "policy_id": case["policy_id"],
        "digest": "0" * 16,
        "name": "x",
    }


def ours(page: Page) -> bool:
    """Whether an answer is one that we meant."""
    kind = page.answer.headers.get("content-type", "")
    fragment = "<html" not in page.html
    return page.status < 500 and (not kind.startswith("text/html") or fragment or breaches(page) == [])


@pytest.mark.parametrize("role", ["officer", "admin"])
def test_no_post_of_any_kind_is_our_mistake(server: Server, ids: dict[str, str], role: str) -> None:
    visitor = visit(server, role, f"{role}person")
    wrong = []
    for path in sorted(set(paths("POST")) - {"/console/sign-out"}):
        for value in HOSTILE:
            fields = dict.fromkeys(FIELDS, value)
            for said in (fields, fields | {"version": "1", "outcome": "confirmed", "act": "save"}):
                page = visitor.submit(concrete(path, ids), said)
                if not ours(page):
                    wrong.append((path, value[:20], page.status))
    assert wrong == []
    assert visitor.page("/console/me/preferences").status == 200


def test_no_question_of_any_kind_is_our_mistake(server: Server, olivia: Visitor, ids: dict[str, str]) -> None:
    wrong = []
    for path in sorted(set(paths("GET"))):
        for value in HOSTILE:
            page = Page(olivia.get(concrete(path, ids), params=dict.fromkeys(FIELDS, value[:40])))
            if not ours(page):
                wrong.append((path, value[:20], page.status))
    assert wrong == []
