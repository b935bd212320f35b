"""Sending: the courier makes deliveries of what is committed, claims what is due, sends it, and keeps what came of it.

A delivery is claimed with a lease in one transaction, sent outside of any, and settled in another. Whoever dies in
between leaves a lease that runs out, and the message goes out again under the same id: at least once.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.subscriptions import DeliveryState, Result, is_delivered, is_gone, next_attempt, pause, signatures
from app.services import secrets, subscriptions, targets
from app.services.deliveries.fanning_out import fan_out, repeat, something_to_make
from app.services.desk import Desk
from app.services.targets import Caller
from app.storage import deliveries
from app.storage import subscriptions as rows
from app.storage.database import DatabaseAway
from app.storage.deliveries import Attempt, KnownDelivery
from app.storage.ids import new_id
from app.storage.subscriptions import KnownSecret, KnownSubscription

_log = logging.getLogger(__name__)
_ROUNDS = 20
_AT_ONCE = 16
_AT_ONCE_FOR_ONE = 4
_LEASE_BEYOND = timedelta(seconds=45)


class Claimed(NamedTuple):
    """A delivery that this process may send until its lease runs out, where to, and the secrets to sign it with."""

    delivery: KnownDelivery
    subscription: KnownSubscription
    secrets: Sequence[KnownSecret]


class Courier:
    """Delivers for one process: several at once, and few enough to one receiver that it cannot hold up the others."""

    def __init__(self, desk: Desk, caller: Caller | None = None) -> None:
        settings = desk.settings
        self._desk = desk
        self._caller = caller or Caller(targets.allowed_by(settings), settings.webhook_timeout_s)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="courier")
        self._under_way: dict[Future[None], str] = {}
        self._lock = threading.Lock()
        self._news = threading.Event()

    def run(self, stop: threading.Event, *, every_s: int = 1) -> None:
        """Delivers until asked to stop; looks again at intervals, and as soon as there is room."""
        while not stop.is_set():
            self._news.clear()
            if not self._stepped():
                self._news.wait(every_s)
        self.close()

    def wake(self) -> None:
        """Looks again now."""
        self._news.set()

    def _stepped(self) -> bool:
        try:
            return self.step()
        except DatabaseAway as away:
            _log.warning("nothing is delivered: %s", away.detail)
        except Exception:  # noqa: BLE001 - whatever it is, it may be over at the next look
            _log.exception("the courier stumbled")
        return False

    def step(self) -> bool:
        """Makes what is to be made, begins to send what is due and has room; whether there was anything to do."""
        return self.make() | self._begin()

    def make(self) -> bool:
        """Makes the deliveries of everything committed so far; whether there were any to make."""
        with self._desk.database.reading() as connection:
            if not something_to_make(connection, self._desk):
                return False
        rounds = 0
        while rounds < _ROUNDS and self._desk.database.write(self._make_some):
            rounds += 1
        return rounds > 0

    def _make_some(self, connection: Connection) -> int:
        return fan_out(connection, self._desk) + repeat(connection, self._desk)

    def settle(self) -> None:
        """Waits until everything that was begun has ended."""
        while under_way := list(self._under_way):
            wait(under_way)
            for one in under_way:
                one.result()

    def close(self) -> None:
        """Begins nothing more, and waits for what is on its way."""
        self._pool.shutdown(wait=True)

    def _begin(self) -> bool:
        now = self._desk.clock()
        with self._desk.database.reading() as connection:
            due = deliveries.due_subscriptions(connection, now)
        begun = False
        for subscription_id in due:
            if room := self._room(subscription_id):
                begun |= self._send_some(subscription_id, room)
        return begun

    def _room(self, subscription_id: str) -> int:
        with self._lock:
            busy = Counter(self._under_way.values())
        return max(0, min(_AT_ONCE - busy.total(), _AT_ONCE_FOR_ONE - busy[subscription_id]))

    def _send_some(self, subscription_id: str, room: int) -> bool:
        claimed = self._desk.database.write(lambda connection: self._claim(connection, subscription_id, room))
        for one in claimed:
            future = self._pool.submit(self.deliver, one)
            with self._lock:
                self._under_way[future] = subscription_id
            future.add_done_callback(self._forget)
        return bool(claimed)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._under_way.pop(future, None)
        self._news.set()

    def _claim(self, connection: Connection, subscription_id: str, room: int) -> list[Claimed]:
        now = self._desk.clock()
        until = now + timedelta(seconds=self._desk.settings.webhook_timeout_s) + _LEASE_BEYOND
        found = deliveries.claim(connection, subscription_id, lease=new_id("lse"), now=now, until=until, limit=room)
        subscription = rows.by_id(connection, subscription_id)
        if not found or subscription is None:
            return []
        held = subscriptions.secrets_of(connection, subscription_id, now)
        return [Claimed(one, subscription, held) for one in found]

    def deliver(self, one: Claimed) -> None:
        """Sends a claimed delivery and keeps what came of it; where we fail, it goes again when the lease ends."""
        try:
            started = self._desk.clock()
            result, took_ms = self._sent(one, started)
            self._desk.database.write(lambda connection: self._keep(connection, one, result, started, took_ms))
        except Exception:  # noqa: BLE001 - whatever it is, the next delivery is not to suffer from it
            _log.exception("delivery %s could not be carried out", one.delivery.id)

    def _sent(self, one: Claimed, now: datetime) -> tuple[Result, int]:
        body = one.delivery.body.encode()
        try:
            held = subscriptions.unsealed(self._desk, one.secrets)
        except (secrets.Unreadable, secrets.NoSecretKey):
            _log.error("the secrets of %s cannot be read with this installation's key", one.subscription.id)
            return Result(None, "secret_unreadable"), 0
        if not held:
            return Result(None, "no_secret"), 0
        return self._caller.post(one.subscription.url, _headers(held, one.delivery.message_id, now, body), body)

    def _keep(self, connection: Connection, one: Claimed, result: Result, started: datetime, took_ms: int) -> None:
        """The attempt, how the delivery stands after it, and what that says of the receiver."""
        number = one.delivery.attempts + 1
        if is_delivered(result):
            rows.note_success(connection, one.subscription.id)
        else:
            self._keep_failure(connection, one.subscription.id, result)
        attempt = Attempt(new_id("att"), one.delivery.id, number, started, took_ms, result.status, result.error)
        deliveries.add_attempt(connection, attempt)
        after = _after(one.delivery, number, result, self._desk.clock())
        if not deliveries.settle(connection, after, lease=str(one.delivery.lease)):
            _log.warning("delivery %s took so long that somebody else has it", one.delivery.id)

    def _keep_failure(self, connection: Connection, subscription_id: str, result: Result) -> None:
        now = self._desk.clock()
        rest = pause(result)
        rows.note_failure(connection, subscription_id, at=now, paused_until=now + rest if rest else None)
        stands = rows.by_id(connection, subscription_id)
        patience = timedelta(days=self._desk.settings.webhook_disable_days)
        if is_gone(result):
            subscriptions.disable(connection, self._desk, subscription_id, reason="gone")
        elif stands is not None and stands.failing_since is not None and now - stands.failing_since >= patience:
            subscriptions.disable(connection, self._desk, subscription_id, reason="failing")


def _after(before: KnownDelivery, number: int, result: Result, now: datetime) -> KnownDelivery:
    after = before._replace(attempts=number, last_status=result.status, last_error=result.error)
    if is_delivered(result):
        return after._replace(state=DeliveryState.DELIVERED.value, next_attempt_at=None, finished_at=now)
    again = next_attempt(before.id, number, now, result)
    if again is None:
        return after._replace(state=DeliveryState.DEAD.value, next_attempt_at=None, finished_at=now)
    return after._replace(next_attempt_at=again)


def _headers(held: Sequence[str], message_id: str, now: datetime, body: bytes) -> Mapping[str, str]:
    timestamp_s = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "Propriety-Webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": signatures(held, message_id, timestamp_s, body),
    }
