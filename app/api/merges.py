"""Merges over HTTP: two records become one person, with a preview, and can be parted again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, StrictBool

from app.api.asking import ActingAs, AskedBy, answer
from app.api.entries.writing import ReassessedOut, ViolationOut, reassessed_out, violation_out
from app.api.fields import Cursor, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.access import Permission, Principal
from app.domain.audit import iso
from app.services import merges
from app.services.desk import Connection
from app.services.merges import Effect, KnownMerge

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class MergeIn(In):
    """The record that turned out to be the same person, and how that was found out."""

    recipient_id: Text
    reason: LongText
    dry_run: StrictBool = False


class MergeOut(BaseModel):
    """A merge: `drop_id` is shown under `keep_id` until it is undone."""

    id: str
    version: int
    keep_id: str
    drop_id: str
    reason: str
    merged_by: str
    merged_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undone_reason: str | None


class MergeEffectOut(BaseModel):
    """A merge and what it changes; in a dry run, what it would change."""

    merge: MergeOut
    dry_run: bool
    reassessed: list[ReassessedOut]
    violations: list[ViolationOut]


@router.post(
    "/recipients/{recipient_id}/merges",
    status_code=201,
    response_model=MergeEffectOut,
    responses={404: {"model": Problem}, 409: {"model": Problem}, 422: {"model": Problem}},
)
def create_merge(recipient_id: AnyId, body: MergeIn, acting: ActingAs) -> Response:
    """Merge another record into this one. With `dry_run`: what totals and violations would become."""
    return _carry_out(
        acting,
        lambda connection, principal: merges.merge(
            connection, acting.desk, recipient_id, body.recipient_id, reason=body.reason, by=principal.person
        ),
        dry_run=body.dry_run,
        status=201,
    )


@router.delete(
    "/merges/{merge_id}", response_model=MergeEffectOut, responses={404: {"model": Problem}, 409: {"model": Problem}}
)
def delete_merge(
    merge_id: AnyId,
    acting: ActingAs,
    reason: Annotated[LongText, Query(description="how it was found out")],
    dry_run: bool = False,
) -> Response:
    """Part two records again: totals and violations are as they would be without the merge. Its record stays."""
    return _carry_out(
        acting,
        lambda connection, principal: merges.undo(
            connection, acting.desk, merge_id, reason=reason, by=principal.person
        ),
        dry_run=dry_run,
        status=200,
    )


@router.get("/merges", response_model=ListOut[MergeOut])
def list_merges(
    by: AskedBy, recipient_id: Text | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Response:
    """Merges, newest first, undone ones too."""
    by.principal.require(Permission.MERGE_RECIPIENTS)
    question = fingerprint("merges", recipient_id)
    after = read_cursor(cursor, question, str)
    found = merges.listed(by.connection, recipient_id=recipient_id, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_merge(one) for one in shown], "page": where})


@router.get("/merges/{merge_id}", response_model=MergeOut, responses={404: {"model": Problem}})
def get_merge(merge_id: AnyId, by: AskedBy) -> Response:
    """One merge, standing or undone."""
    by.principal.require(Permission.MERGE_RECIPIENTS)
    return answer(_merge(merges.get(by.connection, merge_id)))


def _carry_out(
    acting: ActingAs, work: Callable[[Connection, Principal], Effect], *, dry_run: bool, status: int
) -> Response:
    def allowed(connection: Connection, principal: Principal) -> Effect:
        principal.require(Permission.MERGE_RECIPIENTS)
        return work(connection, principal)

    today = acting.desk.today()
    effect = acting.rehearse(allowed) if dry_run else acting.write(allowed)
    body = {
        "merge": _merge(effect.merge),
        "dry_run": dry_run,
        "reassessed": [reassessed_out(effect.book, change) for change in effect.changes],
        "violations": [violation_out(effect.book, case, today) for case in effect.cases.values()],
    }
    return answer(body, 200 if dry_run else status)


def _merge(one: KnownMerge) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "keep_id": one.keep_id,
        "drop_id": one.drop_id,
        "reason": one.reason,
        "merged_by": one.merged_by,
        "merged_at": iso(one.merged_at),
        "undone_by": one.undone_by,
        "undone_at": iso(one.undone_at) if one.undone_at else None,
        "undone_reason": one.undone_reason,
    }
