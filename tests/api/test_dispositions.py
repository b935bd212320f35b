"""Dispositions over HTTP: outcomes and codes, waivers and the second person, exemptions, duplicates, many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.domain.access import Role
from tests.api.reviewing import (
    CONFIRMED,
    DANA,
    NO_VIOLATION,
    WAIVED,
    Json,
    act,
    done,
    history,
    kept,
    listed,
    now,
    over_the_gift_limit,
    over_the_meal_limit,
    refused,
)
from tests.api.test_corrections import LEE, gift, post, recorded
from tests.server import Caller, Server


@pytest.fixture
def generous(server: Server) -> Caller:
    """An officer who may waive up to 50.00 dollars alone."""
    return server.as_(Role.OFFICER, "greta", waiver=(5000, "USD"))


def disposition(caller: Caller, case: Json) -> Json:
    return done(caller.get(f"/v1/dispositions/{case['disposition_id']}"))


def confirm(caller: Caller, case: Json, version: int | None = None) -> Any:
    path = f"/v1/dispositions/{case['disposition_id']}/confirmation"
    return post(caller, path, {"note": "agreed"}, version or case["version"])


def test_outcome_reason_action_and_note_are_four_things(rep, officer):
    case = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    said = ("confirmed", "breach_education", "training", "olivia", None)
    names = ("outcome", "reason_code", "corrective_action", "decided_by", "confirmed_by")
    assert tuple(case[name] for name in names) == said
    made = disposition(officer, case)
    assert tuple(made[name] for name in names) == said
    assert (made["note"], made["standing"], made["needs_second_person"]) == ("over the limit", True, False)
    assert (made["counted"], made["aggregate"], made["limit"]) == ("400.00", "400.00", "300.00")
    assert history(officer, case)[-1]["details"] == {
        "disposition_id": made["id"],
        "outcome": "confirmed",
        "reason_code": "breach_education",
        "corrective_action": "training",
    }


REFUSED = [
    pytest.param(
        CONFIRMED | {"reason_code": "bad_luck"}, "unknown_reason_code", "/reason_code", id="an unknown reason"
    ),
    pytest.param(
        CONFIRMED | {"reason_code": "within_policy"},
        "unknown_reason_code",
        "/reason_code",
        id="a reason of another outcome",
    ),
    pytest.param(
        NO_VIOLATION | {"reason_code": "withdrawn_by_recalculation"},
        "unknown_reason_code",
        "/reason_code",
        id="the reason that only recalculation has",
    ),
    pytest.param(
        CONFIRMED | {"corrective_action": "flogging"},
        "unknown_corrective_action",
        "/corrective_action",
        id="an unknown action",
    ),
    pytest.param(
        NO_VIOLATION | {"corrective_action": "training"},
        "unknown_corrective_action",
        "/corrective_action",
        id="an action where there is nothing to correct",
    ),
    pytest.param(
        CONFIRMED | {"corrective_action": None},
        "corrective_action_required",
        "/corrective_action",
        id="confirmed, and nothing said of what is done",
    ),
    pytest.param(WAIVED, "regulator_rule_not_waivable", "/outcome", id="a regulator's rule waived"),
    pytest.param(
        {"outcome": "duplicate", "reason_code": "duplicate", "note": "x"},
        "duplicate_of_required",
        "/duplicate_of",
        id="a duplicate of nothing",
    ),
    pytest.param(
        {"outcome": "duplicate", "reason_code": "duplicate", "note": "x", "duplicate_of": "vio_0"},
        "unknown_violation",
        "/duplicate_of",
        id="a duplicate of what is not there",
    ),
    pytest.param(
        CONFIRMED | {"duplicate_of": "vio_0"}, "not_for_this_outcome", "/duplicate_of", id="confirmed as a duplicate"
    ),
    pytest.param(
        NO_VIOLATION | {"reason_code": "exemption_accepted"},
        "exemption_required",
        "/exemption_id",
        id="exempted by no document",
    ),
    pytest.param(
        NO_VIOLATION | {"exemption_id": "exm_0"}, "unknown_exemption", "/exemption_id", id="an unknown document"
    ),
    pytest.param(
        CONFIRMED | {"exemption_id": "exm_0"}, "not_for_this_outcome", "/exemption_id", id="confirmed and exempted"
    ),
    pytest.param(CONFIRMED | {"note": " "}, "invalid_body", "/note", id="a blank note"),
]


@pytest.mark.parametrize(("body", "code", "pointer"), REFUSED)
def test_a_decision_that_cannot_be_is_refused_by_field_and_nothing_is_written(
    rep, officer, server, body, code, pointer
):
    case = over_the_gift_limit(rep)
    before = kept(server)
    problem = refused(act(officer, case, "dispositions", body), 422, code)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert kept(server) == before


def test_an_unknown_code_is_told_which_ones_there_are(rep, officer):
    case = over_the_gift_limit(rep)
    problem = refused(act(officer, case, "dispositions", CONFIRMED | {"reason_code": "x"}), 422, "unknown_reason_code")
    codes = done(officer.get("/v1/review-codes"))["reason_codes"]
    words = ", ".join(one["code"] for one in codes if "confirmed" in one["outcomes"])
    assert problem["errors"][0]["detail"] == f"With confirmed, write one of: {words}"


def test_a_firm_has_words_of_its_own(rep, officer, server, fresh_database, database_kind, tmp_path):
    from tests.server import serving

    file = tmp_path / "codes.yaml"
    file.write_text(
        "due_in_business_days: {critical: 0, high: 1, medium: 2, low: 3}\n"
        "reason_codes:\n"
        "  settled: {definition: All is settled., outcomes: [confirmed, no_violation, waived, duplicate]}\n"
        "corrective_actions:\n"
        "  none: {definition: Nothing., outcomes: [confirmed, no_violation, waived, duplicate]}\n"
    )
    with serving(fresh_database(database_kind), review_codes=file) as theirs:
        case = over_the_gift_limit(theirs.as_("rep", "rhea"))
        assert case["due_on"] == "2026-06-16"
        judge = theirs.as_("officer", "olivia")
        refused(act(judge, case, "dispositions", CONFIRMED), 422, "unknown_reason_code")
        body = {"outcome": "confirmed", "reason_code": "settled", "corrective_action": "none", "note": "so be it"}
        assert done(act(judge, case, "dispositions", body))["reason_code"] == "settled"


# Waivers and the second person


def test_a_waiver_within_the_officers_own_amount_needs_nobody_else(rep, generous):
    case = done(act(generous, over_the_meal_limit(rep, "50.00"), "dispositions", WAIVED))
    assert (case["state"], case["outcome"], case["decided_by"]) == ("decided", "waived", "greta")


def test_a_waiver_above_the_officers_own_amount_waits_for_a_second_person(rep, generous, second_officer):
    case = done(act(generous, over_the_meal_limit(rep, "50.01"), "dispositions", WAIVED))
    assert (case["state"], case["outcome"], case["closed_on"]) == ("waiting_on_second_person", None, None)
    assert (now(rep, case)["state"], disposition(second_officer, case)["confirmed_by"]) == (case["state"], None)
    agreed = confirm(second_officer, case)
    assert agreed.headers["etag"] == '"v3"'
    decided = done(agreed)
    names = ("state", "outcome", "reason_code", "decided_by", "confirmed_by")
    assert [decided[name] for name in names] == ["decided", "waived", "exception_granted", "greta", "oscar"]
    made = disposition(generous, decided)
    assert (made["confirmed_by"], made["confirmation_note"], made["standing"]) == ("oscar", "agreed", True)
    assert [(line["action"], line["by"]) for line in history(generous, case)[1:]] == [
        ("violation.proposed", "greta"),
        ("violation.decided", "oscar"),
    ]
    refused(confirm(second_officer, decided), 409, "disposition_not_waiting")


def test_without_an_own_amount_every_waiver_needs_a_second_person(rep, officer):
    case = done(act(officer, over_the_meal_limit(rep, "0.01"), "dispositions", WAIVED))
    assert case["state"] == "waiting_on_second_person"


def test_an_own_amount_in_another_currency_is_none(rep, server):
    paid_in_euros = server.as_("officer", "greta", waiver=(999_999, "EUR"))
    case = done(act(paid_in_euros, over_the_meal_limit(rep, "0.01"), "dispositions", WAIVED))
    assert case["state"] == "waiting_on_second_person"


def test_nobody_is_the_second_person_to_themselves_whatever_key_they_use(rep, officer, server):
    case = done(act(officer, over_the_meal_limit(rep), "dispositions", WAIVED))
    before = kept(server)
    refused(confirm(officer, case), 403, "self_confirmation")
    for spelling in ("olivia", "Olivia"):
        again = server.as_("officer", spelling, waiver=(10**9, "USD"))
        before = kept(server)
        refused(confirm(again, case), 403, "self_confirmation")
        assert kept(server) == before


def test_a_confirmation_is_refused_and_nothing_is_written(rep, officer, second_officer, server):
    case = done(act(officer, over_the_meal_limit(rep), "dispositions", WAIVED))
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    before = kept(server)
    path = f"/v1/dispositions/{case['disposition_id']}/confirmation"
    refused(post(second_officer, path, {"note": "agreed"}), 428, "if_match_required")
    refused(confirm(second_officer, case, 1), 412, "violation_changed")
    refused(confirm(rep, case), 403, "role_forbids")
    refused(confirm(second_officer, decided), 409, "disposition_not_waiting")
    refused(confirm(second_officer, case | {"disposition_id": "dsp_0"}), 404, "disposition_not_found")
    refused(rep.get(f"/v1/dispositions/{case['disposition_id']}"), 403, "role_forbids")
    refused(officer.get("/v1/dispositions/dsp_0"), 404, "disposition_not_found")
    assert kept(server) == before


@pytest.mark.parametrize(
    ("what", "body", "state"),
    [
        pytest.param("dispositions", CONFIRMED, "decided", id="decided otherwise"),
        pytest.param("dispositions", WAIVED, "waiting_on_second_person", id="proposed anew"),
        pytest.param("escalation", {"reason": "too much for the two of us"}, "escalated", id="escalated"),
        pytest.param("questions", {"text": "why?", "due_on": "2026-06-22"}, "waiting_on_rep", id="asked about"),
    ],
)
def test_who_disagrees_with_a_waiver_takes_it_off_the_table(rep, officer, second_officer, what, body, state):
    case = done(act(officer, over_the_meal_limit(rep), "dispositions", WAIVED))
    done(act(second_officer, case, what, body))
    after = now(officer, case)
    assert after["state"] == state
    assert after["disposition_id"] != case["disposition_id"]
    fallen = disposition(officer, case)
    assert (fallen["standing"], bool(fallen["fell_because"])) == (False, True)
    refused(confirm(second_officer, case, after["version"]), 409, "disposition_not_waiting")


@pytest.mark.race
def test_of_two_second_persons_at_once_one_confirms(rep, officer, second_officer, server):
    third = server.as_("officer", "otto")
    for place in range(5):
        dana = DANA | {"external_id": {"source": "crm", "id": f"d{place}"}}
        case = done(act(officer, over_the_meal_limit(rep, "50.00", dana), "dispositions", WAIVED))
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda who: confirm(who, case), [second_officer, third]))  # noqa: B023
        assert sorted(one.status_code for one in answers) in ([201, 409], [201, 412])
        assert now(officer, case)["state"] == "decided"


def test_what_an_officer_may_waive_stands_on_the_key(server, admin):
    body = {
        "name": "Greta",
        "role": "officer",
        "person": "greta",
        "waiver_limit": {"amount": "50.00", "currency": "USD"},
    }
    made = done(admin.post("/v1/keys", json=body))
    assert made["waiver_limit"] == {"amount": "50.00", "currency": "USD"}
    me = done(server.stranger(made["secret"]).get("/v1/me"))
    assert (me["waiver_limit"], "review" in me["permissions"]) == (made["waiver_limit"], True)
    before = kept(server)
    refused(admin.post("/v1/keys", json=body | {"role": "rep"}), 422, "waiver_limit_not_theirs")
    for own in ("ada", "Ada"):
        refused(admin.post("/v1/keys", json=body | {"person": own}), 403, "own_waiver_limit")
    for wrong in ({"amount": "50.001", "currency": "USD"}, {"amount": "50.00", "currency": "XXX"}):
        refused(admin.post("/v1/keys", json=body | {"waiver_limit": wrong}), 422, "bad_waiver_limit")
    assert kept(server) == before


# Duplicates


def test_a_duplicate_names_the_violation_under_which_it_is_reviewed(rep, other_rep, officer):
    original = over_the_gift_limit(rep)
    [again] = recorded(other_rep, gift("50.00", "2026-05-06"))["violations"]
    body = {
        "outcome": "duplicate",
        "reason_code": "duplicate",
        "note": "entered by both",
        "duplicate_of": original["id"],
    }
    refused(act(officer, original, "dispositions", body), 422, "not_a_duplicate")
    case = done(act(officer, again, "dispositions", body))
    assert (case["outcome"], disposition(officer, case)["duplicate_of"]) == ("duplicate", original["id"])
    in_turn = body | {"duplicate_of": again["id"]}
    refused(act(officer, original, "dispositions", in_turn), 422, "not_a_duplicate")


# Exemptions

EXEMPTION: Json = {
    "number": "2026-7",
    "issued_by": "FINRA",
    "rule_ids": ["finra-3220-gifts"],
    "effective_from": "2026-05-01",
    "effective_to": "2026-05-31",
    "document_ref": "vault/2026/7",
    "note": "by letter of 4 January",
}
EXEMPTED: Json = {"outcome": "no_violation", "reason_code": "exemption_accepted", "note": "covered"}


def exemption(officer: Caller, **more: Any) -> Json:
    return done(officer.post("/v1/exemptions", json=EXEMPTION | more))


def test_an_exemption_on_record_covers_what_cannot_be_waived(rep, officer, auditor):
    document = exemption(officer)
    case = over_the_gift_limit(rep)
    case = done(act(officer, case, "dispositions", EXEMPTED | {"exemption_id": document["id"]}))
    assert (case["state"], case["outcome"]) == ("decided", "no_violation")
    assert disposition(auditor, case)["exemption_id"] == document["id"]
    assert history(officer, case)[-1]["details"]["exemption_id"] == document["id"]
    assert done(auditor.get(f"/v1/exemptions/{document['id']}")) == document
    assert done(auditor.get("/v1/exemptions"))["data"] == [document]
    assert (document["recipient_ids"], document["recorded_by"]) == (None, "olivia")


def test_an_exemption_covers_its_rules_days_and_people_alone(rep, officer, server):
    case = over_the_gift_limit(rep)
    others = recorded(rep, gift("10.00", "2026-05-04", LEE))["recipients"][0]
    scopes = [
        {"rule_ids": ["firm-entertainment-event"]},
        {"effective_from": "2026-05-05"},
        {"effective_to": "2026-05-03"},
        {"recipient_ids": [others["id"]]},
        {"employer_ids": [others["employer_id"]]},
        {"recipient_ids": [case["recipient_id"]], "employer_ids": [others["employer_id"]]},
    ]
    for place, scope in enumerate(scopes):
        document = exemption(officer, number=f"no {place}", **scope)
        before = kept(server)
        body = EXEMPTED | {"exemption_id": document["id"]}
        problem = refused(act(officer, case, "dispositions", body), 422, "exemption_does_not_cover")
        assert problem["errors"][0]["pointer"] == "/exemption_id"
        assert kept(server) == before
    exact = exemption(officer, recipient_ids=[case["recipient_id"]], employer_ids=[case["employer_id"]])
    done(act(officer, case, "dispositions", EXEMPTED | {"exemption_id": exact["id"]}))


def test_an_exemption_names_a_person_by_any_record_that_is_theirs(rep, officer):
    entry = recorded(rep, gift("400.00"))
    again = recorded(rep, gift("10.00", "2026-05-05", LEE))["recipients"][0]
    [case] = entry["violations"]
    document = exemption(officer, recipient_ids=[again["id"]])
    merge = {"recipient_id": again["id"], "reason": "one person"}
    done(officer.post(f"/v1/recipients/{case['recipient_id']}/merges", json=merge))
    done(act(officer, now(officer, case), "dispositions", EXEMPTED | {"exemption_id": document["id"]}))


BAD_EXEMPTIONS = [
    pytest.param({"rule_ids": ["finra-9999"]}, 422, "unknown_rule", id="an unknown rule"),
    pytest.param({"rule_ids": []}, 422, "invalid_body", id="no rule"),
    pytest.param({"recipient_ids": ["rec_0"]}, 422, "unknown_recipient", id="an unknown recipient"),
    pytest.param({"recipient_ids": []}, 422, "invalid_body", id="an empty list of recipients"),
    pytest.param({"employer_ids": ["emp_0"]}, 422, "unknown_employer", id="an unknown employer"),
    pytest.param({"effective_to": "2026-04-30"}, 422, "exemption_ends_early", id="over before it begins"),
    pytest.param({"effective_to": None}, 422, "invalid_body", id="for ever"),
    pytest.param({"document_ref": None}, 422, "invalid_body", id="no document"),
    pytest.param({}, 409, "exemption_exists", id="on record already"),
]


@pytest.mark.parametrize(("more", "status", "code"), BAD_EXEMPTIONS)
def test_a_bad_exemption_is_refused_and_nothing_is_written(officer, server, more, status, code):
    exemption(officer)
    before = kept(server)
    number = {} if code == "exemption_exists" else {"number": "another"}
    refused(officer.post("/v1/exemptions", json=EXEMPTION | number | more), status, code)
    assert kept(server) == before


@pytest.mark.parametrize("role", ["rep", "supervisor", "auditor", "admin", "integration"])
def test_only_officers_put_exemptions_on_record(officer, server, role):
    document = exemption(officer)
    somebody = server.as_(role, "somebody")
    refused(somebody.post("/v1/exemptions", json=EXEMPTION | {"number": "x"}), 403, "role_forbids")
    if role != "auditor":
        refused(somebody.get(f"/v1/exemptions/{document['id']}"), 403, "role_forbids")
        refused(somebody.get("/v1/exemptions"), 403, "role_forbids")


@pytest.mark.race
def test_a_document_is_on_record_once_however_many_record_it_at_once(officer, second_officer):
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda who: who.post("/v1/exemptions", json=EXEMPTION), [officer, second_officer] * 2)
        )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


# Many at once


def test_many_are_decided_at_once_each_by_itself(rep, second_officer, officer):
    regulators, firms = over_the_gift_limit(rep), over_the_meal_limit(rep)
    own = over_the_meal_limit(officer)
    closed = done(act(second_officer, over_the_meal_limit(rep), "dispositions", CONFIRMED))
    stale = over_the_meal_limit(rep)
    done(act(second_officer, stale, "comments", {"text": "wait"}))
    meant = [{"id": one["id"], "version": one["version"]} for one in (regulators, firms, own, closed, stale)]
    answer = done(officer.post("/v1/violations/dispositions", json=CONFIRMED | {"violations": meant}))
    assert (answer["done"], answer["refused"]) == (2, 3)
    assert [(one["status"], one.get("problem", {}).get("code")) for one in answer["results"]] == [
        (201, None),
        (201, None),
        (403, "self_review"),
        (409, "violation_decided"),
        (412, "violation_changed"),
    ]
    assert sorted(listed(officer, state="decided")) == sorted([regulators["id"], firms["id"], closed["id"]])


def test_a_regulators_rule_is_never_waived_among_many_either(rep, officer, generous):
    cases = [over_the_gift_limit(rep), over_the_meal_limit(rep, "50.00"), over_the_meal_limit(rep, "50.01")]
    meant = [{"id": one["id"], "version": 1} for one in cases]
    answer = done(generous.post("/v1/violations/dispositions", json=WAIVED | {"violations": meant}))
    assert [one.get("problem", {}).get("code") for one in answer["results"]] == [
        "regulator_rule_not_waivable",
        None,
        None,
    ]
    states = [now(officer, case)["state"] for case in cases]
    assert states == ["open", "decided", "waiting_on_second_person"]


@pytest.mark.race
def test_the_same_many_decided_twice_at_once_are_decided_once(rep, officer, second_officer):
    cases = [
        over_the_gift_limit(rep, "400.00", DANA | {"external_id": {"source": "crm", "id": f"d{place}"}})
        for place in range(8)
    ]
    meant = [{"id": one["id"], "version": 1} for one in cases]

    def decide(who: Caller, violations: list[Json]) -> Json:
        return done(who.post("/v1/violations/dispositions", json=CONFIRMED | {"violations": violations}))

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(decide, officer, meant)
        other = threads.submit(decide, second_officer, meant[::-1])
    assert one.result()["done"] + other.result()["done"] == len(cases)
    assert [now(officer, case)["version"] for case in cases] == [2] * len(cases)
    assert len(listed(officer, outcome="confirmed")) == len(cases)
