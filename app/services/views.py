"""Views: a person's own, and those that ship. Nobody sees or changes another's."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.views import (
    FOR_EVERYBODY,
    MOST_PER_PERSON,
    SHIPPED,
    Query,
    TooManyViews,
    View,
    ViewChanged,
    ViewExists,
    ViewNotFound,
    ViewShipped,
)
from app.services.desk import Desk
from app.storage import views as rows
from app.storage.ids import new_id


def require(principal: Principal) -> None:
    """Raises RoleForbids for whoever sees none of what views are about."""
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)


def listed(connection: Connection, principal: Principal, *, noun: str | None = None) -> list[View]:
    """What ships and is of use to somebody, then their own by name. Raises RoleForbids."""
    found = [*_shipped_for(principal), *rows.of(connection, principal.person)]
    return [view for view in found if noun in (None, view.noun)]


def get(connection: Connection, principal: Principal, view_id: str) -> View:
    """One view. Raises ViewNotFound, alike for absent and another's."""
    found = next((view for view in listed(connection, principal) if view.id == view_id), None)
    if found is None:
        raise ViewNotFound("There is no such view")
    return found


def save(connection: Connection, desk: Desk, principal: Principal, *, name: str, noun: str, query: Query) -> View:
    """Gives a question a name. Raises RoleForbids, ViewExists or TooManyViews."""
    own = [view for view in listed(connection, principal) if view.owner is not None]
    if len(own) >= MOST_PER_PERSON:
        raise TooManyViews(f"One may have {MOST_PER_PERSON} views; delete one first")
    stamp = desk.stamp(principal.person)
    made = View(new_id("view"), 1, name, noun, query, principal.person, stamp.at, stamp.at)
    _require_free(own, made)
    rows.add(connection, made)
    _note(connection, desk, made, "view.saved", stamp)
    return made


def change(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    view_id: str,
    version: int,
    *,
    name: str | None,
    query: Query | None,
) -> View:
    """Another name, another question, or both. Raises ViewNotFound, ViewShipped, ViewChanged or ViewExists."""
    before = _own(connection, principal, view_id, version)
    stamp = desk.stamp(principal.person)
    after = before._replace(
        version=version + 1,
        name=before.name if name is None else name,
        query=before.query if query is None else query,
        changed_at=stamp.at,
    )
    _require_free(rows.of(connection, principal.person), after)
    if not rows.swap(connection, after):
        raise ViewChanged("The view was changed at this moment; read it again")
    _note(connection, desk, after, "view.changed", stamp)
    return after


def remove(connection: Connection, desk: Desk, principal: Principal, view_id: str, version: int) -> View:
    """Takes a view away. Raises ViewNotFound, ViewShipped or ViewChanged."""
    view = _own(connection, principal, view_id, version)
    if not rows.remove(connection, view_id, version):
        raise ViewChanged("The view was changed at this moment; read it again")
    _note(connection, desk, view._replace(version=version + 1), "view.removed", desk.stamp(principal.person))
    return view


def _own(connection: Connection, principal: Principal, view_id: str, version: int) -> View:
    view = get(connection, principal, view_id)
    if view.owner is None:
        raise ViewShipped("It cannot be changed; save one of your own")
    if view.version != version:
        raise ViewChanged(f"The view has version {view.version} by now; read it again")
    return view


def _shipped_for(principal: Principal) -> list[View]:
    if principal.may(Permission.READ_ALL):
        return list(SHIPPED)
    require(principal)
    return [view for view in SHIPPED if view.id in FOR_EVERYBODY]


def _require_free(own: list[View], view: View) -> None:
    if any((one.noun, one.name) == (view.noun, view.name) and one.id != view.id for one in own):
        raise ViewExists.at("/name", "You have a view of that name; take another")


def _note(connection: Connection, desk: Desk, view: View, action: str, stamp: Stamp) -> None:
    journal = desk.journal()
    query = {name: list(values) for name, values in view.query.items()}
    facts = {"name": view.name, "noun": view.noun, "query": query}
    journal.note(view.id, view.version, action, facts, stamp)
    journal.seal(connection)


__all__ = ["View", "change", "get", "listed", "remove", "require", "save"]
