"""Exemptions over HTTP: documents that cover what would otherwise be decided as a violation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.audit import iso
from app.domain.exemptions import Exemption
from app.services import exemptions
from app.services.exemptions import Document, KnownExemption

router = APIRouter(prefix="/v1", tags=["reviews"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class ExemptionIn(In):
    """A document with its number, scope and dates, both ends included.

    With `recipient_ids` it covers only those, with `employer_ids` only their people, with both only those there.
    """

    number: Text
    issued_by: Text
    rule_ids: list[Text] = Field(min_length=1, max_length=50)
    recipient_ids: list[Text] | None = Field(None, min_length=1, max_length=200)
    employer_ids: list[Text] | None = Field(None, min_length=1, max_length=200)
    effective_from: Day
    effective_to: Day
    document_ref: Text
    note: LongText | None = None

    def to_domain(self) -> Document:
        """The document that is meant."""
        exempts = Exemption(
            tuple(dict.fromkeys(self.rule_ids)),
            tuple(dict.fromkeys(self.recipient_ids or ())),
            tuple(dict.fromkeys(self.employer_ids or ())),
            self.effective_from,
            self.effective_to,
        )
        return Document(self.number, self.issued_by, exempts, self.document_ref, self.note or "")


class ExemptionOut(BaseModel):
    """A document on record."""

    id: str
    number: str
    issued_by: str
    rule_ids: list[str]
    recipient_ids: list[str] | None
    employer_ids: list[str] | None
    effective_from: date
    effective_to: date
    document_ref: str
    note: str | None
    recorded_by: str
    recorded_at: datetime


@router.post(
    "/exemptions",
    status_code=201,
    response_model=ExemptionOut,
    responses={403: {"model": Problem}, 409: {"model": Problem}, 422: {"model": Problem}},
)
def create_exemption(body: ExemptionIn, acting: ActingAs) -> Response:
    """Put an exemption document on record; it never changes. A decision no_violation can then name it."""
    document = body.to_domain()
    known = acting.write(lambda connection, principal: exemptions.record(connection, acting.desk, principal, document))
    return answer(_exemption(known), 201, {"Location": f"/v1/exemptions/{known.id}"})


@router.get("/exemptions", response_model=ListOut[ExemptionOut])
def list_exemptions(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Exemption documents, last recorded first."""
    question = fingerprint("exemptions")
    after = read_cursor(cursor, question, str)
    found = exemptions.listed(by.connection, by.principal, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_exemption(one) for one in shown], "page": where})


@router.get("/exemptions/{exemption_id}", response_model=ExemptionOut, responses={404: {"model": Problem}})
def get_exemption(exemption_id: AnyId, by: AskedBy) -> Response:
    """One exemption document."""
    return answer(_exemption(exemptions.get(by.connection, by.principal, exemption_id)))


def _exemption(known: KnownExemption) -> dict[str, Any]:
    exempts = known.exempts
    return {
        "id": known.id,
        "number": known.number,
        "issued_by": known.issued_by,
        "rule_ids": exempts.rule_ids,
        "recipient_ids": exempts.recipient_ids or None,
        "employer_ids": exempts.employer_ids or None,
        "effective_from": exempts.effective_from.isoformat(),
        "effective_to": exempts.effective_to.isoformat(),
        "document_ref": known.document_ref,
        "note": known.note or None,
        "recorded_by": known.recorded_by,
        "recorded_at": iso(known.recorded_at),
    }
