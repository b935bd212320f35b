"""Reads: who looked at whose data, and when a key was last used; noted in memory and written in batches."""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.services.desk import Desk
from app.storage import access
from app.storage import reads as rows
from app.storage.ids import new_id
from app.storage.reads import KnownRead as KnownRead
from app.storage.reads import ReadFilter as ReadFilter

_log = logging.getLogger(__name__)
_MOST_WAITING = 100_000
_USED_ANEW = timedelta(minutes=1)


class Reads:
    """One process's notes. A note costs no transaction; `flush` writes all that wait in one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: deque[KnownRead] = deque(maxlen=_MOST_WAITING)
        self._used: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}
        self._one_writes = threading.Lock()
        self._stop = threading.Event()
        self._every_s = desk.settings.reads_flush_s
        self._thread = threading.Thread(target=self._run, name="reads", daemon=True)
        if self._every_s:
            self._thread.start()

    def note(self, principal: Principal, *, what: str, about: str | None, asked: str) -> None:
        """Somebody read something: `what` by which operation, `about` the id asked for, `asked` the whole question."""
        at = self._desk.clock()
        one = KnownRead(new_id("read"), at, principal.person, principal.id, principal.role.value, what, about, asked)
        self._waiting.append(one)

    def used(self, principal_id: str) -> None:
        """A key was used; written at most once a minute."""
        now = self._desk.clock()
        before = self._noted.get(principal_id)
        if before is None or now - before >= _USED_ANEW:
            self._noted[principal_id] = self._used[principal_id] = now

    def used_lately(self) -> set[str]:
        """The keys that were used since this process began."""
        return set(self._noted)

    def flush(self) -> None:
        """Writes what waits. What could not be written waits on."""
        with self._one_writes:
            reads = [self._waiting.popleft() for _ in range(len(self._waiting))]
            used, self._used = self._used, {}
            if not reads and not used:
                return
            try:
                self._desk.database.write(lambda connection: self._write(connection, reads, used))
            except Exception:
                self._waiting.extendleft(reversed(reads))
                self._used = used | self._used
                raise

    @staticmethod
    def _write(connection: Connection, reads: list[KnownRead], used: dict[str, datetime]) -> None:
        rows.add(connection, reads)
        access.note_use(connection, used)

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._stop.set()
        if self._every_s:
            self._thread.join()
        self._flush_calmly()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._flush_calmly()

    def _flush_calmly(self) -> None:
        try:
            self.flush()
        except Exception:  # noqa: BLE001 - whatever it is, it may be over at the next time
            _log.exception("reads could not be written; they wait")


def listed(
    connection: Connection, principal: Principal, wanted: ReadFilter, *, after: str | None, limit: int
) -> list[KnownRead]:
    """Reads, newest first. Raises RoleForbids."""
    principal.require(Permission.READ_AUDIT)
    return rows.listed(connection, wanted, after=after, limit=limit)
