"""Fanning out: committed records become deliveries, once for every subscription that wants them, in the log's order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

from app.domain.policies import PolicyBook, Rule
from app.domain.subscriptions import DeliveryState, Payload, figures, matches, message
from app.services import audit, policies
from app.services.audit import Record, RecordFilter
from app.services.desk import Desk
from app.storage import deliveries, subscriptions
from app.storage.deliveries import KnownDelivery
from app.storage.ids import new_id
from app.storage.subscriptions import KnownReplay, KnownSubscription

RECORDS_AT_ONCE = 500
_SUBSCRIPTIONS_AT_ONCE = 50


def something_to_make(connection: Connection, desk: Desk) -> bool:
    """Whether a subscription has not been told of all that is in the log, or is to be told again."""
    return subscriptions.any_behind(connection, audit.size(connection, desk)) or subscriptions.any_replay(connection)


def fan_out(connection: Connection, desk: Desk, *, at_once: int = RECORDS_AT_ONCE) -> int:
    """Makes the deliveries of the next records for every subscription that is behind; how many records were read.

    The place a subscription has got to moves in the same transaction, so no record is told twice and none is left out.
    """
    behind = subscriptions.take_behind(connection, audit.size(connection, desk), limit=_SUBSCRIPTIONS_AT_ONCE)
    read = cache(lambda position: _records(connection, desk, position, at_once))
    told = 0
    for one in behind:
        records = read(one.position)
        wanted = [record for record in records if matches(one.events, record.action)]
        _make(connection, desk, one, wanted)
        subscriptions.advance(connection, one.id, records[-1].position + 1)
        told += len(records)
    return told


def repeat(connection: Connection, desk: Desk, *, at_once: int = RECORDS_AT_ONCE) -> int:
    """Makes the next deliveries of replays; how many records were read. What is on its way already is left alone."""
    told = 0
    for one in subscriptions.take_replays(connection, limit=_SUBSCRIPTIONS_AT_ONCE):
        subscription = subscriptions.by_id(connection, one.subscription_id)
        if subscription is not None:
            told += _repeat(connection, desk, subscription, one, at_once)
    return told


def _repeat(
    connection: Connection, desk: Desk, subscription: KnownSubscription, replay: KnownReplay, at_once: int
) -> int:
    records = [
        record
        for record in _records(connection, desk, replay.position, at_once)
        if record.position < replay.until_position
    ]
    wanted = [
        record
        for record in records
        if record.body
        and matches(subscription.events, record.action)
        and (replay.since is None or record.at >= replay.since)
    ]
    under_way = deliveries.pending_messages(connection, subscription.id, map(message_id, wanted))
    again = [record for record in wanted if message_id(record) not in under_way]
    _make(connection, desk, subscription, again, replay_id=replay.id)
    position = records[-1].position + 1 if records else replay.until_position
    done = position >= replay.until_position
    subscriptions.advance_replay(
        connection,
        replay._replace(position=position, made=replay.made + len(again), finished_at=desk.clock() if done else None),
    )
    return len(records)


def message_id(record: Record) -> str:
    """A message's id: the start of its record's hash, so that the same fact always goes by the same id."""
    return f"msg_{record.leaf[:32]}"


def _records(connection: Connection, desk: Desk, position: int, limit: int) -> Sequence[Record]:
    return audit.records(connection, desk, RecordFilter(), after=position - 1, limit=limit)


def _make(
    connection: Connection,
    desk: Desk,
    subscription: KnownSubscription,
    records: Sequence[Record],
    *,
    replay_id: str | None = None,
) -> None:
    now = desk.clock()
    told = teller(connection, desk, Payload(subscription.payload))
    ids = sorted(new_id("dlv") for _ in records)  # so that their order is the log's
    deliveries.add(
        connection,
        [
            KnownDelivery(
                id=id,
                subscription_id=subscription.id,
                message_id=message_id(record),
                position=record.position,
                event=record.action,
                entity_id=record.entity_id,
                body=told(record),
                state=DeliveryState.PENDING.value,
                attempts=0,
                next_attempt_at=now,
                lease=None,
                leased_until=None,
                last_status=None,
                last_error=None,
                replay_id=replay_id,
                created_at=now,
                finished_at=None,
            )
            for id, record in zip(ids, records, strict=True)
        ],
    )


def teller(connection: Connection, desk: Desk, payload: Payload) -> Callable[[Record], str]:
    """How records are told: as thin as that, or with figures."""
    base = desk.settings.public_url
    if payload is Payload.THIN:
        return lambda one: message(one.action, one.at, one.entity_id, one.entity_version, base_url=base)
    book = policies.current(connection, desk)

    def full(one: Record) -> str:
        facts: dict[str, Any] = json.loads(one.body)["facts"]
        more = figures(one.action, facts, _rule(book, facts))
        return message(one.action, one.at, one.entity_id, one.entity_version, base_url=base, more=more)

    return full


def _rule(book: PolicyBook, facts: dict[str, Any]) -> Rule | None:
    policy = book.by_id.get(str(facts.get("policy")))
    return policy.by_id.get(str(facts.get("rule"))) if policy else None
