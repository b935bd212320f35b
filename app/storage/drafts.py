"""Drafts: proposed entries, whose they are, where they come from, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select, update

from app.domain.audit import canonical
from app.domain.drafts import DraftState, ProposedEntry, from_document, to_document
from app.storage.database import among
from app.storage.tables import DraftRow


@dataclass(frozen=True, slots=True)
class KnownDraft:
    """A draft as it stands. `about` is what it is of: meeting, expense or entry.

    `proposal` is what would be recorded, `said` what the source says now, `said_when_settled` what it said when the
    draft was closed.
    """

    id: str
    version: int
    state: DraftState
    owner: str
    source: str | None
    external_id: str | None
    about: str
    label: str
    proposal: ProposedEntry
    said: ProposedEntry
    said_when_settled: ProposedEntry | None
    source_withdrawn_at: datetime | None
    proposed_by: str
    proposed_at: datetime
    changed_at: datetime
    closed_by: str | None = None
    closed_at: datetime | None = None
    reason: str | None = None
    entry_id: str | None = None


class DraftFilter(NamedTuple):
    """What narrows a list of drafts; None asks for nothing."""

    owner: str | None = None
    state: str | None = None
    source: str | None = None
    external_id: str | None = None
    about: str | None = None
    occurred_from: date | None = None
    occurred_to: date | None = None


_DOCUMENTS = {"proposal": "document", "said": "source_document", "said_when_settled": "settled_document"}
_COLUMNS = tuple(_DOCUMENTS.get(one.name, one.name) for one in fields(KnownDraft))
_ALL = select(*(getattr(DraftRow, column) for column in _COLUMNS))


def add(connection: Connection, draft: KnownDraft) -> None:
    """A new draft. A unique violation means that its source proposed it at this moment."""
    connection.execute(insert(DraftRow).values(**_written(draft)))


def swap(connection: Connection, draft: KnownDraft) -> bool:
    """A draft's next version in place of the one before. False where somebody was faster."""
    changed = connection.execute(
        update(DraftRow).where(DraftRow.id == draft.id, DraftRow.version == draft.version - 1).values(**_written(draft))
    )
    return changed.rowcount == 1


def by_id(connection: Connection, draft_id: str) -> KnownDraft | None:
    """One draft."""
    return _first(connection, DraftRow.id == draft_id)


def by_source(connection: Connection, source: str, external_id: str) -> KnownDraft | None:
    """The draft about a thing of another system; held until the transaction ends."""
    return _first(connection, (DraftRow.source == source) & (DraftRow.external_id == external_id), hold=True)


def of_entries(connection: Connection, entry_ids: Iterable[str]) -> dict[str, str]:
    """The drafts that entries were confirmed from, by entry."""
    rows = connection.execute(
        select(DraftRow.entry_id, DraftRow.id).where(among(connection, DraftRow.entry_id, entry_ids))
    )
    return {row.entry_id: row.id for row in rows}


def listed(connection: Connection, wanted: DraftFilter, *, after: str | None, limit: int) -> list[KnownDraft]:
    """Drafts, newest first."""
    question = _ALL.where(*_conditions(wanted))
    if after:
        question = question.where(DraftRow.id < after)
    return [_known(row) for row in connection.execute(question.order_by(DraftRow.id.desc()).limit(limit))]


def _conditions(wanted: DraftFilter) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (DraftRow.owner, wanted.owner),
        (DraftRow.state, wanted.state),
        (DraftRow.source, wanted.source),
        (DraftRow.external_id, wanted.external_id),
        (DraftRow.about, wanted.about),
    ):
        if value is not None:
            yield column == value
    if wanted.occurred_from:
        yield DraftRow.occurred_on >= wanted.occurred_from
    if wanted.occurred_to:
        yield DraftRow.occurred_on <= wanted.occurred_to


def _first(connection: Connection, which: ColumnElement[bool], *, hold: bool = False) -> KnownDraft | None:
    question = _ALL.where(which)
    row = connection.execute(question.with_for_update() if hold else question).first()
    return _known(row) if row else None


def _known(row: Any) -> KnownDraft:
    read = dict(zip((one.name for one in fields(KnownDraft)), row, strict=True))
    read["state"] = DraftState(read["state"])
    for name in _DOCUMENTS:
        read[name] = from_document(json.loads(read[name])) if read[name] is not None else None
    return KnownDraft(**read)


def _written(draft: KnownDraft) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for one, column in zip(fields(draft), _COLUMNS, strict=True):
        value = getattr(draft, one.name)
        row[column] = canonical(to_document(value)) if isinstance(value, ProposedEntry) else value
    return row | {"state": draft.state.value, "occurred_on": draft.proposal.occurred_on}
