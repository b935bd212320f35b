"""Comparing: what two people's names, employers, mailboxes, phones and ids say for and against their being one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from app.domain.matches import LIKELY, Reason, score
from app.domain.names import Firm, Look, PersonName, fold, is_part_of, skeleton, tells
from app.domain.recipients import name_key
from app.services.names.reading import is_a_name, roots

_ALIKE_FAMILY, _SOUNDS_ALIKE, _ALIKE_GIVEN, _ALIKE_WHOLE, _ALIKE_FIRM = 92, 80, 88, 85, 90  # of a hundred


class LookAlike(NamedTuple):
    """Somebody who may be the person in question, how likely, and what speaks for and against it."""

    id: str
    name: str
    employer: str | None
    score: int
    reasons: Sequence[Reason]


def look_alikes(one: Look, others: Iterable[Look], *, most: int = 5) -> list[LookAlike]:
    """Those who are likely the same person, most likely first."""
    judged = [(other, compare(one, other)) for other in others if other.id != one.id and other.own == one.own]
    found = [
        LookAlike(
            other.id, other.names[0].written, other.firms[0].written if other.firms else None, score(reasons), reasons
        )
        for other, reasons in judged
        if score(reasons) >= LIKELY
    ]
    return sorted(found, key=lambda like: (-like.score, like.id))[:most]


def compare(one: Look, other: Look) -> list[Reason]:
    """What speaks for and against two people being one, first what their names say. Either may stand first."""
    first, second = sorted((one, other), key=lambda look: look.id)
    return [
        *_of_names(first, second),
        *_of_firms(first, second),
        *_of_mailboxes(first, second),
        *_of_phones(first, second),
        *_of_ids(first, second),
    ]


def _of_names(one: Look, other: Look) -> list[Reason]:
    found = [(reason, a, b) for a, b in product(one.names, other.names) if (reason := _likeness(a, b))]
    if not found:
        return [_unlike(one.names[0], other.names[0])]
    reason, a, b = max(found, key=lambda pair: pair[0].weight)
    return [reason, *_against(a, b)]


def _likeness(a: PersonName, b: PersonName) -> Reason | None:
    """How one name can be the other's, None where it cannot."""
    code = _code(a, b)
    if code in ("same_name", "spelling") and _is_transliterated(a, b):
        code = "transliterated_name"
    return Reason(code, f"{a.written} / {b.written}") if code else None


def _is_transliterated(a: PersonName, b: PersonName) -> bool:
    """Whether two names differ as written, and one of them is not in the letters of ASCII."""
    return name_key(a.written) != name_key(b.written) and not (a.written.isascii() and b.written.isascii())


_CODES = {
    frozenset({"same"}): "same_name",
    frozenset({"same", "spelling"}): "spelling",
    frozenset({"spelling"}): "spelling",
    frozenset({"same", "nickname"}): "nickname",
    frozenset({"spelling", "nickname"}): "nickname",
    frozenset({"same", "part"}): "surname_part",
    frozenset({"spelling", "part"}): "surname_part",
    frozenset({"nickname", "part"}): "surname_part",
    frozenset({"same", "initial"}): "initial",
    frozenset({"spelling", "initial"}): "initial",
    frozenset({"same", "similar"}): "similar_name",
    frozenset({"spelling", "similar"}): "similar_name",
    frozenset({"nickname", "similar"}): "similar_name",
}


_BEST_FIRST = ("same", "spelling", "nickname", "initial", "similar")


def _code(a: PersonName, b: PersonName) -> str | None:
    ways = {_given(x, y) for x, y in product(a.givens, b.givens)}
    given, family = next((how for how in _BEST_FIRST if how in ways), None), _family(a, b)
    if given and family and (code := _CODES.get(frozenset({given, family}))):
        return code if code != "similar_name" or _alike(a, b) else None
    if len(a.words) > 1 and sorted(map(fold, a.words)) == sorted(map(fold, b.words)):
        return "word_order"
    if len(a.words) > 1 and fold("".join(a.words)) == fold("".join(b.words)):
        return "spelling"
    return None


def _given(x: str, y: str) -> str | None:
    if not (x and y):
        return "same" if x == y else None
    if len(x) == 1 or len(y) == 1:
        short, long = sorted((x, y), key=len)
        return "initial" if short in {name[0] for name in (long, *roots(long))} else None
    if x == y:
        return "same"
    if y in roots(x) or x in roots(y) or set(roots(x)) & set(roots(y)):
        return "nickname"
    if fold(x) == fold(y) or _without_a_vowel(*sorted((fold(x), fold(y)), key=len)):
        return "spelling"
    return "similar" if _mistyped(x, y) else None


def _without_a_vowel(short: str, long: str) -> bool:
    """Whether one lacks a single e or o between consonants that the other has: Aleksandr and Alexander."""
    if len(long) != len(short) + 1 or len(short) < 5:
        return False
    at = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    return at < len(short) and long[at] in "eo" and long[at - 1] not in "aeiou" and short[at:] == long[at + 1 :]


def _mistyped(x: str, y: str) -> bool:
    """Whether one may be a slip of the pen for the other: both close, and not both names of their own."""
    if x.rstrip("aeo") == y.rstrip("aeo") or (is_a_name(x) and is_a_name(y)):
        return False
    return _close(x, y, _ALIKE_GIVEN)


def _family(a: PersonName, b: PersonName) -> str | None:
    one, other = "".join(a.family), "".join(b.family)
    if not (one and other):
        return "same" if one == other else None
    if one == other:
        return "same"
    if fold(one) == fold(other):
        return "spelling"
    short, long = sorted((set(a.family), set(b.family)), key=len)
    if short < long and max(map(len, short)) > 2:
        return "part"
    sound_alike = min(len(one), len(other)) > 4 and skeleton(one) == skeleton(other)
    return "similar" if _close(one, other, _SOUNDS_ALIKE if sound_alike else _ALIKE_FAMILY) else None


def _close(x: str, y: str, least: int) -> bool:
    from rapidfuzz.distance import JaroWinkler

    if x[0] != y[0] or not (x.isalpha() and y.isalpha()):
        return False
    return int(100 * JaroWinkler.similarity(x, y)) >= least


def _alike(a: PersonName, b: PersonName) -> bool:
    from rapidfuzz import fuzz

    one, other = ((name.givens[-1], *name.family) for name in (a, b))
    return int(fuzz.token_sort_ratio(" ".join(one), " ".join(other))) >= _ALIKE_WHOLE


def _unlike(a: PersonName, b: PersonName) -> Reason:
    of_one_family = a.given and b.given and _family(a, b) in ("same", "spelling")
    return Reason("different_first_names" if of_one_family else "different_names", f"{a.written} / {b.written}")


def _against(a: PersonName, b: PersonName) -> Iterator[Reason]:
    """What two names that can be one person's say against it."""
    if (
        a.middle
        and b.middle
        and not _given(a.middle[0], b.middle[0])
        and not {a.middle[0], b.middle[0]} & {*a.givens, *b.givens}
    ):
        yield Reason("different_middle_names", f"{' '.join(a.middle)} / {' '.join(b.middle)}")
    if a.generation != b.generation:
        code = "different_generation" if a.generation and b.generation else "generation_missing"
        yield Reason(code, f"{a.written} / {b.written}")


def _same_firm(a: Firm, b: Firm) -> str | None:
    """Whether two employers are the same or similar, None where they are different."""
    if a.id == b.id or a.key == b.key:
        return "same_employer"
    return "similar_employer" if is_part_of(a, b) or _similar_firms(*sorted((a.words, b.words))) else None


@lru_cache(maxsize=65536)
def _similar_firms(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    from rapidfuzz import fuzz

    if [word for word in a if not word.isalpha()] != [word for word in b if not word.isalpha()]:
        return False
    return int(fuzz.token_sort_ratio(" ".join(a), " ".join(b))) >= _ALIKE_FIRM


def _of_firms(one: Look, other: Look) -> Iterator[Reason]:
    if not (one.firms and other.firms):
        return
    found = [(code, a, b) for a, b in product(one.firms, other.firms) if (code := _same_firm(a, b))]
    code, a, b = min(found, key=_same_before_similar, default=("different_employers", one.firms[0], other.firms[0]))
    yield Reason(code, a.written if a.written == b.written else f"{a.written} / {b.written}")


def _same_before_similar(pair: tuple[str, Firm, Firm]) -> tuple[bool, Firm, Firm]:
    code, a, b = pair
    return code != "same_employer", a, b


def _of_mailboxes(one: Look, other: Look) -> Iterator[Reason]:
    shared = sorted(set(one.mailboxes) & set(other.mailboxes))
    if shared:
        yield Reason("same_email", str(shared[0]))
        return
    pairs = list(product(one.mailboxes, other.mailboxes))
    for a, b in (pair for pair in pairs if pair[0].local == pair[1].local and tells(pair[0].local)):
        yield Reason("same_mailbox_name", f"{a} / {b}")
        break
    for a, b in (pair for pair in pairs if pair[0].domain == pair[1].domain and pair[0].corporate):
        yield Reason("same_email_domain", a.domain)
        yield Reason("different_email", f"{a} / {b}")
        break


def _of_phones(one: Look, other: Look) -> Iterator[Reason]:
    for digits in sorted(set(one.phones) & set(other.phones))[:1]:
        yield Reason("same_phone", f"… {digits}")


def _of_ids(one: Look, other: Look) -> Iterator[Reason]:
    shared = sorted(
        (value, source, elsewhere)
        for (source, value), (elsewhere, again) in product(one.outside, other.outside)
        if value == again and source != elsewhere
    )
    for value, source, elsewhere in shared[:1]:
        yield Reason("shared_external_id", f"{source} / {elsewhere}: {value}")
