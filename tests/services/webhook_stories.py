"""What must be true of outgoing webhooks, one sentence each: played on both databases, and against planted faults.

Each story takes an open post office and raises AssertionError where the sentence does not hold.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.domain.subscriptions import DELAYS_S, matches
from app.services.deliveries import Courier
from tests.services.post_office import PostOffice, done, gift, said
from tests.sink import (
    FAIL,
    GONE,
    OK,
    Received,
    Sink,
    drip_body,
    drip_head,
    flood,
    hang,
    hang_up,
    nonsense,
    redirect,
    reset,
    status,
)

Story = Callable[[PostOffice], None]
STORIES: list[Story] = []


def story(play: Story) -> Story:
    """Makes a function one of the stories."""
    STORIES.append(play)
    return play


def present(office: PostOffice) -> None:
    """Moves the clock to the machine's present: the verifier takes what is minutes old only."""
    office.clock.now = datetime.now(UTC)


def opens(secret: str, one: Received) -> bool:
    """Whether a receiver with this secret takes a message, by the public library of Standard Webhooks."""
    with suppress(WebhookVerificationError):
        return Webhook(secret).verify(one.body, one.headers) is not None
    return False


def settled(office: PostOffice, id: str) -> Counter[str]:
    """How all deliveries of a subscription stand; they are all that its events in the log ask for, and none is left."""
    stands = Counter(done(office.officer.get(f"/v1/subscriptions/{id}"))["deliveries"])
    opened = office.count("SELECT count(*) FROM deliveries WHERE subscription_id = :id", id=id)
    assert opened - stands["delivered"] - stands["dead"] == 0, stands
    return stands


def told(office: PostOffice, path: str) -> list[str]:
    """The types of the messages that came to a path, in their order."""
    return [said(one)["type"] for one in office.sink.at(path)]


@story
def a_strangers_receiver_verifies_every_message(office: PostOffice) -> None:
    present(office)
    made = office.subscribe("/a")
    entry = office.gift("400.00")
    office.deliver()
    came = office.sink.at("/a")
    assert {said(one)["type"] for one in came} >= {"entry.recorded", "violation.opened"}
    assert all(opens(made["secret"], one) for one in came)
    assert not any(opens(office.subscribe("/other")["secret"], one) for one in came)
    tampered = came[0]._replace(body=came[0].body.replace(b'"version":1', b'"version":2'))
    assert not opens(made["secret"], tampered)
    [recorded] = [said(one) for one in came if said(one)["type"] == "entry.recorded"]
    assert recorded["data"] == {"id": entry["id"], "version": 1, "href": f"/v1/entries/{entry['id']}"}
    assert recorded["timestamp"] == entry["recorded_at"]


@story
def a_message_says_no_name_and_no_word_that_a_person_wrote(office: PostOffice) -> None:
    office.subscribe("/thin")
    office.subscribe("/full", payload="full")
    entry = office.gift("400.00", purpose="Wedding of Persephone", venue="The Oubliette")
    body = {"reason": "the clandestine receipt", "set": {"total": {"amount": "410.00", "currency": "USD"}}}
    done(office.rep.post(f"/v1/entries/{entry['id']}/amendments", json=body, headers={"If-Match": '"v1"'}))
    office.deliver()
    assert {"entry.amended", "violation.changed"} <= set(told(office, "/thin"))
    for one in office.sink.received:
        for word in ("Dana", "Northgate", "rhea", "olivia", "Persephone", "Oubliette", "clandestine", "crm"):
            assert word.lower() not in one.body.decode().lower(), one.body
    thin = {said(one)["type"]: set(said(one)["data"]) for one in office.sink.at("/thin")}
    assert thin["violation.changed"] == {"id", "version", "href"}
    [opened] = [one for one in map(said, office.sink.at("/full")) if one["type"] == "violation.opened"]
    figures = {name: opened["data"][name] for name in ("counted", "aggregate", "limit", "unit", "state", "entry_id")}
    assert figures == {
        "counted": "400.00",
        "aggregate": "400.00",
        "limit": "300.00",
        "unit": "USD",
        "state": "open",
        "entry_id": entry["id"],
    }
    [amended] = [one for one in map(said, office.sink.at("/full")) if one["type"] == "entry.amended"]
    assert amended["data"]["total"] == {"amount": "410.00", "currency": "USD"}


@story
def only_what_was_subscribed_to_is_told(office: PostOffice) -> None:
    office.subscribe("/entries", "entry.recorded")
    office.subscribe("/violations", "violation.*", "merge.made")
    office.gift("400.00")
    done(office.officer.post("/v1/employers", json={"name": "Calder Bank"}))
    office.deliver()
    assert told(office, "/entries") == ["entry.recorded"]
    assert told(office, "/violations") == ["violation.opened"]


@story
def every_committed_fact_is_told_once_and_in_the_logs_order(office: PostOffice) -> None:
    first = office.subscribe("/a")
    since = first["position"]
    for number in range(6):
        office.gift("120.00", f"p{number % 2}")
        if number == 3:
            office.deliver()
    office.deliver()
    with office.server.desk.database.reading() as connection:
        log = connection.exec_driver_sql(
            f"SELECT action, leaf FROM audit_records WHERE position >= {int(since)} ORDER BY position"
        )
        wanted = [f"msg_{leaf[:32]}" for action, leaf in log if matches(["*"], action)]
    assert [one["message_id"] for one in office.deliveries(first["id"])] == wanted
    assert sorted(one.id for one in office.sink.at("/a")) == sorted(wanted)
    assert settled(office, first["id"])["delivered"] == len(wanted)


@story
def what_was_rolled_back_is_never_told(office: PostOffice) -> None:
    made = office.subscribe("/a")
    desk = office.server.desk

    def falls(connection: Any) -> None:
        journal = desk.journal()
        journal.note("ent_never", 1, "entry.recorded", {}, desk.stamp("nobody"))
        journal.seal(connection)
        raise ZeroDivisionError

    with suppress(ZeroDivisionError):
        desk.database.write(falls)
    done(office.rep.post("/v1/assessments", json=gift("900.00")))
    assert office.rep.post("/v1/entries", json=gift("0.00")).status_code == 422
    office.deliver()
    assert office.sink.at("/a") == []
    assert settled(office, made["id"]) == Counter()
    office.gift()
    office.deliver()
    assert "entry.recorded" in told(office, "/a")
    assert not any(said(one)["data"]["id"] == "ent_never" for one in office.sink.at("/a"))


@story
def what_was_before_a_subscription_is_not_told(office: PostOffice) -> None:
    office.gift("400.00")
    made = office.subscribe("/a", "entry.recorded")
    office.deliver()
    assert made["position"] == office.log_size()
    assert office.sink.at("/a") == []


@story
def a_failure_is_tried_again_by_the_schedule_under_the_same_id(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", FAIL)
    office.gift()
    waits = office.until_settled(made["id"])
    came = office.sink.at("/a")
    assert len(came) == len(DELAYS_S) == 10
    assert len({one.id for one in came}) == 1
    assert len({one.body for one in came}) == 1
    assert len({one.headers["webhook-timestamp"] for one in came}) == len(came)
    for waited, planned in zip(waits, DELAYS_S[1:], strict=True):
        assert timedelta(seconds=planned) * 9 // 10 <= waited <= timedelta(seconds=planned) * 11 // 10, (
            waited,
            planned,
        )
    assert timedelta(days=2, hours=18) < sum(waits, timedelta()) < timedelta(days=3, hours=12)
    assert settled(office, made["id"]) == Counter(dead=1)
    [dead] = office.deliveries(made["id"], state="dead")
    assert (dead["attempts"], dead["last_status"], dead["next_attempt_at"]) == (10, 500, None)
    attempts = office.attempts(dead["id"])
    assert [one["number"] for one in attempts] == list(range(1, 11))
    assert {one["status"] for one in attempts} == {500}


@story
def nothing_is_sent_before_its_time(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", FAIL, OK)
    office.gift()
    office.deliver()
    [waiting] = office.deliveries(made["id"])
    assert waiting["state"] == "pending"
    office.clock.now = datetime.fromisoformat(waiting["next_attempt_at"]) - timedelta(milliseconds=1)
    office.deliver()
    assert len(office.sink.at("/a")) == 1
    office.clock.now += timedelta(milliseconds=1)
    office.deliver()
    assert len(office.sink.at("/a")) == 2
    assert settled(office, made["id"]) == Counter(delivered=1)


@story
def a_redirect_is_a_failure_and_nobody_goes_there(office: PostOffice) -> None:
    inside = Sink()
    try:
        made = office.subscribe("/a", "entry.recorded")
        office.sink.answers("/a", redirect(f"{inside.url}/secret"), redirect("http://169.254.169.254/latest"), OK)
        office.gift()
        office.until_settled(made["id"])
        [one] = office.deliveries(made["id"])
        assert [attempt["status"] for attempt in office.attempts(one["id"])] == [301, 301, 200]
        assert inside.connections == 0
    finally:
        inside.close()


@story
def a_receiver_that_is_gone_is_left_alone(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", GONE)
    office.gift()
    office.deliver()
    stands = office.subscription(made["id"])
    assert (stands["state"], stands["disabled_reason"]) == ("disabled", "gone")
    assert settled(office, made["id"]) == Counter(dead=1)
    office.gift()
    office.deliver()
    assert len(office.sink.at("/a")) == 1


@story
def whoever_hangs_resets_or_talks_nonsense_has_failed(office: PostOffice) -> None:
    office.in_a_hurry()
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", hang, reset, hang_up, nonsense, drip_head, OK)
    office.gift()
    office.until_settled(made["id"])
    [one] = office.deliveries(made["id"])
    attempts = office.attempts(one["id"])
    words = [attempt["error"] for attempt in attempts]
    assert words == ["timeout", "connection_lost", "no_http", "no_http", "timeout", None]
    assert all(attempt["duration_ms"] < 5000 for attempt in attempts)
    assert len({one.id for one in office.sink.at("/a")}) == 1
    assert settled(office, made["id"]) == Counter(delivered=1)


@story
def of_an_endless_answer_little_is_read(office: PostOffice) -> None:
    made = office.subscribe("/flood", "entry.recorded")
    slow = office.subscribe("/drip", "entry.recorded")
    office.sink.answers("/flood", flood)
    office.sink.answers("/drip", drip_body)
    office.gift()
    office.deliver()
    assert settled(office, made["id"]) == settled(office, slow["id"]) == Counter(delivered=1)
    # What the caller's and the sink's own buffers take in is more than what is read, and far from a gigabyte.
    assert office.sink.sent < 16 * 1024 * 1024


@story
def a_receiver_that_asks_for_rest_gets_it(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", status(429, Retry_After="3600"), OK)
    office.gift(person="p1")
    office.deliver()
    office.gift(person="p2")
    office.clock.forward(minutes=59)
    office.deliver()
    assert len(office.sink.at("/a")) == 1
    office.clock.forward(minutes=1)
    office.deliver()
    assert len(office.sink.at("/a")) == 3
    assert office.subscription(made["id"])["paused_until"] is None
    assert settled(office, made["id"]) == Counter(delivered=2)


@story
def a_crash_between_sending_and_noting_sends_again_under_the_same_id(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.gift()

    class Dying(Courier):
        def _keep(self, *_: Any) -> None:
            raise SystemError("the power went")

    dying = Dying(office.server.desk)
    dying.step()
    dying.settle()
    dying.close()
    assert len(office.sink.at("/a")) == 1
    office.deliver()
    assert len(office.sink.at("/a")) == 1, "somebody else may still be sending it"
    office.clock.forward(seconds=120)
    office.deliver()
    first, second = office.sink.at("/a")
    assert (first.id, first.body) == (second.id, second.body)
    assert settled(office, made["id"]) == Counter(delivered=1)


@story
def both_secrets_sign_until_the_overlap_ends(office: PostOffice) -> None:
    present(office)
    made = office.subscribe("/a", "entry.recorded")
    old = made["secret"]
    fresh = done(office.officer.post(f"/v1/subscriptions/{made['id']}/secrets", json={"overlap_hours": 1}))
    new = fresh["secret"]
    assert new != old
    assert len(fresh["also_valid"]) == 1
    office.gift(person="p1")
    office.deliver()
    [both] = office.sink.at("/a")
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert opens(old, both)
    assert opens(new, both)
    office.clock.forward(hours=1)
    office.gift(person="p2")
    office.deliver()
    one = office.sink.at("/a")[1]
    assert len(one.headers["webhook-signature"].split(" ")) == 1
    assert [secret["id"] for secret in office.subscription(made["id"])["secrets"]] == [fresh["id"]]


@story
def a_secret_that_leaked_ends_at_once(office: PostOffice) -> None:
    present(office)
    made = office.subscribe("/a", "entry.recorded")
    path = f"/v1/subscriptions/{made['id']}/secrets"
    second = done(office.officer.post(path, json={"overlap_hours": 48}))["secret"]
    third = done(office.officer.post(path, json={"overlap_hours": 0}))
    assert third["also_valid"] == []
    office.gift()
    office.deliver()
    [one] = office.sink.at("/a")
    assert opens(third["secret"], one)
    assert not opens(made["secret"], one)
    assert not opens(second, one)


@story
def secrets_are_kept_nowhere_that_can_be_read(office: PostOffice) -> None:
    made = office.subscribe("/a/token-in-the-path", "entry.recorded")
    raw = made["secret"].removeprefix("whsec_")
    for path in ("", f"/{made['id']}", f"/{made['id']}/deliveries"):
        assert raw not in office.officer.get(f"/v1/subscriptions{path}").text
    with office.server.desk.database.reading() as connection:
        kept = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM subscription_secrets")]
        history = [row.body for row in connection.exec_driver_sql("SELECT body FROM audit_records")]
    assert len(kept) == 1
    assert not any(raw in str(row) for row in kept)
    assert not any("token-in-the-path" in body or raw in body for body in history)


@story
def one_message_or_all_since_a_moment_go_again_under_their_ids(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.*")
    office.gift(person="p1")
    office.deliver()
    office.clock.forward(minutes=2)
    office.gift(person="p2")
    moment = office.clock.now.isoformat()
    office.clock.forward(hours=1)
    office.gift(person="p3")
    office.deliver()
    [one, two, three] = office.sink.at("/a")
    [first, *_] = office.deliveries(made["id"])
    path = f"/v1/subscriptions/{made['id']}/replays"
    again = done(office.officer.post(path, json={"delivery_id": first["id"]}))
    office.deliver()
    assert (office.sink.at("/a")[3].id, office.sink.at("/a")[3].body) == (one.id, one.body)
    done(office.officer.post(path, json={"since": moment}))
    office.deliver()
    assert {(came.id, came.body) for came in office.sink.at("/a")[4:]} == {(two.id, two.body), (three.id, three.body)}
    assert len(office.sink.at("/a")) == 6
    replayed = [delivery for delivery in office.deliveries(made["id"]) if delivery["replay_id"]]
    assert [delivery["replay_id"] for delivery in replayed][:1] == [again["id"]]
    assert len(replayed) == 3
    assert settled(office, made["id"]) == Counter(delivered=6)


@story
def what_is_still_on_its_way_is_not_sent_twice_by_a_replay(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", FAIL, OK)
    moment = office.clock.now.isoformat()
    office.gift()
    office.deliver()
    [waiting] = office.deliveries(made["id"])
    path = f"/v1/subscriptions/{made['id']}/replays"
    done(office.officer.post(path, json={"since": moment}))
    done(office.officer.post(path, json={"delivery_id": waiting["id"]}))
    office.deliver()
    assert len(office.deliveries(made["id"])) == 1
    office.until_settled(made["id"])
    assert settled(office, made["id"]) == Counter(delivered=1)


@story
def days_of_nothing_but_failures_end_it_and_the_owner_is_told(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", FAIL)
    office.gift(person="p0")
    office.deliver()
    began = office.subscription(made["id"])["failing_since"]
    assert datetime.fromisoformat(began) == office.clock.now
    for day in range(1, 6):
        assert office.subscription(made["id"])["state"] == "active", f"ended on day {day}"
        office.clock.forward(days=1)
        office.gift(person=f"p{day}")
        office.deliver()
    stands = office.subscription(made["id"])
    assert (stands["state"], stands["disabled_reason"]) == ("disabled", "failing")
    history = done(office.officer.get("/v1/audit/records", params={"action": "subscription.disabled"}))["data"]
    assert [one["entity_id"] for one in history] == [made["id"]]
    assert json.loads(history[0]["body"])["facts"]["why"] == "failing"
    tries = len(office.sink.at("/a"))
    office.gift(person="p9")
    office.clock.forward(days=1)
    office.deliver()
    assert len(office.sink.at("/a")) == tries
    # The owner mends the receiver: nothing was lost that can still be sent, and what came meanwhile follows.
    office.sink.answers("/a", OK)
    office.change(made["id"], state="active")
    office.deliver()
    assert settled(office, made["id"])["dead"] == 0
    ids = {one["message_id"] for one in office.deliveries(made["id"])}
    assert {one.id for one in office.sink.at("/a")} == ids
    assert len(ids) == 7


@story
def one_success_among_failures_keeps_it_going(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    for day in range(8):
        office.sink.answers("/a", OK if day == 3 else FAIL)
        office.gift(person=f"p{day}")
        office.deliver()
        office.clock.forward(days=1)
    assert office.subscription(made["id"])["state"] == "active"


@story
def whoever_is_slow_does_not_hold_up_the_others(office: PostOffice) -> None:
    slow = office.subscribe("/slow", "entry.recorded")
    quick = office.subscribe("/quick", "entry.recorded")
    office.sink.answers("/slow", hang)
    for number in range(12):
        office.gift(person=f"p{number}")
    for _ in range(1000):
        office.courier.step()
        if office.subscription(quick["id"])["deliveries"]["delivered"] == 12:
            break
        office.sink.let_go.wait(0.01)
    assert len(office.sink.at("/quick")) == 12
    assert len(office.sink.at("/slow")) <= 4
    office.sink.let_go.set()
    office.courier.settle()
    assert settled(office, quick["id"]) == Counter(delivered=12)
    assert office.subscription(slow["id"])["deliveries"]["pending"] == 12


@story
def what_is_stopped_goes_on_where_it_stopped(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.change(made["id"], state="disabled")
    office.gift(person="p1")
    office.deliver()
    assert office.sink.at("/a") == []
    refused = office.officer.post(f"/v1/subscriptions/{made['id']}/tests")
    assert (refused.status_code, refused.json()["code"]) == (409, "subscription_disabled")
    office.change(made["id"], state="active")
    office.gift(person="p2")
    office.deliver()
    assert told(office, "/a") == ["entry.recorded", "entry.recorded"]


@story
def what_is_ended_is_sent_nothing_more(office: PostOffice) -> None:
    made = office.subscribe("/a", "entry.recorded")
    office.sink.answers("/a", FAIL)
    office.gift(person="p1")
    office.deliver()
    done(office.officer.delete(f"/v1/subscriptions/{made['id']}"))
    assert office.officer.get(f"/v1/subscriptions/{made['id']}").status_code == 404
    assert done(office.officer.get("/v1/subscriptions"))["data"] == []
    office.gift(person="p2")
    office.clock.forward(days=1)
    office.deliver()
    assert len(office.sink.at("/a")) == 1
    assert office.count("SELECT count(*) FROM deliveries WHERE state = 'pending'") == 0
    assert office.count("SELECT count(*) FROM subscription_secrets") == 0


@story
def a_test_goes_the_way_of_all_messages(office: PostOffice) -> None:
    present(office)
    made = office.subscribe("/a", "merge.made")
    sent = done(office.officer.post(f"/v1/subscriptions/{made['id']}/tests"))
    office.deliver()
    [one] = office.sink.at("/a")
    assert one.id == sent["message_id"]
    assert opens(made["secret"], one)
    assert said(one)["type"] == "subscription.test"
    assert settled(office, made["id"]) == Counter(delivered=1)
