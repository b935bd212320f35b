"""Productions again: finding them, handing out their files, and where the books differ from a kept statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from app.domain.entries import Direction, Kind
from app.domain.refusals import Conflict, NotFound, Refusal
from app.domain.reports import Difference, differences, said
from app.services.desk import Desk
from app.services.reports.books import Books, Wanted
from app.services.reports.kinds import KINDS, ReportKind
from app.storage.ids import moment_at
from app.storage.reports import productions
from app.storage.reports.productions import KnownProduction, Recorded

_ENTRY = "entry_id"


class ProductionNotFound(NotFound):
    code = "production_not_found"


class FileExpired(Refusal):
    code = "file_expired"
    status = 410
    title = "The file is no longer kept"


class NotKept(Conflict):
    code = "not_a_statement"
    title = "Only statements are kept to be compared"


class NotTheSame(Conflict):
    code = "not_the_same_statement"
    title = "The two are not productions of one statement"


@dataclass(frozen=True, slots=True)
class Change:
    """A row that differs, with what was recorded about its entry since the statement was produced."""

    difference: Difference
    because: Sequence[Recorded]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A kept statement beside the books now, or beside a later production of it."""

    kind: ReportKind
    production: KnownProduction
    changes: Sequence[Change]


def get(connection: Connection, production_id: str) -> KnownProduction:
    """One production. Raises ProductionNotFound."""
    found = productions.by_id(connection, production_id)
    if found is None:
        raise ProductionNotFound("There is no such production of a report")
    return found


def listed(connection: Connection, *, kind: str | None, after: str | None, limit: int) -> list[KnownProduction]:
    """Productions, newest first."""
    return productions.listed(connection, kind=kind, after=after, limit=limit)


def require_file(desk: Desk, production: KnownProduction) -> None:
    """Raises FileExpired where the file is no longer kept."""
    if production.expires_at is not None and production.expires_at <= desk.clock():
        raise FileExpired("The file has expired; produce the report again, as of the same moment if need be")


def file_of(connection: Connection, production_id: str) -> Iterator[bytes]:
    """The bytes that were handed out, piece by piece."""
    return productions.parts(connection, production_id, "file")


def compared(connection: Connection, desk: Desk, production_id: str, *, later_id: str | None = None) -> Comparison:
    """Where the books as they stand differ from a kept statement, row by row and why; or where a later production does.

    Raises ProductionNotFound, NotKept, NotTheSame, and FileExpired where its rows are older than anything is kept.
    """
    made = get(connection, production_id)
    kind = KINDS[made.kind]
    if not kind.kept:
        raise NotKept("The rows of this report were not kept; produce it again as of the same moment to compare")
    require_file(desk, made)
    if later_id is None:
        books = Books(connection, desk, _wanted(made))
        now: Iterator[Sequence[object]] = (json.loads(json.dumps(said(row))) for row in kind.rows(books))
    else:
        later = get(connection, later_id)
        if (later.kind, later.asked) != (made.kind, made.asked):
            raise NotTheSame("Compare two productions of one report with the same parameters")
        require_file(desk, later)
        now = _rows(connection, later_id)
    found = differences(_rows(connection, production_id), now, kind.key_places)
    because = _because(connection, kind, found, made.known_at)
    return Comparison(kind, made, [Change(one, because.get(str(one.key[kind.key.index(_ENTRY)]), ())) for one in found])


def _because(
    connection: Connection, kind: ReportKind, found: Sequence[Difference], after: int
) -> dict[str, list[Recorded]]:
    place = kind.key.index(_ENTRY)
    because: dict[str, list[Recorded]] = {}
    for one in productions.recorded_since(connection, {str(one.key[place]) for one in found}, after):
        because.setdefault(one.entry_id, []).append(one)
    return because


def _rows(connection: Connection, production_id: str) -> Iterator[list[object]]:
    """The rows of a kept statement as they were said."""
    left = b""
    for piece in productions.parts(connection, production_id, "rows"):
        *lines, left = (left + piece).split(b"\n")
        yield from map(json.loads, lines)


def _wanted(made: KnownProduction) -> Wanted:
    """What was asked then, to be asked now."""
    asked = json.loads(made.asked)
    return Wanted(
        date.fromisoformat(asked["first"]),
        date.fromisoformat(asked["last"]),
        recipient_id=asked.get("recipient_id"),
        employer_id=asked.get("employer_id"),
        giver=asked.get("giver"),
        direction=Direction(asked["direction"]) if "direction" in asked else None,
        kinds=tuple(Kind(kind) for kind in asked.get("kind", ())),
    )


def moment_known(production: KnownProduction) -> datetime:
    """The moment as of which a production knows the books."""
    return moment_at(production.known_at)
