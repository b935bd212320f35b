"""What arrives becomes recipients, merges and drafts: once, in any order, and never against what a person decided."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.connections.firm import Firm, done
from tests.connections.senders import Json, a_contact, dataverse, milliseconds, ours, outbound, pipedrive

DANA = "crm-003-7781"


def hubspot(kind: str, id: int, at: Any, key: int, **more: Any) -> Json:
    """One event of HubSpot's."""
    base = {"eventId": key, "portalId": 48201933, "subscriptionType": kind, "objectId": id, "attemptNumber": 0}
    return base | {"occurredAt": milliseconds(at)} | more


def changed(id: int, at: Any, key: int, name: str, value: str) -> Json:
    return hubspot("contact.propertyChange", id, at, key, propertyName=name, propertyValue=value)


def test_a_contact_becomes_a_recipient_with_its_id_employer_and_type(firm: Firm):
    connection = firm.connect("standard_webhooks", mapping={"types": {"Trustee": "union_trustee"}})
    said = {"full_name": "Dana Whitfield", "organization": "Northwind Pension Trust", "type": "trustee"}
    said["email"] = "dana@northwind.test"
    firm.told(connection, ours("contact.created", DANA, firm.earlier(days=9), key=1, **said))
    dana = firm.person(DANA)
    assert (dana["name"], dana["employer"], dana["type"]) == (
        "Dana Whitfield",
        "Northwind Pension Trust",
        "union_trustee",
    )
    assert dana["email"] == "dana@northwind.test"
    assert dana["external_ids"] == [{"source": "crm", "id": DANA}]
    assert firm.receipts(connection)[0]["state"] == "processed"


@pytest.mark.parametrize(
    "provider", ["salesforce", "salesforce_flow", "pipedrive", "dataverse", "cloudevents", "hubspot"]
)
def test_every_provider_names_its_contacts(firm: Firm, provider: str):
    connection = firm.connect(provider)
    firm.told(connection, a_contact(provider, firm.clock()))
    [(name,)] = firm.rows("SELECT name FROM recipients")
    assert name == "Dana Whitfield"


def test_an_employment_changes_on_the_day_it_changed_whenever_that_is_told(firm: Firm):
    connection = firm.connect("standard_webhooks")
    begin, moved = firm.earlier(days=60), firm.earlier(days=20)
    firm.told(
        connection,
        ours("contact.updated", DANA, moved, key=2, organization="Calder Ridge"),
        ours("contact.created", DANA, begin, key=1, name="Dana Whitfield", organization="Northwind"),
    )
    dana = firm.person(DANA)
    assert dana["employer"] == "Calder Ridge"
    assert [(one["effective_from"]) for one in dana["history"]] == [None, moved.date().isoformat()]
    told_day = ours("contact.updated", DANA, firm.clock(), key=3, organization="Osprey", organization_from="2026-06-01")
    firm.told(connection, told_day)
    assert firm.person(DANA)["history"][-1]["effective_from"] == "2026-06-01"


def test_an_organization_gives_its_contacts_their_employer_whichever_comes_first(firm: Firm):
    connection = firm.connect("pipedrive")
    person = pipedrive("create", "person", "512", firm.earlier(days=2), key=1, name="Dana Whitfield", org_id=88)
    firm.told(connection, person)
    assert firm.person("512")["employer"] is None
    firm.told(connection, pipedrive("create", "organization", "88", firm.earlier(days=3), key=2, name="Northwind"))
    assert firm.person("512")["employer"] == "Northwind"


def test_what_is_older_changes_nothing(firm: Firm):
    connection = firm.connect("standard_webhooks")
    firm.told(
        connection,
        ours("contact.updated", DANA, firm.earlier(days=1), key=2, name="Dana Marlowe"),
        ours("contact.updated", DANA, firm.earlier(days=2), key=1, name="Dana Whitfield"),
    )
    assert firm.person(DANA)["name"] == "Dana Marlowe"


def test_a_late_creation_does_not_bring_back_what_was_deleted(firm: Firm):
    connection = firm.connect("standard_webhooks")
    firm.told(
        connection,
        ours("contact.deleted", DANA, firm.earlier(days=1), key=2),
        ours("contact.created", DANA, firm.earlier(days=2), key=1, name="Dana Whitfield"),
    )
    assert firm.rows("SELECT state FROM counterparts") == [("deleted",)]
    firm.told(connection, ours("contact.restored", DANA, firm.clock(), key=3))
    assert firm.rows("SELECT state FROM counterparts") == [("known",)]


def test_somebody_whom_an_entry_named_before_is_found_by_their_id(firm: Firm):
    person = {"external_id": {"source": "crm", "id": DANA}, "name": "D. Whitfield", "type": "institutional_employee"}
    entry = {"occurred_on": "2026-06-01", "kind": "gift", "total": {"amount": "40.00", "currency": "USD"}}
    made = done(firm.rep.post("/v1/entries", json=entry | {"recipients": [person]}))
    connection = firm.connect("standard_webhooks")
    firm.told(
        connection,
        ours("contact.updated", DANA, firm.earlier(days=30), key=1, name="Dana Whitfield", organization="Northwind"),
    )
    dana = firm.person(DANA)
    assert (dana["id"], dana["name"], dana["employer"]) == (made["recipients"][0]["id"], "Dana Whitfield", "Northwind")
    assert firm.rows("SELECT count(*) FROM recipients") == [(1,)]


def test_what_an_officer_corrected_stays(firm: Firm):
    connection = firm.connect("standard_webhooks")
    firm.told(
        connection,
        ours("contact.created", DANA, firm.earlier(days=60), key=1, name="Dana Whitfield", organization="Northwind"),
    )
    dana = firm.person(DANA)
    body = {"reason": "she told us", "employer": "Osprey Point", "effective_from": "2026-06-01"}
    done(firm.officer.patch(f"/v1/recipients/{dana['id']}", json=body, headers={"If-Match": f'"v{dana["version"]}"'}))
    firm.told(connection, ours("contact.updated", DANA, firm.clock(), key=2, phone="+1 212 555 0100"))
    after = firm.person(DANA)
    assert (after["employer"], after["phone"]) == ("Osprey Point", "+1 212 555 0100")


def merged(at: Any, key: int = 9) -> Json:
    return hubspot("contact.merge", 1, at, key, primaryObjectId=1, mergedObjectIds=[2], newObjectId=1)


def two_contacts(firm: Firm, connection: Json) -> None:
    for id, first in ((1, "Dana"), (2, "D.")):
        firm.told(
            connection,
            [changed(id, firm.earlier(days=5), 10 + id, "firstname", first)],
            [changed(id, firm.earlier(days=5), 20 + id, "lastname", "Whitfield")],
        )


@pytest.mark.parametrize("first", [True, False], ids=["before they are known", "afterwards"])
def test_a_merge_there_is_proposed_to_an_officer(firm: Firm, first: bool):
    connection = firm.connect("hubspot")
    if first:
        firm.told(connection, [merged(firm.earlier(days=1))])
    two_contacts(firm, connection)
    if not first:
        firm.told(connection, [merged(firm.earlier(days=1))])
    [proposal] = done(firm.officer.get("/v1/merge-proposals", params={"state": "proposed"}))["data"]
    keep, drop = firm.person("1")["id"], firm.person("2")["id"]
    assert (proposal["keep_id"], proposal["drop_id"]) == (keep, drop)
    decided = firm.officer.post(
        f"/v1/merge-proposals/{proposal['id']}/decision", json={"decision": "accept", "reason": "one person"}
    )
    assert done(decided)["state"] == "accepted"
    assert firm.person("2")["merged_into"] == keep


def test_a_merge_there_is_carried_out_where_that_is_the_policy(firm: Firm):
    connection = firm.connect("hubspot", mapping={"merges": "apply"})
    two_contacts(firm, connection)
    firm.told(connection, [merged(firm.earlier(days=1))])
    firm.told(connection, [merged(firm.earlier(days=1), key=10)])
    assert firm.person("2")["merged_into"] == firm.person("1")["id"]
    assert firm.rows("SELECT state FROM merge_proposals") == [("applied",)]


@pytest.mark.parametrize("late", [False, True], ids=["in order", "told before all else"])
def test_who_asks_to_be_forgotten_has_no_name_here_and_the_regulated_record_stays(firm: Firm, late: bool):
    connection = firm.connect("hubspot")
    erased = [hubspot("contact.privacyDeletion", 1, firm.earlier(days=1), 99)]
    said = [
        changed(1, firm.earlier(days=9), 1, "lastname", "Whitfield"),
        changed(1, firm.earlier(days=9), 2, "email", "dana@northwind.test"),
    ]
    firm.told(connection, *([erased, said] if late else [said, erased]))
    dana = firm.person("1")
    assert dana["name"].startswith("Erased person ")
    assert (dana["email"], dana["phone"], dana["aliases"]) == (None, None, [])
    kept = json.dumps([*map(str, firm.rows("SELECT facts, applied FROM counterparts"))])
    assert "Whitfield" not in kept
    assert "northwind" not in kept
    firm.told(connection, [changed(1, firm.clock(), 3, "lastname", "Whitfield")])
    assert firm.person("1")["name"] == dana["name"]
    assert {
        state for (state,) in firm.rows("SELECT state FROM receipts WHERE external_id = '1' AND sealed IS NULL")
    } <= {"erased"}
    assert firm.rows("SELECT count(*) FROM receipts WHERE sealed IS NOT NULL") == [(0,)]


def test_a_meeting_is_a_draft_for_whoever_called_it_with_those_who_were_there(firm: Firm):
    connection = firm.connect("cloudevents", mapping={"reps": {"rep-88": "rhea"}, "kinds": {"Call": "meal"}})
    contact = ours("contact.created", DANA, firm.earlier(days=9), key=1, name="Dana Whitfield")
    wrap = {"specversion": "1.0", "source": "/crm/acme", "time": contact.pop("timestamp")}
    firm.told(connection, {**contact, **wrap})
    meeting = {
        "specversion": "1.0",
        "id": "evt-000481",
        "source": "/crm/acme",
        "type": "test.crm.meeting.created",
        "time": firm.earlier(hours=1).isoformat(),
        "data": {
            "id": "5501",
            "title": "Q2 portfolio review dinner",
            "starts_at": "2026-06-11T23:30:00Z",
            "venue": "The Long Room",
            "rep_ref": "rep-88",
            "attendees": [{"external_id": DANA, "name": "Dana Whitfield"}, {"name": "Sam Poe", "company": "Calder"}],
        },
    }
    firm.told(connection, meeting)
    [draft] = done(firm.rep.get("/v1/drafts"))["data"]
    assert (draft["about"], draft["label"], draft["owner"]) == ("meeting", "Q2 portfolio review dinner", "rhea")
    shown = done(firm.rep.get(f"/v1/drafts/{draft['id']}"))
    entry = shown["entry"]
    assert (entry["occurred_on"], entry["kind"], entry["venue"]) == ("2026-06-11", "meal", "The Long Room")
    assert entry["hosts_present"] is True
    meeting |= {"id": "evt-2", "type": "test.crm.meeting.cancelled", "time": firm.clock().isoformat()}
    firm.told(connection, meeting)
    assert done(firm.rep.get(f"/v1/drafts/{draft['id']}"))["state"] == "withdrawn"


def expense(firm: Firm, key: int, amount: str, **more: Any) -> Json:
    said = {
        "occurred_on": "2026-06-11",
        "amount": amount,
        "currency": "USD",
        "kind": "Dinner",
        "owner": "r",
        "hosts_present": True,
    }
    said |= {"attendees": [{"external_id": DANA, "name": "Dana Whitfield"}], "purpose": "Dinner", **more}
    return ours("expense.submitted", "exp-1", firm.earlier(hours=9 - key), key=key, **said)


def test_an_expense_is_a_draft_or_an_entry_by_mapping(firm: Firm):
    mapping = {"reps": {"r": "rhea"}, "kinds": {"Dinner": "meal"}}
    drafts = firm.connect("standard_webhooks", mapping=mapping)
    firm.told(drafts, expense(firm, 1, "120.00"))
    [draft] = done(firm.rep.get("/v1/drafts"))["data"]
    assert (draft["state"], draft["about"]) == ("open", "expense")
    entries = firm.connect("standard_webhooks", source="other", mapping={**mapping, "expenses": "entry"})
    firm.told(entries, expense(firm, 1, "120.00"))
    [entry] = done(firm.rep.get("/v1/entries"))["data"]
    assert (entry["giver"], entry["total"]["amount"]) == ("rhea", "120.00")


def test_a_crm_neither_takes_back_nor_lowers_what_is_recorded(firm: Firm):
    mapping = {"reps": {"r": "rhea"}, "kinds": {"Dinner": "meal"}, "expenses": "entry"}
    connection = firm.connect("standard_webhooks", mapping=mapping)
    firm.told(connection, expense(firm, 1, "120.00"), expense(firm, 2, "20.00"))
    firm.told(connection, ours("expense.withdrawn", "exp-1", firm.clock(), key=3))
    [entry] = done(firm.rep.get("/v1/entries"))["data"]
    assert (entry["total"]["amount"], entry["version"]) == ("120.00", 1)
    assert firm.rows("SELECT state FROM drafts") == [("confirmed",)]


def test_a_meeting_of_nobody_we_know_is_a_dead_letter_until_the_mapping_names_them(firm: Firm):
    connection = firm.connect("standard_webhooks")
    meeting = ours(
        "meeting.created", "5501", firm.clock(), key=1, title="Lunch", starts_at="2026-06-11T17:00:00Z", owner="771"
    )
    firm.told(connection, meeting)
    [receipt] = firm.receipts(connection, state="dead")
    assert receipt["reason"] == "no_giver"
    assert firm.standing(connection)["health"]["dead"] == 1
    firm.change(connection, mapping={"reps": {"771": "rhea"}})
    path = f"/v1/connections/{connection['id']}/replays"
    assert done(firm.admin.post(path, json={"receipt_id": receipt["id"]})) == {"receipts": 1}
    firm.settle()
    assert len(done(firm.rep.get("/v1/drafts"))["data"]) == 1
    assert firm.receipts(connection, state="dead") == []


def test_a_range_is_processed_again_and_changes_nothing_that_counted(firm: Firm):
    connection = firm.connect("pipedrive")
    for number in range(3):
        firm.told(
            connection,
            pipedrive("create", "person", str(number + 1), firm.earlier(days=1), key=number, name=f"P {number}"),
        )
    before = firm.state()
    path, body = f"/v1/connections/{connection['id']}/replays", {"state": "processed", "since": "2026-06-15T00:00:00Z"}
    assert done(firm.admin.post(path, json=body)) == {"receipts": 3}
    assert firm.standing(connection)["health"]["waiting"] == 3
    firm.settle()
    assert firm.state() == before


def test_an_outbound_message_says_who_works_where_and_when_it_was_deleted(firm: Firm):
    connection = firm.connect("salesforce")

    def note(number: int, type: str, at: Any, **fields: Any) -> Json:
        return {"Id": f"04l{number:015d}", "type": type, "fields": {**fields, "SystemModstamp": at.isoformat()}}

    who = {"Id": "0035g00001QwErTAAV", "FirstName": "Dana", "LastName": "Whitfield", "AccountId": "0015g00000PoIuYAAV"}
    firm.deliver(
        connection,
        outbound(
            note(1, "Contact", firm.earlier(days=3), **who),
            note(2, "Account", firm.earlier(days=4), Id="0015g00000PoIuYAAV", Name="Northwind & Sons"),
        ),
    )
    firm.settle()
    dana = firm.person("0035g00001QwErTAAV")
    assert (dana["name"], dana["employer"]) == ("Dana Whitfield", "Northwind & Sons")
    firm.deliver(connection, outbound(note(3, "Contact", firm.earlier(days=1), **who, IsDeleted="true")))
    firm.settle()
    assert ("deleted",) in firm.rows("SELECT state FROM counterparts")


def test_dataverse_references_are_employers(firm: Firm):
    connection = firm.connect("dataverse")
    reference = {"Id": "0F11AA22", "LogicalName": "account", "Name": None}
    firm.told(
        connection,
        dataverse(
            "Create", "contact", "6d81597f", firm.earlier(days=2), key=1, fullname="Dana W", parentcustomerid=reference
        ),
        dataverse("Create", "account", "0f11aa22", firm.earlier(days=2), key=2, name="Northwind"),
    )
    assert firm.person("6d81597f")["employer"] == "Northwind"


def test_the_worker_inside_does_it_by_itself(database_url: str):
    import time

    from tests.connections.firm import open_firm

    with open_firm(database_url, worker_inside=True) as firm:
        connection = firm.connect("pipedrive")
        firm.deliver(connection, pipedrive("create", "person", "1", firm.earlier(days=1), key=1, name="Dana"))
        until = time.monotonic() + 20
        while firm.receipts(connection)[0]["state"] != "processed":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert firm.person("1")["name"] == "Dana"


def test_what_fails_for_now_is_tried_again_and_then_a_dead_letter(firm: Firm, monkeypatch: pytest.MonkeyPatch):
    from app.services.connections import processing

    connection = firm.connect("pipedrive")
    firm.deliver(connection, pipedrive("create", "person", "1", firm.earlier(days=1), key=1, name="Dana"))

    def stumble(*_: object) -> None:
        raise RuntimeError("for a test")

    with monkeypatch.context() as broken:
        broken.setattr(processing, "settle", stumble)
        firm.settle()
        [receipt] = firm.receipts(connection)
        assert (receipt["state"], receipt["attempts"], receipt["reason"]) == ("waiting", 1, "RuntimeError")
        assert firm.standing(connection)["health"]["failing"] == 1
        for _ in range(5):
            firm.clock.now += timedelta(hours=2)
            firm.settle()
        assert firm.receipts(connection)[0]["state"] == "dead"
    done(firm.admin.post(f"/v1/connections/{connection['id']}/replays", json={}))
    firm.settle()
    assert firm.receipts(connection)[0]["state"] == "processed"


@pytest.mark.race
def test_two_clerks_at_once_do_everything_once(firm: Firm):
    connection = firm.connect("salesforce_flow", mapping={"default_rep": "rhea"})
    who = [{"external_id": f"c{number}", "name": f"Person {number}"} for number in range(4)]
    said: list[Json] = []
    for number in range(8):
        at = firm.earlier(hours=20 - number)
        said.append(ours("contact.updated", f"c{number % 4}", at, key=f"c{number}", name=f"Person {number % 4}"))
        said.append(ours("meeting.updated", "m1", at, key=f"m{number}", title=f"M {number}", attendees=who))
    firm.deliver(connection, said)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: firm.settle(), range(4)))
    firm.clock.forward(hours=1)
    firm.settle()
    assert {one["state"] for one in firm.receipts(connection)} == {"processed"}
    assert firm.rows("SELECT count(*) FROM recipients") == [(4,)]
    assert firm.rows("SELECT label, state FROM drafts") == [("M 7", "open")]
