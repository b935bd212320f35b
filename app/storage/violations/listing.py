"""Lists of cases: filtered, in one of a few orders, page by page, as they stand or as they stood."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, literal, select, tuple_
from sqlalchemy.orm import aliased

from app.domain.violations import Order
from app.storage.tables import ViolationRow, ViolationVersionRow
from app.storage.violations.cases import ALL, KnownViolation, from_document, read
from app.storage.violations.filtering import ViolationFilter

Place = tuple[Any, ...]
_KEYS = {Order.DUE: ("due_on", "id"), Order.SEVERITY: ("severity_rank", "id"), Order.AMOUNT_OVER: ("over_scaled", "id")}
_FALLING = frozenset({Order.AMOUNT_OVER, Order.NEWEST})


class Sorting(NamedTuple):
    """An order of cases, or its reverse. Cases that are equal in it stand by id, in the same direction."""

    by: Order = Order.NEWEST
    reverse: bool = False

    @property
    def falling(self) -> bool:
        """Whether the greatest comes first."""
        return (self.by in _FALLING) is not self.reverse

    @property
    def names(self) -> tuple[str, ...]:
        """What it goes by."""
        return _KEYS.get(self.by, ("id",))

    def place(self, case: KnownViolation) -> Place:
        """Where a case stands."""
        return tuple(getattr(case, name) for name in self.names)

    def beyond(self, case: KnownViolation, after: Place | None) -> bool:
        """Whether a case comes after a place."""
        if after is None:
            return True
        return self.place(case) < after if self.falling else self.place(case) > after


def listed(
    connection: Connection, wanted: ViolationFilter, sorting: Sorting, *, after: Place | None, limit: int
) -> list[KnownViolation]:
    """Cases as they stand. Constant cost per page, whatever the page."""
    columns = [getattr(ViolationRow, name) for name in sorting.names]
    question = ALL.where(*wanted.conditions(connection))
    if after:
        place, bound = tuple_(*columns), tuple_(*map(literal, after))
        question = question.where(place < bound if sorting.falling else place > bound)
    order = [column.desc() if sorting.falling else column.asc() for column in columns]
    return read(question.order_by(*order).limit(limit), connection)


def listed_as_known(
    connection: Connection, wanted: ViolationFilter, sorting: Sorting, at: int, *, after: Place | None, limit: int
) -> list[KnownViolation]:
    """Cases as they stood at a place in the order of record. By age constant cost per page, otherwise one pass."""
    if sorting.by is not Order.NEWEST:
        found = (case for case in _as_known(connection, at) if sorting.beyond(case, after) and wanted.matches(case))
        first = heapq.nlargest if sorting.falling else heapq.nsmallest
        return first(limit, found, key=sorting.place)
    page: list[KnownViolation] = []
    for case in _as_known(connection, at, falling=sorting.falling, after=after):
        if wanted.matches(case):
            page.append(case)
        if len(page) == limit:
            break
    return page


def how_many(connection: Connection, wanted: ViolationFilter, *, most: int, at: int | None = None) -> int:
    """How many cases there are, counted up to as many as `most`."""
    if at is not None:
        return len(listed_as_known(connection, wanted, Sorting(), at, after=None, limit=most))
    some = select(ViolationRow.id).where(*wanted.conditions(connection)).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _as_known(
    connection: Connection, at: int, *, falling: bool = True, after: Place | None = None
) -> Iterator[KnownViolation]:
    """All cases as they stood at a place in the order of record, by id, a few at a time."""
    row, later = ViolationVersionRow, aliased(ViolationVersionRow)
    superseded = select(later.version).where(
        later.violation_id == row.violation_id, later.version > row.version, later.known_from <= at
    )
    question = select(row.document).where(row.known_from <= at, ~superseded.exists())
    if after:
        question = question.where(row.violation_id < after[0] if falling else row.violation_id > after[0])
    order = row.violation_id.desc() if falling else row.violation_id.asc()
    found = connection.execute(question.order_by(order).execution_options(yield_per=500))
    try:
        for document in found.scalars():
            yield from_document(json.loads(document))
    finally:
        found.close()
