"""The worker: delivers to subscribers, processes what connected systems told, mails, and watches the audit log."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable

from app.domain.refusals import Unavailable
from app.services import audit, connections, digests
from app.services.deliveries import Courier
from app.services.desk import Desk

_log = logging.getLogger(__name__)
_EVERY_S = 300
_DIGESTS_EVERY_S = 60


class Background:
    """What goes on beside the requests, in threads of its own, until it is closed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stop = threading.Event()
        self._courier = Courier(desk)
        self._clerk = connections.Clerk(desk)
        self._threads = [self._started("deliveries", self._deliver), self._started("connections", self._process)]
        if digests.configured(desk):
            self._threads.append(self._started("digests", self._mail))

    def close(self) -> None:
        """Begins nothing more and returns when what was begun has ended; each attempt has its own time limit."""
        self._stop.set()
        self._courier.wake()
        for thread in self._threads:
            thread.join()

    @staticmethod
    def _started(name: str, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def _deliver(self) -> None:
        self._courier.run(self._stop)

    def _process(self) -> None:
        self._clerk.run(self._stop)

    def _mail(self) -> None:
        while not self._stop.is_set():
            try:
                digests.send_due(self._desk)
            except Exception:  # noqa: BLE001 - whatever it is, it may be over in a minute
                _log.exception("the digests could not be sent")
            self._stop.wait(_DIGESTS_EVERY_S)


def run(desk: Desk, *, every_s: int = _EVERY_S) -> None:
    """Works until interrupted, verifies the audit log at intervals and says in its log what it found."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    background = Background(desk)
    try:
        while not stop.is_set():
            _watch(desk)
            stop.wait(every_s)
    finally:
        background.close()


def _watch(desk: Desk) -> None:
    try:
        with desk.database.reading() as connection:
            found = audit.verify(connection, desk.settings.log_id)
    except Unavailable as away:
        _log.warning("audit log: not verified: %s", away.detail)
        return
    for fault in found.faults:
        _log.error("audit log: %s", fault)
    _log.info("audit log: %d records, %s", found.size, "holds" if found.holds else "does NOT hold")
