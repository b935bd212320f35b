"""Erasures: what has been kept long enough, and taking the words out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from app.domain.audit import canonical
from app.domain.erasures import ERASED, without_words
from app.storage.database import among
from app.storage.tables import (
    AliasRow,
    ApprovalRow,
    CounterpartRow,
    DispositionRow,
    DraftRow,
    EntryRow,
    EntryVersionRow,
    ExpenseRow,
    ExternalIdRow,
    IdempotencyKeyRow,
    ImportLineRow,
    ImportRow,
    LegalHoldRow,
    QuestionRow,
    ReadRow,
    ReceiptRow,
    RecipientKeyRow,
    RecipientRow,
    ReportPartRow,
    ReportProductionRow,
    ShareRow,
    ViolationLinkRow,
    ViolationRow,
)


def entries_due(connection: Connection, *, day: date, moment: datetime, limit: int) -> list[str]:
    """Ids of entries that may go: of an event and records before the day and moment, in no open case, on no hold."""
    return list(connection.scalars(_entries(day, moment, held=False).order_by(EntryRow.id).limit(limit)))


def count_entries(connection: Connection, *, day: date, moment: datetime, held: bool) -> int:
    """How many entries' time is over, on which a legal hold lies, or none."""
    question = select(func.count()).select_from(_entries(day, moment, held=held).subquery())
    return connection.scalar(question) or 0


def _entries(day: date, moment: datetime, *, held: bool) -> Select[str]:
    version, case = EntryVersionRow, ViolationRow
    kept_since = exists().where(version.entry_id == EntryRow.id, version.recorded_at >= moment)
    in_a_case = exists().where(case.entry_id == EntryRow.id, or_(case.closed_on.is_(None), case.changed_at >= moment))
    on_hold = _held_entry()
    return select(EntryRow.id).where(
        EntryRow.erased_at.is_(None),
        EntryRow.occurred_on <= day,
        ~kept_since,
        ~in_a_case,
        on_hold if held else ~on_hold,
    )


def _held_entry() -> ColumnElement[bool]:
    hold, share, person, named = LegalHoldRow, ShareRow, RecipientRow, aliased(RecipientRow)
    of_person = (
        exists()
        .where(share.entry_id == EntryRow.id, person.id.in_((share.recipient_id, share.client_id)))
        .where(named.id == hold.recipient_id, named.canonical_id == person.canonical_id)
    )
    of_employer = exists().where(
        share.entry_id == EntryRow.id,
        or_(share.employer_id == hold.employer_id, share.client_employer_id == hold.employer_id),
    )
    return exists().where(
        hold.released_at.is_(None),
        or_(hold.giver.is_(None), hold.giver == EntryRow.giver, hold.giver == EntryRow.submitted_by),
        or_(hold.starts_on.is_(None), hold.starts_on <= EntryRow.occurred_on),
        or_(hold.ends_on.is_(None), hold.ends_on >= EntryRow.occurred_on),
        or_(hold.recipient_id.is_(None), of_person),
        or_(hold.employer_id.is_(None), of_employer),
    )


def recipients_due(connection: Connection, *, moment: datetime, limit: int) -> list[str]:
    """Ids of people whose every entry is erased, who were first known before a moment, and whom no hold names."""
    return list(connection.scalars(_recipients(moment).order_by(RecipientRow.id).limit(limit)))


def count_recipients(connection: Connection, *, moment: datetime) -> int:
    """How many people `recipients_due` would give."""
    return connection.scalar(select(func.count()).select_from(_recipients(moment).subquery())) or 0


def _recipients(moment: datetime) -> Select[str]:
    group, share, hold, named = aliased(RecipientRow), ShareRow, LegalHoldRow, aliased(RecipientRow)
    # Of all records that are one person: an entry that lists any of them.
    listed = (
        select(EntryRow.id)
        .join(share, share.entry_id == EntryRow.id)
        .join(group, group.id.in_((share.recipient_id, share.client_id)))
        .where(group.canonical_id == RecipientRow.canonical_id)
    )
    on_hold = exists().where(
        hold.released_at.is_(None),
        or_(
            and_(named.id == hold.recipient_id, named.canonical_id == RecipientRow.canonical_id),
            and_(named.id == RecipientRow.id, hold.employer_id == RecipientRow.employer_id),
        ),
    )
    return select(RecipientRow.id).where(
        RecipientRow.name != ERASED,
        RecipientRow.created_at < moment,
        listed.exists(),
        ~listed.where(EntryRow.erased_at.is_(None)).exists(),
        ~on_hold,
    )


def parts(connection: Connection, entry_ids: Sequence[str]) -> list[str]:
    """Ids of all that the log knows about entries: themselves, approvals, drafts, cases, questions and decisions."""
    cases = _cases(connection, entry_ids)
    asked = [
        *(select(row.id).where(among(connection, row.entry_id, entry_ids)) for row in (ApprovalRow, DraftRow)),
        *(select(row.id).where(among(connection, row.violation_id, cases)) for row in (QuestionRow, DispositionRow)),
    ]
    return [*entry_ids, *cases, *(id for question in asked for id in connection.scalars(question))]


def _cases(connection: Connection, entry_ids: Sequence[str]) -> list[str]:
    return list(connection.scalars(select(ViolationRow.id).where(among(connection, ViolationRow.entry_id, entry_ids))))


def erase_entries(connection: Connection, entry_ids: Sequence[str], at: datetime) -> None:
    """Takes the words out of entries and of everything that hangs on them; days, amounts and facts stay."""
    _rewrite_versions(connection, entry_ids)
    cases = list(connection.scalars(select(ViolationRow.id).where(among(connection, ViolationRow.entry_id, entry_ids))))
    for row, which, words in (
        (ApprovalRow, among(connection, ApprovalRow.entry_id, entry_ids), ("note",)),
        (DispositionRow, among(connection, DispositionRow.violation_id, cases), ("note", "confirmation_note")),
        (QuestionRow, among(connection, QuestionRow.violation_id, cases), ("text", "answer")),
        (
            ViolationLinkRow,
            or_(among(connection, ViolationLinkRow.one_id, cases), among(connection, ViolationLinkRow.other_id, cases)),
            ("note",),
        ),
    ):
        for word in words:
            column = getattr(row, word)
            connection.execute(update(row).where(which, column.is_not(None)).values({word: ERASED}))
    connection.execute(delete(DraftRow).where(among(connection, DraftRow.entry_id, entry_ids)))
    connection.execute(delete(ExpenseRow).where(among(connection, ExpenseRow.entry_id, entry_ids)))
    connection.execute(update(EntryRow).where(among(connection, EntryRow.id, entry_ids)).values(erased_at=at))


def _rewrite_versions(connection: Connection, entry_ids: Sequence[str]) -> None:
    version = EntryVersionRow
    found = connection.execute(
        select(version.entry_id, version.version, version.document, version.reason).where(
            among(connection, version.entry_id, entry_ids)
        )
    )
    rewritten: list[Mapping[str, object]] = [
        {
            "of": entry_id,
            "number": number,
            "document": canonical(without_words(json.loads(document))),
            "reason": ERASED if reason else "",
        }
        for entry_id, number, document, reason in found
    ]
    if rewritten:
        connection.execute(
            update(version.__table__).where(  # type: ignore[arg-type]
                version.entry_id == bindparam("of"), version.version == bindparam("number")
            ),
            rewritten,
        )


def erase_recipients(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Takes away who people are; what stays is that they are one person each. Gives their versions from now on."""
    which = among(connection, RecipientRow.id, ids)
    nothing = {"email": None, "phone": None, "match_key": None}
    connection.execute(
        update(RecipientRow)
        .where(which)
        .values(name=ERASED, name_key=ERASED, version=RecipientRow.version + 1, **nothing)
    )
    for row in (AliasRow, ExternalIdRow, RecipientKeyRow, CounterpartRow):
        connection.execute(delete(row).where(among(connection, row.recipient_id, ids)))
    found = connection.execute(select(RecipientRow.id, RecipientRow.version).where(which))
    return {row.id: row.version for row in found}


def forget_answers(connection: Connection, moment: datetime, limit: int) -> int:
    """Deletes answers kept under idempotency keys before a moment, at most so many; how many there were."""
    row = IdempotencyKeyRow
    keys = connection.execute(
        select(row.principal, row.route, row.key).where(row.created_at < moment).limit(limit)
    ).all()
    for principal, route, key in keys:
        connection.execute(delete(row).where(row.principal == principal, row.route == route, row.key == key))
    return len(keys)


def forget_drafts(connection: Connection, moment: datetime) -> list[str]:
    """Deletes proposals that were never confirmed and ended before a moment; their ids."""
    which = and_(DraftRow.entry_id.is_(None), DraftRow.closed_at.is_not(None), DraftRow.closed_at < moment)
    ids = sorted(connection.scalars(select(DraftRow.id).where(which)))
    connection.execute(delete(DraftRow).where(among(connection, DraftRow.id, ids)))
    return ids


def forget_messages(connection: Connection, moment: datetime, limit: int) -> int:
    """Takes away what other systems' messages said that came before a moment, at most so many; how many there were."""
    row = ReceiptRow
    which = (row.sealed.is_not(None), row.received_at < moment, row.state.not_in(("waiting", "erased")))
    ids = sorted(connection.scalars(select(row.id).where(*which).limit(limit)))
    connection.execute(update(row).where(among(connection, row.id, ids)).values(sealed=None, state="erased"))
    return len(ids)


def forget_reads(connection: Connection, moment: datetime, limit: int) -> int:
    """Deletes notes of who read what before a moment, at most so many; how many there were."""
    row = ReadRow
    ids = sorted(connection.scalars(select(row.id).where(row.at < moment).order_by(row.id).limit(limit)))
    connection.execute(delete(row).where(among(connection, row.id, ids)))
    return len(ids)


def forget_lines(connection: Connection, moment: datetime) -> int:
    """Takes away what the lines of files said that were last touched before a moment; how many there were."""
    files = select(ImportRow.id).where(ImportRow.touched_at < moment)
    which = ImportLineRow.import_id.in_(files) & ImportLineRow.document.is_not(None)
    return connection.execute(update(ImportLineRow).where(which).values(document=None, notes="[]")).rowcount


def forget_reports(connection: Connection, moment: datetime, limit: int, *, at: datetime) -> int:
    """Takes away the files and kept rows of reports produced before a moment, at most so many; how many there were."""
    row, part = ReportProductionRow, ReportPartRow
    which = (row.produced_at < moment, exists().where(part.production_id == row.id))
    ids = sorted(connection.scalars(select(row.id).where(*which).limit(limit)))
    connection.execute(delete(part).where(among(connection, part.production_id, ids)))
    connection.execute(
        update(row).where(among(connection, row.id, ids), row.expires_at.is_(None)).values(expires_at=at)
    )
    return len(ids)


def anything_held(connection: Connection) -> bool:
    """Whether any legal hold is active."""
    return bool(connection.scalar(select(exists().where(LegalHoldRow.released_at.is_(None)))))
