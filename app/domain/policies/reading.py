"""Reading one value of a policy document: each reader gives the value, or notes a fault and gives None."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from fractions import Fraction
from numbers import Number

from app.domain.money import Currency, Rate, parse_minor, parse_rate
from app.domain.policies.form import AMOUNT, DAY, Field
from app.domain.refusals import Fault

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_RATIO = re.compile(r"\d(\.\d{1,6})?", re.ASCII)
_MOST_DECIMALS = 4
_SUGGESTIONS = 50  # a document of garbage shall not cost a search for likenesses per key
_QUOTED = 40
_MOST_INDEX = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document: where it stands, what messages call it, and the list in which its faults are noted."""

    value: object
    pointer: str
    label: str
    faults: list[Fault]

    def refuse(self, code: str, detail: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(self.pointer, code, f"{self.label}: {detail}" if self.label else detail))

    def under(self, key: object, value: object, label: str) -> Place:
        """The place of a value inside this one."""
        joined = f"{self.label}, {label}" if self.label else label
        return replace(self, value=value, pointer=f"{self.pointer}/{_step(key)}", label=joined)


def _step(key: object) -> str:
    """A key as a step of an RFC 6901 pointer that can be encoded; of a key that is no word or day, its type."""
    plain = isinstance(key, str | date) or (isinstance(key, int) and 0 <= key < _MOST_INDEX)
    readable = str(key)[:_QUOTED].encode(errors="replace").decode() if plain else type(key).__name__
    return readable.replace("~", "~0").replace("/", "~1")


def shown(value: object) -> str:
    """A value as a message quotes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= _QUOTED else f"{value[:_QUOTED]}…")
        case Number():
            return "a bare number"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def likeness(word: object, words: Collection[str], faults: Sequence[Fault]) -> str:
    """'; did you mean …?' where a word is near to one of those that are taken."""
    if not isinstance(word, str) or len(word) > _QUOTED or len(faults) >= _SUGGESTIONS:
        return ""
    close = get_close_matches(word.lower(), words, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def mapping(place: Place, form: Mapping[str, Field]) -> dict[str, Place]:
    """The places of the known keys that are filled. Unknown and missing keys are noted."""
    if not isinstance(place.value, Mapping):
        place.refuse("wrong_type", f"write key by key ({', '.join(form)}), not {shown(place.value)}")
        return {}
    found: dict[str, Place] = {}
    for key, value in place.value.items():
        name = key if isinstance(key, str) else ""
        if name not in form:
            _refuse_key(place, key, form)
        elif value is not None or not form[name].nullable:
            found[name] = place.under(name, value, name)
    for name, field in form.items():
        if field.required and name not in found:
            missing(place, name, field)
    return found


def missing(place: Place, name: str, field: Field) -> None:
    """Note that a key is not there."""
    allowed = f": {', '.join(field.allowed)}" if field.allowed else ""
    place.under(name, None, name).refuse("missing", f"is missing; {field.write}{allowed}")


def _refuse_key(place: Place, key: object, form: Mapping[str, Field]) -> None:
    near = likeness(key, form, place.faults) or f"; the keys are {', '.join(form)}"
    label = key if isinstance(key, str) and len(key) <= _QUOTED and key.isprintable() else shown(key)
    place.under(key, None, label).refuse("unknown_key", f"there is no such key{near}")


def items(place: Place, noun: str, *, most: int, least: int = 0) -> Iterator[Place]:
    """The places of a list's members. A value that is no list, an empty and a very long one are noted."""
    if not isinstance(place.value, list | tuple):
        place.refuse("wrong_type", f"write a list, not {shown(place.value)}")
    elif len(place.value) < least:
        place.refuse("empty", f"has no {noun}; write at least {least}")
    elif len(place.value) > most:
        place.refuse("too_many", f"has {len(place.value)} of them; at most {most} are taken")
    else:
        for index, value in enumerate(place.value):
            yield place.under(index, value, f"{noun} {index + 1}")


def text(place: Place, *, most: int = 500) -> str | None:
    """Words for people: not blank, not endless, no control characters but the end of a line."""
    value = place.value
    if not isinstance(value, str):
        place.refuse("wrong_type", f"write text in quotes, not {shown(value)}")
    elif not value.strip():
        place.refuse("empty", "is blank")
    elif len(value) > most:
        place.refuse("too_long", f"has {len(value)} characters; at most {most} are taken")
    elif any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in value):
        place.refuse("bad_text", "holds control characters")
    else:
        return value
    return None


def identifier(place: Place) -> str | None:
    """The id of a rule."""
    if isinstance(place.value, str) and _ID.fullmatch(place.value):
        return place.value
    place.refuse("bad_id", f"write letters, digits, dots and dashes, at most 64, not {shown(place.value)}")
    return None


def word(place: Place) -> str | None:
    """A flag, a recipient type or a relation."""
    if isinstance(place.value, str) and _WORD.fullmatch(place.value):
        return place.value
    place.refuse("bad_word", f"write it in small letters, such as union_official, not {shown(place.value)}")
    return None


def words(place: Place, *, least: int = 0) -> tuple[str, ...]:
    """A list of different words."""
    return _different([(one, word(one)) for one in items(place, "item", most=100, least=least)])


def choice(place: Place, allowed: Sequence[str]) -> str | None:
    """One of the words that are taken."""
    if isinstance(place.value, str) and place.value in allowed:
        return place.value
    near = likeness(place.value, allowed, place.faults)
    place.refuse("not_allowed", f"must be one of {', '.join(allowed)}; {shown(place.value)} is not{near}")
    return None


def choices(place: Place, allowed: Sequence[str], *, least: int = 0) -> tuple[str, ...]:
    """A list of different ones of the words that are taken."""
    return _different([(one, choice(one, allowed)) for one in items(place, "item", most=100, least=least)])


def _different(read: Sequence[tuple[Place, str | None]]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for one, value in read:
        if value in kept:
            one.refuse("duplicate", f"{value} is listed twice")
        elif value is not None:
            kept[value] = None
    return tuple(kept)


def boolean(place: Place) -> bool | None:
    """True or false, nothing that merely looks like it."""
    if isinstance(place.value, bool):
        return place.value
    place.refuse("wrong_type", f"write true or false, not {shown(place.value)}")
    return None


def month(place: Place) -> int | None:
    """A whole number from 1 to 12."""
    if isinstance(place.value, int) and not isinstance(place.value, bool) and 1 <= place.value <= 12:
        return place.value
    place.refuse("bad_month", "write a whole number from 1 to 12")
    return None


def day(place: Place) -> date | None:
    """A date, or its ISO form in ten characters."""
    value = place.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            place.refuse("bad_date", f"{value} is not in the calendar")
            return None
    place.refuse("bad_date", f"{DAY}, not {shown(value)}")
    return None


def amount(place: Place, currency: Currency | None) -> int | None:
    """Minor units of a currency; of an unknown one, the form alone is looked at."""
    value = place.value
    if not isinstance(value, str):
        place.refuse("bad_amount", f"{AMOUNT}, not {shown(value)}")
        return None
    code, decimals = currency or ("", _MOST_DECIMALS)
    try:
        parse_minor(value, _MOST_DECIMALS)
    except ValueError:
        place.refuse("bad_amount", f"{AMOUNT}; {shown(value)} cannot be read")
        return None
    try:
        return parse_minor(value, decimals)
    except ValueError:
        place.refuse("bad_amount", f"{value} has more decimals than {code} has ({decimals})")
        return None


def whole_number(place: Place) -> int | None:
    """How many, as a quoted string."""
    value = place.value
    if not isinstance(value, str):
        place.refuse("bad_amount", f'write how many as a quoted string, such as "4", not {shown(value)}')
        return None
    try:
        return parse_minor(value, 0)
    except ValueError:
        place.refuse("bad_amount", f'a count is a whole number, such as "4"; {shown(value)} is not')
        return None


def ratio(place: Place) -> Fraction | None:
    """A part of a limit: above nothing, at most the whole."""
    value = place.value
    read = Fraction(value) if isinstance(value, str) and _RATIO.fullmatch(value) else None
    if read is not None and 0 < read <= 1:
        return read
    place.refuse("bad_ratio", f'write a quoted decimal above 0 and at most 1, such as "0.80", not {shown(value)}')
    return None


def rate(place: Place) -> Rate | None:
    """An exchange rate."""
    value = place.value
    try:
        return parse_rate(value if isinstance(value, str) else "")
    except ValueError:
        place.refuse("bad_rate", f'write the rate as a quoted positive decimal, such as "1.08", not {shown(value)}')
        return None
