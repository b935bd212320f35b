"""The database: connections, transactions with whole-transaction retry, fast bulk rows, and migration."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Engine,
    Table,
    Text,
    any_,
    create_engine,
    event,
    func,
    inspect,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import QueuePool

from app.domain.audit import iso
from app.domain.refusals import Unavailable
from app.storage.tables import Base

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_MIGRATION_LOCK = 0x50524F50
_RETRIES = 8
_IN_SESSION = "-c plan_cache_mode=force_custom_plan -c timezone=UTC"
_RETRYABLE = {"40001", "40P01"}


class DatabaseAway(Unavailable):
    code = "database_away"
    title = "The database does not answer"


class OutcomeUnknown(Unavailable):
    code = "outcome_unknown"
    title = "It is not known whether this was kept"


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal."""


class WrongSchema(Unavailable):
    code = "wrong_schema"
    title = "The database has another schema than this program"


class Database:
    """One database of the firm. Reads see a consistent state; writes are retried as a whole or fail as a whole."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine = _engine(url, pool_size)
        self.is_postgres = self.engine.dialect.name == "postgresql"
        # On SQLite every transaction sees one state. Nothing that is decided rests on what is read here.
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self.is_postgres else {}
        self._questions = self.engine.execution_options(**snapshot)
        self._one_writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions, all of which are answered from one state of the database."""
        try:
            with self._questions.connect() as connection:
                yield connection
        except (OperationalError, InterfaceError, NoConnectionFree) as error:
            raise DatabaseAway("The database does not answer; nothing was read", retry_after_s=1) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one transaction and returns its result after the commit.

        Serialization failures, deadlocks and lost races for a unique key start the whole transaction again.
        Raises DatabaseAway when the database cannot be reached or keeps refusing, and OutcomeUnknown when it went away
        during the commit: then nobody may start again who cannot tell whether the first time counted.
        """
        for attempt in range(_RETRIES):
            try:
                return self._once(work)
            except NoConnectionFree as error:
                raise DatabaseAway("The database is too busy; nothing was kept", retry_after_s=1) from error
            except (DBAPIError, psycopg.Error) as error:
                if not _worth_retrying(error):
                    raise _translated(error) from error
                time.sleep(min(0.002 * 2**attempt, 0.1))
        raise DatabaseAway("The database is too busy; nothing was kept", retry_after_s=1)

    def rehearse(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` as `write` would and takes everything back: what would happen, with nothing written."""
        result: list[T] = []

        def taken_back(connection: Connection) -> None:
            result.append(work(connection))
            raise _TakenBack

        with suppress(_TakenBack):
            self.write(taken_back)
        return result[-1]

    def _once(self, work: Callable[[Connection], T]) -> T:
        if self.is_postgres:
            with self.engine.connect() as connection:
                return _committed(connection, work)
        # SQLite's own waiting is unfair, so writers of one process queue here and the file lock is for other processes.
        with self._one_writer, self.engine.connect().execution_options(immediate=True) as connection:
            return _committed(connection, work)

    def ping(self) -> None:
        """Raises DatabaseAway unless the database answers."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Lets go of all connections."""
        self.engine.dispose()


def _committed(connection: Connection, work: Callable[[Connection], T]) -> T:
    with connection.begin() as transaction:
        result = work(connection)
        try:
            transaction.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise OutcomeUnknown(
                    "The database went away during the commit: look whether this was kept, or repeat it with its key",
                    retry_after_s=1,
                ) from error
            raise
    return result


def _translated(error: Exception) -> Exception:
    """What the caller hears: the database is away, or the error itself where it is our own mistake."""
    if isinstance(_driver_error(error), psycopg.OperationalError | psycopg.InterfaceError | sqlite3.OperationalError):
        return DatabaseAway("The database does not answer; nothing was kept", retry_after_s=1)
    return error


def _worth_retrying(error: Exception) -> bool:
    """A lost race or a lost connection: the whole transaction may succeed when it starts again."""
    cause = _driver_error(error)
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return True
    if isinstance(cause, sqlite3.Error):
        return any(word in str(cause) for word in ("locked", "busy", "UNIQUE constraint"))
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return getattr(cause, "sqlstate", None) in _RETRYABLE


def _driver_error(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _engine(url: str, pool_size: int) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=QueuePool, pool_size=pool_size, max_overflow=0)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(f"PROPRIETY_DATABASE_URL names {parsed.get_backend_name()}; use sqlite:///… or postgresql://…")
    # Behind a pooler in transaction mode nothing may be left behind in a session: nothing prepared, nothing set.
    pooled = parsed.query.get("pooler") == "transaction"
    return create_engine(
        parsed.difference_update_query(["pooler"]).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        # A generic plan made while a table was empty stays slow for ever; these statements are planned in microseconds.
        connect_args={"prepare_threshold": None} if pooled else {"options": _IN_SESSION},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=10000")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """WAL. SQLite gives up at once, whatever its busy timeout, where two programs switch a new file at one instant."""
    for _ in range(1000):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(1 / 100)
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def among(connection: Connection, column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column's text is one of the values: one parameter, however many there are."""
    wanted = sorted(set(values))
    if connection.dialect.name == "postgresql":
        return cast("ColumnElement[bool]", column == any_(literal(wanted, ARRAY(Text))))
    listed = func.json_each(json.dumps(wanted)).table_valued("value")
    return cast("ColumnElement[bool]", column.in_(select(listed.c.value)))


def insert_rows(connection: Connection, table: Any, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds many rows by the fastest way the driver has: COPY on PostgreSQL, executemany on SQLite."""
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    name = cast("Table", table.__table__).name
    raw = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with raw.cursor() as cursor, cursor.copy(f"COPY {name} ({names}) FROM STDIN") as copy:  # type: ignore[union-attr]
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {name} ({names}) VALUES ({marks})"  # noqa: S608 - names come from the tables, not from input
    connection.exec_driver_sql(statement, [tuple(map(_sqlite_value, row)) for row in rows])


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value


# Alembic is imported where something is migrated: a process that only serves need not hold it.


def _alembic(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Brings the schema to the newest revision; safe to call from several processes at once.

    Raises WrongSchema where a newer program has been here, and DatabaseAway where there is nobody.
    """
    from alembic import command

    _make_folder(url)
    database = Database(url, pool_size=2)
    try:
        with database.reading() as connection:
            if current_revision(connection) == newest_revision():
                return
        with _only_one_migrates(database) as connection:
            _refuse_unknown(connection)
            config = _alembic(url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()


def _refuse_unknown(connection: Connection) -> None:
    found = current_revision(connection)
    if found is not None and found not in _revisions():
        raise WrongSchema(
            f"The database is at revision {found}, which this program, at {newest_revision()}, does not know. "
            "A newer program has migrated it: use that one, or restore a backup"
        )


@contextmanager
def _only_one_migrates(database: Database) -> Iterator[Connection]:
    if database.is_postgres:
        with database.engine.connect() as guard:
            guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            try:
                with database.engine.begin() as connection:
                    yield connection
            finally:
                guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
    else:
        with database.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            yield connection


def _make_folder(url: str) -> None:
    address = make_url(url)
    path = address.database if address.get_backend_name() == "sqlite" else None
    if path and path != ":memory:":
        Path(path).expanduser().resolve().parent.mkdir(parents=True, exist_ok=True)


@cache
def _revisions() -> tuple[str, ...]:
    """All revisions, first to last: the numbers that the migrations' files begin with."""
    files = (_ROOT / "migrations" / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def newest_revision() -> str:
    """The revision this program was written for."""
    return _revisions()[-1]


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def require_schema(database: Database) -> None:
    """Raises WrongSchema unless the database is at this program's revision."""
    with database.reading() as connection:
        found = current_revision(connection)
    if found != newest_revision():
        raise WrongSchema(
            f"The database is at revision {found or 'none'}, this program needs {newest_revision()}: "
            "run `propriety migrate`, or use the program that fits"
        )


metadata = Base.metadata
