"""A client dinner: the CRM knows the guest and the meeting, the rep adds what it cost, and the limit is crossed."""

from __future__ import annotations

from tests.conftest import FreshDatabase
from tests.connections.firm import Firm, done, open_firm
from tests.connections.senders import ours
from tests.databases import Kind


def test_from_the_crm_to_the_flag(fresh_database: FreshDatabase, database_kind: Kind):
    with open_firm(fresh_database(database_kind)) as firm:
        _dinner(firm)


def _dinner(firm: Firm) -> None:
    mapping = {"reps": {"rep-88": "rhea"}, "kinds": {"dinner": "gift"}, "default_kind": None}
    crm = firm.connect("standard_webhooks", name="House CRM", mapping=mapping)
    said = {"full_name": "Dana Whitfield", "organization": "Northwind Pension Trust"}
    firm.told(crm, ours("contact.created", "crm-7781", firm.earlier(days=90), key=1, **said))
    meeting = {"title": "Q2 review", "starts_at": "2026-06-11T23:30:00Z", "rep_ref": "rep-88", "venue": "The Long Room"}
    who = [{"external_id": "crm-7781", "name": "Dana W."}]
    call = ours("meeting.created", "5500", firm.earlier(days=5), key=1, **meeting, activity="call", attendees=who)
    dinner = ours("meeting.created", "5501", firm.earlier(days=5), key=1, **meeting, activity="Dinner", attendees=who)
    firm.told(crm, call, dinner, dinner)

    [draft] = done(firm.rep.get("/v1/drafts"))["data"]
    path = f"/v1/drafts/{draft['id']}"
    shown = done(firm.rep.get(path))
    assert shown["missing"] == ["total"]
    completed = {"set": {"total": {"amount": "420.00", "currency": "USD"}}}
    version = {"If-Match": f'"v{shown["version"]}"'}
    entry = done(firm.rep.post(f"{path}/confirmation", json=completed, headers=version))
    assert entry["recipients"][0]["id"] == firm.person("crm-7781")["id"]
    assert entry["violations"] != []

    moved = ours(
        "meeting.updated", "5501", firm.clock(), key=2, title="Q2 review, moved", starts_at="2026-06-12T23:30:00Z"
    )
    firm.told(crm, moved, ours("meeting.cancelled", "5501", firm.clock(), key=3))
    assert done(firm.rep.get(path))["state"] == "confirmed"
    assert done(firm.officer.get(f"/v1/entries/{entry['id']}"))["version"] == 1
    [violation] = done(firm.officer.get("/v1/violations"))["data"]
    assert violation["state"] == "open"
