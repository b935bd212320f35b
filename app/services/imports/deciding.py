"""Deciding about an import that was checked: apply it, or leave it."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.refusals import Conflict, NotFound, StaleVersion
from app.services.desk import Desk
from app.services.imports.receiving import allowed, new_operation
from app.storage import imports as rows
from app.storage.imports import KnownImport


class ImportNotFound(NotFound):
    code = "import_not_found"


class ImportChanged(StaleVersion):
    code = "import_changed"
    title = "The import has another version by now"


class ImportNotReady(Conflict):
    code = "import_not_ready"
    title = "The import is not at that point"


def apply(connection: Connection, desk: Desk, principal: Principal, import_id: str, *, version: int) -> KnownImport:
    """Carries out a checked import, or goes on with a failed one.

    Raises RoleForbids, ImportNotFound, ImportChanged, ImportNotReady.
    """
    one = _held(connection, principal, import_id, version)
    if one.state not in (rows.CHECKED, rows.FAILED):
        raise ImportNotReady(f"The import is {one.state}; only what was checked can be applied")
    stamp = desk.stamp(principal.person)
    operation = new_operation(connection, desk, "import_application", principal.person, one.lines)
    now = one._replace(
        state=rows.APPLYING,
        version=one.version + 1,
        operation_id=operation.id,
        acting_person=principal.person,
        acting_role=allowed(principal),
        touched_at=stamp.at,
    )
    return _kept(connection, desk, now, "import.application_asked", principal)


def cancel(connection: Connection, desk: Desk, principal: Principal, import_id: str, *, version: int) -> KnownImport:
    """Leaves an import where it is: nothing more of it is applied. Raises what `apply` raises."""
    one = _held(connection, principal, import_id, version)
    if one.state in (rows.APPLIED, rows.CANCELLED):
        raise ImportNotReady(f"The import is {one.state} already")
    now = one._replace(state=rows.CANCELLED, version=one.version + 1, touched_at=desk.clock())
    return _kept(connection, desk, now, "import.cancelled", principal)


def _held(connection: Connection, principal: Principal, import_id: str, version: int) -> KnownImport:
    principal.require(Permission.SUBMIT)
    one = rows.by_id(connection, import_id, hold=True)
    if one is None or one.state == rows.READING or not may_see(principal, one):
        raise ImportNotFound("There is no such import")
    if one.version != version:
        raise ImportChanged(f"The import is at version {one.version}; read it again")
    return one


def _kept(connection: Connection, desk: Desk, now: KnownImport, action: str, principal: Principal) -> KnownImport:
    rows.keep(connection, now)
    journal = desk.journal()
    journal.note(now.id, now.version, action, {"applied": now.applied}, desk.stamp(principal.person))
    journal.seal(connection)
    return now


def may_see(principal: Principal, one: KnownImport) -> bool:
    """Whoever may read all, and otherwise the one who handed it in."""
    own = principal.may(Permission.READ_OWN) and one.created_by == principal.person
    return own or principal.may(Permission.READ_ALL)
