"""The pure engine by itself: entries counted, judged and explained in one process, without a database.

Prints as JSON how many assessments with proof were made in how many seconds. Arguments: seconds to go on, seed.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import date, timedelta

from app.domain.entries import Direction, Entry, Kind, Listed
from app.domain.policies import Policy, parse
from app.domain.screening import assess, count, explain
from app.services import packs
from bench.ground import TYPES
from bench.references.rules import USD

_ENTRIES = 2000


def main() -> None:
    """Goes through many different entries again and again."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    chance, read = random.Random(seed), parse(packs.default_document(), packs.exponent)
    policy = Policy("pol_0", 1, "Default policy", date(2000, 1, 1), read.rules, read.settings)
    entries = [_entry(chance, number) for number in range(_ENTRIES)]
    done, began, times = 0, time.perf_counter(), []
    while time.perf_counter() - began < seconds:
        for entry in entries:
            start = time.perf_counter()
            made = _assessed(policy, entry)
            times.append((time.perf_counter() - start) * 1000 / max(made, 1))
            done += made
    print(json.dumps({"done": done, "seconds": time.perf_counter() - began, "times_ms": times}))


def _assessed(policy: Policy, entry: Entry) -> int:
    """Every result of an entry with its steps; what the period held before it is a number here."""
    lines = count(policy, entry)
    for line in lines:
        rule = policy.by_id[line.rule_id]
        assess(rule, line, prior=5000)
        explain(policy, rule, entry, line)
    return len(lines)


def _entry(chance: random.Random, number: int) -> Entry:
    people = tuple(
        Listed(f"rec_{one:032x}", f"emp_{one % 1000:032x}", chance.choice(TYPES))
        for one in chance.sample(range(100_000), chance.randint(1, 5))
    )
    hosted = chance.random() < 0.4
    on = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
    kind = Kind.MEAL if hosted else Kind.GIFT
    total = chance.randint(2200, 80_000)
    return Entry(
        f"ent_{number}",
        number,
        on,
        kind,
        Direction.GIVEN,
        "g",
        total,
        USD,
        people,
        hosts_present=True if hosted else None,
    )


if __name__ == "__main__":
    main()
