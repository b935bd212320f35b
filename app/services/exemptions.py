"""Exemptions: documents on record that cover what would otherwise be decided as a violation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.exemptions import Exemption
from app.domain.refusals import Conflict, NotFound, Unprocessable
from app.services import policies
from app.services.desk import Desk
from app.services.recipients import UnknownEmployer, UnknownRecipient
from app.services.violations.settling import covers
from app.storage import exemptions as rows
from app.storage import recipients as recipient_rows
from app.storage.exemptions import KnownExemption as KnownExemption
from app.storage.ids import new_id
from app.storage.violations import KnownViolation


class ExemptionNotFound(NotFound):
    code = "exemption_not_found"


class ExemptionExists(Conflict):
    code = "exemption_exists"
    title = "That document is on record already"


class ExemptionEndsEarly(Unprocessable):
    code = "exemption_ends_early"
    title = "The exemption ends before it begins"


class UnknownRule(Unprocessable):
    code = "unknown_rule"
    title = "There is no such rule"


class UnknownExemption(Unprocessable):
    code = "unknown_exemption"
    title = "There is no such exemption"


class ExemptionDoesNotCover(Unprocessable):
    code = "exemption_does_not_cover"
    title = "The exemption does not cover this"


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be put on record: its number, who issued it, what it exempts, and where it is kept."""

    number: str
    issued_by: str
    exempts: Exemption
    document_ref: str
    note: str


def record(connection: Connection, desk: Desk, principal: Principal, document: Document) -> KnownExemption:
    """Puts a document on record; it never changes.

    Raises RoleForbids, ExemptionEndsEarly, UnknownRule, UnknownRecipient, UnknownEmployer or ExemptionExists.
    """
    principal.require(Permission.REVIEW)
    _check(connection, desk, document.exempts)
    if rows.numbered(connection, number=document.number, issued_by=document.issued_by) is not None:
        raise ExemptionExists(f"{document.issued_by} {document.number} is on record already")
    stamp, journal = desk.stamp(principal.person), desk.journal()
    known = KnownExemption(
        new_id("exm"),
        document.number,
        document.issued_by,
        document.exempts,
        document.document_ref,
        document.note,
        stamp.actor,
        stamp.at,
    )
    rows.add(connection, known)
    journal.note(known.id, 1, "exemption.recorded", _facts(known), stamp)
    journal.seal(connection)
    return known


def _check(connection: Connection, desk: Desk, exempts: Exemption) -> None:
    if exempts.effective_to < exempts.effective_from:
        raise ExemptionEndsEarly.at("/effective_to", "effective_to lies before effective_from")
    known_rules = {rule.id for policy in policies.current(connection, desk).by_id.values() for rule in policy.rules}
    for place, rule_id in enumerate(exempts.rule_ids):
        if rule_id not in known_rules:
            raise UnknownRule.at(f"/rule_ids/{place}", "No published policy has a rule of this id")
    people = recipient_rows.by_id(connection, exempts.recipient_ids)
    for place, recipient_id in enumerate(exempts.recipient_ids):
        if recipient_id not in people:
            raise UnknownRecipient.at(f"/recipient_ids/{place}", "There is no recipient with this id")
    employers = recipient_rows.employers_by_id(connection, exempts.employer_ids)
    for place, employer_id in enumerate(exempts.employer_ids):
        if employer_id not in employers:
            raise UnknownEmployer.at(f"/employer_ids/{place}", "There is no employer with this id")


def _facts(known: KnownExemption) -> dict[str, object]:
    exempts = known.exempts
    return {
        "number": known.number,
        "issued_by": known.issued_by,
        "rules": list(exempts.rule_ids),
        "recipients": list(exempts.recipient_ids),
        "employers": list(exempts.employer_ids),
        "effective_from": exempts.effective_from.isoformat(),
        "effective_to": exempts.effective_to.isoformat(),
        "document_ref": known.document_ref,
        "note": known.note,
    }


def get(connection: Connection, principal: Principal, exemption_id: str) -> KnownExemption:
    """One document. Raises RoleForbids or ExemptionNotFound."""
    principal.require(Permission.READ_ALL)
    found = rows.by_id(connection, [exemption_id]).get(exemption_id)
    if found is None:
        raise ExemptionNotFound("There is no such exemption")
    return found


def listed(connection: Connection, principal: Principal, *, after: str | None, limit: int) -> list[KnownExemption]:
    """The documents, last recorded first. Raises RoleForbids."""
    principal.require(Permission.READ_ALL)
    return rows.listed(connection, after=after, limit=limit)


def require_covers(connection: Connection, exemption_id: str, case: KnownViolation) -> None:
    """Raises UnknownExemption, or ExemptionDoesNotCover with the reason, unless a document covers a case."""
    known = rows.by_id(connection, [exemption_id]).get(exemption_id)
    if known is None:
        raise UnknownExemption.at("/exemption_id", "There is no exemption with this id")
    why_not = covers(known, case, recipient_rows.groups(connection, [case.shown]))
    if why_not is not None:
        raise ExemptionDoesNotCover.at("/exemption_id", f"{known.issued_by} {known.number}: {why_not}")
