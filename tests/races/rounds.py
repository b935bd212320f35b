"""Rounds: several clients post for one person at the same instant, so that a limit is crossed at a known position.

Whatever the order in which the posts are recorded, the number of violations and every total are known beforehand.
`Findings` counts what departs from that: in what the clients were told, and in what the database holds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from app.storage.tables import AssessmentRow, EntryRow, ExternalIdRow, ViolationRow
from tests.processes import Answer, Line, ServerProcess, at_once, key_for, lines, read, request
from tests.races import books

RULE = "finra-3220-gifts"
DAY, DAY_BEFORE = date(2025, 5, 6), date(2025, 5, 5)
LIMIT = 100_00  # in force on that day


class Shape(NamedTuple):
    """How many clients post at once, and how often."""

    clients: int
    rounds: int

    def __str__(self) -> str:
        return f"{self.clients} x {self.rounds}"


class Round(NamedTuple):
    """One person, and as many equal gifts as there are clients, of which the last ones cross the limit."""

    person: str
    new: bool
    minor: int
    over: int


@dataclass
class Findings:
    """What rounds came to. Everything but the first two counts and the seed should be nothing."""

    seed: int
    rounds: int = 0
    recorded: int = 0
    violations: int = 0
    acknowledged: set[str] = field(default_factory=set, repr=False)
    missed: int = 0
    phantom: int = 0
    wrong_sums: int = 0
    disordered: int = 0
    duplicates: int = 0
    lost: int = 0
    unseen: int = 0
    told_otherwise: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    books: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> dict[str, Any]:
        """What is not as it should be, by name."""
        fine = ("seed", "rounds", "recorded", "violations", "acknowledged")
        return {name: found for name, found in vars(self).items() if name not in fine and found}

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {vars(self)[name]}" for name in ("rounds", "recorded", "violations"))
        return f"seed {self.seed}: {counts}; wrong: {self.wrong or 'nothing'}"


def plan(shape: Shape, rng: random.Random) -> list[Round]:
    """Rounds in which a third of the people are new; where the limit is crossed differs from round to round."""
    planned = []
    for number in range(shape.rounds):
        name, within = f"{rng.getrandbits(32):08x}-{number}", rng.randint(1, shape.clients - 1)
        planned.append(Round(name, rng.random() < 1 / 3, LIMIT // within, shape.clients - within))
    return planned


def person(name: str) -> dict[str, Any]:
    """Somebody as an entry names them."""
    return {
        "external_id": {"source": "crm", "id": name},
        "name": f"Person {name}",
        "employer": "Northgate Asset Management",
        "type": "institutional_employee",
    }


def gift(minor: int, *people: dict[str, Any], on: date = DAY, purpose: str | None = None) -> dict[str, Any]:
    """A gift as a client sends it."""
    return {
        "occurred_on": on.isoformat(),
        "kind": "gift",
        "total": {"amount": f"{minor // 100}.{minor % 100:02d}", "currency": "USD"},
        "recipients": list(people),
        "purpose": purpose,
    }


def introduce(line: Line, names: Sequence[str]) -> None:
    """Makes people known by something that no limit on gifts counts: a small meal on the day before."""
    for start in range(0, len(names), 500):
        meals = [
            gift(100, person(name), on=DAY_BEFORE) | {"kind": "meal", "hosts_present": True, "hosts": []}
            for name in names[start : start + 500]
        ]
        answer = line.post("/v1/entries/batch", {"entries": meals}, Idempotency_Key=f"meals-{names[start]}")
        assert (answer.status, answer.json["refused"]) == (200, 0), answer.body[:500]


def play(url: str, servers: Sequence[ServerProcess], shape: Shape, *, seed: int) -> Findings:
    """Plays the rounds with the clients dealt out to the servers in turn, and holds everything against what is due."""
    rng = random.Random(f"{seed} {shape}")
    findings, key = Findings(seed), key_for(url)
    planned = plan(shape, rng)
    with lines(servers, key, shape.clients) as callers, lines(servers, key, len(servers)) as readers:
        introduce(callers[0], [one.person for one in planned if not one.new])
        for one in planned:
            gifts = [gift(one.minor, person(one.person), purpose=f"{one.person}/{n}") for n in range(shape.clients)]
            answers = at_once(callers, [request("POST", "/v1/entries", key, body) for body in gifts])
            _note_answers(one, answers, findings)
            _note_unseen(answers, readers, findings)
    read(url, lambda connection: _hold_against(connection, planned, findings))
    findings.books = books.faults(url)
    return findings


def play_rings(url: str, servers: Sequence[ServerProcess], shape: Shape, *, seed: int) -> Findings:
    """Rounds in which every client's gift goes to two people of a ring, each neighbour's the other way round.

    Each person is on two gifts of two clients, and the second of them crosses the limit, whichever it is. Whoever holds
    people in the order in which they are listed waits in a circle here.
    """
    rng = random.Random(f"{seed} ring {shape}")
    findings, key = Findings(seed), key_for(url)
    rings = [[f"{rng.getrandbits(32):08x}-{n}-{place}" for place in range(shape.clients)] for n in range(shape.rounds)]
    planned = [Round(name, False, 60_00, 1) for ring in rings for name in ring]
    with lines(servers, key, shape.clients) as callers, lines(servers, key, len(servers)) as readers:
        introduce(callers[0], [name for ring in rings[::2] for name in ring])
        for ring in rings:
            answers = at_once(callers, [request("POST", "/v1/entries", key, body) for body in _around(ring)])
            findings.rounds += 1
            findings.refused.update(answer.status for answer in answers if answer.status != 201)
            findings.acknowledged |= {answer.json["id"] for answer in answers if answer.status == 201}
            _note_unseen(answers, readers, findings)
    read(url, lambda connection: _hold_against(connection, planned, findings))
    findings.books = books.faults(url)
    return findings


def _around(ring: Sequence[str]) -> Iterator[dict[str, Any]]:
    for place, name in enumerate(ring):
        pair = [person(name), person(ring[(place + 1) % len(ring)])]
        yield gift(120_00, *(reversed(pair) if place % 2 else pair), purpose=f"ring/{place}")


def _note_answers(one: Round, answers: Sequence[Answer], findings: Findings) -> None:
    """What the clients of one round were told: each running total once, and a violation for the last ones only."""
    findings.rounds += 1
    findings.refused.update(answer.status for answer in answers if answer.status != 201)
    recorded = [answer.json for answer in answers if answer.status == 201]
    findings.acknowledged |= {entry["id"] for entry in recorded}
    told = sorted(_aggregate(entry) for entry in recorded)
    findings.told_otherwise += told != [one.minor * (place + 1) for place in range(len(recorded))]
    findings.told_otherwise += sum(bool(entry["violations"]) for entry in recorded) != one.over


def _aggregate(entry: dict[str, Any]) -> int:
    [result] = [one for one in entry["assessments"] if one["rule_id"] == RULE]
    return int(Decimal(result["aggregate"]) * 100)


def _note_unseen(answers: Sequence[Answer], readers: Sequence[Line], findings: Findings) -> None:
    """What was acknowledged by one process is there for all at once. The last answer is the freshest."""
    ids = [answer.json["id"] for answer in answers if answer.status == 201]
    for reader in readers:
        for entry_id in ids[-1:]:
            findings.unseen += reader.get(f"/v1/entries/{entry_id}").status != 200


def _hold_against(connection: Connection, planned: Sequence[Round], findings: Findings) -> None:
    """Every person's gifts in the order of record: sums to the cent, and a case exactly where the limit is crossed."""
    rows = connection.execute(
        select(
            ExternalIdRow.external_id,
            EntryRow.id,
            EntryRow.sequence,
            AssessmentRow.counted,
            AssessmentRow.aggregate,
            AssessmentRow.outcome,
            ViolationRow.aggregate,
        )
        .join(AssessmentRow, AssessmentRow.shown == ExternalIdRow.recipient_id)
        .join(EntryRow, EntryRow.id == AssessmentRow.entry_id)
        .outerjoin(
            ViolationRow,
            (ViolationRow.entry_id == EntryRow.id)
            & (ViolationRow.rule_id == RULE)
            & (ViolationRow.shown == AssessmentRow.shown)
            & (ViolationRow.state == "open"),
        )
        .where(AssessmentRow.rule_id == RULE, AssessmentRow.known_until.is_(None), EntryRow.kind == "gift")
        .order_by(EntryRow.sequence)
    )
    found: dict[str, list[Any]] = {}
    for name, *rest in rows:
        found.setdefault(name, []).append(rest)
    mine = [kept for one in planned for kept in found.get(one.person, [])]
    recorded = {entry_id for entry_id, *_ in mine}
    findings.recorded = len(recorded)
    findings.lost = len(findings.acknowledged - recorded)
    findings.duplicates = len(recorded - findings.acknowledged)
    for one in planned:
        kept = found.get(one.person, [])
        findings.disordered += sum(first[1] >= second[1] for first, second in pairwise(kept))
        running = 0
        for _, _, counted, aggregate, outcome, case in kept:
            running += counted
            over = running > LIMIT
            findings.wrong_sums += aggregate != running or counted != one.minor or case not in (None, running)
            findings.violations += case is not None
            findings.missed += over and (case is None or outcome != "violation")
            findings.phantom += not over and (case is not None or outcome == "violation")
