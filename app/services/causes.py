"""Causes: which entry, merge or policy changed a result, as far as whoever asks may know of it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.storage import entries
from app.storage.entries import KnownEntry


def known_to(connection: Connection, principal: Principal, causes: Iterable[str | None]) -> set[str]:
    """The causes that may be told: whoever may not read all learns of no entry but their own and their team's."""
    said = {cause for cause in causes if cause is not None}
    if principal.may(Permission.READ_ALL):
        return said
    found = entries.by_id(connection, {_entry(cause) for cause in said if cause.startswith("ent_")})
    theirs = {id for id, one in found.items() if _may_read(principal, one)}
    return {cause for cause in said if not cause.startswith("ent_") or _entry(cause) in theirs}


def _may_read(principal: Principal, known: KnownEntry) -> bool:
    one = known.entry
    return principal.may_read(
        direction=one.direction, giver=one.giver, submitted_by=known.submitted_by, occurred_on=one.occurred_on
    )


def _entry(cause: str) -> str:
    """The entry of a cause, which names one of its versions: `ent_…:2`."""
    return cause.partition(":")[0]
