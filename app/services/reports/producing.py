"""Producing a report: read from one state of the books, written once, digested, kept and noted in the log."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import IO

from sqlalchemy import Connection

from app.domain.audit import canonical, iso
from app.domain.refusals import Unprocessable
from app.domain.reports import Tally, said
from app.domain.sheets import Row, Sheet
from app.services import policies, sheets
from app.services.desk import Desk
from app.services.reports.books import Books, Wanted
from app.services.reports.kinds import ReportKind
from app.services.reports.printing import printed
from app.storage import recipients
from app.storage.ids import moment_at, new_id, place_at
from app.storage.reports import ledger, productions
from app.storage.reports.productions import KnownProduction

_PIECE = 262_144
Progress = Callable[[int, int], None]


class ReportFormat(StrEnum):
    """What kind of file a report is."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


class UnknownSubject(Unprocessable):
    code = "unknown_subject"
    title = "There is nobody of that id to report on"


class UnknownReportRule(Unprocessable):
    code = "unknown_report_rule"
    title = "No published policy has such a rule"


class AsOfInFuture(Unprocessable):
    code = "as_of_in_future"
    title = "What will be known is not known yet"


@dataclass(frozen=True, slots=True)
class Order:
    """A report that somebody wants."""

    kind: ReportKind
    wanted: Wanted
    form: ReportFormat

    @property
    def parameters(self) -> dict[str, object]:
        """What was asked, without the format, as it is shown and kept."""
        one = self.wanted
        asked: dict[str, object] = {"first": one.first.isoformat(), "last": one.last.isoformat()}
        if one.at is not None:
            asked["as_of"] = iso(moment_at(one.at))
        values = {
            "recipient_id": one.recipient_id,
            "employer_id": one.employer_id,
            "rule_id": one.rule_id,
            "giver": one.giver,
            "direction": one.direction and one.direction.value,
            "kind": [kind.value for kind in one.kinds] or None,
            "types": list(one.types) or None,
            "at_least": one.at_least,
            "days": one.days,
        }
        return asked | {name: value for name, value in values.items() if name in self.kind.takes and value is not None}


def check(connection: Connection, desk: Desk, order: Order) -> None:
    """Raises AsOfInFuture, UnknownSubject or UnknownReportRule: what can be refused before anything is read."""
    wanted = order.wanted
    if wanted.at is not None and wanted.at > place_at(desk.clock()):
        raise AsOfInFuture.at("/as_of", "Say a moment that has been, or leave it out for now")
    if wanted.recipient_id and not recipients.by_id(connection, [wanted.recipient_id]):
        raise UnknownSubject.at("/recipient_id", "There is no such recipient")
    if wanted.employer_id and not recipients.employers_by_id(connection, [wanted.employer_id]):
        raise UnknownSubject.at("/employer_id", "There is no such employer")
    if wanted.rule_id:
        book = policies.current(connection, desk)
        if not any(wanted.rule_id in policy.by_id for policy in book.by_id.values()):
            raise UnknownReportRule.at("/rule_id", "No published policy has a rule of that id")


def rows_of(books: Books, kind: ReportKind) -> Iterator[Row]:
    """The rows of a report, one by one."""
    return kind.rows(books)


def produce(
    desk: Desk, order: Order, *, by: str, door: str = "api", progress: Progress = lambda _done, _total: None
) -> KnownProduction:
    """Produces a report and keeps it: its file until it expires, and for good where it is a statement.

    All rows are of one state of the books. Raises what `check` raises, and TooLongToPrint.
    """
    with ExitStack() as open_files:
        file = open_files.enter_context(tempfile.TemporaryFile())
        rows = open_files.enter_context(tempfile.TemporaryFile())
        with desk.database.reading() as connection:
            check(connection, desk, order)
            made = _written(connection, desk, order, by, file, rows, progress)
        return desk.database.write(lambda connection: _kept(connection, desk, order, made, file, rows, door))


def _written(
    connection: Connection, desk: Desk, order: Order, by: str, file: IO[bytes], rows: IO[bytes], progress: Progress
) -> KnownProduction:
    now, wanted, kind = desk.clock(), order.wanted, order.kind
    known_at = max(place_at(now), productions.last_place(connection)) if wanted.at is None else wanted.at
    total = ledger.how_many(connection, first=wanted.first, last=wanted.last)
    books = Books(connection, desk, wanted, lambda done: progress(min(done, total), total))
    tally = Tally(kind.columns, kind.adds)
    found = tally.of(kind.rows(books))
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(order, _sheet(order, by, known_at), _copied(found, rows) if kind.kept else found, tally, desk):
        digest.update(piece)
        size += file.write(piece)
    progress(total, total)
    return KnownProduction(
        id=new_id("rpt"),
        kind=kind.id,
        asked=canonical(order.parameters),
        format=order.form.value,
        first=wanted.first,
        last=wanted.last,
        known_at=known_at,
        rows=tally.rows,
        rows_digest=tally.digest,
        totals=canonical([[one.column, str(one.amount), one.amount.unit] for one in tally.totals]),
        size_bytes=size,
        sha256=digest.hexdigest(),
        produced_by=by,
        produced_at=now,
        expires_at=None if kind.kept else now + timedelta(days=desk.settings.report_days),
        previous_id=None,
        differs=None,
    )


def _sheet(order: Order, by: str, known_at: int) -> Sheet:
    facts = {"report": order.kind.title, "known_at": iso(moment_at(known_at)), "produced_by": by} | {
        name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in order.parameters.items()
    }
    return Sheet(order.kind.id.replace("_", "-"), order.kind.columns, tuple(facts.items()))


def _pieces(order: Order, sheet: Sheet, rows: Iterable[Row], tally: Tally, desk: Desk) -> Iterator[bytes]:
    if order.form is not ReportFormat.PDF:
        return sheets.written(sheet, rows, sheets.Format(order.form.value))
    return iter([printed(sheet, order.kind.title, order.kind.about, rows, tally, desk.clock())])


def _copied(rows: Iterable[Row], to: IO[bytes]) -> Iterator[Row]:
    """The rows, each written down as it was said."""
    for row in rows:
        to.write(f"{canonical(said(row))}\n".encode())
        yield row


def _kept(
    connection: Connection, desk: Desk, order: Order, made: KnownProduction, file: IO[bytes], rows: IO[bytes], door: str
) -> KnownProduction:
    """The production with the one before it that it repeats or restates, and its record in the log."""
    before = productions.latest(connection, made.kind, made.asked) if order.kind.kept else None
    if before is not None:
        made = made._replace(previous_id=before.id, differs=int(before.rows_digest != made.rows_digest))
    productions.let_go(connection, made.produced_at)
    productions.add(connection, made)
    productions.add_parts(connection, made.id, "file", _read(file))
    if order.kind.kept:
        productions.add_parts(connection, made.id, "rows", _read(rows))
    journal = desk.journal()
    stamp = replace(desk.stamp(made.produced_by, door=door), at=made.produced_at)
    journal.note(made.id, 1, "report.produced", facts_of(made), stamp)
    journal.seal(connection)
    return made


def facts_of(made: KnownProduction) -> dict[str, object]:
    """What the log says of a production."""
    return {
        "kind": made.kind,
        "asked": json.loads(made.asked),
        "format": made.format,
        "known_at": made.known_at,
        "rows": made.rows,
        "rows_digest": made.rows_digest,
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
        "totals": json.loads(made.totals),
        "previous": made.previous_id,
        "differs": None if made.differs is None else bool(made.differs),
    }


def _read(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece
