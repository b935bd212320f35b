"""A compliance officer's day over HTTP: triage, ask, decide, waive with a second person, export, report, notify."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import openpyxl
import pytest
from standardwebhooks.webhooks import Webhook

from app.services import audit
from tests.api.reporting import content, produced, totals
from tests.api.reviewing import CONFIRMED, GIFTS, NO_VIOLATION, PER_EVENT, WAIVED, act, actions, done, now, refused
from tests.api.test_corrections import post
from tests.server import Caller
from tests.services.post_office import NEAR, PostOffice, open_office, said
from tests.services.post_office import now as the_present


@pytest.fixture
def office(database_url: str) -> Iterator[PostOffice]:
    with open_office(database_url, clock=the_present(), **NEAR) as opened:
        yield opened


def spent(caller: Caller, kind: str, amount: str, person: str, on: str, **more: object) -> None:
    """One evening of a representative."""
    listed = {
        "external_id": {"source": "crm", "id": person},
        "name": f"{person.title()} Hart",
        "employer": "Northgate Capital",
        "type": "institutional_employee",
    }
    total = {"amount": amount, "currency": "USD"}
    done(
        caller.post(
            "/v1/entries", json={"occurred_on": on, "kind": kind, "total": total, "recipients": [listed], **more}
        )
    )


def test_a_day(office):
    server, olivia, rhea = office.server, office.officer, office.rep
    sam = server.as_("senior_officer", "sam", waiver=(100_000, "USD"))
    noah = server.as_("auditor", "noah")
    subscription = office.subscribe("/told", "violation.*", "question.*")
    today = server.clock.today
    on = (today - timedelta(days=20)).isoformat()

    # What reps left behind overnight: two over the regulator's limit, one dinner over the firm's own.
    spent(rhea, "gift", "310.00", "dana", on)
    spent(rhea, "gift", "450.00", "lee", on)
    spent(rhea, "meal", "700.00", "omar", on, hosts_present=True)

    # Triage: the queue by what is most over, then all of it to herself at once.
    queue = done(olivia.get("/v1/violations", params={"sort": "-amount_over", "state": "open", "include": "total"}))
    assert queue["page"]["total"] == {"count": 3, "capped": False}
    worst, dinner, least = sorted(
        queue["data"], key=lambda case: {"150.00": 0, "100.00": 1, "10.00": 2}[case["over_by"]]
    )
    assert [case["rule_id"] for case in (worst, dinner, least)] == [GIFTS, PER_EVENT, GIFTS]
    meant = [{"id": case["id"], "version": case["version"]} for case in queue["data"]]
    taken = done(olivia.post("/v1/violations/assignments", json={"violations": meant, "assignee": "olivia"}))
    assert (taken["done"], taken["refused"]) == (3, 0)
    mine = done(olivia.get("/v1/violations", params={"assignee": "me", "sort": "due"}))["data"]
    assert {case["id"] for case in mine} == {case["id"] for case in queue["data"]}

    # She asks, the rep answers, and the receipt turns out to be another's.
    proof = done(olivia.get(f"/v1/violations/{least['id']}/proof"))
    assert proof["agrees"]
    assert "310.00 USD" in proof["sentence"]
    question = {"text": "Was that the whole bill?", "due_on": today.isoformat()}
    asked = done(act(olivia, now(olivia, least), "questions", question))
    assert now(olivia, least)["state"] == "waiting_on_rep"
    [waiting] = done(rhea.get("/v1/questions", params={"state": "open"}))["data"]
    done(post(rhea, f"/v1/questions/{waiting['id']}/answer", {"text": "It was 210"}, asked["violation_version"]))
    decided = done(act(olivia, now(olivia, least), "dispositions", NO_VIOLATION))
    assert (decided["state"], decided["outcome"]) == ("decided", "no_violation")

    # The regulator's limit is not hers to waive; she confirms.
    refused(act(olivia, now(olivia, worst), "dispositions", WAIVED), 422, "regulator_rule_not_waivable")
    done(act(olivia, now(olivia, worst), "dispositions", CONFIRMED))

    # The dinner is the firm's own rule: she proposes, nobody agrees with themselves, a second person does.
    proposed = done(act(olivia, now(olivia, dinner), "dispositions", WAIVED))
    assert proposed["state"] == "waiting_on_second_person"
    agree = f"/v1/dispositions/{proposed['disposition_id']}/confirmation"
    refused(post(olivia, agree, {"note": "fine"}, proposed["version"]), 403, "self_confirmation")
    waived = done(post(sam, agree, {"note": "fine"}, proposed["version"]))
    assert (waived["state"], waived["outcome"], waived["confirmed_by"]) == ("decided", "waived", "sam")
    assert actions(noah, dinner) == ["opened", "assigned", "proposed", "decided"]
    assert done(olivia.get("/v1/violations", params={"state": "open"}))["data"] == []

    # The rep hears how it ended, and nothing of what reviewers said to each other.
    seen = now(rhea, dinner)
    assert (seen["outcome"], seen["decided_by"], seen["assignee"]) == ("waived", None, None)

    # She takes the filtered list away, as CSV and as a workbook; both are the view that she saw.
    view = {"state": "decided", "sort": "-amount_over"}
    listed = [case["id"] for case in done(olivia.get("/v1/violations", params=view))["data"]]
    exported = olivia.get("/v1/violations", params=view | {"format": "csv"})
    assert [row["id"] for row in csv.DictReader(io.StringIO(exported.text.lstrip("\ufeff")))] == listed
    book = openpyxl.load_workbook(io.BytesIO(olivia.get("/v1/violations", params=view | {"format": "xlsx"}).content))
    assert [row[0] for row in book.worksheets[0].iter_rows(values_only=True)][1:] == listed

    # The month's records: every gift, and what became of the flags.
    log = produced(olivia, "gift_log", "csv", first=on, last=on)
    assert log["rows"] == 3
    assert totals(log) == {"share USD": "1110.00"}, "half of the dinner was the host's"
    assert content(olivia, log).count(b"\r\n") == 4
    outcomes = produced(olivia, "decisions", "xlsx", first=today.isoformat(), last=today.isoformat())
    assert outcomes["rows"] == 3
    case_file = olivia.get(f"/v1/violations/{worst['id']}/proof", params={"format": "pdf"})
    assert case_file.content.startswith(b"%PDF-")

    # Whoever subscribed was told of it all, and can verify that it was us.
    office.until_settled(subscription["id"])
    told = [said(one)["type"] for one in office.sink.at("/told")]
    assert told.count("violation.opened") == told.count("violation.decided") == 3
    assert {"violation.assigned", "violation.proposed", "question.asked", "question.answered"} <= set(told)
    for one in office.sink.at("/told"):
        Webhook(subscription["secret"]).verify(one.body, one.headers)

    # And the log holds everything that was done.
    with server.desk.database.reading() as connection:
        assert audit.verify(connection, "main").holds
