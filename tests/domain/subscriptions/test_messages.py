"""What is told, how it is signed and when it is tried again: cases as values, held against the standard's own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from app.domain.subscriptions import (
    DELAYS_S,
    EVENTS,
    Result,
    figures,
    is_delivered,
    is_gone,
    known_pattern,
    matches,
    message,
    message_of_test,
    next_attempt,
    pause,
    read_secret,
    signatures,
    write_secret,
)

NOW = datetime(2026, 6, 15, 16, tzinfo=UTC)
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = (
    b'{"type":"contact.updated","timestamp":"2026-11-20T15:04:05Z",'
    b'"data":{"id":"crm-003-7781","full_name":"Dana Whitfield"}}'
)


def test_a_known_message_has_its_known_signature():
    signed = signatures([SECRET], "msg_01JD5Q0GIFT0001", 1795187050, BODY)
    assert signed == "v1,4gKkp93G25zVRnuTnk2op6Hads7TcWpxuLCyqQQjF74="


@pytest.mark.parametrize("secret", [bytes(24), bytes(range(32)), b"\xff" * 64])
@pytest.mark.parametrize("body", [b"{}", BODY, '{"a":"ü€"}'.encode()])
def test_we_sign_as_the_public_library_does(secret: bytes, body: bytes):
    text = write_secret(secret)
    theirs = Webhook(text).sign("msg_1", NOW, body.decode())
    assert signatures([text], "msg_1", int(NOW.timestamp()), body) == theirs


def test_each_secret_signs():
    other = write_secret(b"another secret of 32 bytes length")
    both = signatures([SECRET, other], "msg_1", 1, b"{}").split(" ")
    assert both == [signatures([SECRET], "msg_1", 1, b"{}"), signatures([other], "msg_1", 1, b"{}")]


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_?"]
)
def test_what_is_no_secret_is_not_read(text: str):
    with pytest.raises(ValueError, match=r".*"):
        read_secret(text)


@pytest.mark.parametrize(
    ("result", "arrived", "gone", "rest_s"),
    [
        (Result(200), True, False, 0),
        (Result(204), True, False, 0),
        (Result(299), True, False, 0),
        (Result(300), False, False, 0),
        (Result(301), False, False, 0),
        (Result(304), False, False, 0),
        (Result(199), False, False, 0),
        (Result(410), False, True, 0),
        (Result(500), False, False, 0),
        (Result(None, "timeout"), False, False, 0),
        (Result(429, None, 60), False, False, 60),
        (Result(502, None, 5), False, False, 5),
        (Result(503, None, 10**7), False, False, 86_400),
        (Result(504, None, 0), False, False, 0),
        (Result(500, None, 60), False, False, 0),
        (Result(200, None, 60), True, False, 0),
    ],
)
def test_what_an_answer_means(result: Result, arrived: bool, gone: bool, rest_s: int):
    assert (is_delivered(result), is_gone(result), pause(result)) == (arrived, gone, timedelta(seconds=rest_s))


def test_ten_attempts_over_three_days_and_no_two_deliveries_at_the_same_time():
    assert len(DELAYS_S) == 10
    assert timedelta(days=3) <= timedelta(seconds=sum(DELAYS_S)) <= timedelta(days=3, hours=4)
    for made in range(1, 10):
        waits = {next_attempt(f"dlv_{number}", made, NOW, Result(500)) - NOW for number in range(300)}
        planned = timedelta(seconds=DELAYS_S[made])
        assert planned * 9 / 10 <= min(waits) < planned < max(waits) <= planned * 11 / 10
        assert len(waits) > 100
    assert next_attempt("dlv_1", 10, NOW, Result(500)) is None
    assert next_attempt("dlv_1", 1, NOW, Result(410)) is None
    assert next_attempt("dlv_1", 1, NOW, Result(429, None, 7200)) == NOW + timedelta(hours=2)
    assert next_attempt("dlv_1", 5, NOW, Result(429, None, 1)) > NOW + timedelta(hours=4)


@pytest.mark.parametrize(
    ("patterns", "action", "told"),
    [
        (["*"], "entry.recorded", True),
        (["entry.*"], "entry.recorded", True),
        (["entry.recorded"], "entry.recorded", True),
        (["entry.recorded"], "entry.amended", False),
        (["violation.*"], "entry.recorded", False),
        (["entry.*", "violation.opened"], "violation.opened", True),
        (["*"], "key.created", False),
        (["*"], "subscription.disabled", False),
        (["*"], "entry.recorded.twice", False),
        ([], "entry.recorded", False),
    ],
)
def test_what_is_told_to_whom(patterns: list[str], action: str, told: bool):
    assert matches(patterns, action) is told


def test_what_can_be_subscribed_to():
    assert all(known_pattern(event) for event in EVENTS)
    assert len(set(EVENTS)) == len(EVENTS)
    assert {"entry.recorded", "violation.opened", "violation.decided", "question.asked", "policy.published"} <= set(
        EVENTS
    )
    assert all(map(known_pattern, ("*", "violation.*", "merge.*")))
    assert not any(map(known_pattern, ("", "*.*", "violation", "violation.", "key.*", "key.created", "*.opened")))


def test_a_message_is_the_same_bytes_every_time():
    one = message("entry.recorded", NOW, "ent_1", 3, base_url="https://p.example", more={"b": 1, "a": "ü"})
    assert one == (
        '{"data":{"a":"ü","b":1,"href":"https://p.example/v1/entries/ent_1","id":"ent_1","version":3},'
        '"timestamp":"2026-06-15T16:00:00.000000Z","type":"entry.recorded"}'
    )
    for event in EVENTS:
        assert set(json.loads(message(event, NOW, "x_1", 1))) == {"type", "timestamp", "data"}
    assert json.loads(message_of_test("sub_1", 2, NOW, base_url=""))["data"]["href"] == "/v1/subscriptions/sub_1"


def test_figures_are_chosen_and_not_what_is_left():
    entry = {
        "occurred_on": "2026-05-04",
        "kind": "gift",
        "direction": "given",
        "standing": "standing",
        "giver": "rhea",
        "purpose": "p",
        "venue": "v",
        "hosts": ["h"],
        "recipients": [{"name": "Dana"}],
        "total": 12550,
        "currency": "USD",
        "exponent": 2,
    }
    assert figures("entry.recorded", {"entry": entry, "results": []}) == {
        "occurred_on": "2026-05-04",
        "kind": "gift",
        "direction": "given",
        "standing": "standing",
        "total": {"amount": "125.50", "currency": "USD"},
    }
    assert figures("merge.made", {"keep": "rec_1", "drop": "rec_2", "reason": "same face"}) == {
        "keep_id": "rec_1",
        "drop_id": "rec_2",
    }
    assert figures("policy.published", {"effective_from": "2026-07-01", "document": "{}"}) == {
        "effective_from": "2026-07-01"
    }
    assert figures("violation.opened", {"counted": 1, "entry": "ent_1", "note": "n"}) == {"entry_id": "ent_1"}
    assert figures("recipient.created", {"name": "Dana", "email": "d@x"}) == {}
