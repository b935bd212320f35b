"""Questions over HTTP: asked by officers, answered by whoever gave or submitted the entry, and by nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from tests.api.reviewing import CONFIRMED, DANA, Json, act, actions, done, kept, now, over_the_gift_limit, refused
from tests.api.test_corrections import gift, post, recorded
from tests.server import Caller

ASKED = {"text": "who else was there?", "due_on": "2026-06-22"}


def ask(officer: Caller, case: Json, **more: str) -> Json:
    return done(act(officer, now(officer, case), "questions", ASKED | more))


def answer(caller: Caller, question: Json, version: int | None = None):
    path = f"/v1/questions/{question['id']}/answer"
    return post(caller, path, {"text": "nobody"}, version or question["violation_version"])


def questions(caller: Caller, **filters: str) -> list[str]:
    return [one["id"] for one in done(caller.get("/v1/questions", params=filters))["data"]]


def test_the_rep_concerned_is_asked_and_answers(rep, other_rep, officer, auditor, server):
    case = over_the_gift_limit(rep)
    over_the_gift_limit(other_rep, "50.00")
    asked = act(officer, case, "questions", ASKED)
    question = done(asked)
    assert (asked.headers["etag"], asked.headers["location"]) == ('"v2"', f"/v1/questions/{question['id']}")
    assert done(rep.get("/v1/questions"))["data"] == [question]
    assert (question["text"], question["asked_by"], question["overdue"]) == (ASKED["text"], "olivia", False)
    assert questions(other_rep) == []
    refused(other_rep.get(f"/v1/questions/{question['id']}"), 404, "question_not_found")
    server.clock.noon_of(date(2026, 6, 23))
    assert done(rep.get(f"/v1/questions/{question['id']}"))["overdue"] is True
    said = answer(rep, question)
    assert said.headers["etag"] == '"v3"'
    answered = done(said)
    assert [answered[name] for name in ("state", "answer", "answered_by", "overdue")] == [
        "answered",
        "nobody",
        "rhea",
        False,
    ]
    assert now(rep, case)["state"] == "in_review"
    assert questions(rep, state="open") == []
    assert questions(auditor, state="answered") == questions(auditor, violation_id=case["id"]) == [question["id"]]


def test_whoever_gave_it_and_whoever_submitted_it_may_answer(rep, officer, integration, auditor, server):
    body = gift("400.00", giver="rhea")
    [case] = recorded(integration, body)["violations"]
    first, second = ask(officer, case), ask(officer, case, text="and when?")
    done(answer(rep, first, 3))
    assert now(officer, case)["state"] == "waiting_on_rep"  # the other one is open
    done(answer(integration, second, 4))
    assert now(officer, case)["state"] == "in_review"
    third = ask(officer, case, text="really?")
    before = kept(server)
    refused(answer(officer, third), 403, "not_your_question")
    refused(answer(auditor, third), 403, "role_forbids")
    assert kept(server) == before


def test_a_question_is_answered_once_and_as_it_was_read(rep, other_rep, officer, admin, server):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    before = kept(server)
    path = f"/v1/questions/{question['id']}/answer"
    refused(post(rep, path, {"text": "nobody"}), 428, "if_match_required")
    refused(answer(rep, question, 1), 412, "violation_changed")
    refused(answer(other_rep, question), 404, "question_not_found")
    refused(answer(admin, question), 403, "role_forbids")
    refused(answer(rep, question | {"id": "qst_0"}), 404, "question_not_found")
    refused(post(rep, path, {"text": ""}, 2), 422, "invalid_body")
    assert kept(server) == before
    done(answer(rep, question))
    refused(answer(rep, question, 3), 409, "question_answered")


def test_what_nobody_needs_to_know_any_more_lapses_until_it_is_asked_about_again(rep, officer):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    decided = done(act(officer, now(officer, case), "dispositions", CONFIRMED))
    assert questions(rep, state="lapsed") == [question["id"]]
    assert questions(rep, state="open") == []
    refused(answer(rep, question, decided["version"]), 409, "violation_decided")
    again = done(act(officer, decided, "reopenings", {"reason": "let us hear them first"}))
    assert questions(rep, state="open") == [question["id"]]
    done(answer(rep, question, again["version"]))
    assert now(officer, case)["state"] == "open"


def test_a_question_of_a_withdrawn_violation_lapses(rep, officer):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    done(post(rep, f"/v1/entries/{case['entry_id']}/withdrawal", {"reason": "not delivered"}, 1))
    assert questions(rep, state="lapsed") == [question["id"]]
    refused(answer(rep, question, 3), 409, "violation_withdrawn")


def test_an_answer_is_taken_while_the_case_is_with_somebody_above(rep, officer):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    up = done(act(officer, now(officer, case), "escalation", {"reason": "big"}))
    done(answer(rep, question, up["version"]))
    assert now(officer, case)["state"] == "escalated"


def test_a_snoozed_violation_wakes_when_the_answer_comes(rep, officer):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    later = done(act(officer, now(officer, case), "snoozes", {"until": "2026-07-01", "reason": "wait for the answer"}))
    assert later["snoozed_until"] == "2026-07-01"
    done(answer(rep, question, later["version"]))
    assert now(officer, case)["snoozed_until"] is None


def test_when_the_giver_turns_out_to_be_another_that_one_is_asked(rep, other_rep, officer):
    case = over_the_gift_limit(rep)
    question = ask(officer, case)
    change = {"reason": "it was Ravi", "set": {"giver": "ravi"}}
    done(post(officer, f"/v1/entries/{case['entry_id']}/amendments", change, 1))
    assert now(other_rep, case)["giver"] == "ravi"
    assert questions(other_rep, state="open") == [question["id"]]
    assert actions(officer, case) == ["opened", "asked", "changed"]


def test_questions_are_listed_page_by_page(rep, officer):
    case = over_the_gift_limit(rep)
    asked = [ask(officer, case, text=f"question {place}")["id"] for place in range(5)]
    found, cursor = [], {}
    while True:
        page = done(rep.get("/v1/questions", params={"limit": "2", **cursor}))
        found += [one["id"] for one in page["data"]]
        if not page["page"]["has_more"]:
            break
        cursor = {"cursor": page["page"]["next_cursor"]}
    assert found == asked[::-1]
    refused(officer.get("/v1/questions", params=cursor), 400, "cursor_mismatch")
    refused(rep.get("/v1/questions", params={"state": "forgotten"}), 400, "invalid_parameter")


@pytest.mark.race
def test_of_two_answers_at_once_one_is_taken(rep, officer):
    for place in range(5):
        case = over_the_gift_limit(rep, "400.00", DANA | {"external_id": {"source": "crm", "id": f"d{place}"}})
        question = ask(officer, case)
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda who: answer(who, question), [rep, rep]))  # noqa: B023
        assert sorted(one.status_code for one in answers) in ([201, 409], [201, 412])
        assert actions(officer, case) == ["opened", "asked", "answered"]
