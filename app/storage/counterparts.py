"""Counterparts: what other systems said of their records, and which of them speak of which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from app.domain.connections import Counterpart, Noun, readable, written
from app.storage.database import among
from app.storage.tables import CounterpartRow, MentionRow


class Key(NamedTuple):
    """A record of another system."""

    source: str
    noun: str
    external_id: str


class KnownCounterpart(NamedTuple):
    """A record of another system as far as we know it. `applied`, as JSON, is what we last made of it."""

    source: str
    noun: str
    external_id: str
    facts: Counterpart
    state: str
    applied: str
    ours: int
    recipient_id: str | None
    entry_id: str | None
    changed_at: datetime

    @property
    def key(self) -> Key:
        """Which one it is."""
        return Key(self.source, self.noun, self.external_id)


_ALL = select(*(getattr(CounterpartRow, column) for column in KnownCounterpart._fields))


def _read(row: object) -> KnownCounterpart:
    known = KnownCounterpart._make(row)  # type: ignore[arg-type]
    return known._replace(facts=readable(str(known.facts)))


def _written(one: KnownCounterpart) -> dict[str, object]:
    return one._asdict() | {"facts": written(one.facts)}


def held(connection: Connection, key: Key) -> KnownCounterpart | None:
    """One record, which nobody else changes until the transaction ends."""
    mine = (getattr(CounterpartRow, name) == value for name, value in key._asdict().items())
    row = connection.execute(_ALL.where(*mine).with_for_update()).first()
    return _read(row) if row else None


def add(connection: Connection, one: KnownCounterpart) -> None:
    """A record that nobody has spoken of. A unique violation means that somebody does at this moment."""
    connection.execute(insert(CounterpartRow).values(_written(one)))


def keep(connection: Connection, one: KnownCounterpart) -> None:
    """A record as it stands by now; the caller holds it."""
    mine = (getattr(CounterpartRow, name) == value for name, value in one.key._asdict().items())
    connection.execute(update(CounterpartRow).where(*mine).values(_written(one)))


def among_ids(connection: Connection, source: str, noun: Noun, ids: Iterable[str]) -> dict[str, KnownCounterpart]:
    """The records that are known among the ids."""
    question = _ALL.where(
        CounterpartRow.source == source,
        CounterpartRow.noun == noun.value,
        among(connection, CounterpartRow.external_id, ids),
    )
    return {row.external_id: _read(row) for row in connection.execute(question)}


def mention(connection: Connection, key: Key, others: Iterable[tuple[Noun, str]]) -> None:
    """The records that one speaks of, in place of those before."""
    mine = {"source": key.source, "noun": key.noun, "external_id": key.external_id}
    connection.execute(delete(MentionRow).where(*(getattr(MentionRow, name) == value for name, value in mine.items())))
    rows = [mine | {"of_noun": noun.value, "of_id": id} for noun, id in sorted(set(others))]
    if rows:
        connection.execute(insert(MentionRow), rows)


def mentioning(connection: Connection, key: Key) -> Sequence[Key]:
    """The records that speak of one, in an order."""
    question = select(MentionRow.source, MentionRow.noun, MentionRow.external_id).where(
        MentionRow.source == key.source, MentionRow.of_noun == key.noun, MentionRow.of_id == key.external_id
    )
    rows = connection.execute(question.order_by(MentionRow.noun, MentionRow.external_id))
    return [Key._make(row) for row in rows]
