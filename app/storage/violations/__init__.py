"""Violations: the cases, found by what they are about and listed by what a reviewer asks."""

from app.storage.violations.cases import (
    OVER_DECIMALS,
    KnownViolation,
    add,
    as_known,
    by_id,
    by_key,
    change,
    held,
    last_known,
    of_entries,
    of_entries_as_known,
    remember,
    swap,
)
from app.storage.violations.filtering import NOBODY, ViolationFilter
from app.storage.violations.listing import Place, Sorting, how_many, listed, listed_as_known

__all__ = [
    "NOBODY",
    "OVER_DECIMALS",
    "KnownViolation",
    "Place",
    "Sorting",
    "ViolationFilter",
    "add",
    "as_known",
    "by_id",
    "by_key",
    "change",
    "held",
    "how_many",
    "last_known",
    "listed",
    "listed_as_known",
    "of_entries",
    "of_entries_as_known",
    "remember",
    "swap",
]
