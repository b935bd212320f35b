"""Approvals: a second person agrees with one version of an entry; the approval falls when the entry changes."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.entries import Standing
from app.domain.refusals import Conflict, StaleVersion
from app.domain.reviews import SelfReview
from app.services import entries, reviews
from app.services.desk import Desk
from app.services.entries import EntryNotFound, Recorded
from app.storage import approvals
from app.storage import entries as entry_rows
from app.storage.approvals import KnownApproval
from app.storage.entries import KnownEntry
from app.storage.ids import new_id


class NotApprovable(Conflict):
    code = "not_approvable"
    title = "The entry cannot be approved"


class ApprovedVersionStale(StaleVersion):
    code = "approved_version_stale"
    title = "The entry has another version by now"


def approve(
    connection: Connection, desk: Desk, principal: Principal, entry_id: str, *, version: int, note: str
) -> Recorded:
    """Agrees with an entry as it stands. Raises EntryNotFound, SelfReview, ApprovedVersionStale or NotApprovable."""
    principal.require(Permission.APPROVE)
    known = entry_rows.by_id(connection, [entry_id]).get(entry_id)
    if known is None or not entries.may_see(principal, known):
        raise EntryNotFound("There is no such entry")
    reviews.require_impartial(connection, principal.person, known)
    for supervisor in principal.oversees.stands_in_for:
        _require_impartial_supervisor(connection, supervisor, known)
    if known.version != version:
        raise ApprovedVersionStale(f"The entry is at version {known.version}; read it again")
    if known.entry.standing is not Standing.LIVE:
        raise NotApprovable("A withdrawn or returned entry is not approved")
    if entry_id in approvals.standing(connection, [entry_id]):
        raise NotApprovable("This version is approved already")
    stamp, journal = desk.stamp(principal.person, reason=note), desk.journal()
    approval = KnownApproval(new_id("apr"), entry_id, version, principal.person, stamp.at, note, None)
    if not entry_rows.hold(connection, entry_id, version):
        raise ApprovedVersionStale("The entry was changed at this moment; read it again")
    approvals.add(connection, approval)
    journal.note(approval.id, 1, "approval.given", {"entry": entry_id, "version": version}, stamp)
    journal.seal(connection)
    return entries.get(connection, desk, principal, entry_id)


def _require_impartial_supervisor(connection: Connection, supervisor: str, known: KnownEntry) -> None:
    try:
        reviews.require_impartial(connection, supervisor, known)
    except SelfReview as involved:
        raise SelfReview(
            "You stand in for somebody who submitted, gave, hosted or received this; somebody else reviews it"
        ) from involved
