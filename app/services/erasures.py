"""Erasures: what has been kept long enough loses its words, a portion at a time, each portion recorded in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection

from app.domain.audit import Stamp
from app.domain.erasures import last_day
from app.services import audit
from app.services.desk import Desk
from app.storage import erasures as rows
from app.storage.ids import new_id

_PORTION = 500
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Due:
    """How much has been kept long enough: entries that may go, entries that a legal hold keeps, people who may go."""

    until: date
    entries: int
    held: int
    recipients: int


@dataclass
class Erased:
    """How much went."""

    until: date
    entries: int = 0
    recipients: int = 0
    answers: int = 0
    drafts: int = 0
    messages: int = 0
    lines: int = 0
    reads: int = 0
    reports: int = 0

    @property
    def total(self) -> int:
        """Everything that went."""
        return self.entries + self.recipients + self.answers + self.drafts + self.messages + self._rest

    @property
    def _rest(self) -> int:
        return self.lines + self.reads + self.reports


def due(connection: Connection, desk: Desk) -> Due:
    """What a purge would find now. People whose last entry goes in that purge are not counted yet."""
    until, moment = _limits(desk)
    people = rows.count_recipients(connection, moment=moment)
    entries, held = (rows.count_entries(connection, day=until, moment=moment, held=held) for held in (False, True))
    return Due(until, entries, held, people)


def purge(desk: Desk, *, by: str, door: str = "cli", progress: Progress = lambda _: None) -> Erased:
    """Erases all that has been kept long enough and is not held, in portions that are each done as a whole.

    Where it is interrupted, another run goes on. A hold that is placed meanwhile keeps what is not erased yet.
    """
    until, moment = _limits(desk)
    done = Erased(until)
    for work, count in (
        (_entries, "entries"),
        (_recipients, "recipients"),
        (_answers, "answers"),
        (_drafts, "drafts"),
        (_messages, "messages"),
        (_lines, "lines"),
        (_reads, "reads"),
        (_reports, "reports"),
    ):
        while portion := desk.database.write(
            lambda connection, work=work: work(connection, desk, until, moment, desk.stamp(by, door=door))  # type: ignore[misc]
        ):
            setattr(done, count, getattr(done, count) + portion)
            progress(done.total)
    return done


def _limits(desk: Desk) -> tuple[date, datetime]:
    """The last day that is over, and the moment before which what was recorded is."""
    until = last_day(desk.today(), desk.settings.retention_years)
    return until, datetime.combine(until, time(), desk.settings.zone).astimezone(UTC)


def _entries(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    ids = rows.entries_due(connection, day=until, moment=moment, limit=_PORTION)
    if ids:
        about = rows.parts(connection, ids)
        rows.erase_entries(connection, ids, stamp.at)
        _record(connection, desk, until, about, {"entries": ids}, stamp)
    return len(ids)


def _recipients(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    ids = rows.recipients_due(connection, moment=moment, limit=_PORTION)
    if ids:
        versions = rows.erase_recipients(connection, ids)
        _record(connection, desk, until, ids, {"recipients": ids}, stamp, versions)
    return len(ids)


def _answers(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    return _others(connection, desk, until, "answers", stamp, lambda: rows.forget_answers(connection, moment, _PORTION))


def _messages(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    work = lambda: rows.forget_messages(connection, moment, _PORTION)  # noqa: E731
    return _others(connection, desk, until, "messages", stamp, work)


def _lines(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    return _others(connection, desk, until, "lines", stamp, lambda: rows.forget_lines(connection, moment))


def _reads(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    return _others(connection, desk, until, "reads", stamp, lambda: rows.forget_reads(connection, moment, _PORTION))


def _reports(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    work = lambda: rows.forget_reports(connection, moment, _PORTION, at=stamp.at)  # noqa: E731
    return _others(connection, desk, until, "reports", stamp, work)


def _others(connection: Connection, desk: Desk, until: date, name: str, stamp: Stamp, work: Callable[[], int]) -> int:
    """What cannot be looked up by what it is about, so that any hold keeps all of it."""
    count = 0 if rows.anything_held(connection) else work()
    if count:
        _record(connection, desk, until, [], {name: count}, stamp)
    return count


def _drafts(connection: Connection, desk: Desk, until: date, moment: datetime, stamp: Stamp) -> int:
    ids = [] if rows.anything_held(connection) else rows.forget_drafts(connection, moment)
    if ids:
        _record(connection, desk, until, ids, {"drafts": ids}, stamp)
    return len(ids)


def _record(
    connection: Connection,
    desk: Desk,
    until: date,
    about: list[str],
    what: dict[str, object],
    stamp: Stamp,
    versions: dict[str, int] | None = None,
) -> None:
    """One record of an erasure. It names the places in the log whose text went, so that no other may be without."""
    positions = audit.erase(connection, desk, about)
    journal = desk.journal()
    for entity_id, version in (versions or {}).items():
        journal.note(entity_id, version, "recipient.erased", {}, stamp)
    facts = {"until": until.isoformat(), "positions": positions, **what}
    journal.note(new_id("ers"), 1, audit.ERASURE, facts, stamp)
    journal.seal(connection)
