"""A client dinner that nobody types twice: a meeting in the CRM, the bill in the expense file, one entry, one flag."""

from __future__ import annotations

from tests.api.importing import counts, imported
from tests.api.reviewing import done
from tests.server import Caller

HEADER = "expense_id,rep,date,kind,amount,currency,attendees,rep_present\n"
BILL = 'x-81,rhea,2026-05-04,meal,900.00,USD,"Dana Diaz (Northgate Capital)",yes\n'


def test_from_the_meeting_to_the_flag(integration: Caller, officer: Caller, rep: Caller, other_rep: Caller):
    # The CRM knows who was there, and says so twice, the second time with the place.
    contact = {
        "name": "Dana Diaz",
        "employer": "Northgate Capital",
        "type": "institutional_employee",
        "external_ids": [{"source": "crm", "id": "c-7"}],
    }
    dana = done(integration.post("/v1/recipients", json=contact))
    meeting = {
        "occurred_on": "2026-05-04",
        "kind": "meal",
        "hosts_present": True,
        "recipients": [{"external_id": {"source": "crm", "id": "c-7"}}],
    }
    told = {"owner": "rhea", "about": "meeting", "label": "Dinner", "source": {"system": "crm", "id": "m-5"}}
    draft = done(integration.post("/v1/drafts", json=told | {"entry": meeting}))
    again = done(integration.post("/v1/drafts", json=told | {"entry": meeting | {"venue": "The Long Room"}}))
    assert (again["id"], again["missing"]) == (draft["id"], ["total"])

    # The expense system knows the money; nobody has recorded anything yet.
    kept = imported(officer, (HEADER + BILL).encode(), purpose="expenses")
    assert counts(kept["applied"]) == {"new": 1}
    month = {"month": "2026-05"}
    assert done(officer.get("/v1/reconciliations/rhea", params=month))["missing_entry"] == 1

    # The rep sees one draft: who it is, what is left, and the bill of that day. Nobody else does.
    [waiting] = done(rep.get("/v1/drafts", params={"state": "open"}))["data"]
    seen = done(rep.get(f"/v1/drafts/{waiting['id']}"))
    assert [person["recipient_id"] for person in seen["people"]] == [dana["id"]]
    assert any(line["left"] == "250.00" for line in seen["people"][0]["headroom"])
    [bill] = seen["expenses"]
    assert other_rep.get(f"/v1/drafts/{waiting['id']}").status_code == 404

    # One click: the amount of the bill completes it. Half of it is the client's, and over the firm's limit.
    headers = {"If-Match": f'"v{waiting["version"]}"'}
    confirmed = rep.post(
        f"/v1/drafts/{waiting['id']}/confirmation", json={"set": {"total": bill["amount"]}}, headers=headers
    )
    entry = done(confirmed)
    assert (entry["draft_id"], entry["venue"], entry["giver"]) == (draft["id"], "The Long Room", "rhea")
    flagged = {case["rule_id"]: case["over_by"] for case in entry["violations"]}
    assert flagged["firm-entertainment-event"] == "200.00"
    found = done(officer.get("/v1/violations", params={"rule_id": "firm-entertainment-event"}))["data"]
    assert [case["entry_id"] for case in found] == [entry["id"]]

    # Expense and entry belong together; the CRM's next word changes nothing of it, and stands beside it.
    assert done(officer.get("/v1/reconciliations/rhea", params=month))["matched"] == 1
    later = done(integration.post("/v1/drafts", json=told | {"entry": meeting | {"venue": "Elsewhere"}}))
    assert (later["state"], [one["field"] for one in later["said_otherwise"]]) == ("confirmed", ["venue"])
    assert done(rep.get(f"/v1/entries/{entry['id']}"))["version"] == 1
