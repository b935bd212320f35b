"""Recipients and employers over HTTP: create, read, search; and what is left for a recipient."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from app.api.asking import ActingAs, Asked, AskedBy, answer
from app.api.entries.reading import ExternalIdIn
from app.api.entries.writing import ReassessedOut, ViolationOut, reassessed_out, violation_out
from app.api.fields import Cursor, Day, Email, Identifier, In, Limit, LongText, Name, Text
from app.api.headroom import HeadroomLineOut, headroom_line_out
from app.api.knowing import KnownAt
from app.api.look_alikes import LookAlikeOut, look_alike_out
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Permission, Principal
from app.domain.audit import iso
from app.domain.recipients import Named
from app.domain.refusals import Unprocessable
from app.services import matches, particulars, policies, recipients, screening
from app.services.desk import Connection
from app.services.particulars import Particulars
from app.services.recipients import KnownEmployer, KnownRecipient

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class EmployerAmbiguous(Unprocessable):
    code = "employer_ambiguous"
    title = "The employer is named twice"


class ExternalIdTwice(Unprocessable):
    code = "external_id_twice"
    title = "One external id is listed twice"


class NothingSaid(Unprocessable):
    code = "nothing_said"
    title = "The change says nothing"


class NewRecipientIn(In):
    """A person who gets something; created on purpose, also where one of that name exists."""

    name: Name
    type: Identifier
    employer: Name | None = None
    employer_id: Text | None = None
    email: Email | None = None
    external_ids: list[ExternalIdIn] = Field([], max_length=20)


class ExternalIdOut(BaseModel):
    """A person's id in another system."""

    source: str
    id: str


class RecipientOut(BaseModel):
    """A person who gets something."""

    id: str
    version: int
    name: str
    type: str
    employer_id: str | None
    employer: str | None
    email: str | None
    phone: str | None
    merged_into: str | None = Field(description="who this record turned out to be")
    created_at: datetime
    external_ids: list[ExternalIdOut] = []
    looks_like: list[LookAlikeOut] = Field([], description="who this may be, in the answer that creates them")
    aliases: list[str] = []
    history: list[PlaceOut] = []
    reassessed: list[ReassessedOut] = []
    violations: list[ViolationOut] = []


class RecipientChangeIn(In):
    """What is different about a recipient, and why. Type and employer hold from `effective_from` (default: today)."""

    reason: LongText
    name: Name | None = None
    email: Email | None = None
    phone: Text | None = None
    aliases: list[Text] | None = Field(None, max_length=20)
    external_ids: list[ExternalIdIn] | None = Field(None, max_length=20)
    type: Identifier | None = None
    employer: Name | None = None
    employer_id: Text | None = None
    effective_from: Day | None = None


class PlaceOut(BaseModel):
    """What a recipient was from a day on; null: always."""

    effective_from: date | None
    type: str
    employer_id: str | None


class NewEmployerIn(In):
    """A firm that recipients work for."""

    name: Name


class EmployerOut(BaseModel):
    """A firm that recipients work for."""

    id: str
    version: int
    name: str
    created_at: datetime


class HeadroomOut(BaseModel):
    """What is left for a recipient on a day, and the rule that leaves least."""

    recipient_id: str
    on: date
    rules: list[HeadroomLineOut]
    tightest: str | None


@router.post("/recipients", status_code=201, response_model=RecipientOut)
def create_recipient(body: NewRecipientIn, acting: ActingAs) -> Response:
    """Add a recipient. `looks_like` says who else they may be: merge the two, or remember that they are not one."""
    who = Named(
        name=" ".join(body.name.split()),
        type=body.type,
        employer=body.employer,
        employer_id=body.employer_id,
        email=body.email,
    )
    pairs = _pairs(body)

    def create(connection: Connection, principal: Principal) -> dict[str, Any]:
        principal.require(Permission.WRITE_RECIPIENTS)
        person = recipients.create(connection, acting.desk, who, pairs, by=principal.person)
        details = principal.may(Permission.KNOW_PARTICULARS)
        alike = [look_alike_out(one, details=details) for one in matches.look_alikes(connection, person.id)]
        return _recipient(person, pairs) | {"looks_like": alike}

    person = acting.write(create)
    return answer(person, 201, {"Location": f"/v1/recipients/{person['id']}", "ETag": '"v1"'})


@router.get("/recipients", response_model=ListOut[RecipientOut])
def list_recipients(
    by: AskedBy,
    name: Text | None = None,
    employer_id: Text | None = None,
    type: Identifier | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Search recipients by the beginning of their name or of any word in it."""
    by.principal.require(Permission.KNOW_RECIPIENTS)
    question = fingerprint("recipients", name, employer_id, type)
    after = read_cursor(cursor, question, str, str)
    found = recipients.search(
        by.connection,
        name=name,
        employer_id=employer_id,
        type=type,
        after=after,
        limit=limit + 1,
    )
    shown, where = page(found, limit, question, lambda one: (one[0], one[1].id))
    return answer({"data": [_as_seen(by, _recipient(person)) for _, person in shown], "page": where})


@router.get("/recipients/{recipient_id}", response_model=RecipientOut)
def get_recipient(recipient_id: AnyId, by: AskedBy) -> Response:
    """One recipient."""
    by.principal.require(Permission.KNOW_RECIPIENTS)
    person = recipients.get(by.connection, recipient_id)
    return answer(_as_seen(by, _whole(by.connection, person)), headers=etag(person.version))


@router.patch(
    "/recipients/{recipient_id}",
    response_model=RecipientOut,
    responses={409: {"model": Problem}, 412: {"model": Problem}},
)
def change_recipient(recipient_id: AnyId, body: RecipientChangeIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Correct a recipient's particulars. A change of type or employer re-judges the entries that took it from here."""
    _require_something(body)
    pairs = _pairs(body)
    said = Particulars(
        name=" ".join(body.name.split()) if body.name else None,
        email=body.email,
        phone=body.phone,
        aliases=body.aliases,
        external_ids=None if body.external_ids is None else pairs,
        type=body.type,
        employer=" ".join(body.employer.split()) if body.employer else None,
        employer_id=body.employer_id,
        effective_from=body.effective_from,
    )

    def change(connection: Connection, principal: Principal) -> dict[str, Any]:
        principal.require(Permission.WRITE_RECIPIENTS)
        done = particulars.change(
            connection, acting.desk, recipient_id, said, version=version, reason=body.reason, by=principal.person
        )
        book = policies.current(connection, acting.desk)
        return _whole(connection, done.person) | {
            "reassessed": [reassessed_out(book, change) for change in done.changes],
            "violations": [violation_out(book, case, acting.desk.today()) for case in done.cases.values()],
        }

    changed = acting.write(change)
    return answer(changed, headers=etag(changed["version"]))


@router.get("/recipients/{recipient_id}/headroom", response_model=HeadroomOut)
def get_headroom(recipient_id: AnyId, by: AskedBy, at: KnownAt, on: Day | None = None) -> Response:
    """What is left for a recipient before each limit, on a day (today by default), given what is dated later too."""
    by.principal.require(Permission.KNOW_RECIPIENTS)
    named = recipients.get(by.connection, recipient_id)
    person = recipients.get(by.connection, screening.person_as_known(by.connection, named, at))
    day = on or by.desk.today(at)
    type, employer_id = recipients.place_of(by.connection, person, day, at)
    found = screening.headroom(
        by.connection,
        policies.as_known(by.connection, by.desk, at),
        recipient_id=person.id,
        type=type,
        employer_id=employer_id,
        on=day,
        at=at,
    )
    least = min(found, key=lambda one: Fraction(one.left, one.limit or 1), default=None)
    body = {
        "recipient_id": person.id,
        "on": day.isoformat(),
        "rules": [headroom_line_out(one) for one in found],
        "tightest": least.rule.id if least else None,
    }
    return answer(body)


@router.post("/employers", status_code=201, response_model=EmployerOut)
def create_employer(body: NewEmployerIn, acting: ActingAs) -> Response:
    """Add an employer."""

    def create(connection: Any, principal: Any) -> KnownEmployer:
        principal.require(Permission.WRITE_RECIPIENTS)
        return recipients.create_employer(connection, acting.desk, " ".join(body.name.split()), by=principal.person)

    employer = acting.write(create)
    return answer(_employer(employer), 201, {"Location": f"/v1/employers/{employer.id}"})


@router.get("/employers", response_model=ListOut[EmployerOut])
def list_employers(by: AskedBy, name: Text | None = None, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Search employers by the beginning of their name or of any word in it."""
    by.principal.require(Permission.KNOW_RECIPIENTS)
    question = fingerprint("employers", name)
    after = read_cursor(cursor, question, str, str)
    found = recipients.search_employers(by.connection, name=name, after=after, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one[0], one[1].id))
    return answer({"data": [_employer(employer) for _, employer in shown], "page": where})


@router.get("/employers/{employer_id}", response_model=EmployerOut)
def get_employer(employer_id: AnyId, by: AskedBy) -> Response:
    """One employer."""
    by.principal.require(Permission.KNOW_RECIPIENTS)
    return answer(_employer(recipients.get_employer(by.connection, employer_id)))


def _require_something(body: RecipientChangeIn) -> None:
    """Raises NothingSaid for a change that names nothing that could be different, or only the day from which."""
    if body.effective_from is not None and (body.type, body.employer, body.employer_id) == (None, None, None):
        raise NothingSaid.at("/effective_from", "Only a type or an employer holds from a day on: say which it is")
    if all(getattr(body, name) is None for name in body.model_fields_set - {"reason"}):
        raise NothingSaid("Say what is different: name, email, phone, aliases, external_ids, type or employer")


def _pairs(body: NewRecipientIn | RecipientChangeIn) -> list[tuple[str, str]]:
    """The external ids. Raises EmployerAmbiguous or ExternalIdTwice for a body that contradicts itself."""
    if body.employer is not None and body.employer_id is not None:
        raise EmployerAmbiguous.at("/employer", "Say employer or employer_id")
    pairs = [(one.source, one.id) for one in body.external_ids or ()]
    for place, pair in enumerate(pairs):
        if pair in pairs[:place]:
            raise ExternalIdTwice.at(f"/external_ids/{place}", "This id is listed already")
    return pairs


def _whole(connection: Connection, person: KnownRecipient) -> dict[str, Any]:
    history = [
        {
            "effective_from": None if place.effective_from == particulars.ALWAYS else place.effective_from.isoformat(),
            "type": place.type,
            "employer_id": place.employer_id,
        }
        for place in particulars.history(connection, person)
    ]
    body = _recipient(person, recipients.external_ids(connection, person.id))
    return body | {"aliases": particulars.aliases(connection, person.id), "history": history}


def _as_seen(by: Asked, body: dict[str, Any]) -> dict[str, Any]:
    """Whoever only records entries sees of a recipient what it takes to choose the right one."""
    if by.principal.may(Permission.KNOW_PARTICULARS):
        return body
    return {name: None if name in ("email", "phone") else body[name] for name in body if name not in _PARTICULARS}


_PARTICULARS = ("external_ids", "aliases", "history")


def _recipient(person: KnownRecipient, pairs: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    body = {
        "id": person.id,
        "version": person.version,
        "name": person.name,
        "type": person.type,
        "employer_id": person.employer_id,
        "employer": person.employer,
        "email": person.email,
        "phone": person.phone,
        "merged_into": person.canonical_id if person.canonical_id != person.id else None,
        "created_at": iso(person.created_at),
    }
    return body if pairs is None else body | {"external_ids": [{"source": s, "id": id} for s, id in pairs]}


def _employer(employer: KnownEmployer) -> dict[str, Any]:
    return {
        "id": employer.id,
        "version": employer.version,
        "name": employer.name,
        "created_at": iso(employer.created_at),
    }
