"""Exports: files written by a thread of their own at the speed of the database, and read while they grow.

A reader who is slow, or went away, keeps neither a connection nor a snapshot: both are over when the last row is on
disk. What is read at one time is bounded by how many may be written at once.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from app.domain.refusals import Unavailable
from app.services.desk import Desk

T = TypeVar("T")
Place = TypeVar("Place")
_PIECE = 65_536
_PAGE = 500

Writing = Callable[[Connection], Iterator[bytes]]


def every(
    page: Callable[[Place | None, int], Sequence[T]],
    place: Callable[[T], Place],
    after: Place | None = None,
    *,
    size: int | None = None,
) -> Iterator[T]:
    """All of a list after a place, page by page: `page` gives so many after one, `place` says where one is.

    `size` is how many a page has, for lists whose pages cost the same however long they are.
    """
    many = size or _PAGE
    while found := page(after, many):
        yield from found
        if len(found) < many:
            return
        after = place(found[-1])


class TooManyExports(Unavailable):
    code = "too_many_exports"
    title = "Too many files are being written"


class Export:
    """One file. One thread writes it, another reads it while it grows."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close, or with the last who holds it
        self._changed = threading.Condition()
        self._written = self._read = 0
        self._ended = self._given_up = False
        self._failure: Exception | None = None

    def read(self) -> bytes:
        """The next piece, as soon as there is one; nothing at the end. Raises what stopped the writing."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._written > self._read)
            if self._written > self._read and not self._given_up:
                self._file.seek(self._read)
                piece = self._file.read(_PIECE)
                self._read += len(piece)
                return piece
            if self._failure is not None:
                raise self._failure
            return b""

    def close(self) -> None:
        """Nobody reads on: the writing ends with the piece at hand."""
        with self._changed:
            self._given_up = self._ended = True
            self._file.close()
            self._changed.notify_all()

    def fill(self, pieces: Iterator[bytes]) -> None:
        """Writes the pieces until they end or nobody reads on."""
        for piece in pieces:
            with self._changed:
                if self._given_up:
                    return
                self._file.seek(self._written)
                self._file.write(piece)
                self._written += len(piece)
                self._changed.notify_all()

    def end(self, failure: Exception | None = None) -> None:
        """All is written, or writing failed."""
        with self._changed:
            self._failure, self._ended = failure, True
            self._changed.notify_all()


class Exports:
    """The files that one process is writing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._places = threading.BoundedSemaphore(max(1, desk.settings.pool_size // 2))
        self._under_way: set[Export] = set()
        self._threads: set[threading.Thread] = set()

    def begin(self, writing: Writing) -> Export:
        """Begins a file in a thread of its own; all its rows are of one state of the database.

        Raises TooManyExports while as many are being written as may be.
        """
        if not self._places.acquire(blocking=False):
            raise TooManyExports("As many files are being written as may be at one time", retry_after_s=5)
        export = Export()
        thread = threading.Thread(target=self._run, args=(export, writing), name="export", daemon=True)
        self._under_way.add(export)
        self._threads.add(thread)
        thread.start()
        return export

    def close(self) -> None:
        """Gives up what is being written, and waits until it is given up."""
        for export in list(self._under_way):
            export.close()
        for thread in list(self._threads):
            thread.join()

    def _run(self, export: Export, writing: Writing) -> None:
        failure: Exception | None = None
        try:
            with self._desk.archive.reading() as connection:
                export.fill(writing(connection))
        except Exception as error:  # noqa: BLE001 - whoever reads the file hears of it
            failure = error
        finally:
            self._places.release()
            self._under_way.discard(export)
            self._threads.discard(threading.current_thread())
            export.end(failure)
