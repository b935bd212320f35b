"""Views: questions with a name, saved by a person or shipped with the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from app.domain.refusals import Conflict, NotFound, StaleVersion
from app.domain.violations import CLOSED, State

MOST_PER_PERSON = 100
Query = Mapping[str, tuple[str, ...]]


class Noun(StrEnum):
    """What a view is a list of."""

    VIOLATIONS = "violations"
    ENTRIES = "entries"


class ViewNotFound(NotFound):
    code = "view_not_found"


class ViewShipped(Conflict):
    code = "view_shipped"
    title = "This view ships with the service"


class ViewExists(Conflict):
    code = "view_exists"
    title = "You have a view of that name"


class TooManyViews(Conflict):
    code = "too_many_views"
    title = "You have as many views as one may have"


class ViewChanged(StaleVersion):
    code = "view_changed"


class View(NamedTuple):
    """A named question. `query` is what stands behind the `?`: names and values as they are written there.

    One without an owner ships with the service, never changes, and has no moments.
    """

    id: str
    version: int
    name: str
    noun: str
    query: Query
    owner: str | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None


def _shipped(id: str, name: str, noun: Noun = Noun.VIOLATIONS, **query: tuple[str, ...]) -> View:
    named = {key.replace("__", "[") + "]" if "__" in key else key: value for key, value in query.items()}
    return View(f"view_{id}", 1, name, noun.value, MappingProxyType(named))


_OPEN = tuple(state.value for state in State if state not in CLOSED)
_OFFICIALS = ("union_official", "municipal_official", "federal_executive", "congress")

# What every person who may read all finds there, and what everybody else finds.
SHIPPED = (
    _shipped("open", "Open", state=_OPEN, sort=("due",)),
    _shipped("mine", "Mine", state=_OPEN, assignee=("me",), sort=("due",)),
    _shipped("unassigned", "Unassigned", state=_OPEN, assignee=("none",), sort=("due",)),
    _shipped("overdue", "Overdue", overdue=("true",), sort=("due",)),
    _shipped("waiting_on_rep", "Waiting on the rep", state=("waiting_on_rep",), sort=("due",)),
    _shipped("escalated", "Escalated", state=("escalated",), sort=("due",)),
    _shipped("officials_and_unions", "Officials and unions", recipient_type=_OFFICIALS, sort=("due",)),
    _shipped("caused_by_a_correction", "Caused by a correction", cause_kind=("correction",), sort=("newest",)),
    _shipped("barely_over", "Barely over", state=_OPEN, percent_of_limit__lte=("110",), sort=("amount_over",)),
    _shipped("far_over", "Twice the limit and more", state=_OPEN, percent_of_limit__gte=("200",), sort=("-due",)),
    _shipped("recorded_late", "Recorded late", days_late__gte=("15",), sort=("newest",)),
    _shipped("decided", "Decided", state=("decided",), sort=("newest",)),
    _shipped("returned_gifts", "Returned gifts", Noun.ENTRIES, standing=("returned",)),
)
FOR_EVERYBODY = frozenset({"view_open", "view_waiting_on_rep", "view_decided", "view_returned_gifts"})
