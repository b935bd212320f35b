"""Reports as they go out: the catalogue, productions, and where a statement no longer holds."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from app.domain.audit import iso
from app.services.reports import Change, Comparison, KnownProduction, ReportFormat, ReportKind, moment_known


class ReportColumnOut(BaseModel):
    """A column: its name in files, what it holds, its heading, and whether its total says something."""

    name: str
    kind: str
    heading: str
    adds_up: bool


class ReportKindOut(BaseModel):
    """A report that can be produced; `takes` beside period, `as_of` and format, `needs` of these in any case.

    A statement is kept for good, so that it can be compared with what is known later.
    """

    id: str
    title: str
    about: str
    takes: list[str]
    needs: list[str]
    formats: list[ReportFormat]
    statement: bool
    columns: list[ReportColumnOut]


class ReportCatalogueOut(BaseModel):
    """All reports."""

    data: list[ReportKindOut]


class ReportTotalOut(BaseModel):
    """The sum of a column in one unit: a currency, or `count`."""

    column: str
    amount: str
    unit: str


class RestatementOut(BaseModel):
    """The last production of the same statement before this one, and whether any row differs from it."""

    production_id: str
    differs: bool


class ProductionOut(BaseModel):
    """A report as it was produced. `rows_digest` is of the rows, whatever the format; `sha256` is of the file."""

    id: str
    report: str
    parameters: dict[str, Any]
    format: ReportFormat
    first: date
    last: date
    known_at: datetime
    rows: int
    rows_digest: str
    totals: list[ReportTotalOut]
    size_bytes: int
    sha256: str
    produced_by: str
    produced_at: datetime
    expires_at: datetime | None
    restates: RestatementOut | None
    content: str


class BecauseOut(BaseModel):
    """What was recorded about the entry since."""

    entry_id: str
    version: int
    action: str
    reason: str
    recorded_by: str
    recorded_at: datetime


class RowChangeOut(BaseModel):
    """A row that differs: as it was stated, as it is now, and what was recorded since.

    Where nothing was, the particulars of the people or the employer changed, or who they are.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    because: list[BecauseOut]


class DifferencesOut(BaseModel):
    """Where a kept statement differs from the books now, or from a later production of it."""

    production_id: str
    compared_with: str
    differs: bool
    changes: list[RowChangeOut]


def catalogued(kind: ReportKind) -> dict[str, Any]:
    """A report of the catalogue."""
    return {
        "id": kind.id,
        "title": kind.title,
        "about": kind.about,
        "takes": list(kind.takes),
        "needs": list(kind.needs),
        "formats": [form.value for form in ReportFormat],
        "statement": kind.kept,
        "columns": [
            {"name": one.name, "kind": one.kind.value, "heading": one.words, "adds_up": one.name in kind.adds}
            for one in kind.columns
        ],
    }


def produced(made: KnownProduction) -> dict[str, Any]:
    """A production."""
    return {
        "id": made.id,
        "report": made.kind,
        "parameters": json.loads(made.asked),
        "format": made.format,
        "first": made.first.isoformat(),
        "last": made.last.isoformat(),
        "known_at": iso(moment_known(made)),
        "rows": made.rows,
        "rows_digest": made.rows_digest,
        "totals": [
            {"column": column, "amount": amount, "unit": unit} for column, amount, unit in json.loads(made.totals)
        ],
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
        "produced_by": made.produced_by,
        "produced_at": iso(made.produced_at),
        "expires_at": iso(made.expires_at) if made.expires_at else None,
        "restates": made.previous_id and {"production_id": made.previous_id, "differs": bool(made.differs)},
        "content": f"/v1/report-productions/{made.id}/content",
    }


def differing(found: Comparison, later_id: str | None) -> dict[str, Any]:
    """Where a statement differs."""
    return {
        "production_id": found.production.id,
        "compared_with": later_id or "now",
        "differs": bool(found.changes),
        "changes": [_change(found.kind, one) for one in found.changes],
    }


def _change(kind: ReportKind, one: Change) -> dict[str, Any]:
    return {
        "before": _row(kind, one.difference.before),
        "after": _row(kind, one.difference.after),
        "because": [
            {
                "entry_id": cause.entry_id,
                "version": cause.version,
                "action": cause.action,
                "reason": cause.reason,
                "recorded_by": cause.recorded_by,
                "recorded_at": iso(cause.recorded_at),
            }
            for cause in one.because
        ],
    }


def _row(kind: ReportKind, cells: list[object] | None) -> dict[str, Any] | None:
    return None if cells is None else dict(zip((column.name for column in kind.columns), cells, strict=True))
