"""Everything at once: entries, corrections, merges and new policies on the same few people, from two processes.

Nobody knows beforehand what comes of it; but what the books then hold is what a plain replay of them gives.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from app.services import audit, packs
from tests.processes import Answer, ServerProcess, desk_at, key_for, serving
from tests.races import books
from tests.races.conftest import INSTALLATIONS
from tests.races.load import Load
from tests.races.rounds import gift, person

pytestmark = pytest.mark.race

PEOPLE = ["ann", "bob", "cho", "dee"]


class Busybody:
    """One client who does this and that. `answers` counts what came of it, by kind of act and status."""

    def __init__(
        self, servers: list[ServerProcess], keys: list[str], rng: random.Random, shared: dict[str, Any]
    ) -> None:
        server = rng.choice(servers)
        self._first, self._second = (server.line(key) for key in keys)
        self._rng, self._shared = rng, shared
        self.answers: Counter[tuple[str, int]] = Counter()
        self.trouble: list[str] = []

    def run(self, acts: int) -> None:
        kinds: dict[Callable[[], Answer | None], int] = {
            self.record: 10,
            self.record_several: 2,
            self.amend: 5,
            self.withdraw: 1,
            self.merge: 2,
            self.part: 3,
            self.publish: 1,
        }
        with closing(self._first), closing(self._second):
            for act in self._rng.choices(list(kinds), list(kinds.values()), k=acts):
                answer = act()
                if answer is not None:
                    self.answers[act.__name__, answer.status] += 1
                    if answer.status >= 500:
                        self.trouble.append(f"{act.__name__}: {answer.status} {answer.body[:300]!r}")

    def body(self) -> dict[str, Any]:
        on = date(2025, 1, 1) + timedelta(days=self._rng.randrange(365))
        names = self._rng.sample(PEOPLE, self._rng.choice([1, 1, 2]))
        return gift(self._rng.randint(1, 60_00), *map(person, names), on=on, purpose="a")

    def record(self) -> Answer:
        answer = self._first.post("/v1/entries", self.body())
        if answer.status == 201:
            self._shared["entries"].append(answer.json["id"])
            self._shared["people"] |= {one["id"] for one in answer.json["recipients"]}
        return answer

    def record_several(self) -> Answer:
        several = [self.body() for _ in range(self._rng.randint(2, 6))]
        return self._first.post("/v1/entries/batch", {"entries": several}, Idempotency_Key=f"{self._rng.random()}")

    def _correct(self, what: str, body: dict[str, Any]) -> Answer | None:
        if not self._shared["entries"]:
            return None
        entry = self._first.get(f"/v1/entries/{self._rng.choice(self._shared['entries'])}").json
        return self._first.post(f"/v1/entries/{entry['id']}/{what}", body, If_Match=f'"v{entry["version"]}"')

    def amend(self) -> Answer | None:
        amount = f"{self._rng.randint(1, 60)}.00"
        body = {"reason": "the receipt", "set": {"total": {"amount": amount, "currency": "USD"}}}
        return self._correct("amendments", body)

    def withdraw(self) -> Answer | None:
        return self._correct("withdrawal", {"reason": "never given"})

    def merge(self) -> Answer | None:
        if len(self._shared["people"]) < 2:
            return None
        keep, drop = self._rng.sample(sorted(self._shared["people"]), 2)
        answer = self._first.post(f"/v1/recipients/{keep}/merges", {"recipient_id": drop, "reason": "one person"})
        if answer.status == 201:
            self._shared["merges"].append(answer.json["merge"]["id"])
        return answer

    def part(self) -> Answer | None:
        merges = self._shared["merges"]
        return self._first.ask("DELETE", f"/v1/merges/{self._rng.choice(merges)}?reason=two") if merges else None

    def publish(self) -> Answer:
        document = packs.default_document()
        [rule] = [one for one in document["rules"] if one["id"] == "finra-3220-gifts"]
        rule["limit_schedule"][0]["limit"] = f"{self._rng.randint(50, 200)}.00"
        drafted = self._first.post("/v1/policies", document)
        if drafted.status != 201:
            return drafted
        since = date(2025, self._rng.randint(1, 12), 1).isoformat()
        return self._second.post(f"/v1/policies/{drafted.json['id']}/publication", {"effective_from": since})


def everything_at_once(url: str, processes: int, seed: int, *, clients: int, acts: int) -> str:
    keys = [key_for(url, person=name) for name in ("olivia", "oscar")]
    shared: dict[str, Any] = {"entries": [], "people": set(), "merges": []}
    with serving(url, processes) as servers:
        busy = [Busybody(servers, keys, random.Random(f"{seed} {place}"), shared) for place in range(clients)]
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda one: one.run(acts), busy))
        logs = [server.log for server in servers]
    came_to = sum((one.answers for one in busy), Counter[tuple[str, int]]())
    trouble = [what for one in busy for what in one.trouble]
    assert trouble == [], (seed, logs[0][-3000:])
    faults = books.faults(url)
    assert faults == [], (seed, len(faults))
    assert not [log for log in logs if "Traceback" in log]
    acts_done = ", ".join(f"{what} {status} x{many}" for (what, status), many in sorted(came_to.items()))
    return f"seed {seed}: {acts_done}; faults 0"


@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS[1:], indirect=["database_kind"])
def test_whatever_happens_at_once_the_books_are_in_order(database_url, processes, seed, tell):
    tell(everything_at_once(database_url, processes, seed, clients=6, acts=25))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("database_kind", "processes"), INSTALLATIONS, indirect=["database_kind"])
def test_whatever_happens_at_once_for_long_the_books_are_in_order(database_url, processes, seed, tell):
    tell(everything_at_once(database_url, processes, seed, clients=8, acts=100))


def test_verifying_beside_those_who_write_raises_no_alarm(database_url, tell):
    api_key, checks = key_for(database_url), 0
    with serving(database_url, 2) as servers, Load(servers, api_key, clients=8) as load, desk_at(database_url) as desk:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            with desk.database.reading() as connection:
                found = audit.verify(connection, desk.settings.log_id)
            assert found.faults == []
            checks += 1
    tell(f"{checks} verifications beside {load.answered[201]} entries")
    assert checks > 5
    assert load.answered[201] > 20
