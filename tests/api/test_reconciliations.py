"""Reconciliations over HTTP: a month of expenses against what reps recorded."""

from __future__ import annotations

from tests.api.importing import imported
from tests.api.reviewing import DANA, done, refused
from tests.api.test_corrections import gift, recorded
from tests.api.test_imports import DINNER, GIFT, OVER, file


def test_a_month_by_rep_and_a_reps_month_line_by_line(officer, rep, other_rep, auditor):
    imported(officer, file(GIFT, OVER, DINNER.replace("rhea", "ravi")), purpose="expenses")
    assert done(officer.get("/v1/entries"))["data"] == []
    recorded(rep, gift("250.00", "2026-05-05", DANA))
    recorded(rep, gift("95.00", "2026-05-06", DANA))
    recorded(rep, gift("12.00", "2026-05-20", DANA))
    recorded(rep, gift("13.00", "2026-06-01", DANA))
    said = done(officer.get("/v1/reconciliations", params={"month": "2026-05"}))["data"]
    assert [
        (one["rep"], one["matched"], one["differing"], one["missing_entry"], one["missing_expense"]) for one in said
    ] == [
        ("ravi", 0, 0, 1, 0),
        ("rhea", 1, 1, 0, 1),
    ]
    one = done(rep.get("/v1/reconciliations/rhea", params={"month": "2026-05"}))
    assert [line["standing"] for line in one["lines"]] == ["matched", "differing", "missing_expense"]
    assert (one["lines"][1]["expense"]["amount"]["amount"], one["lines"][1]["entry"]["amount"]["amount"]) == (
        "100.00",
        "95.00",
    )
    only = done(auditor.get("/v1/reconciliations/rhea", params={"month": "2026-05", "standing": "differing"}))
    assert len(only["lines"]) == 1
    assert [found["rep"] for found in done(rep.get("/v1/reconciliations", params={"month": "2026-05"}))["data"]] == [
        "rhea"
    ]
    refused(other_rep.get("/v1/reconciliations/rhea", params={"month": "2026-05"}), 404, "nothing_to_reconcile")
    refused(officer.get("/v1/reconciliations/rhea", params={"month": "2026-03"}), 404, "nothing_to_reconcile")


def test_what_was_imported_as_entries_is_matched_until_somebody_amends_it(officer):
    imported(officer, file(GIFT))
    asked = {"month": "2026-05"}
    assert done(officer.get("/v1/reconciliations/rhea", params=asked))["matched"] == 1
    [entry] = done(officer.get("/v1/entries"))["data"]
    body = {"reason": "the receipt", "set": {"total": {"amount": "200.00", "currency": "USD"}}}
    done(officer.post(f"/v1/entries/{entry['id']}/amendments", json=body, headers={"If-Match": '"v1"'}))
    assert done(officer.get("/v1/reconciliations/rhea", params=asked))["differing"] == 1


def test_a_month_is_said_as_a_month(officer):
    for month in ("2026", "2026-13", "may", "2026-5", "2026-05-01", ""):
        answer = officer.get("/v1/reconciliations", params={"month": month})
        assert answer.status_code == 400, month
    assert officer.get("/v1/reconciliations").status_code == 400


def test_an_expense_that_was_kept_may_still_become_an_entry_and_a_draft_sees_it_before(officer, rep):
    imported(officer, file(GIFT), purpose="expenses")
    meeting = {"about": "meeting", "entry": {"occurred_on": "2026-05-05", "kind": "gift", "recipients": [DANA]}}
    draft = done(rep.post("/v1/drafts", json=meeting))
    [spent] = done(rep.get(f"/v1/drafts/{draft['id']}"))["expenses"]
    assert (spent["amount"]["amount"], spent["occurred_on"]) == ("250.00", "2026-05-05")
    one = imported(officer, file(GIFT))
    assert one["applied"]["new"] == 1
    assert done(rep.get(f"/v1/drafts/{draft['id']}"))["expenses"] == []
