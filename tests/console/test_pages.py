"""What holds for every page: its headers, its form, who may see it, and that its errors are pages too."""

from __future__ import annotations

import pytest

from tests.api.reviewing import over_the_gift_limit, over_the_meal_limit
from tests.console.visiting import Page, Visitor, breaches, visit
from tests.server import Server

ROLES = ("rep", "supervisor", "officer", "senior_officer", "auditor", "admin")
READERS = {"officer", "senior_officer", "auditor"}
EVERYBODY = set(ROLES)
SUBMITTERS = {"rep", "supervisor", "officer", "senior_officer"}
KNOWERS = EVERYBODY - {"admin"}
PAGES = {
    "/console/queue": READERS,
    "/console/queue?view=decided&sev=high&rule=x&type=none&q=%C3%A9&sort=amount_over": READERS,
    "/console/queue/count": READERS,
    "/console/cases/{case}": READERS,
    "/console/cases/{case}/file": READERS,
    "/console/queue/pane/{case}": READERS,
    "/console/entries": READERS | {"supervisor"},
    "/console/entries?kind=meal&direction=given&giver=x&standing=live&since=2026-01-01&until=x": READERS
    | {"supervisor"},
    "/console/entries/{entry}": READERS,
    "/console/entries/new": SUBMITTERS,
    "/console/entries/people?q=da": KNOWERS,
    "/console/me/entries": SUBMITTERS,
    "/console/me/questions": SUBMITTERS,
    "/console/me/drafts": SUBMITTERS,
    "/console/recipients": READERS,
    "/console/recipients?q=da&type=x": READERS,
    "/console/recipients/{recipient}": READERS,
    "/console/recipients/{recipient}?limit=x&year=2025": READERS,
    "/console/recipients/{recipient}/identity": READERS,
    "/console/queue/export.csv": READERS,
    "/console/recipients/{recipient}/ledger.csv": READERS,
    "/console/reports": READERS,
    "/console/policies": EVERYBODY,
    "/console/policies/{policy}": EVERYBODY,
    "/console/audit": READERS,
    "/console/audit?entity=x&action=y&actor=z&before=rubbish": READERS,
    "/console/admin/webhooks": {"officer", "senior_officer", "admin"},
    "/console/admin/users": {"admin"},
    "/console/admin/keys": {"admin"},
    "/console/me/preferences": EVERYBODY,
    "/console/me/password": EVERYBODY,
}
FILES = ("/console/queue/export.csv", "/console/recipients/{recipient}/ledger.csv")
FRAGMENTS = ("/console/queue/count", "/console/queue/pane/{case}", "/console/entries/people?q=da", *FILES)


@pytest.fixture
def ids(officer) -> dict[str, str]:
    case = over_the_gift_limit(officer)
    over_the_meal_limit(officer)
    return {
        "case": case["id"],
        "entry": case["entry_id"],
        "recipient": case["recipient_id"],
        "policy": case["policy_id"],
    }


def test_every_page_answers_each_role_as_it_should_and_has_the_form_of_a_page(server: Server, ids) -> None:
    for role in ROLES:
        visitor = visit(server, role, f"{role.replace('_', '')}person")
        for path, readers in PAGES.items():
            page = Page(visitor.get(path.format(**ids)))
            refused = 404 if path == "/console/entries/{entry}" else 403
            assert page.status == (200 if role in readers else refused), (role, path, page.text[:1500])
            if path not in FRAGMENTS or page.status != 200:
                assert breaches(page) == [], (role, path)


def test_every_page_has_the_headers(server: Server, olivia: Visitor, ids) -> None:
    for path in (*PAGES, "/console/sign-in", "/console/nowhere", "/console/cases/vio_none", "/console/home"):
        headers = olivia.get(path.format(**ids)).headers
        assert headers["cache-control"] == "no-store", path
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_static_files_stay_for_ever_under_their_hash_only(server: Server, olivia: Visitor) -> None:
    page = olivia.page("/console/queue")
    addresses = [value for _, name, value in page.attributes if name in ("href", "src") and "/static/" in (value or "")]
    assert len(addresses) == 3
    for address in addresses:
        answer = Visitor(server.url).get(str(address))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert Visitor(server.url).get(str(address).replace("static/", "static/0")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/console/nowhere", 404),
        ("GET", "/console/cases/vio_00000000000000000000000000000000", 404),
        ("GET", "/console/cases/%00", 404),
        ("GET", "/console/queue?after=rubbish&before=%00", 200),
        ("GET", "/console/queue?q=%00", 200),
        ("GET", "/console/queue?view=" + "x" * 300, 400),
        ("PUT", "/console/queue", 405),
        ("POST", "/console/cases/vio_none/decision", 404),
    ],
)
def test_errors_are_pages(olivia: Visitor, method: str, path: str, status: int) -> None:
    filled = {"outcome": "confirmed", "reason-confirmed": "breach_education", "note": "x" * 30, "version": "1"}
    answer = olivia.request(method, path, data=filled if method == "POST" else None)
    assert answer.status_code == status, answer.text[:500]
    assert breaches(Page(answer)) == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_a_body_that_is_no_form_is_refused(olivia: Visitor, kind: str) -> None:
    answer = olivia.post("/console/me/theme", content=b"theme=dark", headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_bytes_that_are_no_text_and_too_many_fields_are_refused(olivia: Visitor) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert olivia.post("/console/me/theme", content=b"theme=%ff", headers=kind).status_code == 400
    assert olivia.post("/console/me/theme", content=b"a=b&" * 3000, headers=kind).status_code == 400
    assert olivia.post("/console/me/theme", content=b"a=" + b"b" * 2_000_000, headers=kind).status_code == 413


def test_the_way_in_is_at_the_root(server: Server, olivia: Visitor) -> None:
    for path in ("/", "/console", "/console/"):
        assert Page(olivia.get(path, follow_redirects=True)).headings == ["Review queue"]


def test_preferences_are_kept_and_shown(olivia: Visitor) -> None:
    page = olivia.follow("/console/me/preferences", {"theme": "dark", "rows": "25"})
    assert 'data-theme="dark" data-keys="off"' in page.html
    assert page.form("/console/me/preferences") == {"theme": "dark", "rows": "25"}
    olivia.submit("/console/me/preferences", {"theme": "<x>", "rows": "7", "keys": "on"})
    assert 'data-theme="system" data-keys="on"' in olivia.page("/console/queue").html
