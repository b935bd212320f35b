"""Starting up: several programs at once on a fresh database, another program's schema, and how data are kept safe."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from app.storage import database
from app.storage.database import Database, WrongSchema, migrate, newest_revision, require_schema
from tests.processes import PROPRIETY, ServerProcess, read, run, spawn

AT_ONCE = 4
ROUNDS = int(os.environ.get("PROPRIETY_TEST_STARTS", "5"))


def revision(url: str) -> Any:
    return read(url, lambda connection: connection.scalar(text("SELECT version_num FROM alembic_version")))


def set_revision(url: str, to: str) -> None:
    with closing(Database(url)) as opened:
        opened.write(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": to})
        )


# Several at once


def started_together(url: str, servers: int, migrations: int) -> tuple[list[bytes], list[tuple[int, str]]]:
    """Servers and migrations at the same instant: what each server says of itself, how each migration ended."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        serving = [ServerProcess(url, Path(folder)) for _ in range(servers)]
        migrating = [spawn([*PROPRIETY, "migrate"], PROPRIETY_DATABASE_URL=url) for _ in range(migrations)]
        for server in serving:
            server.start()
            stack.callback(server.kill)
        said = [process.communicate(timeout=60)[0].decode() for process in migrating]
        ready = [server.wait().line("").get("/health/ready").body for server in serving]
        return ready, [(process.returncode, output) for process, output in zip(migrating, said, strict=True)]


@pytest.mark.race
@pytest.mark.parametrize(
    ("database_kind", "servers"),
    [
        pytest.param("sqlite", 2, id="sqlite", marks=pytest.mark.sqlite),
        pytest.param("postgres", 0, id="postgres", marks=pytest.mark.postgres),  # its servers wait for a migration
    ],
    indirect=["database_kind"],
)
def test_one_of_several_programs_migrates_and_none_fails(fresh_database, database_kind, servers):
    for _ in range(ROUNDS):
        url = fresh_database(database_kind, migrated=False)
        ready, ended = started_together(url, servers, AT_ONCE - servers)
        assert [code for code, _ in ended] == [0] * (AT_ONCE - servers), ended
        assert ready == [b'{"status":"ready"}'] * servers
        assert revision(url) == newest_revision()


def _open_and_write(url: str, together: Any, said: Any) -> None:
    together.wait()
    try:
        with closing(Database(url)) as opened:
            opened.write(lambda connection: connection.execute(text("CREATE TABLE IF NOT EXISTS one (x)")))
        said.put("fine")
    except Exception as error:  # noqa: BLE001 - the parent is told
        said.put(repr(error))


@pytest.mark.race
@pytest.mark.sqlite
def test_a_new_file_can_be_opened_by_several_at_the_same_instant(tmp_path):
    """SQLite answers `database is locked` at once to one of two who make a new file write-ahead at the same instant."""
    # Not by fork: a child of a process with threads can find a lock held by a thread that it has not.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    outcomes = []
    for number in range(40):
        together, said = processes.Barrier(AT_ONCE), processes.SimpleQueue()
        url = f"sqlite:///{tmp_path}/{number}.db"
        children = [processes.Process(target=_open_and_write, args=(url, together, said)) for _ in range(AT_ONCE)]
        for child in children:
            child.start()
        outcomes += [said.get() for _ in children]
        for child in children:
            child.join()
    assert set(outcomes) == {"fine"}


# Another program's schema


def test_a_database_of_a_newer_program_is_left_alone(database_url):
    set_revision(database_url, "9999")
    for attempt in (lambda: migrate(database_url), lambda: require_schema(Database(database_url))):
        with pytest.raises(WrongSchema, match=f"9999.*{newest_revision()}"):
            attempt()
    assert revision(database_url) == "9999"


@pytest.mark.parametrize("command", [("migrate",), ("serve", "--port", "0"), ("audit", "verify"), ("keys", "list")])
def test_a_command_says_so_in_a_sentence(database_url, command):
    set_revision(database_url, "9999")
    code, said = run(database_url, *command)
    assert code == 1
    assert "9999" in said
    assert "Traceback" not in said


@pytest.mark.postgres
def test_a_server_without_a_migrated_database_says_what_to_do(fresh_database):
    code, said = run(fresh_database("postgres", migrated=False), "serve", "--port", "0")
    assert code == 1
    assert "propriety migrate" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", [("migrate",), ("serve", "--port", "0")])
def test_a_database_that_is_not_there_is_said_to_be_away(command):
    code, said = run("postgresql://nobody@127.0.0.1:1/none", *command)
    assert code == 1
    assert "does not answer" in said
    assert "Traceback" not in said


def test_what_is_migrated_already_is_not_held_up_by_whoever_writes(database_url):
    with closing(Database(database_url)) as writing:
        writing.write(lambda _: migrate(database_url))


# How safely


@pytest.mark.sqlite
def test_sqlite_syncs_every_commit_and_writes_ahead(database_url):
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}
    with closing(Database(database_url)) as opened:
        for connecting in (opened.engine.connect, opened.reading):
            with connecting() as connection:
                found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas}
                assert found == pragmas
    with closing(sqlite3.connect(str(make_url(database_url).database))) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",), "the file itself says so"


@pytest.mark.sqlite
def test_whoever_may_write_on_sqlite_has_the_lock_from_the_start(database_url):
    with closing(Database(database_url)) as opened, closing(Database(database_url)) as other:

        def second(connection: Any) -> None:
            raw = sqlite3.connect(str(make_url(database_url).database), timeout=0, isolation_level=None)
            with closing(raw), pytest.raises(sqlite3.OperationalError, match="locked"):
                raw.execute("BEGIN IMMEDIATE")
            with other.reading() as questions:
                assert questions.exec_driver_sql("SELECT count(*) FROM entries").scalar() == 0

        opened.write(second)


@pytest.mark.postgres
def test_postgres_reads_what_is_committed_where_it_writes_and_one_state_where_it_reads(database_url):
    def settings(connection: Any) -> tuple[str, str, str]:
        names = ("transaction_isolation", "transaction_read_only", "synchronous_commit")
        return tuple(connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names)

    with closing(Database(database_url)) as opened:
        for _ in range(2):  # a connection that was read with is written with again
            assert opened.write(settings) == ("read committed", "off", "on")
            with opened.reading() as connection:
                assert settings(connection) == ("repeatable read", "on", "on")


@pytest.mark.parametrize("times", [1, 3])
def test_what_is_read_together_is_of_one_state(database_url, times):
    with closing(Database(database_url)) as opened, closing(Database(database_url)) as other:
        with opened.reading() as connection:
            seen = [connection.exec_driver_sql("SELECT count(*) FROM policy_epoch").scalar()]
            for number in range(times):
                other.write(lambda own, n=number: own.exec_driver_sql(f"INSERT INTO policy_epoch VALUES ({n + 10}, 1)"))
                seen.append(connection.exec_driver_sql("SELECT count(*) FROM policy_epoch").scalar())
        assert seen == [0] * (times + 1)


def test_a_reader_who_finds_no_free_connection_is_told_to_come_back(database_url, monkeypatch):
    with closing(Database(database_url, pool_size=1)) as opened:
        opened.engine.pool._timeout = 0
        with opened.reading():
            for ask in (opened.ping, lambda: opened.write(lambda _: None)):
                with pytest.raises(database.DatabaseAway) as away:
                    ask()
                assert away.value.retry_after_s == 1
