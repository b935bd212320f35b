"""Distinctions over HTTP: who looks alike and was found not to be the same person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.access import Permission, Principal
from app.domain.audit import iso
from app.services import distinctions
from app.services.desk import Connection
from app.services.distinctions import KnownDistinction

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class DistinctionIn(In):
    """Two recipients who are not the same person, and how that was found out."""

    recipient_ids: list[Text] = Field(min_length=2, max_length=2)
    reason: LongText


class DistinctionOut(BaseModel):
    """Two recipients who are not the same person; until it is withdrawn, they are not proposed as a match."""

    id: str
    version: int
    recipient_ids: list[str]
    reason: str
    decided_by: str
    decided_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


@router.post(
    "/recipient-distinctions",
    status_code=201,
    response_model=DistinctionOut,
    responses={409: {"model": Problem}, 422: {"model": Problem}},
)
def create_distinction(body: DistinctionIn, acting: ActingAs) -> Response:
    """Remember that two recipients are not the same person."""

    def draw(connection: Connection, principal: Principal) -> KnownDistinction:
        principal.require(Permission.MERGE_RECIPIENTS)
        return distinctions.draw(connection, acting.desk, body.recipient_ids, reason=body.reason, by=principal.person)

    drawn = acting.write(draw)
    return answer(_distinction(drawn), 201, {"Location": f"/v1/recipient-distinctions/{drawn.id}"})


@router.get("/recipient-distinctions", response_model=ListOut[DistinctionOut])
def list_distinctions(
    by: AskedBy, recipient_id: Text | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Response:
    """Who was found not to be the same person, newest first, withdrawn ones too."""
    by.principal.require(Permission.MERGE_RECIPIENTS)
    question = fingerprint("distinctions", recipient_id)
    after = read_cursor(cursor, question, str)
    found = distinctions.listed(
        by.connection, recipient_id=recipient_id, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_distinction(one) for one in shown], "page": where})


@router.get(
    "/recipient-distinctions/{distinction_id}", response_model=DistinctionOut, responses={404: {"model": Problem}}
)
def get_distinction(distinction_id: AnyId, by: AskedBy) -> Response:
    """One distinction."""
    by.principal.require(Permission.MERGE_RECIPIENTS)
    return answer(_distinction(distinctions.get(by.connection, distinction_id)))


@router.delete(
    "/recipient-distinctions/{distinction_id}",
    response_model=DistinctionOut,
    responses={404: {"model": Problem}, 409: {"model": Problem}},
)
def delete_distinction(
    distinction_id: AnyId, acting: ActingAs, reason: Annotated[LongText, Query(description="how it was found out")]
) -> Response:
    """Withdraw a distinction: the two may be the same person after all. Its record stays."""

    def withdraw(connection: Connection, principal: Principal) -> KnownDistinction:
        principal.require(Permission.MERGE_RECIPIENTS)
        return distinctions.withdraw(connection, acting.desk, distinction_id, reason=reason, by=principal.person)

    return answer(_distinction(acting.write(withdraw)))


def _distinction(one: KnownDistinction) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "recipient_ids": [one.one_id, one.other_id],
        "reason": one.reason,
        "decided_by": one.decided_by,
        "decided_at": iso(one.decided_at),
        "withdrawn_by": one.withdrawn_by,
        "withdrawn_at": iso(one.withdrawn_at) if one.withdrawn_at else None,
        "withdrawn_reason": one.withdrawn_reason,
    }
