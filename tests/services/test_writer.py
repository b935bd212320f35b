"""The writer: every caller gets an answer of their own, and one that fails takes nobody along."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, IntegrityError

from app.api.entries import _many, _one
from app.api.entries.reading import read_item
from app.domain.access import Role
from app.domain.refusals import Refusal
from app.services import policies
from app.services.access import read_credentials
from app.services.desk import Desk
from app.services.entries import Submission
from app.services.writer import Overloaded, ShuttingDown, Writer
from app.settings import Settings
from app.storage import entries as entry_rows
from app.storage.database import Database, DatabaseAway, OutcomeUnknown
from app.storage.tables import EntryRow, IdempotencyKeyRow
from tests.processes import held_up, key_for, read
from tests.races import books
from tests.races.rounds import gift, person


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Database(database_url)) as database:
        desk = Desk(Settings(database_url=database_url, writer_queue=50), database)
        database.write(lambda connection: policies.ensure_default(connection, desk))
        yield desk


@pytest.fixture
def writer(desk: Desk) -> Iterator[Writer]:
    with closing(Writer(desk)) as writer:
        yield writer


@pytest.fixture
def officer(desk: Desk) -> str:
    return key_for(desk.database.url)


def submission(api_key: str, *bodies: dict[str, Any], key: str | None = None) -> Submission:
    return Submission(
        credentials=read_credentials(f"Bearer {api_key}"),
        route="POST /v1/entries" + ("/batch" if len(bodies) > 1 else ""),
        items=[read_item(body, "") for body in bodies],
        render=_many if len(bodies) > 1 else _one,
        key=key,
        fingerprint=str(bodies),
    )


def answers(writer: Writer, submissions: list[Submission], url: str | None = None) -> list[Any]:
    """What each caller is told. With a `url` everybody else waits behind the first, and is then recorded together."""

    async def all_of_them() -> list[Any]:
        waiting = [asyncio.ensure_future(writer.submit(one)) for one in submissions]
        if url is None:
            return await asyncio.gather(*waiting, return_exceptions=True)
        with held_up(url):
            await asyncio.sleep(0.1)
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(all_of_them())


def statuses(replies: list[Any]) -> list[int | str]:
    """The status of an answer or a refusal, the name of anything else."""
    return [
        reply[0] if isinstance(reply, tuple) else reply.status if isinstance(reply, Refusal) else type(reply).__name__
        for reply in replies
    ]


def recorded(url: str) -> int:
    return read(url, lambda connection: connection.scalar(select(func.count()).select_from(EntryRow)))


GOOD = gift(10_00, person("good"))
BAD = {
    "tomorrow": (GOOD | {"occurred_on": "2099-01-01"}, 422),
    "last century": (GOOD | {"occurred_on": "1999-12-31"}, 422),
    "nobody": (GOOD | {"recipients": [{"id": "rec_" + "0" * 32}]}, 422),
    "a stranger without a type": (GOOD | {"recipients": [{"name": "Somebody"}]}, 422),
    "one person twice": (GOOD | {"recipients": [person("good"), person("good")]}, 422),
    "shares that do not add up": (GOOD | {"recipients": [person("good") | {"share": "9.99"}]}, 422),
    "a currency without a rate": (GOOD | {"total": {"amount": "10.00", "currency": "JPY"}}, 422),
    "more off than on": (GOOD | {"value": {"tax": "11.00"}}, 422),
    "a guest of nobody": (GOOD | {"recipients": [person("good") | {"guest_of": person("absent")}]}, 422),
    "no money": (GOOD | {"total": {"amount": "0.00", "currency": "USD"}}, 422),
}


def test_a_refused_draft_leaves_its_neighbours_alone(desk, writer, officer, database_url):
    mixed = [body for bad, _ in BAD.values() for body in (GOOD, bad)] + [GOOD]
    expected = [status for _, refused in BAD.values() for status in (201, refused)] + [201]
    each = answers(writer, [submission(officer, body) for body in mixed], database_url)
    assert statuses(each) == expected
    [(status, body, _)] = answers(writer, [submission(officer, *mixed)])
    assert status == 200
    assert [item["status"] for item in json.loads(body)["results"]] == expected
    assert recorded(database_url) == 2 * (len(BAD) + 1)
    assert books.faults(database_url) == []


def test_a_refused_caller_leaves_the_others_alone(desk, writer, officer, database_url):
    auditor, unknown = key_for(database_url, Role.AUDITOR, "arthur"), "prp_" + "0" * 32 + "_" + "x" * 43
    callers = [officer, auditor, unknown] * 3
    each = answers(writer, [submission(caller, GOOD) for caller in callers], database_url)
    assert statuses(each) == [201, 403, 401] * 3
    assert recorded(database_url) == 3


def poisoned(error: BaseException | None):
    """Recording an entry for the purpose `poison` fails: by this error, or else by the database itself."""
    add = entry_rows.add

    def failing(connection, entries, **rest):
        if any(new.entry.purpose == "poison" for new in entries):
            if error is not None:
                raise error
            connection.execute(text("INSERT INTO entries (id) VALUES ('half an entry')"))
        add(connection, entries, **rest)

    return failing


@pytest.mark.parametrize(
    "error", [RuntimeError("by chance"), DataError("INSERT", {}, ValueError("out of range")), None]
)
def test_a_draft_that_makes_the_database_fail_fails_alone(desk, writer, officer, database_url, monkeypatch, error):
    monkeypatch.setattr(entry_rows, "add", poisoned(error))
    bodies = [GOOD, GOOD, GOOD | {"purpose": "poison"}, GOOD | {"recipients": [person("new")]}, GOOD]
    each = answers(writer, [submission(officer, body, key=f"k{n}") for n, body in enumerate(bodies)], database_url)
    name = type(error).__name__ if error else IntegrityError.__name__
    assert statuses(each) == [201, 201, name, 201, 201]
    assert recorded(database_url) == 4
    keys = read(database_url, lambda connection: set(connection.scalars(select(IdempotencyKeyRow.key))))
    assert keys == {"k0", "k1", "k3", "k4"}
    assert books.faults(database_url) == []


def test_too_many_are_turned_away_at_once(desk, writer, officer, database_url):
    async def too_many() -> list[Any]:
        with held_up(database_url):
            waiting = [asyncio.ensure_future(writer.submit(submission(officer, GOOD))) for _ in range(80)]
            await asyncio.sleep(0.2)
            turned_away = [one.exception() for one in waiting if one.done()]
        return turned_away + await asyncio.gather(*(one for one in waiting), return_exceptions=True)

    outcomes = asyncio.run(too_many())
    kept = [one for one in outcomes if isinstance(one, tuple)]
    assert {type(one) for one in outcomes if not isinstance(one, tuple)} == {Overloaded}
    assert 50 <= len(kept) <= 51
    assert recorded(database_url) == len(kept)


def test_what_waits_at_the_end_is_recorded_and_nothing_is_taken_in_any_more(desk, officer, database_url):
    async def closing_with_work_waiting() -> list[Any]:
        writer = Writer(desk)
        with held_up(database_url):
            waiting = [asyncio.ensure_future(writer.submit(submission(officer, GOOD))) for _ in range(30)]
            await asyncio.sleep(0.1)
            end = asyncio.get_running_loop().run_in_executor(None, writer.close)
            await asyncio.sleep(0.1)
            late = asyncio.ensure_future(writer.submit(submission(officer, GOOD)))
            await asyncio.sleep(0)
        await end
        return await asyncio.gather(*waiting, late, return_exceptions=True)

    *kept, late = asyncio.run(closing_with_work_waiting())
    assert statuses(kept) == [201] * 30
    assert isinstance(late, ShuttingDown)
    assert recorded(database_url) == 30


def test_a_caller_who_stops_waiting_disturbs_nobody(desk, writer, officer, database_url):
    async def one_leaves() -> list[Any]:
        with held_up(database_url):
            waiting = [asyncio.ensure_future(writer.submit(submission(officer, GOOD))) for _ in range(6)]
            await asyncio.sleep(0.1)
            waiting[3].cancel()
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert statuses(asyncio.run(one_leaves())) == [201, 201, 201, "CancelledError", 201, 201]
    assert recorded(database_url) == 6, "whoever has left was let in; what they sent is recorded"


# A commit of which nobody knows


def commit_and_hang_up(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, times: int, before: bool = False) -> None:
    """The connection is lost during the next commits: before the database has kept anything, or after."""
    dialect, left = desk.database.engine.dialect, [times]
    commit = dialect.do_commit

    def cut(connection: Any) -> None:
        if not left[0]:
            commit(connection)
            return
        left[0] -= 1
        if not before:
            commit(connection)
        connection.driver_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", cut)


@pytest.mark.postgres
@pytest.mark.parametrize("before", [True, False], ids=["lost", "kept"])
def test_a_connection_lost_during_the_commit_doubles_nothing(desk, writer, officer, database_url, monkeypatch, before):
    commit_and_hang_up(desk, monkeypatch, times=1, before=before)
    [reply] = answers(writer, [submission(officer, GOOD)])
    assert isinstance(reply, OutcomeUnknown)
    assert (reply.status, reply.retry_after_s) == (503, 1)
    assert recorded(database_url) == (0 if before else 1)


@pytest.mark.postgres
@pytest.mark.parametrize("before", [True, False], ids=["lost", "kept"])
def test_whoever_sent_a_key_need_not_wonder(desk, writer, officer, database_url, monkeypatch, before):
    with held_up(database_url):
        pass
    commit_and_hang_up(desk, monkeypatch, times=1, before=before)
    [reply] = answers(writer, [submission(officer, GOOD, key="known")])
    assert statuses([reply]) == [201]
    assert recorded(database_url) == 1
    [again] = answers(writer, [submission(officer, GOOD, key="known")])
    assert again[:2] == reply[:2]


@pytest.mark.postgres
def test_some_with_keys_and_some_without(desk, writer, officer, database_url, monkeypatch):
    several = [submission(officer, GOOD, key=f"k{place}" if place % 2 else None) for place in range(8)]
    commit_and_hang_up(desk, monkeypatch, times=1)
    each = answers(writer, several, database_url)
    assert statuses(each)[1::2] == [201] * 4
    assert 503 in statuses(each)[::2]
    assert recorded(database_url) == 8


@pytest.mark.postgres
def test_a_database_that_goes_away_again_and_again_is_told_as_it_is(desk, writer, officer, database_url, monkeypatch):
    commit_and_hang_up(desk, monkeypatch, times=100, before=True)
    each = answers(writer, [submission(officer, GOOD, key="known"), submission(officer, GOOD)])
    assert all(isinstance(reply, OutcomeUnknown) for reply in each)
    assert recorded(database_url) == 0


@pytest.mark.postgres
def test_a_connection_lost_before_the_commit_is_only_a_delay(desk, writer, officer, database_url, monkeypatch):
    add, cuts = entry_rows.add, [1]

    def cut_once(connection, entries, **rest):
        add(connection, entries, **rest)
        if cuts[0]:
            cuts[0] -= 1
            with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as admin:
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    monkeypatch.setattr(entry_rows, "add", cut_once)
    [reply] = answers(writer, [submission(officer, GOOD)])
    assert statuses([reply]) in ([201], [503])
    assert not isinstance(reply, OutcomeUnknown)
    assert recorded(database_url) == (1 if statuses([reply]) == [201] else 0)
    assert statuses(answers(writer, [submission(officer, GOOD)])) == [201]


def test_a_database_that_cannot_be_reached_is_said_to_be_away(tmp_path):
    with closing(Database("postgresql+psycopg://nobody@127.0.0.1:1/none")) as database:
        for ask in (lambda: database.write(lambda _: None), database.ping):
            with pytest.raises(DatabaseAway) as away:
                ask()
            assert away.value.retry_after_s == 1
