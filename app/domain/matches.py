"""Matches: what speaks for and against two recipients being one person, weighed; and what they would have together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

WEIGHTS = {
    "same_name": 50,
    "transliterated_name": 48,
    "word_order": 46,
    "spelling": 44,
    "nickname": 42,
    "surname_part": 36,
    "similar_name": 30,
    "initial": 30,
    "same_employer": 30,
    "similar_employer": 20,
    "same_email": 50,
    "same_mailbox_name": 20,
    "same_email_domain": 10,
    "same_phone": 25,
    "shared_external_id": 20,
    "different_generation": -45,
    "generation_missing": -10,
    "different_first_names": -30,
    "different_names": -20,
    "different_middle_names": -15,
    "different_email": -15,
    "different_employers": -10,
}
CERTAIN = 100
LIKELY = 50  # one good reason about the name and nothing against it
NAMESAKES = WEIGHTS["same_name"] + WEIGHTS["different_employers"]


class Reason(NamedTuple):
    """One thing that speaks for (weight above zero) or against two people being one."""

    code: str
    detail: str

    @property
    def weight(self) -> int:
        """In hundredths of certainty."""
        return WEIGHTS[self.code]


def score(reasons: Iterable[Reason]) -> int:
    """How likely two people are one, in hundredths: 0 to 100."""
    return max(0, min(CERTAIN, sum(reason.weight for reason in reasons)))
