"""Imports as they go out: how a file stands, its lines, and the profiles by which files are read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.domain.audit import iso
from app.domain.imports import Profile
from app.services.imports import CHECKED_TOGETHER, KnownImport, KnownLine


class CountsOut(BaseModel):
    """What lines come to. `violations` and `creates` count what they open and whom they create."""

    new: int
    unchanged: int
    changed: int
    refused: int
    skipped: int
    creates: int
    violations: int


class ImportOut(BaseModel):
    """A file. `check` says what its lines would come to (null until it is complete), `applied` what they came to."""

    id: str
    version: int
    state: str = Field(description="checking, checked, applying, applied, cancelled or failed")
    purpose: str
    profile: str
    profile_version: int
    file_name: str | None
    file_bytes: int
    file_sha256: str
    lines: int
    lines_checked: int
    lines_applied: int
    check: CountsOut | None
    check_is_exact: bool = Field(
        description="false for long files: their lines are judged 1,000 together, so more violations may open"
    )
    applied: CountsOut | None
    operation_id: str | None
    created_by: str
    created_at: datetime


class LineFaultOut(BaseModel):
    """What is wrong with a cell; no column where the row as a whole is meant."""

    row: int
    column: str | None
    code: str
    detail: str


class LineViolationOut(BaseModel):
    """A violation that a line opens."""

    rule_id: str
    rule: str
    recipient: str
    severity: str
    over_by: str
    unit: str


class CreatedOut(BaseModel):
    """Somebody whom a line creates."""

    name: str
    employer: str | None
    looks_like: list[str] = Field(description="ids of known recipients who may be the same person")


class LineOut(BaseModel):
    """One expense of the file: its rows, what it comes to or came to, and why."""

    line: int
    first_row: int
    last_row: int
    expected: str | None
    outcome: str | None
    rep: str | None
    entry_id: str | None
    draft_id: str | None
    skipped: str | None
    faults: list[LineFaultOut]
    creates: list[CreatedOut]
    violations: list[LineViolationOut]


class ProfileOut(BaseModel):
    """A mapping profile: which header stands for which column, and how cells are read."""

    name: str
    version: int
    title: str
    layout: str
    source_system: str
    encoding: str
    delimiter: str | None
    date_order: str | None
    decimal_mark: str
    columns: dict[str, list[str]]
    values: dict[str, dict[str, str]]
    defaults: dict[str, str]
    notes: str | None


def import_out(one: KnownImport) -> dict[str, Any]:
    """A file as it stands."""
    summary = json.loads(one.summary)
    complete = one.lines > 0 and one.checked >= one.lines
    return {
        "id": one.id,
        "version": one.version,
        "state": one.state,
        "purpose": one.purpose,
        "profile": one.profile,
        "profile_version": one.profile_version,
        "file_name": one.file_name or None,
        "file_bytes": one.file_bytes,
        "file_sha256": one.file_sha256,
        "lines": one.lines,
        "lines_checked": one.checked,
        "lines_applied": one.applied,
        "check": _counts(summary.get("check", {})) if complete else None,
        "check_is_exact": one.lines <= CHECKED_TOGETHER,
        "applied": _counts(summary["applied"]) if "applied" in summary else None,
        "operation_id": one.operation_id,
        "created_by": one.created_by,
        "created_at": iso(one.created_at),
    }


def _counts(said: dict[str, int]) -> dict[str, int]:
    return {name: said.get(name, 0) for name in CountsOut.model_fields}


def line_out(one: KnownLine) -> dict[str, Any]:
    """A line."""
    notes = json.loads(one.notes)
    return {
        "line": one.position,
        "first_row": one.first_row,
        "last_row": one.last_row,
        "expected": one.expected,
        "outcome": one.outcome,
        "rep": one.giver or None,
        "entry_id": one.entry_id,
        "draft_id": notes.get("draft_id"),
        "skipped": notes.get("skipped"),
        "faults": [
            {"row": row or one.first_row, "column": column or None, "code": code, "detail": detail}
            for row, column, code, detail in notes.get("faults", [])
        ],
        "creates": [
            {"name": name, "employer": employer, "looks_like": alike}
            for name, employer, alike in notes.get("creates", [])
        ],
        "violations": notes.get("violations", []),
    }


def profile_out(one: Profile) -> dict[str, Any]:
    """A mapping profile."""
    return {
        "name": one.name,
        "version": one.version,
        "title": one.title,
        "layout": one.layout,
        "source_system": one.source_system,
        "encoding": one.encoding,
        "delimiter": one.delimiter,
        "date_order": one.date_order,
        "decimal_mark": one.decimal_mark,
        "columns": {column: list(headers) for column, headers in one.columns.items()},
        "values": {column: dict(table) for column, table in one.values.items()},
        "defaults": dict(one.defaults),
        "notes": one.notes or None,
    }
