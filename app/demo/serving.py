"""The server of the demonstration: a real one on a free loopback port, whose clock follows the year that is told."""

from __future__ import annotations

import socket
import time as stopwatch
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import uvicorn

from app.domain.refusals import Unavailable
from app.main import create_app
from app.settings import Settings

_PATIENCE_S = 60
_NEW_YORK = ZoneInfo("America/New_York")


class ToldClock:
    """Nine in the morning in New York of the day that is being told, and ticking from there."""

    def __init__(self, day: date) -> None:
        self._set = (datetime.now(UTC), 0.0)
        self.turn_to(day)

    def turn_to(self, day: date) -> None:
        """Make it the morning of a day."""
        self._set = (datetime.combine(day, time(9), _NEW_YORK).astimezone(UTC), stopwatch.monotonic())

    def __call__(self) -> datetime:
        """The moment, in UTC."""
        morning, since = self._set
        return morning + timedelta(seconds=stopwatch.monotonic() - since)


def settings_for(url: str) -> Settings:
    """Settings that the demonstration relies on, whatever the environment says."""
    return Settings(
        database_url=url, time_zone=_NEW_YORK.key, future_days=0, batch_limit=500, body_limit_bytes=1_048_576
    )


class NotServing(Unavailable):
    code = "demo_not_serving"
    title = "The demonstration has no server"


@contextmanager
def serving(settings: Settings, clock: ToldClock) -> Iterator[str]:
    """The address of a server that runs until the block ends, however it ends."""
    app = create_app(settings, clock=clock)
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="on", log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=5)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # In a thread uvicorn leaves signals alone: Ctrl-C reaches the main thread, which ends the block and the server.
        thread = Thread(target=server.run, args=([listener],), name="demo server", daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_S)
    if thread.is_alive():
        raise NotServing("The server of the demonstration did not stop")


def _wait_for(server: uvicorn.Server, thread: Thread) -> None:
    until = stopwatch.monotonic() + _PATIENCE_S
    while not server.started:
        if not thread.is_alive() or stopwatch.monotonic() > until:
            raise NotServing("The server of the demonstration did not start")
        stopwatch.sleep(0.01)
