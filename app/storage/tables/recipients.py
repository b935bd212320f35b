"""Recipients: who got something, whom they work for, and which records are one person."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class EmployerRow(Base):
    """A firm that recipients work for. `name_key` is the name as compared, so that one firm is one row."""

    __tablename__ = "employers"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    touched_sequence: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class RecipientRow(Base):
    """A natural person who got something. `match_key` finds the person again who was first named on an entry.

    `canonical_id` is the person whom this record turned out to be, at the end of all merges; otherwise its own id.
    `place_from` is the day from which type and employer are as they stand here; before it, their history says.
    """

    __tablename__ = "recipients"
    __table_args__ = (
        Index("recipients_by_name", "name_key", "id"),
        Index("recipients_by_employer", "employer_id", "id"),
        Index("recipients_by_canonical", "canonical_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str]
    type: Mapped[str]
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))
    email: Mapped[str | None]
    match_key: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str | None]
    canonical_id: Mapped[str]
    place_from: Mapped[date | None]
    touched_sequence: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class ExternalIdRow(Base):
    """A recipient's id in another system."""

    __tablename__ = "external_ids"
    __table_args__ = (Index("external_ids_by_recipient", "recipient_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))


class AliasRow(Base):
    """Another name that a recipient goes by, or went by."""

    __tablename__ = "aliases"

    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class RecipientKeyRow(Base):
    """A key that a recipient shares with whoever may be the same person; derived from what is known of them."""

    __tablename__ = "recipient_keys"
    __table_args__ = (Index("recipient_keys_by_recipient", "recipient_id"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(primary_key=True)


class PlaceRow(Base):
    """What a recipient was from a day on: their type and the employer they worked for."""

    __tablename__ = "places"

    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"), primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    type: Mapped[str]
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))


class FormerPlaceRow(Base):
    """What was known until a place in the order of record of a recipient's types and employers: the whole of it."""

    __tablename__ = "former_places"

    recipient_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"), primary_key=True)
    known_until: Mapped[int] = mapped_column(primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    type: Mapped[str]
    employer_id: Mapped[str | None] = mapped_column(ForeignKey("employers.id"))


class MergeRow(Base):
    """Two records found to be one person: `drop_id` is shown under `keep_id` until the merge is undone."""

    __tablename__ = "merges"
    __table_args__ = (
        Index("merges_by_keep", "keep_id"),
        Index(
            "merges_one_per_drop",
            "drop_id",
            unique=True,
            postgresql_where=text("known_until IS NULL"),
            sqlite_where=text("known_until IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    keep_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    drop_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    reason: Mapped[str]
    merged_by: Mapped[str]
    merged_at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]
    undone_reason: Mapped[str | None]
    known_from: Mapped[int]
    known_until: Mapped[int | None]


class DistinctionRow(Base):
    """Two recipients who look alike and are not the same person, as somebody found out. The lower id stands first."""

    __tablename__ = "distinctions"
    __table_args__ = (
        Index("distinctions_by_other", "other_id"),
        Index(
            "distinctions_one_per_pair",
            "one_id",
            "other_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    one_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    other_id: Mapped[str] = mapped_column(ForeignKey("recipients.id"))
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None]
