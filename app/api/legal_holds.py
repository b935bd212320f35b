"""Legal holds over HTTP: what may not be erased, whatever its age."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.audit import iso
from app.domain.legal_holds import Scope
from app.services import legal_holds
from app.services.legal_holds import KnownHold

router = APIRouter(prefix="/v1", tags=["keeping"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (403, 404, 409, 412, 422, 428)}


class LegalHoldIn(In):
    """A hold on the entries to which everything that is named applies; the days are those of the events."""

    matter: Text
    reason: LongText
    recipient_id: Text | None = None
    employer_id: Text | None = None
    giver: Text | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None

    def scope(self) -> Scope:
        """What is held."""
        return Scope(self.recipient_id, self.employer_id, self.giver, self.starts_on, self.ends_on)


class ReleaseIn(In):
    """Why the hold ends."""

    reason: LongText


class LegalHoldOut(BaseModel):
    """A hold; `released_at` is null while it holds."""

    id: str
    version: int
    matter: str
    reason: str
    recipient_id: str | None
    employer_id: str | None
    giver: str | None
    starts_on: date | None
    ends_on: date | None
    placed_by: str
    placed_at: datetime
    released_by: str | None
    released_at: datetime | None
    release_reason: str | None


@router.post("/legal-holds", status_code=201, response_model=LegalHoldOut, responses=_REFUSALS)
def create_legal_hold(body: LegalHoldIn, acting: ActingAs) -> Response:
    """Place a hold: nothing that it covers is erased until it is released."""
    hold = acting.write(
        lambda connection, principal: legal_holds.place(
            connection, acting.desk, principal, body.scope(), matter=body.matter, reason=body.reason
        )
    )
    return answer(_hold(hold), 201, etag(hold.version) | {"Location": f"/v1/legal-holds/{hold.id}"})


@router.post("/legal-holds/{hold_id}/release", status_code=201, response_model=LegalHoldOut, responses=_REFUSALS)
def create_release(hold_id: AnyId, body: ReleaseIn, version: MeantVersion, acting: ActingAs) -> Response:
    """End a hold, with a reason. The record of it stays."""
    hold = acting.write(
        lambda connection, principal: legal_holds.release(
            connection, acting.desk, principal, hold_id, version, reason=body.reason
        )
    )
    return answer(_hold(hold), 201, etag(hold.version))


@router.get("/legal-holds", response_model=ListOut[LegalHoldOut])
def list_legal_holds(
    by: AskedBy,
    state: Literal["active", "released"] | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Legal holds, newest first."""
    question = fingerprint("legal holds", state)
    after = read_cursor(cursor, question, str)
    found = legal_holds.listed(
        by.connection, by.principal, state=state, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_hold(one) for one in shown], "page": where})


@router.get("/legal-holds/{hold_id}", response_model=LegalHoldOut, responses={404: {"model": Problem}})
def get_legal_hold(hold_id: AnyId, by: AskedBy) -> Response:
    """One legal hold."""
    hold = legal_holds.get(by.connection, by.principal, hold_id)
    return answer(_hold(hold), headers=etag(hold.version))


def _hold(hold: KnownHold) -> dict[str, Any]:
    scope = hold.scope
    return {
        "id": hold.id,
        "version": hold.version,
        "matter": hold.matter,
        "reason": hold.reason,
        "recipient_id": scope.recipient_id,
        "employer_id": scope.employer_id,
        "giver": scope.giver,
        "starts_on": scope.starts_on and scope.starts_on.isoformat(),
        "ends_on": scope.ends_on and scope.ends_on.isoformat(),
        "placed_by": hold.placed_by,
        "placed_at": iso(hold.placed_at),
        "released_by": hold.released_by,
        "released_at": hold.released_at and iso(hold.released_at),
        "release_reason": hold.release_reason,
    }
