"""Meetings: corrections of one thing, and whatever else concerns it, sent at the same instant.

Each meeting has a scene of its own: three people with an entry each, and an employer. Its requests go out at once from
as many clients as there are; what may be answered is known, and who of several wins is not. What the books then hold is
rebuilt as facts, and the oracle says what must follow from them.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.domain.money import format_minor
from app.services import policies
from tests.machines.checking import differences, read, rows
from tests.machines.facts import Facts, Noted, Version, expected
from tests.processes import Answer, Line, request

RULE = {
    "measure": "amount",
    "limit_schedule": [{"limit": "100.00", "effective_from": None, "effective_to": None}],
    "currency": "USD",
    "exceed": "gt",
    "basis": "per_recipient",
    "period": {"type": "calendar_year"},
    "direction": "given",
    "counts": ["gift"],
    "applies_to": ["business"],
    "excludes": [],
    "valuation": "cost",
    "warn_at": "0.80",
}
RULES = [
    {**RULE, "id": "year", "name": "year"},
    {**RULE, "id": "first", "name": "first", "period": {"type": "first_gift_year"}},
    {**RULE, "id": "place", "name": "place", "basis": "per_recipient_employer", "period": {"type": "rolling_12m"}},
    {
        **RULE,
        "id": "firm",
        "name": "firm",
        "basis": "per_employer",
        "limit_schedule": [{"limit": "150.00", "effective_from": None, "effective_to": None}],
    },
]
DAY = date(2025, 5, 6)


def document(limit: str = "100.00") -> dict[str, Any]:
    """A policy of four rules: people, people at a place, and employers are added up, over three kinds of periods."""
    row = {"limit": limit, "effective_from": None, "effective_to": None}
    return {"name": "Races", "rules": [{**rule, "limit_schedule": [row]} for rule in RULES], "settings": {}}


@dataclass
class Scene:
    """Three people, their entries, and the client who sets the scene."""

    name: str
    line: Line
    keys: Sequence[str]
    people: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)

    def person(self, who: str, **said: Any) -> dict[str, Any]:
        """Somebody who is known."""
        return {"external_id": {"source": "crm", "id": f"{self.name}-{who}"}, **said}

    def newcomer(self, who: str, employer: str = "") -> dict[str, Any]:
        """Somebody as who introduces them says."""
        said = {"name": f"{who} {self.name}", "employer": employer or self.employer, "type": "institutional_employee"}
        return self.person(who, **said)

    @property
    def employer(self) -> str:
        return f"Firm {self.name}"

    @property
    def elsewhere(self) -> str:
        return f"Elsewhere {self.name}"

    def gift(self, cents: int, *people: dict[str, Any], days: int = 0) -> dict[str, Any]:
        return {
            "occurred_on": (DAY + timedelta(days=days)).isoformat(),
            "kind": "gift",
            "total": {"amount": f"{cents // 100}.{cents % 100:02d}", "currency": "USD"},
            "recipients": list(people),
            "purpose": self.name,
        }

    def asks(self, method: str, path: str, body: Any = None, *, by: int = 0, **headers: str) -> bytes:
        return request(method, path, self.keys[by], body, **headers)

    def create(self, body: dict[str, Any]) -> bytes:
        return self.asks("POST", "/v1/entries", body)

    def create_each(self, key: str, bodies: Sequence[dict[str, Any]]) -> bytes:
        """Several in one batch."""
        return self.asks("POST", "/v1/entries/batch", {"entries": bodies}, Idempotency_Key=f"{self.name}-{key}")

    def over(self, who: str) -> str:
        """Puts somebody over the limit beforehand; the id of the violation for the year."""
        self.line.send(self.create(self.gift(9000, self.person(who), days=1)))
        answer = self.line.receive()
        assert answer.status == 201, answer.body
        [case] = [one for one in answer.json["violations"] if one["rule_id"] == "year"]
        return str(case["id"])

    def decide(self, violation_id: str) -> bytes:
        """The second officer confirms a violation as it was opened."""
        said = {"outcome": "confirmed", "reason_code": "breach_education", "corrective_action": "training"}
        path = f"/v1/violations/{violation_id}/dispositions"
        return self.asks("POST", path, said | {"note": "as it is"}, by=1, If_Match='"v1"')

    def correct(self, who: str, what: str, body: dict[str, Any], *, by: int = 0) -> bytes:
        """A correction of somebody's entry, at the version it had when the scene was set."""
        return self.asks("POST", f"/v1/entries/{self.entries[who]}/{what}", body, by=by, If_Match='"v1"')

    def amend(self, who: str, **changes: Any) -> bytes:
        return self.correct(who, "amendments", {"reason": "as it was", "set": changes})

    def merge(self, keep: str, drop: str) -> bytes:
        body = {"recipient_id": self.people[drop], "reason": "one person"}
        return self.asks("POST", f"/v1/recipients/{self.people[keep]}/merges", body)

    def merged(self, keep: str, drop: str) -> str:
        """Merges them beforehand; the id of the merge."""
        self.line.send(self.merge(keep, drop))
        answer = self.line.receive()
        assert answer.status == 201, answer.body
        return str(answer.json["merge"]["id"])

    def unmerge(self, merge_id: str) -> bytes:
        return self.asks("DELETE", f"/v1/merges/{merge_id}?reason=two")

    def change(self, who: str, version: int = 1, **said: Any) -> bytes:
        body = {"reason": "moved", "effective_from": DAY.isoformat(), **said}
        return self.asks("PATCH", f"/v1/recipients/{self.people[who]}", body, If_Match=f'"v{version}"')


class Meeting(NamedTuple):
    """Requests that go out at once, and which answers each may get; `wins` is how many succeed, where it is known."""

    requests: Sequence[bytes]
    may: Sequence[set[int]]
    wins: int | None = None


Kind = Callable[[Scene, random.Random, int], Meeting]
FINE, STALE, CONFLICT = 201, 412, 409


def _with_creates(scene: Scene, rng: random.Random, clients: int, first: bytes, *people: str) -> Meeting:
    """One correction among clients who record for the same people."""
    creates = [scene.create(_gift_for(scene, rng, people)) for _ in range(clients - 1)]
    place = rng.randrange(clients)
    return Meeting([*creates[:place], first, *creates[place:]], [{200, FINE}] * clients)


def _gift_for(scene: Scene, rng: random.Random, people: Sequence[str]) -> dict[str, Any]:
    """Sometimes for two, in any order; dated before and after what is there."""
    named = rng.sample(people, rng.choice([1, 1, min(2, len(people))]))
    return scene.gift(rng.randint(500, 9000), *map(scene.person, named), days=rng.choice([-3, -1, 0, 1, 3, 370]))


def amend_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    changes = [
        {"total": {"amount": "80.00", "currency": "USD"}},
        {"occurred_on": (DAY + timedelta(days=2)).isoformat()},
        {"occurred_on": (DAY - timedelta(days=360)).isoformat()},
        {"recipients": [scene.person("B")]},
        {"recipients": [scene.person("B"), scene.person("A")]},
        {"giver": "somebody else"},
    ]
    return _with_creates(scene, rng, clients, scene.amend("A", **rng.choice(changes)), "A", "B")


def take_back_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    repaid = {"amount": "15.00", "currency": "USD"}
    acts = [
        ("withdrawal", {"reason": "x"}),
        ("returns", {"reason": "x"}),
        ("returns", {"reason": "x", "repaid": repaid}),
    ]
    return _with_creates(scene, rng, clients, scene.correct("A", *rng.choice(acts)), "A")


def merge_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    return _with_creates(scene, rng, clients, scene.merge("A", "B"), "A", "B")


def part_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    return _with_creates(scene, rng, clients, scene.unmerge(scene.merged("A", "B")), "A", "B")


def part_a_chain_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    first = scene.merged("B", "A")
    second = scene.merged("C", "B")
    return _with_creates(scene, rng, clients, scene.unmerge(rng.choice([first, second])), "A", "B", "C")


def change_and_create(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    said = rng.choice(
        [{"employer": scene.elsewhere}, {"type": "retail_customer"}, {"employer": f"{scene.employer} II"}]
    )
    return _with_creates(scene, rng, clients, scene.change("A", **said), "A", "B")


def change_and_merge_and_amend(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    """Three kinds of corrections on one person at once, and whoever is left records."""
    acts = [scene.change("A", employer=scene.elsewhere), scene.merge("B", "A"), scene.amend("B", venue="Club")]
    acts += [scene.create(_gift_for(scene, rng, ("A", "B"))) for _ in range(clients - len(acts))]
    chosen = rng.sample(acts, clients)
    return Meeting(chosen, [{200, FINE, STALE}] * clients)


def one_version_many_amendments(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    amounts = [{"amount": f"{20 + place}.00", "currency": "USD"} for place in range(clients)]
    return Meeting([scene.amend("A", total=one) for one in amounts], [{FINE, STALE}] * clients, wins=1)


def one_version_many_acts(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    acts = [
        scene.amend("A", total={"amount": "21.00", "currency": "USD"}),
        scene.correct("A", "withdrawal", {"reason": "x"}),
        scene.correct("A", "returns", {"reason": "x"}),
    ]
    return Meeting([rng.choice(acts) for _ in range(clients)], [{FINE, STALE, CONFLICT}] * clients, wins=1)


def one_record_many_changes(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    changes = [scene.change("A", employer=f"{scene.elsewhere} {place}") for place in range(clients)]
    return Meeting(changes, [{200, STALE}] * clients, wins=1)


def one_drop_many_merges(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    merges = [scene.merge(rng.choice("BC"), "A") for _ in range(clients)]
    return Meeting(merges, [{FINE, CONFLICT}] * clients, wins=1)


def one_merge_parted_by_many(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    parting = scene.unmerge(scene.merged("A", "B"))
    return Meeting([parting] * clients, [{200, CONFLICT}] * clients, wins=1)


def merges_in_a_circle(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    circle = [scene.merge("A", "B"), scene.merge("B", "C"), scene.merge("C", "A")]
    merges = [circle[place % 3] for place in range(clients)]
    return Meeting(merges, [{FINE, CONFLICT}] * clients, wins=min(clients, 2))


def opposite_orders(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    """All name the same people, each in another order; whoever holds them as they are named waits in a circle."""
    acts: list[bytes] = []
    for place in range(clients):
        order = rng.sample("ABC", 3)
        people = [scene.person(who) for who in order]
        ways = [
            scene.create(scene.gift(6000, *people, days=place % 3)),
            scene.create_each(f"{place}", [scene.gift(3000, one, days=place % 3) for one in people]),
            scene.amend(order[0], recipients=people),
            scene.merge(order[0], order[1]),
            scene.change(order[2], employer=scene.elsewhere),
        ]
        acts.append(rng.choice(ways))
    return Meeting(acts, [{200, FINE, STALE, CONFLICT}] * clients)


def approve_and_amend(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    approvals = [scene.correct("A", "approvals", {"note": "seen"}, by=1) for _ in range(clients - 1)]
    acts = [scene.amend("A", total={"amount": "95.00", "currency": "USD"}), *approvals]
    return Meeting(rng.sample(acts, clients), [{FINE, STALE, CONFLICT}] * clients)


def decide_and_amend(scene: Scene, rng: random.Random, clients: int) -> Meeting:
    """A decision that is made at the instant when its facts get worse, or better."""
    amount = {"amount": rng.choice(["95.00", "55.00", "5.00"]), "currency": "USD"}
    acts = [scene.decide(scene.over("A")), scene.amend("A", total=amount)]
    acts += [scene.create(scene.gift(rng.randint(100, 900), scene.person("A"))) for _ in range(clients - 2)]
    return Meeting(rng.sample(acts, clients), [{FINE, STALE, CONFLICT}] * clients)


KINDS: Sequence[Kind] = (
    decide_and_amend,
    amend_and_create,
    take_back_and_create,
    merge_and_create,
    part_and_create,
    part_a_chain_and_create,
    change_and_create,
    change_and_merge_and_amend,
    one_version_many_amendments,
    one_version_many_acts,
    one_record_many_changes,
    one_drop_many_merges,
    one_merge_parted_by_many,
    merges_in_a_circle,
    opposite_orders,
    approve_and_amend,
)


# What came of it


@dataclass
class Findings:
    """What meetings came to: how many of which kind, what was answered, and everything that is not as it must be."""

    seed: int
    met: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    results: int = 0
    violations: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.met.total()} meetings, answers {dict(sorted(self.answered.items()))}, "
            f"{self.results} results, {self.violations} violations, wrong: {len(self.wrong) or 'nothing'}"
        )

    def note(self, kind: str, scene: Scene, meeting: Meeting, answers: Sequence[Answer]) -> None:
        """Whether everybody was answered as they may be, and as many won as can."""
        self.met[kind] += 1
        self.answered.update(answer.status for answer in answers)
        for answer, may in zip(answers, meeting.may, strict=True):
            if answer.status not in may:
                self.wrong.append(f"{kind} {scene.name}: answered {answer.status} {answer.body[:200]!r}")
        won = sum(answer.status < 300 for answer in answers)
        if meeting.wins is not None and won != meeting.wins:
            self.wrong.append(f"{kind} {scene.name}: {won} won, {meeting.wins} can")

    def hold_against(self, connection: Connection) -> None:
        """The books against the oracle, scene by scene, and what must hold of people and approvals."""
        known = read(connection, {}, policies.read(connection))
        by_scene = facts_by_scene(connection)
        due = {key: one for facts in by_scene.values() for key, one in expected(facts).items()}
        names = {row["id"]: row["name"] for row in rows(connection, "SELECT id, name FROM employers")}
        found = {(rule, names.get(shown, shown), entry): one for (rule, shown, entry), one in known.told.items()}
        self.results, self.violations = len(due), sum(one.violation for one in due.values())
        self.wrong += differences(due, found, "result")
        cases = {
            (rule, names.get(shown, shown), entry): (case["counted"], case["aggregate"])
            for (rule, shown, entry), case in known.cases.items()
        }
        flagged = {key: (_cents(one.counted), _cents(one.aggregate)) for key, one in due.items() if one.violation}
        self.wrong += differences(flagged, cases, "violation")
        self.wrong += _of_people(connection)
        self.wrong += _of_decisions(connection)


def _cents(amount: str) -> int:
    return int(amount.replace(".", ""))


def facts_by_scene(connection: Connection) -> dict[str, Facts]:
    """The facts as the books hold them, rebuilt for every scene; people go by their ids, employers by their names."""
    names = {row["id"]: row["name"] for row in rows(connection, "SELECT id, name FROM employers")}
    merged = {
        row["drop_id"]: row["keep_id"] for row in rows(connection, "SELECT * FROM merges WHERE known_until IS NULL")
    }
    versions = tuple(_versions(connection))
    question = (
        "SELECT e.id, v.document FROM entries e JOIN entry_versions v ON v.entry_id = e.id AND v.version = e.version "
        "ORDER BY e.sequence"
    )
    scenes: dict[str, dict[str, Noted]] = {}
    for row in rows(connection, question):
        kept = json.loads(row["document"])
        scenes.setdefault(kept["purpose"], {})[row["id"]] = _noted(row["id"], kept, names)
    return {name: Facts(versions, {}, entries, _of_scene(merged, entries)) for name, entries in scenes.items()}


def _of_scene(merged: Mapping[str, str], entries: Mapping[str, Noted]) -> dict[str, str]:
    """The merges of people who are on the entries, and of whom those turned out to be."""
    people = [row["person"] for noted in entries.values() for row in noted.fields["recipients"]]
    links: dict[str, str] = {}
    while people:
        person = people.pop()
        if person in merged and person not in links:
            links[person] = merged[person]
            people.append(merged[person])
    return links


def _noted(id: str, kept: Mapping[str, Any], names: Mapping[str, str]) -> Noted:
    digits = kept["exponent"]
    people = [
        {"person": one["recipient_id"], "type": one["type"], "employer": names[one["employer_id"]]}
        for one in kept["recipients"]
    ]
    fields = {
        "id": id,
        "date": kept["occurred_on"],
        "kind": kept["kind"],
        "direction": kept["direction"],
        "giver": kept["giver"],
        "amount": {"total": format_minor(kept["total"], digits), "currency": kept["currency"]},
        "hosts_present": kept["hosts_present"],
        "recipients": people,
        "paid_by": kept["paid_by"],
        "flags": kept["flags"],
    }
    ended = None if kept["standing"] == "live" else kept["standing"]
    return Noted(fields, ended=ended, repaid=_decimal(kept["repaid"], digits))


def _decimal(minor: int, digits: int) -> Decimal:
    return Decimal(minor).scaleb(-digits)


def _versions(connection: Connection) -> Iterator[Version]:
    for row in rows(connection, "SELECT * FROM policies WHERE state = 'published' ORDER BY known_from"):
        since = date.fromisoformat(str(row["effective_from"]))
        yield Version(row["version"], since, json.loads(row["document"]))


def _of_people(connection: Connection) -> Iterator[str]:
    """Nobody is merged in a circle, everybody is who the merges say, entries took what was on record, approvals fit."""
    merged = {
        row["drop_id"]: row["keep_id"] for row in rows(connection, "SELECT * FROM merges WHERE known_until IS NULL")
    }
    places: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows(connection, "SELECT * FROM places ORDER BY recipient_id, effective_from"):
        places.setdefault(row["recipient_id"], []).append((str(row["effective_from"]), row["type"], row["employer_id"]))
    people = {row["id"]: row for row in rows(connection, "SELECT * FROM recipients")}
    for id, row in people.items():
        end, steps = id, 0
        while end in merged and steps < 10:
            end, steps = merged[end], steps + 1
        if row["canonical_id"] != end or steps == 10:
            yield f"{id} is shown under {row['canonical_id']}, the merges lead to {end} in {steps}"
    question = "SELECT e.id, e.occurred_on, v.document FROM entries e JOIN entry_versions v ON v.entry_id = e.id "
    for row in rows(connection, question + "AND v.version = e.version"):
        for one in json.loads(row["document"])["recipients"]:
            yield from _of_row(row["id"], str(row["occurred_on"]), one, people, places)
    for row in rows(
        connection,
        "SELECT a.entry_id, a.entry_version, e.version FROM approvals a JOIN entries e ON e.id = a.entry_id "
        "WHERE a.fell_at IS NULL AND a.entry_version <> e.version",
    ):
        yield f"{row['entry_id']} is at version {row['version']}, and version {row['entry_version']} is approved"


def _of_decisions(connection: Connection) -> Iterator[str]:
    """No decision covers more than what it was made on, and one that fell decides nothing."""
    question = (
        "SELECT v.id, v.counted, v.aggregate - v.limit_value AS over, d.counted AS counted_then, d.fell_at, "
        "d.aggregate - d.limit_value AS over_then FROM violations v JOIN dispositions d ON d.id = v.disposition_id "
        "WHERE v.state = 'decided'"
    )
    for row in rows(connection, question):
        if row["over"] > row["over_then"] or row["counted"] > row["counted_then"] or row["fell_at"] is not None:
            yield f"{row['id']} is decided on something else: {row}"


def _of_row(
    entry: str,
    on: str,
    one: Mapping[str, Any],
    people: Mapping[str, Any],
    places: Mapping[str, list[tuple[str, str, str]]],
) -> Iterator[str]:
    person = people[one["recipient_id"]]
    history = places.get(person["id"]) or [("0001-01-01", person["type"], person["employer_id"])]
    _, type, employer = [place for place in history if place[0] <= on][-1]
    if one.get("type_from_record") and one["type"] != type:
        yield f"{entry} took the type {one['type']} of {person['id']}, the record says {type}"
    if one.get("employer_from_record") and one["employer_id"] != employer:
        yield f"{entry} took the employer {one['employer_id']} of {person['id']}, the record says {employer}"
