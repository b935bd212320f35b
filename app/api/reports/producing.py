"""Reports over HTTP: what there is, producing one at once or beside the requests, and what was produced."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.asking import Acting, ActingAs, AskedBy, answer
from app.api.fields import Cursor, Limit
from app.api.operations import AskedBeside, OperationOut, accepted
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.reports.asking import ReportIn, order_of
from app.api.reports.documents import (
    DifferencesOut,
    ProductionOut,
    ReportCatalogueOut,
    catalogued,
    differing,
    produced,
)
from app.api.requests import StrictRoute
from app.api.sheets import MEDIA_TYPES, sent
from app.domain.access import Permission, Principal
from app.services import reports
from app.services.desk import Connection
from app.services.operations import Operations
from app.services.reports import Order

router = APIRouter(prefix="/v1", tags=["reports"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_TYPES = {form.value: media_type for form, media_type in MEDIA_TYPES.items()} | {"pdf": "application/pdf"}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in _TYPES.values()},
    },
    404: {"model": Problem},
    410: {"model": Problem},
}


@router.get("/reports", response_model=ReportCatalogueOut)
def list_reports(by: AskedBy) -> Response:
    """Which reports there are, with their columns and what one may ask of each."""
    by.principal.require(Permission.READ_ALL)
    return answer({"data": [catalogued(kind) for kind in reports.KINDS.values()]})


@router.post(
    "/reports/{report}/productions",
    status_code=201,
    response_model=ProductionOut,
    responses={202: {"model": OperationOut}, 404: {"model": Problem}, 422: {"model": Problem}},
)
def create_report(
    report: AnyId,
    body: ReportIn,
    acting: ActingAs,
    request: Request,
    beside: AskedBeside,
) -> Response:
    """Produce a report: its file is then at `content`, with its digest, and the production in the log.

    All of it is as the books stand at one moment, or stood at `as_of`.
    """

    def allowed(connection: Connection, principal: Principal) -> tuple[Order, str]:
        principal.require(Permission.READ_ALL)
        order = order_of(reports.kind_of(report), body)
        reports.check(connection, acting.desk, order)
        return order, principal.person

    order, by = acting.read(allowed)
    if beside:
        return _beside(order, by, acting, request)
    made = reports.produce(acting.desk, order, by=by)
    return answer(produced(made), 201, {"Location": f"/v1/report-productions/{made.id}"})


def _beside(order: Order, by: str, acting: Acting, request: Request) -> Response:
    running: Operations = request.app.state.operations
    operation = running.start_beside(
        "report_production",
        lambda progress: produced(reports.produce(acting.desk, order, by=by, progress=progress)),
        by=by,
    )
    return accepted(operation)


@router.get("/report-productions", response_model=ListOut[ProductionOut])
def list_report_productions(
    by: AskedBy,
    report: Annotated[str | None, Query(pattern=r"^[a-z_]{1,64}$", description="only of this report")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """What was produced, newest first."""
    by.principal.require(Permission.READ_ALL)
    question = fingerprint("report-productions", report)
    after = read_cursor(cursor, question, str)
    found = reports.listed(by.connection, kind=report, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [produced(one) for one in shown], "page": where})


@router.get("/report-productions/{production_id}", response_model=ProductionOut, responses={404: {"model": Problem}})
def get_report_production(production_id: AnyId, by: AskedBy) -> Response:
    """One production: what was asked, its totals and digests."""
    by.principal.require(Permission.READ_ALL)
    return answer(produced(reports.get(by.connection, production_id)))


@router.get("/report-productions/{production_id}/content", response_class=Response, responses=_CONTENT)
def get_report_content(production_id: AnyId, by: AskedBy, request: Request) -> Response:
    """The file of a production, byte for byte as it was produced."""
    by.principal.require(Permission.READ_ALL)
    made = reports.get(by.connection, production_id)
    reports.require_file(by.desk, made)
    digest = b64encode(bytes.fromhex(made.sha256)).decode()
    name = f"{made.kind.replace('_', '-')}-{made.first}-{made.last}.{made.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(made.size_bytes),
        "Cache-Control": "no-store",
        "ETag": f'"{made.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
    return sent(request, lambda connection: reports.file_of(connection, made.id), _TYPES[made.format], headers)


@router.get(
    "/report-productions/{production_id}/differences",
    response_model=DifferencesOut,
    responses={404: {"model": Problem}, 409: {"model": Problem}, 410: {"model": Problem}},
)
def list_report_differences(
    production_id: AnyId,
    by: AskedBy,
    later: Annotated[
        str | None, Query(pattern=r"^[\x21-\x7e]{1,64}$", description="a later production; default: the books now")
    ] = None,
) -> Response:
    """Where a kept statement no longer says what the books say, row by row, with what was recorded since."""
    by.principal.require(Permission.READ_ALL)
    return answer(differing(reports.compared(by.connection, by.desk, production_id, later_id=later), later))
