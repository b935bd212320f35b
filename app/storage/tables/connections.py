"""Connections: systems outside that tell us things, what they told, and what we know of their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ConnectionRow(Base):
    """A system outside whose messages are taken. `source` is how external ids name it; `account`, which one of theirs.

    `mapping` is JSON. `base_url` is where its records are fetched; with `token_url`, after a token was fetched there.
    """

    __tablename__ = "connections"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    provider: Mapped[str]
    source: Mapped[str]
    account: Mapped[str]
    mapping: Mapped[str]
    base_url: Mapped[str]
    token_url: Mapped[str]
    client_id: Mapped[str]
    state: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ConnectionSecretRow(Base):
    """A secret that proves messages, or opens their system to us, until it expires; sealed, never readable here."""

    __tablename__ = "connection_secrets"
    __table_args__ = (Index("connection_secrets_by_connection", "connection_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    purpose: Mapped[str]
    sealed: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ReceiptRow(Base):
    """One message that arrived and was proved. `fingerprint` is what its copies have alike: it is kept once.

    `sealed` is the message itself, null once its person was forgotten. `kind` is such as `contact.updated`, empty where
    we know none. Whoever processes it holds the `lease` until `leased_until`.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        Index("receipts_once", "connection_id", "fingerprint", unique=True),
        Index("receipts_by_connection", "connection_id", "id"),
        Index("receipts_by_state", "connection_id", "state", "id"),
        Index("receipts_about", "connection_id", "noun", "external_id"),
        Index(
            "receipts_due",
            "next_attempt_at",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    fingerprint: Mapped[str]
    kind: Mapped[str]
    noun: Mapped[str]
    external_id: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    copies: Mapped[int]
    sealed: Mapped[str | None]
    digest: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]


class CounterpartRow(Base):
    """What another system has said of one record of its own. `facts` is all of it that counts, as JSON.

    `recipient_id` or `entry_id` is what it became here, beside its draft; `applied`, what we last made of it, so that
    what a person changed since can be told apart. `ours` is 1 where the recipient was made of it.
    """

    __tablename__ = "counterparts"
    __table_args__ = (Index("counterparts_by_recipient", "recipient_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    noun: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[str]
    state: Mapped[str]
    applied: Mapped[str]
    ours: Mapped[int]
    recipient_id: Mapped[str | None] = mapped_column(ForeignKey("recipients.id"))
    entry_id: Mapped[str | None]
    changed_at: Mapped[datetime]


class MentionRow(Base):
    """One record of another system that speaks of another one: a contact of its organization, or of who it is now."""

    __tablename__ = "mentions"
    __table_args__ = (Index("mentions_of", "source", "of_noun", "of_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    noun: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    of_noun: Mapped[str] = mapped_column(primary_key=True)
    of_id: Mapped[str] = mapped_column(primary_key=True)


class MergeProposalRow(Base):
    """A merge that another system made, for an officer to accept or decline; `merge_id` once it was carried out."""

    __tablename__ = "merge_proposals"
    __table_args__ = (
        Index("merge_proposals_once", "keep_id", "drop_id", unique=True),
        Index("merge_proposals_by_state", "state", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    keep_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    drop_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    state: Mapped[str]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    merge_id: Mapped[str | None] = mapped_column(ForeignKey("merges.id"))
