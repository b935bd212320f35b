"""Reports: what was produced, for whom, and the bytes that were handed out."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ReportProductionRow(Base):
    """One report as it was produced: what was asked, as of which place in the order of record, and its digests.

    `asked` is canonical JSON of the parameters without the format, so that two productions of one statement are found.
    `expires_at` is when the file goes; a statement, which has none, is kept. `differs` from `previous_id` is 0 or 1.
    """

    __tablename__ = "report_productions"
    __table_args__ = (Index("report_productions_by_asked", "kind", "asked", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    asked: Mapped[str]
    format: Mapped[str]
    first: Mapped[date]
    last: Mapped[date]
    known_at: Mapped[int]
    rows: Mapped[int]
    rows_digest: Mapped[str]
    totals: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    produced_by: Mapped[str]
    produced_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    previous_id: Mapped[str | None]
    differs: Mapped[int | None]


class ReportPartRow(Base):
    """A piece of what a production holds: of its `file`, or of its `rows`, which a statement keeps to be compared."""

    __tablename__ = "report_parts"

    production_id: Mapped[str] = mapped_column(ForeignKey("report_productions.id"), primary_key=True)
    content: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    piece: Mapped[bytes] = mapped_column(LargeBinary)
