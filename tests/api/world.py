"""A firm with a past, people with and without keys, and a way to see whether anything was written at all."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import inspect

from app.domain.access import Role
from app.storage import ids, imports
from tests.api.wire import Ask, Reply, Wire
from tests.identity_provider import IdentityProvider, providing, settings_for
from tests.server import Caller, Clock, Server, serving

Json = dict[str, Any]

# Who asks: the first have no key or token that opens anything.
KEYLESS = ("anonymous", "malformed", "wrong_secret", "expired", "revoked", "other_audience")
ROLES = (
    "rep",
    "team_rep",
    "token_rep",
    "other_rep",
    "supervisor",
    "officer",
    "senior_officer",
    "auditor",
    "admin",
    "integration",
)
PRINCIPALS = (*KEYLESS, *ROLES)
PERSON = {
    "rep": "rhea",
    "team_rep": "tess",
    "token_rep": "toni",
    "other_rep": "ravi",
    "supervisor": "susan",
    "officer": "olivia",
    "senior_officer": "selma",
    "auditor": "arthur",
    "admin": "ada",
    "integration": "crm",
    "second_officer": "oscar",
}
ROLE_OF = {"team_rep": Role.REP, "token_rep": Role.REP, "other_rep": Role.REP, "second_officer": Role.OFFICER}

DAY = "2026-05-04"


def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets ids rise one by one also within a millisecond, so that two runs give their lists in the same order."""
    numbers = count(1)
    monkeypatch.setattr(ids, "os", SimpleNamespace(urandom=lambda size: next(numbers).to_bytes(size, "big")))


# Webhooks may be asked for, and none is sent.
QUIET: Mapping[str, Any] = {
    "worker_inside": False,
    "webhooks_allow_loopback": True,
    "secret_key": b64encode(bytes(32)).decode(),
}
_MOMENT = timedelta(milliseconds=1)


class World:
    """A running server with everybody who calls it, and ways to make what a request is about."""

    def __init__(self, server: Server, provider: IdentityProvider) -> None:
        self.server, self.provider = server, provider
        self._number = count(1)
        self.keys = {
            name: server.as_(ROLE_OF.get(name, Role(name) if name in set(Role) else Role.REP), person)
            for name, person in PERSON.items()
        }
        self._headers = {name: dict(caller_headers(caller)) for name, caller in self.keys.items()}
        self._headers |= self._without_a_key()
        self._headers["token_rep"] = self._token(PERSON["token_rep"])
        self._wires = {name: Wire(server.url, headers) for name, headers in self._headers.items()}
        self.the_team = self.team(supervisor="susan", members=("rhea", "tess"))

    def _without_a_key(self) -> dict[str, dict[str, str]]:
        expired = self.server.as_(Role.OFFICER, "eve", lifetime=_MOMENT)
        revoked = self.server.as_(Role.OFFICER, "rolf")
        ended = self.keys["admin"].delete(f"/v1/keys/{revoked.key_id}")
        assert ended.status_code == 200, ended.text
        key = self.keys["officer"].key
        self.server.clock.forward(seconds=1)
        return {
            "anonymous": {},
            "malformed": {"Authorization": f"Bearer {key[:-1]}"},
            "wrong_secret": {"Authorization": f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}"},
            "expired": caller_headers(expired),
            "revoked": caller_headers(revoked),
            "other_audience": self._token("olivia", "g-officers", aud="another"),
        }

    def _token(self, person: str, *groups: str, **more: Any) -> dict[str, str]:
        """Somebody whom the identity provider names, for as long as any test may take."""
        until = int((self.server.clock.now + timedelta(days=3650)).timestamp())
        return {"Authorization": f"Bearer {self.provider.token(person, *groups, exp=until, **more)}"}

    def ask(self, who: str, ask: Ask) -> Reply:
        """What somebody is answered."""
        return self._wires[who](ask)

    def key_of(self, who: str) -> str:
        """The id of somebody's key."""
        return self.keys[who].key_id

    def wire(self, who: str) -> Wire:
        """A connection of its own for somebody, for whoever asks from a thread."""
        return Wire(self.server.url, self._headers[who])

    def new(self, word: str) -> str:
        """A name that nothing has yet."""
        return f"{word} {next(self._number)}"

    def done(self, who: str, ask: Ask) -> Any:
        """The answer to what must succeed."""
        reply = self.ask(who, ask)
        assert reply.status < 300, (reply.status, reply.body[:2000])
        return reply.json()

    # What requests are about

    def person(self, **more: Any) -> Json:
        """Somebody whom no entry has named yet, as an entry names them."""
        number = self.new("p")
        named = {"external_id": {"source": "crm", "id": number}, "name": f"Person {number}"}
        return named | {"employer": "Northgate Capital", "type": "institutional_employee"} | more

    def gift(self, giver: str, amount: str = "40.00", *people: Json, **more: Any) -> Json:
        """The body of an entry."""
        body = {"occurred_on": DAY, "kind": "gift", "giver": giver, "total": {"amount": amount, "currency": "USD"}}
        return body | {"recipients": list(people) or [self.person()]} | more

    def entry(self, giver: str, amount: str = "40.00", *people: Json, by: str = "officer", **more: Any) -> Json:
        """An entry of somebody's, handed in by an officer unless said otherwise."""
        return self.done(by, Ask("POST", "/v1/entries", body=self.gift(giver, amount, *people, **more)))

    def recipient(self, **more: Any) -> Json:
        """A recipient."""
        body = {"name": self.new("Recipient"), "type": "institutional_employee"} | more
        return self.done("officer", Ask("POST", "/v1/recipients", body=body))

    def employer(self) -> Json:
        """An employer."""
        return self.done("officer", Ask("POST", "/v1/employers", body={"name": self.new("Employer")}))

    def policy(self, by: str = "officer") -> Json:
        """A draft that says what is in force already."""
        now = self.done("officer", Ask("GET", "/v1/policies/in-force"))
        body = {"name": self.new("Policy"), "rules": now["rules"], "settings": now["settings"]}
        return self.done(by, Ask("POST", "/v1/policies", body=body))

    def key(self, person: str = "kim") -> Json:
        """A key of a representative."""
        body = {"name": self.new("key"), "role": "rep", "person": person}
        return self.done("admin", Ask("POST", "/v1/keys", body=body))

    def team(self, *, supervisor: str = "", members: tuple[str, ...] = ()) -> Json:
        """A team with its people, since before everything that happens."""
        known = self.done("admin", Ask("GET", "/v1/teams"))["data"]  # of an earlier server on the same database
        name = self.new(f"Team {len(known)}")
        team: Json = self.done("admin", Ask("POST", "/v1/teams", body={"name": name}))
        for part, people in (("supervisor", (supervisor,) if supervisor else ()), ("member", members)):
            for person in people:
                self.join(team, person, part)
        return team

    def join(self, team: Json, person: str, part: str = "member") -> Json:
        """Somebody's days in a team."""
        body = {"person": person, "part": part, "from_on": "2020-01-01"}
        return self.done("admin", Ask("POST", f"/v1/teams/{team['id']}/memberships", body=body))

    def user(self, role: str = "rep") -> Json:
        """Somebody who can sign in."""
        person = self.new("user")
        body = {
            "person": person,
            "name": f"Una {person}",
            "role": role,
            "email": f"{person.replace(' ', '-')}@firm.example",
        }
        return self.done("admin", Ask("POST", "/v1/users", body=body))

    # What is kept

    def kept(self) -> dict[str, tuple[int, str]]:
        """Every table: how many rows it has, and a digest of all that they say. The audit head is one of them.

        What a file handed in sets going beside the requests has ended by then.
        """
        while not self._at_rest():
            time.sleep(0.01)
        found = {}
        with self.server.desk.database.reading() as connection:
            for table in inspect(connection).get_table_names():
                rows = sorted(repr(tuple(row)) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"'))
                found[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return found

    def _at_rest(self) -> bool:
        with self.server.desk.database.reading() as connection:
            return not imports.waiting(connection)

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()


def caller_headers(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.key}"}


def moved(before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, int]]:
    """The tables that say something else now: how many rows they had and have."""
    return {name: (before[name][0], after[name][0]) for name in after if before[name] != after[name]}


@contextmanager
def standing(url: str, **settings: Any) -> Iterator[World]:
    """A world on a migrated database until the block ends. No worker writes beside the requests."""
    clock = Clock()
    with (
        providing(clock) as provider,
        serving(url, clock=clock, **QUIET, **settings_for(provider), **settings) as server,
    ):
        world = World(server, provider)
        try:
            yield world
        finally:
            world.close()
