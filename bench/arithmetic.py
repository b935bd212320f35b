"""The bench's own sums: medians with their ranges, ratios round by round, percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle of several rounds and how far they lie apart."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{shown(self.middle)} [{shown(self.least)}..{shown(self.most)}]"


def spread(values: Sequence[float]) -> Spread:
    """Median, least and most. ValueError where there is nothing."""
    if not values:
        raise ValueError("there are no values to sum up")
    return Spread(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Each round's own ratio, so that whatever slowed the machine for a whole round slowed both sides of it.

    ValueError where the rounds do not pair up.
    """
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed. ValueError where there is nothing."""
    if not values:
        raise ValueError("there are no values")
    return sorted(values)[max(ceil(len(values) * share) - 1, 0)]


def shown(value: float) -> str:
    """Three digits that mean something: 1279, 34.2, 0.913."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
