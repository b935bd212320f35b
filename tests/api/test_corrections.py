"""Corrections over HTTP: every change to the past is kept, explained, and judged anew."""

from __future__ import annotations

from typing import Any

import pytest

DANA = {
    "external_id": {"source": "crm", "id": "dana"},
    "name": "Dana Reyes",
    "employer": "Northgate",
    "type": "institutional_employee",
}
LEE = {
    "external_id": {"source": "crm", "id": "lee"},
    "name": "Lee Okafor",
    "employer": "Calder Bank",
    "type": "institutional_employee",
}


def gift(amount: str, on: str = "2026-05-04", *people: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "occurred_on": on,
        "kind": "gift",
        "total": {"amount": amount, "currency": "USD"},
        "recipients": list(people) or [DANA],
        **more,
    }


def post(caller: Any, path: str, body: dict[str, Any], version: int | None = None) -> Any:
    headers = {"If-Match": f'"v{version}"'} if version else {}
    return caller.post(path, json=body, headers=headers)


def recorded(caller: Any, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(caller, "/v1/entries", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def gifts_rule(entry: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in entry["assessments"] if one["rule_id"] == "finra-3220-gifts")


def open_violations(caller: Any) -> list[tuple[str, str]]:
    data = caller.get("/v1/violations?state=open").json()["data"]
    return sorted((one["entry_id"], one["aggregate"]) for one in data)


def test_an_amended_amount_is_a_new_version_and_moves_what_comes_after_it(rep, officer):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    second = recorded(rep, gift("150.00", "2026-05-05"))
    assert [one["state"] for one in second["violations"]] == ["open"]
    answer = post(
        rep,
        f"/v1/entries/{first['id']}/amendments",
        {"reason": "the receipt says 120", "set": {"total": {"amount": "120.00", "currency": "USD"}}},
        version=1,
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"v2"'
    body = answer.json()
    assert (body["version"], gifts_rule(body)["aggregate"]) == (2, "120.00")
    [moved] = [
        one for one in body["reassessed"] if one["entry_id"] == second["id"] and one["rule_id"] == "finra-3220-gifts"
    ]
    assert (moved["before"]["aggregate"], moved["after"]["aggregate"]) == ("350.00", "270.00")
    [case] = body["violations"]
    assert (case["state"], case["cause"]) == ("withdrawn", f"{first['id']}:2")
    assert open_violations(officer) == []
    versions = rep.get(f"/v1/entries/{first['id']}/versions").json()["data"]
    assert [one["action"] for one in versions] == ["entry.recorded", "entry.amended"]
    assert versions[1]["reason"] == "the receipt says 120"
    assert versions[1]["changes"] == [
        {
            "field": "total",
            "before": {"amount": "200.00", "currency": "USD"},
            "after": {"amount": "120.00", "currency": "USD"},
        }
    ]


def test_an_entry_moved_to_another_person_and_year_leaves_the_one_and_joins_the_other(rep, officer):
    entry = recorded(rep, gift("250.00", "2026-05-04"))
    recorded(rep, gift("100.00", "2026-05-10"))
    recorded(rep, gift("200.00", "2026-05-12", LEE))
    assert len(open_violations(officer)) == 1
    answer = post(
        rep,
        f"/v1/entries/{entry['id']}/amendments",
        {"reason": "it was Lee", "set": {"recipients": [LEE]}},
        version=1,
    )
    assert answer.status_code == 201, answer.text
    [left] = open_violations(officer)
    assert left[1] == "450.00"
    answer = post(
        rep,
        f"/v1/entries/{entry['id']}/amendments",
        {"reason": "last year", "set": {"occurred_on": "2025-12-30"}},
        version=2,
    )
    assert answer.status_code == 201, answer.text
    assert [aggregate for _, aggregate in open_violations(officer)] == ["250.00"]  # over the 100.00 of 2025


def test_a_withdrawn_entry_counts_no_more_and_stays_readable(rep, officer):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    second = recorded(rep, gift("150.00", "2026-05-05"))
    answer = post(rep, f"/v1/entries/{first['id']}/withdrawal", {"reason": "not delivered"}, version=1)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["standing"] == "cancelled"
    assert (gifts_rule(body)["exclusion"], gifts_rule(body)["counted"]) == ("cancelled", "0.00")
    assert open_violations(officer) == []
    assert rep.get(f"/v1/entries/{second['id']}").json()["violations"][0]["state"] == "withdrawn"
    again = post(rep, f"/v1/entries/{first['id']}/withdrawal", {"reason": "again"}, version=2)
    assert (again.status_code, again.json()["code"]) == (409, "entry_withdrawn")


def test_a_repayment_comes_off_and_a_return_takes_all_of_it(rep, officer):
    entry = recorded(rep, gift("400.00"))
    assert len(open_violations(officer)) == 1
    path = f"/v1/entries/{entry['id']}/returns"
    repaid = post(
        rep, path, {"reason": "Dana paid her part", "repaid": {"amount": "150.00", "currency": "USD"}}, version=1
    )
    assert repaid.status_code == 201, repaid.text
    assert gifts_rule(repaid.json())["aggregate"] == "250.00"
    assert "repaid" not in entry
    for answer in (repaid, rep.get(f"/v1/entries/{entry['id']}")):
        assert answer.json()["repaid"] == {"amount": "150.00", "currency": "USD"}
    assert open_violations(officer) == []
    fixed = post(
        rep,
        f"/v1/entries/{entry['id']}/amendments",
        {"reason": "typo", "set": {"total": {"amount": "500.00", "currency": "USD"}}},
        version=2,
    )
    assert (fixed.status_code, fixed.json()["code"]) == (409, "amount_fixed_by_repayment")
    returned = post(rep, path, {"reason": "sent back"}, version=2)
    assert gifts_rule(returned.json())["exclusion"] == "returned"


def test_repayments_stay_exact_however_often_one_is_told(rep):
    entry = recorded(rep, gift("400.00"))
    path = f"/v1/entries/{entry['id']}/returns"
    much = {"reason": "a slip of the finger", "repaid": {"amount": "9999999999999.99", "currency": "USD"}}
    assert post(rep, path, much, version=1).status_code == 201
    refused = post(rep, path, much, version=2)
    assert (refused.status_code, refused.json()["code"]) == (422, "repaid_too_much")
    assert refused.json()["errors"][0]["pointer"] == "/repaid/amount"
    assert rep.get(f"/v1/entries/{entry['id']}").json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"reason": "x"}, {"/set": "this is needed"}, id="a field is missing"),
        pytest.param(
            {"reason": "x", "set": {"totall": 1}}, {"/set/totall": "there is no such field here"}, id="misspelt"
        ),
        pytest.param(
            {"reason": "x", "set": {"recipients": ["Dana"]}},
            {"/set/recipients/0": "write an object with named fields"},
            id="a name in place of a person",
        ),
        pytest.param(
            {"reason": "x", "set": {"total": {"amount": "-1.00", "currency": "usd"}}},
            {
                "/set/total/amount": 'write the amount as a string such as "125.00", with no sign and '
                "at most 13 digits before the point",
                "/set/total/currency": 'write the code of the currency in capital letters, such as "USD"',
            },
            id="an amount with a sign",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(rep, body, said):
    entry = recorded(rep, gift("50.00"))
    answer = post(rep, f"/v1/entries/{entry['id']}/amendments", body, version=1)
    assert {one["pointer"]: one["detail"] for one in answer.json()["errors"]} == said


REFUSED = [
    pytest.param({"reason": "x", "set": {"recipients": []}}, 1, 422, "entry_not_valid", id="nobody left on it"),
    pytest.param({"reason": "x", "set": {"occurred_on": "2030-01-01"}}, 1, 422, "in_the_future", id="a future date"),
    pytest.param({"reason": "x", "set": {"totall": 1}}, 1, 422, "invalid_body", id="an unknown field"),
    pytest.param({"reason": "x", "set": {}}, 1, 422, "invalid_body", id="nothing set"),
    pytest.param({"reason": "x", "set": {"kind": "gift"}}, 1, 422, "nothing_changes", id="nothing changed"),
    pytest.param({"set": {"kind": "meal"}}, 1, 422, "invalid_body", id="no reason"),
    pytest.param(
        {"reason": "x", "set": {"kind": "meal"}}, 1, 422, "hosts_present_required", id="a meal without a host said"
    ),
    pytest.param({"reason": "x", "set": {"venue": "Y"}}, None, 428, "if_match_required", id="no version"),
    pytest.param({"reason": "x", "set": {"venue": "Y"}}, 7, 412, "entry_changed", id="a stale version"),
]


@pytest.mark.parametrize(("body", "version", "status", "code"), REFUSED)
def test_a_bad_amendment_is_refused_and_changes_nothing(rep, body, version, status, code):
    entry = recorded(rep, gift("50.00"))
    answer = post(rep, f"/v1/entries/{entry['id']}/amendments", body, version)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert rep.get(f"/v1/entries/{entry['id']}").json()["version"] == 1


def test_nobody_amends_what_is_somebody_elses(rep, other_rep):
    entry = recorded(rep, gift("50.00"))
    answer = post(other_rep, f"/v1/entries/{entry['id']}/amendments", {"reason": "x", "set": {"venue": "Y"}}, 1)
    absent = post(other_rep, "/v1/entries/ent_0/amendments", {"reason": "x", "set": {"venue": "Y"}}, 1)
    assert (answer.status_code, answer.json()["code"]) == (404, "entry_not_found")
    assert absent.json() | {"instance": ""} == answer.json() | {"instance": ""}


def test_the_proof_follows_every_answer_that_was_given(rep, officer):
    first = recorded(rep, gift("200.00", "2026-05-04"))
    second = recorded(rep, gift("150.00", "2026-05-05"))
    [case] = second["violations"]
    post(
        rep,
        f"/v1/entries/{first['id']}/amendments",
        {"reason": "x", "set": {"total": {"amount": "180.00", "currency": "USD"}}},
        1,
    )
    proof = officer.get(f"/v1/violations/{case['id']}/proof").json()
    assert proof["agrees"] is True
    assert [line["running_total"] for line in proof["lines"]] == ["180.00", "330.00"]
    assert [line["version"] for line in proof["lines"]] == [2, 1]
    assert [(one["aggregate"], one["cause"]) for one in proof["history"]] == [
        ("350.00", None),
        ("330.00", f"{first['id']}:2"),
    ]
