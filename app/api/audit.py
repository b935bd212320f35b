"""History over HTTP: the audit records in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.asking import AskedBy, answer
from app.api.fields import Cursor, Limit, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.requests import StrictRoute
from app.domain.access import Permission
from app.domain.audit import iso
from app.services import audit
from app.services.audit import Record, RecordFilter

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


def _record(record: Record) -> dict[str, Any]:
    return record._asdict() | {"at": iso(record.at)}
