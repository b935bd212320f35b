"""The review queue: what stands in it, in which order, how it is narrowed, paged, and acted on."""

from __future__ import annotations

import gzip

import pytest

from tests.api.reviewing import CONFIRMED, DANA, act, done, over_the_gift_limit, over_the_meal_limit
from tests.console.visiting import Page, Visitor, breaches, visit
from tests.server import Server


def shown(page: Page) -> list[str]:
    """The cases on a page, in order."""
    return [value or "" for tag, name, value in page.attributes if tag == "tr" and name == "data-case"]


def people(many: int, start: int = 0):
    return [
        {
            "name": f"Guest {chr(65 + n // 26)}{chr(97 + n % 26)}",
            "employer": "Northgate",
            "type": "institutional_employee",
        }
        for n in range(start, start + many)
    ]


def test_an_empty_queue_says_so(olivia: Visitor) -> None:
    page = olivia.page("/console/queue")
    assert "Nothing is waiting for review" in page.text
    assert breaches(page) == []


def test_a_case_stands_in_the_queue_with_the_figures_of_the_api(olivia: Visitor, officer) -> None:
    case = over_the_gift_limit(officer, "346.50")
    page = olivia.page("/console/queue")
    assert shown(page) == [case["id"]]
    assert "Gifts passed the yearly limit by $46.50" in page.text
    assert "$346.50 / $300.00" in page.text
    assert (case["aggregate"], case["limit"], case["over_by"]) == ("346.50", "300.00", "46.50")


def test_views_hold_what_they_say(olivia: Visitor, rep, officer) -> None:
    first, second, third = (over_the_gift_limit(rep, "400.00", one) for one in people(3))
    done(act(officer, first, "assignment", {"assignee": "olivia"}))
    second = done(act(officer, second, "dispositions", CONFIRMED)) | {"id": second["id"]}
    views = {
        view: shown(olivia.page("/console/queue", view=view)) for view in ("open", "mine", "unassigned", "decided")
    }
    assert set(views["open"]) == {first["id"], third["id"]}
    assert views["mine"] == [first["id"]]
    assert views["unassigned"] == [third["id"]]
    assert views["decided"] == [second["id"]]
    assert "Open 2" in olivia.page("/console/queue").text


@pytest.mark.parametrize("sort", ["due", "severity", "amount_over", "newest"])
def test_pages_follow_one_another_forwards_and_back(olivia: Visitor, officer, sort: str) -> None:
    made = [over_the_gift_limit(officer, f"{400 + n % 7}.00", one)["id"] for n, one in enumerate(people(60))]
    olivia.cookies.set("propriety-rows", "25", path="/console")
    pages = [olivia.page("/console/queue", sort=sort)]
    while following := next((link for link in pages[-1].links if "after=" in link), None):
        pages.append(olivia.page(following))
    forwards = [shown(page) for page in pages]
    assert [len(page) for page in forwards] == [25, 25, 10]
    assert sorted(case for page in forwards for case in page) == sorted(made)
    back = olivia.page(next(link for link in pages[-1].links if "before=" in link))
    assert shown(back) == forwards[1]
    first = olivia.page(next(link for link in back.links if "before=" in link))
    assert shown(first) == forwards[0]
    assert not any("before=" in link for link in first.links)


def test_filters_narrow_and_no_match_says_which(olivia: Visitor, officer) -> None:
    gift, meal = over_the_gift_limit(officer), over_the_meal_limit(officer, "50.00", DANA)
    assert shown(olivia.page("/console/queue", sev="high")) == [gift["id"]]
    assert shown(olivia.page("/console/queue", rule="firm-entertainment-event")) == [meal["id"]]
    assert shown(olivia.page("/console/queue", q="dana")) == shown(olivia.page("/console/queue"))
    assert set(shown(olivia.page("/console/queue", q="olivia"))) == {gift["id"], meal["id"]}
    assert shown(olivia.page("/console/queue", q="hosted event, per head")) == [meal["id"]]
    nothing = olivia.page("/console/queue", sev="critical", q="zeppelin")
    assert "No case matches these filters" in nothing.text
    assert "Severity is critical and name, giver or rule is “zeppelin”" in nothing.text
    assert olivia.get("/console/queue", params={"q": gift["id"]}).headers["location"] == f"/console/cases/{gift['id']}"


def test_many_are_assigned_at_once_and_the_queue_says_what_became_of_each(olivia: Visitor, rep, officer) -> None:
    cases = [over_the_gift_limit(rep, "400.00", one) for one in people(3)]
    done(act(officer, cases[2], "comments", {"text": "seen"}))
    ticked = [f"{case['id']}@{case['version']}" for case in cases]
    answer = olivia.post("/console/queue/bulk", data={"case": ticked, "act": "assign-me", "view": "open"})
    page = olivia.page(answer.headers["location"])
    assert "2 assigned to you" in page.text
    assert "1 not: " in page.text
    assert len(shown(olivia.page("/console/queue", view="mine"))) == 2


def test_a_bulk_act_without_a_tick_or_an_act_says_so(olivia: Visitor, officer) -> None:
    case = over_the_gift_limit(officer)
    assert "Tick at least one" in olivia.follow("/console/queue/bulk", {"act": "assign-me"}).text
    ticked = {"case": f"{case['id']}@1"}
    assert "Choose what to do" in olivia.follow("/console/queue/bulk", ticked | {"act": "waive"}).text
    assert "Say to whom" in olivia.follow("/console/queue/bulk", ticked | {"act": "assign"}).text
    assert "Say until which day" in olivia.follow("/console/queue/bulk", ticked | {"act": "snooze", "until": "x"}).text


def test_the_queue_with_fifty_cases_weighs_at_most_15_kilobytes(olivia: Visitor, officer) -> None:
    for one in people(52):
        over_the_gift_limit(officer, "400.00", one)
    page = olivia.page("/console/queue")
    assert len(shown(page)) == 50
    assert len(gzip.compress(page.html.encode(), 6)) <= 15_000


def test_an_auditor_sees_the_queue_and_can_do_nothing(server: Server, officer) -> None:
    case = over_the_gift_limit(officer)
    auditor = visit(server, "auditor", "arthur")
    page = auditor.page("/console/queue")
    assert shown(page) == [case["id"]]
    assert "/console/cases" not in str(page.forms)
    assert "With the ticked cases" not in page.text
    assert auditor.submit("/console/queue/bulk", {"case": f"{case['id']}@1", "act": "assign-me"}).status == 403
