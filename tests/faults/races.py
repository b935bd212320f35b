"""Defects that only show when several clients write at once, each planted into a real server process.

`python -m tests.faults.races NAME serve …` is `propriety serve …` with that defect. `none` plants nothing and, like
all others, says each time that a transaction has to start again; `CLOCK_BEHIND_S` in the environment sets back the
clock that numbers entries in this process. A test that passes with a defect planted proves nothing.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from app.storage import answers, database, ids, recipients, screening
from app.storage.database import Database
from app.storage.recipients import KnownRecipient

RESTARTS = "a transaction starts again: "


def no_row_lock() -> None:
    """Recipients are read, not held."""
    recipients.lock = recipients.by_id


def lock_of_the_process() -> None:
    """A lock in the memory of each process, as if there were no others, and none in the database."""
    one_at_a_time, write = threading.Lock(), Database.write
    recipients.lock = recipients.by_id

    def locked(self: Database, work: Callable[[Connection], Any]) -> Any:
        with one_at_a_time:
            return write(self, work)

    Database.write = locked  # type: ignore[method-assign]


def only_the_first_is_held() -> None:
    """Of everybody on a batch, one is held."""
    lock = recipients.lock

    def first(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
        wanted = sorted(set(ids))
        return recipients.by_id(connection, wanted) | lock(connection, wanted[:1])

    recipients.lock = first


def held_as_listed() -> None:
    """Recipients are held one by one in the order in which an entry lists them."""
    lock = recipients.lock

    def in_turn(connection: Connection, ids: Iterable[str]) -> dict[str, KnownRecipient]:
        found: dict[str, KnownRecipient] = {}
        for id in dict.fromkeys(ids):
            found |= lock(connection, [id])
        return found

    recipients.lock = in_turn


def repeatable_read() -> None:
    """Nothing is held, and PostgreSQL's REPEATABLE READ is trusted to notice. Nothing that is only read is touched."""
    no_row_lock()
    _isolation("REPEATABLE READ")
    recipients.touch = lambda *_: None
    _seal_apart()


def snapshot_before_the_lock() -> None:
    """Recipients are held, but what they have added up is read from before the wait."""
    once, totals = Database._once, screening.totals
    earlier = threading.local()

    def remembering(self: Database, work: Callable[[Connection], Any]) -> Any:
        level = "REPEATABLE READ" if self.is_postgres else "SERIALIZABLE"
        with self.engine.connect().execution_options(isolation_level=level) as before:
            before.exec_driver_sql("SELECT count(*) FROM entries")
            earlier.connection = before
            try:
                return once(self, work)
            finally:
                earlier.connection = None

    Database._once = remembering  # type: ignore[method-assign]
    screening.totals = lambda connection, questions: totals(
        getattr(earlier, "connection", None) or connection, questions
    )


def deferred_begin() -> None:
    """SQLite's transactions begin as readers and ask for the lock when they first write."""
    database._begin_sqlite = lambda connection: connection.exec_driver_sql("BEGIN")


def answer_before_commit() -> None:
    """The answer leaves while the transaction is still open; it ends a little later, on its own."""
    once = Database._once

    def hasty(self: Database, work: Callable[[Connection], Any]) -> Any:
        done, box = threading.Event(), SimpleNamespace(result=None, error=None)

        def slowly(connection: Connection) -> None:
            box.result = work(connection)
            done.set()
            time.sleep(0.05)

        def run() -> None:
            try:
                once(self, slowly)
            except Exception as error:  # noqa: BLE001 - it is raised again where the caller waits
                box.error = error
                done.set()

        threading.Thread(target=run).start()
        done.wait()
        if box.error is not None:
            raise box.error
        return box.result

    Database._once = hasty  # type: ignore[method-assign]


def wall_clock_order() -> None:
    """The order of record is what the clock says, whatever the subject has seen before."""
    follow = ids.Sequencer.next
    ids.Sequencer.next = lambda self, _above=0: follow(self)  # type: ignore[method-assign,assignment]


def key_kept_afterwards() -> None:
    """The answer under an idempotency key is kept in a transaction of its own, after the entry's."""
    keep, write = answers.keep, Database.write
    pending = threading.local()

    def later(_: Connection, given: Sequence[Any]) -> None:
        pending.given = given

    def and_then(self: Database, work: Callable[[Connection], Any]) -> Any:
        pending.given = ()
        result = write(self, work)
        if pending.given:
            given, pending.given = pending.given, ()
            time.sleep(0.02)
            try:
                write(self, lambda connection: keep(connection, given))
            except Exception:  # noqa: BLE001 - somebody else's answer is there already; this one leaves all the same
                return result
        return result

    answers.keep = later
    Database.write = and_then  # type: ignore[method-assign]


def lost_races_are_errors() -> None:
    """A lost race for a unique key is told to the caller."""
    database._worth_retrying = lambda _error: False


def refused_commits() -> None:
    """No defect, but a harder database: everything is SERIALIZABLE, and it refuses one commit in five with 40001."""
    _isolation("SERIALIZABLE")
    commit, chance = PGDialect_psycopg.do_commit, random.Random(os.getpid())

    def refusing(self: PGDialect_psycopg, connection: Any) -> None:
        if chance.random() < 1 / 5:
            connection.rollback()
            raise psycopg.errors.SerializationFailure("injected: could not serialize access")
        commit(self, connection)

    PGDialect_psycopg.do_commit = refusing  # type: ignore[method-assign]


def _isolation(level: str) -> None:
    create = database.create_engine
    database.create_engine = lambda url, **options: create(url, **options | {"isolation_level": level})


def _seal_apart() -> None:
    """History is written through another connection, in a transaction of its own."""
    from app.services.journal import Journal

    seal = Journal.seal

    def apart(self: Journal, connection: Connection) -> None:
        with connection.engine.connect().execution_options(isolation_level="READ COMMITTED") as own, own.begin():
            seal(self, own)

    Journal.seal = apart  # type: ignore[method-assign]


def none() -> None:
    """Nothing is wrong."""


DEFECTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        none,
        no_row_lock,
        lock_of_the_process,
        only_the_first_is_held,
        held_as_listed,
        repeatable_read,
        snapshot_before_the_lock,
        deferred_begin,
        answer_before_commit,
        wall_clock_order,
        key_kept_afterwards,
        lost_races_are_errors,
        refused_commits,
    )
}


def planted(name: str) -> tuple[str, ...]:
    """What stands in for `propriety` with a defect in it."""
    return (sys.executable, "-m", "tests.faults.races", name)


def restarts(log: str) -> Counter[str]:
    """How often transactions started again, and why, by what a server said."""
    return Counter(line.removeprefix(RESTARTS) for line in log.splitlines() if line.startswith(RESTARTS))


def _say_restarts() -> None:
    worth = database._worth_retrying

    def telling(error: Exception) -> bool:
        retry = worth(error)
        if retry:
            print(RESTARTS + str(database._driver_error(error)).splitlines()[0], flush=True)  # noqa: T201
        return retry

    database._worth_retrying = telling


def _set_back(seconds: int) -> None:
    place_at = ids.place_at
    ids.place_at = lambda moment: place_at(moment) - seconds * 10**6


def main() -> None:
    name, *arguments = sys.argv[1:]
    DEFECTS[name]()
    _say_restarts()
    if behind := os.environ.get("CLOCK_BEHIND_S"):
        _set_back(int(behind))
    from app.cli import main as propriety

    sys.argv = ["propriety", *arguments]
    propriety()


if __name__ == "__main__":
    main()
