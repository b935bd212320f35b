"""A new entry with what it leaves of every limit, one's own entries, corrections, and questions with their answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.api.reviewing import DANA, act, done, gift, now, over_the_gift_limit, recorded
from tests.console.visiting import Page, Visitor, breaches, visit
from tests.server import Server

FORM = "/console/entries/new"
WHY = "The second ticket was given away late in the evening."


def guest(
    name: str = "Dana Reyes", employer: str = "Northgate", kind: str = "institutional_employee", **said: str
) -> str:
    return json.dumps([said.get("id", ""), name, employer, kind, said.get("email", "")])


def filled(*people: str, **said: str) -> list[tuple[str, str]]:
    fields = {"direction": "given", "kind": "gift", "occurred_on": "2026-06-01", "amount": "120.00", "currency": "USD"}
    pairs = [*(fields | {"purpose": "a book", "key": "k1", "act": "save"} | said).items()]
    return [*pairs, *(("person", one) for one in people or (guest(),))]


def sent(visitor: Visitor, path: str, pairs: list[tuple[str, str]]) -> Page:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Page(visitor.post(path, data=fields))


def test_an_entry_is_saved_and_shown(rhea: Visitor, officer) -> None:
    page = sent(rhea, FORM, filled())
    assert page.status == 303
    entry_id = page.answer.headers["location"].split("/")[-1].split("?")[0]
    kept = done(officer.get(f"/v1/entries/{entry_id}"))
    assert (kept["total"], kept["giver"], kept["kind"]) == ({"amount": "120.00", "currency": "USD"}, "rhea", "gift")
    assert kept["recipients"][0]["name"] == "Dana Reyes"
    assert kept["assessments"][0]["outcome"] == "within"
    shown = rhea.page(f"/console/entries/{entry_id}")
    assert "a book" in shown.text
    assert "Saved" in rhea.page("/console/me/entries").text


def test_the_check_says_what_is_left_and_writes_nothing(server: Server, rhea: Visitor, officer) -> None:
    recorded(officer, gift("250.00", "2026-05-02", DANA))
    [dana] = done(officer.get("/v1/recipients", params={"name": "dana"}))["data"]
    known = guest(id=dana["id"])
    page = sent(rhea, "/console/entries/check", filled(known, amount="40.00"))
    assert page.status == 200
    assert "$10.00 left" in page.text
    assert "$290.00 of $300.00" in page.text
    assert set(page.ids) == {"people", "verdict", "foot"}
    over = sent(rhea, "/console/entries/check", filled(known, amount="97.35"))
    assert "$47.35 over" in over.text
    assert "Over a limit" in over.text
    assert done(officer.get("/v1/entries"))["data"][0]["total"]["amount"] == "250.00"
    assert len(done(officer.get("/v1/entries"))["data"]) == 1


def test_the_check_is_the_same_judge_as_the_api(rhea: Visitor, rep) -> None:
    people = [guest(), guest("Ed Falk", "Bellweather")]
    page = sent(rhea, "/console/entries/check", filled(*people, kind="meal", amount="900.00", hosts_present="yes"))
    body = gift("900.00", "2026-06-01", DANA, kind="meal", hosts_present=True)
    body["recipients"].append({"name": "Ed Falk", "employer": "Bellweather", "type": "institutional_employee"})
    told = done(rep.post("/v1/assessments", json=body))
    [share] = {one["share"]["amount"] for one in told["recipients"]}
    assert f"${share}" in page.text
    over = [one for one in told["assessments"] if one["outcome"] == "violation"]
    assert "2 of 2 need attention" in page.text
    assert f"${over[0]['left'].removeprefix('-')} over" in page.text


@pytest.mark.parametrize("server_settings", [{"reps_see_amounts": False}])
def test_amounts_can_be_kept_from_reps(rhea: Visitor, olivia: Visitor, officer) -> None:
    recorded(officer, gift("250.00", "2026-05-02", DANA))
    [dana] = done(officer.get("/v1/recipients", params={"name": "dana"}))["data"]
    page = sent(rhea, "/console/entries/check", filled(guest(id=dana["id"]), amount="97.35"))
    assert "Over" in page.text
    assert "47.35" not in page.html
    assert "250" not in page.html
    assert "347" not in page.html
    assert "$47.35 over" in sent(olivia, "/console/entries/check", filled(guest(id=dana["id"]), amount="97.35")).text


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"amount": "five forty"}, "Enter the amount as a number, like 540.00"),
        ({"amount": ""}, "Enter the total cost as a number, like 540.00"),
        ({"amount": "0"}, "must be more than zero"),
        ({"amount": "1.005"}, "Enter the amount as a number"),
        ({"occurred_on": "yesterday"}, "Enter the date of the event"),
        ({"occurred_on": "2026-06-16"}, "recorded when it has happened"),
        ({"occurred_on": "1999-01-01"}, "The books begin"),
        ({"currency": "XXZ"}, "Choose a currency"),
        ({"kind": "yacht"}, "Choose what it was"),
        ({"purpose": "x" * 201}, "Write at most 200 characters"),
        ({"tax": "500.00"}, "more than the amount"),
        ({"direction": "received"}, "Say who gave it"),
    ],
)
def test_what_is_wrong_is_said_and_everything_is_kept(rhea: Visitor, officer, said: dict[str, str], fault: str) -> None:
    page = sent(rhea, FORM, filled(**said))
    assert page.status == 422
    assert fault in page.text, page.text[-2500:]
    assert "<title>Error: " in page.html
    form = page.form(FORM)
    assert form["purpose"] == said.get("purpose", "a book")
    assert json.loads(form["person"])[1] == "Dana Reyes"
    assert breaches(page) == []
    assert done(officer.get("/v1/entries"))["data"] == []


def test_nobody_on_it_is_said_at_the_field(rhea: Visitor) -> None:
    page = sent(rhea, FORM, [pair for pair in filled() if pair[0] != "person"])
    assert page.status == 422
    assert "Add at least one person outside the firm" in page.text
    assert "#find" in page.links


def test_what_goes_over_a_limit_needs_an_explanation_which_the_case_shows(
    rhea: Visitor, olivia: Visitor, officer
) -> None:
    refused = sent(rhea, FORM, filled(amount="400.00"))
    assert refused.status == 422
    assert "Explain in at least 20 characters" in refused.text
    assert sent(rhea, FORM, filled(amount="400.00", explanation=WHY)).status == 303
    [case] = done(officer.get("/v1/violations"))["data"]
    assert WHY in olivia.page(f"/console/cases/{case['id']}").text


def test_a_second_click_saves_nothing_twice(rhea: Visitor, officer) -> None:
    first, second = (sent(rhea, FORM, filled()) for _ in range(2))
    assert (first.status, second.status) == (303, 303)
    assert first.answer.headers["location"] == second.answer.headers["location"]
    assert len(done(officer.get("/v1/entries"))["data"]) == 1


def test_without_a_script_people_are_found_added_and_removed(rhea: Visitor, officer) -> None:
    recorded(officer, gift("10.00", "2026-05-02", DANA))
    empty = [pair for pair in filled() if pair[0] not in ("person", "act")]
    page = sent(rhea, FORM, [*empty, ("find", "dan"), ("act", "find")])
    assert page.status == 200
    [found] = re.findall(r'name="act" value="(add:[^"]*)"', page.html)
    word = found.replace("&#34;", '"').replace("&quot;", '"')
    added = sent(rhea, FORM, [*empty, ("act", word)])
    person = added.form(FORM)["person"]
    assert json.loads(person)[1] == "Dana Reyes"
    assert "left" in added.text
    removed = sent(rhea, FORM, [*empty, ("person", person), ("act", f"remove:{person}")])
    assert "person" not in removed.form(FORM)
    new = {"new-name": "Ada Brandt", "new-employer": "Corvid", "new-type": "institutional_employee", "new-email": ""}
    known = sent(rhea, FORM, [*empty, *new.items(), ("act", "add-new")])
    assert json.loads(known.form(FORM)["person"]) == ["", "Ada Brandt", "Corvid", "institutional_employee", ""]
    nameless = sent(rhea, FORM, [*empty, ("new-name", ""), ("act", "add-new")])
    assert "A new person needs a name and a type" in nameless.text


@pytest.mark.parametrize("word", ["", "null", "[]", '["","","","",""]', "[[[[", '["rec_none","","","",""]', "x" * 5000])
def test_a_person_that_is_none_is_no_person(rhea: Visitor, officer, word: str) -> None:
    page = sent(rhea, FORM, filled(word))
    assert page.status == 422
    assert done(officer.get("/v1/entries"))["data"] == []


def test_a_likely_duplicate_is_said(rhea: Visitor, officer) -> None:
    recorded(officer, gift("10.00", "2026-05-02", DANA))
    page = sent(rhea, "/console/entries/check", filled(guest("Dana Reyes", "Northgate Inc")))
    assert "Likely the same person: Dana Reyes" in page.text


def test_an_entry_is_copied_withdrawn_and_entered_again(rhea: Visitor, olivia: Visitor, officer) -> None:
    assert sent(rhea, FORM, filled(amount="400.00", explanation=WHY)).status == 303
    [entry] = done(officer.get("/v1/entries"))["data"]
    path = f"/console/entries/{entry['id']}"
    form = rhea.page(path).form(f"{path}/withdrawal")
    assert rhea.submit(f"{path}/withdrawal", form | {"reason": ""}).status == 422
    assert rhea.submit(f"{path}/withdrawal", form | {"reason": "wrong amount"}).status == 303
    assert "Withdrawn" in rhea.page("/console/me/entries").text
    [case] = done(officer.get("/v1/violations"))["data"]
    assert case["state"] == "withdrawn"
    again = rhea.page("/console/entries/new", copy=entry["id"]).form(FORM)
    assert (again["amount"], again["purpose"], json.loads(again["person"])[1]) == ("400.00", "a book", "Dana Reyes")
    assert rhea.submit(f"{path}/withdrawal", form | {"reason": "again"}).status in (409, 422)


def test_a_stale_correction_changes_nothing(rhea: Visitor, officer) -> None:
    sent(rhea, FORM, filled())
    [entry] = done(officer.get("/v1/entries"))["data"]
    path = f"/console/entries/{entry['id']}"
    form = rhea.page(path).form(f"{path}/withdrawal")
    body = {"reason": "typing", "set": {"purpose": "another book"}}
    assert (
        officer.post(f"/v1/entries/{entry['id']}/amendments", json=body, headers={"If-Match": '"v1"'}).status_code
        == 201
    )
    page = rhea.submit(f"{path}/withdrawal", form | {"reason": "too late"})
    assert page.status == 409
    assert "another book" in page.text
    assert done(officer.get(f"/v1/entries/{entry['id']}"))["standing"] == "live"


def test_whoever_did_not_give_it_does_not_see_it(server: Server, rhea: Visitor, officer) -> None:
    sent(rhea, FORM, filled())
    [entry] = done(officer.get("/v1/entries"))["data"]
    ravi = visit(server, "rep", "ravi")
    assert ravi.page(f"/console/entries/{entry['id']}").status == 404
    assert ravi.page("/console/entries/new", copy=entry["id"]).status == 404
    assert "You have not recorded anything yet" in ravi.page("/console/me/entries").text
    answer = ravi.submit(f"/console/entries/{entry['id']}/withdrawal", {"version": "1", "reason": "not mine"})
    assert answer.status == 404


def test_lists_of_entries_are_filtered_and_paged(olivia: Visitor, officer) -> None:
    for day in range(1, 29):
        recorded(officer, gift("10.00", f"2026-05-{day:02}", DANA, purpose=f"book {day:02}"))
    recorded(officer, gift("90.00", "2026-06-02", DANA, kind="meal", hosts_present=True, purpose="lunch"))
    olivia.cookies.set("propriety-rows", "25", path="/console")
    first = olivia.page("/console/entries")
    second = olivia.page(next(link for link in first.links if "after=" in link))
    seen = re.findall(r"book \d\d|lunch", first.text + second.text)
    assert len(seen) == len(set(seen)) == 29
    assert re.findall(r"book \d\d|lunch", olivia.page("/console/entries", kind="meal").text) == ["lunch"]
    assert "No entry matches" in olivia.page("/console/entries", giver="nobody").text


def test_a_question_is_answered_and_the_case_goes_on(server: Server, rhea: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    asker = server.as_("officer", "oscar")
    done(act(asker, case, "questions", {"text": "Who was there <b>?", "due_on": "2026-06-20"}))
    assert ", 1 waiting" in rhea.page("/console/me/questions").text.replace("Questions , 1", "Questions, 1")
    assert "Answer needed" in rhea.page("/console/me/entries").text
    page = rhea.page("/console/me/questions")
    [path] = [action for action in page.forms if action.startswith("/console/me/questions/")]
    assert rhea.submit(path, page.form(path) | {"answer": " "}).status == 422
    stale = rhea.submit(path, {"version": "1", "answer": "Four of us"})
    assert stale.status == 409
    assert stale.form(path)["answer"] == "Four of us"
    assert rhea.submit(path, stale.form(path)).status == 303
    assert now(officer, case)["state"] == "in_review"
    assert "Answered" in rhea.page("/console/me/questions").text
    ravi = visit(server, "rep", "ravi")
    assert "No question is waiting" in ravi.page("/console/me/questions").text
    assert ravi.submit(path, {"version": "1", "answer": "not mine"}).status == 404
