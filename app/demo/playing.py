"""Playing the year over HTTP: day by day, everybody with their own key, several at once and yet in the same order.

Whatever touches the same person on one day is sent one after another; everything else at the same time. So the order of
record, which settles ties between entries of one day, is the same for the same seed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import httpx

from app.demo.drafts import Planned
from app.demo.firm import OFFICER, SECOND_OFFICER, Json
from app.demo.serving import ToldClock
from app.domain.refusals import Unavailable

_AT_ONCE = 6
_SENT_TWICE_EACH = 50
_PAGE = 200
_MOST_IN_A_BATCH = 500


class NotAnswered(Unavailable):
    code = "demo_not_answered"
    title = "The demonstration is broken off"


@dataclass
class Caller:
    """Everybody's line to the service. Remembers the status of every answer and lets no refusal pass."""

    client: httpx.Client
    keys: Mapping[str, str]
    statuses: list[int] = field(default_factory=list)
    sent_again: list[int] = field(default_factory=list)

    def send(self, who: str, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer to somebody's request. Raises NotAnswered unless it is a success."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} | request.pop("headers", {})
        answer = self.client.request(method, path, headers=headers, **request)
        self.statuses.append(answer.status_code)
        if not answer.is_success:
            raise NotAnswered(f"{method} {path} as {who}: {answer.status_code} {answer.text}")
        return answer

    def ask(self, path: str, *, who: str = OFFICER, **parameters: Any) -> Any:
        """What a question gives, by default to the officer."""
        return self.send(who, "GET", path, params=parameters).json()

    def all_of(self, path: str, **parameters: Any) -> Iterator[Json]:
        """Every item of a list, page by page."""
        cursor: Json = {}
        while True:
            answer = self.ask(path, limit=_PAGE, **cursor, **parameters)
            yield from answer["data"]
            if not answer["page"]["has_more"]:
                return
            cursor = {"cursor": answer["page"]["next_cursor"]}


@contextmanager
def calling(url: str, keys: Mapping[str, str]) -> Iterator[Caller]:
    """A line to the service for everybody who has a key."""
    # Nothing is encrypted on a loopback address; loading the machine's certificates would only take time.
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(base_url=url, verify=plain, trust_env=False, timeout=60) as client:
        yield Caller(client, keys)


def publish(caller: Caller, policy: Json, effective_from: date) -> None:
    """The first officer drafts the policy and the second puts it in force."""
    draft = caller.send(OFFICER, "POST", "/v1/policies", json=policy).json()
    body = {"effective_from": effective_from.isoformat()}
    caller.send(SECOND_OFFICER, "POST", f"/v1/policies/{draft['id']}/publication", json=body)


def play(caller: Caller, clock: ToldClock, year: Sequence[Planned], told: Callable[[date, int], None]) -> None:
    """Sends every entry on the day on which it is recorded; `told` hears of the day and of how many were sent on it."""
    number = 0
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            for day, planned in groupby(year, key=lambda one: one.recorded_on):
                clock.turn_to(day)
                todays = [(number + place, one) for place, one in enumerate(planned)]
                _play_day(caller, threads, day, todays)
                number += len(todays)
                told(day, len(todays))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _play_day(caller: Caller, threads: ThreadPoolExecutor, day: date, todays: Sequence[tuple[int, Planned]]) -> None:
    singles = [(number, one) for number, one in todays if not one.with_the_month]
    list(threads.map(lambda group: _send_in_turn(caller, group), connected(singles)))
    for sender in dict.fromkeys(one.sender for _, one in todays if one.with_the_month):
        months = [one.entry for _, one in todays if one.with_the_month and one.sender == sender]
        _send_together(caller, sender, day, months)


def connected(todays: Iterable[tuple[int, Planned]]) -> list[list[tuple[int, Planned]]]:
    """Entries in groups that have no person in common, each group in its order."""
    groups: list[tuple[set[str], list[tuple[int, Planned]]]] = []
    for one in todays:
        people = set(one[1].people())
        touched = [group for group in groups if group[0] & people]
        groups = [group for group in groups if not group[0] & people]
        members = sorted([one, *(member for _, members in touched for member in members)], key=lambda pair: pair[0])
        groups.append((people.union(*(known for known, _ in touched)), members))
    return [members for _, members in groups]


def _send_in_turn(caller: Caller, group: Sequence[tuple[int, Planned]]) -> None:
    for number, one in group:
        _send(caller, number, one)
        if number % _SENT_TWICE_EACH == 0:
            _send_again(caller, number, one)


def _send(caller: Caller, number: int, one: Planned) -> httpx.Response:
    key = {"Idempotency-Key": f"entry-{number:06d}"}
    return caller.send(one.sender, "POST", "/v1/entries", json=one.entry, headers=key)


def _send_again(caller: Caller, number: int, one: Planned) -> None:
    """As somebody does whose connection broke before the answer came: it must be the first one's answer again."""
    if _send(caller, number, one).headers.get("Idempotency-Replayed") != "true":
        raise NotAnswered(f"entry {number} was sent twice and recorded twice")
    caller.sent_again.append(number)


def _send_together(caller: Caller, sender: str, day: date, entries: Sequence[Json]) -> None:
    for start in range(0, len(entries), _MOST_IN_A_BATCH):
        key = {"Idempotency-Key": f"month-{day}-{start}"}
        body = {"entries": entries[start : start + _MOST_IN_A_BATCH]}
        answer = caller.send(sender, "POST", "/v1/entries/batch", json=body, headers=key).json()
        if answer["refused"]:
            refused = [result["problem"] for result in answer["results"] if result["status"] != 201]
            raise NotAnswered(f"{sender}'s batch of {day}: {refused[0]}")
