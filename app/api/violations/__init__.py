"""Violations over HTTP: list, read, and the proof of calculation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from app.api.asking import Asked, AskedBy, answer
from app.api.entries.writing import ViolationOut, violation_out
from app.api.fields import Cursor, Limit, Text
from app.api.knowing import KnownAt
from app.api.paging import PageOut, Signed, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.sheets import FILES, AskedFormat, Format, streamed
from app.api.violations.asking import ME, MOST_COUNTED, AskedFilter, AskedSorting, Included
from app.api.violations.case_file import PDF, JsonOrPdf, case_file_of
from app.api.violations.files import violations_file
from app.api.violations.proving import ProofOut, proof_out
from app.domain.violations import Order
from app.services import papers, policies, proofs, violations
from app.services.desk import Connection
from app.services.exports import every
from app.services.violations import KnownViolation, Place, Sorting, ViolationFilter

router = APIRouter(prefix="/v1", tags=["violations"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_PAGE_OF_THE_PAST = 10_000  # each costs one pass over all cases as they were known
_PAPER: dict[int | str, dict[str, Any]] = {
    200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}},
    404: {"model": Problem},
}
_PLACES: dict[Order, tuple[type, ...]] = {
    Order.DUE: (date, str),
    Order.NEWEST: (str,),
    Order.AMOUNT_OVER: (Signed, str),
}


class TotalOut(BaseModel):
    """How many there are on all pages. Where `capped`, there are more than `count`, and nobody counted on."""

    count: int = Field(le=MOST_COUNTED)
    capped: bool


class ViolationPageOut(PageOut):
    """Where a page stands; `total` only where it was asked for."""

    total: TotalOut | None = None


class ViolationsOut(BaseModel):
    """A page of violations."""

    data: list[ViolationOut]
    page: ViolationPageOut


@router.get("/violations", response_model=ViolationsOut, responses=FILES)
def list_violations(
    request: Request,
    by: AskedBy,
    at: KnownAt,
    form: AskedFormat,
    asked: AskedFilter,
    sorting: AskedSorting,
    include: Included = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Violations, newest first unless `sort` says otherwise.

    Whoever may not read all sees those on their own entries, supervisors their team's.
    As CSV, XLSX or JSON Lines it is a file with all pages. Only whoever may read all asks by assignee, snooze or cause.
    """
    if asked.assignee == ME:
        asked = asked._replace(assignee=by.principal.person)
    question = fingerprint("violations", by.principal.id, asked, sorting, at)
    after = read_cursor(cursor, question, *_PLACES.get(sorting.by, (int, str)))
    found = _Found(by, asked._replace(today=by.desk.today(at)), sorting, at)
    if form is not Format.JSON:
        return streamed(request, form, "violations", lambda own: found.file(own, after, form))
    cases = found.after(by.connection, after, limit + 1)
    shown, where = page(cases, limit, question, sorting.place)
    if include:
        where["total"] = found.total(by.connection)
    book = policies.current(by.connection, by.desk)
    return answer({"data": [violation_out(book, case, found.today) for case in shown], "page": where})


class _Found:
    """The cases that somebody asks for, in their order."""

    def __init__(self, by: Asked, wanted: ViolationFilter, sorting: Sorting, at: int | None) -> None:
        self._by, self._wanted, self._sorting, self._at = by, wanted, sorting, at
        self.today = wanted.today

    def after(self, connection: Connection, after: Place | None, limit: int) -> list[KnownViolation]:
        """So many after a place."""
        return violations.listed(
            connection, self._by.principal, self._wanted, self._sorting, at=self._at, after=after, limit=limit
        )

    def file(self, connection: Connection, after: Place | None, form: Format) -> Iterator[bytes]:
        """All after a place, as a file."""
        one_pass = self._at is not None and self._sorting.by is not Order.NEWEST
        cases = every(
            lambda place, limit: self.after(connection, place, limit),
            self._sorting.place,
            after,
            size=_PAGE_OF_THE_PAST if one_pass else None,
        )
        return violations_file(policies.current(connection, self._by.desk), cases, self.today, form)

    def total(self, connection: Connection) -> dict[str, Any]:
        """How many there are, counted up to a bound."""
        found = violations.how_many(connection, self._by.principal, self._wanted, most=MOST_COUNTED + 1, at=self._at)
        return {"count": min(found, MOST_COUNTED), "capped": found > MOST_COUNTED}


@router.get("/violations/{violation_id}", response_model=ViolationOut, responses={404: {"model": Problem}})
def get_violation(violation_id: AnyId, by: AskedBy, at: KnownAt) -> Response:
    """One violation as it stands, or as it was known."""
    case = violations.get(by.connection, by.principal, violation_id, at=at)
    book = policies.current(by.connection, by.desk)
    return answer(violation_out(book, case, by.desk.today(at)), headers={"ETag": f'"v{case.version}"'})


@router.get("/violations/{violation_id}/proof", response_model=ProofOut, responses=_PAPER)
def get_violation_proof(request: Request, violation_id: AnyId, by: AskedBy, at: KnownAt, form: JsonOrPdf) -> Response:
    """The proof of calculation: every entry of the period with its share and running total, worked out anew.

    As PDF it is the case file, with what was decided and what happened, and the SHA-256 of this proof as JSON.
    """
    proof = proof_out(proofs.of_violation(by.connection, by.principal, violation_id, at=at))
    if form == "json":
        return answer(proof)
    case = violations.get(by.connection, by.principal, violation_id, at=at)
    shown = violation_out(policies.current(by.connection, by.desk), case, by.desk.today(at))
    history = violations.history(by.connection, by.desk, by.principal, violation_id, at=at)
    said = case_file_of(by.desk, shown, proof, history, path=_as_json(request), by=by.principal.person)
    headers = {"Content-Disposition": f'inline; filename="{case.id}.pdf"', "Cache-Control": "no-store"}
    return Response(papers.case_file(said, printed_at=by.desk.clock()), 200, headers, PDF)


def _as_json(request: Request) -> str:
    """Where the same is found as JSON."""
    moment = request.query_params.get("as_of")
    return request.url.path + (f"?{urlencode({'as_of': moment})}" if moment else "")


@router.get("/entries/{entry_id}/proofs", response_model=list[ProofOut], responses={404: {"model": Problem}})
def get_entry_proofs(entry_id: AnyId, by: AskedBy, at: KnownAt, rule_id: Text | None = None) -> Response:
    """The proofs of all of an entry's results, flagged or not; of one rule if asked."""
    found = proofs.of_entry(by.connection, by.desk, by.principal, entry_id, rule_id=rule_id, at=at)
    return answer([proof_out(one) for one in found])
