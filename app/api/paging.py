"""Pages: a cursor is opaque, belongs to one set of filters, and costs the same on every page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from app.domain.refusals import Malformed

T = TypeVar("T")


class BadCursor(Malformed):
    code = "bad_cursor"
    title = "The cursor cannot be read"


class CursorMismatch(Malformed):
    code = "cursor_mismatch"
    title = "The cursor belongs to another question"


class Signed(int):
    """A whole number of a cursor that may be below zero."""


class PageOut(BaseModel):
    """Where a page stands."""

    next_cursor: str | None
    has_more: bool


class ListOut(BaseModel, Generic[T]):
    """A page of a collection."""

    data: list[T]
    page: PageOut


def fingerprint(*question: object) -> str:
    """What a question is, in short: a cursor of one cannot be used on another."""
    return hashlib.sha256(repr(question).encode()).hexdigest()[:12]


def read_cursor(cursor: str | None, question: str, *kinds: type) -> tuple[Any, ...] | None:
    """The place to go on from, as values of the kinds. Raises BadCursor or CursorMismatch."""
    if cursor is None:
        return None
    try:
        asked, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(asked, str) and len(asked) == len(question) and asked != question:
            raise CursorMismatch("Filters or order changed; begin without a cursor")
        place = tuple(_value(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor("Take the cursor as it was given, or begin without one") from error
    if asked != question:
        raise BadCursor("Take the cursor as it was given, or begin without one")
    return place


def _value(kind: type, value: Any) -> Any:
    """A value of a cursor. Raises ValueError or TypeError for what no cursor of ours holds."""
    if kind is date:
        return date.fromisoformat(value)
    if kind is Signed and type(value) is int and -(2**62) < value < 2**62:
        return value
    if type(value) is not kind:
        raise ValueError("not of that kind")
    if isinstance(value, int) and not 0 <= value < 2**62:
        raise ValueError("out of range")
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("unreadable")
    return value.encode().decode() if isinstance(value, str) else value


def page(
    items: Sequence[T], limit: int, question: str, place: Callable[[T], Sequence[object]]
) -> tuple[list[T], dict[str, Any]]:
    """The items of a page and where it stands; give one item more than the limit to say that there are more."""
    shown = list(items[:limit])
    more = len(items) > limit
    cursor = _write(question, place(shown[-1])) if more else None
    return shown, {"next_cursor": cursor, "has_more": more}


def _write(question: str, place: Sequence[object]) -> str:
    values = [value.isoformat() if isinstance(value, date) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps([question, *values]).encode()).decode().rstrip("=")
