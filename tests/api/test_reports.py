"""Reports over HTTP: their numbers against figures worked out by hand, as they are and as they were known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.reporting import produced, rows, totals
from tests.api.reviewing import CONFIRMED, NO_VIOLATION, act, done, over_the_gift_limit
from tests.api.test_corrections import DANA, LEE, gift, post, recorded

REPORTS = {
    "gift_log",
    "recipient_statement",
    "employer_statement",
    "near_limit",
    "late_entries",
    "exclusions_claimed",
    "officials_and_unions",
    "decisions",
    "rule_quality",
    "giver_activity",
    "year_end",
}
RITA = {
    "external_id": {"source": "crm", "id": "rita"},
    "name": "Rita Union",
    "employer": "Local 12",
    "type": "union_official",
}


def employer_id(entry: dict[str, Any], place: int = 0) -> str:
    return entry["recipients"][place]["employer_id"]


def amend(caller, entry, reason, version=1, **set_):
    answer = post(caller, f"/v1/entries/{entry['id']}/amendments", {"reason": reason, "set": set_}, version)
    assert answer.status_code == 201, answer.text
    return answer.json()


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def test_the_catalogue_lists_every_report_with_its_columns(officer, auditor):
    found = officer.get("/v1/reports").json()["data"]
    assert {one["id"] for one in found} == REPORTS
    assert officer.get("/v1/reports").json() == auditor.get("/v1/reports").json()
    log = next(one for one in found if one["id"] == "gift_log")
    kinds = {one["name"]: one["kind"] for one in log["columns"]}
    assert (kinds["share"], kinds["occurred_on"], kinds["recorded_at"]) == ("money", "date", "moment")
    assert [one["name"] for one in log["columns"] if one["adds_up"]] == ["share"]
    assert [one["id"] for one in found if one["statement"]] == ["recipient_statement", "employer_statement"]
    assert next(one for one in found if one["id"] == "employer_statement")["needs"] == ["employer_id"]


def test_no_report_needs_an_entry_to_exist(officer):
    dana = done(officer.post("/v1/recipients", json={"name": "Dana", "type": "institutional_employee"}))
    firm = done(officer.post("/v1/employers", json={"name": "Northgate"}))
    subject = {
        "recipient_statement": {"recipient_id": dana["id"]},
        "employer_statement": {"employer_id": firm["id"]},
    }
    for report in sorted(REPORTS - {"year_end"}):
        for form in ("json", "csv", "xlsx", "pdf"):
            made = produced(officer, report, form, **subject.get(report, {}))
            assert (made["rows"], made["totals"]) == (0, [])
    assert [row["section"] for row in rows(officer, "year_end")] == ["policy versions in force"]


def test_the_gift_log_holds_every_share_of_any_amount_in_both_directions(rep, officer):
    first = recorded(rep, gift("0.50", "2026-05-04", DANA, LEE))
    recorded(rep, gift("40.00", "2026-05-03", direction="received"))
    personal = {"relationship": "family", "life_event": "wedding"}
    excluded = gift("90.00", "2026-05-05", paid_by="associated_person", flags=["personal"], facts=personal)
    recorded(rep, excluded)
    recorded(rep, gift("100.00", "2026-05-06", kind="meal", hosts_present=True))
    found = rows(officer, "gift_log")
    shown = ("occurred_on", "line", "recipient", "share", "counted", "total_after", "exclusion")
    assert [
        tuple(one[name] for name in shown)
        for one in found
    ] == [
        ("2026-05-03", 0, "Dana Reyes", "40.00 USD", "0.00 USD", "0.00 USD", "direction_not_covered"),
        ("2026-05-04", 0, "Dana Reyes", "0.25 USD", "0.25 USD", "0.25 USD", None),
        ("2026-05-04", 1, "Lee Okafor", "0.25 USD", "0.25 USD", "0.25 USD", None),
        ("2026-05-05", 0, "Dana Reyes", "90.00 USD", "0.00 USD", "0.25 USD", "personal"),
        ("2026-05-06", 0, "Dana Reyes", "50.00 USD", "0.00 USD", "0.25 USD", "business_entertainment"),
    ]  # fmt: skip
    assert found[1]["entry_id"] == first["id"]
    assert {one["limit"] for one in found} == {"300.00 USD"}
    assert totals(produced(officer, "gift_log")) == {"share USD": "180.50"}
    assert totals(produced(officer, "gift_log", direction="received")) == {"share USD": "40.00"}
    assert [one["exclusion"] for one in rows(officer, "gift_log", kind=["meal"])] == ["business_entertainment"]


def test_a_guests_share_is_a_line_of_its_own_and_counted_once(rep, officer):
    guest = {"name": "Kim Reyes", "type": "guest", "guest_of": DANA}
    recorded(rep, gift("60.00", "2026-05-04", DANA, guest))
    found = rows(officer, "gift_log")
    assert [(one["share"], one["counted"], one["guest_of"]) for one in found] == [
        ("30.00 USD", "60.00 USD", None),
        ("30.00 USD", None, "Dana Reyes"),
    ]


def test_an_employers_statement_ties_to_the_ledger(rep, officer):
    both = recorded(rep, gift("100.01", "2026-05-04", DANA, LEE))
    meal = recorded(rep, gift("90.00", "2026-05-05", DANA, LEE, kind="meal", hosts_present=True))
    recorded(rep, gift("70.00", "2026-05-06", LEE, direction="received"))
    returned = recorded(rep, gift("25.00", "2026-05-07"))
    withdrawn = recorded(rep, gift("9.00", "2026-05-08"))
    post(rep, f"/v1/entries/{withdrawn['id']}/withdrawal", {"reason": "typed twice"}, 1)
    done(post(rep, f"/v1/entries/{returned['id']}/returns", {"reason": "sent back"}, 1))
    done(post(rep, f"/v1/entries/{both['id']}/returns", {"reason": "half paid back", "repaid": usd("50.01")}, 1))
    northgate, calder = employer_id(both), employer_id(both, 1)
    one = produced(officer, "employer_statement", employer_id=northgate, direction="given")
    other = produced(officer, "employer_statement", employer_id=calder, direction="given")
    assert totals(one) == {"share USD": "105.01", "returned USD": "50.01", "net USD": "55.00"}
    assert totals(other) == {"share USD": "80.00", "returned USD": "25.00", "net USD": "55.00"}
    given = [entry for entry in officer.get("/v1/entries").json()["data"] if entry["direction"] == "given"]
    live = [entry for entry in given if entry["standing"] != "cancelled"]
    shares = sum(_cents(person["share"]["amount"]) for entry in live for person in entry["recipients"])
    assert shares == sum(_cents(totals(made)["share USD"]) for made in (one, other)) == 18501
    assert sum(_cents(entry["total"]["amount"]) for entry in live) == shares + 3000, "and our own part of the meal"
    assert {row["entry_id"] for row in rows(officer, "employer_statement", employer_id=calder)} >= {meal["id"]}


def _cents(amount: str) -> int:
    return int(amount.replace(".", ""))


def test_a_statement_is_restated_when_something_changes_later_and_says_why(rep, officer, server):
    entry = recorded(rep, gift("100.00", "2026-05-04"))
    other = recorded(rep, gift("20.00", "2026-05-05"))
    firm = employer_id(entry)
    first = produced(officer, "employer_statement", "csv", employer_id=firm)
    again = produced(officer, "employer_statement", "pdf", employer_id=firm)
    assert (first["restates"], first["expires_at"]) == (None, None)
    assert again["restates"] == {"production_id": first["id"], "differs": False}
    assert again["rows_digest"] == first["rows_digest"]
    assert again["sha256"] != first["sha256"]
    server.clock.forward(days=1)
    amend(rep, entry, "the receipt says 80", total=usd("80.00"))
    late = recorded(rep, gift("5.00", "2026-05-01"))
    told = done(officer.get(f"/v1/report-productions/{first['id']}/differences"))
    assert (told["differs"], told["compared_with"]) == (True, "now")
    assert [
        (one["before"] and one["before"]["share"], one["after"]["share"], [why["action"] for why in one["because"]])
        for one in told["changes"]
    ] == [
        (None, "5.00 USD", ["entry.recorded"]),
        ("100.00 USD", "80.00 USD", ["entry.amended"]),
    ]
    [why] = told["changes"][1]["because"]
    assert (why["entry_id"], why["version"], why["reason"], why["recorded_by"]) == (
        entry["id"],
        2,
        "the receipt says 80",
        "rhea",
    )
    restated = produced(officer, "employer_statement", employer_id=firm)
    assert restated["restates"] == {"production_id": again["id"], "differs": True}
    between = done(officer.get(f"/v1/report-productions/{first['id']}/differences", params={"later": restated["id"]}))
    assert between["changes"] == told["changes"]
    assert done(officer.get(f"/v1/report-productions/{restated['id']}/differences"))["changes"] == []
    as_sent = produced(officer, "employer_statement", employer_id=firm, as_of=first["known_at"])
    assert as_sent["rows_digest"] == first["rows_digest"], "the books still know what they said then"
    assert {late["id"], other["id"]} <= {
        row["entry_id"] for row in rows(officer, "employer_statement", employer_id=firm)
    }


def test_only_statements_are_kept_to_be_compared(rep, officer):
    entry = recorded(rep, gift("100.00"))
    log = produced(officer, "gift_log")
    answer = officer.get(f"/v1/report-productions/{log['id']}/differences")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_statement")
    one = produced(officer, "employer_statement", employer_id=employer_id(entry))
    dana = produced(officer, "recipient_statement", recipient_id=entry["recipients"][0]["id"])
    answer = officer.get(f"/v1/report-productions/{one['id']}/differences", params={"later": dana["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_the_same_statement")


def test_a_recipients_statement_says_what_the_service_says_elsewhere(rep, officer):
    entry = recorded(rep, gift("200.00", "2026-05-04"))
    recorded(rep, gift("150.00", "2026-05-05", DANA, {"name": "Kim", "type": "guest", "guest_of": DANA}))
    recorded(rep, gift("60.00", "2026-05-06", kind="meal", hosts_present=True))
    dana = entry["recipients"][0]["id"]
    stated = officer.get(f"/v1/recipients/{dana}/statement", params={"period": "2026"}).json()
    lines = {
        (line["entry_id"], rule["rule_id"], line["counted"], line["aggregate"], line["outcome"])
        for rule in stated["rules"]
        for line in rule["lines"]
    }
    found = rows(officer, "recipient_statement", recipient_id=dana)
    assert {
        (row["entry_id"], row["rule_id"], row["counted"].split()[0], row["total_after"].split()[0], row["outcome"])
        for row in found
    } == lines
    assert len(found) == len(lines)
    gifts = [row for row in found if row["rule_id"] == "finra-3220-gifts"]
    assert [(row["share"], row["counted"], row["violation"]) for row in gifts] == [
        ("200.00 USD", "200.00 USD", None),
        ("150.00 USD", "150.00 USD", "open"),
        ("30.00 USD", "0.00 USD", None),
    ]


def test_near_limit_takes_what_reaches_the_percentage_and_nothing_under_it(rep, officer):
    recorded(rep, gift("239.99", "2026-05-04", DANA))
    recorded(rep, gift("240.00", "2026-05-04", LEE))
    asked = {"rule_id": "finra-3220-gifts"}
    assert [(row["name"], row["highest"], row["percent"]) for row in rows(officer, "near_limit", **asked)] == [
        ("Lee Okafor", "240.00 USD", "80.0")
    ]
    lower = rows(officer, "near_limit", at_least=79, **asked)
    assert sorted((row["name"], row["percent"]) for row in lower) == [("Dana Reyes", "79.9"), ("Lee Okafor", "80.0")]
    recorded(rep, gift("0.01", "2026-05-05", DANA))
    recorded(rep, gift("90.00", "2026-05-06", DANA))
    dana = next(row for row in rows(officer, "near_limit", **asked) if row["name"] == "Dana Reyes")
    assert (dana["highest"], dana["percent"], dana["times"], dana["reached_on"]) == (
        "330.00 USD",
        "110.0",
        2,
        "2026-05-06",
    )


def test_late_entries_count_from_the_day_after_the_deadline(rep, officer):
    in_time = recorded(rep, gift("10.00", "2026-06-01"))
    late = recorded(rep, gift("20.00", "2026-05-31"))
    found = rows(officer, "late_entries")
    assert [(row["entry_id"], row["days_late"], row["total"]) for row in found] == [(late["id"], 1, "20.00 USD")]
    assert [row["entry_id"] for row in rows(officer, "late_entries", days=13)] == [late["id"], in_time["id"]]
    assert rows(officer, "late_entries", days=15) == []


def test_claimed_exclusions_say_whether_they_were_granted(rep, officer):
    recorded(rep, gift("50.00", "2026-05-04", flags=["promotional"], facts={"logo": True}))
    recorded(rep, gift("50.01", "2026-05-05", flags=["promotional"], facts={"logo": True}))
    recorded(rep, gift("50.00", "2026-05-06"))
    found = rows(officer, "exclusions_claimed", rule_id="finra-3220-gifts")
    assert [(row["occurred_on"], row["granted"], row["exclusion"], row["counted"], row["facts"]) for row in found] == [
        ("2026-05-04", "yes", "promotional", "0.00 USD", '{"logo":"True"}'),
        ("2026-05-05", "no", None, "50.01 USD", '{"logo":"True"}'),
    ]


def test_officials_and_unions_are_told_from_everybody_else(rep, officer):
    recorded(rep, gift("30.00", "2026-05-04", DANA, RITA))
    found = rows(officer, "officials_and_unions")
    assert [(row["recipient"], row["type"], row["share"]) for row in found] == [
        ("Rita Union", "union_official", "15.00 USD")
    ]
    others = rows(officer, "officials_and_unions", types=["institutional_employee"])
    assert [row["recipient"] for row in others] == ["Dana Reyes"]


def test_decisions_tell_how_long_they_took_and_which_fell(rep, officer, server):
    case = over_the_gift_limit(rep, "400.00")
    other = over_the_gift_limit(rep, "500.00", LEE)
    server.clock.forward(days=1)
    done(act(officer, case, "dispositions", CONFIRMED))
    server.clock.forward(days=30)
    done(act(officer, other, "dispositions", NO_VIOLATION))
    found = rows(officer, "decisions")
    assert [(row["violation_id"], row["outcome"], row["days"], row["in_time"], row["fell_at"]) for row in found] == [
        (case["id"], "confirmed", 1, "yes", None),
        (other["id"], "no_violation", 31, "no", None),
    ]
    quality = {row["rule_id"]: row for row in rows(officer, "rule_quality")}["finra-3220-gifts"]
    assert {name: quality[name] for name in ("flags", "confirmed", "dismissed", "undecided", "overturned")} == {
        "flags": 2,
        "confirmed": 1,
        "dismissed": 1,
        "undecided": 0,
        "overturned": 0,
    }
    assert (quality["confirmed_percent"], quality["median_days"], quality["longest_days"]) == ("50.0", "16.0 days", 31)
    before = server.clock.now.isoformat()
    server.clock.forward(days=1)
    done(act(officer, other, "reopenings", {"reason": "the receipt was found"}, 2))
    fell = rows(officer, "decisions")[1]
    assert fell["fell_at"] is not None
    assert fell["fell_because"]
    again = {row["rule_id"]: row for row in rows(officer, "rule_quality")}["finra-3220-gifts"]
    assert (again["overturned"], again["dismissed"], again["undecided"]) == (1, 0, 1)
    then = {row["rule_id"]: row for row in rows(officer, "rule_quality", as_of=before)}["finra-3220-gifts"]
    assert then == quality
    assert rows(officer, "decisions", as_of=before) == found


def test_giver_activity_stands_beside_that_of_peers(rep, other_rep, supervisor, officer):
    recorded(rep, gift("30.00", "2026-05-04"))
    recorded(rep, gift("60.00", "2026-06-10", flags=["promotional"], facts={"logo": True}))
    recorded(other_rep, gift("20.00", "2026-06-10", LEE))
    recorded(supervisor, gift("400.00", "2026-06-10", LEE))
    gone = recorded(supervisor, gift("999.00", "2026-06-11", LEE))
    post(supervisor, f"/v1/entries/{gone['id']}/withdrawal", {"reason": "never happened"}, 1)
    found = rows(officer, "giver_activity")
    assert [
        (row["giver"], row["entries"], row["total"], row["late"], row["claims"], row["violations"], row["rank"])
        for row in found
    ] == [
        ("susan", 1, "400.00 USD", 0, 0, 1, 1),
        ("rhea", 2, "90.00 USD", 1, 1, 0, 2),
        ("ravi", 1, "20.00 USD", 0, 0, 0, 3),
    ]
    assert {(row["peers"], row["peer_median"]) for row in found} == {(3, "90.00 USD")}
    assert [row["times_median"] for row in found] == ["4.44 times", "1.00 times", "0.22 times"]


def test_the_year_end_summary_says_in_numbers_what_the_reports_say(rep, officer):
    recorded(rep, gift("800.00", "2026-05-04", DANA, RITA))
    recorded(rep, gift("30.00", "2026-06-10", direction="received"))
    gone = recorded(rep, gift("7.00", "2026-06-11"))
    post(rep, f"/v1/entries/{gone['id']}/withdrawal", {"reason": "never happened"}, 1)
    found = {(row["section"], row["item"]): (row["count"], row["amount"]) for row in rows(officer, "year_end")}
    assert found["entries by direction", "given"] == (1, "800.00 USD")
    assert found["entries by direction", "received"] == (1, "30.00 USD")
    assert found["entries by standing", "cancelled"] == (1, "7.00 USD")
    assert found["recorded late", "more than 14 days after"] == (
        1,
        totals(produced(officer, "late_entries"))["total USD"] + " USD",
    )
    assert found["officials and unions", "union_official"] == (1, "400.00 USD")
    assert found["flags opened by rule", "finra-3220-gifts"] == (
        {row["rule_id"]: row["flags"] for row in rows(officer, "rule_quality")}["finra-3220-gifts"],
        None,
    )  # fmt: skip


@pytest.mark.parametrize("report", sorted(REPORTS - {"decisions", "rule_quality"}))
def test_a_report_as_of_a_moment_says_what_it_said_then(rep, officer, server, report):
    first = recorded(rep, gift("250.00", "2026-05-04", DANA, RITA, flags=["promotional"], facts={"logo": True}))
    second = recorded(rep, gift("290.00", "2026-05-05"))
    asked: dict[str, Any] = {}
    if report == "recipient_statement":
        asked = {"recipient_id": first["recipients"][0]["id"]}
    if report == "employer_statement":
        asked = {"employer_id": employer_id(first)}
    then = produced(officer, report, **asked)
    assert then["rows"] > 0
    server.clock.forward(days=2)
    amend(rep, first, "wrong day and sum", occurred_on="2026-04-30", total=usd("90.00"))
    amend(rep, second, "wrong year", occurred_on="2025-12-31", total=usd("90.00"))
    recorded(rep, gift("120.00", "2026-03-31", DANA, RITA))
    now = produced(officer, report, **asked)
    known = produced(officer, report, as_of=then["known_at"], **asked)
    assert known["rows_digest"] == then["rows_digest"] != now["rows_digest"]
    assert known["totals"] == then["totals"]
