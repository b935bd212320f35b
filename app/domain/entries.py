"""An entry: one gift, meal, entertainment or travel as recorded, with everything a rule can ask about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any

from app.domain.money import Currency
from app.domain.recipients import Named
from app.domain.refusals import Unprocessable


class Kind(StrEnum):
    GIFT = "gift"
    MEAL = "meal"
    ENTERTAINMENT = "entertainment"
    TRAVEL = "travel"
    LODGING = "lodging"


HOSTED_KINDS = frozenset({Kind.MEAL, Kind.ENTERTAINMENT, Kind.TRAVEL, Kind.LODGING})


DATED_FACTS = frozenset({"agreement_on"})


class Direction(StrEnum):
    GIVEN = "given"
    RECEIVED = "received"


class Standing(StrEnum):
    """Whether an entry still counts."""

    LIVE = "live"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class ValueBelowZero(Unprocessable):
    code = "value_below_zero"
    title = "Tax, delivery and tip are more than the amount"


class GuestOfNobody(Unprocessable):
    code = "guest_of_nobody"
    title = "A guest's client is not known"


class GuestOfGuest(Unprocessable):
    code = "guest_of_guest"
    title = "A guest's client is a guest"


class NobodyListed(Unprocessable):
    code = "nobody_listed"
    title = "Nobody is named as recipient"


class ListedTwice(Unprocessable):
    code = "listed_twice"
    title = "One person is listed twice"


class SharesDoNotAddUp(Unprocessable):
    code = "shares_do_not_add_up"
    title = "The shares do not add up to the total"


class HostsUnknown(Unprocessable):
    code = "hosts_present_required"
    title = "Say whether a host was present"


@dataclass(frozen=True, slots=True)
class Value:
    """What the amount is made of and what else the thing is worth; minor units of the entry's currency."""

    tax: int = 0
    delivery: int = 0
    tip: int = 0
    cost: int | None = None
    face: int | None = None
    market: int | None = None

    @property
    def said(self) -> dict[str, int]:
        """What was said of it; additions of nothing count as not said."""
        parts = {"tax": self.tax or None, "delivery": self.delivery or None, "tip": self.tip or None}
        worth = {"cost": self.cost, "face": self.face, "market": self.market}
        return {name: minor for name, minor in (parts | worth).items() if minor is not None}


@dataclass(frozen=True, slots=True)
class Listed:
    """One natural person on an entry, with employer and type on that day.

    `recipient_id` is the canonical person after merges, `listed_as` the one named at the time, `merges_away` how many
    merges lie between them (`client_merges_away` for a guest's client). A guest names the client whose guest they are
    in `guest_of`; where that client is not on the entry, `client_employer_id` and `client_type` say who the client is.
    `share` is an explicit part of the amount in minor units; None means an equal part. `type_from_record` and
    `employer_from_record` mark what was not stated but taken from the person's record.
    """

    recipient_id: str
    employer_id: str | None
    type: str
    listed_as: str = ""
    guest_of: str | None = None
    client_employer_id: str | None = None
    client_type: str | None = None
    share: int | None = None
    type_from_record: bool = False
    employer_from_record: bool = False
    merges_away: int = 0
    client_merges_away: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as one version of it stands. Money in minor units of `currency`; `sequence` is the order of record."""

    id: str
    sequence: int
    occurred_on: date
    kind: Kind
    direction: Direction
    giver: str
    total: int
    currency: Currency
    recipients: tuple[Listed, ...]
    hosts_present: bool | None = None
    hosts: tuple[str, ...] | None = None
    hosts_share: int = 0
    giver_type: str = "associated_person"
    paid_by: str = "firm"
    flags: frozenset[str] = frozenset()
    facts: Mapping[str, object] = field(default_factory=dict)
    value: Value = Value()
    preapproved_on: date | None = None
    purpose: str = ""
    venue: str = ""
    standing: Standing = Standing.LIVE
    repaid: int = 0

    @property
    def hosted(self) -> bool:
        """Whether it is of a kind that our people host."""
        return self.kind in HOSTED_KINDS

    @property
    def host_count(self) -> int:
        """Our people at the table: the giver alone where nobody is named."""
        return 1 if self.hosts is None else len(self.hosts)

    def with_people(self, canon: Mapping[str, str]) -> Entry:
        """The same entry with every person replaced by the one they were merged into, at the end of all merges."""
        if not canon or not any(p.recipient_id in canon or p.guest_of in canon for p in self.recipients):
            return self
        return replace(self, recipients=tuple(_canonical(person, canon) for person in self.recipients))


@dataclass(frozen=True, slots=True)
class DraftPerson:
    """One line of a draft's guest list; `guest_of` names the client whose guest they are. `share` is in minor units."""

    who: Named
    guest_of: Named | None = None
    client_type: str | None = None
    client_employer: str | None = None
    client_employer_id: str | None = None
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as somebody submits it: everything but who the people are in our books. Money in minor units."""

    occurred_on: date
    kind: Kind
    direction: Direction
    giver: str
    total: int
    currency: Currency
    people: tuple[DraftPerson, ...]
    hosts_present: bool | None = None
    hosts: tuple[str, ...] | None = None
    hosts_share: int = 0
    giver_type: str = "associated_person"
    paid_by: str = "firm"
    flags: frozenset[str] = frozenset()
    facts: tuple[tuple[str, object], ...] = ()
    value: Value = Value()
    preapproved_on: date | None = None
    purpose: str = ""
    venue: str = ""

    def entry(self, id: str, sequence: int, listed: tuple[Listed, ...]) -> Entry:
        """The entry that the draft becomes once its people are known."""
        return Entry(
            id=id,
            sequence=sequence,
            occurred_on=self.occurred_on,
            kind=self.kind,
            direction=self.direction,
            giver=self.giver,
            giver_type=self.giver_type,
            paid_by=self.paid_by,
            total=self.total,
            currency=self.currency,
            value=self.value,
            hosts_present=self.hosts_present,
            hosts=self.hosts,
            hosts_share=self.hosts_share,
            recipients=listed,
            flags=self.flags,
            facts=dict(self.facts),
            preapproved_on=self.preapproved_on,
            purpose=self.purpose,
            venue=self.venue,
        )


def check(entry: Entry) -> None:
    """What an entry must be whatever the policy says.

    Raises HostsUnknown, NobodyListed, ListedTwice, GuestOfGuest, GuestOfNobody or SharesDoNotAddUp, each with the
    pointer of the field at fault. People are looked at as they are named on the entry, so that no merge changes it.
    """
    if entry.hosted and entry.hosts_present is None:
        raise HostsUnknown.at("/hosts_present", f"Say whether a host was present at the {entry.kind}: true or false")
    if not entry.recipients and "unnamed_group" not in entry.flags:
        raise NobodyListed.at("/recipients", "Name who got it, or flag it as unnamed_group until they are known")
    _check_people(entry.recipients)
    _check_shares(entry)


def _check_people(people: tuple[Listed, ...]) -> None:
    guests = {person.recipient_id for person in people if person.guest_of is not None}
    clients = {person.recipient_id for person in people if person.guest_of is None}
    seen: set[str] = set()
    for place, person in enumerate(people):
        if person.recipient_id in seen:
            raise ListedTwice.at(f"/recipients/{place}", "This person is listed already")
        seen.add(person.recipient_id)
        if person.guest_of is None:
            continue
        if person.guest_of in guests:
            raise GuestOfGuest.at(f"/recipients/{place}/guest_of", "A guest is the guest of a client, not of a guest")
        if person.guest_of not in clients and person.client_type is None:
            raise GuestOfNobody.at(
                f"/recipients/{place}/client_type",
                "A guest's client is not on the entry: say the client's type and employer",
            )


def _check_shares(entry: Entry) -> None:
    stated = [person.share for person in entry.recipients if person.share is not None]
    if not stated:
        return
    if len(stated) < len(entry.recipients):
        raise SharesDoNotAddUp.at("/recipients", "State a share for everybody, or for nobody to divide equally")
    if entry.hosts_share and not entry.hosts_present:
        raise SharesDoNotAddUp.at("/hosts_share", "Only hosts who were present have a share")
    if sum(stated) + entry.hosts_share != entry.total:
        raise SharesDoNotAddUp.at("/recipients", "The shares, with the hosts' share, must add up to the total")


def _canonical(person: Listed, canon: Mapping[str, str]) -> Listed:
    recipient_id, merges_away = _end_of(person.recipient_id, canon)
    guest_of, client_merges_away = _end_of(person.guest_of, canon) if person.guest_of else (None, 0)
    return replace(
        person,
        recipient_id=recipient_id,
        listed_as=person.listed_as or person.recipient_id,
        guest_of=guest_of,
        merges_away=person.merges_away + merges_away,
        client_merges_away=person.client_merges_away + client_merges_away,
    )


def _end_of(person: str, canon: Mapping[str, str]) -> tuple[str, int]:
    """Whom somebody turned out to be, and after how many merges."""
    merges = 0
    while person in canon:
        person, merges = canon[person], merges + 1
    return person, merges


def to_document(entry: Entry) -> dict[str, object]:
    """A version of an entry as it is written into history: minor units, ISO dates, keys only for what was said."""
    return {
        "occurred_on": entry.occurred_on.isoformat(),
        "kind": entry.kind.value,
        "direction": entry.direction.value,
        "giver": entry.giver,
        "giver_type": entry.giver_type,
        "paid_by": entry.paid_by,
        "total": entry.total,
        "currency": entry.currency.code,
        "exponent": entry.currency.exponent,
        "value": _said(entry.value),
        "hosts_present": entry.hosts_present,
        "hosts": None if entry.hosts is None else list(entry.hosts),
        "hosts_share": entry.hosts_share,
        "recipients": [_said(person) for person in entry.recipients],
        "flags": sorted(entry.flags),
        "facts": {name: fact.isoformat() if isinstance(fact, date) else fact for name, fact in entry.facts.items()},
        "preapproved_on": entry.preapproved_on.isoformat() if entry.preapproved_on else None,
        "purpose": entry.purpose,
        "venue": entry.venue,
        "standing": entry.standing.value,
        "repaid": entry.repaid,
    }


def from_document(id: str, sequence: int, document: Mapping[str, Any]) -> Entry:
    """The entry that was written as this document; the inverse of `to_document`."""
    return Entry(
        id=id,
        sequence=sequence,
        occurred_on=date.fromisoformat(document["occurred_on"]),
        kind=Kind(document["kind"]),
        direction=Direction(document["direction"]),
        giver=document["giver"],
        giver_type=document["giver_type"],
        paid_by=document["paid_by"],
        total=document["total"],
        currency=Currency(document["currency"], document["exponent"]),
        value=Value(**document["value"]),
        hosts_present=document["hosts_present"],
        hosts=None if document["hosts"] is None else tuple(document["hosts"]),
        hosts_share=document["hosts_share"],
        recipients=tuple(Listed(**person) for person in document["recipients"]),
        flags=frozenset(document["flags"]),
        facts={name: _fact(name, fact) for name, fact in document["facts"].items()},
        preapproved_on=date.fromisoformat(document["preapproved_on"]) if document["preapproved_on"] else None,
        purpose=document["purpose"],
        venue=document["venue"],
        standing=Standing(document["standing"]),
        repaid=document["repaid"],
    )


_DEFAULTS: dict[type, list[tuple[str, object]]] = {
    kind: [(one.name, one.default) for one in fields(kind)] for kind in (Value, Listed)
}


def _said(record: Value | Listed) -> dict[str, object]:
    """What was said, without what is as it is by default."""
    return {name: said for name, default in _DEFAULTS[type(record)] if (said := getattr(record, name)) != default}


def _fact(name: str, fact: object) -> object:
    return date.fromisoformat(fact) if name in DATED_FACTS and isinstance(fact, str) else fact
