"""Distinctions: two recipients who look alike were found not to be one person, and that is remembered with its reason.

Refused are: two that are one record or one person already, a pair that is distinguished, one withdrawn before.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from app.domain.refusals import Conflict, NotFound, Unprocessable
from app.services.desk import Desk
from app.services.recipients import UnknownRecipient
from app.storage import distinctions
from app.storage import recipients as recipient_rows
from app.storage.distinctions import KnownDistinction as KnownDistinction
from app.storage.ids import new_id


class DistinctionNotFound(NotFound):
    code = "distinction_not_found"


class DistinctFromSelf(Unprocessable):
    code = "distinct_from_self"
    title = "Nobody is somebody else than themselves"


class OnePerson(Conflict):
    code = "one_person"
    title = "The two are merged into one person"


class AlreadyDistinct(Conflict):
    code = "already_distinct"
    title = "The two were found not to be one person before"


class DistinctionWithdrawn(Conflict):
    code = "distinction_withdrawn"
    title = "The distinction was withdrawn before"


def draw(connection: Connection, desk: Desk, ids: Sequence[str], *, reason: str, by: str) -> KnownDistinction:
    """Remembers that two records are not one person: they are no longer proposed as a match.

    Raises DistinctFromSelf, UnknownRecipient, OnePerson or AlreadyDistinct.
    """
    one, other = sorted(ids)
    if one == other:
        raise DistinctFromSelf.at("/recipient_ids/1", "Name two records")
    held = recipient_rows.lock(connection, ids)
    for place, id in enumerate(ids):
        if id not in held:
            raise UnknownRecipient.at(f"/recipient_ids/{place}", "There is no recipient with this id")
    if held[one].canonical_id == held[other].canonical_id:
        raise OnePerson("Undo the merge that made them one person")
    if before := distinctions.between(connection, one, other):
        raise AlreadyDistinct(f"{before.id} says so already")
    stamp, journal = desk.stamp(by, reason=reason), desk.journal()
    drawn = KnownDistinction(new_id("dst"), 1, one, other, reason, by, stamp.at)
    distinctions.add(connection, drawn)
    journal.note(drawn.id, 1, "distinction.drawn", {"one": one, "other": other, "reason": reason}, stamp)
    journal.seal(connection)
    return drawn


def withdraw(connection: Connection, desk: Desk, distinction_id: str, *, reason: str, by: str) -> KnownDistinction:
    """Takes a distinction back: the two may be proposed again. Raises DistinctionNotFound or DistinctionWithdrawn."""
    drawn = get(connection, distinction_id)
    stamp, journal = desk.stamp(by, reason=reason), desk.journal()
    gone = drawn._replace(version=2, withdrawn_by=by, withdrawn_at=stamp.at, withdrawn_reason=reason)
    if not distinctions.withdraw(connection, gone):
        raise DistinctionWithdrawn("This distinction was withdrawn before")
    journal.note(gone.id, 2, "distinction.withdrawn", {"reason": reason}, stamp)
    journal.seal(connection)
    return gone


def get(connection: Connection, distinction_id: str) -> KnownDistinction:
    """One distinction. Raises DistinctionNotFound."""
    found = distinctions.by_id(connection, distinction_id)
    if found is None:
        raise DistinctionNotFound("There is no such distinction")
    return found


def listed(
    connection: Connection, *, recipient_id: str | None, after: str | None, limit: int
) -> list[KnownDistinction]:
    """Distinctions, newest first, withdrawn ones too."""
    return distinctions.listed(connection, recipient_id=recipient_id, after=after, limit=limit)
