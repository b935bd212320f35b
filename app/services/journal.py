"""The one door through which history is written: notes are gathered during a transaction and sealed as its last act."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from app.domain.audit import Note, Stamp, canonical, iso, leaf_hash
from app.storage import audit


class Journal:
    """The notes of one transaction, in the order in which things happened."""

    def __init__(self, log_id: str) -> None:
        self._log_id = log_id
        self._notes: list[tuple[Note, Stamp]] = []

    def note(self, entity_id: str, version: int, action: str, facts: Mapping[str, object], stamp: Stamp) -> None:
        """One state change of one entity; its versions are contiguous from 1."""
        self._notes.append((Note(entity_id, version, action, facts), stamp))

    def seal(self, connection: Connection) -> None:
        """Gives every note its place in the tree. The last statements before the commit: the head is locked here."""
        if not self._notes:
            return
        tree = audit.head(connection, self._log_id, hold=True)
        records = [self._record(tree.size + place, note, stamp) for place, (note, stamp) in enumerate(self._notes)]
        audit.append(connection, records, tree.plus(bytes.fromhex(record.leaf) for record in records))
        self._notes.clear()

    def _record(self, position: int, note: Note, stamp: Stamp) -> audit.Record:
        body = canonical(
            {
                "position": position,
                "entity": note.entity_id,
                "version": note.version,
                "action": note.action,
                "actor": stamp.actor,
                "at": iso(stamp.at),
                "door": stamp.door,
                "reason": stamp.reason,
                "facts": note.facts,
            }
        )
        return audit.Record(
            self._log_id,
            position,
            note.entity_id,
            note.version,
            note.action,
            stamp.actor,
            stamp.at,
            body,
            leaf_hash(body.encode()).hex(),
        )
