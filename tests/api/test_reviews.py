"""Reviews over HTTP: everything an officer does with a violation short of deciding it, and its history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import product
from typing import Any

import pytest

from app.domain.access import Role
from tests.api.reviewing import (
    CONFIRMED,
    DANA,
    PER_EVENT,
    WAIVED,
    act,
    actions,
    done,
    history,
    kept,
    listed,
    now,
    over_the_gift_limit,
    over_the_meal_limit,
    refused,
)
from tests.api.test_corrections import gift, post

ACTS = {
    "assignment": {"assignee": "oscar"},
    "comments": {"text": "the receipt is missing"},
    "questions": {"text": "who else was there?", "due_on": "2026-06-22"},
    "snoozes": {"until": "2026-06-30", "reason": "the rep is away"},
    "escalation": {"reason": "a member of the board"},
    "dispositions": CONFIRMED,
    "reopenings": {"reason": "there is another receipt"},
}


def test_a_violation_is_due_by_its_severity_over_holidays(rep, server):
    server.clock.noon_of(date(2026, 6, 17))
    case = over_the_gift_limit(rep)
    assert (case["severity"], case["due_on"]) == ("high", "2026-06-23")  # over Juneteenth and a weekend
    assert (case["overdue"], case["age_days"], case["closed_on"]) == (False, 0, None)
    low = over_the_meal_limit(rep)
    assert (low["severity"], low["due_on"]) == ("low", "2026-07-02")
    server.clock.noon_of(date(2026, 6, 23))
    assert [now(rep, case)[name] for name in ("overdue", "age_days")] == [False, 6]
    server.clock.noon_of(date(2026, 6, 24))
    assert [now(rep, case)[name] for name in ("overdue", "age_days")] == [True, 7]


def test_a_violation_opened_late_in_the_evening_is_of_the_firms_day(rep, server):
    server.clock.noon_of(date(2026, 6, 15))
    server.clock.forward(hours=11)  # 23:00 in New York is the next day in UTC
    assert over_the_gift_limit(rep)["due_on"] == "2026-06-18"


@pytest.mark.parametrize("server_settings", [{"holidays": "none"}])
def test_a_firm_without_holidays_is_due_earlier(rep, server):
    server.clock.noon_of(date(2026, 6, 17))
    assert over_the_gift_limit(rep)["due_on"] == "2026-06-22"


def test_a_review_goes_its_way_and_leaves_its_history(rep, officer, second_officer, server):
    case = over_the_gift_limit(rep)
    mine = done(act(officer, case, "assignment", {"assignee": "olivia"}))
    assert (mine["version"], mine["state"], mine["assignee"]) == (2, "in_review", "olivia")
    said = act(officer, mine, "comments", {"text": "the receipt is missing"})
    assert said.headers["etag"] == '"v3"'
    asked = done(act(officer, done(said), "questions", {"text": "where is it?", "due_on": "2026-06-22"}))
    assert (asked["state"], asked["violation_version"], now(officer, case)["state"]) == ("open", 4, "waiting_on_rep")
    done(post(rep, f"/v1/questions/{asked['id']}/answer", {"text": "in the mail"}, 4))
    back = now(officer, case)
    assert (back["state"], back["version"]) == ("in_review", 5)
    later = done(act(officer, back, "snoozes", {"until": "2026-07-15", "reason": "the rep is away"}))
    assert (later["state"], later["snoozed_until"]) == ("in_review", "2026-07-15")
    up = done(act(second_officer, later, "escalation", {"reason": "a member of the board"}))
    assert (up["state"], up["assignee"]) == ("escalated", "olivia")
    senior = server.as_(Role.SENIOR_OFFICER, "selma")
    decided = done(act(senior, up, "dispositions", CONFIRMED))
    assert (decided["state"], decided["outcome"], decided["closed_on"]) == ("decided", "confirmed", "2026-06-15")
    server.clock.noon_of(date(2026, 6, 18))
    again = done(act(officer, decided, "reopenings", {"reason": "there is another receipt"}))
    assert (again["state"], again["assignee"], again["due_on"]) == ("open", None, "2026-06-24")
    assert {again[name] for name in ("outcome", "reason_code", "decided_by", "closed_on", "disposition_id")} == {None}
    lines = history(officer, case)
    assert [line["version"] for line in lines] == list(range(1, 10))
    assert [(line["action"], line["by"], line["state"], line["text"]) for line in lines[1:]] == [
        ("violation.assigned", "olivia", "in_review", None),
        ("violation.commented", "olivia", "in_review", "the receipt is missing"),
        ("violation.asked", "olivia", "waiting_on_rep", "where is it?"),
        ("violation.answered", "rhea", "in_review", "in the mail"),
        ("violation.snoozed", "olivia", "in_review", "the rep is away"),
        ("violation.escalated", "oscar", "escalated", "a member of the board"),
        ("violation.decided", "selma", "decided", "over the limit"),
        ("violation.reopened", "olivia", "open", "there is another receipt"),
    ]
    assert lines[0]["details"] | {"policy_id": "", "due_on": ""} == {
        "counted": "400.00",
        "aggregate": "400.00",
        "limit": "300.00",
        "cause": f"{case['entry_id']}:1",
        "policy_id": "",
        "due_on": "",
    }


def test_every_line_of_the_history_is_a_record_of_the_log(rep, officer):
    case = over_the_gift_limit(rep)
    done(act(officer, case, "comments", {"text": "the receipt is missing"}))
    records = done(officer.get("/v1/audit/records", params={"entity_id": case["id"]}))["data"]
    assert [(one["position"], one["action"], one["entity_version"]) for one in records] == [
        (line["position"], line["action"], line["version"]) for line in history(officer, case)
    ]


def test_a_rep_sees_what_became_of_it_and_not_what_reviewers_say_of_it(rep, other_rep, officer, auditor):
    case = over_the_gift_limit(rep)
    case = done(act(officer, case, "assignment", {"assignee": "olivia"}))
    case = done(act(officer, case, "comments", {"text": "the third this year"}))
    case = done(act(officer, case, "snoozes", {"until": "2026-06-20", "reason": "between ourselves"}))
    assert now(rep, case)["snoozed_until"] is None
    asked = done(act(officer, case, "questions", {"text": "where is the receipt?", "due_on": "2026-06-22"}))
    case = done(act(officer, now(officer, case), "dispositions", CONFIRMED | {"note": "not to be told"}))
    seen = now(rep, case)
    assert (seen["state"], seen["outcome"], seen["corrective_action"]) == ("decided", "confirmed", "training")
    assert {seen[name] for name in ("assignee", "decided_by", "confirmed_by", "snoozed_until")} == {None}
    entry = done(rep.get(f"/v1/entries/{case['entry_id']}"))
    assert entry["violations"] == [seen]
    assert done(rep.get("/v1/violations"))["data"] == [seen]
    assert actions(rep, case) == ["opened", "asked", "decided"]
    told = str(history(rep, case))
    assert "where is the receipt?" in told
    assert not any(word in told for word in ("third", "ourselves", "not to be told"))
    assert (asked["asked_by"], [line["by"] for line in history(rep, case)]) == ("olivia", ["rhea", "olivia", None])
    assert history(auditor, case) == history(officer, case)
    refused(other_rep.get(f"/v1/violations/{case['id']}/history"), 404, "violation_not_found")
    for hidden in ({"assignee": "olivia"}, {"assignee": "none"}, {"snoozed": "true"}):
        refused(rep.get("/v1/violations", params=hidden), 403, "role_forbids")


def test_two_violations_are_linked_from_both_sides(rep, other_rep, officer):
    one, other = over_the_gift_limit(rep), over_the_gift_limit(other_rep, "50.00")
    linked = done(act(officer, one, "links", {"violation_id": other["id"], "note": "the same dinner"}))
    assert linked["version"] == 2
    assert now(officer, other)["version"] == 2
    for here, there in ((one, other), (other, one)):
        [link] = done(officer.get(f"/v1/violations/{here['id']}/links"))["data"]
        assert (link["violation_id"], link["note"], link["linked_by"]) == (there["id"], "the same dinner", "olivia")
        assert history(officer, here)[-1]["details"] == {"violation_id": there["id"]}
    again = {"violation_id": one["id"], "note": "twice"}
    refused(act(officer, now(officer, other), "links", again), 409, "already_linked")
    refused(act(officer, linked, "links", again), 422, "linked_to_itself")
    refused(act(officer, linked, "links", {"violation_id": "vio_0", "note": "x"}), 422, "unknown_violation")
    refused(rep.get(f"/v1/violations/{one['id']}/links"), 403, "role_forbids")


def test_closed_violations_can_still_be_linked_and_commented_on(rep, officer):
    case = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    case = done(act(officer, case, "comments", {"text": "for the record"}))
    other = over_the_meal_limit(rep)
    case = done(act(officer, case, "links", {"violation_id": other["id"], "note": "the same evening"}))
    assert (case["state"], case["outcome"]) == ("decided", "confirmed")


def test_many_are_assigned_at_once_each_by_itself(rep, officer, second_officer, server):
    cases = [over_the_gift_limit(rep), over_the_meal_limit(rep), over_the_meal_limit(rep)]
    over_theirs = over_the_gift_limit(second_officer, "320.00")
    taken = done(act(officer, cases[1], "assignment", {"assignee": "oscar"}))
    meant = [{"id": one["id"], "version": 1} for one in (*cases, over_theirs)] + [
        {"id": "vio_0", "version": 1},
        {"id": cases[0]["id"], "version": 1},
    ]
    answer = done(officer.post("/v1/violations/assignments", json={"violations": meant, "assignee": "oscar"}))
    assert (answer["done"], answer["refused"]) == (2, 4)
    assert [(one["index"], one["status"], one.get("problem", {}).get("code")) for one in answer["results"]] == [
        (0, 201, None),
        (1, 412, "violation_changed"),
        (2, 201, None),
        (3, 403, "self_review"),
        (4, 404, "violation_not_found"),
        (5, 412, "violation_changed"),
    ]
    assert answer["results"][0]["violation"] == now(officer, cases[0])
    assert listed(officer, assignee="oscar") == [cases[2]["id"], taken["id"], cases[0]["id"]]
    assert listed(officer, assignee="none") == [over_theirs["id"]]
    before = kept(server)
    refused(
        rep.post("/v1/violations/assignments", json={"violations": meant, "assignee": "oscar"}), 403, "role_forbids"
    )
    refused(officer.post("/v1/violations/assignments", json={"violations": [], "assignee": "o"}), 422, "invalid_body")
    assert kept(server) == before


def test_the_queue_is_found_by_its_filters(rep, officer, server):
    one, two, three = over_the_gift_limit(rep), over_the_meal_limit(rep), over_the_meal_limit(rep, "100.00")
    done(act(officer, two, "snoozes", {"until": "2026-06-20", "reason": "away"}))
    done(act(officer, three, "dispositions", CONFIRMED))
    assert listed(officer, **{"due_on[lte]": "2026-06-18"}) == [one["id"]]
    assert listed(officer, outcome="confirmed") == [three["id"]]
    assert listed(officer, outcome=["waived", "duplicate"]) == []
    assert listed(officer, reason_code="breach_education", state="decided") == [three["id"]]
    assert listed(officer, snoozed="true") == [two["id"]]
    assert listed(officer, snoozed="false") == [three["id"], one["id"]]
    server.clock.noon_of(date(2026, 7, 1))
    assert listed(officer, overdue="true") == [two["id"], one["id"]]
    assert listed(officer, overdue="false") == [three["id"]]
    assert listed(officer, snoozed="true") == []
    assert listed(officer, overdue="true", state="open", assignee="none") == [two["id"], one["id"]]
    for at in ("2026-06-15T16:00:01Z", "2026-06-30T16:00:00Z"):
        known = {"overdue": "true", "as_of": at}
        assert listed(officer, **known) == ([one["id"]] if at > "2026-06-16" else [])
    refused(officer.get("/v1/violations", params={"overdue": "perhaps"}), 400, "invalid_parameter")
    refused(officer.get("/v1/violations", params={"outcome": "guilty"}), 400, "invalid_parameter")


def test_as_of_a_moment_a_violation_is_what_it_was(rep, officer, server):
    case = over_the_gift_limit(rep)
    moments = [server.clock.now]
    for what, body in (
        ("assignment", {"assignee": "olivia"}),
        ("dispositions", CONFIRMED),
        ("reopenings", {"reason": "x"}),
    ):
        server.clock.forward(days=1)
        case = done(act(officer, case, what, body))
        moments.append(server.clock.now)
    known = []
    for moment in moments:
        at = {"as_of": moment.isoformat().replace("+00:00", "").replace(":00:00", ":00:01Z")}
        one = done(officer.get(f"/v1/violations/{case['id']}", params=at))
        lines = done(officer.get(f"/v1/violations/{case['id']}/history", params=at))["data"]
        [shown] = done(officer.get("/v1/violations", params=at | {"state": one["state"]}))["data"]
        assert shown == one
        known.append((one["version"], one["state"], one["outcome"], one["age_days"], len(lines)))
    assert known == [
        (1, "open", None, 0, 1),
        (2, "in_review", None, 1, 2),
        (3, "decided", "confirmed", 2, 3),
        (4, "open", None, 3, 4),
    ]


# What is refused


@pytest.mark.parametrize("what", ACTS)
def test_an_act_needs_the_version_that_was_read(rep, officer, server, what):
    case = over_the_gift_limit(rep)
    if what == "reopenings":
        case = done(act(officer, case, "dispositions", CONFIRMED))
    before = kept(server)
    path = f"/v1/violations/{case['id']}/{what}"
    refused(post(officer, path, ACTS[what]), 428, "if_match_required")
    refused(post(officer, path, ACTS[what], case["version"] + 1), 412, "violation_changed")
    refused(officer.post(path, json=ACTS[what], headers={"If-Match": "*"}), 400, "bad_if_match")
    refused(post(officer, f"/v1/violations/vio_0/{what}", ACTS[what], 1), 404, "violation_not_found")
    assert kept(server) == before


@pytest.mark.parametrize("role", ["rep", "supervisor", "auditor", "admin", "integration"])
def test_only_officers_act(rep, officer, server, role):
    somebody = server.as_(role, "somebody")
    open_one, decided = (
        over_the_gift_limit(rep),
        done(act(officer, over_the_meal_limit(rep), "dispositions", CONFIRMED)),
    )
    before = kept(server)
    for what, body in ACTS.items():
        refused(act(somebody, decided if what == "reopenings" else open_one, what, body), 403, "role_forbids")
    link = {"violation_id": decided["id"], "note": "x"}
    refused(act(somebody, open_one, "links", link), 403, "role_forbids")
    many = {"violations": [{"id": open_one["id"], "version": 1}]}
    for path, body in (("assignments", {"assignee": "somebody"}), ("dispositions", CONFIRMED)):
        refused(somebody.post(f"/v1/violations/{path}", json=many | body), 403, "role_forbids")
    assert kept(server) == before


REFUSED = [
    pytest.param("assignment", {}, "invalid_body", id="nobody named, not even nobody"),
    pytest.param("assignment", {"assignee": " "}, "invalid_body", id="a blank person"),
    pytest.param("comments", {"text": ""}, "invalid_body", id="an empty comment"),
    pytest.param("comments", {"text": "x" * 2001}, "invalid_body", id="a comment too long"),
    pytest.param("snoozes", {"until": "2026-06-15", "reason": "x"}, "snooze_date", id="snoozed until today"),
    pytest.param("snoozes", {"until": "2026-07-16", "reason": "x"}, "snooze_date", id="snoozed for 31 days"),
    pytest.param("snoozes", {"until": "2026-07-15"}, "invalid_body", id="snoozed for no reason"),
    pytest.param("questions", {"text": "x", "due_on": "2026-06-14"}, "question_due_date", id="due yesterday"),
    pytest.param("questions", {"text": "x", "due_on": "2027-06-16"}, "question_due_date", id="due in over a year"),
    pytest.param("questions", {"text": "x"}, "invalid_body", id="due never"),
    pytest.param("escalation", {"reason": "x", "to": "legal"}, "invalid_body", id="an unknown field"),
    pytest.param("dispositions", CONFIRMED | {"outcome": "guilty"}, "invalid_body", id="an unknown outcome"),
]


@pytest.mark.parametrize(("what", "body", "code"), REFUSED)
def test_a_bad_act_is_refused_and_nothing_is_written(rep, officer, server, what, body, code):
    case = over_the_gift_limit(rep)
    before = kept(server)
    refused(act(officer, case, what, body), 422, code)
    assert kept(server) == before


@pytest.mark.parametrize(("withdrawn", "what"), list(product([False, True], ACTS)))
def test_what_is_closed_is_left_alone(rep, officer, server, withdrawn, what):
    case = over_the_gift_limit(rep)
    if withdrawn:
        done(post(rep, f"/v1/entries/{case['entry_id']}/withdrawal", {"reason": "not delivered"}, 1))
        case = now(officer, case)
    else:
        case = done(act(officer, case, "dispositions", CONFIRMED))
    if what == "comments" or (what == "reopenings" and not withdrawn):
        done(act(officer, case, what, ACTS[what]))
        return
    before = kept(server)
    refused(act(officer, case, what, ACTS[what]), 409, "violation_withdrawn" if withdrawn else "violation_decided")
    assert kept(server) == before


def test_what_is_escalated_or_assigned_is_not_so_once_more(rep, officer, server):
    case = done(act(officer, over_the_gift_limit(rep), "escalation", {"reason": "big"}))
    refused(act(officer, case, "escalation", {"reason": "bigger"}), 409, "act_not_allowed")
    case = done(act(officer, case, "assignment", {"assignee": "oscar"}))
    refused(act(officer, case, "assignment", {"assignee": "oscar"}), 409, "already_assigned")
    case = done(act(officer, case, "assignment", {"assignee": None}))
    refused(act(officer, case, "assignment", {"assignee": None}), 409, "already_assigned")
    assert (case["state"], case["assignee"]) == ("escalated", None)


def test_nobody_is_given_what_is_their_own(rep, officer):
    case = over_the_gift_limit(rep)
    refused(act(officer, case, "assignment", {"assignee": "rhea"}), 403, "self_review")


def test_nobody_is_given_what_they_cannot_decide(rep, officer, admin, server):
    case = over_the_gift_limit(rep)
    for person, role in (("uma", "supervisor"), ("gone", "officer"), ("oona", "officer")):
        user = done(admin.post("/v1/users", json={"person": person, "name": person, "role": role}))
        if person == "gone":
            done(admin.patch(f"/v1/users/{user['id']}", json={"active": False}, headers={"If-Match": '"v1"'}))
    before = kept(server)
    for wrong in ("uma", "gone", "OONA"):
        refused(act(officer, case, "assignment", {"assignee": wrong}), 422, "not_a_reviewer")
    assert kept(server) == before
    assert done(act(officer, case, "assignment", {"assignee": "oona"}))["assignee"] == "oona"


# Nobody judges their own

RELATIONS = ("submitted", "gave", "hosted", "received", "none")


def related(server: Any, person: str, relation: str) -> dict[str, Any]:
    """A violation of the firm's rule that a person has something to do with."""
    submitter = server.as_("integration", person if relation == "submitted" else "crm")
    dana = (
        DANA | {"external_id": {"source": "hr", "id": person}, "name": "D. Reyes"} if relation == "received" else DANA
    )
    giver = person if relation == "gave" else "rhea"
    hosts = ["rhea", person] if relation == "hosted" else ["rhea", "hanna"]
    body = {
        "occurred_on": "2026-05-04",
        "kind": "meal",
        "hosts_present": True,
        "hosts": hosts,
        "giver": giver,
        "total": {"amount": "900.00", "currency": "USD"},
        "recipients": [dana],
    }
    [case] = [one for one in done(submitter.post("/v1/entries", json=body))["violations"] if one["over_by"] == "50.00"]
    return case


@pytest.mark.parametrize("relation", RELATIONS)
def test_whoever_has_to_do_with_it_neither_decides_nor_confirms_nor_reopens(server, relation):
    """Roles by relations: officers judge what they have nothing to do with, everybody else nothing."""
    independent = server.as_("officer", "igor")
    for role in ("rep", "supervisor", "officer", "auditor", "admin", "integration"):
        person = f"{role}-{relation}"
        somebody = server.as_(role, person)
        allowed = role == "officer" and relation == "none"
        code = "self_review" if role == "officer" else "role_forbids"

        def tried(answer: Any, *, allowed: bool = allowed, code: str = code) -> None:
            if allowed:
                done(answer)
            else:
                refused(answer, 403, code)

        case = related(server, person, relation)
        many = {"violations": [{"id": case["id"], "version": 1}]}
        if not allowed:
            bulk = somebody.post("/v1/violations/dispositions", json=CONFIRMED | many)
            assert bulk.status_code == (200 if role == "officer" else 403)
            assert role != "officer" or bulk.json()["results"][0]["problem"]["code"] == "self_review"
        tried(act(somebody, case, "dispositions", CONFIRMED))
        proposed = done(act(independent, related(server, person, relation), "dispositions", WAIVED))
        where = f"/v1/dispositions/{proposed['disposition_id']}/confirmation"
        tried(post(somebody, where, {"note": "agreed"}, proposed["version"]))
        decided = done(act(independent, related(server, person, relation), "dispositions", CONFIRMED))
        tried(act(somebody, decided, "reopenings", {"reason": "another receipt"}))


def test_a_supervisor_approves_no_spend_of_their_own_not_even_as_a_host(supervisor, officer):
    gave = done(supervisor.post("/v1/entries", json=gift("20.00")))
    hosted = gift("20.00", giver="susan", kind="meal", hosts_present=True, hosts=["susan"])
    for entry in (gave, done(officer.post("/v1/entries", json=hosted))):
        path = f"/v1/entries/{entry['id']}/approvals"
        refused(post(supervisor, path, {"note": "fine"}, 1), 403, "self_review")


def test_nobody_approves_what_they_got(officer, second_officer):
    dana = DANA | {"external_id": {"source": "hr", "id": "olivia"}}
    entry = done(second_officer.post("/v1/entries", json=gift("20.00", "2026-05-04", dana)))
    refused(post(officer, f"/v1/entries/{entry['id']}/approvals", {"note": "fine"}, 1), 403, "self_review")


def amended(caller: Any, entry_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """The violation of the firm's rule on an entry after an amendment."""
    more = {"set": body, "reason": "another receipt"}
    done(post(caller, f"/v1/entries/{entry_id}/amendments", more, 1))
    [case] = listed(caller, entry_id=entry_id, rule_id=PER_EVENT, state="open")
    return now(caller, {"id": case})


@pytest.mark.parametrize("relation", ["gave", "hosted", "received"])
def test_nobody_becomes_impartial_by_an_amendment(server, officer, relation):
    case = related(server, "olivia", relation)
    body = gift("900.00", "2026-05-04", DANA, kind="meal", hosts_present=True, giver="rhea", hosts=["rhea", "hanna"])
    case = amended(officer, case["entry_id"], body)
    refused(act(officer, case, "dispositions", CONFIRMED), 403, "self_review")
    refused(act(server.as_("officer", "igor"), case, "assignment", {"assignee": "Olivia"}), 403, "self_review")
    refused(post(officer, f"/v1/entries/{case['entry_id']}/approvals", {"note": "fine"}, 2), 403, "self_review")


@pytest.mark.parametrize("relation", ["gave", "hosted"])
def test_an_address_is_the_person_whose_it_is(server, admin, officer, second_officer, relation):
    user = {"person": "olivia", "name": "Olivia", "email": "Olivia@firm.example", "role": "officer"}
    done(admin.post("/v1/users", json=user))
    case = related(server, "olivia@firm.example", relation)
    refused(act(officer, case, "dispositions", CONFIRMED), 403, "self_review")
    done(act(second_officer, case, "dispositions", CONFIRMED))


# At once


@pytest.mark.race
@pytest.mark.parametrize("what", ["assignment", "comments", "escalation", "dispositions"])
def test_of_two_acts_at_once_exactly_one_wins(rep, officer, second_officer, what):
    for _ in range(5):
        case = over_the_gift_limit(rep, "400.00", DANA | {"external_id": {"source": "crm", "id": f"d{_}"}})
        with ThreadPoolExecutor(4) as threads:
            answers = list(
                threads.map(lambda who: act(who, case, what, ACTS[what]), [officer, second_officer] * 2)  # noqa: B023
            )
        assert sorted(one.status_code for one in answers) == [201, 412, 412, 412]
        assert {one.json()["code"] for one in answers if one.status_code == 412} == {"violation_changed"}
        assert len(history(officer, case)) == now(officer, case)["version"] == 2


@pytest.mark.race
def test_an_act_and_a_correction_at_once_both_happen_one_after_the_other(rep, officer, server):
    for _ in range(5):
        dana = DANA | {"external_id": {"source": "crm", "id": f"d{_}"}}
        case = over_the_gift_limit(rep, "400.00", dana)
        change = {"reason": "x", "set": {"total": {"amount": "500.00", "currency": "USD"}}}
        with ThreadPoolExecutor(2) as threads:
            amended = threads.submit(post, rep, f"/v1/entries/{case['entry_id']}/amendments", change, 1)
            said = threads.submit(act, officer, case, "comments", {"text": "the receipt is missing"})
        assert amended.result().status_code == 201, amended.result().text
        assert said.result().status_code in (201, 412), said.result().text
        after = now(officer, case)
        assert after["aggregate"] == "500.00"
        assert actions(officer, case).count("commented") == (said.result().status_code == 201)
        assert after["version"] == len(history(officer, case))
