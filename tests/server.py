"""A real server on a loopback port inside the test process, a clock that a test can move, and the people who call it.

`serving(url)` runs the application on a migrated database; `server.as_("rep", "rhea")` is a client with its own key.
The fixtures are the cast that all HTTP tests share: each is an `httpx.Client` that knows its `person`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn

from app.domain.access import Role
from app.main import create_app
from app.services import access
from app.services.desk import Desk
from app.settings import Settings

NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 6, 15)

_PATIENCE_S = 30
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the machine's own for every client takes longer


class Clock:
    """The moment for everybody on a server: noon in New York on a fixed day until a test moves it."""

    def __init__(self, today: date = TODAY) -> None:
        self.now = datetime.now(UTC)
        self.noon_of(today)

    def __call__(self) -> datetime:
        return self.now

    @property
    def today(self) -> date:
        """The day it is in New York."""
        return self.now.astimezone(NEW_YORK).date()

    def noon_of(self, day: date) -> None:
        """Make it noon in New York on a day, later or earlier."""
        self.now = datetime.combine(day, time(12), NEW_YORK).astimezone(UTC)

    def forward(self, **duration: int) -> None:
        """Let time pass: `forward(days=1)`, `forward(seconds=5)`."""
        self.now += timedelta(**duration)


class Caller(httpx.Client):
    """Somebody with an API key. Paths are those of the server, such as `/v1/entries`."""

    def __init__(self, url: str, *, key: str = "", key_id: str = "", person: str = "", role: str = "") -> None:
        said = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(base_url=url, headers=said, verify=_NO_CERTIFICATES, trust_env=False, timeout=_PATIENCE_S)
        self.key, self.key_id, self.person, self.role = key, key_id, person, role


class Server:
    """A running server: its address, its clock, its application, and callers of any role."""

    def __init__(self, app: Any, url: str, clock: Clock) -> None:
        self.app, self.url, self.clock = app, url, clock
        self._callers: list[Caller] = []

    @property
    def desk(self) -> Desk:
        """The process's desk, for tests that look into the database or call a service directly."""
        desk: Desk = self.app.state.desk
        return desk

    @property
    def routes(self) -> set[tuple[str, str]]:
        """(method, path) of everything the server offers, by its own OpenAPI document."""
        paths: dict[str, dict[str, Any]] = self.app.openapi()["paths"]
        return {(method.upper(), path) for path, methods in paths.items() for method in methods}

    def as_(
        self, role: Role | str, person: str, *, lifetime: timedelta | None = None, waiver: tuple[int, str] = (0, "")
    ) -> Caller:
        """A client with a new key of that role; `person` is how entries name its holder.

        `waiver` is what an officer may waive without a second person, in minor units of a currency.
        """
        made = self.desk.database.write(
            lambda connection: access.create_key(
                connection,
                self.desk,
                name=person,
                role=Role(role),
                person=person,
                lifetime=lifetime,
                waiver=waiver,
                by="tests",
            )
        )
        key, secret = made
        return self._kept(Caller(self.url, key=secret, key_id=key.id, person=person, role=str(role)))

    def stranger(self, key: str = "") -> Caller:
        """A client without a key, or with whatever is given for one."""
        return self._kept(Caller(self.url, key=key))

    def _kept(self, caller: Caller) -> Caller:
        self._callers.append(caller)
        return caller

    def hang_up(self) -> None:
        """Close all clients, so that the server has nobody to wait for."""
        for caller in self._callers:
            caller.close()


class _Uvicorn(uvicorn.Server):
    """Says when it has started or failed, and ends at once when asked, not at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._asked_to_end: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop, self._asked_to_end = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        self.settled.set()
        await self._asked_to_end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """At once where everybody has hung up; otherwise as any server does, which sleeps for a tenth of a second."""
        for _ in range(50):
            if not self.server_state.connections and not self.server_state.tasks:
                break
            await asyncio.sleep(0.001)
        else:
            await super().shutdown(sockets)
            return
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        await self.lifespan.shutdown()

    def run_in_thread(self, listener: socket.socket) -> threading.Thread:
        def run() -> None:
            try:
                with suppress(SystemExit):  # how uvicorn says that the application did not start
                    self.run(sockets=[listener])
            finally:
                self.settled.set()

        thread = threading.Thread(target=run, name="test server", daemon=True)
        thread.start()
        return thread

    def end(self) -> None:
        if self._loop and self._asked_to_end and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._asked_to_end.set)


class _Application:
    """An application that serves one test after another: what it takes to build its routes is paid once.

    `create_app` looks at the database's address only when it starts, so that may change between two tests; all other
    settings stay, and `idle` has the applications by them.
    """

    idle: ClassVar[dict[str, list[_Application]]] = {}

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.app = create_app(settings, clock=self._now)

    def _now(self) -> datetime:
        return self.clock()

    @classmethod
    @contextmanager
    def lent(cls, settings: Settings, clock: Clock) -> Iterator[Any]:
        """An idle application with these settings, or a new one; whoever fails to stop it does not give it back."""
        kind = settings.model_dump_json(exclude={"database_url"})
        waiting = cls.idle.setdefault(kind, [])
        one = waiting.pop() if waiting else cls(settings)
        vars(one.settings)["database_url"] = settings.database_url
        one.clock = clock
        yield one.app
        one.app.dependency_overrides.clear()
        waiting.append(one)


@contextmanager
def serving(url: str, *, clock: Clock | None = None, **settings: Any) -> Iterator[Server]:
    """A server on a migrated database until the block ends. `settings` are fields of `app.settings.Settings`."""
    clock = clock or Clock()
    settings = {"reads_flush_s": 0, **settings}  # what is read is written when it is asked for, not beside a test
    with _Application.lent(Settings(database_url=url, **settings), clock) as app, _listening(app) as address:
        server = Server(app, address, clock)
        try:
            yield server
        finally:
            server.hang_up()


@contextmanager
def _listening(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    # log_config=None: what the application logs reaches pytest, which shows it beside a failure.
    running = _Uvicorn(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, ws="none"))
    thread = running.run_in_thread(listener)
    try:
        if not running.settled.wait(_PATIENCE_S) or not running.started:
            raise RuntimeError("the server did not start; its log says why")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.end()
        thread.join(_PATIENCE_S)
        listener.close()
    if thread.is_alive():
        raise RuntimeError("the server did not stop")


@pytest.fixture
def clock() -> Clock:
    """The server's clock: noon in New York on 15 June 2026 until it is moved."""
    return Clock()


@pytest.fixture
def server_settings() -> dict[str, Any]:
    """What differs from the default settings; a test module or a parametrize may override it."""
    return {}


@pytest.fixture
def server(database_url: str, clock: Clock, server_settings: dict[str, Any]) -> Iterator[Server]:
    """A running server on a new database of each kind."""
    with serving(database_url, clock=clock, **server_settings) as running:
        yield running


@pytest.fixture
def officer(server: Server) -> Caller:
    """A compliance officer."""
    return server.as_(Role.OFFICER, "olivia")


@pytest.fixture
def second_officer(server: Server) -> Caller:
    """Another compliance officer, for what needs two."""
    return server.as_(Role.OFFICER, "oscar")


@pytest.fixture
def rep(server: Server) -> Caller:
    """A representative."""
    return server.as_(Role.REP, "rhea")


@pytest.fixture
def other_rep(server: Server) -> Caller:
    """A representative who has nothing to do with the first."""
    return server.as_(Role.REP, "ravi")


@pytest.fixture
def supervisor(server: Server) -> Caller:
    """A supervisor."""
    return server.as_(Role.SUPERVISOR, "susan")


@pytest.fixture
def auditor(server: Server) -> Caller:
    """An auditor, who reads everything and changes nothing."""
    return server.as_(Role.AUDITOR, "arthur")


@pytest.fixture
def admin(server: Server) -> Caller:
    """An administrator, who manages keys and sees no cases."""
    return server.as_(Role.ADMIN, "ada")


@pytest.fixture
def integration(server: Server) -> Caller:
    """A system that submits for others, such as a CRM."""
    return server.as_(Role.INTEGRATION, "crm")
