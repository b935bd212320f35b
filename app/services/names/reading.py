"""Reading: names taken apart and transliterated, what they are short for, and a person as they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from app.domain.names import (
    GENERATIONS,
    PARTICLES,
    Firm,
    Look,
    PersonName,
    firm_words,
    keys,
    mailbox,
    outside_value,
    phone_digits,
)

if TYPE_CHECKING:
    from nameparser import ParsedName

# The libraries are imported where they are first needed: a server that meets nobody new starts without them.

_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff'’\-]*\.?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_CALLED = frozenset(
    {"dame", "dr", "hon", "judge", "lady", "lord", "miss", "mr", "mrs", "ms", "mx", "prof", "professor", "rev", "sir"}
)
# What the word list has wrong.
_NO_NICKNAMES = frozenset({("bill", "robert"), ("billy", "robert"), ("bill", "fred"), ("aaron", "erin")})


def plain(text: str) -> str:
    """A text in the letters of ASCII."""
    if text.isascii():
        return text
    from anyascii import anyascii

    return anyascii(text)


@lru_cache(maxsize=8192)
def read(name: str) -> PersonName:
    """A name taken apart. What it means is a guess that is only good enough to look for people who may be one."""
    words = name.split()
    if 1 < len(words) < 5 and all(map(_LATIN.fullmatch, words)):
        letters = [_letters(word) for word in words]
        if not _with_a_role().intersection(letters):
            return _parted(name, letters[0], letters[1:-1], letters[-1:])
    return _parsed(name)


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9\- ]", "", plain(word).lower()).strip("- ")


@cache
def _with_a_role() -> frozenset[str]:
    """The words that are more than a part of a name: titles, particles, generations and the like."""
    from nameparser import Lexicon

    known = Lexicon.default()
    found = known.titles | known.given_name_titles | known.suffix_words | known.suffix_acronyms | known.particles
    return found | known.conjunctions | known.bound_given_names | known.maiden_markers | GENERATIONS.keys()


def _parsed(name: str) -> PersonName:
    from nameparser import parse

    spaced = re.sub(r"\.(?=\w)", ". ", name)
    found = parse(spaced)
    given, family = found.given, found.family
    if not (given and family) and found.title and _letters(found.title) not in _CALLED:
        given, family = found.title, family or given  # Prince Okafor is called Prince
    elif not given and _HAN.search(family):
        family, _, given = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain(family)).partition(" ")
    first, *more = [_letters(word) for word in given.split()] or [""]
    middle = [*more, *map(_letters, found.middle.split())]
    also = [_letters(word) for word in found.nickname.split()]
    surnames = [_letters(word) for word in (f"{family} {found.maiden}").split()]
    return _parted(name, first, middle, surnames, also, _generation(found))


def _generation(found: ParsedName) -> str:
    said = (GENERATIONS.get(_letters(word)) for word in found.suffix.replace(",", " ").split())
    return next((one for one in said if one), "")


def _parted(
    written: str,
    given: str,
    middle: Iterable[str],
    family: Iterable[str],
    also: Iterable[str] = (),
    generation: str = "",
) -> PersonName:
    between = tuple(word for word in middle if word and word not in PARTICLES)
    by_middle = between[:1] if len(given) == 1 and between and len(between[0]) > 1 else ()
    parts = [part for word in family for part in word.split("-") if part]
    surnames = tuple(part for part in parts if part not in PARTICLES) or tuple(parts)
    return PersonName(written, given, surnames, between, (*filter(None, also), *by_middle), generation)


class _Nicknames(NamedTuple):
    short_for: dict[str, set[str]]
    long_for: dict[str, set[str]]


@cache
def _nicknames() -> _Nicknames:
    from nicknames import NickNamer

    known = NickNamer()
    return _Nicknames(known.canonical_lookup, known.nickname_lookup)


@lru_cache(maxsize=8192)
def roots(given: str) -> tuple[str, ...]:
    """What a given name is short for."""
    found = _nicknames().short_for.get(given, set())
    return tuple(sorted(name for name in found if not _wrong(name, given)))


def _wrong(one: str, other: str) -> bool:
    return (one, other) in _NO_NICKNAMES or (other, one) in _NO_NICKNAMES


def is_a_name(given: str) -> bool:
    """Whether a given name is a known one, and no slip of the pen for another."""
    known = _nicknames()
    return given in known.short_for or given in known.long_for


def look(
    id: str,
    type: str,
    called: Iterable[str],
    *,
    employers: Iterable[tuple[str | None, str | None]] = (),
    emails: Iterable[str | None] = (),
    phones: Iterable[str | None] = (),
    outside: Iterable[tuple[str, str]] = (),
) -> Look:
    """A person as compared. `employers` are (id, name) of everybody they work or worked for."""
    return Look(
        id,
        type == "own_associated_person",
        tuple(read(name) for name in dict.fromkeys(called)),
        tuple(dict.fromkeys(Firm(id, name, _firm_words(name)) for id, name in employers if id and name)),
        tuple(dict.fromkeys(mailbox(email) for email in emails if email)),
        tuple(filter(None, (phone_digits(phone) for phone in phones if phone))),
        tuple((source, value) for source, id in outside if (value := outside_value(id))),
    )


def keys_of(one: Look) -> set[str]:
    """The keys that a person shares with whoever may be them."""
    return keys(one, roots)


@lru_cache(maxsize=8192)
def _firm_words(name: str) -> tuple[str, ...]:
    return firm_words(plain(name))
