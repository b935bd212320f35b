"""Entries as a file: one row an entry, or the documents of the list as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.api.entries.writing import entry_out
from app.services.entries import Recorded
from app.services.sheets import Amount, Column, Format, Kind, Row, Sheet, lines, written

SHEET = Sheet(
    "entries",
    (
        Column("id", heading="Entry"),
        Column("version", Kind.INTEGER),
        Column("standing"),
        Column("occurred_on", Kind.DATE, "Date of the event"),
        Column("recorded_at", Kind.MOMENT, "Recorded"),
        Column("direction"),
        Column("kind"),
        Column("giver"),
        Column("submitted_by"),
        Column("total", Kind.MONEY),
        Column("recipients", Kind.INTEGER),
        Column("recipient_names", heading="Who got it"),
        Column("recipient_ids", heading="Their ids"),
        Column("employers", heading="Their employers"),
        Column("hosts_present"),
        Column("paid_by"),
        Column("flags"),
        Column("purpose"),
        Column("venue"),
        Column("violations", Kind.INTEGER),
    ),
)


def entries_file(found: Iterable[Recorded], form: Format) -> Iterator[bytes]:
    """The file of entries, piece by piece."""
    if form is Format.JSONL:
        return lines(entry_out(one, fresh=False) for one in found)
    return written(SHEET, map(_row, found), form)


def _row(one: Recorded) -> Row:
    entry = one.entry
    people = [one.people[id].person for person in entry.recipients if (id := person.recipient_id) in one.people]
    employers = (one.employers[person.employer_id] for person in entry.recipients if person.employer_id)
    hosts = {True: "yes", False: "no", None: None}[entry.hosts_present]
    return (
        entry.id,
        one.version,
        entry.standing.value,
        entry.occurred_on,
        one.recorded_at,
        entry.direction.value,
        entry.kind.value,
        entry.giver,
        one.submitted_by,
        Amount.of(entry.total, entry.currency),
        len(entry.recipients),
        "; ".join(person.name for person in people),
        "; ".join(person.id for person in people),
        "; ".join(dict.fromkeys(employers)),
        hosts,
        entry.paid_by,
        "; ".join(sorted(entry.flags)),
        entry.purpose or None,
        entry.venue or None,
        len(one.violations),
    )
