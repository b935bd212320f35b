"""Merge proposals: two of our recipients are one person in another system; an officer, or the connection, decides.

MergeProposalNotFound   404
MergeProposalDecided    409  somebody decided before
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import Stamp
from app.domain.refusals import Conflict, NotFound
from app.services import merges
from app.services.desk import Desk
from app.services.merges import Effect
from app.storage import merge_proposals
from app.storage import recipients as recipient_rows
from app.storage.ids import new_id
from app.storage.merge_proposals import KnownMergeProposal as KnownMergeProposal


class MergeProposalNotFound(NotFound):
    code = "merge_proposal_not_found"


class MergeProposalDecided(Conflict):
    code = "merge_proposal_decided"
    title = "Somebody decided on this before"


def propose(
    connection: Connection, desk: Desk, connection_id: str, keep_id: str, drop_id: str, *, apply: bool
) -> KnownMergeProposal | None:
    """Puts a merge before the officers, once, or carries it out; None where the two are one person already."""
    known = merge_proposals.of_pair(connection, keep_id, drop_id)
    canon = {id: one.canonical_id for id, one in recipient_rows.by_id(connection, [keep_id, drop_id]).items()}
    if known is not None or canon[keep_id] == canon[drop_id]:
        return known
    stamp = desk.stamp(connection_id, door="webhook", reason="merged in the connected system")
    made = KnownMergeProposal(
        new_id("mpr"), 1, connection_id, keep_id, drop_id, "proposed", stamp.reason, stamp.at, None, None, None
    )
    if apply:
        try:
            effect = merges.merge(connection, desk, keep_id, drop_id, reason=stamp.reason, by=connection_id)
        except (merges.AlreadyMerged, merges.MergedInCircle, merges.NotOnePerson) as refusal:
            made = made._replace(reason=refusal.detail)
        else:
            made = made._replace(state="applied", decided_at=stamp.at, merge_id=effect.merge.id)
    merge_proposals.add(connection, made)
    _note(connection, desk, made, "merge.proposed", stamp)
    return made


def accept(
    connection: Connection, desk: Desk, principal: Principal, proposal_id: str, *, reason: str
) -> tuple[KnownMergeProposal, Effect]:
    """Merges the two. Raises RoleForbids, MergeProposalNotFound, MergeProposalDecided, and what a merge raises."""
    before = _undecided(connection, principal, proposal_id)
    effect = merges.merge(connection, desk, before.keep_id, before.drop_id, reason=reason, by=principal.person)
    return _decided(connection, desk, before, principal, "accepted", reason, effect.merge.id), effect


def decline(
    connection: Connection, desk: Desk, principal: Principal, proposal_id: str, *, reason: str
) -> KnownMergeProposal:
    """Leaves the two apart, for good. Raises RoleForbids, MergeProposalNotFound or MergeProposalDecided."""
    before = _undecided(connection, principal, proposal_id)
    return _decided(connection, desk, before, principal, "declined", reason, None)


def listed(
    connection: Connection, principal: Principal, *, state: str | None, after: str | None, limit: int
) -> list[KnownMergeProposal]:
    """Proposals, newest first. Raises RoleForbids."""
    principal.require(Permission.MERGE_RECIPIENTS)
    return merge_proposals.listed(connection, state=state, after=after, limit=limit)


def _undecided(connection: Connection, principal: Principal, proposal_id: str) -> KnownMergeProposal:
    principal.require(Permission.MERGE_RECIPIENTS)
    found = merge_proposals.by_id(connection, proposal_id, hold=True)
    if found is None:
        raise MergeProposalNotFound("There is no such proposal")
    if found.state != "proposed":
        raise MergeProposalDecided(f"The proposal is {found.state}")
    return found


def _decided(
    connection: Connection,
    desk: Desk,
    before: KnownMergeProposal,
    principal: Principal,
    state: str,
    reason: str,
    merge_id: str | None,
) -> KnownMergeProposal:
    stamp = desk.stamp(principal.person, reason=reason)
    after = before._replace(
        version=before.version + 1,
        state=state,
        reason=reason,
        decided_by=principal.person,
        decided_at=stamp.at,
        merge_id=merge_id,
    )
    merge_proposals.keep(connection, after)
    _note(connection, desk, after, f"merge.{state}", stamp)
    return after


def _note(connection: Connection, desk: Desk, one: KnownMergeProposal, action: str, stamp: Stamp) -> None:
    journal = desk.journal()
    facts: Mapping[str, object] = {
        "keep": one.keep_id,
        "drop": one.drop_id,
        "state": one.state,
        "connection": one.connection_id,
        "merge": one.merge_id,
    }
    journal.note(one.id, one.version, action, facts, stamp)
    journal.seal(connection)
