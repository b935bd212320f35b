"""Names: how people, firms, mailboxes and phone numbers are compared, and the keys under which look-alikes meet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a name says of a person's place among their namesakes; "the second" is the one after the first, not a junior.
GENERATIONS = {
    "jr": "jr", "jnr": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr",
    "ii": "2", "2nd": "2", "iii": "3", "3rd": "3", "iv": "4", "4th": "4", "v": "5", "5th": "5",
}  # fmt: skip
PARTICLES = _words(
    "af al bin bint da dal de dei del dela della den der di do dos du el ibn la las le los san st ter van vom von zu "
    "y e und"
)
LEGAL_FORMS = _words(
    "ab ag and as asa bv co company corp corporation gmbh inc incorporated kg kk limited llc llp lp ltd na nv oy oyj "
    "plc pte pty sa sarl se spa srl the"
)
# A firm of one of these words alone is too little to be part of another firm's name.
COMMON_IN_FIRMS = _words(
    "advisors advisory american asset bank capital city county credit deutsche federal financial first fund funds "
    "global group holdings insurance international investment investments life management mutual national partners "
    "pension securities state trust union united university wealth world"
)
FREE_MAIL = _words(
    "126.com 163.com aol.com att.net bellsouth.net comcast.net cox.net earthlink.net fastmail.com free.fr gmail.com "
    "googlemail.com icloud.com laposte.net libero.it mac.com mail.com mail.ru me.com msn.com naver.com orange.fr "
    "pm.me proton.me protonmail.com qq.com rambler.ru rocketmail.com sbcglobal.net t-online.de tutanota.com "
    "verizon.net web.de wp.pl ymail.com zoho.com"
)
FREE_MAIL_LABELS = frozenset({"gmx", "hotmail", "live", "outlook", "yahoo", "yandex"})  # under many top domains

_SOUNDS = (("sch", "sh"), ("ph", "f"), ("ck", "k"))
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_LETTERS = str.maketrans({"c": "k", "j": "i", "q": "k", "w": "v", "x": "ks", "y": "i", "z": "s"})
_SILENT = re.compile("[aeiouh]")
_VOICED = str.maketrans("bdg", "ptk")
_REMEMBERED = 16384
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|#)\s*\d{1,6}\s*$", re.IGNORECASE)
_LEAST_DIGITS, _COMPARED_DIGITS = 7, 9  # the last nine leave out country and trunk prefixes
_LEAST_ID, _LEAST_LOCAL, _LEAST_TELLING = 5, 5, 4
_LONGEST_KEY = 160


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name taken apart, in plain lower-case letters. `written` is as somebody wrote it.

    `also` are other given names said in the same breath: a nickname in brackets, or a middle name that is gone by.
    `family` is without particles and hyphens; `generation` is jr, sr or a number.
    """

    written: str
    given: str
    family: tuple[str, ...]
    middle: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    generation: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that is more than an initial, in order."""
        parts = (part for word in (self.given, *self.middle, *self.family) for part in word.split("-"))
        return tuple(part for part in parts if len(part) > 1)

    @property
    def givens(self) -> tuple[str, ...]:
        """What the person can be called, first the name that stands first."""
        return (self.given, *self.also)


class Firm(NamedTuple):
    """An employer as compared: `words` are without legal form."""

    id: str
    written: str
    words: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name in one word: J.P. Morgan and JPMorgan are one."""
        return "".join(self.words)

    @property
    def stem(self) -> str:
        """The words up to the first that says which firm it is; a branch and its house have it in common."""
        for place in range(1, len(self.words)):
            if _is_telling(self.words[:place]):
                return "".join(self.words[:place])
        return self.key


def _is_telling(words: Iterable[str]) -> bool:
    return sum(len(word) for word in words if word not in COMMON_IN_FIRMS) >= _LEAST_TELLING


class Mailbox(NamedTuple):
    """An e-mail address in its two parts, without what follows a plus sign."""

    local: str
    domain: str

    @property
    def corporate(self) -> bool:
        """Whether the domain says whom its people work for."""
        return self.domain not in FREE_MAIL and self.domain.partition(".")[0] not in FREE_MAIL_LABELS

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a person: everything that any record of theirs says. `own` is one of our own people."""

    id: str
    own: bool
    names: tuple[PersonName, ...]
    firms: tuple[Firm, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    phones: tuple[str, ...] = ()
    outside: tuple[tuple[str, str], ...] = ()


@lru_cache(_REMEMBERED)
def fold(word: str) -> str:
    """A word by its sound, roughly: Katherine and Catherine, Mariya and Maria, Stephen and Steven are one."""
    for written, said in (*_SOUNDS, *(_UMLAUTS if len(word) > 4 else ())):
        word = word.replace(written, said)
    word = word.translate(_LETTERS)
    return _once(word[:1] + word[1:].replace("v", "f"))


def _once(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))


@lru_cache(_REMEMBERED)
def skeleton(word: str, length: int = 6) -> str:
    """The first letter of a folded word and the consonants after it, whether voiced or not."""
    folded = fold(word)
    return folded[:1] + _once(_SILENT.sub("", folded[1:]).translate(_VOICED))[: length - 1]


def firm_words(plain: str) -> tuple[str, ...]:
    """The words of a firm's name without legal form; all of them where nothing else is left."""
    joined = re.sub(r"[.'`]", "", plain.lower())
    words = re.sub(r"[^a-z0-9]+", " ", joined).split()
    return tuple(word for word in words if word not in LEGAL_FORMS) or tuple(words)


def is_part_of(one: Firm, other: Firm) -> bool:
    """Whether a firm's name is the beginning of another's, and says something by itself."""
    short, long = sorted((one.words, other.words), key=len)
    return _is_telling(short) and long[: len(short)] == short


def mailbox(email: str) -> Mailbox:
    """An address as compared."""
    local, _, domain = email.casefold().rpartition("@")
    return Mailbox(local.partition("+")[0], domain.strip())


def phone_digits(phone: str) -> str:
    """The digits that are compared of a phone number, without extension; nothing where there are too few."""
    digits = "".join(letter for letter in _EXTENSION.sub("", phone) if letter.isdecimal())
    return digits[-_COMPARED_DIGITS:] if len(digits) >= _LEAST_DIGITS else ""


def tells(local: str) -> bool:
    """Whether the local part of an address is long enough to be somebody's own."""
    return len(local) >= _LEAST_LOCAL


def outside_value(id: str) -> str:
    """Another system's id as compared across systems; nothing where it is too short to mean anything."""
    plain = id.strip().casefold()
    return plain if len(plain) >= _LEAST_ID else ""


# Keys. Their first letter says what two people share, and sorts what says much (up to `p`) before what says little.
STRONG = "q"
SURNAME_ONLY = "s"

Roots = Callable[[str], Iterable[str]]


def keys(look: Look, roots: Roots) -> set[str]:
    """The keys of a person: whoever has one in common with them may be them. `roots` gives what a name is short for.

    d: mail domain, surname and initial · e: e-mail · f: firm, and surname and initial or all words · i: id elsewhere ·
    p: phone · r: root of the given name, and surname · s: surname and initial · w: all words in any order
    """
    found = {f"e:{box}" for box in look.mailboxes} | {f"p:{digits}" for digits in look.phones}
    found |= {f"i:{value}" for _, value in look.outside}
    firms = {f"f:{firm.stem}" for firm in look.firms}
    domains = {f"d:{box.domain}" for box in look.mailboxes if box.corporate}
    for name in look.names:
        words = " ".join(sorted(map(fold, name.words)))
        if len(name.words) > 1:
            found |= {f"w:{words}", *(f"{firm}|{words}" for firm in firms)}
        found |= set(_name_keys(name, firms | domains, roots))
    return {key[:_LONGEST_KEY] for key in found}


def _name_keys(name: PersonName, places: Iterable[str], roots: Roots) -> Iterator[str]:
    known = {root for given in name.givens if given for root in (given, *roots(given))}
    initials = {fold(root)[0] for root in known}
    for surname in _surnames(name):
        sound = skeleton(surname)
        yield from (f"s:{surname}|{initial}" for initial in initials)
        yield from (f"{place}|{sound}|{initial}" for place in places for initial in initials)
        yield from (f"r:{skeleton(root, 4)}|{sound}" for root in known if len(root) > 1)


def _surnames(name: PersonName) -> set[str]:
    """A surname, and each part of one that has several."""
    return {"".join(name.family), *name.family} - {""}
