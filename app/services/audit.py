"""Reading history, and verifying it: the tree is computed anew from the stored bytes and held against the head."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.domain.audit import EMPTY, Tree, leaf_hash
from app.services.desk import Desk
from app.storage import audit
from app.storage.audit import Record as Record
from app.storage.audit import RecordFilter as RecordFilter
from app.storage.audit import Stored

_CLOCKS_DIFFER = timedelta(minutes=5)
ERASURE = "records.erased"
"""The action that says whose text went; its facts name the positions."""


@dataclass
class Verification:
    """What a check of the log found: its size, its root, and every fault with its position."""

    size: int
    root: str
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def records(connection: Connection, desk: Desk, wanted: RecordFilter, *, after: int, limit: int) -> list[Record]:
    """Records in the order of the log."""
    return audit.listed(connection, desk.settings.log_id, wanted, after=after, limit=limit)


def latest(connection: Connection, desk: Desk, wanted: RecordFilter, *, before: int | None, limit: int) -> list[Record]:
    """Records before a position, or from the end of the log, newest first."""
    return audit.latest(connection, desk.settings.log_id, wanted, before=before, limit=limit)


def size(connection: Connection, desk: Desk) -> int:
    """How many records the log has: the place of the next one."""
    return audit.head(connection, desk.settings.log_id).size


def place_of(connection: Connection, desk: Desk, moment: datetime) -> int:
    """A place in the log before which nothing was recorded since a moment.

    Records are nearly in the order of their moments; the clocks of several processes may differ by a few minutes.
    """
    low, high, earlier = 0, size(connection, desk), moment - _CLOCKS_DIFFER
    while low < high:
        middle = (low + high) // 2
        if audit.moment_of(connection, desk.settings.log_id, middle) < earlier:
            low = middle + 1
        else:
            high = middle
    return low


def erase(connection: Connection, desk: Desk, entity_ids: Iterable[str]) -> list[int]:
    """Takes the text out of all records of entities; hash and place stay, so the tree does. Gives the positions."""
    return audit.erase(connection, desk.settings.log_id, entity_ids)


def verify(
    connection: Connection, log_id: str, *, progress: Callable[[int], None] = lambda _: None, most: int = 20
) -> Verification:
    """Recomputes the tree from the stored bytes. Finds changed, missing, added and moved records, up to `most`.

    Where a record's text was erased, and a later record says so, its hash stands for it. What was cut off at the end
    together with its head is found only by a checkpoint that is held elsewhere.
    """
    said = audit.stored_head(connection, log_id)
    tree, reader, faults = EMPTY, _Reader(), list[str]()
    for record in audit.stored(connection, log_id):
        faults += reader.faults(record)[: max(most - len(faults), 0)]
        tree = tree.plus([_leaf(record)])
        if tree.size % 1000 == 0:
            progress(tree.size)
    faults += reader.unexplained()[: max(most - len(faults), 0)]
    return Verification(tree.size, tree.root.hex(), faults + list(_faults_of_head(said, tree)))


def _leaf(record: Stored) -> bytes:
    if record.body:
        return leaf_hash(record.body)
    try:
        return bytes.fromhex(record.leaf)
    except ValueError:
        return leaf_hash(record.body)


def _faults_of_head(said: tuple[str, str], tree: Tree) -> Iterator[str]:
    size, frontier = audit.written(tree)
    if said[0] != size:
        yield f"the head says {said[0]} records, {size} are stored"
    if said[1] != frontier:
        yield "the tree of the stored records is not the one that the head holds"


class _Reader:
    """Reads records one after another and says what is wrong with each, given those before it."""

    def __init__(self) -> None:
        self._place = 0
        self._versions: dict[str, int] = {}
        self._silent: set[int] = set()

    def faults(self, record: Stored) -> list[str]:
        """What is wrong with the next record, most telling first."""
        self._note_erasures(record)
        found = [*self._out_of_place(record), *_changed(record), *self._out_of_line(record)]
        self._place = _number(record.position, self._place) + 1
        return found

    def unexplained(self) -> list[str]:
        """What is wrong at the end: records without text of which no erasure speaks."""
        return [f"position {place}: the text is gone, and no erasure says so" for place in sorted(self._silent)]

    def _note_erasures(self, record: Stored) -> None:
        if not record.body:
            self._silent.add(_number(record.position, self._place))
        elif record.action == ERASURE and leaf_hash(record.body).hex() == record.leaf:
            self._silent -= _erased_places(record.body)

    def _out_of_place(self, record: Stored) -> Iterator[str]:
        if record.position != str(self._place):
            yield f"position {self._place}: there is no record here; the next one is at {record.position}"

    def _out_of_line(self, record: Stored) -> Iterator[str]:
        """Versions of an entity are contiguous from 1."""
        due = self._versions.get(record.entity_id, 0) + 1
        if record.entity_version != str(due):
            yield f"position {record.position}: {record.entity_id} is at version {record.entity_version}, {due} is due"
        self._versions[record.entity_id] = _number(record.entity_version, due)


def _changed(record: Stored) -> Iterator[str]:
    """Whether bytes and hash belong together, and whether the columns beside the bytes say what the bytes say."""
    if not record.body:
        return
    if leaf_hash(record.body).hex() != record.leaf:
        yield f"position {record.position}: the bytes of {record.entity_id} were changed"
        return
    said = _said(record.body)
    for name, column in zip(("position", "entity", "version", "action", "actor", "at"), record, strict=False):
        if column != said.get(name):
            yield f"position {record.position}: the column for {name} says {column!r}, the record {said.get(name)!r}"


def _erased_places(body: bytes) -> set[int]:
    try:
        places = json.loads(body)["facts"]["positions"]
        return {place for place in places if isinstance(place, int)}
    except (ValueError, KeyError, TypeError):
        return set()


def _number(column: str, due: int) -> int:
    return int(column) if column.isdecimal() and len(column) < 20 else due


def _said(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return {name: str(value) for name, value in document.items()} if isinstance(document, dict) else {}
