"""Saved views, each its owner's."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from app.domain.audit import canonical
from app.domain.views import View
from app.storage.tables import SavedViewRow

_ALL = select(*(getattr(SavedViewRow, column) for column in View._fields))


def add(connection: Connection, view: View) -> None:
    """A new view. A unique violation means that its owner gave another this name at this moment."""
    connection.execute(insert(SavedViewRow).values(**_written(view)))


def swap(connection: Connection, view: View) -> bool:
    """A view as it is after a change; False where it no longer has the version before."""
    done = connection.execute(update(SavedViewRow).where(*_is(view.id, view.version - 1)).values(**_written(view)))
    return done.rowcount == 1


def remove(connection: Connection, view_id: str, version: int) -> bool:
    """Takes a view away; False where it no longer has the version."""
    return connection.execute(delete(SavedViewRow).where(*_is(view_id, version))).rowcount == 1


def of(connection: Connection, owner: str) -> list[View]:
    """All views of a person, by name."""
    rows = connection.execute(_ALL.where(SavedViewRow.owner == owner).order_by(SavedViewRow.name, SavedViewRow.id))
    return [_view(row) for row in rows]


def _is(view_id: str, version: int) -> tuple[Any, ...]:
    return (SavedViewRow.id == view_id, SavedViewRow.version == version)


def _written(view: View) -> dict[str, Any]:
    query = {name: list(values) for name, values in view.query.items()}
    return view._asdict() | {"query": canonical(query)}


def _view(row: Any) -> View:
    query = {name: tuple(values) for name, values in json.loads(row.query).items()}
    return View._make(row)._replace(query=query)
