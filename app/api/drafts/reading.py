"""Drafts as they come in: an entry of which anything may be missing, and what it makes of a proposal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import Field, StrictBool, ValidationError

from app.api.entries.reading import (
    Amounts,
    EntryIn,
    EntryNotValid,
    RecipientIn,
    fact_of,
    person_of,
    read_currency,
    value_of,
)
from app.api.fields import Day, MoneyIn
from app.api.problems import of_validation, pointer
from app.domain.drafts import ProposedEntry
from app.domain.entries import Kind
from app.domain.money import Currency
from app.domain.refusals import Fault

Base = tuple[str | int, ...]


class ProposedEntryIn(EntryIn):
    """An entry as far as it is known; a field that is null or left out is not known yet."""

    occurred_on: Day | None = Field(None, description="day of the event or delivery")  # type: ignore[assignment]
    kind: Kind | None = None  # type: ignore[assignment]
    total: MoneyIn | None = None  # type: ignore[assignment]
    hosts_present: StrictBool | None = Field(None, description="needed unless the kind is gift")
    recipients: list[RecipientIn] = Field([], max_length=200)


def proposed(body: ProposedEntryIn, base: Base = ("entry",)) -> ProposedEntry:
    """The proposal that a body makes. Raises EntryNotValid with a pointer per field."""
    return completed(ProposedEntry(), body, base)


def completion(said: dict[str, Any]) -> Callable[[ProposedEntry], ProposedEntry]:
    """What replaces fields of a proposal. Raises InvalidBody with pointers into `set`; the completion itself raises
    EntryNotValid with pointers below it.
    """
    try:
        body = ProposedEntryIn.model_validate(said)
    except ValidationError as error:
        raise of_validation(
            [{**one, "loc": ("body", "set", *one["loc"])} for one in error.errors(include_url=False)]
        ) from error
    return lambda proposal: completed(proposal, body, ())


def completed(proposal: ProposedEntry, body: ProposedEntryIn, base: Base) -> ProposedEntry:
    """A proposal with the fields in place that a body says. Raises EntryNotValid with a pointer per field."""
    faults: list[Fault] = []
    said = body.model_fields_set
    currency = proposal.currency
    if "total" in said:
        currency = read_currency(body.total.currency, faults, base) if body.total else None
        _require_same_decimals(proposal, currency, said, faults, base)
    money = _Known(currency, faults, base)
    readers: dict[str, Callable[[], dict[str, Any]]] = {
        "total": lambda: _total(body.total, currency, money),
        "value": lambda: {"value": value_of(body.value, money)},
        "hosts_share": lambda: {"hosts_share": money.read(body.hosts_share, "hosts_share") or 0},
        "recipients": lambda: {
            "people": tuple(person_of(place, one, money, faults, base) for place, one in enumerate(body.recipients))
        },
        "hosts": lambda: {"hosts": None if body.hosts is None else tuple(body.hosts)},
        "flags": lambda: {"flags": frozenset(body.flags)},
        "facts": lambda: {"facts": tuple(fact_of(name, fact, faults, base) for name, fact in body.facts.items())},
        **{name: _text(body, name) for name in ("giver", "purpose", "venue")},
    }
    changes: dict[str, Any] = {}
    for name in said:
        changes |= readers[name]() if name in readers else {name: getattr(body, name)}
    if faults:
        many = "1 field needs attention" if len(faults) == 1 else f"{len(faults)} fields need attention"
        raise EntryNotValid(many, faults)
    return replace(proposal, **changes)


class _Known(Amounts):
    """Amounts of a currency that may not be known yet."""

    def __init__(self, currency: Currency | None, faults: list[Fault], base: Base) -> None:
        super().__init__(currency or Currency("", 4), faults, base)
        self._is_known, self._about, self._at = currency is not None, faults, base

    def read(self, text: str | None, *path: str | int, above_zero: bool = False) -> int | None:
        """Minor units; a fault where there is an amount and no total that says its currency."""
        if text is not None and not self._is_known:
            self._about.append(Fault(pointer((*self._at, *path)), "currency_unknown", "say the total first"))
            return None
        return super().read(text, *path, above_zero=above_zero)


def _total(body: MoneyIn | None, currency: Currency | None, money: Amounts) -> dict[str, Any]:
    amount = money.read(body.amount, "total", "amount", above_zero=True) if body else None
    return {"total": amount, "currency": currency}


def _text(body: ProposedEntryIn, name: str) -> Callable[[], dict[str, Any]]:
    return lambda: {name: getattr(body, name) or ""}


def _require_same_decimals(
    proposal: ProposedEntry, currency: Currency | None, said: set[str], faults: list[Fault], base: Base
) -> None:
    """Amounts that were said in another currency are not those of a new one."""
    if proposal.currency in (None, currency):
        return
    nothing = ProposedEntry()
    stated = {
        "value": proposal.value != nothing.value,
        "hosts_share": bool(proposal.hosts_share),
        "recipients": any(line.share is not None for line in proposal.people),
    }
    for name, is_stated in stated.items():
        if is_stated and name not in said:
            detail = "these amounts are in the currency before: say them again"
            faults.append(Fault(pointer((*base, name)), "currency_changed", detail))
