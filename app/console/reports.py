"""C9: reports: which there are, producing one, and the files that were produced, each with its digest."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Form, Posted
from app.console.pages import page
from app.domain.access import Permission
from app.domain.refusals import Refusal
from app.services import reports
from app.services.reports import Order, ReportFormat, Wanted

router = APIRouter(route_class=Page)
Short = Annotated[str, Query(max_length=200)]
_SHOWN = 50
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FIELDS = {
    "recipient_id": "recipient_id", "employer_id": "employer_id", "rule_id": "rule_id", "first": "first",
    "last": "last", "format": "form",
}  # fmt: skip


@router.get("/reports")
def list_reports(by: AskedBy, kind: Short = "", after: Short = "", done: Short = "") -> Response:
    """The form for a report, and what was produced, newest first."""
    return _page(by, Form([("kind", kind)] if kind else []), after=after, done=done)


def _page(by: Asked, form: Form, *, after: str = "", done: str = "", status: int = 200) -> Response:
    by.require(Permission.READ_ALL)
    today = by.desk.today()
    plain = after if after.isascii() and after.isprintable() else ""
    found = reports.listed(by.connection, kind=None, after=plain or None, limit=_SHOWN + 1)
    shown = found[:_SHOWN]
    return page(
        by,
        "reports/page.html",
        active="reports",
        status=status,
        kinds=list(reports.KINDS.values()),
        forms=tuple(ReportFormat),
        titles={kind.id: kind.title for kind in reports.KINDS.values()},
        rows=shown,
        usual=(date(today.year, 1, 1), today),
        now=by.desk.clock(),
        form=form,
        faults=form.faults,
        done=done,
        next=places.address("/console/reports", after=shown[-1].id) if len(found) > _SHOWN else None,
    )


@router.post("/reports")
def produce(acting: ActingAs, form: Posted) -> Response:
    """Produces a report as the books stand at this moment; it is then in the list, and in the audit trail."""
    kind = reports.KINDS.get(form.text("kind"))
    if kind is None:
        form.fault("kind", "Choose a report")
    first = form.day("first", "Enter the first day")
    last = form.day("last", "Enter the last day")
    if first is not None and last is not None and first > last:
        form.fault("last", "The last day comes before the first")
    if form.text("form") not in set(ReportFormat):
        form.fault("form", "Choose a format")
    subject = {name: form.optional(name, most=64) for name in ("recipient_id", "employer_id")}
    giver = form.optional("giver")
    if kind is not None:
        for name in kind.needs:
            if name in subject and not subject[name]:
                form.fault(name, f"{kind.title} needs to know of whom: take the id from their page")
    by = acting.read(_reader)
    if not form.faults and kind is not None and first is not None and last is not None:
        wanted = Wanted(
            first=first,
            last=last,
            recipient_id=subject["recipient_id"] or None if "recipient_id" in kind.takes else None,
            employer_id=subject["employer_id"] or None if "employer_id" in kind.takes else None,
            giver=giver or None if "giver" in kind.takes else None,
            types=tuple(sorted(reports.OFFICIALS)) if "types" in kind.takes else (),
        )
        try:
            made = reports.produce(
                acting.desk, Order(kind, wanted, ReportFormat(form.text("form"))), by=by, door="console"
            )
            rows = "1 row" if made.rows == 1 else f"{made.rows:,} rows"
            done = f"{kind.title}: {rows}. The file is first in the list."
            return RedirectResponse(places.address("/console/reports", done=done), 303)
        except Refusal as refusal:
            if refusal.status in (401, 403, 503):
                raise
            form.take(refusal, _FIELDS, "kind")
    return acting.read(lambda asked: _page(asked, form, status=422))


def _reader(by: Asked) -> str:
    by.require(Permission.READ_ALL)
    return by.principal.person


@router.get("/reports/{production_id}/file")
def download(by: AskedBy, production_id: Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]) -> Response:
    """The file of a production, byte for byte as it was produced."""
    by.require(Permission.READ_ALL)
    made = reports.get(by.connection, production_id)
    reports.require_file(by.desk, made)
    name = f"{made.kind.replace('_', '-')}-{made.first}-{made.last}.{made.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": f'"{made.sha256}"'}
    body = b"".join(reports.file_of(by.connection, made.id))
    return Response(body, headers=headers, media_type=_TYPES[made.format])
