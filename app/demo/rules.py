"""The policy of the demonstration: the default packs, those for the firm's special recipients, and exchange rates."""

from __future__ import annotations

from datetime import date
from random import Random

from app.demo.firm import Json
from app.services import packs

PACKS = (
    "finra-3220",
    "firm-entertainment",
    "finra-2341",
    "finra-2070",
    "msrb-g20",
    "erisa-fiduciary",
    "executive-branch",
    "congress",
    "lm-10",
)
# Where a rate starts, by how much it moves in a day, and its decimals.
_RATES = {"EUR": (10800, 40, 4), "GBP": (12800, 45, 4), "JPY": (6700, 30, 6)}


def policy(*, seed: int, days: list[date]) -> Json:
    """The draft: rules and settings, with a rate of the euro, the pound and the yen for each day."""
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    settings = packs.default_document()["settings"] | {"fx": {code: _walk(chance, code, days) for code in _RATES}}
    return packs.compose(PACKS, "Larkfield & Pryce: gifts and entertainment", settings)


def _walk(chance: Random, code: str, days: list[date]) -> dict[str, str]:
    """A rate that wanders around where it starts, within a twentieth of it."""
    start, step, decimals = _RATES[code]
    rate, rates = start, {}
    for day in days:
        rate = min(max(rate + chance.randint(-step, step), start * 19 // 20), start * 21 // 20)
        rates[day.isoformat()] = f"{rate // 10**decimals}.{rate % 10**decimals:0{decimals}d}"
    return rates
