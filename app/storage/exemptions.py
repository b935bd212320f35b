"""Exemptions: the documents on record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from app.domain.audit import canonical
from app.domain.exemptions import Exemption
from app.storage.database import among
from app.storage.tables import ExemptionRow


@dataclass(frozen=True, slots=True)
class KnownExemption:
    """A document with its number, where it is kept, and what it exempts."""

    id: str
    number: str
    issued_by: str
    exempts: Exemption
    document_ref: str
    note: str
    recorded_by: str
    recorded_at: datetime


def add(connection: Connection, known: KnownExemption) -> None:
    """A new document. A unique violation means that somebody recorded it at this moment."""
    exempts = known.exempts
    connection.execute(
        insert(ExemptionRow).values(
            id=known.id,
            number=known.number,
            issued_by=known.issued_by,
            rule_ids=canonical(exempts.rule_ids),
            recipient_ids=canonical(exempts.recipient_ids),
            employer_ids=canonical(exempts.employer_ids),
            effective_from=exempts.effective_from,
            effective_to=exempts.effective_to,
            document_ref=known.document_ref,
            note=known.note,
            recorded_by=known.recorded_by,
            recorded_at=known.recorded_at,
        )
    )


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, KnownExemption]:
    """The documents that exist among the ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(select(ExemptionRow.__table__).where(among(connection, ExemptionRow.id, wanted)))
    return {row.id: _known(row) for row in rows}


def numbered(connection: Connection, *, number: str, issued_by: str) -> str | None:
    """The id of the document with a number, None where it is not on record."""
    row = ExemptionRow
    return connection.scalar(select(row.id).where(row.number == number, row.issued_by == issued_by))


def listed(connection: Connection, *, after: str | None, limit: int) -> list[KnownExemption]:
    """The documents, last recorded first."""
    question = select(ExemptionRow.__table__)
    if after:
        question = question.where(ExemptionRow.id < after)
    return [_known(row) for row in connection.execute(question.order_by(ExemptionRow.id.desc()).limit(limit))]


def _known(row: Row[Any]) -> KnownExemption:
    rules, people, employers = (tuple(json.loads(text)) for text in (row.rule_ids, row.recipient_ids, row.employer_ids))
    exempts = Exemption(rules, people, employers, row.effective_from, row.effective_to)
    return KnownExemption(
        row.id,
        row.number,
        row.issued_by,
        exempts,
        row.document_ref,
        row.note,
        row.recorded_by,
        row.recorded_at,
    )
