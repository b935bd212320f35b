"""Somebody at the console with a browser's manners but no script: an HTTP client that reads forms and sends them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx

from app.domain.access import Principal, Role
from app.services import sessions, users
from app.services.users import UserDraft
from tests.server import Caller, Server

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
_ROOT = Principal("tests", "tests", Role.ADMIN, "tests")


class Page(HTMLParser):
    """A page: its text, links, headings, ids and forms with what their fields hold."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.answer, self.status, self.html = answer, answer.status_code, answer.text
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self.attributes: list[tuple[str, str, str | None]] = []
        self._form: list[tuple[str, str]] | None = None
        self._select: str | None = None
        self._textarea: str | None = None
        self._heading = False
        self._words: list[str] = []
        self.feed(self.html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in attrs]
        if "id" in said:
            self.ids.append(said["id"])
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if tag == "form":
            self._form = self.forms.setdefault(said.get("action", ""), [])
        if tag == "h1":
            self._heading = True
            self.headings.append("")
        self._field(tag, said)

    def _field(self, tag: str, said: dict[str, str]) -> None:
        if self._form is None:
            return
        kind, name = said.get("type", "text"), said.get("name", "")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in said):
            self._form.append((name, said.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select:
            before = [pair for pair in self._form if pair[0] == self._select]
            if not before or "selected" in said:
                self._form[:] = [pair for pair in self._form if pair[0] != self._select]
                self._form.append((self._select, said.get("value", "")))
        elif tag == "textarea" and name:
            self._textarea = name
            self._form.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None
        elif tag == "h1":
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self._textarea is not None and self._form:
            self._form[-1] = (self._textarea, self._form[-1][1] + data)
        if self._heading:
            self.headings[-1] += data
        self._words.append(data)

    def form(self, action: str) -> dict[str, str]:
        """The fields of a form, as they would be sent."""
        return dict(self.forms[action])


class Visitor(httpx.Client):
    """A user of the console. `get_page` and `submit` read pages; `follow` goes where the answer leads."""

    def __init__(self, url: str, person: str = "") -> None:
        super().__init__(base_url=url, headers=SAME_SITE, trust_env=False, timeout=30, follow_redirects=False)
        self.person = person

    def page(self, path: str, **query: Any) -> Page:
        """A page, wherever the path leads."""
        return Page(self.get(path, params=query or None, follow_redirects=True))

    def submit(self, path: str, form: Any, **headers: str) -> Page:
        """What a post answers, without going on."""
        return Page(self.post(path, data=dict(form), headers=headers))

    def follow(self, path: str, form: Any) -> Page:
        """The page that a post leads to."""
        answer = self.post(path, data=dict(form))
        assert answer.status_code == 303, (answer.status_code, Page(answer).text[:2000])
        return self.page(answer.headers["location"])


def link_for(server: Server, person: str, role: Role | str, **more: Any) -> str:
    """A one-time link of a user, who is made where there is none."""
    desk = server.desk

    def make(connection: Any) -> str:
        found = users.listed(connection, _ROOT, users.UserFilter(person=person), after=None, limit=1)
        draft = UserDraft(person.capitalize(), f"{person}@firm.example", Role(role), **more)
        user = found[0] if found else users.create(connection, desk, _ROOT, person, draft)
        return sessions.make_link(connection, desk, user.id, by="tests")

    return desk.database.write(make)


def visit(server: Server, role: Role | str, person: str, **more: Any) -> Visitor:
    """Somebody who is signed in. Their API key, if a test makes one, needs the same or a lesser role."""
    visitor = Visitor(server.url, person)
    answer = visitor.post("/console/sign-in/link", data={"token": link_for(server, person, role, **more)})
    assert answer.status_code == 303, answer.text
    server._callers.append(visitor)  # type: ignore[arg-type]
    return visitor


def breaches(page: Page) -> list[str]:
    """What no page of ours may have: inline style or script, a handler, two of one id, other than one first heading."""
    found = [f"{tag} has {name}" for tag, name, _ in page.attributes if name == "style" or name.startswith("on")]
    found += [f"id {one} stands twice" for one in sorted({one for one in page.ids if page.ids.count(one) > 1})]
    found += ["an inline script"] if re.search(r"<script(?![^>]*\ssrc=)", page.html) else []
    found += ["an inline style"] if "<style" in page.html else []
    if len(page.headings) != 1:
        found.append(f"{len(page.headings)} first headings")
    if "| Propriety</title>" not in page.html:
        found.append("no title")
    return found


__all__ = ["Caller", "Page", "Visitor", "breaches", "link_for", "visit"]
