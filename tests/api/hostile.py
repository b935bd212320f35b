"""Hostile values, and every slot of a request that one can stand in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.api.wire import NOTHING, Ask

Path = tuple[str | int, ...]

_PLACEHOLDER = "a placeholder that is in no request"


class Hostile(NamedTuple):
    """A value that means trouble: as text in paths, queries and headers, and as a piece of JSON in bodies."""

    name: str
    text: str
    fragment: str


def _text(name: str, text: str) -> Hostile:
    return Hostile(name, text, json.dumps(text))


def _raw(fragment: str, name: str = "") -> Hostile:
    return Hostile(name or fragment[:40], fragment, fragment)


TEXTS: dict[str, str] = {
    "nothing": "",
    "a blank": " ",
    "a tab": "\t",
    "a line end": "\n",
    "a no-break space": "\u00a0",
    "zero width only": "\u200b",
    "a Hangul filler": "\u3164",
    "soft hyphens": "\u00ad\u00ad",
    "NUL": "a\x00b",
    "NUL alone": "\x00",
    "an escape sequence": "\x1b[31mred",
    "a delete": "a\x7fb",
    "a next line": "a\u0085b",
    "a high surrogate": "a\ud800",
    "a low surrogate": "\udfffa",
    "surrogates the wrong way round": "\udc00\ud800",
    "a noncharacter": "a\uffff",
    "the last code point": "\U0010ffff",
    "a private use": "\ue000",
    "a replacement character": "\ufffd",
    "a byte order mark": "\ufeffa",
    "right to left override": "Dana\u202eseyeR",
    "isolates": "\u2066Dana\u2069",
    "composed": "Ren\u00e9",
    "decomposed": "Rene\u0301",
    "Cyrillic twins": "\u0430\u0441\u0435",
    "full width": "\uff24\uff41\uff4e\uff41",
    "ligature": "\ufb03ce",
    "dotted capital I": "\u0130stanbul",
    "sharp s": "Stra\u00dfe",
    "emoji family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "marks without end": "e" + "\u0301" * 150,
    "ten thousand marks": "e" + "\u0301" * 10_000,
    "one that grows": "\ufdfa" * 200,
    "a zalgo of squares": "".join(chr(0x3300 + place * 7 % 88) for place in range(200)),
    "two hundred": "x" * 200,
    "two hundred and one": "x" * 201,
    "two thousand": "y" * 2000,
    "two thousand and one": "y" * 2001,
    "four hundred kilobytes": "z" * 400_000,
    "astral two hundred": "\U0001d54f" * 200,
    "a quote": "O'Brien",
    "double quotes": '"quoted"',
    "a backslash": "C:\\new\\table",
    "a percent sign": "100%_off",
    "SQL": "'; DROP TABLE entries; --",
    "SQL with comment": "x'/**/OR/**/1=1--",
    "a LIKE pattern": "%%%___",
    "a formula": '=cmd|"/c calc"!A1',
    "a plus formula": "+SUM(1)",
    "markup": "<svg onload=alert(1)>",
    "a template": "{{7*7}}${7*7}#{7*7}",
    "a look-up": "${jndi:ldap://127.0.0.1/a}",
    "the folder above": "../../etc/passwd",
    "an absolute path": "/etc/passwd",
    "a pointer": "/recipients/0/~1~0",
    "header splitting": "x\r\nSet-Cookie: a=b",
    "percent-encoded": "%00%0d%0a%c0%ae",
    "a JSON text": '{"a":1}',
    "the word null": "null",
    "the word true": "true",
    "the word undefined": "undefined",
    "the word NaN": "NaN",
    "a dunder": "__class__",
    "a format": "%s%n{0.__class__}",
    "year zero": "0000-01-01",
    "year one": "0001-01-01",
    "before the books": "1999-12-31",
    "first of the books": "2000-01-01",
    "a leap day": "2024-02-29",
    "no leap day": "2026-02-29",
    "thirtieth of February": "2026-02-30",
    "the last of all days": "9999-12-31",
    "nearly the last": "9999-01-01",
    "year ten thousand": "10000-01-01",
    "a short date": "2026-5-4",
    "a basic date": "20260504",
    "a week date": "2026-W19-1",
    "a time stamp": "2026-05-04T00:00:00Z",
    "a date with blanks": " 2026-05-04 ",
    "Arabic digits": "\u0662\u0660\u0662\u0666-\u0660\u0665-\u0660\u0664",
    "zero": "0",
    "zero with decimals": "0.00",
    "minus zero": "-0",
    "below zero": "-1.00",
    "a plus sign": "+1",
    "an exponent": "1e3",
    "a leading blank": " 1",
    "a trailing line end": "1\n",
    "a full-width one": "\uff11",
    "a grouping comma": "1,000.00",
    "an underscore": "1_000",
    "no whole part": ".5",
    "no decimals": "1.",
    "three decimals": "1.001",
    "five decimals": "1.00001",
    "as much as fits": "9999999999999.99",
    "more than fits": "10000000000000.00",
    "forty digits": "9" * 40,
    "hexadecimal": "0x10",
    "half a cent": "0.005",
    "a lower-case currency": "usd",
    "no currency": "XYZ",
    "a currency of three letters": "JPY",
    "an id of nobody": "rec_" + "0" * 32,
    "an id in capitals": "REC_" + "0" * 32,
    "an employer of nobody": "emp_" + "f" * 32,
    "a word": "gift",
    "another word": "own_associated_person",
    "an ETag": '"v1"',
    "an ETag beyond": '"v99999999999"',
    "a list of ETags": '"v1", "v2"',
    "any ETag": "*",
    "an address": "a@b.c",
    "an odd address": "\u0430@\u0431.\u0432",
    "two addresses": "a@b.c,d@e.f",
}

FRAGMENTS: list[Hostile] = [
    _raw("null"),
    _raw("true"),
    _raw("false"),
    _raw("0"),
    _raw("-0"),
    _raw("1"),
    _raw("-1"),
    _raw("2147483647"),
    _raw("2147483648"),
    _raw("-2147483649"),
    _raw("9007199254740993"),
    _raw("9223372036854775807"),
    _raw("9223372036854775808"),
    _raw("-9223372036854775809"),
    _raw("18446744073709551616"),
    _raw("9" * 400, "four hundred digits"),
    _raw("1" * 5000, "five thousand digits"),
    _raw("0.1"),
    _raw("0.30000000000000004"),
    _raw("125.00"),
    _raw("1e3"),
    _raw("1E400"),
    _raw("-1e400"),
    _raw("NaN"),
    _raw("Infinity"),
    _raw("-Infinity"),
    _raw("[]"),
    _raw("{}"),
    _raw("[null]"),
    _raw('[""]'),
    _raw("[[[[]]]]"),
    _raw('{"":null}'),
    _raw('{"a":{"b":{"c":[]}}}'),
    _raw('{"__proto__":{"admin":true}}'),
    _raw('{"amount":"1.00","currency":"USD"}'),
    _raw('{"a":1,"a":2}', "a key that stands twice"),
    _raw('{"\\u0000":1}', "NUL in a key"),
    _raw('{"\\ud800":1}', "a surrogate in a key"),
    _raw("[" * 17 + "]" * 17, "seventeen deep"),
    _raw("[" * 2000 + "]" * 2000, "two thousand deep"),
]

DICTIONARY: list[Hostile] = [*(_text(name, text) for name, text in TEXTS.items()), *FRAGMENTS]


class Slot(NamedTuple):
    """A place of a request, and how to put a value there."""

    name: str
    put: Callable[[Ask, Hostile], Ask]
    fits: Callable[[Hostile], bool] = lambda _: True


def slots(ask: Ask, operation: Mapping[str, Any], more_headers: Sequence[str] = ()) -> Iterator[Slot]:
    """Every slot of an operation: of the path, the query and the headers as declared, and of the body as it stands."""
    declared = operation.get("parameters", [])
    for one in declared:
        match one["in"]:
            case "path":
                yield Slot(f"path {one['name']}", _in_path(one["name"]))
            case "query":
                yield Slot(f"query {one['name']}", _in_query(one["name"]))
            case "header":
                yield Slot(f"header {one['name']}", _in_header(one["name"]), _fits_header)
    for name in more_headers:
        yield Slot(f"header {name}", _in_header(name), _fits_header)
    if ask.body is not NOTHING:
        for path, value in places(ask.body):
            yield Slot(f"body {pointer(path)}", _in_body(path))
            if isinstance(value, dict):
                yield Slot(f"key in {pointer(path)}", _as_key(path), _is_text)


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside a value, and the value itself, with the way to it."""
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield from places(member, (*path, step))


def pointer(path: Path) -> str:
    """The way as an RFC 6901 pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A value with something else in one place; what is not there is added."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, step: replaced(value.get(step), rest, new)}
    copy = list(value)
    copy[int(step)] = replaced(copy[int(step)], rest, new)
    return copy


def without(value: Any, path: Path) -> Any:
    """A value without what is in one place."""
    step, rest = path[0], path[1:]
    if rest:
        return replaced(value, (step,), without(value[step], rest))
    if isinstance(value, dict):
        return {key: member for key, member in value.items() if key != step}
    return [member for place, member in enumerate(value) if place != step]


def written(value: Any, path: Path, fragment: str) -> bytes:
    """The JSON of a value with any piece of text in one place."""
    text = json.dumps(replaced(value, path, _PLACEHOLDER))
    return text.replace(json.dumps(_PLACEHOLDER), fragment).encode("utf-8", "surrogatepass")


def _in_path(name: str) -> Callable[[Ask, Hostile], Ask]:
    return lambda ask, one: ask.but(ids={**ask.ids, name: one.text})


def _in_query(name: str) -> Callable[[Ask, Hostile], Ask]:
    return lambda ask, one: ask.but(query=(*((k, v) for k, v in ask.query if k != name), (name, one.text)))


def _in_header(name: str) -> Callable[[Ask, Hostile], Ask]:
    return lambda ask, one: ask.but(headers={name: one.text.encode("utf-8", "surrogatepass")})


def _in_body(path: Path) -> Callable[[Ask, Hostile], Ask]:
    return lambda ask, one: ask.but(body=written(ask.body, path, one.fragment))


def _as_key(path: Path) -> Callable[[Ask, Hostile], Ask]:
    def put(ask: Ask, one: Hostile) -> Ask:
        inside = replaced(ask.body, (*path, _PLACEHOLDER), 1)
        return ask.but(body=json.dumps(inside).replace(json.dumps(_PLACEHOLDER), one.fragment).encode())

    return put


def _is_text(one: Hostile) -> bool:
    return one.fragment.startswith('"')


def _fits_header(one: Hostile) -> bool:
    """What a header line can hold at all; anything else is not HTTP, and the server's parser refuses it."""
    return not set("\r\n\x00") & set(one.text) and len(one.text) < 10_000
