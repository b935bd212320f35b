"""Messages that only point to a record: it is fetched from their system, with patience and with care where to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.connections.firm import Firm, done, open_firm
from tests.connections.senders import Json, dataverse, milliseconds, ours
from tests.connections.their_api import TheirApi, their_api

TOKEN = "pat-na1-a-token-of-a-private-app"


@pytest.fixture
def api() -> Iterator[TheirApi]:
    with their_api() as one:
        yield one


def created(firm: Firm, id: int, kind: str = "contact.creation", **more: Any) -> Json:
    base = {"eventId": 1, "portalId": 1, "subscriptionType": kind, "objectId": id, "attemptNumber": 0}
    return base | {"occurredAt": milliseconds(firm.earlier(hours=2))} | more


def opened(firm: Firm, connection: Json, secret: str = TOKEN) -> Json:
    path = f"/v1/connections/{connection['id']}/secrets"
    done(firm.admin.post(path, json={"purpose": "fetch", "secret": secret}))
    return connection


def test_hubspot_says_who_was_created_and_where_they_work(firm: Firm, api: TheirApi):
    connection = opened(firm, firm.connect("hubspot", base_url=api.url))
    said = {"firstname": "Dana", "lastname": "Whitfield", "email": "dana@northwind.test", "associatedcompanyid": "88"}
    api.records["/crm/v3/objects/contacts/90125"] = {
        "id": "90125",
        "properties": said,
        "updatedAt": "2026-06-14T10:00:00Z",
    }
    api.records["/crm/v3/objects/companies/88"] = {
        "id": "88",
        "properties": {"name": "Northwind"},
        "updatedAt": "2026-06-14T10:00:00Z",
    }
    firm.told(connection, [created(firm, 90125), created(firm, 88, "company.creation")])
    dana = firm.person("90125")
    assert (dana["name"], dana["employer"], dana["email"]) == ("Dana Whitfield", "Northwind", "dana@northwind.test")
    assert {headers["authorization"] for _, _, headers in api.asked} == {f"Bearer {TOKEN}"}
    assert any("properties=firstname,lastname" in target for _, target, _ in api.asked)


def test_a_meeting_of_hubspot_has_its_contacts(firm: Firm, api: TheirApi):
    connection = opened(firm, firm.connect("hubspot", base_url=api.url, mapping={"default_rep": "rhea"}))
    said = {
        "hs_meeting_title": "Dinner",
        "hs_meeting_start_time": "2026-06-11T23:30:00Z",
        "hs_meeting_location": "The Long Room",
    }
    api.records["/crm/v3/objects/meetings/7"] = {
        "id": "7",
        "properties": said,
        "updatedAt": "2026-06-14T10:00:00Z",
        "associations": {"contacts": {"results": [{"id": "90125", "type": "meeting_event_to_contact"}]}},
    }
    firm.told(connection, [created(firm, 7, "object.creation", objectTypeId="0-47")])
    [draft] = done(firm.rep.get("/v1/drafts"))["data"]
    entry = done(firm.rep.get(f"/v1/drafts/{draft['id']}"))["entry"]
    assert (entry["occurred_on"], entry["venue"]) == ("2026-06-11", "The Long Room")
    assert entry["recipients"][0]["external_id"] == {"source": "crm", "id": "90125"}


def test_dataverse_gives_a_token_and_the_record_that_was_too_large(firm: Firm, api: TheirApi):
    made = firm.connect("dataverse", base_url=api.url, token_url=f"{api.url}/token", client_id="propriety")
    connection = opened(firm, made, "a-client-secret-of-an-app")
    record = {
        "@odata.etag": "x",
        "fullname": "Dana Whitfield",
        "_parentcustomerid_value": "0f11aa22",
        "modifiedon": "2026-06-14T10:00:00Z",
    }
    api.records["/api/data/v9.2/contacts(6d81597f)"] = record
    body = dataverse("Update", "contact", "6d81597f", firm.earlier(hours=2), key=1)
    del body["InputParameters"]
    headers = {"X-Propriety-Key": connection["secret"], "x-ms-dynamics-msg-size-exceeded": "262145"}
    done(firm.outside.post(f"/v1/webhooks/{connection['id']}", json=body, headers=headers))
    firm.settle()
    assert firm.person("6d81597f")["name"] == "Dana Whitfield"
    [form] = api.tokens
    assert (form["grant_type"], form["scope"]) == (["client_credentials"], [f"{api.url}/.default"])
    assert api.asked[0][2]["authorization"] == "Bearer token-1"


def test_an_event_of_ours_that_has_only_an_id_is_fetched(firm: Firm, api: TheirApi):
    connection = firm.connect("standard_webhooks", base_url=f"{api.url}/v2")
    api.records["/v2/contacts/c%2F1"] = {"name": "Dana Whitfield", "updated_at": "2026-06-14T10:00:00Z"}
    firm.told(connection, ours("contact.updated", "c/1", firm.earlier(hours=2), key=1))
    assert firm.person("c/1")["name"] == "Dana Whitfield"


def test_a_bad_day_of_theirs_passes(firm: Firm, api: TheirApi):
    connection = opened(firm, firm.connect("hubspot", base_url=api.url))
    path = "/crm/v3/objects/contacts/90125"
    api.records[path] = {"properties": {"lastname": "Whitfield"}, "updatedAt": "2026-06-14T10:00:00Z"}
    api.statuses = [503, 429, 500]
    firm.told(connection, [created(firm, 90125)])
    [receipt] = firm.receipts(connection)
    assert (receipt["state"], receipt["attempts"], receipt["reason"]) == ("waiting", 1, "fetch_failed")
    assert api.paths == [path] * 3
    firm.clock.now += timedelta(seconds=2)
    firm.settle()
    assert firm.person("90125")["name"] == "Whitfield"


@pytest.mark.parametrize("status", [401, 403, 302], ids=["wrong token", "forbidden", "redirect"])
def test_what_will_not_pass_is_a_dead_letter(firm: Firm, api: TheirApi, status: int):
    connection = opened(firm, firm.connect("hubspot", base_url=api.url))
    api.records["/elsewhere"] = {"properties": {"lastname": "Wrong"}}
    api.statuses = [status] * 3
    firm.told(connection, [created(firm, 90125)])
    [receipt] = firm.receipts(connection)
    assert (receipt["state"], receipt["reason"]) == ("dead", "fetch_refused")
    assert api.paths == ["/crm/v3/objects/contacts/90125"]


def test_a_record_that_is_gone_is_nobody(firm: Firm, api: TheirApi):
    connection = opened(firm, firm.connect("hubspot", base_url=api.url))
    firm.told(connection, [created(firm, 90125)])
    assert [one["state"] for one in firm.receipts(connection)] == ["processed"]
    assert firm.rows("SELECT count(*) FROM recipients") == [(0,)]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://169.254.169.254/", "https://10.0.0.1/", "file:///etc/passwd"]
)
def test_nobody_makes_us_call_an_address_inside(database_url: str, url: str):
    with open_firm(database_url, webhooks_allow_http=False, webhooks_allow_loopback=False) as firm:
        body = {"provider": "pipedrive", "name": "x", "base_url": url}
        refused = firm.admin.post("/v1/connections", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "target_not_allowed")


def test_an_address_is_checked_again_when_it_is_called(database_url: str, api: TheirApi):
    with open_firm(database_url) as firm:
        connection = opened(firm, firm.connect("hubspot", base_url=api.url))
        vars(firm.server.desk.settings)["webhooks_allow_loopback"] = False
        try:
            firm.told(connection, [created(firm, 90125)])
        finally:
            vars(firm.server.desk.settings)["webhooks_allow_loopback"] = True
        assert (firm.receipts(connection)[0]["reason"], api.asked) == ("target_not_allowed", [])
