"""History: who did what when, in exact bytes, and the RFC 6962 Merkle tree that holds every record in its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who, when and through which door: what a change needs to know of the world outside."""

    actor: str
    at: datetime
    door: str = "api"
    reason: str = ""


class Note(NamedTuple):
    """A state change to be written into history. `version` is the entity's, contiguous from 1."""

    entity_id: str
    version: int
    action: str
    facts: Mapping[str, object]


class Tree(NamedTuple):
    """A Merkle tree as its size and frontier: the roots of its perfect subtrees, largest first.

    Source: RFC 6962, section 2.1: a leaf is SHA-256(0x00 || bytes), a node SHA-256(0x01 || left || right).
    """

    size: int
    frontier: tuple[bytes, ...]

    def plus(self, leaves: Iterable[bytes]) -> Tree:
        """The tree with further leaf hashes at its end."""
        size, frontier = self.size, list(self.frontier)
        for leaf in leaves:
            node, rest = leaf, size
            while rest & 1:
                node = node_hash(frontier.pop(), node)
                rest >>= 1
            frontier.append(node)
            size += 1
        return Tree(size, tuple(frontier))

    @property
    def root(self) -> bytes:
        """The hash over everything in the log."""
        if not self.frontier:
            return sha256(b"").digest()
        root = self.frontier[-1]
        for subtree in reversed(self.frontier[:-1]):
            root = node_hash(subtree, root)
        return root


EMPTY = Tree(0, ())


def leaf_hash(body: bytes) -> bytes:
    """The hash of one record."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root straight from the definition in RFC 6962; what `Tree` must always agree with."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def canonical(value: object) -> str:
    """The one way a value is written into history: JSON with sorted keys, no spaces, no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def iso(moment: datetime) -> str:
    """The one way a moment is written as text: UTC, microseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
