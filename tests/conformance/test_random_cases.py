"""Random cases over HTTP: in whatever order events come, and however they are sent, service and oracle agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest

from tests.conformance import actions
from tests.conformance.driving import departures, types_of
from tests.conformance.firm import Case, Firm, Results, refusal
from tests.domain.screening.playing import day
from tests.oracle import oracle
from tests.oracle.generate import random_case
from tests.server import Server, serving

RECORDED = "2031-01-03"  # after every day that a random case knows
AHEAD = {"future_days": 3660}  # a random case may learn of an event before its day, which a firm does not allow
SEEDS, AT_ONCE = 12, 20
LATER_SEEDS = range(SEEDS, 1000, AT_ONCE)


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return AHEAD


def drive(seed: int, server: Server) -> None:
    """A random case with actions, step by step. What the service has no route for, or refuses to merge, is left out."""
    case = random_case(Random(seed))
    types = types_of(case)
    case["actions"] = [
        action
        for action in case["actions"]
        if actions.supported(action["op"], server.routes)
        and not (action["op"] == "merge" and own_and_other(types, action))
    ]
    found = list(departures(case, server))
    assert not found, f"seed {seed}\n" + "\n".join(map(str, found))


def own_and_other(types: Mapping[str, str], action: Case) -> bool:
    """Whether one is of our own people and the other is not: those are never one person to the service."""
    own = [types.get(action[side]) == "own_associated_person" for side in ("keep", "drop")]
    return own[0] != own[1]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_step_of_a_random_case_is_answered_as_the_oracle_says(seed: int, server: Server):
    drive(seed, server)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", LATER_SEEDS)
def test_hundreds_of_random_cases_are_answered_as_the_oracle_says(first_seed, fresh_database, database_kind):
    for seed in range(first_seed, first_seed + AT_ONCE):
        with serving(fresh_database(database_kind), **AHEAD) as server:
            drive(seed, server)


# Entries alone, all learnt of on one day, so that the order in which they are sent is the order of record.


def shuffled(rng: Random) -> Case:
    """A random case whose entries are sent in any order, mostly back-dated."""
    case = random_case(rng, actions=False)
    entries = [{**entry, "recorded": RECORDED} for entry in case["entries"]]
    return {**case, "entries": rng.sample(entries, len(entries))}


def in_runs(rng: Random, entries: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """Entries cut into batches, some of them of one."""
    rest = list(entries)
    while rest:
        size = rng.choice([1, 1, 2, 3, 5, 12])
        yield rest[:size]
        rest = rest[size:]


def expected(case: Case) -> tuple[Results, set[str]]:
    """All results at the end, and which entries are refused."""
    return oracle.replay(dict(case), skip_refused=True), {s.event for s in oracle.steps(dict(case)) if s.refused}


def firm_of(case: Case, server: Server) -> Firm:
    server.clock.noon_of(day(RECORDED))
    firm = Firm(server)
    assert firm.publish(case["policy"]) is None
    return firm


def send_in_runs(rng: Random, case: Case, server: Server) -> None:
    """Whatever is sent in one request and whatever in several: the same is refused, and the same stands in the end."""
    firm, told, refused = firm_of(case, server), {}, set()
    for number, run in enumerate(in_runs(rng, case["entries"])):
        reports = firm.record_together(run, f"run-{number}") if len(run) > 1 else [firm.record(run[0])]
        for entry, report in zip(run, reports, strict=True):
            refused |= {entry["id"]} if report.refused else set()
            told = {key: line for key, line in (told | report.results).items() if key not in report.gone}
    results, refusals = expected(case)
    assert refused == refusals
    assert firm.standing() == results
    assert told == results
    assert firm.violations() == {key: (one.counted, one.aggregate) for key, one in results.items() if one.violation}
    assert firm.disagreeing_proofs() == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_however_entries_are_batched_the_same_stands_in_the_end(seed: int, server: Server):
    rng = Random(seed)
    send_in_runs(rng, shuffled(rng), server)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", LATER_SEEDS)
def test_hundreds_of_ways_to_batch_entries_end_alike(first_seed, fresh_database, database_kind):
    for seed in range(first_seed, first_seed + AT_ONCE):
        rng = Random(seed)
        with serving(fresh_database(database_kind), **AHEAD) as server:
            send_in_runs(rng, shuffled(rng), server)


@pytest.mark.race
@pytest.mark.parametrize("seed", range(SEEDS))
def test_entries_sent_all_at_once_end_as_if_sent_one_by_one(seed: int, server: Server):
    """Each entry has a day of its own, so that the order of record, which is anybody's guess here, decides nothing."""
    case = shuffled(Random(seed))
    days = [day(case["entries"][0]["date"]) + timedelta(days=41 * place) for place in range(len(case["entries"]))]
    case = {**case, "entries": [{**one, "date": str(on)} for one, on in zip(case["entries"], days, strict=True)]}
    firm = firm_of(case, server)

    def send(entry: Case) -> httpx.Response:
        return firm.officer.post("/v1/entries", json=firm.body(entry))

    with ThreadPoolExecutor(8) as threads:
        answers = list(zip(case["entries"], threads.map(send, case["entries"]), strict=True))
    for entry, answered in answers:
        if answered.status_code == 201:
            firm.learn(entry, answered.json())
    refused = {entry["id"] for entry, answered in answers if answered.status_code != 201 and refusal(answered)}
    results, refusals = expected(case)
    assert refused == refusals
    assert firm.standing() == results
    assert firm.violations() == {key: (one.counted, one.aggregate) for key, one in results.items() if one.violation}
