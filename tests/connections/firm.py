"""A firm with connected systems: an administrator who connects them, an officer, a rep, and deliveries that arrive."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from app.domain.access import Role
from app.services.connections import Clerk
from tests.connections.senders import HUBSPOT_SECRET, PUBLIC_URL, Json, Sent, signed
from tests.server import Clock, Server, serving

KEY = b64encode(bytes(range(32))).decode()
QUIET = {
    "worker_inside": False,
    "public_url": PUBLIC_URL,
    "webhooks_allow_http": True,
    "webhooks_allow_loopback": True,
    "webhook_timeout_s": 2,
}


class Firm:
    """Everything that a story about connections needs."""

    def __init__(self, server: Server) -> None:
        self.server, self.clock = server, server.clock
        self.admin = server.as_(Role.ADMIN, "ada")
        self.officer = server.as_(Role.OFFICER, "olivia")
        self.rep = server.as_(Role.REP, "rhea")
        self.outside = server.stranger()

    def connect(self, provider: str, **more: Any) -> Json:
        """A new connection."""
        body = {"provider": provider, "name": provider, "source": "crm", **more}
        if provider == "hubspot":
            body.setdefault("secret", HUBSPOT_SECRET)
        return done(self.admin.post("/v1/connections", json=body))

    def change(self, connection: Json, **fields: Any) -> Json:
        """A connection after a change."""
        path = f"/v1/connections/{connection['id']}"
        version = done(self.admin.get(path))["version"]
        return done(self.admin.patch(path, json=fields, headers={"If-Match": f'"v{version}"'}))

    def standing(self, connection: Json) -> Json:
        """A connection as it stands, with its health."""
        return done(self.admin.get(f"/v1/connections/{connection['id']}"))

    def send(self, sent: Sent) -> httpx.Response:
        """What a delivery is answered."""
        return self.outside.post(sent.path, content=sent.body, headers=dict(sent.headers))

    def deliver(self, connection: Json, body: bytes | Json | list[Json], **said: Any) -> httpx.Response:
        """A proved delivery, at this moment."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.send(signed(connection["provider"], connection, raw, self.clock(), **said))
        assert answer.status_code < 300, (answer.status_code, answer.text[:500])
        return answer

    def settle(self) -> None:
        """Processes all that waits now."""
        clerk = Clerk(self.server.desk)
        while clerk.step():
            pass

    def told(self, connection: Json, *bodies: Any) -> None:
        """Deliveries, one after the other, processed as they come."""
        for number, body in enumerate(bodies):
            self.deliver(
                connection, body, id=f"msg_{body['id'] if isinstance(body, dict) and 'id' in body else number}"
            )
            self.settle()

    def person(self, external_id: str, source: str = "crm") -> Json:
        """The recipient of that id in the other system."""
        found = self.rows(
            f"SELECT recipient_id FROM external_ids WHERE source = '{source}' AND external_id = '{external_id}'"
        )
        assert len(found) == 1, (external_id, found)
        return done(self.officer.get(f"/v1/recipients/{found[0][0]}"))

    def state(self) -> Json:
        """What became of everything, without ids and moments of ours: whatever the order was, this is the same."""
        ids = dict(self.rows("SELECT recipient_id, source || ':' || external_id FROM external_ids"))
        employers = {None: None, **dict(self.rows("SELECT id, name FROM employers"))}
        people = self.rows("SELECT id, name, email, phone, type, employer_id, canonical_id FROM recipients")
        places = self.rows("SELECT recipient_id, effective_from, type, employer_id FROM places")
        drafts = "SELECT source, external_id, state, owner, about, label, document, source_document FROM drafts"
        proposals = self.rows("SELECT keep_id, drop_id, state FROM merge_proposals")
        return {
            "people": sorted(
                (ids[id], name, email, phone, type, employers[employer], ids[canonical])
                for id, name, email, phone, type, employer, canonical in people
            ),
            "places": sorted((ids[id], str(day), type, employers[employer]) for id, day, type, employer in places),
            "drafts": sorted(self.rows(drafts)),
            "proposals": sorted((ids[keep], ids[drop], state) for keep, drop, state in proposals),
            "records": sorted(self.rows("SELECT source, noun, external_id, state FROM counterparts")),
            "entries": self.rows("SELECT count(*) FROM entries"),
        }

    def receipts(self, connection: Json, **wanted: str) -> list[Json]:
        """What arrived, the oldest first."""
        path, params = f"/v1/connections/{connection['id']}/receipts", {"limit": "200", **wanted}
        return done(self.admin.get(path, params=params))["data"][::-1]

    def earlier(self, **duration: int) -> Any:
        """A moment before this one."""
        return self.clock() - timedelta(**duration)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        with self.server.desk.database.reading() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]


def done(answer: httpx.Response) -> Any:
    """The answer to what must succeed."""
    assert answer.status_code < 300, (answer.status_code, answer.text[:2000])
    return answer.json()


@contextmanager
def open_firm(url: str, **settings: Any) -> Iterator[Firm]:
    """A firm on a migrated database until the block ends."""
    with serving(url, clock=Clock(), **{"secret_key": KEY, **QUIET, **settings}) as server:
        yield Firm(server)
