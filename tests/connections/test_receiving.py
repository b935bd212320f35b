"""Deliveries arrive: proved ones are kept once and answered as their sender wants, others change and say nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.connections.firm import Firm, done
from tests.connections.senders import PROVIDERS, a_contact, cloudevent, dataverse, ours, outbound, pipedrive, signed

ACCEPTED = {"hubspot": 200, "salesforce": 200, "dataverse": 200, "pipedrive": 200}
SIGNED = ("hubspot", "standard_webhooks")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_proved_delivery_is_kept_and_answered_as_its_sender_wants(firm: Firm, provider: str):
    connection = firm.connect(provider)
    answer = firm.deliver(connection, a_contact(provider, firm.clock()))
    assert answer.status_code == ACCEPTED.get(provider, 202)
    if provider == "salesforce":
        assert answer.headers["content-type"].startswith("text/xml")
        assert "<Ack>true</Ack>" in answer.text
    else:
        assert answer.json() == {"received": 1, "copies": 0}
    [receipt] = firm.receipts(connection)
    assert (receipt["kind"], receipt["state"], receipt["reason"]) == ("contact.updated", "waiting", None)
    assert firm.standing(connection)["health"]["waiting"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_copy_is_taken_again_and_kept_once(firm: Firm, provider: str):
    connection = firm.connect(provider)
    body = a_contact(provider, firm.clock())
    firm.deliver(connection, body)
    firm.clock.forward(seconds=20)
    firm.deliver(connection, body)
    [receipt] = firm.receipts(connection)
    assert receipt["copies"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_that_is_not_proved_changes_or_says_anything(firm: Firm, provider: str):
    connection = firm.connect(provider)
    other = firm.connect(provider, **({"secret": "another-client-secret"} if provider == "hubspot" else {}))
    body = a_contact(provider, firm.clock())
    right = signed(provider, connection, body, firm.clock())
    nobody = right._replace(path=right.path.replace(connection["id"], "con_" + "0" * 32))
    bare = {"Content-Type": right.headers["Content-Type"]}
    wrong = [
        signed(provider, {**connection, "secret": other["secret"] or "another-client-secret"}, body, firm.clock()),
        right._replace(path=right.path.replace(connection["id"], other["id"])),
        nobody,
        right._replace(path="/v1/webhooks/con_1" + ("/x" if provider == "salesforce" else "")),
    ]
    if provider != "salesforce":
        wrong.append(right._replace(headers=bare))
    before = firm.rows("SELECT count(*) FROM receipts"), firm.rows("SELECT count(*) FROM audit_records")
    answers = [firm.send(one) for one in wrong]
    assert [one.status_code for one in answers] == [401] * len(wrong)
    assert len({json.dumps({**one.json(), "instance": ""}) for one in answers}) == 1
    assert (firm.rows("SELECT count(*) FROM receipts"), firm.rows("SELECT count(*) FROM audit_records")) == before


@pytest.mark.parametrize("provider", SIGNED)
@pytest.mark.parametrize(
    ("off", "status"),
    [(-301, 401), (-299, None), (299, None), (301, 401), (86_400 * 365, 401)],
    ids=["stale", "nearly stale", "nearly future", "future", "a year ahead"],
)
def test_a_signature_holds_for_five_minutes_either_way(firm: Firm, provider: str, off: int, status: int | None):
    connection = firm.connect(provider)
    body = a_contact(provider, firm.clock())
    sent = signed(provider, connection, body, firm.clock() + timedelta(seconds=off))
    assert firm.send(sent).status_code == (status or ACCEPTED.get(provider, 202))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_both_secrets_prove_until_the_overlap_ends(firm: Firm, provider: str):
    connection = firm.connect(provider)
    given = {"secret": "the-next-client-secret"} if provider == "hubspot" else {}
    path = f"/v1/connections/{connection['id']}/secrets"
    rotated = done(firm.admin.post(path, json={**given, "overlap_hours": 1}))
    newer = {**connection, "secret": rotated["secret"] or given["secret"]}
    assert [one["id"] for one in rotated["also_valid"]] != []
    firm.deliver(connection, a_contact(provider, firm.clock(), 1))
    firm.deliver(newer, a_contact(provider, firm.clock(), 2))
    firm.clock.forward(hours=1, seconds=1)
    late = signed(provider, connection, a_contact(provider, firm.clock(), 3), firm.clock())
    assert firm.send(late).status_code == 401
    firm.deliver(newer, a_contact(provider, firm.clock(), 4))


def test_secrets_are_shown_once_and_sealed(firm: Firm):
    connection = firm.connect("standard_webhooks")
    assert connection["secret"].startswith("whsec_")
    assert "secret" not in firm.standing(connection)
    kept = firm.rows("SELECT sealed FROM connection_secrets")
    firm.deliver(connection, a_contact("standard_webhooks", firm.clock()))
    kept += firm.rows("SELECT sealed FROM receipts")
    assert all(connection["secret"] not in one and "Dana" not in one for (one,) in kept)
    history = firm.rows("SELECT body FROM audit_records")
    assert not any(connection["secret"] in body for (body,) in history)


@pytest.mark.parametrize("state", ["disabled", "ended"])
def test_a_connection_that_is_stopped_takes_nothing(firm: Firm, state: str):
    connection = firm.connect("pipedrive")
    if state == "disabled":
        firm.change(connection, disabled=True)
    else:
        done(firm.admin.delete(f"/v1/connections/{connection['id']}"))
    sent = signed("pipedrive", connection, a_contact("pipedrive", firm.clock()), firm.clock())
    assert firm.send(sent).status_code == 401
    if state == "disabled":
        firm.change(connection, disabled=False)
        assert firm.send(sent).status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":"\\ud800"}',
        b"[" * 5000 + b"]" * 5000,
        b"<a>" * 3000 + b"</a>" * 3000,
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
    ],
    ids=["empty", "not UTF-8", "broken", "twice", "half", "deep", "deep XML", "entities", "DTD", "encoding"],
)
def test_what_cannot_be_read_is_refused_and_not_kept(firm: Firm, provider: str, body: bytes):
    connection = firm.connect(provider)
    answer = firm.send(signed(provider, connection, body, firm.clock()))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert firm.receipts(connection) == []


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("body", [b"null", b"7", b'"x"', b"{}", b"[{}]", b"[[1]]", b'{"meta":[],"data":7}'])
def test_json_that_says_nothing_we_know_is_no_server_error(firm: Firm, provider: str, body: bytes):
    connection = firm.connect(provider)
    answer = firm.send(signed(provider, connection, body, firm.clock()))
    assert answer.status_code in (200, 202, 400)
    assert all(one["state"] == "dead" and one["reason"] for one in firm.receipts(connection))


def test_one_message_of_a_batch_that_cannot_be_read_leaves_its_neighbours_alone(firm: Firm):
    connection = firm.connect("hubspot")
    batch = [json.loads(a_contact("hubspot", firm.clock(), number))[0] for number in range(100)]
    del batch[41]["occurredAt"]
    assert firm.deliver(connection, batch).json() == {"received": 100, "copies": 0}
    states = [one["state"] for one in firm.receipts(connection, state="dead")]
    assert states == ["dead"]
    assert firm.standing(connection)["health"]["counts"]["waiting"] == 99


@pytest.mark.parametrize(("size", "status"), [(1_048_576, 400), (1_048_577, 413)])
def test_a_body_has_a_size(firm: Firm, size: int, status: int):
    connection = firm.connect("hubspot")
    assert firm.send(signed("hubspot", connection, b"x" * size, firm.clock())).status_code == status


def test_unknown_kinds_and_accounts_are_kept_and_ignored(firm: Firm):
    connection = firm.connect("pipedrive", account="990011")
    firm.deliver(connection, pipedrive("create", "deal", "7", firm.clock(), key=1, title="A deal"))
    strange = pipedrive("create", "person", "8", firm.clock(), key=2, name="Dana")
    strange["meta"]["company_id"] = "1"
    firm.deliver(connection, strange)
    reasons = [(one["state"], one["reason"]) for one in firm.receipts(connection)]
    assert reasons == [("ignored", "unknown_kind"), ("ignored", "unknown_account")]


def test_an_outbound_message_of_another_organization_is_not_proved(firm: Firm):
    connection = firm.connect("salesforce", account="00D5g000004XyzA")
    note = {"Id": "04l5g00000ZzZzZAAV", "type": "Contact", "fields": {"Id": "0035g00001QwErTAAV"}}
    assert firm.send(signed("salesforce", connection, outbound(note), firm.clock())).status_code == 200
    strange = outbound(note | {"Id": "04l2"}, organization="00D5g000004OtherAS")
    assert firm.send(signed("salesforce", connection, strange, firm.clock())).status_code == 401


def test_no_answer_repeats_the_secret_of_a_path(firm: Firm):
    connection = firm.connect("salesforce")
    answer = firm.send(signed("salesforce", connection, b"not XML", firm.clock()))
    assert answer.status_code == 400
    assert connection["secret"] not in answer.text
    assert answer.json()["instance"] == f"/v1/webhooks/{connection['id']}"


def test_dataverse_may_use_its_webhook_key_instead_of_a_header(firm: Firm):
    connection = firm.connect("dataverse")
    body = json.dumps(dataverse("Update", "contact", "6d81597f", firm.clock(), key=1)).encode()
    sent = signed("dataverse", connection, body, firm.clock())
    by_key = sent._replace(path=f"{sent.path}?code={connection['secret']}", headers={})
    assert firm.send(by_key).status_code == 200
    assert firm.send(by_key._replace(path=f"{sent.path}?code=wrong")).status_code == 401


def test_cloudevents_come_in_three_modes_after_a_handshake(firm: Firm):
    connection = firm.connect("cloudevents")
    path = f"/v1/webhooks/{connection['id']}"
    greeted = firm.outside.options(path, headers={"WebHook-Request-Origin": "crm.example.test"})
    assert (greeted.status_code, greeted.headers["webhook-allowed-origin"]) == (200, "crm.example.test")
    assert firm.outside.options("/v1/webhooks/con_" + "0" * 32).status_code == 401
    one, two, three = (cloudevent("contact.updated", "c1", firm.clock(), key=number) for number in range(3))
    firm.deliver(connection, one)
    bearer = {"Authorization": f"Bearer {connection['secret']}"}
    batch = {**bearer, "Content-Type": "application/cloudevents-batch+json"}
    assert firm.outside.post(path, content=json.dumps([one, two]), headers=batch).json() == {"received": 1, "copies": 1}
    binary = {**bearer, "Content-Type": "application/json"}
    binary |= {f"ce-{name}": three[name] for name in ("specversion", "id", "source", "type", "time")}
    assert firm.outside.post(path, json=three["data"], headers=binary).status_code == 202
    assert [one["kind"] for one in firm.receipts(connection)] == ["contact.updated"] * 3
    plain = firm.outside.post(path, content=b"x", headers={**bearer, "Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert firm.outside.post(f"{path}?access_token={connection['secret']}", json=one).status_code == 400


def test_a_header_that_stands_twice_proves_nothing(firm: Firm):
    connection = firm.connect("salesforce_flow")
    body = json.dumps(ours("contact.updated", "c1", firm.clock(), key=1)).encode()
    sent = signed("salesforce_flow", connection, body, firm.clock())
    twice = [*sent.headers.items(), ("X-Propriety-Key", connection["secret"])]
    assert firm.outside.post(sent.path, content=body, headers=twice).status_code == 401


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", "é".encode(), b"v1", b"v1,", b"v1,A", b"garbage", b"v1, v1,", b"v1," * 999]
)
def test_headers_that_nobody_can_read_prove_nothing(firm: Firm, value: bytes):
    for provider, name in (("standard_webhooks", "webhook-signature"), ("hubspot", "x-hubspot-signature-v3")):
        connection = firm.connect(provider)
        sent = signed(provider, connection, a_contact(provider, firm.clock()), firm.clock())
        headers = [(key.encode(), text.encode()) for key, text in sent.headers.items() if key.lower() != name]
        answer = firm.outside.post(sent.path, content=sent.body, headers=[*headers, (name.encode(), value)])
        assert answer.status_code == 401
    for provider in ("pipedrive", "cloudevents"):
        connection = firm.connect(provider)
        sent = signed(provider, connection, a_contact(provider, firm.clock()), firm.clock())
        headers = [(b"authorization", b"Basic " + value), (b"content-type", b"application/json")]
        assert firm.outside.post(sent.path, content=sent.body, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "{}.5"),
        ("webhook-timestamp", "1_781_539_200"),
        ("webhook-timestamp", "{} 0"),
        ("webhook-timestamp", "１７８１５３９２００"),
        ("webhook-id", "msg.1"),
        ("webhook-id", ""),
    ],
)
def test_a_moment_or_an_id_in_another_notation_proves_nothing(firm: Firm, name: str, value: str):
    connection = firm.connect("standard_webhooks")
    sent = signed("standard_webhooks", connection, a_contact("standard_webhooks", firm.clock()), firm.clock())
    headers = {key.encode(): text.encode() for key, text in sent.headers.items()}
    headers[name.encode()] = value.format(sent.headers["webhook-timestamp"]).encode()
    assert firm.outside.post(sent.path, content=sent.body, headers=list(headers.items())).status_code == 401


@pytest.mark.race
@pytest.mark.parametrize("provider", ["hubspot", "standard_webhooks", "pipedrive"])
def test_identical_deliveries_at_the_same_instant_are_kept_once(firm: Firm, provider: str):
    connection = firm.connect(provider)
    sent = signed(provider, connection, a_contact(provider, firm.clock()), firm.clock())
    with ThreadPoolExecutor(8) as pool:
        statuses = [one.status_code for one in pool.map(lambda _: firm.send(sent), range(16))]
    assert set(statuses) == {ACCEPTED.get(provider, 202)}
    [receipt] = firm.receipts(connection)
    assert receipt["copies"] == 15


def test_while_the_database_is_away_the_sender_is_asked_to_come_again(firm: Firm, monkeypatch: pytest.MonkeyPatch):
    connection = firm.connect("hubspot")
    sent = signed("hubspot", connection, a_contact("hubspot", firm.clock()), firm.clock())
    database = firm.server.desk.database
    monkeypatch.setattr(firm.server.desk, "database", type(database)("postgresql://nobody@127.0.0.1:9/nowhere"))
    answer = firm.send(sent)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    monkeypatch.setattr(firm.server.desk, "database", database)
    assert firm.send(sent).status_code == 200


def test_the_user_of_pipedrive_is_ours(firm: Firm):
    connection = firm.connect("pipedrive")
    sent = signed("pipedrive", connection, a_contact("pipedrive", firm.clock()), firm.clock())
    strange = b64encode(f"admin:{connection['secret']}".encode()).decode()
    headers = {**sent.headers, "Authorization": f"Basic {strange}"}
    assert firm.send(sent._replace(headers=headers)).status_code == 401
