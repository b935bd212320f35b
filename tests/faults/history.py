"""Defects in how history is written, each of which some test of history must catch."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from app.domain import audit as domain
from app.services import journal
from app.services.journal import Journal
from app.storage import audit


def a_record_is_skipped(patch: pytest.MonkeyPatch) -> None:
    """Of every seven state changes one leaves no record."""
    note, count = Journal.note, [0]

    def skipping(self: Journal, *arguments: Any) -> None:
        count[0] += 1
        if count[0] % 7:
            note(self, *arguments)

    patch.setattr(Journal, "note", skipping)


def a_kind_of_change_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Whatever recalculation does to a case that is there already leaves no record."""
    note = Journal.note

    def forgetful(self: Journal, entity_id: str, version: int, action: str, *rest: Any) -> None:
        if not (action.startswith("violation.") and version > 1):
            note(self, entity_id, version, action, *rest)

    patch.setattr(Journal, "note", forgetful)


def records_are_sealed_apart(patch: pytest.MonkeyPatch) -> None:
    """History is written through another connection, and so also of what never came to pass."""
    seal = Journal.seal

    def apart(self: Journal, connection: Any) -> None:
        with connection.engine.connect() as own, own.begin():
            seal(self, own)

    patch.setattr(Journal, "seal", apart)


def leaves_look_like_nodes(patch: pytest.MonkeyPatch) -> None:
    """A record is hashed behind the byte that stands before two subtrees."""
    wrong = lambda body: sha256(b"\x01" + body).digest()  # noqa: E731
    for module in (domain, journal):
        patch.setattr(module, "leaf_hash", wrong)


def the_head_stays_behind(patch: pytest.MonkeyPatch) -> None:
    """The last record of a transaction is not in the head's tree."""
    append = audit.append

    def short(connection: Any, records: Any, tree: Any) -> None:
        before = audit.head(connection, records[0].log_id)
        append(
            connection, records, before.plus(bytes.fromhex(one.leaf) for one in records[:-1]) if records[1:] else tree
        )

    patch.setattr(audit, "append", short)


def facts_are_written_as_they_come(patch: pytest.MonkeyPatch) -> None:
    """The bytes depend on the order in which facts were put together."""
    import json

    patch.setattr(journal, "canonical", lambda value: json.dumps(value, ensure_ascii=False))


DEFECTS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    a_record_is_skipped,
    a_kind_of_change_is_forgotten,
    leaves_look_like_nodes,
    the_head_stays_behind,
    facts_are_written_as_they_come,
)
