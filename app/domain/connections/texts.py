"""Values as other systems write them: JSON without doubt, moments in many notations, text that can be shown."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.refusals import Malformed

DEEPEST = 64
LONGEST = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 32_503_680_000_000  # the year 3000
_HALF = re.compile("[\ud800-\udfff]")
_MS_DATE = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{4})?\)/", re.ASCII)
_DIGITS = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)


class UnreadableDelivery(Malformed):
    code = "unreadable_delivery"
    title = "The delivery cannot be read"


def parse(body: bytes) -> Any:
    """The value of a JSON text; numbers with a fraction become their text, so that nothing is lost of them.

    Raises UnreadableDelivery for anything that is not JSON in UTF-8, that says one thing twice or nests too deeply.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_float=str, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise UnreadableDelivery("The body is not JSON in UTF-8, or it names a member twice") from None
    _check(value, 0)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _constant(text: str) -> Any:
    raise ValueError(text)


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise UnreadableDelivery(f"The body may be nested {DEEPEST} levels deep")
    if isinstance(value, str) and _HALF.search(value):
        raise UnreadableDelivery("The body holds half a character")
    if isinstance(value, dict):
        for name, one in value.items():
            _check(name, depth)
            _check(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _check(one, depth + 1)


def text(value: Any, longest: int = LONGEST) -> str:
    """A value as one line of text that can be kept and shown; empty for nothing, and for what is no text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) >= 10**40:
        return ""
    said = str(value)[: 8 * longest]
    shown = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in said)
    return " ".join(shown.split())[:longest]


def moment(value: Any) -> datetime | None:
    """A moment from RFC 3339 text, `/Date(…)/`, or milliseconds since 1970; without a zone it is UTC. None else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return of_milliseconds(value)
    if not isinstance(value, str):
        return None
    said = value.strip()
    if found := _MS_DATE.fullmatch(said):
        return of_milliseconds(int(found[1]))
    if _DIGITS.fullmatch(said):
        return of_milliseconds(int(said))
    return _of_text(said) if _MOMENT.fullmatch(said) else None


def _of_text(said: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", said).replace(" +", "+").replace("z", "Z"))
        read = read if read.tzinfo else read.replace(tzinfo=UTC)
        return read.astimezone(UTC) if 1900 <= read.year < 3000 else None
    except (ValueError, OverflowError):
        return None


def of_milliseconds(value: int) -> datetime | None:
    """The moment so many milliseconds after 1970; None where that is no moment of our time."""
    return _EPOCH + timedelta(milliseconds=value) if 0 <= value < _LAST_MS else None


def members(value: Any) -> Mapping[str, Any]:
    """An object's members; none where it is no object."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A list's items; none where it is no list."""
    return value if isinstance(value, list) else []
