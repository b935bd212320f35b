"""Real server processes: `propriety serve` as an operator starts it, any number on one database, and lines to them.

`serving(url, 2)` gives two running processes. A `Line` is one persistent connection; `at_once` puts one request on each
of many lines before the first answer is read, which is as close to "at the same instant" as a client gets.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psycopg
from sqlalchemy import Connection, make_url

from app.domain.access import Role
from app.services import access
from app.services.desk import Desk
from app.settings import Settings
from app.storage.database import Database
from tests.databases import _end_with_parent

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
PROPRIETY = (str(Path(sys.executable).with_name("propriety")),)

_PATIENCE_S = 30.0
_LISTENING = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gone(ConnectionError):
    """The server hung up, or was not there, before it had answered."""


def request(method: str, path: str, key: str, body: Any = None, **headers: str) -> bytes:
    """A whole HTTP request. Underscores in the names of headers stand for hyphens."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Line:
    """One persistent connection to one server process."""

    def __init__(self, port: int, key: str = "") -> None:
        self.port, self.key = port, key
        self._socket: socket.socket | None = None

    def send(self, whole: bytes) -> None:
        """Puts a request on the line. Raises Gone."""
        try:
            if self.answered:
                self.close()  # the server has hung up on an idle line
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self.port), _PATIENCE_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(whole)
        except OSError as error:
            self.close()
            raise Gone(str(error)) from error

    def receive(self) -> Answer:
        """Waits for the answer. Raises Gone where the server hangs up instead."""
        if self._socket is None:
            raise Gone("nothing was sent")
        try:
            response = HTTPResponse(self._socket)
            response.begin()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, HTTPException) as error:
            self.close()
            raise Gone(str(error)) from error
        if response.will_close:
            self.close()
        return answer

    @property
    def answered(self) -> bool:
        """Whether there is something to receive."""
        return self._socket is not None and bool(select.select([self._socket], [], [], 0)[0])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request and its answer."""
        self.send(request(method, path, self.key, body, **headers))
        return self.receive()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def at_once(lines: Sequence[Line], requests: Sequence[bytes]) -> list[Answer]:
    """One request on each line, all sent before the first answer is read."""
    for line, whole in zip(lines, requests, strict=True):
        line.send(whole)
    return [line.receive() for line in lines]


class ServerProcess:
    """One `propriety serve` on a free port. `program` is what stands in for `propriety`."""

    def __init__(self, url: str, folder: Path, program: Sequence[str] = PROPRIETY, **environment: str) -> None:
        self.url, self.port = url, 0
        self._program, self._environment = program, environment
        self._log = folder / f"server-{id(self)}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What all its processes so far have said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Starts it; `wait` waits until it answers. It takes the same port again that it had before."""
        self._said_before = len(self.log)
        environment = {"PROPRIETY_DATABASE_URL": self.url, "PROPRIETY_PORT": str(self.port), **self._environment}
        with self._log.open("ab") as log:
            self._process = spawn([*self._program, "serve"], output=log, **environment)

    def wait(self) -> ServerProcess:
        """Returns when it answers. Raises RuntimeError with its log where it ends instead."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if found := _LISTENING.search(self.log, self._said_before):
                self.port = int(found[1])
                return self
            if self.exit_code is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the server process did not start ({self.exit_code}):\n{self.log[-4000:]}")

    def terminate(self) -> None:
        """Asks it to end, as an operator or a container does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self, within_s: float = _PATIENCE_S) -> int:
        """Waits for its end and returns its exit code."""
        assert self._process is not None
        return self._process.wait(within_s)

    def kill(self) -> None:
        """Ends it at this instant, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE_S)

    def line(self, key: str) -> Line:
        return Line(self.port, key)


@contextmanager
def serving(
    url: str,
    count: int = 1,
    *,
    program: Sequence[str] = PROPRIETY,
    each: Sequence[dict[str, str]] = (),
    **settings: Any,
) -> Iterator[list[ServerProcess]]:
    """Server processes on one migrated database until the block ends. `each` adds to the environment of one of them.

    `settings` are fields of `app.settings.Settings`, for all.
    """
    common = {f"PROPRIETY_{name.upper()}": str(value) for name, value in settings.items()}
    with tempfile.TemporaryDirectory(prefix="propriety-servers-") as folder, ExitStack() as stack:
        servers = [
            ServerProcess(url, Path(folder), program, **common, **(each[place] if each else {}))
            for place in range(count)
        ]
        for server in servers:
            server.start()
            stack.callback(server.kill)
        yield [server.wait() for server in servers]


@contextmanager
def lines(servers: Sequence[ServerProcess], key: str, count: int) -> Iterator[list[Line]]:
    """Persistent connections, dealt out to the servers in turn."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(servers[place % len(servers)].line(key))) for place in range(count)]


def spawn(command: Sequence[str], *, output: Any = subprocess.PIPE, **environment: str) -> subprocess.Popen[bytes]:
    """Starts a program of the repository; it ends when the tests end, however they do."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PROPRIETY_", "COV_"))}
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def run(url: str, *arguments: str, timeout_s: float = _PATIENCE_S) -> tuple[int, str]:
    """Runs `propriety` with arguments on a database to its end: exit code and everything it said."""
    process = spawn([*PROPRIETY, *arguments], PROPRIETY_DATABASE_URL=url)
    try:
        said, _ = process.communicate(timeout=timeout_s)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return process.returncode, said.decode(errors="replace")


@contextmanager
def desk_at(url: str) -> Iterator[Desk]:
    """A desk on a database, for what a test prepares or looks up beside the servers."""
    database = Database(url, pool_size=2)
    try:
        yield Desk(Settings(database_url=url), database)
    finally:
        database.close()


@contextmanager
def held_up(url: str) -> Iterator[None]:
    """Nobody can write until the block ends; reading goes on. On PostgreSQL what is held are the policies."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database), isolation_level=None)) as holding:
            holding.execute("BEGIN IMMEDIATE")
            yield
            holding.execute("ROLLBACK")
        return
    with psycopg.connect(libpq(url)) as held:
        held.execute("LOCK TABLE policy_epoch IN EXCLUSIVE MODE")
        yield
        held.rollback()


def libpq(url: str) -> str:
    """A PostgreSQL URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def read(url: str, question: Callable[[Connection], T]) -> T:
    """The answer to a question to the database."""
    with desk_at(url) as desk, desk.database.reading() as connection:
        return question(connection)


def key_for(url: str, role: Role = Role.OFFICER, person: str = "olivia") -> str:
    """A new API key."""
    with desk_at(url) as desk:
        _, secret = desk.database.write(
            lambda connection: access.create_key(
                connection, desk, name=person, role=role, person=person, lifetime=timedelta(days=1), by="tests"
            )
        )
    return secret
