"""Entries as they come in: what is accepted on the wire, and the draft it becomes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints, ValidationError

from app.api.fields import (
    Amount,
    CurrencyCode,
    Day,
    Email,
    Fact,
    Identifier,
    In,
    LongText,
    MoneyIn,
    Name,
    Text,
    currency_of,
    minor,
    read_day,
)
from app.api.problems import of_validation, pointer
from app.domain.entries import DATED_FACTS, Direction, Draft, DraftPerson, Kind, Value
from app.domain.money import Currency
from app.domain.recipients import Named
from app.domain.refusals import Fault, Refusal, Unprocessable

_CHECKED_FACTS = frozenset({"logo", "decorative_only", "reasonable"})


class EntryNotValid(Unprocessable):
    code = "entry_not_valid"
    title = "The entry is not valid"


class ExternalIdIn(In):
    """A person's id in another system."""

    source: Identifier
    id: Text


class PersonIn(In):
    """A person: by our `id`, by `external_id`, or by `name`, `employer` and `email`; whoever is new is created."""

    id: Annotated[str, StringConstraints(pattern=r"^rec_[0-9a-f]{32}$")] | None = None
    external_id: ExternalIdIn | None = None
    name: Name | None = None
    employer: Name | None = Field(None, description="the employer's name on that day; default: the one on record")
    employer_id: Annotated[str, StringConstraints(pattern=r"^emp_[0-9a-f]{32}$")] | None = None
    email: Email | None = None
    type: Identifier | None = Field(None, description="such as institutional_employee; default: the one on record")


class RecipientIn(PersonIn):
    """One person on the entry. A guest names the client they came with in `guest_of`."""

    share: Amount | None = Field(None, description="this person's part of the total; state it for everybody or nobody")
    guest_of: PersonIn | None = None
    client_type: Identifier | None = Field(None, description="the client's type, where the client is not on the entry")
    client_employer: Name | None = None
    client_employer_id: Annotated[str, StringConstraints(pattern=r"^emp_[0-9a-f]{32}$")] | None = None


class ValueIn(In):
    """What the total is made of and what else the thing is worth, in the total's currency."""

    tax: Amount | None = None
    delivery: Amount | None = None
    tip: Amount | None = None
    cost: Amount | None = None
    face: Amount | None = None
    market: Amount | None = None


class EntryIn(In):
    """One gift, meal, entertainment, travel or lodging, given or received."""

    occurred_on: Day = Field(description="day of the event or delivery; it decides the period and the limit")
    kind: Kind
    direction: Direction = Direction.GIVEN
    giver: Text | None = Field(None, description="who gave it; default: yourself")
    giver_type: Identifier = "associated_person"
    total: MoneyIn
    value: ValueIn = ValueIn()
    hosts_present: StrictBool | None = Field(
        None, description="required unless the kind is gift; false makes it a gift"
    )
    hosts: list[Text] | None = Field(None, max_length=100, description="our people at the table; default: the giver")
    hosts_share: Amount | None = Field(None, description="our people's part of the total, where shares are stated")
    recipients: list[RecipientIn] = Field(
        max_length=200, description="everybody who got something; empty only with the flag unnamed_group"
    )
    paid_by: Identifier = "firm"
    flags: list[Identifier] = Field([], max_length=30)
    facts: dict[Identifier, Fact] = Field({}, max_length=30)
    preapproved_on: Day | None = None
    purpose: LongText | None = None
    venue: Text | None = None


def draft_of(body: EntryIn, principal_person: str, base: tuple[str | int, ...] = ()) -> Draft:
    """The draft that a body becomes. Raises EntryNotValid with a pointer per field."""
    faults: list[Fault] = []
    currency = read_currency(body.total.currency, faults, base)
    money = Amounts(currency, faults, base)
    draft = Draft(
        occurred_on=body.occurred_on,
        kind=body.kind,
        direction=body.direction,
        giver=body.giver or principal_person,
        giver_type=body.giver_type,
        paid_by=body.paid_by,
        total=money.read(body.total.amount, "total", "amount", above_zero=True) or 0,
        currency=currency,
        value=value_of(body.value, money),
        hosts_present=body.hosts_present,
        hosts=None if body.hosts is None else tuple(body.hosts),
        hosts_share=money.read(body.hosts_share, "hosts_share") or 0,
        people=tuple(person_of(place, one, money, faults, base) for place, one in enumerate(body.recipients)),
        flags=frozenset(body.flags),
        facts=tuple(fact_of(name, fact, faults, base) for name, fact in body.facts.items()),
        preapproved_on=body.preapproved_on,
        purpose=body.purpose or "",
        venue=body.venue or "",
    )
    if not body.recipients and "unnamed_group" not in body.flags:
        detail = "name who got it, or flag it as unnamed_group until they are known"
        faults.append(Fault(pointer((*base, "recipients")), "nobody_listed", detail))
    if faults:
        many = "1 field needs attention" if len(faults) == 1 else f"{len(faults)} fields need attention"
        raise EntryNotValid(many, faults)
    return draft


class Amounts:
    """Reads amounts of one currency and gathers what is wrong with them."""

    def __init__(self, currency: Currency, faults: list[Fault], base: tuple[str | int, ...]) -> None:
        self._currency, self._faults, self._base = currency, faults, base

    def read(self, text: str | None, *path: str | int, above_zero: bool = False) -> int | None:
        """Minor units, or None where nothing is said or the amount is at fault."""
        if text is None:
            return None
        try:
            amount = minor(text, self._currency)
        except ValueError as error:
            self._faults.append(Fault(pointer((*self._base, *path)), "money_format", str(error)))
            return None
        if above_zero and amount == 0:
            self._faults.append(Fault(pointer((*self._base, *path)), "amount_not_positive", "must be more than zero"))
        return amount


def read_currency(code: CurrencyCode, faults: list[Fault], base: tuple[str | int, ...]) -> Currency:
    """A currency; an unknown one becomes a fault."""
    try:
        return currency_of(code)
    except ValueError as error:
        faults.append(Fault(pointer((*base, "total", "currency")), "unknown_currency", str(error)))
        return Currency(code, 4)


def value_of(body: ValueIn, money: Amounts) -> Value:
    """What the total is made of."""
    return Value(
        tax=money.read(body.tax, "value", "tax") or 0,
        delivery=money.read(body.delivery, "value", "delivery") or 0,
        tip=money.read(body.tip, "value", "tip") or 0,
        cost=money.read(body.cost, "value", "cost"),
        face=money.read(body.face, "value", "face"),
        market=money.read(body.market, "value", "market"),
    )


def person_of(
    place: int, body: RecipientIn, money: Amounts, faults: list[Fault], base: tuple[str | int, ...]
) -> DraftPerson:
    """One line of the guest list; what is contradictory or missing becomes a fault."""
    at = (*base, "recipients", place)
    if body.client_employer is not None and body.client_employer_id is not None:
        detail = "say client_employer or client_employer_id"
        faults.append(Fault(pointer((*at, "client_employer")), "employer_ambiguous", detail))
    return DraftPerson(
        who=named(body, faults, at),
        guest_of=named(body.guest_of, faults, (*at, "guest_of")) if body.guest_of else None,
        client_type=body.client_type,
        client_employer=body.client_employer,
        client_employer_id=body.client_employer_id,
        share=money.read(body.share, "recipients", place, "share"),
    )


def named(body: PersonIn, faults: list[Fault], at: tuple[str | int, ...]) -> Named:
    """A person as a draft names them; what is contradictory or missing becomes a fault."""
    if body.id is None and body.external_id is None and body.name is None:
        faults.append(Fault(pointer(at), "recipient_incomplete", "name the person by id, external_id or name"))
    if body.id is not None and (body.external_id is not None or body.name is not None):
        faults.append(Fault(pointer(at), "recipient_ambiguous", "an id needs neither external_id nor name beside it"))
    if body.employer is not None and body.employer_id is not None:
        faults.append(Fault(pointer((*at, "employer")), "employer_ambiguous", "say employer or employer_id"))
    outside = body.external_id
    return Named(
        id=body.id,
        source=outside.source if outside else None,
        external_id=outside.id if outside else None,
        name=" ".join(body.name.split()) if body.name else None,
        employer=" ".join(body.employer.split()) if body.employer else None,
        employer_id=body.employer_id,
        email=body.email,
        type=body.type,
    )


def fact_of(name: str, fact: bool | str, faults: list[Fault], base: tuple[str | int, ...]) -> tuple[str, object]:
    """One fact; what is none becomes a fault to mend."""
    at = pointer((*base, "facts", name))
    if name in _CHECKED_FACTS and not isinstance(fact, bool):
        faults.append(Fault(at, "fact_not_boolean", "true or false"))
    if name in DATED_FACTS:
        return name, _dated(fact, faults, at)
    return name, fact


def _dated(fact: bool | str, faults: list[Fault], at: str) -> object:
    try:
        return read_day(fact)
    except ValueError:
        faults.append(Fault(at, "day_format", 'write the day as a string such as "2026-03-30"'))
        return None


def read_item(raw: Any, person: str) -> Draft | Refusal:
    """One item of a batch: its draft, or why it is refused; pointers are relative to the item."""
    try:
        return draft_of(EntryIn.model_validate(raw), person)
    except ValidationError as error:
        return of_validation([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)])
    except Refusal as refusal:
        return refusal
