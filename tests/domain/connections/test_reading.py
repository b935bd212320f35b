"""What messages say, provider by provider, and how all that was said of a record is folded in any order."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.domain.connections import (
    UNHEARD_OF,
    ConnectionMapping,
    Noun,
    Provider,
    UnreadableDelivery,
    UnreadableEvent,
    Verb,
    contact_of,
    fold,
    read,
    readable,
    same_organization,
    split,
    stamp_of,
    written,
)
from app.domain.connections.salesforce import long_id
from app.domain.connections.texts import moment, parse, text

AT = datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-20T15:04:05Z", AT),
        ("2026-11-20T15:04:05.000Z", AT),
        ("2026-11-20T16:04:05+01:00", AT),
        ("2026-11-20T15:04:05", AT),
        ("2026-11-20 15:04:05", AT),
        (1_795_187_045_000, AT),
        ("1795187045000", AT),
        ("/Date(1795187045000)/", AT),
        ("/Date(1795187045000+0000)/", AT),
        ("2026-11-20T15:04:05.123456789Z", AT.replace(microsecond=123456)),
        ("2026-13-20T15:04:05Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (-1, None),
        (10**18, None),
        ("/Date(999999999999999999)/", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_moments_in_every_notation(said: Any, meant: datetime | None):
    assert moment(said) == meant


def test_texts_are_one_line_and_bounded():
    assert text("  Dana\x00\n  Whitfield\u2028 ") == "Dana Whitfield"
    assert len(text("x" * 5000)) == 200
    assert (text(None), text(True), text([1]), text(7), text(10**50)) == ("", "", "", "7", "")


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'{"a":1,"a":2}', b"NaN", b'"\\ud800"', b"[" * 100 + b"]" * 100])
def test_json_in_doubt_is_refused(body: bytes):
    with pytest.raises(UnreadableDelivery):
        parse(body)


def test_fractions_stay_as_they_were_written():
    assert parse(b'{"amount": 0.30000000000000004, "n": 1e400}') == {"amount": "0.30000000000000004", "n": "1e400"}


def test_organizations_of_salesforce_have_two_forms():
    assert same_organization("00D5g000004XyzA", "00D5g000004XyzAEAS")
    assert not same_organization("00D5g000004Xyza", "00D5g000004XyzAEAS")
    assert not same_organization("00D5g000004Xyz", "00D5g000004Xyz")
    assert long_id("0015g00000PoIuY") == "0015g00000PoIuYAAV"


def test_a_merge_of_hubspot_names_the_record_that_lives_on():
    raw = {"subscriptionType": "contact.merge", "occurredAt": 1_795_187_045_000, "objectId": 5, "primaryObjectId": 5}
    event = read(Provider.HUBSPOT, {**raw, "mergedObjectIds": [6], "newObjectId": 9})
    assert (event.verb, event.into, event.fields) == (Verb.MERGED, "9", {"merged": ["5", "6"]})


@pytest.mark.parametrize(
    ("provider", "raw"),
    [
        (Provider.HUBSPOT, {"subscriptionType": "contact.creation"}),
        (Provider.HUBSPOT, {"subscriptionType": "contact.creation", "occurredAt": 1}),
        (Provider.SALESFORCE, {"id": "x", "type": "Contact", "record": {"Id": "y"}}),
        (Provider.DATAVERSE, {"MessageName": "Update"}),
        (Provider.PIPEDRIVE, {"meta": {"id": "x"}}),
        (Provider.STANDARD_WEBHOOKS, {"id": "x", "type": "contact.updated"}),
        (Provider.CLOUDEVENTS, {"id": "x", "source": "", "type": "contact.updated", "time": "2026-11-20T15:04:05Z"}),
    ],
)
def test_what_lacks_its_own_id_or_moment_cannot_be_read(provider: Provider, raw: Any):
    with pytest.raises(UnreadableEvent):
        read(provider, raw)


def test_every_order_of_what_was_said_of_somebody_is_one():
    said = [
        ("contact.created", 1, {"name": "Dana Whitfield", "organization": "Northwind", "email": "a@b.c"}),
        ("contact.updated", 2, {"organization": "Calder Ridge"}),
        ("contact.updated", 2, {"organization": "Osprey", "name": "Dana Marlowe"}),
        ("contact.deleted", 3, {}),
        ("contact.updated", 4, {"type": "Trustee"}),
        ("contact.restored", 5, {}),
    ]
    events = [
        (
            read(
                Provider.SALESFORCE_FLOW,
                {
                    "id": f"e{number}",
                    "type": kind,
                    "timestamp": f"2026-06-0{day}T12:00:00Z",
                    "data": {"id": "c1", **fields},
                },
            ),
            f"fingerprint {number}",
        )
        for number, (kind, day, fields) in enumerate(said)
    ]
    mapping = ConnectionMapping()
    ends = set()
    for order in itertools.permutations(events):
        one = UNHEARD_OF
        for event, fingerprint in (*order, order[0]):
            fields = mapping.ours(Provider.SALESFORCE_FLOW, Noun.CONTACT, event.fields)
            day = date(2026, 6, event.occurred_at.day)
            one = readable(written(fold(one, event, fields, stamp_of(event, fingerprint), day)))
        ends.add((written(one), one.state, contact_of(one, mapping, {}, key="crm:c1")))
    assert len(ends) == 1
    [(_, state, contact)] = ends
    assert (state, contact.name) == ("known", "Dana Marlowe")
    assert [(one.since, one.employer) for one in contact.standings] == [
        (None, "Northwind"),
        (date(2026, 6, 2), "Osprey"),
    ]


def test_a_batch_of_cloudevents_is_of_one_version():
    headers = {"content-type": "application/cloudevents-batch+json"}
    with pytest.raises(UnreadableDelivery):
        split(Provider.CLOUDEVENTS, json.dumps([{"specversion": "0.3"}]).encode(), headers, None)
