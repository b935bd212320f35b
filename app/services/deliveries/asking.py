"""Asking about deliveries and for more of them: what came of each, a replay, a test.

DeliveryNotFound      404
SubscriptionStopped   409  a subscription that is disabled is sent nothing
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.refusals import Conflict, NotFound
from app.domain.subscriptions import DeliveryState, SubscriptionState, message_of_test
from app.services import audit, subscriptions
from app.services.desk import Desk
from app.services.subscriptions import KnownSubscription
from app.storage import deliveries
from app.storage import subscriptions as rows
from app.storage.deliveries import Attempt, DeliveryFilter, KnownDelivery
from app.storage.ids import new_id
from app.storage.subscriptions import KnownReplay


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"


class SubscriptionStopped(Conflict):
    code = "subscription_disabled"
    title = "The subscription is disabled"


def listed(
    connection: Connection,
    principal: Principal,
    subscription_id: str,
    wanted: DeliveryFilter,
    *,
    after: str | None,
    limit: int,
) -> list[KnownDelivery]:
    """Deliveries of a subscription, newest first. Raises RoleForbids or SubscriptionNotFound."""
    subscriptions.get(connection, principal, subscription_id)
    return deliveries.listed(connection, subscription_id, wanted, after=after, limit=limit)


def standing(connection: Connection, subscription_id: str) -> dict[str, int]:
    """How many deliveries are pending, delivered and dead; together they are all that were ever made."""
    found = deliveries.counts(connection, subscription_id)
    return {state.value: found.get(state.value, 0) for state in DeliveryState}


def attempts(
    connection: Connection, principal: Principal, delivery_id: str, *, after: str | None, limit: int
) -> list[Attempt]:
    """The attempts at a delivery, first one first. Raises RoleForbids or DeliveryNotFound."""
    principal.require(Permission.MANAGE_SUBSCRIPTIONS)
    if deliveries.by_id(connection, delivery_id) is None:
        raise DeliveryNotFound("There is no such delivery")
    return deliveries.attempts(connection, delivery_id, after=after, limit=limit)


def replay(
    connection: Connection, desk: Desk, principal: Principal, subscription_id: str, delivery_id: str
) -> KnownReplay:
    """Sends one delivery's message again, the same bytes with the same id.

    Raises RoleForbids, SubscriptionNotFound, SubscriptionStopped, or DeliveryNotFound for those of others too.
    """
    subscription = _going(connection, principal, subscription_id)
    again = deliveries.by_id(connection, delivery_id)
    if again is None or again.subscription_id != subscription.id:
        raise DeliveryNotFound("The subscription has no such delivery")
    stamp = desk.stamp(principal.person)
    position = again.position or 0
    under_way = deliveries.pending_messages(connection, subscription.id, [again.message_id])
    made = KnownReplay(
        id=new_id("rpl"),
        subscription_id=subscription.id,
        delivery_id=delivery_id,
        since=None,
        position=position,
        until_position=position,
        made=0 if under_way else 1,
        created_by=stamp.actor,
        created_at=stamp.at,
        finished_at=stamp.at,
    )
    rows.add_replay(connection, made)
    if not under_way:
        fresh = _fresh(again, stamp.at)._replace(id=new_id("dlv"), replay_id=made.id)
        deliveries.add(connection, [fresh])
    return made


def replay_since(
    connection: Connection, desk: Desk, principal: Principal, subscription_id: str, since: datetime
) -> KnownReplay:
    """Tells again everything since a moment that the subscription wants and that was told before now.

    Raises RoleForbids, SubscriptionNotFound or SubscriptionStopped.
    """
    subscription = _going(connection, principal, subscription_id)
    stamp = desk.stamp(principal.person)
    first = min(audit.place_of(connection, desk, since), subscription.position)
    made = KnownReplay(
        id=new_id("rpl"),
        subscription_id=subscription.id,
        delivery_id=None,
        since=since,
        position=first,
        until_position=subscription.position,
        made=0,
        created_by=stamp.actor,
        created_at=stamp.at,
        finished_at=stamp.at if first == subscription.position else None,
    )
    rows.add_replay(connection, made)
    return made


def test(connection: Connection, desk: Desk, principal: Principal, subscription_id: str) -> KnownDelivery:
    """Sends a message that means nothing, by the way all others go. Raises as `replay_since` does."""
    subscription = _going(connection, principal, subscription_id)
    now = desk.clock()
    body = message_of_test(subscription.id, subscription.version, now, base_url=desk.settings.public_url)
    made = KnownDelivery(
        id=new_id("dlv"),
        subscription_id=subscription.id,
        message_id=new_id("msg"),
        position=None,
        event="subscription.test",
        entity_id=subscription.id,
        body=body,
        state=DeliveryState.PENDING.value,
        attempts=0,
        next_attempt_at=now,
        lease=None,
        leased_until=None,
        last_status=None,
        last_error=None,
        replay_id=None,
        created_at=now,
        finished_at=None,
    )
    deliveries.add(connection, [made])
    return made


def _fresh(one: KnownDelivery, now: datetime) -> KnownDelivery:
    return one._replace(
        state=DeliveryState.PENDING.value,
        attempts=0,
        next_attempt_at=now,
        lease=None,
        leased_until=None,
        last_status=None,
        last_error=None,
        created_at=now,
        finished_at=None,
    )


def _going(connection: Connection, principal: Principal, subscription_id: str) -> KnownSubscription:
    """The subscription, held: its place in the log is what a replay ends at."""
    found = subscriptions.held(connection, principal, subscription_id)
    if found.state != SubscriptionState.ACTIVE:
        raise SubscriptionStopped("Make it active first: PATCH with state active")
    return found
