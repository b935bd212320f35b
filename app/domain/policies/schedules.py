"""Schedules: reading dated rows, and which days they cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from app.domain.policies.form import FORM
from app.domain.policies.model import Dated
from app.domain.policies.reading import Place, day, items, mapping

ReadRow = Callable[[Place, Mapping[str, Place]], Any]

_FIRST, _LAST = date.min.toordinal(), date.max.toordinal()
_MOST_ROWS = 100


class Days(NamedTuple):
    """Days by their ordinals, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        start = "ever" if self.first == _FIRST else str(date.fromordinal(self.first))
        return f"from {start} to {'ever' if self.last == _LAST else date.fromordinal(self.last)}"


def dated(place: Place, form: str, read: ReadRow) -> tuple[Dated[Any], ...]:
    """The rows of a schedule in the order of their days. Rows that overlap or run backwards are noted."""
    rows: list[tuple[Place, Dated[Any]]] = []
    for row in items(place, "row", most=_MOST_ROWS, least=1):
        keys = mapping(row, FORM[form])
        rows.append((row, _row(keys, read(row, keys))))
    rows.sort(key=lambda row: days_of(row[1]))
    for (_, earlier), (late, later) in pairwise(rows):
        shared = max(days_of(earlier).first, days_of(later).first)
        if shared <= min(days_of(earlier).last, days_of(later).last):
            late.refuse("overlap", f"{_or_ever(shared)} is in another row too; rows may not overlap")
    return tuple(row for _, row in rows)


def _row(keys: Mapping[str, Place], value: Any) -> Dated[Any]:
    first = day(keys["effective_from"]) if "effective_from" in keys else None
    last = day(keys["effective_to"]) if "effective_to" in keys else None
    if first is not None and last is not None and last < first:
        keys["effective_to"].refuse("bad_date", f"{last} is before effective_from, which is {first}")
    return Dated(value, first, last)


def _or_ever(ordinal: int) -> str:
    return "the beginning of time" if ordinal == _FIRST else str(date.fromordinal(ordinal))


def days_of(row: Dated[Any]) -> Days:
    """The days on which a row holds."""
    return Days(
        row.effective_from.toordinal() if row.effective_from else _FIRST,
        row.effective_to.toordinal() if row.effective_to else _LAST,
    )


def covered(rows: Sequence[Dated[Any]]) -> list[Days]:
    """The days that rows cover together: rows that follow each other without a gap are one stretch."""
    stretches: list[Days] = []
    for days in sorted(days_of(row) for row in rows):
        if stretches and days.first <= stretches[-1].last + 1:
            stretches[-1] = Days(stretches[-1].first, max(stretches[-1].last, days.last))
        else:
            stretches.append(days)
    return stretches


def gap(needed: Sequence[Dated[Any]], given: Sequence[Dated[Any]]) -> Days | None:
    """The first days that one schedule covers and another does not."""
    stretches = covered(given)
    for want in covered(needed):
        first = want.first
        for have in stretches:
            if have.first <= first <= have.last:
                first = have.last + 1
        if first <= want.last:
            later = [have.first - 1 for have in stretches if have.first > first]
            return Days(first, min([*later, want.last]))
    return None
