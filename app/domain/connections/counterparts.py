"""Counterparts: all that another system has said of one of its records, folded so that no order of saying matters.

Each field holds what was said last, by the moment it happened there; what a person is, and for whom they work, holds
from the day it was said of. A deletion is undone by a later restoration only; a person who was forgotten stays so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple

from app.domain.audit import iso
from app.domain.connections.mapping import ConnectionMapping
from app.domain.connections.model import Event, Noun, Verb
from app.domain.connections.texts import moment, text

Stamp = tuple[str, int, str]
_DATED = ("organization", "organization_id", "type")
_PERSONAL = ("name", "first_name", "last_name", "email", "phone")
_MOST_VALUE = 4000


class Counterpart(NamedTuple):
    """What counts of all that was said. `fields`: value and stamp; `dated`: these by day; `named`: it had a name."""

    fields: Mapping[str, tuple[Any, Stamp]]
    dated: Mapping[str, Mapping[str, tuple[Any, Stamp]]]
    named: bool = False
    deleted: Stamp | None = None
    restored: Stamp | None = None
    erased: Stamp | None = None
    into: tuple[str, Stamp] | None = None

    @property
    def is_deleted(self) -> bool:
        """Deleted there, and not restored since."""
        return self.deleted is not None and (self.restored is None or self.restored < self.deleted)

    @property
    def state(self) -> str:
        """erased, deleted, or known."""
        return "erased" if self.erased else "deleted" if self.is_deleted else "known"

    def said(self, name: str) -> Any:
        """The last that was said of a field; None where nothing was."""
        return self.fields[name][0] if name in self.fields else None


UNHEARD_OF = Counterpart({}, {})


def stamp_of(event: Event, fingerprint: str) -> Stamp:
    """Where an event stands among all others: by its moment, its number within that, and at last by what it is."""
    return iso(event.occurred_at), event.sequence, fingerprint


def fold(before: Counterpart, event: Event, fields: Mapping[str, Any], stamp: Stamp, day: date) -> Counterpart:
    """What counts after an event. `fields` are by our names; `day` is the firm's day of the event."""
    after = _with_fields(before, event.noun, fields, stamp, day)
    match event.verb:
        case Verb.DELETED:
            after = after._replace(deleted=_later(after.deleted, stamp))
        case Verb.RESTORED:
            after = after._replace(restored=_later(after.restored, stamp))
        case Verb.ERASED:
            after = after._replace(erased=_earlier(after.erased, stamp))
    return _forgotten(after) if after.erased else after


def went_into(before: Counterpart, into: str, stamp: Stamp) -> Counterpart:
    """What counts of a record that was merged into another."""
    if before.into is not None and before.into[1] >= stamp:
        return before
    return before._replace(into=(into, stamp))


def _with_fields(
    before: Counterpart, noun: Noun | None, fields: Mapping[str, Any], stamp: Stamp, day: date
) -> Counterpart:
    held = {name: value for name, value in fields.items() if len(str(value)) <= _MOST_VALUE}
    from_day = moment(f"{text(held.pop('organization_from', ''))[:10]}T00:00Z")
    since = (from_day.date() if from_day else day).isoformat()
    dated = {name: dict(days) for name, days in before.dated.items()}
    kept = dict(before.fields)
    for name, value in held.items():
        if noun is Noun.CONTACT and name in _DATED:
            _put(dated.setdefault(name, {}), since, value, stamp)
        else:
            _put(kept, name, value, stamp)
    named = before.named or bool(_name(held.get))
    return before._replace(fields=kept, dated=dated, named=named)


def _put(into: dict[str, tuple[Any, Stamp]], name: str, value: Any, stamp: Stamp) -> None:
    if name not in into or into[name][1] <= stamp:
        into[name] = value, stamp


def _later(one: Stamp | None, other: Stamp) -> Stamp:
    return other if one is None else max(one, other)


def _earlier(one: Stamp | None, other: Stamp) -> Stamp:
    return other if one is None else min(one, other)


def _forgotten(one: Counterpart) -> Counterpart:
    return one._replace(fields={name: held for name, held in one.fields.items() if name not in _PERSONAL})


# Contacts


class Standing(NamedTuple):
    """What a contact was from a day on; None: from the first that is known."""

    since: date | None
    type: str
    employer: str


class Contact(NamedTuple):
    """A person as another system knows them."""

    name: str
    email: str
    phone: str
    standings: tuple[Standing, ...]


def contact_of(
    one: Counterpart, mapping: ConnectionMapping, organizations: Mapping[str, str], *, key: str
) -> Contact | None:
    """The person behind a contact; None before it was ever named. `organizations` are names by their ids.

    One who was forgotten has a name made of `key`, and nothing else that is theirs.
    """
    if not one.named:
        return None
    standings = _standings(one, mapping, organizations)
    if one.erased:
        return Contact(f"Erased person {sha256(key.encode()).hexdigest()[:8]}", "", "", standings)
    name = _name(one.said)
    email = text(one.said("email"))
    return Contact(name, email if _is_email(email) else "", text(one.said("phone")), standings)


def mentioned(one: Counterpart) -> set[tuple[Noun, str]]:
    """The other records that a contact or a meeting speaks of."""
    found = {(Noun.ORGANIZATION, text(id)) for id, _ in one.dated.get("organization_id", {}).values() if text(id)}
    if one.into is not None:
        found.add((Noun.CONTACT, one.into[0]))
    return found | {(Noun.CONTACT, who.external_id) for who in attendees_of(one) if who.external_id}


def _standings(one: Counterpart, mapping: ConnectionMapping, organizations: Mapping[str, str]) -> tuple[Standing, ...]:
    days = sorted({day for held in one.dated.values() for day in held}) or [""]
    found: list[Standing] = []
    for day in days:
        organization, id, type = (_as_of(one.dated.get(name, {}), day) for name in _DATED)
        employer = mapping.employer_of(id, organization) or organizations.get(text(id), "") or text(organization)
        standing = Standing(date.fromisoformat(day) if found else None, mapping.type_of(type), _nameable(employer))
        if not found or standing[1:] != found[-1][1:]:
            found.append(standing)
    return tuple(found)


def first_day(one: Counterpart) -> date | None:
    """The first day of which was said what a person is."""
    days = sorted({day for held in one.dated.values() for day in held})
    return date.fromisoformat(days[0]) if days else None


def _as_of(held: Mapping[str, tuple[Any, Stamp]], day: str) -> Any:
    known = [since for since in held if since <= day]
    return held[max(known)][0] if known else None


def _name(said: Callable[[str], Any]) -> str:
    whole = text(said("name")) or " ".join(filter(None, (text(said("first_name")), text(said("last_name")))))
    return _nameable(whole)


def _nameable(name: str) -> str:
    """A name as we keep one: it has a letter or a digit, and nothing in it that cannot be seen."""
    shown = "".join(letter for letter in name if letter.isprintable()).strip()
    return shown if any(letter.isalnum() for letter in shown) else ""


def _is_email(said: str) -> bool:
    return said.count("@") == 1 and not any(one in said for one in ' <>"') and 3 <= len(said) <= 254


# Meetings and expenses


class Attendee(NamedTuple):
    """Somebody who took part, as another system names them."""

    external_id: str
    name: str
    email: str
    company: str


def attendees_of(one: Counterpart) -> list[Attendee]:
    """Who took part, each once, in an order that does not depend on how they were listed."""
    said = one.said("attendees")
    listed: Iterable[Any] = said if isinstance(said, list) else []
    single = text(one.said("attendee"))
    found = {_attendee(each) for each in (*listed, *([single] if single else []))}
    return sorted(each for each in found if any(each[:3]))[:100]


def without_names(one: Counterpart, forgotten: Set[str]) -> Counterpart:
    """The same, saying of those who were forgotten that they took part and nothing else."""
    held = one.fields.get("attendees")
    if held is None or not isinstance(held[0], list):
        return one
    told = [
        {"external_id": who.external_id} if (who := _attendee(said)).external_id in forgotten else said
        for said in held[0]
    ]
    return one if told == held[0] else one._replace(fields={**one.fields, "attendees": (told, held[1])})


def _attendee(said: Any) -> Attendee:
    if isinstance(said, str | int):
        return Attendee(text(said), "", "", "")
    told = said if isinstance(said, dict) else {}
    id = text(told.get("external_id")) or text(told.get("id"))
    email = text(told.get("email"))
    company = _nameable(text(told.get("company")) or text(told.get("organization")))
    return Attendee(id, _nameable(text(told.get("name"))), email if _is_email(email) else "", company)


# As it is kept


def written(one: Counterpart) -> str:
    """A counterpart as text."""
    return json.dumps(one._asdict(), sort_keys=True, ensure_ascii=False)


def readable(said: str) -> Counterpart:
    """The counterpart that was written so."""
    value = json.loads(said)
    return Counterpart(
        fields={name: (held, _stamp(stamp)) for name, (held, stamp) in value["fields"].items()},
        dated={
            name: {day: (held, _stamp(stamp)) for day, (held, stamp) in days.items()}
            for name, days in value["dated"].items()
        },
        named=value["named"],
        deleted=_stamp(value["deleted"]) if value["deleted"] else None,
        restored=_stamp(value["restored"]) if value["restored"] else None,
        erased=_stamp(value["erased"]) if value["erased"] else None,
        into=(value["into"][0], _stamp(value["into"][1])) if value["into"] else None,
    )


def _stamp(said: Any) -> Stamp:
    at, sequence, fingerprint = said
    return str(at), int(sequence), str(fingerprint)
