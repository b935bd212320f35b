"""Signing in and out: one-time links, passwords, cookies, what other sites cannot post, and what ends a session."""

from __future__ import annotations

import pytest

from tests.console.visiting import Page, Visitor, breaches, link_for, visit
from tests.server import Server

PASSWORD = "a quite long passphrase"


def choose(visitor: Visitor, password: str = PASSWORD, now: str = "") -> Page:
    return visitor.submit("/console/me/password", {"new": password, "again": password, "now": now})


def sign_in(server: Server, name: str, password: str, **more: str) -> Page:
    return Visitor(server.url).submit("/console/sign-in", {"name": name, "password": password, **more})


def test_a_link_signs_in_once_and_asks_for_a_password(server: Server) -> None:
    token = link_for(server, "olivia", "officer")
    visitor = Visitor(server.url)
    shown = visitor.page("/console/sign-in/link", token=token)
    assert shown.status == 200
    assert visitor.page("/console/sign-in/link", token=token).form("/console/sign-in/link") == {"token": token}
    first = visitor.post("/console/sign-in/link", data={"token": token})
    assert (first.status_code, first.headers["location"]) == (303, "/console/me/password?first=yes")
    again = Visitor(server.url).submit("/console/sign-in/link", {"token": token})
    assert again.status == 401
    assert "was used" in again.text


@pytest.mark.parametrize("token", ["", "x" * 150, *(f"{head}_{'0' * 32}.{'a' * 43}" for head in ("lnk", "ses"))])
def test_no_other_word_signs_in(server: Server, token: str) -> None:
    assert Visitor(server.url).submit("/console/sign-in/link", {"token": token}).status == 401


def test_a_link_ends_after_two_days(server: Server) -> None:
    token = link_for(server, "olivia", "officer")
    server.clock.forward(days=2)
    assert Visitor(server.url).submit("/console/sign-in/link", {"token": token}).status == 401


def test_a_password_signs_in_by_person_or_address_in_any_case(server: Server, olivia: Visitor) -> None:
    assert choose(olivia).status == 303
    for name in ("olivia", "OLIVIA", "Olivia@Firm.example"):
        answer = sign_in(server, name, PASSWORD).answer
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/home")


def test_a_wrong_password_and_a_wrong_name_answer_alike(server: Server, olivia: Visitor) -> None:
    choose(olivia)
    wrong, nobody = sign_in(server, "olivia", "not this one"), sign_in(server, "nobody", "not this one")
    assert (wrong.status, nobody.status) == (401, 401)
    assert wrong.text.replace("olivia", "") == nobody.text.replace("nobody", "")
    assert breaches(wrong) == []


def test_after_five_wrong_attempts_the_right_one_waits_five_minutes(server: Server, olivia: Visitor) -> None:
    choose(olivia)
    for _ in range(5):
        sign_in(server, "olivia", "wrong")
    assert sign_in(server, "olivia", PASSWORD).status == 401
    server.clock.forward(minutes=5)
    assert sign_in(server, "olivia", PASSWORD).status == 303


def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(server: Server, olivia: Visitor) -> None:
    choose(olivia)
    elsewhere = Visitor(server.url)
    elsewhere.submit("/console/sign-in", {"name": "olivia", "password": PASSWORD})
    assert elsewhere.page("/console/queue").headings == ["Review queue"]
    assert choose(olivia, "another long passphrase", now="not it").status == 422
    assert choose(olivia, "another long passphrase", now=PASSWORD).status == 303
    assert elsewhere.page("/console/queue").headings == ["Sign in"]
    assert olivia.page("/console/queue").headings == ["Review queue"]


@pytest.mark.parametrize(("new", "again"), [("short", "short"), (PASSWORD, PASSWORD + "r"), ("x" * 201, "x" * 201)])
def test_a_password_that_will_not_do_is_refused_with_a_reason(olivia: Visitor, new: str, again: str) -> None:
    page = olivia.submit("/console/me/password", {"new": new, "again": again})
    assert page.status == 422
    assert "There is a problem" in page.text
    assert f'value="{new}"' not in page.html


def test_a_session_ends_when_one_signs_out(olivia: Visitor) -> None:
    cookie = olivia.cookies["propriety"]
    assert olivia.post("/console/sign-out", data={}).status_code == 303
    olivia.cookies.set("propriety", cookie)
    assert olivia.page("/console/queue").headings == ["Sign in"]


def test_a_session_ends_after_half_an_hour_of_rest_and_after_twelve_hours(server: Server, olivia: Visitor) -> None:
    for _ in range(25):
        server.clock.forward(minutes=28)
        assert olivia.page("/console/queue").headings == ["Review queue"]
    server.clock.forward(minutes=28)
    assert olivia.page("/console/queue").headings == ["Sign in"]
    other = visit(server, "officer", "oscar")
    server.clock.forward(minutes=30)
    assert other.page("/console/queue").headings == ["Sign in"]


def test_whoever_is_made_inactive_is_out_at_once(server: Server, olivia: Visitor) -> None:
    admin = server.as_("admin", "ada")
    [user] = admin.get("/v1/users", params={"person": "olivia"}).json()["data"]
    answer = admin.patch(f"/v1/users/{user['id']}", json={"active": False}, headers={"If-Match": '"v1"'})
    assert answer.status_code == 200
    assert olivia.page("/console/queue").headings == ["Sign in"]


def test_signing_in_leads_on_to_the_page_that_was_asked_for_and_nowhere_else(server: Server, olivia: Visitor) -> None:
    choose(olivia)
    asked = Visitor(server.url).get("/console/queue?view=mine")
    assert asked.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fqueue%3Fview%3Dmine"
    for target, leads in [
        ("/console/queue?view=mine", "/console/queue?view=mine"),
        ("https://elsewhere.example/", "/console/home"),
        ("//elsewhere.example", "/console/home"),
        ("/console/\\elsewhere.example", "/console/home"),
        ("/console//elsewhere", "/console/home"),
        ("/console/sign-out", "/console/home"),
    ]:
        answer = sign_in(server, "olivia", PASSWORD, next=target).answer
        assert answer.headers["location"] == leads


def test_the_cookie_is_for_this_host_alone_where_there_is_https(server: Server) -> None:
    answer = Visitor(server.url).post("/console/sign-in/link", data={"token": link_for(server, "olivia", "officer")})
    said = answer.headers["set-cookie"]
    assert said.startswith("propriety=")
    assert "HttpOnly" in said
    assert "samesite=lax" in said.lower()


@pytest.mark.parametrize("server_settings", [{"public_url": "https://propriety.firm.example"}])
def test_the_cookie_has_the_host_prefix_behind_https(server: Server) -> None:
    answer = Visitor(server.url).post("/console/sign-in/link", data={"token": link_for(server, "olivia", "officer")})
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-propriety=")
    assert "Secure" in said
    assert "Path=/" in said
    assert "domain" not in said.lower()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "SELF"}, True),
        ({}, False),
    ],
)
def test_only_our_own_pages_can_post(server: Server, olivia: Visitor, headers: dict[str, str], allowed: bool) -> None:
    said = {name: server.url if value == "SELF" else value for name, value in headers.items()}
    del olivia.headers["Sec-Fetch-Site"]
    answer = olivia.post("/console/me/theme", data={"theme": "dark"}, headers=said)
    assert answer.status_code == (303 if allowed else 403)
    assert ("propriety-theme" in olivia.cookies) is allowed


def test_what_was_posted_after_the_session_ended_is_sent_once_one_is_signed_in_again(
    server: Server, olivia: Visitor
) -> None:
    choose(olivia)
    server.clock.forward(minutes=31)
    asked = olivia.submit("/console/me/theme", {"theme": "dark", "back": 'a "quoted" <word>'})
    assert asked.status == 401
    kept = asked.form("/console/sign-in")
    assert (kept["kept:theme"], kept["kept:back"]) == ("dark", 'a "quoted" <word>')
    back = olivia.submit("/console/sign-in", kept | {"name": "olivia", "password": PASSWORD})
    assert back.form("/console/me/theme") == {"theme": "dark", "back": 'a "quoted" <word>'}
    assert olivia.submit("/console/me/theme", back.form("/console/me/theme")).status == 303
    assert olivia.cookies["propriety-theme"] == "dark"


def test_a_session_is_no_api_key_and_a_key_no_session(server: Server, olivia: Visitor, officer) -> None:
    token = olivia.cookies["propriety"]
    assert server.stranger(token).get("/v1/me").status_code == 401
    visitor = Visitor(server.url)
    visitor.cookies.set("propriety", officer.key)
    assert visitor.page("/console/queue").headings == ["Sign in"]


def test_every_sign_in_is_in_the_audit_trail(server: Server, olivia: Visitor, auditor) -> None:
    choose(olivia)
    olivia.post("/console/sign-out", data={})
    said = auditor.get("/v1/audit/records", params={"actor": "olivia", "limit": 200}).json()["data"]
    actions = [one["action"] for one in said]
    assert actions == ["sign_in_link.used", "session.opened", "password.set", "session.ended"]
    assert PASSWORD not in str(said)
