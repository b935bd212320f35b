"""Identity over HTTP: one person is one person, whatever their records are called, and can be two again."""

from __future__ import annotations

import pytest

from tests.api.test_corrections import LEE, gift, open_violations, post, recorded

DANA_AGAIN = {
    "external_id": {"source": "crm", "id": "dana-2"},
    "name": "D. Reyes",
    "employer": "Northgate",
    "type": "institutional_employee",
}
OWN = {"external_id": {"source": "hr", "id": "a9"}, "name": "Ada Nine", "type": "own_associated_person"}


def person_of(entry):
    return entry["recipients"][0]["id"]


def standing(caller):
    """Every current result, by entry and rule."""
    entries = caller.get("/v1/entries?limit=200").json()["data"]
    return {
        (one["entry_id"], one["rule_id"], one["recipient_id"]): (one["counted"], one["aggregate"], one["outcome"])
        for entry in entries
        for one in entry["assessments"]
    }


def test_a_merge_adds_two_records_up_and_parting_them_restores_everything(rep, officer):
    dana = person_of(recorded(rep, gift("200.00", "2026-05-04")))
    again = person_of(recorded(rep, gift("150.00", "2026-05-05", DANA_AGAIN)))
    before = standing(officer)
    assert open_violations(officer) == []

    rehearsed = post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "x", "dry_run": True})
    assert rehearsed.status_code == 200, rehearsed.text
    assert [one["aggregate"] for one in rehearsed.json()["violations"]] == ["350.00"]
    assert standing(officer) == before

    merged = post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "same e-mail"})
    assert merged.status_code == 201, merged.text
    assert [aggregate for _, aggregate in open_violations(officer)] == ["350.00"]
    assert officer.get(f"/v1/recipients/{again}").json()["merged_into"] == dana
    [case] = merged.json()["violations"]
    assert (case["recipient_id"], case["cause"]) == (dana, merged.json()["merge"]["id"])
    proof = officer.get(f"/v1/violations/{case['id']}/proof").json()
    assert proof["agrees"], proof

    later = recorded(rep, gift("10.00", "2026-05-06", DANA_AGAIN))
    assert [one["aggregate"] for one in later["assessments"] if one["rule_id"] == "finra-3220-gifts"] == ["360.00"]

    undone = officer.delete(f"/v1/merges/{merged.json()['merge']['id']}", params={"reason": "two people after all"})
    assert undone.status_code == 200, undone.text
    assert open_violations(officer) == []
    after = standing(officer)
    assert {key: result for key, result in after.items() if key[0] != later["id"]} == before
    assert officer.get(f"/v1/violations/{case['id']}/proof").json()["agrees"]


def test_merges_form_chains_that_come_apart_link_by_link(rep, officer):
    third = {**DANA_AGAIN, "external_id": {"source": "crm", "id": "dana-3"}, "name": "Dana R."}
    one = person_of(recorded(rep, gift("150.00", "2026-05-04")))
    two = person_of(recorded(rep, gift("150.00", "2026-05-05", DANA_AGAIN)))
    three = person_of(recorded(rep, gift("150.00", "2026-05-06", third)))
    first = post(officer, f"/v1/recipients/{two}/merges", {"recipient_id": one, "reason": "x"}).json()["merge"]["id"]
    post(officer, f"/v1/recipients/{three}/merges", {"recipient_id": two, "reason": "x"})
    assert [aggregate for _, aggregate in open_violations(officer)] == ["450.00"]
    assert officer.get(f"/v1/recipients/{one}").json()["merged_into"] == three
    officer.delete(f"/v1/merges/{first}", params={"reason": "x"})
    assert officer.get(f"/v1/recipients/{one}").json()["merged_into"] is None
    assert open_violations(officer) == []


@pytest.mark.parametrize(
    ("keep", "drop", "status", "code"),
    [
        pytest.param("dana", "dana", 422, "merged_with_self", id="with themselves"),
        pytest.param("dana", "absent", 404, "recipient_not_found", id="with nobody"),
        pytest.param("dana", "own", 422, "not_one_person", id="a client with one of our own"),
        pytest.param("lee", "again", 409, "already_merged", id="what was merged before"),
        pytest.param("again", "dana", 409, "merged_in_circle", id="in a circle"),
        pytest.param("dana", "again", 409, "already_merged", id="the same twice"),
    ],
)
def test_a_bad_merge_is_refused(rep, officer, keep, drop, status, code):
    people = {
        "dana": person_of(recorded(rep, gift("10.00"))),
        "again": person_of(recorded(rep, gift("10.00", "2026-05-05", DANA_AGAIN))),
        "lee": person_of(recorded(rep, gift("10.00", "2026-05-05", LEE))),
        "own": person_of(recorded(officer, gift("10.00", "2026-05-05", OWN))),
        "absent": "rec_0",
    }
    made = post(officer, f"/v1/recipients/{people['dana']}/merges", {"recipient_id": people["again"], "reason": "x"})
    assert made.status_code == 201
    answer = post(officer, f"/v1/recipients/{people[keep]}/merges", {"recipient_id": people[drop], "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(officer.get("/v1/merges").json()["data"]) == 1


def test_a_type_that_was_wrong_follows_into_the_entries_that_took_it_from_the_record(rep, officer):
    dana = person_of(recorded(rep, gift("301.00")))
    by_id = {"id": dana}
    second = recorded(rep, gift("5.00", "2026-05-05", by_id))
    assert len(open_violations(officer)) == 2
    changed = officer.patch(
        f"/v1/recipients/{dana}",
        json={"type": "retail_customer", "effective_from": "2026-05-05", "reason": "left the bank"},
        headers={"If-Match": '"v1"'},
    )
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert [(one["effective_from"], one["type"]) for one in body["history"]] == [
        (None, "institutional_employee"),
        ("2026-05-05", "retail_customer"),
    ]
    entry = officer.get(f"/v1/entries/{second['id']}").json()
    [result] = [one for one in entry["assessments"] if one["rule_id"] == "finra-3220-gifts"]
    assert (entry["version"], result["exclusion"]) == (2, "retail_customer")
    assert [aggregate for _, aggregate in open_violations(officer)] == ["301.00"]
    stale = officer.patch(f"/v1/recipients/{dana}", json={"reason": "x", "name": "D"}, headers={"If-Match": '"v1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "recipient_changed")


def test_a_back_dated_entry_takes_what_the_person_was_on_that_day(rep, officer):
    dana = person_of(recorded(rep, gift("10.00")))
    officer.patch(
        f"/v1/recipients/{dana}",
        json={"employer": "Calder Bank", "effective_from": "2026-05-01", "reason": "moved"},
        headers={"If-Match": '"v1"'},
    )
    early = recorded(rep, gift("10.00", "2026-04-30", {"id": dana}))
    late = recorded(rep, gift("10.00", "2026-05-01", {"id": dana}))
    assert [one["recipients"][0]["employer"] for one in (early, late)] == ["Northgate", "Calder Bank"]
    assert [one["aggregate"] for one in late["assessments"] if one["rule_id"] == "finra-3220-gifts"] == ["20.00"]
