"""Whatever the order in which authentic deliveries arrive, and however often each does, one state is the end of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import FreshDatabase
from tests.connections.firm import Firm, open_firm
from tests.connections.senders import Json, ours
from tests.databases import Kind
from tests.soaking import share

SEED = 20_261_124
MAPPING = {"reps": {"r1": "rhea", "r2": "ravi"}, "types": {"Trustee": "union_trustee"}, "default_kind": "meal"}


class Crm:
    """A CRM in the course of a year: people come, move, merge, are deleted and forgotten; meetings are called too."""

    def __init__(self, firm: Firm, chance: random.Random) -> None:
        self.chance, self.at = chance, firm.earlier(days=300)
        self.people: list[str] = []
        self.gone: set[str] = set()
        self.events: list[Json] = []
        for number in range(4):
            self.say("organization.created", f"o{number}", name=f"Firm {number}")

    def say(self, kind: str, id: str, **data: Any) -> None:
        self.events.append(ours(kind, id, self.at, key=f"e{len(self.events)}", **data))

    def history(self, many: int) -> list[Json]:
        """So many events, in the order in which they happened."""
        doings = {
            self.comes: 8, self.moves: 8, self.renames: 5, self.firm_renames: 1, self.calls: 6, self.cancels: 2,
            self.merges: 2, self.deletes: 2, self.restores: 1, self.erases: 1,
        }  # fmt: skip
        while len(self.events) < many:
            self.at += timedelta(minutes=self.chance.randint(0, 600))
            [doing] = self.chance.choices(list(doings), list(doings.values()))
            (doing if len(self.alive) > 3 else self.comes)()
        return self.events

    @property
    def alive(self) -> list[str]:
        return [one for one in self.people if one not in self.gone]

    def firm(self) -> str:
        return f"o{self.chance.randrange(4)}"

    def someone(self) -> str:
        return self.chance.choice(self.alive)

    def comes(self) -> None:
        self.people.append(f"c{len(self.people)}")
        name = f"Person {len(self.people)} {self.chance.choice('XYZ')}"
        self.say("contact.created", self.people[-1], name=name, organization_id=self.firm(), owner="r1")

    def moves(self) -> None:
        self.say(
            "contact.updated", self.someone(), organization_id=self.firm(), type=self.chance.choice(["Trustee", "x"])
        )

    def renames(self) -> None:
        who = self.someone()
        self.say("contact.updated", who, name=f"Renamed {len(self.events)}", email=f"{who}@example.com")

    def firm_renames(self) -> None:
        self.say("organization.updated", self.firm(), name=f"Firm of {len(self.events)}")

    def calls(self) -> None:
        some = self.chance.sample(self.people, min(3, len(self.people)))
        said = {
            "title": f"M {len(self.events)}",
            "starts_at": self.at.isoformat(),
            "owner": self.chance.choice(["r1", "r2"]),
        }
        listed = [{"external_id": one, "name": one} for one in some]
        self.say("meeting.updated", f"m{self.chance.randrange(12)}", attendees=listed, **said)

    def cancels(self) -> None:
        self.say("meeting.cancelled", f"m{self.chance.randrange(12)}")

    def merges(self) -> None:
        keep, drop = self.chance.sample(self.alive, 2)
        self.gone.add(drop)
        self.say("contact.merged", keep, merged_ids=[drop])

    def deletes(self) -> None:
        self.say("contact.deleted", self.someone())

    def restores(self) -> None:
        self.say("contact.restored", self.someone())

    def erases(self) -> None:
        who = self.someone()
        self.gone.add(who)
        self.say("contact.erased", who)


def batched(firm: Firm, connection: Json, events: list[Json], chance: random.Random) -> None:
    """Delivers in batches of any size, processed now and then."""
    place = 0
    while place < len(events):
        size = chance.randint(1, 60)
        firm.deliver(connection, events[place : place + size])
        place += size
        if chance.random() < 0.5:
            firm.settle()
    firm.settle()


def orders(events: list[Json], chance: random.Random, many: int) -> Iterator[list[Json]]:
    """The order of what happened, its reverse, and others, each with some events several times."""
    yield list(events)
    yield events[::-1]
    for _ in range(many - 2):
        again = [*events, *chance.choices(events, k=len(events) // 3)]
        chance.shuffle(again)
        yield again


def one_end(fresh_database: FreshDatabase, kind: Kind, merges: str, events: int, many: int, seed: int) -> Json:
    """The state that all orders end in. Raises AssertionError with the seed where two differ."""
    first: Json | None = None
    for number in range(many):
        with open_firm(fresh_database(kind)) as firm:
            said = Crm(firm, random.Random(seed)).history(events)
            order = list(orders(said, random.Random(seed + 1), many))[number]
            connection = firm.connect("salesforce_flow", mapping={**MAPPING, "merges": merges})
            batched(firm, connection, order, random.Random(seed + number))
            assert [one for one in firm.receipts(connection) if one["state"] not in ("processed", "erased")] == []
            state = firm.state()
        first = first or state
        for part in first:
            assert state[part] == first[part], f"seed {seed}, order {number}: {part} differ"
    assert first is not None
    return first


@pytest.mark.parametrize("merges", ["propose", "apply"])
def test_any_order_with_any_copies_ends_alike(
    fresh_database: FreshDatabase, database_kind: Kind, merges: str, tell: Callable[[str], None]
):
    state = one_end(fresh_database, database_kind, merges, 70, 4, SEED)
    said = {part: len(found) for part, found in state.items()}
    assert min(said["people"], said["drafts"], said["records"]) >= 3
    tell(f"seed {SEED}, {merges}: {said}")


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("merges", ["propose", "apply"])
def test_a_thousand_events_in_twenty_orders_end_alike(
    fresh_database: FreshDatabase, database_kind: Kind, merges: str, tell: Callable[[str], None]
):
    state = one_end(fresh_database, database_kind, merges, share(1000), max(3, share(20)), SEED + 100)
    tell(f"seed {SEED + 100}, {merges}: { ({part: len(found) for part, found in state.items()}) }")
