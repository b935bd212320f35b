"""Subscriptions: made, changed, ended, and stopped where nobody answers; their secrets are shown once and kept sealed.

SubscriptionNotFound   404  absent, or ended
SubscriptionChanged    412  somebody changed it since you read it
UnknownEvent           422  no event or group of events has this name
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.refusals import Fault, NotFound, StaleVersion, Unprocessable
from app.domain.subscriptions import EVENTS, Payload, SubscriptionState, known_pattern, write_secret
from app.domain.targets import TargetNotAllowed
from app.services import audit, secrets, targets
from app.services.desk import Desk
from app.storage import deliveries, subscriptions
from app.storage.ids import new_id
from app.storage.subscriptions import KnownSecret as KnownSecret
from app.storage.subscriptions import KnownSubscription as KnownSubscription

_log = logging.getLogger(__name__)
_SECRET_BYTES = 32


class SubscriptionNotFound(NotFound):
    code = "subscription_not_found"


class SubscriptionChanged(StaleVersion):
    code = "subscription_changed"


class UnknownEvent(Unprocessable):
    code = "unknown_event"
    title = "No event has this name"


def check_url(desk: Desk, url: str) -> None:
    """Raises TargetNotAllowed for a URL that is never called. It may look a name up: not for inside a transaction."""
    try:
        targets.require_target(url, targets.allowed_by(desk.settings))
    except TargetNotAllowed as refused:
        raise TargetNotAllowed.at("/url", refused.detail) from None


def create(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    *,
    url: str,
    events: Sequence[str],
    description: str,
    payload: Payload,
) -> tuple[KnownSubscription, KnownSecret, str]:
    """A new subscription to what happens from now on, and its secret, which is shown this once.

    Raises RoleForbids, UnknownEvent, NoSecretKey. The caller has checked the URL.
    """
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    _require_readable(principal, payload)
    _require_known(events)
    stamp = desk.stamp(principal.person)
    journal = desk.journal()
    made = KnownSubscription(
        id=new_id("sub"),
        version=1,
        url=url,
        description=description,
        events=tuple(events),
        payload=payload.value,
        state=SubscriptionState.ACTIVE.value,
        position=0,
        failing_since=None,
        paused_until=None,
        disabled_at=None,
        disabled_reason=None,
        created_by=principal.person,
        created_at=stamp.at,
        changed_at=stamp.at,
    )
    journal.note(made.id, 1, "subscription.created", _facts(made), stamp)
    journal.seal(connection)
    # After the seal, which holds the log's head: exactly what comes after this transaction is told.
    made = made._replace(position=audit.size(connection, desk))
    subscriptions.add(connection, made)
    return made, *_new_secret(connection, desk, made.id, stamp.at)


def change(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    subscription_id: str,
    *,
    version: int,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    payload: Payload | None = None,
    state: SubscriptionState | None = None,
) -> KnownSubscription:
    """A subscription's next version. One made active again goes on where it stopped, so nothing is missed.

    Raises RoleForbids, SubscriptionNotFound, SubscriptionChanged, UnknownEvent. The caller has checked a new URL.
    """
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    before = _held(connection, subscription_id)
    if before.version != version:
        raise SubscriptionChanged(f"The subscription is at version {before.version}")
    _require_known(events or ())
    stamp = desk.stamp(principal.person)
    after = before._replace(
        url=before.url if url is None else url,
        events=before.events if events is None else tuple(events),
        description=before.description if description is None else description,
        payload=before.payload if payload is None else payload.value,
    )
    if (after.url, after.payload) != (before.url, before.payload):
        _require_readable(principal, Payload(after.payload))
    if state is not None and state.value != before.state:
        after = _stopped(after, "by_owner", stamp.at) if state is SubscriptionState.DISABLED else _going(after)
    return _kept(connection, desk, before, after, "subscription.changed", stamp)


def end(connection: Connection, desk: Desk, principal: Principal, subscription_id: str) -> KnownSubscription:
    """Tells nothing more, forgets the secrets, and keeps the record. Raises RoleForbids or SubscriptionNotFound."""
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    before = _held(connection, subscription_id)
    stamp = desk.stamp(principal.person)
    after = before._replace(state=SubscriptionState.ENDED.value, disabled_at=stamp.at, disabled_reason="ended")
    deliveries.give_up(connection, before.id, error="subscription_ended", at=stamp.at)
    subscriptions.forget_secrets(connection, before.id)
    return _kept(connection, desk, before, after, "subscription.ended", stamp)


def rotate(
    connection: Connection, desk: Desk, principal: Principal, subscription_id: str, *, overlap: timedelta
) -> tuple[KnownSecret, str, Sequence[KnownSecret]]:
    """A new secret, its text, which is shown this once, and the other that still signs until the overlap ends.

    At most two sign: one that was in its overlap already ends now.
    Raises RoleForbids, SubscriptionNotFound or NoSecretKey.
    """
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    before = _held(connection, subscription_id)
    stamp = desk.stamp(principal.person)
    older = subscriptions.secrets(connection, before.id, stamp.at)[:1] if overlap else []
    subscriptions.forget_secrets(connection, before.id, but=[one.id for one in older])
    ends = stamp.at + overlap
    for one in older:
        subscriptions.expire_secret(connection, one.id, ends)
    secret, text = _new_secret(connection, desk, before.id, stamp.at)
    _kept(connection, desk, before, before, "subscription.secret_rotated", stamp)
    return secret, text, [one._replace(expires_at=ends) for one in older]


def disable(connection: Connection, desk: Desk, subscription_id: str, *, reason: str) -> None:
    """Tells nothing more until the owner says so, and makes that known: in the record, in history and in the log."""
    before = subscriptions.by_id(connection, subscription_id, hold=True)
    if before is None or before.state != SubscriptionState.ACTIVE:
        return
    stamp = desk.stamp("propriety", door="worker", reason=reason)
    after = _stopped(before, reason, stamp.at)
    _kept(connection, desk, before, after, "subscription.disabled", stamp)
    _log.error("subscription %s of %s is disabled: %s", before.id, before.created_by, reason)


def get(connection: Connection, principal: Principal, subscription_id: str) -> KnownSubscription:
    """One subscription. Raises RoleForbids or SubscriptionNotFound."""
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    found = subscriptions.by_id(connection, subscription_id)
    if found is None or found.state == SubscriptionState.ENDED:
        raise SubscriptionNotFound("There is no such subscription")
    return found


def held(connection: Connection, principal: Principal, subscription_id: str) -> KnownSubscription:
    """One subscription, which nobody else changes until the transaction ends. Raises as `get` does."""
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    return _held(connection, subscription_id)


def listed(connection: Connection, principal: Principal, *, after: str | None, limit: int) -> list[KnownSubscription]:
    """Subscriptions, newest first. Raises RoleForbids."""
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    return subscriptions.listed(connection, after=after, limit=limit)


def secrets_of(connection: Connection, subscription_id: str, now: datetime) -> list[KnownSecret]:
    """The secrets that hold now, newest first, sealed."""
    return subscriptions.secrets(connection, subscription_id, now)


def unsealed(desk: Desk, held: Sequence[KnownSecret]) -> list[str]:
    """The secrets themselves. Raises Unreadable or NoSecretKey."""
    return [write_secret(secrets.unseal(desk.settings, one.sealed, owner=one.id)) for one in held]


def _held(connection: Connection, subscription_id: str) -> KnownSubscription:
    found = subscriptions.by_id(connection, subscription_id, hold=True)
    if found is None or found.state == SubscriptionState.ENDED:
        raise SubscriptionNotFound("There is no such subscription")
    return found


def _kept(
    connection: Connection,
    desk: Desk,
    before: KnownSubscription,
    after: KnownSubscription,
    action: str,
    stamp: Stamp,
) -> KnownSubscription:
    after = after._replace(version=before.version + 1, changed_at=stamp.at)
    if not subscriptions.change(connection, after, version=before.version):
        raise SubscriptionChanged("The subscription was changed at this moment; read it again")
    journal = desk.journal()
    journal.note(after.id, after.version, action, _facts(after), stamp)
    journal.seal(connection)
    return after


def _stopped(one: KnownSubscription, reason: str, at: datetime) -> KnownSubscription:
    return one._replace(state=SubscriptionState.DISABLED.value, disabled_at=at, disabled_reason=reason)


def _going(one: KnownSubscription) -> KnownSubscription:
    return one._replace(
        state=SubscriptionState.ACTIVE.value,
        disabled_at=None,
        disabled_reason=None,
        failing_since=None,
        paused_until=None,
    )


def _new_secret(connection: Connection, desk: Desk, subscription_id: str, at: datetime) -> tuple[KnownSecret, str]:
    raw, secret_id = os.urandom(_SECRET_BYTES), new_id("whs")
    secret = KnownSecret(secret_id, subscription_id, secrets.seal(desk.settings, raw, owner=secret_id), at, None)
    subscriptions.add_secret(connection, secret)
    return secret, write_secret(raw)


def _facts(one: KnownSubscription) -> dict[str, object]:
    """What history says: of the URL only its origin, since the rest of it often opens something."""
    url = urlsplit(one.url)
    facts: dict[str, object] = {
        "origin": f"{url.scheme}://{url.netloc}",
        "events": list(one.events),
        "payload": one.payload,
        "state": one.state,
    }
    return facts | ({"why": one.disabled_reason} if one.disabled_reason else {})


def _require_known(events: Sequence[str]) -> None:
    faults = [
        Fault(f"/events/{place}", UnknownEvent.code, "write the name of an event, or `violation.*`")
        for place, event in enumerate(events)
        if not known_pattern(event)
    ]
    if faults:
        raise UnknownEvent(f"Known are: {', '.join(EVENTS)}", faults)


def _require_readable(principal: Principal, payload: Payload) -> None:
    """Whoever sends figures out must be allowed to read them: an administrator may not."""
    if payload is Payload.FULL:
        principal.require(Permission.READ_ALL)
