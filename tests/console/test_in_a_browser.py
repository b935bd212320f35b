"""The console in Chromium: keys, live headroom, two people on one case, what other programs find when they look."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.api.reviewing import DANA, act, done, gift, now, over_the_gift_limit, over_the_meal_limit, recorded
from tests.console.browsing import Desk
from tests.server import Server

AtDesk = Callable[..., Desk]
NOTE = "Reminded; no further gifts to this person this year."
pytestmark = pytest.mark.sqlite  # what the pages do on each database is tested without a browser


def three_cases(rep: Any) -> list[Any]:
    people = [DANA | {"name": name, "external_id": {"source": "crm", "id": name}} for name in ("Ann", "Bea", "Cid")]
    return [over_the_gift_limit(rep, f"{400 + place}.00", one) for place, one in enumerate(people)]


def current(desk: Desk) -> str:
    return str(desk.page.locator(".queue tr[aria-current]").get_attribute("data-case"))


def test_triage_by_keyboard(at_desk: AtDesk, rep, officer) -> None:
    three_cases(rep)
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/queue")
    first = current(olivia)
    olivia.page.keyboard.press("j")
    second = current(olivia)
    assert second != first
    olivia.page.wait_for_selector(f'#pane-body[data-case="{second}"]')
    olivia.page.keyboard.press("k")
    assert current(olivia) == first
    olivia.page.keyboard.press("x")
    assert olivia.page.locator(".queue tbody input:checked").count() == 1
    assert olivia.page.get_by_text("1 selected").is_visible()
    olivia.page.keyboard.press("/")
    olivia.page.keyboard.type("jkx")
    assert olivia.page.locator("#q").input_value() == "jkx"
    assert current(olivia) == first
    olivia.page.keyboard.press("Escape")
    olivia.page.locator(".queue a.case").first.focus()
    olivia.page.wait_for_selector(f'#pane-body[data-case="{first}"]')
    olivia.page.keyboard.press("r")
    olivia.page.wait_for_url("**/console/cases/**")
    assert olivia.path == f"/console/cases/{first}"
    olivia.page.locator("#note").fill(NOTE)
    olivia.page.keyboard.press("Control+Enter")
    olivia.page.wait_for_url("**done=**")
    assert now(officer, {"id": first})["outcome"] == "confirmed"
    olivia.page.keyboard.press("g")
    olivia.page.keyboard.press("q")
    olivia.page.wait_for_url("**/console/queue")
    assert olivia.page.locator(".queue tbody tr").count() == 2


def test_keys_can_be_switched_off(at_desk: AtDesk, rep) -> None:
    three_cases(rep)
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/me/preferences")
    olivia.page.locator("#keys input").uncheck()
    olivia.page.get_by_role("button", name="Save").click()
    olivia.go("/console/queue")
    first = current(olivia)
    olivia.page.keyboard.press("j")
    assert current(olivia) == first


def test_help_opens_by_key_and_closes_by_escape(at_desk: AtDesk, rep) -> None:
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/queue")
    olivia.page.keyboard.press("?")
    assert olivia.page.locator("#keys-dialog").is_visible()
    olivia.page.keyboard.press("j")
    olivia.page.keyboard.press("Escape")
    assert not olivia.page.locator("#keys-dialog").is_visible()


def test_asking_the_rep_and_the_answer(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    olivia, rhea = at_desk("officer", "olivia"), at_desk("rep", "rhea")
    olivia.go(f"/console/cases/{case['id']}#ask")
    olivia.page.locator("#question").fill("Who was there?")
    olivia.page.locator("#due_on").fill("2026-06-20")
    olivia.page.get_by_role("button", name="Ask", exact=True).click()
    olivia.page.wait_for_url("**done=**")
    rhea.go("/console/home")
    rhea.page.get_by_role("link", name=re.compile("Questions")).click()
    rhea.page.get_by_label("Your answer").fill("Four of us, one box each.")
    rhea.page.get_by_role("button", name="Send answer").click()
    rhea.page.wait_for_url("**done=**")
    olivia.go(f"/console/cases/{case['id']}")
    assert olivia.page.get_by_text("Four of us, one box each.").is_visible()
    assert now(officer, case)["state"] == "in_review"


def test_waiving_takes_two(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_meal_limit(rep)
    olivia, oscar = at_desk("officer", "olivia"), at_desk("officer", "oscar")
    olivia.go(f"/console/cases/{case['id']}")
    olivia.page.get_by_label("Waive").check()
    olivia.page.locator("#note").fill(NOTE)
    olivia.page.get_by_role("button", name=re.compile("^Waive")).click()
    olivia.page.wait_for_url("**done=**")
    assert olivia.page.get_by_text("Waiting for second approval").first.is_visible()
    oscar.go(f"/console/cases/{case['id']}")
    oscar.page.locator("#confirm-note").fill("I have looked at it and agree.")
    oscar.page.get_by_role("button", name="Agree with the waiver").click()
    oscar.page.wait_for_url("**done=**")
    assert now(officer, case)["confirmed_by"] == "oscar"


def test_a_dinner_is_entered_with_its_headroom_beside_it(at_desk: AtDesk, officer) -> None:
    recorded(officer, gift("290.00", "2026-05-02", DANA))
    rhea = at_desk("rep", "rhea")
    rhea.go("/console/entries/new")
    rhea.page.get_by_label("Gift", exact=True).check(force=True)
    rhea.page.locator("#amount").fill("40.00")
    rhea.page.locator("#find").press_sequentially("dan")
    rhea.page.wait_for_selector("#find-list [role=option]")
    rhea.page.keyboard.press("ArrowDown")
    rhea.page.keyboard.press("Enter")
    rhea.page.get_by_text("$30.00 over").first.wait_for()
    assert rhea.page.evaluate("document.activeElement.id") == "find"
    rhea.page.locator("#amount").fill("9.50")
    rhea.page.get_by_text("$0.50 left").first.wait_for()
    assert rhea.page.evaluate("document.activeElement.id") == "amount"
    assert rhea.page.locator("#announce").text_content() == "Within limits, close to one"
    rhea.page.get_by_role("button", name="Save entry").click()
    rhea.page.wait_for_url("**/console/entries/ent_**")
    assert len(done(officer.get("/v1/entries"))["data"]) == 2


def test_an_older_answer_never_overwrites_a_newer_one(at_desk: AtDesk, officer) -> None:
    recorded(officer, gift("10.00", "2026-05-02", DANA))
    rhea = at_desk("rep", "rhea")
    rhea.go("/console/entries/new")
    rhea.page.get_by_label("Gift", exact=True).check(force=True)
    rhea.page.locator("#find").press_sequentially("dan")
    rhea.page.wait_for_selector("#find-list [role=option]")
    rhea.page.keyboard.press("Enter")
    slow: list[Any] = []

    def hold_first(route: Any) -> None:
        if slow:
            route.continue_()
        else:
            slow.append(route)

    rhea.page.route("**/console/entries/check", hold_first)
    rhea.page.locator("#amount").fill("11.00")
    rhea.page.wait_for_timeout(600)
    rhea.page.locator("#amount").fill("22.00")
    rhea.page.get_by_text("$268.00 left").first.wait_for()
    assert len(slow) == 1
    slow[0].abort()
    rhea.page.wait_for_timeout(200)
    assert rhea.page.get_by_text("$268.00 left").first.is_visible()
    rhea.said.clear()  # the aborted request


def test_when_limits_cannot_be_checked_the_page_says_so_and_keeps_everything(at_desk: AtDesk, officer) -> None:
    rhea = at_desk("rep", "rhea")
    rhea.go("/console/entries/new")
    rhea.page.route("**/console/entries/check", lambda route: route.abort())
    rhea.page.locator("#purpose").fill("Dinner after the review")
    rhea.page.get_by_text("Limits could not be checked").wait_for()
    assert rhea.page.locator("#purpose").input_value() == "Dinner after the review"
    rhea.said.clear()  # the aborted request


def test_merging_duplicates_shows_what_it_changes_first(at_desk: AtDesk, officer) -> None:
    recorded(officer, gift("200.00", "2026-05-02", DANA))
    other = {"name": "Dana Reyez", "employer": "Northgate", "type": "institutional_employee"}
    recorded(officer, gift("150.00", "2026-05-03", other))
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/recipients?q=dana")
    olivia.page.get_by_role("link", name="Dana Reyes").click()
    olivia.page.get_by_role("link", name="Identity and merges").click()
    olivia.page.get_by_label("How it was found out").first.fill("same badge")
    olivia.page.get_by_role("button", name="Show what a merge changes").first.click()
    olivia.page.get_by_text("1 case would open").wait_for()
    olivia.page.get_by_role("button", name="Merge them").click()
    olivia.page.wait_for_url("**done=**")
    assert len(done(officer.get("/v1/violations"))["data"]) == 1


def test_answering_an_examiner(at_desk: AtDesk, rep, officer, tmp_path: Path) -> None:
    case = over_the_gift_limit(rep)
    olivia = at_desk("officer", "olivia")
    olivia.go(f"/console/cases/{case['id']}/file")
    file = tmp_path / "case.pdf"
    olivia.page.pdf(path=str(file), prefer_css_page_size=True, tagged=True)
    told = PdfReader(file)
    words = " ".join(page.extract_text() for page in told.pages)
    assert case["id"] in words
    assert words.count("Total counted") == 1
    assert told.trailer["/Root"]["/MarkInfo"]["/Marked"]
    olivia.go("/console/audit")
    olivia.page.get_by_role("button", name="Check the chain").click()
    olivia.page.get_by_text("No gap, no change").wait_for()


def test_correcting_a_mistake_closes_the_case(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    rhea = at_desk("rep", "rhea")
    rhea.go(f"/console/entries/{case['entry_id']}")
    rhea.page.get_by_label("Why", exact=True).fill("Wrong amount")
    rhea.page.get_by_role("button", name="Withdraw", exact=True).click()
    rhea.page.wait_for_url("**done=**")
    assert now(officer, case)["state"] == "withdrawn"
    rhea.page.get_by_role("link", name="Enter it again").click()
    assert rhea.page.locator("#amount").input_value() == "400.00"


def test_two_officers_on_one_case(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    olivia, oscar = at_desk("officer", "olivia"), at_desk("officer", "oscar")
    for desk in (olivia, oscar):
        desk.go(f"/console/cases/{case['id']}")
        desk.page.locator("#note").fill(f"{NOTE} {desk.person}")
    olivia.page.get_by_role("button", name=re.compile("^Resolve case")).click()
    olivia.page.wait_for_url("**done=**")
    oscar.page.get_by_label("Resolve: no violation").check()
    oscar.page.get_by_role("button", name=re.compile("^Resolve case")).click()
    oscar.page.get_by_text("olivia decided this case since you opened the page.").wait_for()
    assert now(officer, case)["decided_by"] == "olivia"


def test_a_double_click_decides_once_and_the_back_button_shows_what_is_true(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/queue")
    olivia.go(f"/console/cases/{case['id']}")
    olivia.page.locator("#note").fill(NOTE)
    olivia.page.get_by_role("button", name=re.compile("^Resolve case")).dblclick()
    olivia.page.get_by_role("heading", name="Reopen").wait_for()
    assert now(officer, case)["version"] == 2
    olivia.page.go_back()
    olivia.page.go_back()
    olivia.page.wait_for_url("**/console/queue**")
    assert olivia.page.get_by_text("Nothing is waiting for review").is_visible()


def test_an_expired_session_keeps_a_half_written_form(at_desk: AtDesk, server: Server, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    olivia = at_desk("officer", "olivia")
    olivia.page.locator("#new").fill("a quite long passphrase")
    olivia.page.locator("#again").fill("a quite long passphrase")
    olivia.page.get_by_role("button", name="Save password").click()
    olivia.page.wait_for_url("**/console/queue")
    olivia.go(f"/console/cases/{case['id']}")
    olivia.page.locator("#note").fill(NOTE)
    server.clock.forward(minutes=31)
    olivia.page.get_by_role("button", name=re.compile("^Resolve case")).click()
    olivia.page.get_by_text("You were signed out.").wait_for()
    olivia.page.get_by_label("Name or work email").fill("olivia")
    olivia.page.get_by_label("Password").fill("a quite long passphrase")
    olivia.page.get_by_role("button", name="Sign in").click()
    olivia.page.get_by_role("button", name="Send what I wrote").click()
    olivia.page.wait_for_url("**done=**")
    assert olivia.page.get_by_text(NOTE).first.is_visible()


def test_without_a_script_the_work_gets_done(at_desk: AtDesk, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    olivia = at_desk("officer", "olivia", java_script_enabled=False)
    olivia.go("/console/queue")
    olivia.page.locator(".queue a.case").click()
    olivia.page.locator("#note").fill(NOTE)
    olivia.page.get_by_label("Resolve: no violation").check()
    olivia.page.get_by_role("button", name=re.compile("^Resolve case")).click()
    olivia.page.wait_for_url("**done=**")
    assert now(officer, case)["outcome"] == "no_violation"


def test_the_theme_changes_at_once_and_stays(at_desk: AtDesk) -> None:
    olivia = at_desk("officer", "olivia", color_scheme="light")
    olivia.go("/console/queue")
    olivia.page.get_by_role("button", name="Theme").click()
    assert olivia.page.locator("html").get_attribute("data-theme") == "dark"
    olivia.page.wait_for_timeout(300)
    olivia.page.reload()
    assert olivia.page.locator("html").get_attribute("data-theme") == "dark"


HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)><svg onload=alert(1)>{{7*7}}${7*7}javascript:alert(1)"
)


def test_nothing_that_is_stored_runs(at_desk: AtDesk, rep, officer, admin) -> None:
    person = {"name": f"Dana {HOSTILE}", "employer": f"Firm {HOSTILE}", "type": "institutional_employee"}
    case = over_the_gift_limit(rep, "400.00", person, purpose=HOSTILE, venue=HOSTILE)
    done(act(officer, case, "comments", {"text": HOSTILE}))
    olivia = at_desk("officer", "olivia")
    for path in (
        "/console/queue",
        f"/console/cases/{case['id']}",
        f"/console/cases/{case['id']}/file",
        f"/console/entries/{case['entry_id']}",
        f"/console/recipients/{case['recipient_id']}",
        f"/console/recipients/{case['recipient_id']}/identity",
        "/console/recipients",
        "/console/entries",
        "/console/audit",
        f"/console/queue?q={HOSTILE}",
    ):
        olivia.go(path)
        assert olivia.page.locator("img, body script").count() == 0, path
    olivia.go("/console/entries/new")
    olivia.page.locator("#find").press_sequentially("dan")
    olivia.page.wait_for_selector("#find-list [role=option]")
    olivia.page.keyboard.press("Enter")
    olivia.page.wait_for_timeout(800)
    assert olivia.page.locator("img").count() == 0


# What other programs find

PAGES = {
    "officer": (
        "/console/queue",
        "/console/queue?q=zeppelin",
        "/console/queue?view=decided",
        "/console/cases/{case}",
        "/console/cases/{case}/file",
        "/console/entries",
        "/console/entries/{entry}",
        "/console/entries/new",
        "/console/recipients",
        "/console/recipients/{recipient}",
        "/console/recipients/{recipient}/identity",
        "/console/reports",
        "/console/policies",
        "/console/policies/{policy}",
        "/console/audit",
        "/console/me/preferences",
        "/console/me/password",
        "/console/me/entries",
        "/console/me/questions",
        "/console/me/drafts",
        "/console/nowhere",
    ),
    "admin": ("/console/admin/users", "/console/admin/keys", "/console/admin/webhooks"),
}


@pytest.fixture
def ids(rep, officer) -> dict[str, str]:
    recorded(officer, gift("90.00", "2026-05-02", DANA, kind="meal", hosts_present=True))
    case = over_the_gift_limit(rep)
    over_the_meal_limit(rep, "20.00", DANA)
    return {
        "case": case["id"], "entry": case["entry_id"], "recipient": case["recipient_id"], "policy": case["policy_id"]
    }  # fmt: skip


def faults(desk: Desk) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(desk.page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", ["officer", "admin"])
def test_axe_finds_nothing(at_desk: AtDesk, ids: dict[str, str], role: str, scheme: str) -> None:
    desk = at_desk(role, f"{role}person", color_scheme=scheme)
    found = {}
    for path in PAGES[role]:
        desk.go(path.format(**ids))
        if problems := faults(desk):
            found[path] = problems
    desk.said.clear()  # the page that is not there
    assert found == {}


def test_axe_finds_nothing_in_what_opens(at_desk: AtDesk, ids: dict[str, str]) -> None:
    olivia = at_desk("officer", "olivia")
    olivia.go("/console/queue")
    olivia.page.keyboard.press("?")
    assert faults(olivia) == []
    olivia.go("/console/queue")
    olivia.page.get_by_text("Severity any").click()
    assert faults(olivia) == []
    olivia.go(f"/console/cases/{ids['case']}")
    olivia.page.get_by_role("button", name=re.compile("^Resolve case")).click()
    olivia.page.get_by_text("There is a problem").wait_for()
    assert olivia.page.evaluate("document.activeElement.className") == "errsum"
    assert faults(olivia) == []
    olivia.go("/console/entries/new")
    olivia.page.locator("#find").press_sequentially("dan")
    olivia.page.wait_for_selector("#find-list [role=option]")
    olivia.page.keyboard.press("ArrowDown")
    assert faults(olivia) == []


def test_no_page_scrolls_sideways_on_a_small_phone(at_desk: AtDesk, ids: dict[str, str]) -> None:
    for role, paths in PAGES.items():
        desk = at_desk(role, f"{role}person", viewport={"width": 320, "height": 640})
        wide = {}
        for path in paths:
            desk.go(path.format(**ids))
            if desk.sideways() > 0:
                wide[path] = desk.sideways()
        desk.said.clear()  # the page that is not there
        assert wide == {}
