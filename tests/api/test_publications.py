"""Publishing a policy: a second person, any day, and everything it touches judged anew with the difference kept."""

from __future__ import annotations

import time

from app.services import packs
from tests.api.test_corrections import LEE, gift, gifts_rule, open_violations, recorded


def document(limit="200.00", **more):
    """The default policy with another gift limit from 30 March 2026 on."""
    found = packs.default_document()
    [rule] = [one for one in found["rules"] if one["id"] == "finra-3220-gifts"]
    rule["limit_schedule"][1]["limit"] = limit
    rule.update(more)
    return {"name": "Stricter", "rules": found["rules"], "settings": found["settings"]}


def published(officer, second, body, effective_from, **headers):
    drafted = officer.post("/v1/policies", json=body)
    assert drafted.status_code == 201, drafted.text
    return second.post(
        f"/v1/policies/{drafted.json()['id']}/publication", json={"effective_from": effective_from}, headers=headers
    )


def test_a_stricter_limit_in_mid_year_touches_only_what_is_dated_from_then_on(rep, officer, second_officer):
    early = recorded(rep, gift("250.00", "2026-04-10"))
    late = recorded(rep, gift("5.00", "2026-05-10"))
    assert open_violations(officer) == []
    answer = published(officer, second_officer, document(), "2026-05-01")
    assert answer.status_code == 201, answer.text
    assert open_violations(officer) == [(late["id"], "255.00")]
    assert answer.json()["reassessed"]["violations_opened"] == 1
    assert answer.json()["reassessed"]["violating"] == [{"unit": "USD", "before": "0.00", "after": "5.00"}]
    policy = answer.json()["policy"]["id"]
    [case] = officer.get("/v1/violations").json()["data"]
    assert (case["cause"], case["policy_id"], case["limit"]) == (policy, policy, "200.00")
    entry = officer.get(f"/v1/entries/{early['id']}").json()
    assert (gifts_rule(entry)["limit"], gifts_rule(entry)["policy_id"] == policy) == ("300.00", False)
    changes = officer.get(f"/v1/policies/{policy}/changes").json()["data"]
    [change] = [one for one in changes if one["rule_id"] == "finra-3220-gifts"]
    assert (change["before"]["limit"], change["after"]["limit"], change["after"]["outcome"]) == (
        "300.00",
        "200.00",
        "violation",
    )
    assert officer.get(f"/v1/violations/{case['id']}/proof").json()["agrees"]


def test_a_violation_that_was_open_before_is_changed_and_not_opened(rep, officer, second_officer):
    recorded(rep, gift("350.00", "2026-05-10"))
    decided = recorded(rep, gift("5.00", "2026-05-11"))["violations"][0]
    judged = {"outcome": "confirmed", "reason_code": "breach_education", "corrective_action": "training", "note": "x"}
    answer = second_officer.post(
        f"/v1/violations/{decided['id']}/dispositions", json=judged, headers={"If-Match": '"v1"'}
    )
    assert answer.status_code == 201, answer.text
    recorded(rep, gift("250.00", "2026-05-12", LEE))
    done = published(officer, second_officer, document(), "2026-05-01").json()["reassessed"]
    moved = {name: done[f"violations_{name}"] for name in ("opened", "changed", "withdrawn")}
    # Lee's is new, the decided one is reopened for it is further over, the first stays open with another limit.
    assert moved == {"opened": 2, "changed": 1, "withdrawn": 0}
    done = published(officer, second_officer, document("400.00"), "2026-05-01").json()["reassessed"]
    assert (done["violations_opened"], done["violations_changed"], done["violations_withdrawn"]) == (0, 0, 3)


def test_a_rule_that_counts_otherwise_counts_the_whole_period_its_own_way(rep, officer, second_officer):
    recorded(rep, gift("250.00", "2026-04-10", value={"market": "290.00"}))
    late = recorded(rep, gift("20.00", "2026-05-10"))
    higher = document("300.00", valuation="higher_of_cost_or_market")
    published(officer, second_officer, higher, "2026-05-01")
    assert open_violations(officer) == [(late["id"], "310.00")]
    after = recorded(rep, gift("1.00", "2026-05-11"))
    assert gifts_rule(after)["aggregate"] == "311.00"
    dana = after["recipients"][0]["id"]
    headroom = officer.get(f"/v1/recipients/{dana}/headroom", params={"on": "2026-06-01"}).json()
    assert headroom["rules"][0]["left"] == "-11.00"


def test_back_dating_under_the_old_version_moves_totals_under_the_new_one(rep, officer, second_officer):
    published(officer, second_officer, document("300.00", valuation="higher_of_cost_or_market"), "2026-05-01")
    late = recorded(rep, gift("20.00", "2026-05-10"))
    early = recorded(rep, gift("250.00", "2026-04-10", value={"market": "290.00"}))
    assert gifts_rule(early)["counted"] == "250.00"
    assert open_violations(officer) == [(late["id"], "310.00")]


def test_a_rate_that_was_corrected_reaches_back_to_its_day(rep, officer, second_officer):
    rated = document("300.00") | {"settings": {"fx": {"EUR": {"2026-05-04": "1.05"}}}}
    published(officer, second_officer, rated, "2026-05-01")
    euros = gift("280.00", "2026-05-04") | {"total": {"amount": "280.00", "currency": "EUR"}}
    entry = recorded(rep, euros)
    assert gifts_rule(entry)["counted"] == "294.00"
    corrected = document("300.00") | {"settings": {"fx": {"EUR": {"2026-05-04": "1.08"}}}}
    published(officer, second_officer, corrected, "2026-06-01")
    assert open_violations(officer) == [(entry["id"], "302.40")]


def test_long_publications_run_beside_the_requests_and_say_how_far_they_are(rep, officer, second_officer):
    recorded(rep, gift("250.00", "2026-05-10"))
    answer = published(officer, second_officer, document(), "2026-05-01", Prefer="respond-async")
    assert answer.status_code == 202, answer.text
    for _ in range(100):
        operation = second_officer.get(answer.headers["location"]).json()
        if operation["finished_at"]:
            break
        time.sleep(0.05)
    assert operation["state"] == "succeeded", operation
    assert operation["result"]["reassessed"]["violations_opened"] == 1
    assert operation["progress"] == {"done": 1, "total": 1}
    assert rep.get(answer.headers["location"]).status_code == 404


def test_whoever_drafted_it_does_not_publish_it_with_any_key(officer, server):
    drafted = officer.post("/v1/policies", json=document()).json()["id"]
    for caller in (officer, server.as_("officer", officer.person), server.as_("officer", officer.person.title())):
        answer = caller.post(f"/v1/policies/{drafted}/publication", json={"effective_from": "2026-05-01"})
        assert (answer.status_code, answer.json()["code"]) == (403, "self_publication")


def test_a_published_version_is_fixed(officer, second_officer):
    answer = published(officer, second_officer, document(), "2026-05-01")
    twice = second_officer.post(
        f"/v1/policies/{answer.json()['policy']['id']}/publication", json={"effective_from": "2026-06-01"}
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "policy_published")
