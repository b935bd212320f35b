"""Operations: long work runs beside the requests, says how far it is, and is done as a whole or not at all."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.refusals import NotFound, Refusal
from app.services.desk import Desk
from app.storage import operations
from app.storage.ids import new_id
from app.storage.operations import KnownOperation as KnownOperation

_log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
Work = Callable[[Connection, Progress], Mapping[str, Any]]
OwnWork = Callable[[Progress], Mapping[str, Any]]


class OperationNotFound(NotFound):
    code = "operation_not_found"


class Operations:
    """The operations of one process. Progress is kept in memory while the work holds its transaction."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="operation")
        self._running: dict[str, KnownOperation] = {}
        self._lock = threading.Lock()

    def start(self, kind: str, work: Work, *, by: str) -> KnownOperation:
        """Keeps a new operation and begins it when those before it are done."""
        return self.start_beside(
            kind, lambda progress: self._desk.database.write(lambda connection: work(connection, progress)), by=by
        )

    def start_beside(self, kind: str, work: OwnWork, *, by: str) -> KnownOperation:
        """The same for work that has transactions of its own, so that nobody waits for it to write."""
        queued = KnownOperation(new_id("opn"), kind, "queued", 0, 0, None, None, by, self._desk.clock(), None)
        self._desk.database.write(lambda connection: operations.add(connection, queued))
        self._note(queued)
        self._pool.submit(self._run, queued, work)
        return queued

    def get(self, connection: Connection, principal: Principal, operation_id: str) -> KnownOperation:
        """How an operation stands. Raises OperationNotFound, alike for absent and not theirs."""
        known = self._running.get(operation_id) or operations.by_id(connection, operation_id)
        if known is None or not (known.created_by == principal.person or principal.may(Permission.READ_ALL)):
            raise OperationNotFound("There is no such operation")
        return known

    def close(self) -> None:
        """Waits for what runs; what only waits begins no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, queued: KnownOperation, work: OwnWork) -> None:
        running = queued._replace(state="running")
        self._note(running)
        try:
            result = work(lambda done, total: self._note(running._replace(done=done, total=total)))
            finished = self._running[queued.id]._replace(state="succeeded", result=json.dumps(result))
        except Refusal as refusal:
            error = {"code": refusal.code, "detail": refusal.detail, "status": refusal.status}
            finished = running._replace(state="failed", error=json.dumps(error))
        except Exception:  # noqa: BLE001 - whatever it is, the operation ends and says so
            _log.exception("operation %s failed", queued.id)
            error = {"code": "internal", "detail": "Something went wrong; nothing was kept", "status": 500}
            finished = running._replace(state="failed", error=json.dumps(error))
        finished = finished._replace(finished_at=self._desk.clock())
        self._desk.database.write(lambda connection: operations.keep(connection, finished))
        with self._lock:
            self._running.pop(queued.id, None)

    def _note(self, operation: KnownOperation) -> None:
        with self._lock:
            self._running[operation.id] = operation
