"""Recalculation and decisions: a decision holds as long as nothing is worse, and says why when it no longer does."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.reviewing import (
    CONFIRMED,
    GIFTS,
    WAIVED,
    Json,
    act,
    actions,
    done,
    history,
    listed,
    now,
    over_the_gift_limit,
    over_the_meal_limit,
    refused,
)
from tests.api.test_corrections import LEE, gift, post, recorded
from tests.api.test_dispositions import EXEMPTED, confirm, disposition, exemption
from tests.server import Caller

DECISION = ("state", "outcome", "reason_code", "corrective_action", "decided_by", "disposition_id", "closed_on")


def amend(caller: Caller, case: Json, version: int, **change: Any) -> Json:
    path = f"/v1/entries/{case['entry_id']}/amendments"
    return done(post(caller, path, {"reason": "the receipt says so", "set": change}, version))


def usd(amount: str) -> Json:
    return {"amount": amount, "currency": "USD"}


def decision(case: Json) -> list[Any]:
    return [case[name] for name in DECISION]


def test_a_decision_holds_when_less_is_over_the_limit(rep, officer):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    amend(rep, decided, 1, total=usd("350.00"))
    less = now(officer, decided)
    assert (less["over_by"], decision(less)) == ("50.00", decision(decided))
    amend(rep, decided, 2, total=usd("400.00"))
    assert decision(now(officer, decided)) == decision(decided)  # no worse than what was decided
    assert actions(officer, decided) == ["opened", "decided", "changed", "changed"]


def test_a_decided_violation_that_gets_worse_is_reopened_and_says_why(rep, officer, server):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    server.clock.noon_of(date(2026, 6, 18))
    answer = amend(rep, decided, 1, total=usd("400.01"))
    [told] = [one for one in answer["violations"] if one["id"] == decided["id"]]
    assert (told["state"], told["over_by"], told["due_on"]) == ("open", "100.01", "2026-06-24")
    assert decision(told) == ["open", None, None, None, None, None, None]
    last = history(officer, decided)[-1]
    assert (last["action"], last["by"]) == ("violation.reopened", "rhea")
    assert last["reason"] == "the receipt says so"
    assert last["details"]["why"] == "more is over the limit than when it was decided"
    fallen = disposition(officer, decided)
    assert (fallen["standing"], fallen["fell_because"]) == (False, last["details"]["why"])
    assert history(rep, decided)[-1]["by"] == "rhea"


def test_what_somebody_else_gave_reopens_a_decision_and_is_not_told_by_name(rep, other_rep, officer):
    decided = done(act(officer, over_the_gift_limit(rep, "400.00"), "dispositions", CONFIRMED))
    recorded(other_rep, gift("10.00", "2026-05-03"))  # before it, so that it counts first
    assert now(officer, decided)["state"] == "open"
    last = history(rep, decided)[-1]
    assert (last["action"], last["by"], last["reason"]) == ("violation.reopened", None, None)
    assert history(officer, decided)[-1]["by"] == "ravi"


def test_a_decision_about_one_giver_does_not_hold_for_another(rep, officer):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    amend(officer, decided, 1, giver="ravi")
    reopened = now(officer, decided)
    assert (reopened["state"], reopened["giver"]) == ("open", "ravi")
    assert history(officer, decided)[-1]["details"]["why"] == "the giver is another person than the one decided on"


def test_what_says_nothing_new_of_the_case_leaves_it_alone(rep, officer):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    amend(rep, decided, 1, venue="The Long Room")
    assert now(officer, decided) == decided


@pytest.mark.parametrize("outcome", ["confirmed", "waived by two"])
def test_a_decision_comes_back_with_its_ground(rep, officer, second_officer, server, outcome):
    """Merged and parted, or withdrawn by a correction that is corrected: decided again as before."""
    case = over_the_gift_limit(rep) if outcome == "confirmed" else over_the_meal_limit(rep)
    decided = done(act(officer, case, "dispositions", CONFIRMED if outcome == "confirmed" else WAIVED))
    if outcome != "confirmed":
        decided = done(confirm(second_officer, decided))
    server.clock.noon_of(date(2026, 6, 22))
    amount = "400.00" if outcome == "confirmed" else "600.00"
    amend(rep, case, 1, total=usd("10.00"))
    gone = now(officer, case)
    assert (gone["state"], gone["outcome"], gone["closed_on"]) == ("withdrawn", None, "2026-06-22")
    assert gone["reason_code"] == "withdrawn_by_recalculation"
    assert gone["disposition_id"] == decided["disposition_id"]
    amend(rep, case, 2, total=usd(amount))
    back = now(officer, case)
    assert decision(back) == decision(decided)
    assert (back["confirmed_by"], back["closed_on"]) == (decided["confirmed_by"], "2026-06-15")
    assert actions(officer, case)[-2:] == ["withdrawn", "restored"]
    assert listed(officer, outcome=decided["outcome"]) == [case["id"]]


def test_a_ground_that_comes_back_worse_reopens(rep, officer):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    amend(rep, decided, 1, total=usd("10.00"))
    amend(rep, decided, 2, total=usd("500.00"))
    assert decision(now(officer, decided)) == ["open", None, None, None, None, None, None]
    assert disposition(officer, decided)["standing"] is False


def test_an_undecided_violation_whose_ground_comes_back_is_nobodys_and_due_anew(rep, officer, server):
    case = done(act(officer, over_the_gift_limit(rep), "assignment", {"assignee": "olivia"}))
    amend(rep, case, 1, total=usd("10.00"))
    server.clock.noon_of(date(2026, 6, 22))
    amend(rep, case, 2, total=usd("400.00"))
    back = now(officer, case)
    assert (back["state"], back["assignee"], back["due_on"]) == ("open", None, "2026-06-25")


def test_merged_and_parted_again_every_decision_is_as_it_was(rep, officer):
    """Together the two are over the limit; apart neither is. What was decided of them together is kept for then."""
    dana = recorded(rep, gift("200.00", "2026-05-04"))["recipients"][0]["id"]
    lee = recorded(rep, gift("150.00", "2026-05-05", LEE))["recipients"][0]["id"]
    body = {"recipient_id": lee, "reason": "one person"}

    def merged() -> str:
        return done(officer.post(f"/v1/recipients/{dana}/merges", json=body))["merge"]["id"]

    first = merged()
    [case] = done(officer.get("/v1/violations", params={"state": "open"}))["data"]
    decided = done(act(officer, case, "dispositions", CONFIRMED))
    done(officer.delete(f"/v1/merges/{first}", params={"reason": "two people"}))
    assert now(officer, case)["state"] == "withdrawn"
    merged()
    assert decision(now(officer, case)) == decision(decided)
    assert actions(officer, case) == ["opened", "decided", "withdrawn", "restored"]


@pytest.mark.parametrize(
    ("what", "body", "state"),
    [
        ("assignment", {"assignee": "olivia"}, "in_review"),
        ("questions", {"text": "why?", "due_on": "2026-06-22"}, "waiting_on_rep"),
        ("escalation", {"reason": "big"}, "escalated"),
    ],
)
def test_what_is_under_review_stays_where_it_is_when_figures_change(rep, officer, what, body, state):
    case = over_the_gift_limit(rep)
    done(act(officer, case, what, body))
    for version, amount in ((1, "500.00"), (2, "350.00")):
        amend(rep, case, version, total=usd(amount))
        assert (now(officer, case)["state"], now(officer, case)["aggregate"]) == (state, amount)


def test_a_snoozed_violation_wakes_when_its_figures_change(rep, officer):
    case = over_the_gift_limit(rep)
    done(act(officer, case, "snoozes", {"until": "2026-07-01", "reason": "away"}))
    amend(rep, case, 1, total=usd("500.00"))
    assert now(officer, case)["snoozed_until"] is None


def test_a_waiver_that_waits_is_for_what_was_proposed_and_no_more(rep, officer, second_officer):
    case = done(act(officer, over_the_meal_limit(rep, "50.00"), "dispositions", WAIVED))
    amend(rep, case, 1, total=usd("580.00"))
    less = now(officer, case)
    assert (less["state"], less["over_by"]) == ("waiting_on_second_person", "40.00")
    amend(rep, case, 2, total=usd("700.00"))
    worse = now(officer, case)
    assert (worse["state"], worse["disposition_id"]) == ("open", None)
    assert confirm(second_officer, case, worse["version"]).json()["code"] == "disposition_not_waiting"


def test_a_waiver_that_waits_falls_with_its_ground(rep, officer):
    case = done(act(officer, over_the_meal_limit(rep), "dispositions", WAIVED))
    amend(rep, case, 1, total=usd("10.00"))
    amend(rep, case, 2, total=usd("600.00"))
    assert (now(officer, case)["state"], now(officer, case)["disposition_id"]) == ("open", None)
    assert disposition(officer, case)["standing"] is False


def test_a_decision_by_exemption_holds_within_its_scope_alone(rep, officer):
    document = exemption(officer)
    case = over_the_gift_limit(rep)
    decided = done(act(officer, case, "dispositions", EXEMPTED | {"exemption_id": document["id"]}))
    amend(rep, case, 1, occurred_on="2026-05-20")
    assert decision(now(officer, case)) == decision(decided)
    amend(rep, case, 2, occurred_on="2026-06-01")
    assert now(officer, case)["state"] == "open"
    assert history(officer, case)[-1]["details"]["why"] == "the exemption no longer covers it"


def publish(officer: Caller, second_officer: Caller, **change: Any) -> None:
    """A policy in force from the beginning of the year in which the firm's rule per event says something else."""
    document = done(officer.get("/v1/policies/in-force"))
    rules = [rule | change if rule["id"] == "firm-entertainment-event" else rule for rule in document["rules"]]
    body = {"name": "Another", "rules": rules, "settings": document["settings"]}
    drafted = done(officer.post("/v1/policies", json=body))
    done(second_officer.post(f"/v1/policies/{drafted['id']}/publication", json={"effective_from": "2026-01-01"}))


def test_a_lower_limit_reopens_what_was_decided_under_the_higher(rep, officer, second_officer):
    decided = done(act(officer, over_the_meal_limit(rep), "dispositions", CONFIRMED))
    schedule = [{"limit": "200.00", "effective_from": None, "effective_to": None}]
    publish(officer, second_officer, limit_schedule=schedule)
    reopened = now(officer, decided)
    assert (reopened["state"], reopened["limit"], reopened["over_by"]) == ("open", "200.00", "100.00")


def test_a_waiver_does_not_survive_that_the_rule_becomes_a_regulators(rep, officer, second_officer):
    case = done(act(officer, over_the_meal_limit(rep), "dispositions", WAIVED))
    case = done(confirm(second_officer, case))
    # As much over the limit by a little less, so that the result changes and is judged anew.
    schedule = [{"limit": "260.00", "effective_from": None, "effective_to": None}]
    publish(officer, second_officer, authority="regulator", limit_schedule=schedule)
    assert now(officer, case)["state"] == "open"
    assert "regulator's" in history(officer, case)[-1]["details"]["why"]


def test_no_publication_makes_a_regulators_rule_the_firms_to_waive(rep, officer, second_officer):
    case = over_the_meal_limit(rep)
    proposed = done(act(officer, over_the_meal_limit(rep, "60.00", LEE), "dispositions", WAIVED))
    for authority, limit in (("regulator", "245.00"), ("firm", "240.00")):
        schedule = [{"limit": limit, "effective_from": None, "effective_to": None}]
        publish(officer, second_officer, authority=authority, limit_schedule=schedule)
        case = now(officer, case)
        refused(act(officer, case, "dispositions", WAIVED), 422, "regulator_rule_not_waivable")
    assert now(officer, proposed)["state"] == "open"


def test_as_of_before_a_withdrawal_the_decision_is_still_there(rep, officer, server):
    decided = done(act(officer, over_the_gift_limit(rep), "dispositions", CONFIRMED))
    server.clock.forward(days=1)
    amend(rep, decided, 1, total=usd("10.00"))
    known = done(officer.get(f"/v1/violations/{decided['id']}", params={"as_of": "2026-06-15T16:00:01Z"}))
    assert known == decided | {"age_days": 0}
    assert listed(officer, as_of="2026-06-15T16:00:01Z", outcome="confirmed") == [decided["id"]]
    assert listed(officer, outcome="confirmed") == []
    assert decided["rule_id"] == GIFTS
