"""`python -m bench.scaling figures.json`: what measured figures say of larger firms, as sums anybody can follow.

The file is what `python -m bench --json figures.json` wrote. CPU and bytes per entry are measured; that work divides
evenly among cores and machines is an assumption, and what rests on it says so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

_RATES = (1, 100, 1_000, 10_000)
_STORED = (1_000_000, 100_000_000, 10_000_000_000)
_BUSY = 0.5  # how busy a core may be in the middle of the day, so that a peak of twice that still passes
_DAY_S = 86_400


def main() -> None:
    """Prints the sums."""
    parser = argparse.ArgumentParser(
        "python -m bench.scaling", description="What measured figures say of larger firms."
    )
    parser.add_argument("figures", type=Path)
    print("\n".join(lines(json.loads(parser.parse_args().figures.read_text()))))


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The machine, the measured figures, and what follows from them."""
    post = figures["sides"]["post"]["rounds"]
    app, database = (median(one[name] for one in post) for name in ("app_us", "database_us"))
    rate = median(one["rate"] for one in post)
    yield f"machine   {figures['machine']['machine']}"
    yield f"measured  {rate:.0f} entries/s by one process at {app:.0f} us of CPU each, PostgreSQL {database:.0f} us"
    yield ""
    yield f"Cores at {_BUSY:.0%}, if the work divides evenly (arithmetic, not run):"
    for wanted in _RATES:
        service, store = (wanted * us / 1e6 / _BUSY for us in (app, database))
        yield (
            f"  {wanted:>6,} entries/s: service {cores(service)}, PostgreSQL {cores(store)}; "
            f"{wanted * _DAY_S / 1e6:,.1f} million entries in a day"
        )
    if stored := figures.get("stored"):
        each = stored["bytes"] / stored["entries"]
        yield ""
        yield f"measured  {each:,.0f} bytes per entry with everything that belongs to it, indexes included"
        for entries in _STORED:
            yield f"  {entries:>14,} entries: {entries * each / 2**30:,.1f} GiB (arithmetic, not run)"


def cores(needed: float) -> str:
    """A number of cores in words: less than one is said with its digits."""
    return f"{needed:.2f} cores" if needed < 1 else f"{needed:,.0f} cores"


if __name__ == "__main__":
    main()
