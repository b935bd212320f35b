"""Attendees in one cell: who was there, as people write it, with their firms, and how many have no name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.domain.imports.cells import tidy

_UNNAMED = re.compile(
    r"\+?\s*(?:and\s+)?(\d{1,3})\s+(?:unnamed\s+|other\s+|more\s+|additional\s+)*(?:guests?|others?|people|attendees?|pax)",
    re.I | re.ASCII,
)
_MAIL = re.compile(r"<\s*([^<>@\s]{1,64}@[^<>@\s]{1,189})\s*>", re.ASCII)
_FIRM = re.compile(r"^(.{1,200}?)\s*(?:\(([^()]{1,200})\)|\[([^\[\]]{1,200})\]|\s[-\u2013\u2014@]\s(.{1,200}))\s*$")


class Attendee(NamedTuple):
    """One person of a list, as written."""

    name: str
    company: str | None = None
    email: str | None = None


def split(cell: str, separators: Sequence[str]) -> tuple[list[Attendee], int]:
    """The people of a cell, each `Name`, `Name (Firm)`, `Name - Firm` or `Name <address>`, and how many are unnamed.

    The first separator found outside of brackets separates them all: a comma is none where there is a semicolon.
    """
    people: list[Attendee] = []
    unnamed = 0
    for part in _parts(cell, separators):
        if found := _UNNAMED.fullmatch(part):
            unnamed += int(found[1])
        else:
            people.append(_attendee(part))
    return people, unnamed


def _parts(cell: str, separators: Sequence[str]) -> list[str]:
    for separator in separators:
        pieces = _outside_brackets(cell, separator)
        if len(pieces) > 1:
            return [tidy(piece) for piece in pieces if tidy(piece)]
    return [tidy(cell)] if tidy(cell) else []


def _outside_brackets(cell: str, separator: str) -> list[str]:
    pieces, depth, start = [], 0, 0
    for place, letter in enumerate(cell):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth = max(0, depth - 1)
        elif letter == separator and depth == 0:
            pieces.append(cell[start:place])
            start = place + 1
    return [*pieces, cell[start:]]


def _attendee(part: str) -> Attendee:
    email = None
    if found := _MAIL.search(part):
        email, part = found[1], tidy(part[: found.start()] + part[found.end() :])
    if found := _FIRM.match(part):
        return Attendee(tidy(found[1]), tidy(found[2] or found[3] or found[4] or "") or None, email)
    return Attendee(part, None, email)
