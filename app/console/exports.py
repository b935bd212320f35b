"""Exports: what a page shows, whole, as a file: the queue as it is narrowed, and a recipient's ledger of a year."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from app.console.asking import AskedBy, Page
from app.console.queues import AskedFor, Asking
from app.domain.access import Permission, Principal
from app.domain.policies import Measure, Rule
from app.services import queues, sheets, statements
from app.services.desk import Connection, Desk
from app.services.exports import Export, Exports
from app.services.queues import Named, Place
from app.services.sheets import Amount, Cell, Column, Format, Kind, Row, Sheet

router = APIRouter(route_class=Page)
Short = Annotated[str, Query(max_length=200)]
_AT_A_TIME = 500
_QUEUE = Sheet(
    "review-queue",
    (
        Column("violation_id"),
        Column("state"),
        Column("outcome"),
        Column("severity"),
        Column("rule"),
        Column("recipient"),
        Column("employer"),
        Column("giver"),
        Column("occurred_on", Kind.DATE),
        Column("counted", Kind.MONEY),
        Column("total", Kind.MONEY),
        Column("limit", Kind.MONEY),
        Column("due_on", Kind.DATE),
        Column("assignee"),
    ),
)
_LEDGER = Sheet(
    "ledger",
    (
        Column("rule"),
        Column("occurred_on", Kind.DATE),
        Column("entry_id"),
        Column("what"),
        Column("giver"),
        Column("counts"),
        Column("exclusion"),
        Column("counted", Kind.MONEY),
        Column("total", Kind.MONEY),
        Column("limit", Kind.MONEY),
    ),
)


def _amount(value: int, rule: Rule) -> Cell:
    if rule.measure is Measure.COUNT:
        return Amount(value, 0, "count")
    return Amount.of(value, rule.currency)


def _file(name: str, pieces: Iterator[bytes] | AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(pieces, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/queue/export.csv")
def export_queue(by: AskedBy, asked: AskedFor) -> StreamingResponse:
    """All cases of the queue as it is narrowed, in its order."""
    by.require(Permission.READ_ALL)
    desk, principal = by.desk, by.principal
    exports: Exports = by.request.app.state.exports
    export = exports.begin(
        lambda connection: sheets.written(_QUEUE, _cases(connection, desk, principal, asked), Format.CSV)
    )
    return _file(f"queue-{asked.view.value}-{desk.today()}", _pieces(export.read(), export))


async def _pieces(piece: bytes, export: Export) -> AsyncIterator[bytes]:
    """A file while it is written, from its first piece on."""
    try:
        while piece:
            yield piece
            piece = await run_in_threadpool(export.read)
    finally:
        export.close()


def _cases(connection: Connection, desk: Desk, principal: Principal, asked: Asking) -> Iterator[Row]:
    wanted = queues.sought(connection, desk, principal, asked.view, asked.narrowed)
    after: Place | None = None
    while True:
        found = queues.page(connection, desk, principal, wanted, asked.order, after=after, limit=_AT_A_TIME)
        yield from (_case(found, place) for place in range(len(found.cases)))
        if len(found.cases) < _AT_A_TIME:
            return
        after = queues.place_of(found.cases[-1], asked.order)


def _case(found: Named, place: int) -> Row:
    case = found.cases[place]
    rule = found.rule(case)
    return (
        case.id,
        case.state,
        case.outcome,
        case.severity,
        rule.name,
        found.who(case),
        found.employer(case),
        case.giver,
        case.occurred_on,
        _amount(case.counted, rule),
        _amount(case.aggregate, rule),
        _amount(case.limit_value, rule),
        case.due_on,
        case.assignee,
    )


@router.get("/recipients/{recipient_id}/ledger.csv")
def export_ledger(
    by: AskedBy, recipient_id: Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")], year: Short = ""
) -> StreamingResponse:
    """Everything of a recipient in a year, rule by rule, counted or not and why."""
    by.require(Permission.READ_ALL)
    today = by.desk.today()
    chosen = int(year) if year.isascii() and year.isdigit() and 1990 <= int(year) <= today.year + 1 else today.year
    told = statements.statement(
        by.connection, by.desk, recipient_id, first=date(chosen, 1, 1), last=date(chosen, 12, 31)
    )
    return _file(f"ledger-{told.person.id}-{chosen}", sheets.written(_LEDGER, list(_lines(told)), Format.CSV))


def _lines(told: statements.Statement) -> Iterator[Row]:
    for stated in told.rules:
        for given in stated.answers:
            answer = given.assessment
            entry = told.entries[answer.line.entry_id].entry
            yield (
                stated.rule.name,
                entry.occurred_on,
                entry.id,
                entry.purpose or entry.kind.value,
                entry.giver,
                "no" if answer.line.exclusion else "yes",
                answer.line.exclusion,
                _amount(answer.line.counted, stated.rule),
                _amount(answer.aggregate, stated.rule),
                _amount(answer.limit, stated.rule),
            )
