"""Operations over HTTP: how long work stands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.audit import iso
from app.services.operations import KnownOperation, Operations

router = APIRouter(prefix="/v1", tags=["operations"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


async def _asked_beside(
    prefer: Annotated[
        str | None, Header(description="respond-async: 202 with an operation that tells progress")
    ] = None,
) -> bool:
    """Whether somebody would rather have the work done beside the requests."""
    return prefer is not None and "respond-async" in prefer


AskedBeside = Annotated[bool, Depends(_asked_beside)]


class ProgressOut(BaseModel):
    """How far the work is; a total of 0 is not known yet."""

    done: int
    total: int


class OperationOut(BaseModel):
    """Long work: queued, running, succeeded with its result, or failed with the reason and nothing kept."""

    id: str
    kind: str
    state: str
    progress: ProgressOut
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


@router.get("/operations/{operation_id}", response_model=OperationOut, responses={404: {"model": Problem}})
def get_operation(operation_id: AnyId, by: AskedBy, request: Request) -> Response:
    """How an operation stands."""
    running: Operations = request.app.state.operations
    operation = running.get(by.connection, by.principal, operation_id)
    waiting = {"Retry-After": "1"} if operation.finished_at is None else {}
    return answer(operation_out(operation), headers=waiting)


def accepted(operation: KnownOperation) -> Response:
    """The answer to whoever asked for work that goes on."""
    where = {"Location": f"/v1/operations/{operation.id}", "Retry-After": "1"}
    return answer(operation_out(operation), 202, where)


def operation_out(one: KnownOperation) -> dict[str, Any]:
    """An operation as it goes out."""
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "progress": {"done": one.done, "total": one.total},
        "result": json.loads(one.result) if one.result else None,
        "error": json.loads(one.error) if one.error else None,
        "created_at": iso(one.created_at),
        "finished_at": iso(one.finished_at) if one.finished_at else None,
    }
