"""A firm with a receiver: somebody who subscribes, somebody who records, and a courier that goes when it is told to."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.domain.access import Role
from app.services import targets
from app.services.deliveries import Courier
from app.services.targets import Caller
from tests.server import Caller as Person
from tests.server import Clock, Server, serving
from tests.sink import Received, Sink, receiving

Json = dict[str, Any]
KEY = b64encode(bytes(range(32))).decode()
# What every test here allows: a receiver on this machine, without TLS. All other addresses stay denied.
NEAR = {"webhooks_allow_http": True, "webhooks_allow_loopback": True, "webhook_timeout_s": 1, "worker_inside": False}


class PostOffice:
    """Everything that a story about webhooks needs."""

    def __init__(self, server: Server, sink: Sink) -> None:
        self.server, self.sink, self.clock = server, sink, server.clock
        self.officer = server.as_(Role.OFFICER, "olivia")
        self.rep = server.as_(Role.REP, "rhea")
        self.courier = Courier(server.desk)

    # What people do

    def subscribe(self, path: str = "/", *events: str, by: Person | None = None, **more: Any) -> Json:
        """A subscription of the officer's to some events, or all."""
        body = {"url": self.sink.url + path, "events": list(events) or ["*"], **more}
        return done((by or self.officer).post("/v1/subscriptions", json=body))

    def gift(self, amount: str = "40.00", person: str = "dana", **more: Any) -> Json:
        """An entry of the representative's."""
        return done(self.rep.post("/v1/entries", json=gift(amount, person) | more))

    def subscription(self, id: str) -> Json:
        """A subscription as it stands."""
        return done(self.officer.get(f"/v1/subscriptions/{id}"))

    def change(self, id: str, by: Person | None = None, **fields: Any) -> Json:
        """A subscription after a change."""
        version = self.subscription(id)["version"]
        headers = {"If-Match": f'"v{version}"'}
        return done((by or self.officer).patch(f"/v1/subscriptions/{id}", json=fields, headers=headers))

    def deliveries(self, id: str, **wanted: str) -> list[Json]:
        """The deliveries of a subscription, the oldest first."""
        found = done(self.officer.get(f"/v1/subscriptions/{id}/deliveries", params={"limit": "200", **wanted}))
        return list(reversed(found["data"]))

    def attempts(self, delivery_id: str) -> list[Json]:
        """The attempts at a delivery."""
        return done(self.officer.get(f"/v1/deliveries/{delivery_id}/attempts"))["data"]

    # What the courier does

    def in_a_hurry(self) -> None:
        """Makes the courier give up on a receiver after two seconds, for stories of receivers that hang."""
        self.courier.close()
        self.courier = Courier(self.server.desk, Caller(targets.allowed_by(self.server.desk.settings), 2))

    def deliver(self) -> None:
        """Everything that is to be made and sent at this moment."""
        for _ in range(500):
            busy = self.courier.step()
            self.courier.settle()
            if not busy:
                return
        raise AssertionError("the courier never comes to rest")

    def until_settled(self, id: str, *, most: int = 30) -> list[timedelta]:
        """Delivers, and lets time pass until nothing is pending; the waiting times in between."""
        waits: list[timedelta] = []
        self.deliver()
        for _ in range(most):
            pending = self.deliveries(id, state="pending")
            if not pending:
                return waits
            at = min(datetime.fromisoformat(one["next_attempt_at"]) for one in pending)
            waits.append(at - self.clock.now)
            self.clock.now = at
            self.deliver()
        raise AssertionError(f"still pending after {most} rounds")

    # What is kept

    def count(self, statement: str, **values: object) -> int:
        """The number that a statement finds in the database."""
        with self.server.desk.database.reading() as connection:
            return int(connection.execute(text(statement), values).scalar_one())

    def log_size(self) -> int:
        return self.count("SELECT size FROM audit_heads")


def gift(amount: str = "40.00", person: str = "dana") -> Json:
    """The body of an entry."""
    recipient = {
        "external_id": {"source": "crm", "id": person},
        "name": f"Person {person.title()}",
        "employer": "Northgate Capital",
        "type": "institutional_employee",
    }
    total = {"amount": amount, "currency": "USD"}
    return {"occurred_on": "2026-05-04", "kind": "gift", "total": total, "recipients": [recipient]}


def done(answer: Any) -> Any:
    """The body of an answer that must be good."""
    assert answer.status_code < 300, (answer.status_code, answer.text)
    return answer.json()


def said(one: Received) -> Json:
    """What a message says."""
    return json.loads(one.body)


def now() -> Clock:
    """A clock that stands at the machine's present: signatures are only good for minutes."""
    clock = Clock()
    clock.now = datetime.now(UTC)
    return clock


@contextmanager
def open_office(url: str, *, clock: Clock | None = None, **settings: Any) -> Iterator[PostOffice]:
    """A post office on a migrated database until the block ends."""
    key = {} if url.startswith("sqlite") else {"secret_key": KEY}
    with receiving() as sink, serving(url, clock=clock, **(NEAR | key | settings)) as server:
        office = PostOffice(server, sink)
        try:
            yield office
        finally:
            sink.ended.set()
            sink.let_go.set()
            office.courier.close()
