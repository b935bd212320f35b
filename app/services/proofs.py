"""Proofs: the arithmetic behind a violation or behind any result of an entry, for whoever may see it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.policies import PolicyBook
from app.services import causes, entries, policies, screening, violations
from app.services.desk import Desk
from app.services.screening import Proof
from app.storage import entries as entry_rows
from app.storage import screening as answers
from app.storage.screening import Known


@dataclass(frozen=True, slots=True)
class Shown:
    """A proof, the answers that were given before it, and the entries that may be laid bare to whoever asks."""

    proof: Proof
    history: Sequence[Known]
    visible: Set[str]
    book: PolicyBook


def of_violation(connection: Connection, principal: Principal, violation_id: str, *, at: int | None = None) -> Shown:
    """The proof of a case's last answer, or of the last by a place in the order of record. Raises ViolationNotFound."""
    case = violations.get(connection, principal, violation_id, at=at)
    history = answers.history(connection, rule_id=case.rule_id, entry_id=case.entry_id, shown=case.shown, at=at)
    return _shown(connection, principal, history)


def of_entry(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    entry_id: str,
    *,
    rule_id: str | None,
    at: int | None = None,
) -> list[Shown]:
    """The proofs of an entry's results as they are, or were. Raises EntryNotFound."""
    entries.get(connection, desk, principal, entry_id, at=at)
    current = answers.of_entries(connection, [entry_id], at)
    return [
        _shown(
            connection,
            principal,
            answers.history(
                connection,
                rule_id=one.assessment.line.rule_id,
                entry_id=entry_id,
                shown=one.assessment.line.shown,
                at=at,
            ),
        )
        for one in current
        if rule_id in (None, one.assessment.line.rule_id)
    ]


def _shown(connection: Connection, principal: Principal, history: Sequence[Known]) -> Shown:
    proof = screening.prove(connection, history[-1])
    read = {line.entry.id for line in proof.lines}
    visible = read if principal.may(Permission.READ_ALL) else _own(connection, principal, read)
    told = causes.known_to(connection, principal, (one.cause for one in history))
    history = [one if one.cause in told else one._replace(cause=None) for one in history]
    return Shown(proof, history, visible, policies.read(connection))


def _own(connection: Connection, principal: Principal, ids: Set[str]) -> set[str]:
    known = entry_rows.by_id(connection, ids)
    return {id for id, one in known.items() if entries.may_see(principal, one)}
