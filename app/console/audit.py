"""C13: the audit trail, newest first, and the check that nothing in it was changed."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.console import places
from app.console.asking import ActingAs, Asked, AskedBy, Page
from app.console.forms import Posted
from app.console.pages import page, preferences
from app.domain.access import Permission
from app.services import audit
from app.services.audit import RecordFilter, Verification

router = APIRouter(route_class=Page)
Short = Annotated[str, Query(max_length=200)]
_FOLDERS = {"vio": "cases", "ent": "entries", "rec": "recipients", "pol": "policies"}


@router.get("/audit")
def show_trail(by: AskedBy, entity: Short = "", action: Short = "", actor: Short = "", before: Short = "") -> Response:
    """Records, newest first, narrowed by the address."""
    return _page(by, entity, action, actor, before)


@router.post("/audit")
def verify(acting: ActingAs, form: Posted) -> Response:
    """Computes the whole tree anew from the stored bytes and says whether it holds."""

    def check(by: Asked) -> Response:
        by.require(Permission.READ_AUDIT)
        return _page(by, "", "", "", "", found=audit.verify(by.connection, by.desk.settings.log_id))

    return acting.read(check)


def _page(
    by: Asked, entity: str, action: str, actor: str, before: str, *, found: Verification | None = None
) -> Response:
    by.require(Permission.READ_AUDIT)
    limit = preferences(by.request).rows
    entity, action, actor = (one.replace("\x00", "").strip() for one in (entity, action, actor))
    place = places.read(before, int)
    wanted = RecordFilter(entity or None, action or None, actor or None)
    upto = int(str(place[0])) if place is not None else None
    records = audit.latest(by.connection, by.desk, wanted, before=upto, limit=limit + 1)
    shown = records[:limit]
    asked = {"entity": entity, "action": action, "actor": actor}
    more = places.write(shown[-1].position) if len(records) > limit else None
    return page(
        by,
        "audit/page.html",
        active="audit",
        rows=[(one, _body(one.body), _href(one.entity_id)) for one in shown],
        asked=asked,
        narrowed=any(asked.values()),
        next=places.address("/console/audit", **asked, before=more) if more else None,
        size=audit.size(by.connection, by.desk),
        found=found,
        at_start=place is None,
    )


def _body(text: str) -> dict[str, Any]:
    body = json.loads(text)
    return {"reason": body.get("reason", ""), "door": body.get("door", ""), "facts": body.get("facts", {})}


def _href(entity_id: str) -> str | None:
    folder = _FOLDERS.get(entity_id.partition("_")[0])
    return f"/console/{folder}/{entity_id}" if folder else None
