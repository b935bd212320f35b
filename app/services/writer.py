"""The writer: one thread gathers waiting submissions and records them in one transaction, one commit for all."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from app.domain.refusals import Refusal, Unavailable
from app.services import entries
from app.services.desk import Desk
from app.services.entries import Reply, Submission
from app.storage.database import OutcomeUnknown

_log = logging.getLogger(__name__)
_LAST_BATCH_S = 30


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too many submissions are waiting"


class ShuttingDown(Unavailable):
    code = "shutting_down"
    title = "This server is shutting down"


class _Waiting(NamedTuple):
    submission: Submission
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Reply]


class Writer:
    """Owns the transaction of the hot path. An answer leaves only after the commit that contains it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def submit(self, submission: Submission) -> Reply:
        """Waits for a place in a transaction and returns the answer after its commit.

        Raises Overloaded where too many wait, ShuttingDown at the end, and what the submission is refused for.
        """
        if self._closed:
            raise ShuttingDown("This server is shutting down; nothing was kept", retry_after_s=1)
        if self._waiting.qsize() >= self._desk.settings.writer_queue:
            raise Overloaded("Too many submissions are waiting; nothing was kept", retry_after_s=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        self._waiting.put(_Waiting(submission, loop, answer))
        return await answer

    def close(self) -> None:
        """Takes nothing more, records what waits, and ends."""
        self._closed = True
        self._waiting.put(None)
        # A database that never answers must not keep the process; what was not answered was not promised.
        self._thread.join(_LAST_BATCH_S)

    def _run(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._gather()
            if batch:
                self._answer(batch, self._record(batch))

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Everything that waits, up to the batch size; blocks for the first."""
        batch: list[_Waiting] = []
        room = self._desk.settings.writer_batch
        while room > 0:
            try:
                one = self._waiting.get(block=not batch)
            except queue.Empty:
                break
            if one is None:
                return batch, True
            batch.append(one)
            room -= len(one.submission.items)
        return batch, False

    def _record(self, batch: Sequence[_Waiting]) -> Sequence[Reply | BaseException]:
        """One transaction for all; where that fails, one for each: a bad one never takes its neighbours along."""
        try:
            return self._transaction([one.submission for one in batch])
        except OutcomeUnknown as unknown:
            return self._once_more(batch, unknown)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller gets an answer
            if len(batch) == 1 or isinstance(error, Unavailable):
                return [error] * len(batch)
            _log.exception("a batch of %d failed and is recorded one by one", len(batch))
            return [reply for one in batch for reply in self._record([one])]

    def _once_more(self, batch: Sequence[_Waiting], unknown: OutcomeUnknown) -> Sequence[Reply | BaseException]:
        """After a commit of unknown outcome: only what has a key is repeated; the key tells whether it counted."""
        keyed = [one.submission for one in batch if one.submission.key is not None]
        replies: Sequence[Reply | BaseException] = [unknown] * len(keyed)
        if keyed:
            with suppress(Exception):
                replies = self._transaction(keyed)
        remaining = iter(replies)
        return [unknown if one.submission.key is None else next(remaining) for one in batch]

    def _transaction(self, submissions: Sequence[Submission]) -> list[Reply | Refusal]:
        return self._desk.database.write(lambda connection: entries.record(connection, self._desk, submissions))

    @staticmethod
    def _answer(batch: Sequence[_Waiting], replies: Sequence[Reply | BaseException]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Reply], Reply | BaseException]]] = {}
        for one, reply in zip(batch, replies, strict=True):
            by_loop.setdefault(one.loop, []).append((one.answer, reply))
        for loop, answers in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: Sequence[tuple[asyncio.Future[Reply], Reply | BaseException]]) -> None:
    for future, reply in answers:
        if future.done():
            continue
        if isinstance(reply, BaseException):
            future.set_exception(reply)
        else:
            future.set_result(reply)
