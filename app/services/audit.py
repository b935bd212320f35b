"""Reading history, and verifying it: the tree is computed anew from the stored bytes and held against the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.domain.audit import EMPTY, leaf_hash
from app.services.desk import Desk
from app.storage import audit
from app.storage.audit import Record as Record
from app.storage.audit import RecordFilter as RecordFilter

_CLOCKS_DIFFER = timedelta(minutes=5)


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


def verify(
    connection: Connection, log_id: str, *, progress: Callable[[int], None] = lambda _: None, most: int = 20
) -> Verification:
    """Recomputes the tree from the stored bytes. Finds changed, missing, added and moved records, up to `most`.

    What was cut off at the end together with its head is found only by a checkpoint that is held elsewhere.
    """
    head = audit.head(connection, log_id)
    found = Verification(head.size, head.root.hex())
    tree, versions = EMPTY, dict[str, int]()
    for place, record in enumerate(audit.every(connection, log_id)):
        found.faults += _faults(place, record, versions) if len(found.faults) < most else []
        tree = tree.plus([leaf_hash(record.body.encode())])
        if place % 1000 == 0:
            progress(place)
    if tree.size != head.size:
        found.faults.append(f"the head says {head.size} records, {tree.size} are stored")
    if tree.root != head.root:
        found.faults.append("the tree of the stored records has another root than the head")
    return found


def _faults(place: int, record: Record, versions: dict[str, int]) -> list[str]:
    faults = []
    if record.position != place:
        faults.append(f"position {place}: missing, the next record is {record.position}")
    if leaf_hash(record.body.encode()).hex() != record.leaf:
        faults.append(f"position {record.position}: the bytes of {record.entity_id} were changed")
    expected = versions.get(record.entity_id, 0) + 1
    if record.entity_version != expected:
        faults.append(
            f"position {record.position}: {record.entity_id} goes to version {record.entity_version}, not {expected}"
        )
    versions[record.entity_id] = record.entity_version
    return faults
