"""Subscriptions: whoever is told what happens, and how the telling went."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class SubscriptionRow(Base):
    """Somebody outside who is told what happens: where, of which events (a JSON list of patterns), and how much.

    `position` is the place in the log up to which messages were made for it, so that the log is the outbox.
    `failing_since` is the first failure after the last success; `paused_until`, what the receiver asked for.
    """

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[str]
    payload: Mapped[str]
    state: Mapped[str]
    position: Mapped[int]
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SubscriptionSecretRow(Base):
    """A secret that a subscription's messages are signed with until it expires; sealed, never readable here."""

    __tablename__ = "subscription_secrets"
    __table_args__ = (Index("subscription_secrets_by_subscription", "subscription_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ReplayRow(Base):
    """What is told a second time: one delivery, or everything from a moment on; `position` is how far that has got."""

    __tablename__ = "replays"
    __table_args__ = (
        Index(
            "replays_unfinished",
            "subscription_id",
            "id",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    delivery_id: Mapped[str | None]
    since: Mapped[datetime | None]
    position: Mapped[int]
    until_position: Mapped[int]
    made: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """One message on its way to one subscription: the exact bytes, how often it was tried and when it is tried next.

    `message_id` comes from the audit record, so it is the same in every attempt and every replay. `position` is null
    for a test. Whoever sends it holds the `lease` until `leased_until`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_by_subscription", "subscription_id", "id"),
        Index("deliveries_by_state", "subscription_id", "state", "id"),
        Index("deliveries_by_event", "subscription_id", "event", "id"),
        Index(
            "deliveries_due",
            "subscription_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index(
            "deliveries_once_per_message",
            "subscription_id",
            "message_id",
            unique=True,
            postgresql_where=text("replay_id IS NULL"),
            sqlite_where=text("replay_id IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscriptions.id"))
    message_id: Mapped[str]
    position: Mapped[int | None]
    event: Mapped[str]
    entity_id: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    replay_id: Mapped[str | None] = mapped_column(ForeignKey("replays.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DeliveryAttemptRow(Base):
    """One attempt at a delivery: the status it was answered with, or a word for why there was no answer."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index("delivery_attempts_by_delivery", "delivery_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]


class DigestRow(Base):
    """The digest of one person for one day: sent, with nothing to say, or still to be sent."""

    __tablename__ = "digests"

    person: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    position: Mapped[int]
