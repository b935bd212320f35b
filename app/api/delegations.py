"""Delegations over HTTP: who stands in for which supervisor, from day to day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import etag
from app.domain.audit import iso
from app.services import delegations
from app.services.delegations import KnownDelegation

router = APIRouter(prefix="/v1", tags=["access"], route_class=StrictRoute)
DelegationId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class DelegationIn(In):
    """Who stands in, from a day to a day, both included; `supervisor` is oneself unless an administrator says whose."""

    delegate: Text
    from_on: Day
    to_on: Day
    supervisor: Text | None = None


class DelegationOut(BaseModel):
    """The delegate oversees what the supervisor oversees on these days, unless it ended before."""

    id: str
    version: int
    supervisor: str
    delegate: str
    from_on: date
    to_on: date
    created_by: str
    created_at: datetime
    ended_at: datetime | None


@router.post("/delegations", status_code=201, response_model=DelegationOut)
def create_delegation(body: DelegationIn, acting: ActingAs) -> Response:
    """Name who stands in for a supervisor. The delegate needs that role, too, and is named in all that they do."""
    made = acting.write(
        lambda connection, principal: delegations.create(
            connection,
            acting.desk,
            principal,
            supervisor=body.supervisor,
            delegate=body.delegate,
            from_on=body.from_on,
            to_on=body.to_on,
        )
    )
    return answer(_delegation(made), 201, {"Location": f"/v1/delegations/{made.id}", **etag(made.version)})


@router.get("/delegations", response_model=ListOut[DelegationOut])
def list_delegations(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Delegations, newest first; a supervisor is told of those from and to them."""
    question = fingerprint("delegations", by.principal.id)
    after = read_cursor(cursor, question, str)
    found = delegations.listed(by.connection, by.principal, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_delegation(one) for one in shown], "page": where})


@router.get("/delegations/{delegation_id}", response_model=DelegationOut, responses={404: {"model": Problem}})
def get_delegation(delegation_id: DelegationId, by: AskedBy) -> Response:
    """One delegation as it stands."""
    known = delegations.get(by.connection, by.principal, delegation_id)
    return answer(_delegation(known), headers=etag(known.version))


@router.delete("/delegations/{delegation_id}", response_model=DelegationOut, responses={409: {"model": Problem}})
def end_delegation(delegation_id: DelegationId, acting: ActingAs) -> Response:
    """End a delegation; it holds from the next request on. The record of it stays."""
    ended = acting.write(
        lambda connection, principal: delegations.end(connection, acting.desk, principal, delegation_id)
    )
    return answer(_delegation(ended), headers=etag(ended.version))


def _delegation(one: KnownDelegation) -> dict[str, Any]:
    return one._asdict() | {
        "from_on": one.from_on.isoformat(),
        "to_on": one.to_on.isoformat(),
        "created_at": iso(one.created_at),
        "ended_at": iso(one.ended_at) if one.ended_at else None,
    }
