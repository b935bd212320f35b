"""A case: the proof with the engine's own figures, every act on it, conflicts between two people, and its file."""

from __future__ import annotations

import re

import pytest

from tests.api.reviewing import DANA, act, done, gift, history, now, over_the_gift_limit, over_the_meal_limit, recorded
from tests.console.visiting import Page, Visitor, breaches, visit
from tests.server import Server

NOTE = "Reminded; no further gifts to this person this year."


def decision(page: Page, case_id: str, **more: str) -> dict[str, str]:
    form = page.form(f"/console/cases/{case_id}/decision")
    return form | {"outcome": "confirmed", "note": NOTE, **more}


def decide(visitor: Visitor, case_id: str, **more: str) -> Page:
    page = visitor.page(f"/console/cases/{case_id}")
    return visitor.submit(f"/console/cases/{case_id}/decision", decision(page, case_id, **more))


def cents(text: str) -> int:
    return int(text.replace("$", "").replace(",", "").replace(".", ""))


def test_the_page_the_queue_the_pane_and_the_api_say_the_same(olivia: Visitor, officer) -> None:
    for amount in ("38.00", "120.00", "110.50"):
        recorded(officer, gift(amount, "2026-05-02", DANA))
    case = over_the_gift_limit(officer, "78.00", DANA)
    proof = done(officer.get(f"/v1/violations/{case['id']}/proof"))
    page = olivia.page(f"/console/cases/{case['id']}")
    said = re.findall(r"<dd>(\$[\d,.]+)", page.html)
    assert [cents(one) for one in said[:5]] == [26850, 7800, 34650, 30000, 4650]
    assert cents(case["aggregate"]) == 34650
    counted = re.findall(r'<td class="r">(\$[\d.,]+)</td>', page.html)
    kept = [cents(line["counted"]) for line in proof["lines"]]
    assert [cents(one) for one in counted[: 2 * len(kept) - 1 : 2]] == kept
    assert sum(kept) == 34650
    assert "$346.50" in olivia.page(f"/console/queue/pane/{case['id']}").text
    assert "Exactly $300.00 is allowed" in page.text
    assert breaches(page) == []


def test_entries_that_do_not_count_stand_in_the_proof_with_their_reason(olivia: Visitor, officer) -> None:
    recorded(officer, gift("90.00", "2026-05-02", DANA, kind="meal", hosts_present=True))
    case = over_the_gift_limit(officer, "301.00", DANA)
    page = olivia.page(f"/console/cases/{case['id']}")
    assert "A host was present: business entertainment" in page.text
    assert "2 entries read, 1 counts" in page.text


def test_deciding_closes_the_case_and_is_in_its_history(server: Server, olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    page = decide(olivia, case["id"], **{"action-confirmed": "training"})
    assert page.status == 303
    after = now(officer, case)
    assert (after["state"], after["outcome"], after["corrective_action"]) == ("decided", "confirmed", "training")
    assert after["decided_by"] == "olivia"
    shown = olivia.page(f"/console/cases/{case['id']}")
    assert NOTE in shown.text
    assert "Reopen case" in shown.text


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"note": "short"}, "Write a note of at least 20 characters"),
        ({"outcome": ""}, "Choose an outcome"),
        ({"outcome": "dismissed"}, "Choose an outcome"),
        ({"reason-confirmed": "nonsense"}, "With confirmed, write one of"),
        ({"note": "x" * 2001}, "Write at most 2,000 characters"),
        ({"note": "a null \x00 in the middle of it"}, "cannot be read"),
        ({"outcome": "duplicate"}, "Name the violation under which"),
        ({"outcome": "waived"}, "regulator"),
        ({"version": ""}, "The page was incomplete"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(
    olivia: Visitor, rep, officer, filled: dict[str, str], said: str
) -> None:
    case = over_the_gift_limit(rep)
    page = decide(olivia, case["id"], **filled)
    assert page.status == 422
    assert "There is a problem" in page.text
    assert said in page.text, page.text[:3000]
    assert "<title>Error: " in page.html
    kept = filled.get("note", NOTE)
    assert page.form(f"/console/cases/{case['id']}/decision")["note"] == kept
    assert breaches(page) == []
    assert now(officer, case)["version"] == case["version"]


def test_of_two_officers_the_second_sees_the_decision_and_keeps_the_note(
    server: Server, olivia: Visitor, rep, officer
) -> None:
    case = over_the_gift_limit(rep)
    oscar = visit(server, "officer", "oscar")
    open_page = oscar.page(f"/console/cases/{case['id']}")
    decide(olivia, case["id"])
    form = decision(open_page, case["id"], outcome="no_violation", note="The receipt was for somebody else entirely.")
    page = oscar.submit(f"/console/cases/{case['id']}/decision", form)
    assert page.status == 409
    assert "olivia decided this case since you opened the page" in page.text
    assert breaches(page) == []
    assert now(officer, case)["outcome"] == "confirmed"


def test_after_a_remark_the_note_is_kept_and_can_be_sent_again(server: Server, olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    page = olivia.page(f"/console/cases/{case['id']}")
    done(act(server.as_("officer", "oscar"), case, "comments", {"text": "wait for the receipt"}))
    again = olivia.submit(f"/console/cases/{case['id']}/decision", decision(page, case["id"]))
    assert again.status == 409
    assert "wait for the receipt" in again.text
    form = again.form(f"/console/cases/{case['id']}/decision")
    assert form["note"] == NOTE
    assert olivia.submit(f"/console/cases/{case['id']}/decision", form).status == 303


def test_a_second_click_on_the_same_decision_is_no_conflict(olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    form = decision(olivia.page(f"/console/cases/{case['id']}"), case["id"])
    answers = [olivia.submit(f"/console/cases/{case['id']}/decision", form).status for _ in range(2)]
    assert answers == [303, 303]
    assert [line["action"] for line in history(officer, case)].count("violation.decided") == 1


def test_nobody_decides_their_own(olivia: Visitor, officer) -> None:
    case = over_the_gift_limit(server_officer := officer)
    page = decide(olivia, case["id"])
    assert page.status == 422
    assert "somebody else reviews it" in page.text
    assert now(server_officer, case)["state"] == "open"


def test_the_firms_own_limit_is_waived_by_two(server: Server, olivia: Visitor, rep, officer) -> None:
    case = over_the_meal_limit(rep)
    assert "Not possible here" not in olivia.page(f"/console/cases/{case['id']}").text
    assert decide(olivia, case["id"], outcome="waived").status == 303
    assert now(officer, case)["state"] == "waiting_on_second_person"
    waiting = olivia.page(f"/console/cases/{case['id']}")
    form = waiting.form(f"/console/cases/{case['id']}/confirmation") | {"confirm-note": "I agree with this waiver too."}
    assert olivia.submit(f"/console/cases/{case['id']}/confirmation", form).status == 422
    oscar = visit(server, "officer", "oscar")
    assert oscar.submit(f"/console/cases/{case['id']}/confirmation", form).status == 303
    after = now(officer, case)
    assert (after["state"], after["outcome"], after["confirmed_by"]) == ("decided", "waived", "oscar")


def test_asking_snoozing_linking_commenting_and_reopening(server: Server, olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    other = over_the_meal_limit(rep, "20.00", DANA)
    path = f"/console/cases/{case['id']}"

    def sent(what: str, **said: str) -> Page:
        version = olivia.page(path).form(f"{path}/comments")["version"]
        return olivia.submit(f"{path}/{what}", {"version": version, **said})

    assert sent("comments", comment="Looks like a mistake").status == 303
    assert sent("comments", comment=" ").status == 422
    assert sent("assignment", assignee="olivia").status == 303
    assert sent("snoozes", **{"until": "2026-06-20", "snooze-reason": "waiting for the receipt"}).status == 303
    assert sent("snoozes", **{"until": "2027-06-20", "snooze-reason": "too long"}).status == 422
    assert sent("links", **{"other": other["id"], "link-note": "same evening"}).status == 303
    assert sent("links", **{"other": "vio_none", "link-note": "same evening"}).status == 422
    assert sent("questions", question="Who was there?", due_on="2026-06-18").status == 303
    assert sent("questions", question="Who was there?", due_on="2020-06-18").status == 422
    page = olivia.page(path)
    for said in ("Looks like a mistake", "Who was there?", "same evening", "waiting for the receipt"):
        assert said in page.text
    assert "Waiting on rep" in page.text
    assert decide(olivia, case["id"]).status == 303
    version = olivia.page(path).form(f"{path}/reopenings")["version"]
    assert olivia.submit(f"{path}/reopenings", {"version": version, "reopen-reason": "New facts"}).status == 303
    assert now(officer, case)["state"] == "open"


def test_escalating_leaves_it_to_a_senior_officer(server: Server, olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    assert decide(olivia, case["id"], outcome="escalate").status == 303
    refused = decide(olivia, case["id"])
    assert refused.status == 422
    assert "a senior officer decides it" in refused.text
    senior = visit(server, "senior_officer", "sofia")
    assert decide(senior, case["id"]).status == 303


def test_an_auditor_sees_everything_and_no_form(server: Server, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    page = visit(server, "auditor", "arthur").page(f"/console/cases/{case['id']}")
    assert "Proof of calculation" in page.text
    assert [action for action in page.forms if action.startswith("/console/cases")] == []


def test_the_case_file_says_who_printed_it_when(olivia: Visitor, rep) -> None:
    case = over_the_gift_limit(rep)
    page = olivia.page(f"/console/cases/{case['id']}/file")
    assert f"Case file {case['id']}" in page.text
    assert "Printed 15 Jun 2026, 12:00 by Olivia" in page.text
    assert page.html.count("Total counted") == 1
    assert breaches(page) == []


def test_a_case_whose_ground_is_gone_says_so(olivia: Visitor, rep, officer) -> None:
    case = over_the_gift_limit(rep)
    answer = rep.post(
        f"/v1/entries/{case['entry_id']}/withdrawal", json={"reason": "never happened"}, headers={"If-Match": '"v1"'}
    )
    assert answer.status_code == 201
    page = olivia.page(f"/console/cases/{case['id']}")
    assert "A correction took the ground of this case away" in page.text


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "</textarea><script>alert(1)</script>",
    "\u202egnp.exe",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_stored_is_shown_as_text(olivia: Visitor, officer, text: str) -> None:
    person = {"name": f"Dana {text}", "employer": f"Firm {text}", "type": "institutional_employee"}
    if "\u202e" in text:
        person = DANA
    case = over_the_gift_limit(officer, "400.00", person, purpose=text, venue=text, giver=f"gus {text}")
    done(act(officer, case, "comments", {"text": text}))
    for path in ("/console/queue", f"/console/cases/{case['id']}", f"/console/cases/{case['id']}/file"):
        page = olivia.page(path)
        assert page.status == 200
        assert breaches(page) == [], path
        assert "49{" not in page.html
        assert not any(tag == "img" for tag, _, _ in page.attributes)
        assert not any(name == "href" and str(value).startswith("javascript") for _, name, value in page.attributes)


def test_fields_of_a_form_keep_hostile_text_as_text(olivia: Visitor, rep) -> None:
    case = over_the_gift_limit(rep)
    page = decide(olivia, case["id"], note="</textarea><script>1</script>", outcome="")
    assert page.status == 422
    assert page.form(f"/console/cases/{case['id']}/decision")["note"] == "</textarea><script>1</script>"
    assert breaches(page) == []
