"""Violations: opened, changed and withdrawn by what screening found; reading them and their history."""

from app.services.violations.reading import (
    Happened,
    ViolationFilter,
    ViolationNotFound,
    as_seen_by,
    get,
    history,
    listed,
    may_see,
    of_entries,
    told,
)
from app.services.violations.settling import About, Cases, Caused, settle
from app.storage.violations import NOBODY, KnownViolation

__all__ = [
    "NOBODY",
    "About",
    "Cases",
    "Caused",
    "Happened",
    "KnownViolation",
    "ViolationFilter",
    "ViolationNotFound",
    "as_seen_by",
    "get",
    "history",
    "listed",
    "may_see",
    "of_entries",
    "settle",
    "told",
]
