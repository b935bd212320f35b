"""Working: a thread that checks and applies imports portion by portion; after a crash anybody goes on where it ended.

What a portion comes to, and how far the import is, are one transaction: nothing is done twice or left out.
"""

from __future__ import annotations

import json
import logging
import threading

from sqlalchemy import Connection

from app.domain.access import Permission, Principal, Role
from app.domain.audit import canonical
from app.domain.refusals import Unavailable
from app.services.desk import Desk
from app.services.imports.applying import carry_out
from app.storage import imports as rows
from app.storage import operations
from app.storage.imports import KnownImport, KnownLine, Settled

_log = logging.getLogger(__name__)
# On SQLite a portion holds up whoever else writes, so it takes a second and no more.
CHECKED_TOGETHER, APPLIED_TOGETHER = 1000, 500
_LOOK_EVERY_S = 2


class Importer:
    """The thread of one process that works on whatever imports wait, its own and those of processes that ended."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="importer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something waits."""
        self._wake.set()

    def close(self) -> None:
        """Ends after the portion at hand."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = work_once(self._desk)
            except Unavailable as away:
                _log.warning("imports wait: %s", away.detail)
                busy = False
            except Exception:  # noqa: BLE001 - whatever it is, the next look may succeed
                _log.exception("the importer could not go on")
                busy = False
            if not busy:
                self._wake.wait(_LOOK_EVERY_S)
                self._wake.clear()


def work_once(desk: Desk) -> bool:
    """One portion of the import that has waited longest. False where nothing waits."""
    with desk.database.reading() as connection:
        waiting = rows.waiting(connection)
    return any(_work_on(desk, import_id) for import_id in waiting)


def _work_on(desk: Desk, import_id: str) -> bool:
    with desk.database.reading() as connection:
        one = rows.by_id(connection, import_id)
    if one is None:
        return False
    try:
        if one.state == rows.CHECKING:
            return _check_portion(desk, one)
        return one.state == rows.APPLYING and desk.database.write(
            lambda connection: _apply_portion(connection, desk, one)
        )
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - one file that cannot be worked on must not hold up the others
        _log.exception("import %s failed", import_id)
        desk.database.write(lambda connection: _fail(connection, desk, import_id))
        return True


def principal_of(one: KnownImport) -> Principal:
    """In whose name an import is worked on: whoever asked for it, as they were allowed then."""
    role, _, ceiling = one.acting_role.partition(" ")
    within = frozenset(Permission(name) for name in ceiling.split()) if ceiling else None
    return Principal(one.created_by_key, one.acting_person, Role(role), one.acting_person, ceiling=within)


def _check_portion(desk: Desk, one: KnownImport) -> bool:
    """What some lines would come to: they are carried out together with nothing kept, and only that is written down."""
    with desk.database.reading() as connection:
        some = rows.lines(connection, one.id, after=one.checked, limit=CHECKED_TOGETHER)
    settled: list[Settled] = []
    if some:
        settled = desk.database.rehearse(lambda connection: carry_out(connection, desk, principal_of(one), one, some))
    return desk.database.write(lambda connection: _note_check(connection, desk, one, some, settled))


def _note_check(
    connection: Connection, desk: Desk, one: KnownImport, some: list[KnownLine], settled: list[Settled]
) -> bool:
    held = rows.take(connection, one.id, rows.CHECKING)
    if held is None or held.checked != one.checked:
        return False
    for start in range(0, len(settled), 500):
        rows.settle(connection, one.id, settled[start : start + 500], expected=True)
    done = some[-1].position if some else one.lines
    now = held._replace(checked=done, summary=_summed(held.summary, "check", settled), touched_at=desk.clock())
    if done >= one.lines:
        now = now._replace(state=rows.CHECKED, version=held.version + 1)
        _conclude(connection, desk, now, "import.checked", "check")
    rows.keep(connection, now)
    _progress(connection, desk, now, done, ended=done >= one.lines)
    return True


def _apply_portion(connection: Connection, desk: Desk, seen: KnownImport) -> bool:
    one = rows.take(connection, seen.id, rows.APPLYING)
    if one is None:
        return False
    some = rows.lines(connection, one.id, after=one.applied, limit=APPLIED_TOGETHER)
    settled = carry_out(connection, desk, principal_of(one), one, some) if some else []
    rows.settle(connection, one.id, settled, expected=False)
    done = some[-1].position if some else one.lines
    now = one._replace(applied=done, summary=_summed(one.summary, "applied", settled), touched_at=desk.clock())
    if done >= one.lines:
        now = now._replace(state=rows.APPLIED, version=one.version + 1)
        _conclude(connection, desk, now, "import.applied", "applied")
    rows.keep(connection, now)
    _progress(connection, desk, now, done, ended=done >= one.lines)
    return True


def _conclude(connection: Connection, desk: Desk, now: KnownImport, action: str, part: str) -> None:
    stamp = desk.stamp(now.acting_person, door="import")
    journal = desk.journal()
    journal.note(now.id, now.version, action, json.loads(now.summary).get(part, {}), stamp)
    journal.seal(connection)


def _progress(connection: Connection, desk: Desk, one: KnownImport, done: int, *, ended: bool) -> None:
    known = operations.by_id(connection, one.operation_id or "")
    if known is None:
        return
    result = canonical({"import_id": one.id, "href": f"/v1/imports/{one.id}"}) if ended else None
    state = "succeeded" if ended else "running"
    finished_at = desk.clock() if ended else None
    operations.keep(connection, known._replace(state=state, done=done, result=result, finished_at=finished_at))


def _fail(connection: Connection, desk: Desk, import_id: str) -> None:
    """Stops work that fails for a reason of ours; what was applied stays, and applying again goes on from there."""
    one = rows.by_id(connection, import_id, hold=True)
    if one is None or one.state not in (rows.CHECKING, rows.APPLYING):
        return
    stamp = desk.stamp(one.acting_person, door="import")
    now = one._replace(state=rows.FAILED, version=one.version + 1, touched_at=stamp.at)
    rows.keep(connection, now)
    known = operations.by_id(connection, one.operation_id or "")
    if known is not None:
        error = {"code": "internal", "detail": "Something went wrong; what was applied before stays", "status": 500}
        operations.keep(connection, known._replace(state="failed", error=canonical(error), finished_at=stamp.at))
    journal = desk.journal()
    journal.note(one.id, now.version, "import.failed", {"applied": one.applied}, stamp)
    journal.seal(connection)


def _summed(summary: str, part: str, settled: list[Settled]) -> str:
    """The summary with what some more lines came to."""
    whole = json.loads(summary)
    counts = whole.setdefault(part, {})
    for one in settled:
        notes = json.loads(one.notes)
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
        for name in ("creates", "violations"):
            if notes.get(name):
                counts[name] = counts.get(name, 0) + len(notes[name])
    return canonical(whole)
