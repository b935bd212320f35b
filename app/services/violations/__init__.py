"""Violations: opened, changed and withdrawn by what screening found; reading them and their history."""

from app.services.violations.reading import (
    Happened,
    Sorting,
    ViolationFilter,
    ViolationNotFound,
    as_seen_by,
    get,
    history,
    how_many,
    listed,
    may_see,
    of_entries,
    told,
)
from app.services.violations.settling import About, Cases, Caused, settle
from app.storage.violations import NOBODY, OVER_DECIMALS, KnownViolation, Place

__all__ = [
    "NOBODY",
    "OVER_DECIMALS",
    "About",
    "Cases",
    "Caused",
    "Happened",
    "KnownViolation",
    "Place",
    "Sorting",
    "ViolationFilter",
    "ViolationNotFound",
    "as_seen_by",
    "get",
    "history",
    "how_many",
    "listed",
    "may_see",
    "of_entries",
    "settle",
    "told",
]
