"""Hostile values in every slot of every operation, as everybody: never a server error, and two databases that agree.

The same requests go to a world on SQLite and to one on PostgreSQL. What is refused by reading alone is the same by
construction and asked once; what gets as far as the database is asked of both, and must be answered alike. An ordinary
run takes a seeded sample of the values for every slot; the soak takes all of them, as every role.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests.api.document import KNOWN, OPERATIONS
from tests.api.examples import EXAMPLES, Example, able
from tests.api.hostile import DICTIONARY, Hostile, Slot, slots
from tests.api.judging import complaints
from tests.api.wire import PROBLEM, Ask, Reply
from tests.api.world import ROLES, World, ids_in_order, moved, standing
from tests.databases import Databases

SEED = 20261124
EVERYBODY = ("anonymous", *ROLES)
HEADERS = ("Authorization", "Accept", "Content-Type", "Host", "X-Forwarded-For", "Cookie")
WITH_HEADERS = {"get_me", "create_recipient"}

# What is asked once: the request was not read further than its own bytes.
UNREAD = {
    "not_json", "duplicate_key", "number_refused", "not_unicode", "too_deep", "too_many_members", "body_too_large",
    "json_expected", "unknown_parameter", "parameter_twice", "invalid_body", "invalid_parameter", "bad_if_match",
    "bad_idempotency_key", "header_twice", "not_found", "method_not_allowed",
}  # fmt: skip

_IDS = re.compile(r"\b([a-z]{3,4})_[0-9a-f]{32}\b")
_SECRETS = re.compile(r'"(leaf|secret|next_cursor|body|message_id|known_at|rows_digest|sha256)":"(\\.|[^"\\])*"')


def alike(reply: Reply) -> tuple[int, str]:
    """An answer without what is different from one run to the next: ids, secrets, hashes, cursors."""
    text = _SECRETS.sub(r'"\1":"…"', _IDS.sub(r"\1_…", reply.body.decode()))
    text = re.sub(r'"size_bytes":\d+', '"size_bytes":0', text)  # of a file with ids and moments in it
    return reply.status, text


@dataclass
class Counted:
    """What a run looked at and what it found."""

    slots: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    compared: int = 0
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        by_status = ", ".join(f"{many} x {status}" for status, many in sorted(self.answers.items()))
        return f"{self.slots} slots; {by_status}; {self.compared} compared, {self.repeated} texts came back as sent"


class Trial(NamedTuple):
    """One operation by one of its examples, tried as somebody."""

    operation: str
    make: Example
    who: str


class Two:
    """The same request to two worlds, each with its own ids."""

    def __init__(self, worlds: list[World], trial: Trial) -> None:
        self.worlds, self.trial = worlds, trial
        self.asks: list[Ask] = []
        self.renew()

    def renew(self) -> None:
        """What the requests are about, once more: the last request used it up."""
        self.asks = [self.trial.make(world, "rhea") for world in self.worlds]

    def slots(self) -> Iterator[Slot]:
        said = OPERATIONS[self.trial.operation].said
        return slots(self.asks[0], said, HEADERS if self.trial.operation in WITH_HEADERS else ())

    def send(self, slot: Slot, value: Hostile) -> list[tuple[Ask, Reply]]:
        asked = [slot.put(ask, value) for ask in self.asks]
        first = self.worlds[0].ask(self.trial.who, asked[0])
        if first.status >= 400 and first.code in UNREAD:
            return [(asked[0], first)]
        others = zip(asked[1:], self.worlds[1:], strict=True)
        return [(asked[0], first), *((ask, world.ask(self.trial.who, ask)) for ask, world in others)]


def try_all(two: Two, values: Callable[[], list[Hostile]], counted: Counted) -> None:
    """Every slot with the values, and everything that is wrong with the answers."""
    operation, who = two.trial.operation, two.trial.who
    for slot in two.slots():
        counted.slots += 1
        for value in values():
            if not fits(slot, value):
                continue
            answered = two.send(slot, value)
            for ask, reply in answered:
                counted.answers[reply.status] += 1
                where = f"{operation} as {who}, {slot.name}, {value.name}"
                counted.wrong += [f"{where}: {one}" for one in wrong_with(ask, reply)]
            _compare(two, slot, value, answered, counted)
            if answered[0][1].status < 300 and OPERATIONS[operation].method != "GET":
                two.renew()


def fits(slot: Slot, value: Hostile) -> bool:
    """What HTTP itself can carry there: the line of a request has its bound, and no server of ours sees more."""
    return slot.fits(value) and (slot.name.startswith(("body", "key")) or len(value.text) < 8_000)


def wrong_with(ask: Ask, reply: Reply) -> list[str]:
    if reply.status >= 500:
        return [f"{reply.status} {reply.body[:200]!r}"]
    if reply.status < 400 or (reply.status == 400 and reply.body == b"Invalid HTTP request received."):
        return []
    return [one for one in complaints(ask, reply) if reply.kind == PROBLEM or "no problem document" in one]


def _compare(two: Two, slot: Slot, value: Hostile, answered: list[tuple[Ask, Reply]], counted: Counted) -> None:
    if len(answered) == 1:
        return
    counted.compared += 1
    where = f"{two.trial.operation} as {two.trial.who}, {slot.name}, {value.name}"
    (_, one), (_, other) = answered
    if alike(one) != alike(other):
        counted.wrong.append(f"{where}: the databases disagree: {alike(one)!s:.300} / {alike(other)!s:.300}")
    if one.status == 201:
        counted.wrong += [f"{where}: {line}" for line in _read_again(two, one, other)]
        counted.repeated += repeats(one, slot, value)


def _read_again(two: Two, one: Reply, other: Reply) -> Iterator[str]:
    """What was created is read back alike from both."""
    bodies = [reply.json() for reply in (one, other)]
    noun = {"ent": "entries", "rec": "recipients", "emp": "employers", "pol": "policies"}
    if isinstance(bodies[0], dict) and (prefix := str(bodies[0].get("id"))[:3]) in noun:
        asks = [Ask("GET", f"/v1/{noun[prefix]}/{body['id']}") for body in bodies]
        read = [world.ask("officer", ask) for world, ask in zip(two.worlds, asks, strict=True)]
        if alike(read[0]) != alike(read[1]) or read[0].status != 200:
            yield f"is read back differently: {alike(read[0])!s:.300} / {alike(read[1])!s:.300}"


VERBATIM = ("/purpose", "/venue", "/giver", "/person", "/hosts/0", "/facts/life_event", "/phone")


def repeats(reply: Reply, slot: Slot, value: Hostile) -> bool:
    """Whether free text that was taken came back exactly as it was sent."""
    if "/entry/" in slot.name:  # a draft takes what other systems say, and fits it to what an entry may hold
        return False
    if not slot.name.endswith(VERBATIM) or not value.fragment.startswith('"') or "set" in slot.name:
        return False
    assert json.loads(value.fragment) in list(_texts(reply.json())), (slot.name, value.name, reply.body[:500])
    return True


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def trials(who: str | None) -> list[Trial]:
    """Every example of every operation, as whoever may do it or as somebody."""
    return [Trial(operation, make, who or able(operation)) for operation in KNOWN for make in EXAMPLES[operation]]


@pytest.fixture
def pair(databases: Databases, postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[World]]:
    """A world on each kind of database."""
    ids_in_order(monkeypatch)
    with ExitStack() as stack:
        urls = [stack.enter_context(databases.fresh(kind)) for kind in ("sqlite", "postgres")]
        yield [stack.enter_context(standing(url)) for url in urls]


def test_the_dictionary_is_large_enough():
    assert len(DICTIONARY) >= 60
    assert len({one.name for one in DICTIONARY}) == len(DICTIONARY)


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_a_sample_of_hostile_values_in_every_slot(pair: list[World], tell: Callable[[str], None]):
    """As whoever may do it; each value of the dictionary is tried in some slot of every operation that has enough."""
    chance, counted = random.Random(SEED), Counted()
    deck: list[Hostile] = []

    def dealt(many: int) -> list[Hostile]:
        """From a shuffled deck, dealt to the end before it is shuffled again."""
        while len(deck) < many:
            deck.extend(chance.sample(DICTIONARY, len(DICTIONARY)))
        return [deck.pop() for _ in range(many)]

    for trial in trials(None):
        try_all(Two(pair, trial), lambda: dealt(3), counted)
    assert counted.wrong == [], "\n".join(counted.wrong[:40])
    assert counted.slots > 600
    assert sum(counted.answers.values()) > 2 * counted.slots
    tell(str(counted))


@pytest.mark.postgres
def test_a_few_hostile_values_as_everybody(pair: list[World], tell: Callable[[str], None]):
    """Whoever may not do it is refused whatever it is, and never writes anything."""
    chance, counted = random.Random(SEED + 1), Counted()
    for who in EVERYBODY:
        for trial in chance.sample(trials(who), 10):
            two = Two(pair, trial)
            before = [world.kept() for world in pair]
            try_all(two, lambda: chance.sample(DICTIONARY, 1), counted)
            if who == "anonymous":
                assert [moved(kept, world.kept()) for kept, world in zip(before, pair, strict=True)] == [{}, {}]
    assert counted.wrong == [], "\n".join(counted.wrong[:40])
    tell(str(counted))


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("who", [None, *EVERYBODY])
def test_every_hostile_value_in_every_slot(pair: list[World], who: str | None, tell: Callable[[str], None]):
    """The whole dictionary, in every slot of every operation, as everybody."""
    counted = Counted()
    for trial in trials(who):
        try_all(Two(pair, trial), lambda: DICTIONARY, counted)
    assert counted.wrong == [], "\n".join(counted.wrong[:40])
    tell(str(counted))
