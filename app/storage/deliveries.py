"""Deliveries: the messages on their way, who is sending which, and what came of every attempt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal_column, or_, select, update

from app.domain.subscriptions import DeliveryState, SubscriptionState
from app.storage.database import among, insert_rows
from app.storage.tables import DeliveryAttemptRow, DeliveryRow, SubscriptionRow


class KnownDelivery(NamedTuple):
    """A message for one subscription. `position` is its fact's place in the log, None for a test."""

    id: str
    subscription_id: str
    message_id: str
    position: int | None
    event: str
    entity_id: str
    body: str
    state: str
    attempts: int
    next_attempt_at: datetime | None
    lease: str | None
    leased_until: datetime | None
    last_status: int | None
    last_error: str | None
    replay_id: str | None
    created_at: datetime
    finished_at: datetime | None


class Attempt(NamedTuple):
    """One attempt: the status of the answer, or a word for why there was none."""

    id: str
    delivery_id: str
    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None


class DeliveryFilter(NamedTuple):
    """What narrows a list of deliveries; None asks for nothing."""

    state: str | None = None
    event: str | None = None


_ALL = select(*(getattr(DeliveryRow, column) for column in KnownDelivery._fields))
_ATTEMPTS = select(*(getattr(DeliveryAttemptRow, column) for column in Attempt._fields))
# Written out and not bound, so that SQLite too sees that the index of what is pending answers it.
_PENDING = DeliveryRow.state == literal_column(f"'{DeliveryState.PENDING.value}'")


def add(connection: Connection, deliveries: Sequence[KnownDelivery]) -> None:
    """New deliveries."""
    insert_rows(connection, DeliveryRow, KnownDelivery._fields, deliveries)


def by_id(connection: Connection, delivery_id: str) -> KnownDelivery | None:
    """One delivery."""
    row = connection.execute(_ALL.where(DeliveryRow.id == delivery_id)).first()
    return KnownDelivery._make(row) if row else None


def listed(
    connection: Connection, subscription_id: str, wanted: DeliveryFilter, *, after: str | None, limit: int
) -> list[KnownDelivery]:
    """Deliveries of a subscription, newest first."""
    question = _ALL.where(DeliveryRow.subscription_id == subscription_id)
    for column, value in ((DeliveryRow.state, wanted.state), (DeliveryRow.event, wanted.event)):
        if value is not None:
            question = question.where(column == value)
    if after:
        question = question.where(DeliveryRow.id < after)
    rows = connection.execute(question.order_by(DeliveryRow.id.desc()).limit(limit))
    return [KnownDelivery._make(row) for row in rows]


def counts(connection: Connection, subscription_id: str) -> dict[str, int]:
    """How many deliveries of a subscription there are, by state."""
    question = (
        select(DeliveryRow.state, func.count().label("many"))
        .where(DeliveryRow.subscription_id == subscription_id)
        .group_by(DeliveryRow.state)
    )
    return {row.state: row.many for row in connection.execute(question)}


def pending_messages(connection: Connection, subscription_id: str, message_ids: Iterable[str]) -> set[str]:
    """The messages among these that are on their way already."""
    question = select(DeliveryRow.message_id).where(
        DeliveryRow.subscription_id == subscription_id,
        _PENDING,
        among(connection, DeliveryRow.message_id, message_ids),
    )
    return set(connection.execute(question).scalars())


def due_subscriptions(connection: Connection, now: datetime) -> list[str]:
    """Active subscriptions with something to send at this moment, the one that waits longest first.

    One look into an index for each subscription, however much waits.
    """
    waiting = (
        select(DeliveryRow.next_attempt_at)
        .where(DeliveryRow.subscription_id == SubscriptionRow.id, _due(now))
        .order_by(DeliveryRow.next_attempt_at)
        .limit(1)
        .scalar_subquery()
    )
    active = (
        select(SubscriptionRow.id, waiting.label("since"))
        .where(
            SubscriptionRow.state == SubscriptionState.ACTIVE.value,
            or_(SubscriptionRow.paused_until.is_(None), SubscriptionRow.paused_until <= now),
        )
        .subquery()
    )
    question = select(active.c.id).where(active.c.since.is_not(None)).order_by(active.c.since)
    return list(connection.execute(question).scalars())


def claim(
    connection: Connection, subscription_id: str, *, lease: str, now: datetime, until: datetime, limit: int
) -> list[KnownDelivery]:
    """Deliveries that are due, from now on for whoever holds the lease to send until it runs out."""
    question = select(DeliveryRow.id).where(DeliveryRow.subscription_id == subscription_id, _due(now))
    free = question.order_by(DeliveryRow.next_attempt_at, DeliveryRow.id).limit(limit).with_for_update(skip_locked=True)
    ids = list(connection.execute(free).scalars())
    if not ids:
        return []
    mine = DeliveryRow.id.in_(ids)
    connection.execute(update(DeliveryRow).where(mine).values(lease=lease, leased_until=until))
    return [KnownDelivery._make(row) for row in connection.execute(_ALL.where(mine).order_by(DeliveryRow.id))]


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(DeliveryRow.leased_until.is_(None), DeliveryRow.leased_until < now)
    return and_(_PENDING, DeliveryRow.next_attempt_at <= now, free)


def settle(connection: Connection, after: KnownDelivery, *, lease: str) -> bool:
    """How a delivery stands after an attempt; False where the lease has passed to somebody else, who will say so."""
    values = after._asdict() | {"lease": None, "leased_until": None}
    mine = and_(DeliveryRow.id == after.id, DeliveryRow.lease == lease, _PENDING)
    return connection.execute(update(DeliveryRow).where(mine).values(values)).rowcount == 1


def give_up(connection: Connection, subscription_id: str, *, error: str, at: datetime) -> None:
    """Everything of a subscription that is on its way arrives no more."""
    connection.execute(
        update(DeliveryRow)
        .where(DeliveryRow.subscription_id == subscription_id, _PENDING)
        .values(
            state=DeliveryState.DEAD.value,
            last_error=error,
            finished_at=at,
            next_attempt_at=None,
            lease=None,
            leased_until=None,
        )
    )


def add_attempt(connection: Connection, attempt: Attempt) -> None:
    """One more attempt."""
    connection.execute(insert(DeliveryAttemptRow).values(attempt._asdict()))


def attempts(connection: Connection, delivery_id: str, *, after: str | None, limit: int) -> list[Attempt]:
    """The attempts at a delivery, first one first."""
    question = _ATTEMPTS.where(DeliveryAttemptRow.delivery_id == delivery_id)
    if after:
        question = question.where(DeliveryAttemptRow.id > after)
    return [Attempt._make(row) for row in connection.execute(question.order_by(DeliveryAttemptRow.id).limit(limit))]
