"""Drafts as they go out: the proposal, whose it is, what is missing, and who its people may be."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.api import problems
from app.api.entries.writing import EntryOut, entry_out
from app.api.fields import MoneyOut, money
from app.api.headroom import HeadroomLineOut, headroom_line_out
from app.api.look_alikes import LookAlikeOut, look_alike_out
from app.domain.audit import iso
from app.domain.drafts import ProposedEntry
from app.domain.entries import DraftPerson, Value
from app.domain.money import Currency, format_minor
from app.domain.recipients import Named
from app.services import drafts
from app.services.drafts import KnownDraft, SeenDraft, SeenPerson

_WIRE = {"people": "recipients"}


class SourceOut(BaseModel):
    """Which thing of which system it is about."""

    system: str
    id: str


class SaidOtherwiseOut(BaseModel):
    """One field that the source gives differently: from the draft, or from what it said when that was closed."""

    field: str
    draft: Any
    source: Any


class DraftOut(BaseModel):
    """A proposed entry. `entry` has the fields of POST /v1/entries, null where nothing is said yet."""

    id: str
    version: int
    state: Literal["open", "confirmed", "dismissed", "withdrawn"]
    owner: str
    about: Literal["meeting", "expense", "entry"]
    label: str | None
    source: SourceOut | None
    occurred_on: date | None
    entry: dict[str, Any]
    missing: list[str] = Field(description="fields to fill in before it can be confirmed")
    said_otherwise: list[SaidOtherwiseOut]
    source_withdrawn_at: datetime | None = Field(description="since when the source no longer stands by it")
    proposed_by: str
    proposed_at: datetime
    changed_at: datetime
    age_days: int = Field(description="since it was proposed, or from then until it was closed")
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    entry_id: str | None


class DraftPersonOut(BaseModel):
    """A line of the guest list: who it is in our books; `looks_like` says who it may be where nobody was found."""

    recipient_id: str | None
    name: str | None
    employer: str | None
    found_by: str | None
    looks_like: list[LookAlikeOut]
    headroom: list[HeadroomLineOut]


class ExpenseOut(BaseModel):
    """An expense of the owner's about that day, of which no entry came yet."""

    id: str
    occurred_on: date
    amount: MoneyOut
    import_id: str


class SeenDraftOut(DraftOut):
    """A draft with its people, and what confirming it would answer: the entry in `preview`, or the `obstacle`."""

    people: list[DraftPersonOut]
    preview: EntryOut | None
    obstacle: problems.Problem | None
    expenses: list[ExpenseOut]


def draft_out(one: KnownDraft, today: date, closed_on: date | None, proposed_on: date) -> dict[str, Any]:
    """A draft as it stands on a day."""
    source = {"system": one.source, "id": one.external_id} if one.source is not None else None
    return {
        "id": one.id,
        "version": one.version,
        "state": one.state,
        "owner": one.owner,
        "about": one.about,
        "label": one.label or None,
        "source": source,
        "occurred_on": one.proposal.occurred_on.isoformat() if one.proposal.occurred_on else None,
        "entry": proposal_out(one.proposal),
        "missing": one.proposal.missing if one.state == "open" else [],
        "said_otherwise": _said_otherwise(one),
        "source_withdrawn_at": iso(one.source_withdrawn_at) if one.source_withdrawn_at else None,
        "proposed_by": one.proposed_by,
        "proposed_at": iso(one.proposed_at),
        "changed_at": iso(one.changed_at),
        "age_days": ((closed_on or today) - proposed_on).days,
        "closed_by": one.closed_by,
        "closed_at": iso(one.closed_at) if one.closed_at else None,
        "reason": one.reason,
        "entry_id": one.entry_id,
    }


def seen_out(one: SeenDraft) -> dict[str, Any]:
    """What somebody sees besides, who decides what to do with a draft."""
    return {
        "people": [_seen_person(person) for person in one.people],
        "preview": entry_out(one.preview, fresh=True) if one.preview else None,
        "obstacle": problems.document(one.obstacle) if one.obstacle else None,
        "expenses": [
            {
                "id": spent.identity,
                "occurred_on": spent.occurred_on.isoformat(),
                "amount": money(spent.amount_minor, Currency(spent.currency, spent.exponent)),
                "import_id": spent.import_id,
            }
            for spent in one.expenses
        ],
    }


def proposal_out(one: ProposedEntry) -> dict[str, Any]:
    """A proposal in the fields of POST /v1/entries."""
    currency = one.currency
    return {
        "occurred_on": one.occurred_on.isoformat() if one.occurred_on else None,
        "kind": one.kind,
        "direction": one.direction,
        "giver": one.giver or None,
        "giver_type": one.giver_type,
        "total": _money(one.total, currency),
        "value": _value(one.value, currency),
        "hosts_present": one.hosts_present,
        "hosts": None if one.hosts is None else list(one.hosts),
        "hosts_share": _amount(one.hosts_share or None, currency),
        "recipients": [_person(line, currency) for line in one.people],
        "paid_by": one.paid_by,
        "flags": sorted(one.flags),
        "facts": {name: fact.isoformat() if isinstance(fact, date) else fact for name, fact in one.facts},
        "preapproved_on": one.preapproved_on.isoformat() if one.preapproved_on else None,
        "purpose": one.purpose or None,
        "venue": one.venue or None,
    }


def _said_otherwise(one: KnownDraft) -> list[dict[str, Any]]:
    names = drafts.said_otherwise(one)
    if not names:
        return []
    source, ours = proposal_out(one.said), proposal_out(one.said_when_settled or one.proposal)
    fields = [_WIRE.get(name, name) for name in names]
    return [{"field": field, "draft": ours[field], "source": source[field]} for field in fields]


def _seen_person(one: SeenPerson) -> dict[str, Any]:
    match = one.match
    there = match is not None and match.how != "created"
    return {
        "recipient_id": match.person.id if match and there else None,
        "name": match.person.name if match and there else None,
        "employer": match.person.employer if match and there else None,
        "found_by": match.how if match and there else None,
        "looks_like": [look_alike_out(other, details=False) for other in match.looks_like] if match else [],
        "headroom": [headroom_line_out(line) for line in one.headroom],
    }


def _money(minor: int | None, currency: Currency | None) -> dict[str, str] | None:
    if minor is None or currency is None:
        return None
    return {"amount": format_minor(minor, currency.exponent), "currency": currency.code}


def _amount(minor: int | None, currency: Currency | None) -> str | None:
    return None if minor is None or currency is None else format_minor(minor, currency.exponent)


def _value(value: Value, currency: Currency | None) -> dict[str, str]:
    written = {name: _amount(minor, currency) for name, minor in value.said.items()}
    return {name: amount for name, amount in written.items() if amount is not None}


def _person(line: DraftPerson, currency: Currency | None) -> dict[str, Any]:
    said = _named(line.who) | {
        "share": _amount(line.share, currency),
        "guest_of": _named(line.guest_of) if line.guest_of else None,
        "client_type": line.client_type,
        "client_employer": line.client_employer,
        "client_employer_id": line.client_employer_id,
    }
    return {name: value for name, value in said.items() if value is not None}


def _named(who: Named) -> dict[str, Any]:
    outside = {"source": who.source, "id": who.external_id} if who.external_id else None
    said = {
        "id": who.id,
        "external_id": outside,
        "name": who.name,
        "employer": who.employer,
        "employer_id": who.employer_id,
        "email": who.email,
        "type": who.type,
    }
    return {name: value for name, value in said.items() if value is not None}
