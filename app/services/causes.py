"""Causes: which entry, merge or policy changed a result, as far as whoever asks may know of it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.storage import entries


def known_to(connection: Connection, principal: Principal, causes: Iterable[str | None]) -> set[str]:
    """The causes that may be told: whoever may not read all learns of no entry but their own."""
    said = {cause for cause in causes if cause is not None}
    if principal.may(Permission.READ_ALL):
        return said
    found = entries.by_id(connection, {_entry(cause) for cause in said if cause.startswith("ent_")})
    own = {id for id, one in found.items() if principal.person in (one.submitted_by, one.entry.giver)}
    return {cause for cause in said if not cause.startswith("ent_") or _entry(cause) in own}


def _entry(cause: str) -> str:
    """The entry of a cause, which names one of its versions: `ent_…:2`."""
    return cause.partition(":")[0]
