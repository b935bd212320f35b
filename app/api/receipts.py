"""Receipts over HTTP: what arrived from a connection, what became of it, what is dead, and once more."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, In, Limit, Moment, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.audit import iso
from app.domain.connections import ReceiptState
from app.services import receipts
from app.services.receipts import KnownReceipt, ReceiptFilter

router = APIRouter(prefix="/v1", tags=["connections"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,32}\.[a-z]{1,32}$")]
_REFUSED: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


class ReceiptOut(BaseModel):
    """A message that arrived, without what it says. `copies`: how often it came again; `reason`: why it is as it is."""

    id: str
    connection_id: str
    kind: str | None
    external_id: str | None
    occurred_at: datetime
    received_at: datetime
    copies: int
    state: ReceiptState
    reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    processed_at: datetime | None


class ConnectionReplayIn(In):
    """What to process again: one receipt, or those of a state that arrived in a while (default: all that are dead)."""

    receipt_id: Text | None = None
    state: ReceiptState | None = None
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _one_or_a_range(self) -> Self:
        if self.receipt_id is not None and (self.state or self.since or self.until):
            raise PydanticCustomError("one_of_both", "write either receipt_id, or state, since and until")
        return self


class ConnectionReplayOut(BaseModel):
    """How many receipts wait to be processed again."""

    receipts: int


@router.get("/connections/{connection_id}/receipts", response_model=ListOut[ReceiptOut], responses=_REFUSED)
def list_receipts(
    connection_id: AnyId,
    by: AskedBy,
    state: ReceiptState | None = None,
    kind: Annotated[KindName | None, Query()] = None,
    external_id: Text | None = None,
    received_from: Moment | None = None,
    received_to: Moment | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """What a connection told us, newest first. Dead letters are those with `state=dead`; `reason` says why."""
    wanted = ReceiptFilter(state.value if state else None, kind, external_id, received_from, received_to)
    question = fingerprint("receipts", connection_id, wanted)
    after = read_cursor(cursor, question, str)
    found = receipts.listed(
        by.connection, by.principal, connection_id, wanted, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_receipt(one) for one in shown], "page": where})


@router.get("/connections/{connection_id}/receipts/{receipt_id}", response_model=ReceiptOut, responses=_REFUSED)
def get_receipt(connection_id: AnyId, receipt_id: AnyId, by: AskedBy) -> Response:
    """One message that arrived."""
    return answer(_receipt(receipts.get(by.connection, by.principal, connection_id, receipt_id)))


@router.post(
    "/connections/{connection_id}/replays",
    status_code=201,
    response_model=ConnectionReplayOut,
    responses=_REFUSED | {422: {"model": Problem}},
)
def create_connection_replay(connection_id: AnyId, body: ConnectionReplayIn, acting: ActingAs) -> Response:
    """Process again, from what was kept: one message or a range. What counted already counts no second time."""
    desk = acting.desk
    if body.receipt_id is not None:
        id = body.receipt_id
        many = acting.write(lambda connection, who: receipts.replay(connection, desk, who, connection_id, id))
    else:
        state = body.state or ReceiptState.DEAD
        wanted = ReceiptFilter(state.value, received_from=body.since, received_to=body.until)
        many = acting.write(lambda connection, who: receipts.replay_range(connection, desk, who, connection_id, wanted))
    return answer({"receipts": many}, 201)


def _receipt(one: KnownReceipt) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in ReceiptOut.model_fields}
    moments = ("occurred_at", "received_at", "next_attempt_at", "processed_at")
    shown |= {name: iso(shown[name]) if shown[name] else None for name in moments}
    return shown | {name: shown[name] or None for name in ("kind", "external_id", "reason")}
