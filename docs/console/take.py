"""Takes the pictures of the console that stand in the README: a demonstration year, served, looked at with Chromium.

.venv/bin/python docs/console/take.py [/usr/bin/chromium]
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import create_engine, text

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).parent / "propriety"
CASE = "SELECT id, shown FROM violations WHERE rule_id = 'finra-3220-gifts' ORDER BY opened_at DESC LIMIT 1"


def main() -> None:
    """Plays, serves and looks."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "year.db"
        url = f"sqlite:///{file}"
        play = [PROGRAM, "demo", "--keep", file, "--entries", "1200"]
        told = subprocess.run(play, capture_output=True, text=True, check=True)
        link = next(word for word in told.stdout.split() if "/console/sign-in/link?token=" in word)
        with create_engine(url).connect() as connection:
            case, recipient = connection.execute(text(CASE)).one()
        port = _free_port()
        serving = subprocess.Popen([PROGRAM, "serve", "--database", url, "--port", str(port)])
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_for(base)
            _take(chromium, base, link.partition("/console")[2], case, recipient)
        finally:
            serving.terminate()
            serving.wait()


def _take(chromium: str, base: str, link: str, case: str, recipient: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 960})
        page.goto(f"{base}/console{link}")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/console/me/password**")
        for name, path in (
            ("queue", "/console/queue"),
            ("case", f"/console/cases/{case}"),
            ("ledger", f"/console/recipients/{recipient}"),
        ):
            page.goto(base + path)
            page.screenshot(path=HERE / f"{name}.png")
        _enter(page, base)
        page.screenshot(path=HERE / "new-entry.png")
        browser.close()


def _enter(page: Page, base: str) -> None:
    page.goto(f"{base}/console/entries/new")
    page.locator("#amount").fill("540.00")
    page.locator("#purpose").fill("Dinner after the portfolio review")
    for letters in ("da", "pe"):
        page.locator("#find").press_sequentially(letters)
        page.wait_for_selector("#find-list [role=option]")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_timeout(1500)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(base: str) -> None:
    for _ in range(100):
        try:
            httpx.get(f"{base}/health/ready", timeout=1)
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
