"""Policies: drafts, publication by a second person with re-assessment of all it touches, and what is in force when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection

from app.domain.audit import canonical
from app.domain.money import Currency, Rate
from app.domain.policies import ParsedPolicy, Policy, PolicyBook, parse, to_document
from app.domain.refusals import Conflict, Forbidden, NotFound
from app.services import packs
from app.services.desk import Desk, Remembered
from app.services.journal import Journal
from app.storage import policies, recipients, users
from app.storage.ids import new_id
from app.storage.policies import KnownPolicy as KnownPolicy

ALWAYS = date(2000, 1, 1)


class PolicyNotFound(NotFound):
    code = "policy_not_found"


class PolicyFixed(Conflict):
    code = "policy_published"
    title = "A published version never changes"


class SelfPublication(Forbidden):
    code = "self_publication"
    title = "A second person publishes"


def current(connection: Connection, desk: Desk, *, hold: bool = False) -> PolicyBook:
    """All published versions, remembered until the next publication; with `hold`, none can be published meanwhile."""
    epoch = policies.epoch(connection, hold=hold)
    remembered = desk.remembered
    if remembered.epoch != epoch:
        remembered = desk.remembered = Remembered(epoch, read(connection))
        desk.sequencer.saw(policies.last_known_from(connection))
    return remembered.book


def read(connection: Connection, at: int | None = None) -> PolicyBook:
    """All published versions as this transaction sees them, or as they were known at a place in the order of record."""
    return book_of([one for one in policies.published(connection) if at is None or (one.known_from or 0) <= at])


def as_known(connection: Connection, desk: Desk, at: int | None) -> PolicyBook:
    """The versions published now, or by a place in the order of record."""
    return current(connection, desk) if at is None else read(connection, at)


def book_of(known: list[KnownPolicy]) -> PolicyBook:
    """The book of published versions. A rate, once published, is known to all; the last one published holds."""
    parsed = [(one, _parsed(one.document)) for one in known]
    rates = _rates([policy for _, policy in parsed])
    return PolicyBook(
        Policy(
            one.id,
            one.version,
            one.name,
            one.effective_from or ALWAYS,
            policy.rules,
            replace(policy.settings, fx=rates[policy.rules[0].currency]),
        )
        for one, policy in parsed
    )


@lru_cache(maxsize=256)
def _parsed(document: str) -> ParsedPolicy:
    """A kept document, read once: what is published never changes."""
    return parse(json.loads(document), packs.exponent)


def _rates(published: list[ParsedPolicy]) -> dict[Currency, dict[str, dict[date, Rate]]]:
    """All rates ever published, by the currency that they lead to."""
    rates: dict[Currency, dict[str, dict[date, Rate]]] = {}
    for policy in published:
        into = rates.setdefault(policy.rules[0].currency, {})
        for currency, days in policy.settings.fx.items():
            into.setdefault(currency, {}).update(days)
    return rates


def draft(
    connection: Connection, desk: Desk, document: Mapping[str, object], *, name: str | None, by: str, door: str = "api"
) -> KnownPolicy:
    """A new version as a draft, in force nowhere. Raises InvalidPolicy with a fault per field."""
    parsed = parse(document, packs.exponent)
    stamp, journal = desk.stamp(by, door=door), desk.journal()
    version = policies.last_version(connection) + 1
    text = canonical(to_document(parsed))
    policy = KnownPolicy(
        new_id("pol"), version, name or parsed.name, "draft", None, text, by, stamp.at, None, None, None, None
    )
    policies.add(connection, policy)
    journal.note(policy.id, 1, "policy.drafted", {"name": policy.name, "version": version, "document": text}, stamp)
    journal.seal(connection)
    return policy


def published(
    connection: Connection,
    desk: Desk,
    policy_id: str,
    *,
    effective_from: date,
    by: str,
    journal: Journal,
    door: str = "api",
) -> KnownPolicy:
    """Fixes a draft for good and puts it in force from a day on; the caller re-assesses what that touches.

    Raises PolicyNotFound, PolicyFixed where it is no draft, SelfPublication where the same person drafted it.
    """
    policies.next_epoch(connection)
    require_publishable(connection, policy_id, by=by)
    stamp = desk.stamp(by, door=door)
    last = max(policies.last_known_from(connection), recipients.last_touched(connection))
    known_from = desk.sequencer.next(last)
    if not policies.publish(
        connection, policy_id, effective_from=effective_from, by=by, at=stamp.at, known_from=known_from
    ):
        raise PolicyFixed("This version was published at this moment")
    journal.note(policy_id, 2, "policy.published", {"effective_from": effective_from.isoformat()}, stamp)
    return get(connection, policy_id)


def require_publishable(connection: Connection, policy_id: str, *, by: str) -> None:
    """Raises PolicyNotFound, PolicyFixed where it is no draft, SelfPublication where the same person drafted it."""
    known = get(connection, policy_id)
    if known.state != "draft":
        raise PolicyFixed("This version is published already; draft a new one")
    if users.key(known.drafted_by) == users.key(by):
        raise SelfPublication("Whoever drafted a version cannot publish it: ask a second person")


def get(connection: Connection, policy_id: str) -> KnownPolicy:
    """One version. Raises PolicyNotFound."""
    found = policies.by_id(connection, policy_id)
    if found is None:
        raise PolicyNotFound("There is no such policy version")
    return found


def in_force(connection: Connection, desk: Desk, on: date, at: int | None = None) -> KnownPolicy:
    """The version in force on a day, as known now or at a place in the order of record. Raises PolicyNotFound."""
    policy = as_known(connection, desk, at).in_force(on)
    if policy is None:
        raise PolicyNotFound(f"No policy is in force on {on}")
    return get(connection, policy.id)


def listed(connection: Connection, *, state: str | None, before: int | None, limit: int) -> list[KnownPolicy]:
    """Versions, newest first."""
    return policies.listed(connection, state=state, before=before, limit=limit)


def ensure_default(connection: Connection, desk: Desk) -> None:
    """A fresh installation has the default policy in force: FINRA 3220 and the firm pack."""
    if policies.last_version(connection):
        return
    # Several processes may start at once: the first to take the epoch does it, the others look again.
    policies.next_epoch(connection)
    if policies.last_version(connection):
        return
    drafted = draft(connection, desk, packs.default_document(), name=None, by="propriety", door="set-up")
    journal = desk.journal()
    published(connection, desk, drafted.id, effective_from=ALWAYS, by="set-up", journal=journal, door="set-up")
    journal.seal(connection)
