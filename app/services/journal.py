"""The one door through which history is written: notes are gathered during a transaction and sealed as its last act."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from zlib import compress, decompress

from sqlalchemy import Connection

from app.domain.audit import Note, Stamp, canonical, iso, leaf_hash
from app.storage import audit

_BUNDLE = 1000
Noted = tuple[Note, Stamp]


class Journal:
    """The notes of one transaction, in the order in which things happened.

    They must wait for the end of it, and of a publication there are very many: whole bundles wait folded up.
    """

    def __init__(self, log_id: str) -> None:
        self._log_id = log_id
        self._notes: list[Noted] = []
        self._folded: list[bytes] = []

    def note(self, entity_id: str, version: int, action: str, facts: Mapping[str, object], stamp: Stamp) -> None:
        """One state change of one entity; its versions are contiguous from 1."""
        self._notes.append((Note(entity_id, version, action, facts), stamp))
        if len(self._notes) == _BUNDLE:
            self._folded.append(_fold(self._notes))
            self._notes.clear()

    def seal(self, connection: Connection) -> None:
        """Gives every note its place in the tree. The last statements before the commit: the head is locked here."""
        if not (self._notes or self._folded):
            return
        tree = audit.head(connection, self._log_id, hold=True)
        for notes in self._bundles():
            records = [self._record(tree.size + place, note, stamp) for place, (note, stamp) in enumerate(notes)]
            tree = tree.plus(bytes.fromhex(record.leaf) for record in records)
            audit.append(connection, records, tree)
        self._notes.clear()
        self._folded.clear()

    def _bundles(self) -> Iterator[list[Noted]]:
        yield from map(_unfold, self._folded)
        if self._notes:
            yield self._notes

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


def _fold(notes: list[Noted]) -> bytes:
    said = [[*note, stamp.actor, iso(stamp.at), stamp.door, stamp.reason] for note, stamp in notes]
    return compress(canonical(said).encode(), 1)


def _unfold(folded: bytes) -> list[Noted]:
    return [
        (Note(entity_id, version, action, facts), Stamp(actor, datetime.fromisoformat(at), door, reason))
        for entity_id, version, action, facts, actor, at, door, reason in json.loads(decompress(folded))
    ]
