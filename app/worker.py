"""The worker: runs what waits in the background. Nothing waits yet, so it keeps watch over the audit log."""

from __future__ import annotations

import logging
import signal
import threading

from app.services import audit
from app.services.desk import Desk

_log = logging.getLogger(__name__)
_EVERY_S = 300


def run(desk: Desk, *, every_s: int = _EVERY_S) -> None:
    """Verifies the audit log at intervals and says so in its log, until interrupted."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        with desk.database.reading() as connection:
            found = audit.verify(connection, desk.settings.log_id)
        for fault in found.faults:
            _log.error("audit log: %s", fault)
        _log.info("audit log: %d records, %s", found.size, "holds" if found.holds else "does NOT hold")
        stop.wait(every_s)
