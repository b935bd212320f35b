"""Subscriptions: who is told what, the sealed secrets they verify with, and what is told a second time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from app.domain.subscriptions import SubscriptionState
from app.storage.database import among
from app.storage.tables import ReplayRow, SubscriptionRow, SubscriptionSecretRow


class KnownSubscription(NamedTuple):
    """A subscription as it stands. `position` is the next place in the log that it has not been told of."""

    id: str
    version: int
    url: str
    description: str
    events: tuple[str, ...]
    payload: str
    state: str
    position: int
    failing_since: datetime | None
    paused_until: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_by: str
    created_at: datetime
    changed_at: datetime


class KnownSecret(NamedTuple):
    """A secret, sealed; None in `expires_at` is the newest one."""

    id: str
    subscription_id: str
    sealed: str
    created_at: datetime
    expires_at: datetime | None


class KnownReplay(NamedTuple):
    """What is told again: one delivery, or everything from `since` on. `made` counts the deliveries made for it."""

    id: str
    subscription_id: str
    delivery_id: str | None
    since: datetime | None
    position: int
    until_position: int
    made: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None


_ALL = select(*(getattr(SubscriptionRow, column) for column in KnownSubscription._fields))
_SECRETS = select(*(getattr(SubscriptionSecretRow, column) for column in KnownSecret._fields))
_REPLAYS = select(*(getattr(ReplayRow, column) for column in KnownReplay._fields))
_ACTIVE = SubscriptionRow.state == SubscriptionState.ACTIVE.value
_NOT_ENDED = SubscriptionRow.state != SubscriptionState.ENDED.value


def _read(row: object) -> KnownSubscription:
    known = KnownSubscription._make(row)  # type: ignore[arg-type]
    return known._replace(events=tuple(json.loads(str(known.events))))


def _written(one: KnownSubscription) -> dict[str, object]:
    return one._asdict() | {"events": json.dumps(one.events)}


def add(connection: Connection, subscription: KnownSubscription) -> None:
    """A new subscription."""
    connection.execute(insert(SubscriptionRow).values(_written(subscription)))


def by_id(connection: Connection, subscription_id: str, *, hold: bool = False) -> KnownSubscription | None:
    """One subscription, ended ones too; with `hold`, nobody else can change it until the transaction ends."""
    question = _ALL.where(SubscriptionRow.id == subscription_id)
    row = connection.execute(question.with_for_update() if hold else question).first()
    return _read(row) if row else None


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, KnownSubscription]:
    """The subscriptions that exist among the ids."""
    rows = connection.execute(_ALL.where(among(connection, SubscriptionRow.id, ids)))
    return {row.id: _read(row) for row in rows}


def change(connection: Connection, after: KnownSubscription, *, version: int) -> bool:
    """Keeps a subscription's next version, but for its place in the log; False where it is not at `version`."""
    values = _written(after)
    del values["position"]
    done = connection.execute(
        update(SubscriptionRow).where(SubscriptionRow.id == after.id, SubscriptionRow.version == version).values(values)
    )
    return done.rowcount == 1


def listed(connection: Connection, *, after: str | None, limit: int) -> list[KnownSubscription]:
    """Subscriptions that have not ended, newest first."""
    question = _ALL.where(_NOT_ENDED)
    if after:
        question = question.where(SubscriptionRow.id < after)
    return [_read(row) for row in connection.execute(question.order_by(SubscriptionRow.id.desc()).limit(limit))]


def disabled(connection: Connection) -> list[KnownSubscription]:
    """Subscriptions that are told nothing at present, oldest first."""
    question = _ALL.where(SubscriptionRow.state == SubscriptionState.DISABLED.value)
    return [_read(row) for row in connection.execute(question.order_by(SubscriptionRow.id))]


def any_behind(connection: Connection, size: int) -> bool:
    """Whether an active subscription has not been told of everything in a log of that size."""
    question = select(SubscriptionRow.id).where(_ACTIVE, SubscriptionRow.position < size).limit(1)
    return connection.execute(question).first() is not None


def take_behind(connection: Connection, size: int, *, limit: int) -> list[KnownSubscription]:
    """Active subscriptions behind a log of that size, held; those that somebody else holds are theirs to serve."""
    question = _ALL.where(_ACTIVE, SubscriptionRow.position < size).order_by(SubscriptionRow.position).limit(limit)
    return [_read(row) for row in connection.execute(question.with_for_update(skip_locked=True))]


def advance(connection: Connection, subscription_id: str, position: int) -> None:
    """Everything before a place in the log has been told; the caller holds the subscription."""
    connection.execute(update(SubscriptionRow).where(SubscriptionRow.id == subscription_id).values(position=position))


def note_failure(connection: Connection, subscription_id: str, *, at: datetime, paused_until: datetime | None) -> None:
    """A failure: the first one since a success is remembered, and until when the receiver asked for rest."""
    mine = SubscriptionRow.id == subscription_id
    connection.execute(
        update(SubscriptionRow).where(mine, SubscriptionRow.failing_since.is_(None)).values(failing_since=at)
    )
    if paused_until is not None:
        connection.execute(update(SubscriptionRow).where(mine).values(paused_until=paused_until))


def note_success(connection: Connection, subscription_id: str) -> None:
    """Whatever failed before, the receiver answers again."""
    connection.execute(
        update(SubscriptionRow)
        .where(
            SubscriptionRow.id == subscription_id,
            or_(SubscriptionRow.failing_since.is_not(None), SubscriptionRow.paused_until.is_not(None)),
        )
        .values(failing_since=None, paused_until=None)
    )


# Secrets


def add_secret(connection: Connection, secret: KnownSecret) -> None:
    """A new secret."""
    connection.execute(insert(SubscriptionSecretRow).values(secret._asdict()))


def secrets(connection: Connection, subscription_id: str, now: datetime) -> list[KnownSecret]:
    """The secrets that hold at a moment, newest first."""
    question = _SECRETS.where(
        SubscriptionSecretRow.subscription_id == subscription_id,
        or_(SubscriptionSecretRow.expires_at.is_(None), SubscriptionSecretRow.expires_at > now),
    )
    rows = connection.execute(question.order_by(SubscriptionSecretRow.id.desc()))
    return [KnownSecret._make(row) for row in rows]


def expire_secret(connection: Connection, secret_id: str, at: datetime) -> None:
    """A secret holds until a moment."""
    connection.execute(update(SubscriptionSecretRow).where(SubscriptionSecretRow.id == secret_id).values(expires_at=at))


def forget_secrets(connection: Connection, subscription_id: str, *, but: Iterable[str] = ()) -> None:
    """Deletes the secrets of a subscription that are of no more use."""
    connection.execute(
        delete(SubscriptionSecretRow).where(
            SubscriptionSecretRow.subscription_id == subscription_id,
            SubscriptionSecretRow.id.not_in(list(but)),
        )
    )


# Replays


def add_replay(connection: Connection, replay: KnownReplay) -> None:
    """A new replay."""
    connection.execute(insert(ReplayRow).values(replay._asdict()))


def any_replay(connection: Connection) -> bool:
    """Whether something is still to be told again."""
    return connection.execute(_running().limit(1)).first() is not None


def take_replays(connection: Connection, *, limit: int) -> list[KnownReplay]:
    """Replays that are not finished, held; those that somebody else holds are theirs."""
    question = _running().order_by(ReplayRow.id).limit(limit).with_for_update(skip_locked=True, of=ReplayRow)
    return [KnownReplay._make(row) for row in connection.execute(question)]


def _running() -> Select[Any]:
    return _REPLAYS.join(SubscriptionRow, SubscriptionRow.id == ReplayRow.subscription_id).where(
        ReplayRow.finished_at.is_(None), _ACTIVE
    )


def advance_replay(connection: Connection, replay: KnownReplay) -> None:
    """How far a replay has got; the caller holds it."""
    values = {"position": replay.position, "made": replay.made, "finished_at": replay.finished_at}
    connection.execute(update(ReplayRow).where(ReplayRow.id == replay.id).values(values))
