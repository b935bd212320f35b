"""The sides by name: what the rows of the table hold against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.ground import Ground
from bench.sides import alone, files, reading, recording
from bench.sides.side import Measured, Opened, Side

__all__ = ["Measured", "Opened", "Side", "sides"]


def sides(ground: Ground) -> Mapping[str, Callable[[], Opened]]:
    """Every side by name, not yet running."""
    return {**recording.sides(ground), **reading.sides(ground), **files.sides(ground), **alone.sides(ground)}
