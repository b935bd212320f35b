"""Outgoing webhooks on both databases: every story, and what needs threads and processes of its own."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.access import Role
from app.domain.subscriptions import EVENTS
from app.services import audit, secrets
from app.services.deliveries import Courier
from app.settings import Settings
from tests.server import serving
from tests.services.post_office import KEY, NEAR, done, gift, now, open_office
from tests.services.webhook_stories import STORIES, Story, settled
from tests.sink import FAIL, GONE, OK, hang, receiving

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 30


@pytest.mark.parametrize("story", [pytest.param(play, id=play.__name__) for play in STORIES])
def test_of_webhooks_it_is_true_that(story: Story, database_url: str):
    with open_office(database_url) as office:
        story(office)


# Several at once


@pytest.mark.race
def test_of_several_couriers_each_message_is_sent_by_one(database_url: str):
    with open_office(database_url) as office:
        made = [office.subscribe(path, "entry.recorded") for path in ("/a", "/b")]
        couriers = [Courier(office.server.desk) for _ in range(3)]
        stop = threading.Event()
        threads = [threading.Thread(target=courier.run, args=[stop]) for courier in couriers]
        for thread in threads:
            thread.start()
        for number in range(20):
            office.gift(person=f"p{number}")
        for path in ("/a", "/b"):
            office.sink.wait_for(20, path)
        until(lambda: office.count("SELECT count(*) FROM deliveries WHERE state = 'pending'") == 0)
        stop.set()
        for courier, thread in zip(couriers, threads, strict=True):
            courier.wake()
            thread.join(_PATIENCE_S)
        for one, path in zip(made, ("/a", "/b"), strict=True):
            assert settled(office, one["id"]) == Counter(delivered=20)
            assert set(Counter(message.id for message in office.sink.at(path)).values()) == {1}
        assert office.count("SELECT count(*) FROM delivery_attempts") == 40


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


# Processes


@contextmanager
def a_worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """`propriety worker` as a process of its own, which is killed at the end if it still runs."""
    environment = {
        "PROPRIETY_DATABASE_URL": url,
        "PROPRIETY_SECRET_KEY": KEY,
        "PROPRIETY_WEBHOOKS_ALLOW_HTTP": "true",
        "PROPRIETY_WEBHOOKS_ALLOW_LOOPBACK": "true",
        "PROPRIETY_WEBHOOK_TIMEOUT_S": "2",
    }
    program = [sys.executable, "-c", "from app.cli import main; main()", "worker"]
    process = subprocess.Popen(program, env=os.environ | environment, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(_PATIENCE_S)


def test_a_worker_that_is_killed_while_it_sends_loses_nothing(database_url: str):
    with open_office(database_url, secret_key=KEY) as office:
        made = office.subscribe("/a", "entry.recorded")
        office.sink.answers("/a", hang, OK)
        office.gift()
        with a_worker(database_url) as worker:
            office.sink.wait_for(1, "/a")
            worker.send_signal(signal.SIGKILL)
            worker.wait(_PATIENCE_S)
        assert office.subscription(made["id"])["deliveries"] == {"pending": 1, "delivered": 0, "dead": 0}
        # A minute passes: the lease of whoever died has run out.
        office.server.desk.database.write(
            lambda connection: connection.exec_driver_sql("UPDATE deliveries SET leased_until = created_at")
        )
        with a_worker(database_url) as worker:
            first, second = office.sink.wait_for(2, "/a")
            until(lambda: office.subscription(made["id"])["deliveries"]["delivered"] == 1)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(_PATIENCE_S) == 0
        assert (first.id, first.body) == (second.id, second.body)


def test_a_worker_that_is_asked_to_stop_ends_what_it_began(database_url: str):
    with open_office(database_url, secret_key=KEY) as office:
        made = office.subscribe("/a", "entry.recorded")
        office.sink.answers("/a", hang)
        office.gift()
        with a_worker(database_url) as worker:
            office.sink.wait_for(1, "/a")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(_PATIENCE_S) == 0
        [one] = office.deliveries(made["id"])
        assert (one["attempts"], one["last_error"]) == (1, "timeout")
        assert office.count("SELECT count(*) FROM deliveries WHERE lease IS NOT NULL") == 0


@pytest.mark.sqlite
def test_on_sqlite_the_service_delivers_by_itself(database_url: str):
    with receiving() as sink, serving(database_url, **NEAR | {"worker_inside": None}) as server:
        officer = server.as_(Role.OFFICER, "olivia")
        done(officer.post("/v1/subscriptions", json={"url": f"{sink.url}/a", "events": ["entry.recorded"]}))
        done(officer.post("/v1/entries", json=gift()))
        assert sink.wait_for(1, "/a")


@pytest.mark.postgres
def test_on_postgresql_the_service_leaves_it_to_the_workers(database_url: str):
    assert not Settings(database_url=database_url).works_inside
    assert Settings(database_url=database_url, worker_inside=True).works_inside


def test_the_receiver_of_the_documentation_takes_our_messages(database_url: str):
    text = (ROOT / "docs" / "webhooks.md").read_text()
    code = text.split("```python\n")[1].split("```")[0]
    with open_office(database_url, clock=now()) as office:
        made = office.subscribe("/a", "entry.recorded")
        office.gift()
        office.deliver()
        [one] = office.sink.at("/a")
        seen: dict[str, object] = {}
        space = {"SECRET": made["secret"], "already_seen": seen.__contains__, "put_into_your_queue": seen.__setitem__}
        exec(compile(code, "docs/webhooks.md", "exec"), space)  # noqa: S102
        receive: Callable[[bytes, dict[str, str]], int] = space["receive"]
        assert [receive(one.body, one.headers) for _ in range(2)] == [204, 200]
        assert receive(one.body + b" ", one.headers) == 401
        assert receive(one.body, one.headers | {"webhook-signature": "garbage"}) == 401
        assert list(seen) == [one.id]
    for event in EVENTS:
        assert f"`{event}`" in text or event.startswith("violation."), f"{event} is told and not described"


# Secrets


@pytest.mark.sqlite
def test_the_key_lies_beside_the_database_and_only_its_owner_reads_it(database_url: str):
    file = Path(database_url.removeprefix("sqlite:///") + ".key")
    with open_office(database_url) as office:
        assert not file.exists()
        office.subscribe("/a", "entry.recorded")
        assert file.stat().st_mode & 0o777 == 0o600
        kept = file.read_bytes()
        office.subscribe("/b")
        assert file.read_bytes() == kept
    assert [other.name for other in file.parent.glob(f"{file.name}*")] == [file.name]


@pytest.mark.postgres
def test_without_a_key_there_is_nothing_to_keep_a_secret_with(database_url: str):
    with open_office(database_url, secret_key=None) as office:
        kept = office.log_size()
        answer = office.officer.post("/v1/subscriptions", json={"url": office.sink.url, "events": ["*"]})
        assert (answer.status_code, answer.json()["code"]) == (503, "no_secret_key")
        assert office.log_size() == kept


def test_a_sealed_secret_opens_only_with_its_key_and_for_its_owner():
    old, new = KEY, "//////////////////////////////////////////8="

    def of(keys: str) -> Settings:
        return Settings(database_url="postgresql://x/y", secret_key=keys)

    sealed = secrets.seal(of(old), b"a secret", owner="whs_1")
    assert b"a secret".hex() not in sealed
    assert secrets.seal(of(old), b"a secret", owner="whs_1") != sealed
    assert secrets.unseal(of(old), sealed, owner="whs_1") == b"a secret"
    assert secrets.unseal(of(f"{new},{old}"), sealed, owner="whs_1") == b"a secret"
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    for settings, text, owner in [(of(new), sealed, "whs_1"), (of(old), sealed, "whs_2"), (of(old), changed, "whs_1")]:
        with pytest.raises(secrets.Unreadable):
            secrets.unseal(settings, text, owner=owner)
    assert secrets.unseal(of(f"{new},{old}"), secrets.seal(of(new), b"b", owner="w"), owner="w") == b"b"


@pytest.mark.parametrize("key", ["", "short", KEY[:-4], "é" * 44, f"{KEY},x"])
def test_a_key_that_is_none_is_refused_at_the_start(key: str):
    with pytest.raises(ValueError, match="32 bytes") as refused:
        Settings(secret_key=key)
    assert KEY not in str(refused.value)


def test_no_log_tells_a_secret_or_where_it_is_good_for(database_url: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with open_office(database_url) as office:
        made = office.subscribe("/token-in-the-path", "entry.recorded")
        office.sink.answers("/token-in-the-path", FAIL, GONE)
        office.gift()
        office.until_settled(made["id"])
        assert office.subscription(made["id"])["state"] == "disabled"
    assert f"subscription {made['id']} of olivia is disabled: gone" in caplog.text
    for secret in (made["secret"].removeprefix("whsec_"), "token-in-the-path", KEY):
        assert secret not in caplog.text


def test_messages_wait_where_their_secret_cannot_be_read(database_url: str):
    with open_office(database_url, secret_key=KEY) as office:
        made = office.subscribe("/a", "entry.recorded")
        office.server.desk.database.write(
            lambda connection: connection.exec_driver_sql("UPDATE subscription_secrets SET id = 'whs_of_another'")
        )
        office.gift()
        office.deliver()
        [one] = office.deliveries(made["id"])
        assert (one["state"], one["last_error"]) == ("pending", "secret_unreadable")
        assert office.sink.connections == 0


# Who may, and what is refused


def test_officers_and_administrators_manage_subscriptions_and_nobody_else(database_url: str):
    with open_office(database_url) as office:
        made = office.subscribe("/a")
        [*_] = [office.subscribe("/b", by=office.server.as_(role, f"x-{role}")) for role in (Role.ADMIN, Role.OFFICER)]
        test = done(office.officer.post(f"/v1/subscriptions/{made['id']}/tests"))
        paths = [
            ("POST", "/v1/subscriptions", {"url": office.sink.url, "events": ["*"]}),
            ("GET", "/v1/subscriptions", None),
            ("GET", f"/v1/subscriptions/{made['id']}", None),
            ("PATCH", f"/v1/subscriptions/{made['id']}", {"state": "disabled"}),
            ("DELETE", f"/v1/subscriptions/{made['id']}", None),
            ("POST", f"/v1/subscriptions/{made['id']}/secrets", {}),
            ("POST", f"/v1/subscriptions/{made['id']}/tests", None),
            ("POST", f"/v1/subscriptions/{made['id']}/replays", {"delivery_id": test["id"]}),
            ("GET", f"/v1/subscriptions/{made['id']}/deliveries", None),
            ("GET", f"/v1/deliveries/{test['id']}/attempts", None),
        ]
        kept = office.log_size()
        for role in (Role.REP, Role.SUPERVISOR, Role.AUDITOR, Role.INTEGRATION):
            caller = office.server.as_(role, f"x-{role}")
            kept += 1  # the key
            for method, path, body in paths:
                answer = caller.request(method, path, json=body, headers={"If-Match": '"v1"'})
                assert (answer.status_code, answer.json()["code"]) == (403, "role_forbids"), (role, method, path)
        assert office.log_size() == kept


def test_figures_are_sent_out_only_by_whoever_may_read_them(database_url: str):
    with open_office(database_url) as office:
        admin = office.server.as_(Role.ADMIN, "ada")
        refused = admin.post("/v1/subscriptions", json={"url": office.sink.url, "events": ["*"], "payload": "full"})
        assert (refused.status_code, refused.json()["code"]) == (403, "role_forbids")
        thin, full = office.subscribe("/a", by=admin), office.subscribe("/b", payload="full")
        for id, change in [(thin["id"], {"payload": "full"}), (full["id"], {"url": f"{office.sink.url}/mine"})]:
            answer = admin.patch(f"/v1/subscriptions/{id}", json=change, headers={"If-Match": '"v1"'})
            assert (answer.status_code, answer.json()["code"]) == (403, "role_forbids")
        office.change(full["id"], by=admin, state="disabled")
        office.change(full["id"], by=admin, payload="thin", url=f"{office.sink.url}/mine")


def test_a_subscription_is_changed_by_whoever_read_it_last(database_url: str):
    with open_office(database_url) as office:
        made = office.subscribe("/a", "entry.recorded")
        path = f"/v1/subscriptions/{made['id']}"
        assert office.officer.get(path).headers["etag"] == '"v1"'
        changed = office.change(made["id"], events=["violation.*", "violation.*"], description="the case desk")
        assert (changed["version"], changed["events"], changed["url"]) == (2, ["violation.*"], made["url"])
        stale = office.officer.patch(path, json={"events": ["*"]}, headers={"If-Match": '"v1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "subscription_changed")
        assert office.officer.patch(path, json={"events": ["*"]}).status_code == 428
        office.gift("400.00")
        office.deliver()
        assert [one["event"] for one in office.deliveries(made["id"])] == ["violation.opened"]


REFUSED = [
    ({"events": ["violation.sneezed"]}, "unknown_event"),
    ({"events": ["key.created"]}, "unknown_event"),
    ({"events": ["subscription.*"]}, "unknown_event"),
    ({"events": []}, "invalid_body"),
    ({"events": ["*"] * 51}, "invalid_body"),
    ({"url": "https://10.0.0.1/"}, "target_not_allowed"),
    ({"url": "https://[64:ff9b::a9fe:a9fe]/"}, "target_not_allowed"),
    ({"url": ""}, "invalid_body"),
    ({"payload": "fat"}, "invalid_body"),
    ({"secret": "whsec_mine"}, "invalid_body"),
]


def test_what_cannot_be_is_refused_and_nothing_is_kept(database_url: str):
    with open_office(database_url) as office:
        kept = office.log_size()
        for body, code in REFUSED:
            answer = office.officer.post("/v1/subscriptions", json={"url": office.sink.url, "events": ["*"]} | body)
            assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert office.log_size() == kept
        assert office.count("SELECT count(*) FROM subscriptions") == 0


def test_what_is_not_there_is_not_found_and_what_is_unclear_is_refused(database_url: str):
    with open_office(database_url) as office:
        made, other = office.subscribe("/a"), office.subscribe("/b")
        test = done(office.officer.post(f"/v1/subscriptions/{other['id']}/tests"))
        path = f"/v1/subscriptions/{made['id']}"
        asked = [
            ("GET", "/v1/subscriptions/sub_no", None, 404, "subscription_not_found"),
            ("DELETE", "/v1/subscriptions/sub_no", None, 404, "subscription_not_found"),
            ("POST", "/v1/subscriptions/sub_no/tests", None, 404, "subscription_not_found"),
            ("GET", "/v1/subscriptions/sub_no/deliveries", None, 404, "subscription_not_found"),
            ("GET", "/v1/deliveries/dlv_no/attempts", None, 404, "delivery_not_found"),
            ("POST", f"{path}/replays", {"delivery_id": "dlv_no"}, 404, "delivery_not_found"),
            ("POST", f"{path}/replays", {"delivery_id": test["id"]}, 404, "delivery_not_found"),
            ("POST", f"{path}/replays", {}, 422, "invalid_body"),
            ("POST", f"{path}/replays", {"delivery_id": "a", "since": "2026-01-01T00:00:00Z"}, 422, "invalid_body"),
            ("POST", f"{path}/replays", {"since": "2026-01-01"}, 422, "invalid_body"),
            ("POST", f"{path}/secrets", {"overlap_hours": 169}, 422, "invalid_body"),
            ("GET", f"{path}/deliveries?state=lost", None, 400, "invalid_parameter"),
            ("GET", f"{path}/deliveries?colour=red", None, 400, "unknown_parameter"),
        ]
        for method, where, body, status, code in asked:
            answer = office.officer.request(method, where, json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (method, where, answer.text)


def test_deliveries_are_paged_and_filtered(database_url: str):
    with open_office(database_url) as office:
        made = office.subscribe("/a", "entry.recorded", "violation.opened")
        for number in range(7):
            office.gift("400.00", f"p{number}")
        office.deliver()
        path, seen, cursor = f"/v1/subscriptions/{made['id']}/deliveries", [], None
        while True:
            asked = {"limit": "5", "event": "entry.recorded"} | ({"cursor": cursor} if cursor else {})
            page = done(office.officer.get(path, params=asked))
            seen += [one["id"] for one in page["data"]]
            cursor = page["page"]["next_cursor"]
            if not cursor:
                break
            foreign = office.officer.get(path, params={"cursor": cursor})
            assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_mismatch")
        assert len(seen) == len(set(seen)) == 7
        assert sorted(seen, reverse=True) == seen
        assert office.deliveries(made["id"], state="pending") == []
        assert len(office.deliveries(made["id"], state="delivered")) == 14


def test_the_log_says_who_did_what_with_a_subscription_and_still_verifies(database_url: str):
    with open_office(database_url) as office:
        made = office.subscribe("/a")
        office.change(made["id"], description="x")
        done(office.officer.post(f"/v1/subscriptions/{made['id']}/secrets", json={}))
        done(office.officer.delete(f"/v1/subscriptions/{made['id']}"))
        history = done(office.officer.get("/v1/audit/records", params={"entity_id": made["id"]}))["data"]
        verbs = [one["action"].removeprefix("subscription.") for one in history]
        assert verbs == ["created", "changed", "secret_rotated", "ended"]
        assert {one["actor"] for one in history} == {"olivia"}
        with office.server.desk.database.reading() as connection:
            assert audit.verify(connection, "main").holds
