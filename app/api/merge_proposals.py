"""Merge proposals over HTTP: what a connected system found to be one person, for an officer to decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, In, Limit, LongText
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.audit import iso
from app.services import merge_proposals
from app.services.merge_proposals import KnownMergeProposal

router = APIRouter(prefix="/v1", tags=["recipients"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class ProposalState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    APPLIED = "applied"


class ProposalDecision(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"


class ProposalDecisionIn(In):
    """Whether the two are one person, and how that is known."""

    decision: ProposalDecision
    reason: LongText


class MergeProposalOut(BaseModel):
    """Two recipients that a connected system made one; `merge_id` once they are one here."""

    id: str
    version: int
    connection_id: str
    keep_id: str
    drop_id: str
    state: ProposalState
    reason: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    merge_id: str | None


@router.get("/merge-proposals", response_model=ListOut[MergeProposalOut])
def list_merge_proposals(
    by: AskedBy, state: ProposalState | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Response:
    """Merges in connected systems, newest first."""
    wanted = state.value if state else None
    question = fingerprint("merge-proposals", wanted)
    after = read_cursor(cursor, question, str)
    found = merge_proposals.listed(
        by.connection, by.principal, state=wanted, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_proposal(one) for one in shown], "page": where})


@router.post(
    "/merge-proposals/{proposal_id}/decision",
    status_code=201,
    response_model=MergeProposalOut,
    responses={404: {"model": Problem}, 409: {"model": Problem}, 422: {"model": Problem}},
)
def create_merge_decision(proposal_id: AnyId, body: ProposalDecisionIn, acting: ActingAs) -> Response:
    """Merge the two, or leave them apart; what a merge changes is judged anew."""
    desk = acting.desk
    if body.decision is ProposalDecision.DECLINE:
        decided = acting.write(
            lambda connection, who: merge_proposals.decline(connection, desk, who, proposal_id, reason=body.reason)
        )
    else:
        decided, _ = acting.write(
            lambda connection, who: merge_proposals.accept(connection, desk, who, proposal_id, reason=body.reason)
        )
    return answer(_proposal(decided), 201)


def _proposal(one: KnownMergeProposal) -> dict[str, Any]:
    decided = iso(one.decided_at) if one.decided_at else None
    return one._asdict() | {"proposed_at": iso(one.proposed_at), "decided_at": decided}
