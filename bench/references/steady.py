"""An open loop: entries posted at a fixed rate, whatever becomes of the answers, which wrk cannot do.

Each request has its moment, and its time counts from then, so that nothing is left out that a slow answer holds up.
Prints as JSON how long each took. Arguments: port, API key, day, requests a second, seconds, seed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import NamedTuple


class Connection(NamedTuple):
    """One connection, kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def main() -> None:
    """Posts, waits for all answers, and prints."""
    port, key, day, rate, seconds, seed = sys.argv[1:]
    chance, free, times = random.Random(int(seed)), [], []
    bodies = [_body(chance, day) for _ in range(int(float(rate) * float(seconds)))]
    began = time.perf_counter() + 0.1
    tasks = []
    for place, body in enumerate(bodies):
        due = began + place / float(rate)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        message = _message(body, key, f"steady-{seed}-{place}")
        tasks.append(asyncio.create_task(_ask(int(port), message, due, free, times)))
    await asyncio.gather(*tasks)
    print(json.dumps({"times_ms": times, "seconds": time.perf_counter() - began}))


async def _ask(port: int, message: bytes, due: float, free: list[Connection], times: list[float]) -> None:
    connection = free.pop() if free else Connection(*await asyncio.open_connection("127.0.0.1", port))
    connection.writer.write(message)
    head = await connection.reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(f"not every entry was kept: {head[:100]!r}")
    [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    await connection.reader.readexactly(int(length.partition(b":")[2]))
    times.append((time.perf_counter() - due) * 1000)
    free.append(connection)


def _body(chance: random.Random, day: str) -> bytes:
    """The same entries as the other load's."""
    people = chance.sample(range(100_000), chance.randint(1, 5))
    hosted, part = chance.random() < 0.4, chance.randint(2200, 16000)
    total = part * (len(people) + hosted)
    entry = {
        "occurred_on": day,
        "kind": "meal" if hosted else "gift",
        "giver": f"giver {chance.randint(1, 200)}",
        "total": {"amount": f"{total // 100}.{total % 100:02d}", "currency": "USD"},
        "recipients": [{"id": f"rec_{one:032x}"} for one in people],
        "purpose": "quarterly review",
    }
    return json.dumps(entry | ({"hosts_present": True} if hosted else {})).encode()


def _message(body: bytes, key: str, name: str) -> bytes:
    return (
        b"POST /v1/entries HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        + f"Authorization: Bearer {key}\r\nIdempotency-Key: {name}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


if __name__ == "__main__":
    asyncio.run(main())
