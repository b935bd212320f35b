"""Corrections over HTTP: amendments, withdrawal, returns and repayments, and the versions they leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, ValidationError

from app.api import problems
from app.api.asking import ActingAs, AskedBy, answer
from app.api.entries.reading import EntryIn, draft_of
from app.api.entries.writing import EntryOut, entry_out
from app.api.fields import In, LongText, MoneyIn, currency_of, minor
from app.api.problems import below, of_validation
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain import entries as domain
from app.domain.access import Principal
from app.domain.audit import iso
from app.domain.entries import Entry, Listed
from app.domain.money import format_minor
from app.domain.refusals import Unprocessable
from app.services import approvals, entries
from app.services.desk import Connection
from app.services.entries import Recorded

router = APIRouter(prefix="/v1", tags=["entries"], route_class=StrictRoute)
EntryId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": problems.Problem} for status in (404, 409, 412, 422, 428)
}


class RepaymentInvalid(Unprocessable):
    code = "repayment_invalid"
    title = "The repayment is not valid"


class AmendmentIn(In):
    """What is different now, and why. Each field in `set` replaces that field of the entry as a whole."""

    reason: LongText
    set: dict[str, Any] = Field(min_length=1, description="fields as in POST /v1/entries")


class WithdrawalIn(In):
    """Why the entry is taken back."""

    reason: LongText


class ReturnIn(In):
    """The gift came back: as a whole, or a part of its amount was `repaid`."""

    reason: LongText
    repaid: MoneyIn | None = None


class ApprovalIn(In):
    """What was looked at, or why it is in order."""

    note: LongText


class FieldChangeOut(BaseModel):
    """One field that a version changed."""

    field: str
    before: Any
    after: Any


class VersionOut(BaseModel):
    """One version of an entry: who said so, when, why, and what it changed."""

    version: int
    action: str
    reason: str | None
    recorded_by: str
    recorded_at: datetime
    occurred_on: date
    changes: list[FieldChangeOut]
    entry: dict[str, Any]


class VersionsOut(BaseModel):
    """All versions of an entry, first to last."""

    data: list[VersionOut]


@router.post("/entries/{entry_id}/amendments", status_code=201, response_model=EntryOut, responses=_REFUSALS)
def create_amendment(entry_id: EntryId, body: AmendmentIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Correct an entry: a new version with a reason. Everything it touches is judged anew, before and after it."""

    def amend(connection: Connection, principal: Principal) -> Recorded:
        known = entries.get(connection, acting.desk, principal, entry_id)
        draft = draft_of(_amended(known.entry, body.set), known.entry.giver, ("set",))
        with below("/set"):
            return entries.amend(
                connection, acting.desk, principal, entry_id, draft, version=version, reason=body.reason
            )

    return _answer(acting, amend)


@router.post("/entries/{entry_id}/withdrawal", status_code=201, response_model=EntryOut, responses=_REFUSALS)
def create_withdrawal(entry_id: EntryId, body: WithdrawalIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Take an entry back. It counts no more; its record stays for good."""
    return _answer(
        acting,
        lambda connection, principal: entries.withdraw(
            connection, acting.desk, principal, entry_id, version=version, reason=body.reason
        ),
    )


@router.post("/entries/{entry_id}/returns", status_code=201, response_model=EntryOut, responses=_REFUSALS)
def create_return(entry_id: EntryId, body: ReturnIn, version: MeantVersion, acting: ActingAs) -> Response:
    """The gift was returned in full, or a part of it repaid; whether that comes off the total, each rule says."""
    repaid = body.repaid
    if repaid is None:
        return _answer(
            acting,
            lambda connection, principal: entries.give_back(
                connection, acting.desk, principal, entry_id, version=version, reason=body.reason
            ),
        )
    amount = _minor(repaid)
    return _answer(
        acting,
        lambda connection, principal: entries.repay(
            connection,
            acting.desk,
            principal,
            entry_id,
            minor=amount,
            currency=repaid.currency,
            version=version,
            reason=body.reason,
        ),
    )


@router.post("/entries/{entry_id}/approvals", status_code=201, response_model=EntryOut, responses=_REFUSALS)
def create_approval(entry_id: EntryId, body: ApprovalIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Agree with an entry as it stands. Nobody approves what they submitted, gave or hosted; a correction undoes it."""
    return _answer(
        acting,
        lambda connection, principal: approvals.approve(
            connection, acting.desk, principal, entry_id, version=version, note=body.note
        ),
    )


@router.get("/entries/{entry_id}/versions", response_model=VersionsOut, responses={404: {"model": problems.Problem}})
def list_entry_versions(entry_id: EntryId, by: AskedBy) -> Response:
    """All versions of an entry, first to last, with the fields that each changed."""
    found = entries.versions(by.connection, by.principal, entry_id)
    bodies = [wire_of(one.entry) for one in found]
    data = [
        {
            "version": one.version,
            "action": one.action,
            "reason": one.reason or None,
            "recorded_by": one.recorded_by,
            "recorded_at": iso(one.recorded_at),
            "occurred_on": one.entry.occurred_on.isoformat(),
            "changes": _changes(bodies[place - 1], bodies[place]) if place else [],
            "entry": bodies[place],
        }
        for place, one in enumerate(found)
    ]
    return answer({"data": data})


def _answer(acting: Any, work: Callable[[Connection, Principal], Recorded]) -> Response:
    one: Recorded = acting.write(work)
    return answer(entry_out(one, fresh=True), 201, etag(one.version))


def _minor(repaid: MoneyIn) -> int:
    at = "/repaid/currency"
    try:
        currency, at = currency_of(repaid.currency), "/repaid/amount"
        amount = minor(repaid.amount, currency)
    except ValueError as error:
        raise RepaymentInvalid.at(at, str(error)) from error
    if amount == 0:
        raise RepaymentInvalid.at("/repaid/amount", "must be more than zero")
    return amount


def _amended(entry: Entry, changes: dict[str, Any]) -> EntryIn:
    """The entry as a body with the changed fields in place. Raises InvalidBody with pointers into `set`."""
    try:
        return EntryIn.model_validate({**body_of(entry), **changes})
    except ValidationError as error:
        raise of_validation(
            [{**one, "loc": ("body", "set", *one["loc"])} for one in error.errors(include_url=False)]
        ) from error


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"field": name, "before": before[name], "after": after[name]} for name in after if before[name] != after[name]
    ]


def wire_of(entry: Entry) -> dict[str, Any]:
    """A version of an entry for people to compare: the body that would record it, its standing and what was repaid."""
    repaid = format_minor(entry.repaid, entry.currency.exponent)
    return body_of(entry) | {"standing": entry.standing, "repaid": repaid}


def body_of(entry: Entry) -> dict[str, Any]:
    """The body of POST /v1/entries that would record this entry."""
    digits = entry.currency.exponent
    document = domain.to_document(entry)
    same = ("occurred_on", "kind", "direction", "giver", "giver_type", "paid_by", "hosts_present", "hosts", "flags")
    value = {name: format_minor(amount, digits) for name, amount in document["value"].items()}  # type: ignore[attr-defined]
    return {
        **{name: document[name] for name in same},
        "total": {"amount": format_minor(entry.total, digits), "currency": entry.currency.code},
        "value": value,
        "hosts_share": format_minor(entry.hosts_share, digits),
        "recipients": [_person(one, digits) for one in entry.recipients],
        "facts": document["facts"],
        "preapproved_on": document["preapproved_on"],
        "purpose": entry.purpose or None,
        "venue": entry.venue or None,
    }


def _person(one: Listed, digits: int) -> dict[str, Any]:
    said = {
        "id": one.listed_as or one.recipient_id,
        "type": None if one.type_from_record else one.type,
        "employer_id": None if one.employer_from_record else one.employer_id,
        "guest_of": {"id": one.guest_of} if one.guest_of else None,
        "client_type": one.client_type,
        "client_employer_id": one.client_employer_id,
        "share": None if one.share is None else format_minor(one.share, digits),
    }
    return {name: value for name, value in said.items() if value is not None}
