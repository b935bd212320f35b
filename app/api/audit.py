"""History over HTTP: the audit records in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.fields import Cursor, Limit, Moment, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.requests import StrictRoute
from app.domain.access import Permission, Role
from app.domain.audit import iso
from app.services import audit, reads
from app.services.audit import Record, RecordFilter
from app.services.reads import ReadFilter, Reads

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=StrictRoute)


class RecordOut(BaseModel):
    """One state change. `leaf` is the SHA-256 of 0x00 and the bytes of `body` (RFC 6962).

    `body` is empty where a later record with the action records.erased names its position.
    """

    log_id: str
    position: int
    entity_id: str
    entity_version: int
    action: str
    actor: str
    at: datetime
    body: str
    leaf: str


@router.get("/records", response_model=ListOut[RecordOut])
def list_audit_records(
    by: AskedBy,
    entity_id: Text | None = None,
    action: Text | None = None,
    actor: Text | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Audit records in the order of the log, oldest first."""
    by.principal.require(Permission.READ_AUDIT)
    wanted = RecordFilter(entity_id, action, actor)
    question = fingerprint("audit", wanted)
    after = read_cursor(cursor, question, int)
    found = audit.records(by.connection, by.desk, wanted, after=after[0] if after else -1, limit=limit + 1)
    shown, where = page(found, limit, question, lambda record: (record.position,))
    return answer({"data": [_record(record) for record in shown], "page": where})


class ReadOut(BaseModel):
    """Somebody read what is not their own. `what` is the operation, `about` the id that was asked for."""

    id: str
    at: datetime
    person: str
    principal: str
    role: Role
    what: str
    about: str | None
    asked: str


@router.get("/reads", response_model=ListOut[ReadOut])
def list_reads(
    by: AskedBy,
    request: Request,
    person: Text | None = None,
    about: Text | None = None,
    what: Text | None = None,
    since: Annotated[Moment | None, Query(alias="at[gte]")] = None,
    until: Annotated[Moment | None, Query(alias="at[lt]")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Who read whose data, newest first: every look of whoever may read more than their own."""
    by.principal.require(Permission.READ_AUDIT)
    wanted = ReadFilter(person, about, what, since, until)
    question = fingerprint("reads", wanted)
    after = read_cursor(cursor, question, str)
    notes: Reads = request.app.state.reads
    notes.flush()
    with by.desk.database.reading() as connection:
        found = reads.listed(connection, by.principal, wanted, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [one._asdict() | {"at": iso(one.at)} for one in shown], "page": where})


def _record(record: Record) -> dict[str, Any]:
    return record._asdict() | {"at": iso(record.at)}
