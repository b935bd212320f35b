"""A real browser at the console: Chromium of this machine, in which nothing may be reported to its console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.console.chromium import NO_BROWSER, REQUIRED_VARIABLE, chromium
from tests.console.visiting import link_for
from tests.server import Server

_EXPECTED = ("status of 422", "status of 409", "status of 401", "status of 403")


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser; skips where there is none."""
    where = chromium()
    if where is None:
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(f"{NO_BROWSER}, and {REQUIRED_VARIABLE} is set", pytrace=False)
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=where, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield running
        finally:
            running.close()


class Desk:
    """Somebody signed in with a browser of their own; `said` is what the page reported to its console."""

    def __init__(self, running: Any, server: Server, role: str, person: str, **options: Any) -> None:
        options = {"viewport": {"width": 1440, "height": 900}} | options
        self.server, self.person = server, person
        self.context = running.new_context(**options)
        self.context.set_default_timeout(10_000)
        self.said: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}") or dialog.dismiss())
        self.go(f"/console/sign-in/link?token={link_for(server, person, role)}")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console/me/password**")

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(one in message.text for one in _EXPECTED):
            self.said.append(message.text)

    def go(self, path: str) -> None:
        """Opens a page."""
        self.page.goto(self.server.url + path)

    @property
    def path(self) -> str:
        """Where the browser is, without the host and what is asked of the page."""
        return self.page.url.removeprefix(self.server.url).partition("?")[0].partition("#")[0]

    def sideways(self) -> int:
        """By how much the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
