"""Merge proposals: merges that other systems made, and what officers decided on them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from app.storage.tables import MergeProposalRow


class KnownMergeProposal(NamedTuple):
    """A merge in another system: proposed, accepted, declined, or applied without asking."""

    id: str
    version: int
    connection_id: str
    keep_id: str
    drop_id: str
    state: str
    reason: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    merge_id: str | None


_ALL = select(*(getattr(MergeProposalRow, column) for column in KnownMergeProposal._fields))


def add(connection: Connection, one: KnownMergeProposal) -> None:
    """A new proposal."""
    connection.execute(insert(MergeProposalRow).values(one._asdict()))


def of_pair(connection: Connection, keep_id: str, drop_id: str) -> KnownMergeProposal | None:
    """The proposal about two recipients, decided ones too."""
    mine = (MergeProposalRow.keep_id == keep_id, MergeProposalRow.drop_id == drop_id)
    row = connection.execute(_ALL.where(*mine)).first()
    return KnownMergeProposal._make(row) if row else None


def by_id(connection: Connection, proposal_id: str, *, hold: bool = False) -> KnownMergeProposal | None:
    """One proposal; with `hold`, nobody else can decide on it until the transaction ends."""
    question = _ALL.where(MergeProposalRow.id == proposal_id)
    row = connection.execute(question.with_for_update() if hold else question).first()
    return KnownMergeProposal._make(row) if row else None


def keep(connection: Connection, one: KnownMergeProposal) -> None:
    """A proposal as it stands by now; the caller holds it."""
    connection.execute(update(MergeProposalRow).where(MergeProposalRow.id == one.id).values(one._asdict()))


def listed(connection: Connection, *, state: str | None, after: str | None, limit: int) -> list[KnownMergeProposal]:
    """Proposals, newest first."""
    question = _ALL
    if state:
        question = question.where(MergeProposalRow.state == state)
    if after:
        question = question.where(MergeProposalRow.id < after)
    rows = connection.execute(question.order_by(MergeProposalRow.id.desc()).limit(limit))
    return [KnownMergeProposal._make(row) for row in rows]
