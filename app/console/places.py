"""Places: where a page of a list begins, as one opaque word in the address."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import urlencode

_LONGEST = 400


def write(*values: object) -> str:
    """A place as a word: whole numbers, texts, days and moments."""
    said = [f"{type(value).__name__}:{value.isoformat()}" if isinstance(value, date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def read(word: str | None, *kinds: type) -> tuple[object, ...] | None:
    """The place that a word means; None for none, and for a word that is not of these kinds."""
    if not word or len(word) > _LONGEST:
        return None
    try:
        said = json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
        return tuple(_value(kind, value) for kind, value in zip(kinds, said, strict=True))
    except (ValueError, TypeError, RecursionError):
        return None


def _value(kind: type, value: object) -> object:
    if kind in (date, datetime):
        name, _, text = str(value).partition(":")
        if name != kind.__name__:
            raise ValueError("another kind of moment")
        found = datetime.fromisoformat(text) if kind is datetime else date.fromisoformat(text)
        if isinstance(found, datetime) and found.tzinfo is None:
            raise ValueError("a moment without its zone")
        return found
    if type(value) is not kind:
        raise ValueError("another kind")
    if isinstance(value, int) and not abs(value) < 2**62:
        raise ValueError("too large")
    if isinstance(value, str) and ("\x00" in value or len(value) > _LONGEST):
        raise ValueError("unreadable")
    return value.encode().decode() if isinstance(value, str) else value


def address(path: str, **query: object) -> str:
    """A path with its query; what is None or empty is left out, a sequence stands once for each."""
    said: Mapping[str, object] = {name: value for name, value in query.items() if value not in (None, "", (), [])}
    return f"{path}?{urlencode(said, doseq=True)}" if said else path
