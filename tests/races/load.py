"""Load: clients who post one entry after another under keys of their own, and remember what they were promised."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, select

from app.storage.tables import EntryRow, EntryVersionRow
from tests.processes import Answer, Gone, Line, ServerProcess, read
from tests.races.rounds import gift, person


class Load:
    """Posts from many clients while the block lasts. By key: `acknowledged` answers 201, and the `open` bodies."""

    def __init__(self, servers: Sequence[ServerProcess], key: str, *, clients: int = 8, name: str = "load") -> None:
        self.acknowledged: dict[str, Answer] = {}
        self.open: dict[str, dict[str, Any]] = {}
        self.answered: Counter[int] = Counter()
        self.hung_up = 0
        self.longest_s = 0.0
        self._servers, self._key, self._name = servers, key, name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(place,), daemon=True) for place in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client never got an answer"

    def until(self, acknowledged: int, within_s: int = 60) -> float:
        """Waits for so many more good answers, and returns the moment."""
        enough, deadline = self.answered[201] + acknowledged, time.monotonic() + within_s
        while self.answered[201] < enough:
            assert time.monotonic() < deadline, f"no {acknowledged} good answers within {within_s} s: {self.answered}"
            time.sleep(0.005)
        return time.monotonic()

    def _client(self, place: int) -> None:
        with closing(self._servers[place % len(self._servers)].line(self._key)) as line:
            number = 0
            while not self._stop.is_set():
                number += 1
                # Everybody's gifts go to a few people, so that writers meet.
                body = gift(7_00, person(f"{self._name}-{number % 5}"), purpose=f"{self._name} {place}/{number}")
                self._post(line, f"{self._name}-{place}-{number}", body)

    def _post(self, line: Line, key: str, body: dict[str, Any]) -> None:
        self.open[key] = body
        started = time.monotonic()
        try:
            answer = line.post("/v1/entries", body, Idempotency_Key=key)
        except Gone:
            self.hung_up += 1
            time.sleep(0.02)
            return
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        self.answered[answer.status] += 1
        if answer.status == 201:
            self.acknowledged[key] = answer
            del self.open[key]
        elif answer.status == 503:
            time.sleep(0.1)

    def repeat(self, line: Line, *, most: int = 100) -> dict[str, Answer]:
        """Requests without a good answer once more, under their keys; and some that had one, which get the same."""
        again = random.sample(sorted(self.open), min(most, len(self.open)))
        repeated = {key: line.post("/v1/entries", self.open[key], Idempotency_Key=key) for key in again}
        for key, before in list(self.acknowledged.items())[-20:]:
            body = gift(7_00, person(_who(key)), purpose=_purpose(key))
            again = line.post("/v1/entries", body, Idempotency_Key=key)
            assert (again.status, again.body) == (201, before.body)
        return repeated

    def lost(self, url: str) -> set[str]:
        """The keys of what was acknowledged and is not there."""
        there = read(url, lambda connection: set(connection.scalars(select(EntryRow.id))))
        return {key for key, answer in self.acknowledged.items() if answer.json["id"] not in there}

    def doubled(self, url: str) -> list[str]:
        """Requests of this load that were recorded more than once."""
        marks = {f"{self._name} {place}" for place in range(len(self._threads))}

        def question(connection: Connection) -> list[str]:
            documents = connection.scalars(select(EntryVersionRow.document).where(EntryVersionRow.version == 1))
            said = Counter(json.loads(document)["purpose"] for document in documents)
            return [purpose for purpose, many in said.items() if many > 1 and purpose.split("/")[0] in marks]

        return read(url, question)


def _who(key: str) -> str:
    name, _, number = key.rsplit("-", 2)
    return f"{name}-{int(number) % 5}"


def _purpose(key: str) -> str:
    name, place, number = key.rsplit("-", 2)
    return f"{name} {place}/{number}"
