"""Requests that must be refused: each says what is wrong and where, repeats nothing, and leaves nothing behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.settings import Settings
from tests.api.document import KNOWN, LISTS, OPERATIONS, WITH_BODY
from tests.api.examples import EXAMPLES, NOWHERE, able, example_of
from tests.api.hostile import DICTIONARY, Path, places, pointer, replaced, slots, without, written
from tests.api.judging import complaints, nothing_written, refused
from tests.api.wire import Ask, Reply
from tests.api.world import Json, World

LIMIT = Settings().body_limit_bytes


@pytest.fixture(scope="session")
def prepared() -> Callable[[World, str], Ask]:
    """The plain example of an operation, prepared once in each world: a refused request uses nothing up."""
    kept: dict[tuple[int, str], Ask] = {}

    def of(world: World, operation: str) -> Ask:
        key = (id(world), operation)
        if key not in kept:
            kept[key] = example_of(operation, world)
        return kept[key]

    return of


Prepared = Callable[[World, str], Ask]


# Bodies that are no JSON of ours, whatever the route


def member(text: str) -> Callable[[bytes], bytes]:
    """One more member at the front of the object."""
    return lambda body: b"{" + text.encode("utf-8", "surrogatepass") + b"," + body[1:]


def first_text(piece: bytes) -> Callable[[bytes], bytes]:
    """Bytes at the end of the first text in the body."""
    return lambda body: body.replace(b'": "', b'": "' + piece, 1)


def instead(body: Any) -> Callable[[Any], Any]:
    return lambda _: body


def members(many: int) -> Callable[[bytes], bytes]:
    return member(",".join(f'"{number:05x}":0' for number in range(many)))


STRICT: list[Any] = [
    pytest.param(member('"twice":1,"twice":1'), 400, "duplicate_key", id="a key twice"),
    pytest.param(member('"a":{"b":[{"c":1,"c":2}]}'), 400, "duplicate_key", id="a key twice, deep inside"),
    pytest.param(member('"a":1,"\\u0061":2'), 400, "duplicate_key", id="a key twice, once written out"),
    pytest.param(member('"n":NaN'), 400, "number_refused", id="NaN"),
    pytest.param(member('"n":Infinity'), 400, "number_refused", id="Infinity"),
    pytest.param(member('"n":-Infinity'), 400, "number_refused", id="minus Infinity"),
    pytest.param(member('"n":125.00'), 400, "number_refused", id="a fraction"),
    pytest.param(member('"n":-0.0'), 400, "number_refused", id="minus nothing, as a fraction"),
    pytest.param(member('"n":1e3'), 400, "number_refused", id="an exponent"),
    pytest.param(member('"n":1E400'), 400, "number_refused", id="an exponent beyond all"),
    pytest.param(member('"n":18446744073709551616'), 400, "number_refused", id="2 to the 64th"),
    pytest.param(member('"n":' + "9" * 5000), 400, "number_refused", id="five thousand digits"),
    pytest.param(member('"n":01'), 400, "not_json", id="a leading zero"),
    pytest.param(member('"n":+1'), 400, "not_json", id="a plus sign"),
    pytest.param(member('"n":0x10'), 400, "not_json", id="hexadecimal"),
    pytest.param(member('"a":' + "[" * 16 + "]" * 16), 400, "too_deep", id="seventeen deep"),
    pytest.param(member('"a":' + "[" * 100_000 + "]" * 100_000), 400, "too_deep", id="a hundred thousand deep"),
    pytest.param(member('"a":' + '{"b":' * 5000 + "1" + "}" * 5000), 400, "too_deep", id="five thousand objects deep"),
    pytest.param(member('"a":"\\ud800"'), 400, "not_unicode", id="a lone surrogate"),
    pytest.param(member('"a":["\\udc00\\ud800"]'), 400, "not_unicode", id="surrogates the wrong way round"),
    pytest.param(member('"\\udfff":1'), 400, "not_unicode", id="a lone surrogate in a key"),
    pytest.param(first_text(b"\xff"), 400, "not_json", id="a byte that is no UTF-8"),
    pytest.param(first_text(b"\xc0\xaf"), 400, "not_json", id="an overlong character"),
    pytest.param(first_text(b"\xed\xa0\x80"), 400, "not_json", id="a surrogate in bytes"),
    pytest.param(first_text(b"\xf4\x90\x80\x80"), 400, "not_json", id="beyond the last code point"),
    pytest.param(first_text(b"\x00"), 400, "not_json", id="a bare NUL"),
    pytest.param(first_text(b"\n"), 400, "not_json", id="a bare line end in a text"),
    pytest.param(lambda body: b"\xef\xbb\xbf" + body, 400, "not_json", id="a byte order mark"),
    pytest.param(lambda body: body.decode().encode("utf-16"), 400, "not_json", id="UTF-16"),
    pytest.param(lambda body: body.decode().encode("utf-32"), 400, "not_json", id="UTF-32"),
    pytest.param(instead(b""), 400, "not_json", id="nothing"),
    pytest.param(instead(b" \n\t "), 400, "not_json", id="blanks only"),
    pytest.param(lambda body: body[:-1], 400, "not_json", id="cut off"),
    pytest.param(lambda body: body + b"}", 400, "not_json", id="a bracket too many"),
    pytest.param(lambda body: body + body, 400, "not_json", id="two documents"),
    pytest.param(lambda body: body[:-1] + b",}", 400, "not_json", id="a comma too many"),
    pytest.param(lambda body: body + b"// so", 400, "not_json", id="a comment"),
    pytest.param(lambda body: body.replace(b'"', b"'"), 400, "not_json", id="the wrong quotes"),
    pytest.param(lambda body: b"[" + body + b"]", 422, "", id="a list where an object belongs"),
    pytest.param(lambda body: json.dumps(body.decode()).encode(), 422, "", id="a text where an object belongs"),
    pytest.param(instead(b"17"), 422, "", id="a number where an object belongs"),
    pytest.param(instead(b"null"), 422, "", id="null where an object belongs"),
    pytest.param(instead(b"{}"), 422, "", id="an empty object"),
    pytest.param(member('"nonsense":1'), 422, "", id="an unknown field"),
    pytest.param(member('"":1'), 422, "", id="a field without a name"),
    pytest.param(member('"a\\u0000b":1'), 422, "", id="NUL in a key"),
    pytest.param(member('"__proto__":{"role":"admin"}'), 422, "", id="a prototype"),
    pytest.param(members(100_000), 400, "too_many_members", id="a hundred thousand keys"),
    pytest.param(members(4_000), 422, "", id="four thousand keys"),
    pytest.param(lambda body: body + b" " * (LIMIT + 1 - len(body)), 413, "body_too_large", id="one byte too many"),
]


ALL_OPTIONAL = {
    "change_connection",
    "create_connection_replay",
    "create_draft_confirmation",
    "rotate_connection_secret",
    "rotate_key",
    "rotate_subscription_secret",
    "change_subscription",
    "update_view",
}


@pytest.mark.parametrize(("change", "status", "code"), STRICT)
def test_a_body_in_doubt_is_refused_on_every_route(world: World, prepared: Prepared, change, status, code):
    asks = [prepared(world, operation) for operation in WITH_BODY]
    with nothing_written(world):
        for operation, ask in zip(WITH_BODY, asks, strict=True):
            asked = ask.but(body=change(ask.payload))
            if asked.body in (ask.payload, b"{}" if operation in ALL_OPTIONAL else None):
                continue  # nothing of the kind stands in it, or an empty object says something
            began = time.monotonic()
            reply = world.ask(able(operation), asked)
            assert complaints(asked, reply) == [], (operation, reply.status, reply.body[:500])
            assert (reply.status, reply.code) == (status, code or reply.code), (operation, reply.body[:500])
            assert time.monotonic() - began < 20, operation


def test_an_unknown_field_is_pointed_out_at_every_level(world: World, prepared: Prepared):
    """Objects whose keys are data (facts, rates by currency) take none that is not one of theirs either."""
    for operation in WITH_BODY:
        ask = prepared(world, operation)
        wrong = []
        with nothing_written(world):
            for path, value in places(ask.body):
                if isinstance(value, dict):
                    asked = ask.but(body=replaced(ask.body, (*path, "Non sense"), 17))
                    wrong += [f"{operation} {pointer(path)}: {one}" for one in unpointed(world, operation, asked, path)]
        assert wrong == []


def unpointed(world: World, operation: str, ask: Ask, path: Path) -> list[str]:
    reply = world.ask(able(operation), ask)
    if reply.status == 200 and operation == "create_entries":
        [item] = reply.json()["results"]
        body, path = item.get("problem", {}), path[2:]
    elif found := complaints(ask, reply):
        return found
    else:
        body = reply.json()
    pointers = [fault["pointer"] for fault in body.get("errors", [])]
    return [] if pointer((*path, "Non sense")) in pointers else [f"{reply.status} points to {pointers}"]


WRONG_TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]


@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_only_json_is_read(world: World, prepared: Prepared, kind):
    asks = [prepared(world, operation).but(headers={"Content-Type": kind}) for operation in WITH_BODY]
    with nothing_written(world):
        for operation, ask in zip(WITH_BODY, asks, strict=True):
            assert refused(world, able(operation), ask).code == "json_expected", operation


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"])
def test_json_by_any_of_its_names_is_read(world: World, kind):
    ask = Ask("POST", "/v1/assessments", body=world.gift("rhea"))
    assert world.ask("rep", ask.but(headers={"Content-Type": kind})).status == 200


def test_a_body_without_a_length_is_read_to_the_limit_and_no_further(world: World):
    body = json.dumps(world.gift("rhea")).encode()
    chunked = Ask("POST", "/v1/assessments", headers={"Transfer-Encoding": "chunked"}, body=body)
    assert world.ask("rep", chunked).status == 200
    assert world.ask("rep", chunked.but(body=body + b" " * (LIMIT - len(body)))).status == 200
    with nothing_written(world):
        for excess in (1, LIMIT, 20 * LIMIT):
            reply = refused(world, "rep", chunked.but(body=body + b" " * (LIMIT - len(body) + excess)))
            assert (reply.status, reply.code) == (413, "body_too_large")


# Text that no field takes

UNREADABLE = [one for one in DICTIONARY if one.name in ("NUL", "NUL alone", "an escape sequence", "a delete")]
HALVES = [one for one in DICTIONARY if "surrogate" in one.name]


@pytest.mark.parametrize("operation", WITH_BODY)
def test_no_field_takes_what_cannot_be_written_or_read(world: World, operation):
    """U+0000, control characters and half characters in every text of every example, keys of free objects included."""
    assert len(UNREADABLE) == 4
    assert len(HALVES) >= 4
    for make in EXAMPLES[operation]:
        ask = make(world, "rhea")
        found = []
        with nothing_written(world):
            for slot in slots(ask, OPERATIONS[operation].said):
                for value in (*UNREADABLE, *HALVES):
                    if slot.name.startswith(("body", "key", "query")) and slot.fits(value):
                        asked = slot.put(ask, value)
                        reply = world.ask(able(operation), asked)
                        found += [f"{slot.name} {value.name}: {one}" for one in of_refusal(operation, asked, reply)]
        assert found == []


def of_refusal(operation: str, ask: Ask, reply: Reply) -> list[str]:
    """Complaints about a refusal, or about those of a batch's items."""
    if operation == "create_entries" and reply.status == 200:
        problems = [item["problem"] for item in reply.json()["results"] if item["status"] >= 400]
        return [] if problems and problems[0]["errors"] else ["a batch took it"]
    return complaints(ask, reply)


# Entries, one field at a time

TEXT_200 = "x" * 201
AMOUNTS = ['""', '"-1.00"', '"+1"', '"1e3"', '" 1"', '"1 "', '"1\\n"', '"１"', '"1,000.00"', '"1_000"', '".5"', '"1."',
           '"1.001"', '"1.00001"', '"10000000000000.00"', f'"{"9" * 40}"', '"0x10"', '"NaN"', '"½"', '"١٢"', "500",
           "true", "{}"]  # fmt: skip
DAYS = ['"0000-01-01"', '"0001-01-01"', '"1899-12-31"', '"3000-01-01"', '"9999-12-31"', '"10000-01-01"', '"2026-02-30"',
        '"2025-02-29"', '"2026-13-01"', '"2026-05-04T00:00:00Z"', '"20260504"', '"2026-W19-1"', '"2026-5-4"',
        '" 2026-05-04"', '"2026-05-04\\n"', '"２０２６-05-04"', '""', '"today"', "20260504", "true", "[]"]  # fmt: skip
WORDS = ['""', '"Not A Word"', '"1word"', '"wörd"', f'"{"w" * 65}"', '"word\\n"', "17", "true", "[]"]
TEXTS = ['""', '"  "', '"\\u200b"', '"\\u3164"', f'"{TEXT_200}"', "17", "true", "[]", "{}"]
LONG_TEXTS = ['""', f'"{"y" * 2001}"', "17", "[]"]
NAMES = [*TEXTS, '"."', '", ,"', '"\\ud83c\\udf81"', '"Da\\u200bna"', '"Dana\\u202eseyeR"', '"Da\\u00adna"']
OUR_IDS = ['""', '"rec_1"', f'"REC_{NOWHERE}"', f'"ent_{NOWHERE}"', f'"rec_{NOWHERE}0"', f'"rec_{"g" * 32}"', "17"]
EMAILS = ['""', '"nobody"', '"a@b@c"', '"a b@c.d"', '"<a@b.c>"', f'"{"a" * 65}@b.c"', f'"a@{"b" * 250}"', "17"]

FIELDS: dict[str, list[str]] = {
    "/occurred_on": [*DAYS, "null", '"1999-12-31"', '"2026-06-16"'],
    "/kind": ['"gifts"', '"GIFT"', '""', "null", "1", '["gift"]'],
    "/direction": ['"sideways"', "null", "0"],
    "/giver": TEXTS,
    "/giver_type": [*WORDS, "null"],
    "/total": ["null", "[]", '"500.00"', "500"],
    "/total/amount": [*AMOUNTS, "null", '"0"', '"0.00"', '"0.0000"'],
    "/total/currency": ['"usd"', '"XYZ"', '"US"', '"USDD"', '""', '"U$D"', '"ＵＳＤ"', "840", "null"],
    "/value": ["null", "[]", '"1.00"'],
    **{f"/value/{name}": AMOUNTS for name in ("tax", "delivery", "tip", "cost", "face", "market")},
    "/hosts_present": ["null", '"true"', "1", '"yes"', "[]"],
    "/hosts": ['"rhea"', "{}", json.dumps(["x"] * 101)],
    "/hosts/0": [*TEXTS, "null"],
    "/hosts_share": AMOUNTS,
    "/recipients": ["null", "{}", "[]", '"Dana"', json.dumps([{"name": "x", "type": "y"}] * 201)],
    "/recipients/0": ["null", "[]", '"Dana"'],
    "/recipients/0/external_id": ["[]", '"crm:1"'],
    "/recipients/0/external_id/source": [*WORDS, "null"],
    "/recipients/0/external_id/id": [*TEXTS, "null"],
    "/recipients/0/name": NAMES,
    "/recipients/0/employer": NAMES,
    "/recipients/0/email": EMAILS,
    "/recipients/0/type": WORDS,
    "/recipients/0/share": AMOUNTS,
    "/recipients/1/id": [*OUR_IDS, f'"rec_{NOWHERE}"'],
    "/recipients/1/employer_id": ['""', '"emp_1"', f'"rec_{NOWHERE}"', "17", f'"emp_{NOWHERE}"'],
    "/recipients/2/guest_of": ["[]", '"Dana"'],
    "/recipients/2/guest_of/id": [*OUR_IDS, f'"rec_{NOWHERE}"'],
    "/recipients/4/guest_of/name": NAMES,
    "/recipients/4/guest_of/external_id/source": WORDS,
    "/recipients/4/client_type": WORDS,
    "/recipients/4/client_employer": NAMES,
    "/recipients/5/guest_of/email": EMAILS,
    "/recipients/5/client_employer_id": ['""', '"emp_1"', "17", f'"emp_{NOWHERE}"'],
    "/paid_by": [*WORDS, "null"],
    "/flags": ["null", "{}", '"promotional"', json.dumps(["x"] * 31)],
    "/flags/0": [*WORDS, "null"],
    "/facts": ["null", "[]", json.dumps({f"f{number}": True for number in range(31)})],
    "/facts/logo": ['"yes"', "null", "1", "{}", '""', f'"{TEXT_200}"'],
    "/facts/agreement_on": [*(one for one in DAYS if one != "{}"), "false"],
    "/facts/life_event": ["null", "1", "{}", "[]", '""', '"\\u200b"', f'"{TEXT_200}"'],
    "/facts/Bad Key": ["true"],
    "/facts/": ["true"],
    f"/facts/{'k' * 65}": ["true"],
    "/preapproved_on": DAYS,
    "/purpose": LONG_TEXTS,
    "/venue": TEXTS,
}  # fmt: skip
ENTRY_ROUTES = {
    "create_entry": (),
    "create_assessment": (),
    "create_amendment": ("set",),
    "create_entries": ("entries", 0),
}
MAY_LIE_AHEAD = {"create_assessment": ['"2026-06-16"']}


def path_of(text: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in text[1:].split("/"))


def said_by(operation: str, world: World, ask: Ask, rejected: str) -> tuple[int, Json]:
    """The refusal of an entry, on its own or as the one item of a batch."""
    if operation != "create_entries":
        reply = refused(world, able(operation), ask, rejected=rejected)
        return reply.status, reply.json()
    reply = world.ask(able(operation), ask)
    if reply.status != 200:  # the batch as a whole could not be read
        assert complaints(ask, reply, rejected=rejected) == [], reply.body
        return reply.status, reply.json()
    [item] = reply.json()["results"]
    assert reply.json()["recorded"] == 0, reply.body[:500]
    assert not rejected or rejected not in json.dumps([item["problem"]["detail"], item["problem"].get("errors")])
    return item["status"], item["problem"]


def what_is_rejected(fragment: str) -> str:
    """The text that may not be repeated; words so short that they stand in any sentence are left out."""
    value = json.loads(fragment)
    return value if isinstance(value, str) and len(value.strip()) > 8 and value.isprintable() else ""


@pytest.mark.parametrize("operation", ENTRY_ROUTES)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_an_entry_that_is_not_valid_is_pointed_out(world: World, prepared: Prepared, operation, field):
    base = ENTRY_ROUTES[operation]
    ask = prepared(world, operation)
    prefix = pointer(base) if operation != "create_entries" else ""
    at = prefix + field
    with nothing_written(world):
        for fragment in FIELDS[field]:
            if fragment not in MAY_LIE_AHEAD.get(operation, ()):
                asked = ask.but(body=written(ask.body, (*base, *path_of(field)), fragment))
                status, problem = said_by(operation, world, asked, what_is_rejected(fragment))
                assert status == 422, (fragment, problem)
                pointers = {fault["pointer"] for fault in problem["errors"]}
                assert all(one == at or one.startswith(f"{at}/") for one in pointers), (fragment, problem)


# Entries that contradict themselves


def change(*changes: tuple[str, Any]) -> Callable[[Json], Json]:
    def apply(entry: Json) -> Json:
        for at, value in changes:
            entry = replaced(entry, path_of(at), value)
        return entry

    return apply


def drop(*paths: str) -> Callable[[Json], Json]:
    def apply(entry: Json) -> Json:
        for at in paths:
            entry = without(entry, path_of(at))
        return entry

    return apply


def shares(*amounts: str | None) -> Callable[[Json], Json]:
    """Shares of the six people on the entry, in their order; None says nothing for somebody."""

    def apply(entry: Json) -> Json:
        for place, amount in enumerate(amounts):
            entry = change((f"/recipients/{place}/share", amount))(entry)
        return entry

    return apply


def again(place: int) -> Callable[[Json], Json]:
    """The person at a place once more at the end, named as there."""

    def apply(entry: Json) -> Json:
        return plus({name: value for name, value in entry["recipients"][place].items() if name != "share"})(entry)

    return apply


def plus(*people: Json) -> Callable[[Json], Json]:
    """More people at the end, from the seventh on, who get nothing."""
    return lambda entry: entry | {"recipients": [*entry["recipients"], *({**one, "share": "0.00"} for one in people)]}


def as_gift(**value: str) -> Callable[[Json], Json]:
    """The same people get a gift of the same amount, of which tax and the like come off."""
    return change(("/kind", "gift"), ("/value", value), ("/hosts_share", None), ("/recipients/0/share", "200.00"))


def in_yen(entry: Json) -> Json:
    return change(("/total", {"amount": "500.5", "currency": "JPY"}), ("/hosts_share", "100"))(entry)


NEW = {"name": "Nora New"}
CONTRADICTIONS = [
    pytest.param(change(("/recipients/1/name", "Dana")), "recipient_ambiguous", "/recipients/1", id="id and name"),
    pytest.param(
        change(("/recipients/1/external_id", {"source": "crm", "id": "1"})),
        "recipient_ambiguous",
        "/recipients/1",
        id="id and external id",
    ),
    pytest.param(
        change(("/recipients/1/employer", "Acme")),
        "employer_ambiguous",
        "/recipients/1/employer",
        id="employer by name and id",
    ),
    pytest.param(
        change(("/recipients/4/client_employer_id", f"emp_{NOWHERE}")),
        "employer_ambiguous",
        "/recipients/4/client_employer",
        id="a client's employer by name and id",
    ),
    pytest.param(plus({"type": "guest"}), "recipient_incomplete", "/recipients/6", id="no name"),
    pytest.param(
        drop("/recipients/4/guest_of/external_id", "/recipients/4/guest_of/name"),
        "recipient_incomplete",
        "/recipients/4/guest_of",
        id="the guest of somebody without a name",
    ),
    pytest.param(plus(NEW), "recipient_incomplete", "/recipients/6/type", id="somebody new without a type"),
    pytest.param(
        plus({"external_id": {"source": "crm", "id": "no such"}}),
        "recipient_incomplete",
        "/recipients/6",
        id="an external id that nobody has",
    ),
    pytest.param(again(1), "listed_twice", "/recipients/6", id="one person twice, by id"),
    pytest.param(again(0), "listed_twice", "/recipients/6", id="one person twice, by external id"),
    pytest.param(
        lambda entry: plus({"external_id": entry["recipients"][0]["external_id"]})(entry),
        "listed_twice",
        "/recipients/6",
        id="one person twice, the second time without a name",
    ),
    pytest.param(
        plus(NEW | {"type": "guest"}, NEW | {"type": "guest"}),
        "listed_twice",
        "/recipients/7",
        id="one person twice, by name",
    ),
    pytest.param(
        plus(NEW | {"type": "guest"}, {"name": " nora  NEW. ", "type": "guest"}),
        "listed_twice",
        "/recipients/7",
        id="one person twice, by a name that compares alike",
    ),
    pytest.param(
        plus(
            NEW | {"type": "guest", "email": "n@example.com"},
            {"name": "Somebody Else", "type": "guest", "email": "N@EXAMPLE.COM"},
        ),
        "listed_twice",
        "/recipients/7",
        id="one person twice, by e-mail",
    ),
    pytest.param(
        change(("/recipients/4/guest_of/share", "1.00")),
        "extra_forbidden",
        "/recipients/4/guest_of/share",
        id="a guest's client with a share",
    ),
    pytest.param(
        lambda entry: change(("/recipients/3/guest_of", named(entry["recipients"][2])))(entry),
        "guest_of_guest",
        "/recipients/3/guest_of",
        id="the guest of a guest",
    ),
    pytest.param(
        lambda entry: change(("/recipients/3/guest_of", named(entry["recipients"][3])))(entry),
        "guest_of_guest",
        "/recipients/3/guest_of",
        id="their own guest",
    ),
    pytest.param(
        drop("/recipients/4/client_type"), "guest_of_nobody", "/recipients/4/client_type", id="the guest of nobody"
    ),
    pytest.param(shares("99.99"), "shares_do_not_add_up", "/recipients", id="shares that are too little"),
    pytest.param(shares("100.01"), "shares_do_not_add_up", "/recipients", id="shares that are too much"),
    pytest.param(shares(None), "shares_do_not_add_up", "/recipients", id="shares for some only"),
    pytest.param(change(("/hosts_share", "99.00")), "shares_do_not_add_up", "/recipients", id="hosts eat less"),
    pytest.param(change(("/hosts_share", None)), "shares_do_not_add_up", "/recipients", id="hosts eat nothing"),
    pytest.param(drop("/hosts_present"), "hosts_present_required", "/hosts_present", id="nobody says who was there"),
    pytest.param(as_gift(tax="500.01"), "value_below_zero", "/value", id="tax above the amount"),
    pytest.param(as_gift(tax="300.00", tip="200.01"), "value_below_zero", "/value", id="tax and tip above it"),
    pytest.param(
        change(("/total/currency", "EUR")), "no_exchange_rate", "/total/currency", id="a currency without a rate"
    ),
    pytest.param(in_yen, "entry_not_valid", "/total/amount", id="half a yen"),
    pytest.param(
        change(("/total", {"amount": "500.0001", "currency": "KWD"})),
        "entry_not_valid",
        "/total/amount",
        id="a tenth of a fils",
    ),
]  # fmt: skip


def named(person: Json) -> Json:
    return {name: person[name] for name in ("id", "external_id", "name") if name in person}


@pytest.mark.parametrize("operation", ENTRY_ROUTES)
@pytest.mark.parametrize(("contradict", "code", "at"), CONTRADICTIONS)
def test_an_entry_that_contradicts_itself_is_refused(world: World, prepared: Prepared, operation, contradict, code, at):
    base = ENTRY_ROUTES[operation]
    ask = prepared(world, operation)
    entry = ask.body
    for step in base:
        entry = entry[step]
    asked = ask.but(body=replaced(ask.body, base, contradict(entry)))
    with nothing_written(world):
        status, problem = said_by(operation, world, asked, "")
    assert status == 422, problem
    codes = {problem["code"], *(fault["code"] for fault in problem["errors"])}
    assert not code or code in codes, problem
    prefix = pointer(base) if operation != "create_entries" else ""
    assert all(fault["pointer"].startswith(prefix + at) for fault in problem["errors"]), problem


# Everything else that is posted

# What an entry cannot be without, and a draft can: it is not known yet, or found out when it is confirmed.
NOT_KNOWN_YET = {
    "/occurred_on": ["null", '"1999-12-31"', '"2026-06-16"'],
    "/kind": ["null"],
    "/total": ["null"],
    "/hosts_present": ["null"],
    "/recipients": ["[]"],
    "/recipients/1/id": [f'"rec_{NOWHERE}"'],
    "/recipients/1/employer_id": [f'"emp_{NOWHERE}"'],
    "/recipients/2/guest_of/id": [f'"rec_{NOWHERE}"'],
    "/recipients/5/client_employer_id": [f'"emp_{NOWHERE}"'],
}


def of_a_draft(base: str) -> dict[str, list[str]]:
    """The fields of an entry below a field of a draft."""
    return {
        base + field: [one for one in fragments if one not in NOT_KNOWN_YET.get(field, ())]
        for field, fragments in FIELDS.items()
    }


OTHERS: dict[str, dict[str, list[str]]] = {
    "create_draft": of_a_draft("/entry")
    | {
        "/owner": TEXTS,
        "/about": ['"lunch"', '""', "null", "1"],
        "/label": TEXTS,
        "/source": ["[]", '"crm"', "{}"],
        "/entry": ["null", "[]", '"gift"'],
    },
    "change_draft": of_a_draft("/set") | {"/set": ["null", "[]", "{}", '"gift"']},
    "create_draft_confirmation": {"/set": ["null", "[]", '"gift"'], "/set/purpose": LONG_TEXTS},
    "create_draft_dismissal": {"/reason": [*LONG_TEXTS, "null"]},
    "create_recipient": {
        "/name": [*NAMES, "null"],
        "/type": [*WORDS, "null"],
        "/employer": NAMES,
        "/email": EMAILS,
        "/external_ids": ["null", "{}", json.dumps([{"source": "crm", "id": "x"}] * 21)],
        "/external_ids/0": ["null", '"crm:1"'],
        "/external_ids/0/source": [*WORDS, "null"],
        "/external_ids/0/id": [*TEXTS, "null"],
    },
    "change_recipient": {
        "/reason": [*LONG_TEXTS, "null"],
        "/name": NAMES,
        "/email": EMAILS,
        "/phone": TEXTS,
        "/aliases": ["{}", json.dumps(["x"] * 21)],
        "/aliases/0": [*TEXTS, "null"],
        "/external_ids": ["{}", json.dumps([{"source": "crm", "id": "x"}] * 21)],
        "/external_ids/0/source": [*WORDS, "null"],
        "/type": WORDS,
        "/employer": NAMES,
        "/effective_from": DAYS,
    },
    "create_employer": {"/name": [*NAMES, "null"]},
    "create_merge": {
        "/recipient_id": [*TEXTS, "null"],
        "/reason": [*LONG_TEXTS, "null"],
        "/dry_run": ['"true"', "1", "null", '"yes"'],
    },
    "create_withdrawal": {"/reason": [*LONG_TEXTS, "null"]},
    "create_approval": {"/note": [*LONG_TEXTS, "null"]},
    "create_return": {
        "/reason": [*LONG_TEXTS, "null"],
        "/repaid": ["[]", '"1.00"'],
        "/repaid/amount": [*AMOUNTS, "null"],
        "/repaid/currency": ['"usd"', '""', "null", '"EUR"'],
    },
    "create_key": {
        "/name": [*TEXTS, "null"],
        "/role": ['"root"', '""', "null", "1"],
        "/person": [*TEXTS, "null"],
        "/waiver_limit": ["[]", '"5.00"', "5"],
        "/scopes": ["[]", '["root"]', '"submit"', '["submit", null]'],
        "/expires_in_days": ["0", "-1", "3651", "2147483648", "9223372036854775807", '"30"', "true"],
    },
    "rotate_key": {"/overlap_hours": ["-1", "721", "null", '"24"', "true"]},
    "create_user": {
        "/person": [*TEXTS, "null"],
        "/name": [*TEXTS, "null"],
        "/email": ['""', '"a"', '"a@b@c"', "1", "[]"],
        "/role": ['"root"', '""', "null", "1"],
        "/waiver_limit": ["[]", '"5.00"', "5"],
    },
    "change_user": {
        "/name": [*TEXTS, "null"],
        "/email": ['""', '"a"', '"a@b@c"', "1", "[]"],
        "/role": ['"root"', '""', "null", "1"],
        "/active": ["null", "1", '"true"', "[]"],
        "/waiver_limit": ["[]", '"5.00"', "5"],
    },
    "create_delegation": {
        "/delegate": [*TEXTS, "null"],
        "/supervisor": TEXTS,
        "/from_on": [*DAYS, "null"],
        "/to_on": [*DAYS, "null"],
    },
    "create_report": {
        "/format": ['"doc"', '""', "null", "1"],
        "/period": ['"26"', '"2026-Q5"', '"2026-13"', '""', "2026"],
        "/as_of": ['"yesterday"', '"2026-05-04"', "1"],
    },
    "create_team": {"/name": [*TEXTS, "null"], "/parent_id": ['""', "1", "[]"]},
    "change_team": {"/name": [*TEXTS, "null"]},
    "create_membership": {
        "/person": [*TEXTS, "null"],
        "/part": ['"king"', '""', "null", "1"],
        "/from_on": [*DAYS, "null"],
        "/to_on": DAYS,
    },
    "change_membership": {"/to_on": DAYS},
    "publish_policy": {"/effective_from": [*DAYS, "null"]},
    "create_distinction": {
        "/recipient_ids": ["null", "[]", "{}", '["a"]', '["a","b","c"]'],
        "/recipient_ids/0": [*TEXTS, "null"],
        "/reason": [*LONG_TEXTS, "null"],
    },
    "create_assignment": {"/assignee": TEXTS},
    "create_assignments": {
        "/violations": ["[]", "null", '"vio"'],
        "/violations/0/id": [*TEXTS, "null"],
        "/violations/0/version": ["0", "-1", "2147483648", '"1"', "true", "null"],
        "/assignee": TEXTS,
    },
    "create_comment": {"/text": [*LONG_TEXTS, "null"]},
    "create_snooze": {"/until": [*DAYS, "null"], "/reason": [*LONG_TEXTS, "null"]},
    "create_link": {"/violation_id": [*TEXTS, "null"], "/note": [*LONG_TEXTS, "null"]},
    "create_escalation": {"/reason": [*LONG_TEXTS, "null"]},
    "create_reopening": {"/reason": [*LONG_TEXTS, "null"]},
    "create_disposition": {
        "/outcome": ['"guilty"', '""', "null", "1"],
        "/reason_code": ['"Bad luck"', '"no_such_code"', '""', "null", "1"],
        "/corrective_action": ['"Bad luck"', '"no_such_action"', '""', "null", "1"],
        "/note": [*LONG_TEXTS, "null"],
        "/duplicate_of": TEXTS,
        "/exemption_id": TEXTS,
    },
    "create_dispositions": {
        "/violations": ["[]", "null", '"vio"'],
        "/violations/0/id": [*TEXTS, "null"],
        "/violations/0/version": ["0", "-1", "2147483648", '"1"', "true", "null"],
        "/outcome": ['"guilty"', '""', "null", "1"],
        "/reason_code": ['"Bad luck"', '""', "null", "1"],
        "/corrective_action": ['"Bad luck"', '""', "1"],
        "/note": [*LONG_TEXTS, "null"],
        "/duplicate_of": TEXTS,
        "/exemption_id": TEXTS,
    },
    "create_confirmation": {"/note": [*LONG_TEXTS, "null"]},
    "create_question": {"/text": [*LONG_TEXTS, "null"], "/due_on": [*DAYS, "null"]},
    "create_answer": {"/text": [*LONG_TEXTS, "null"]},
    "create_legal_hold": {
        "/matter": [*TEXTS, "null"],
        "/reason": [*LONG_TEXTS, "null"],
        "/recipient_id": TEXTS,
        "/employer_id": TEXTS,
        "/giver": TEXTS,
        "/starts_on": DAYS,
        "/ends_on": DAYS,
    },
    "create_release": {"/reason": [*LONG_TEXTS, "null"]},
    "create_exemption": {
        "/number": [*TEXTS, "null"],
        "/issued_by": [*TEXTS, "null"],
        "/rule_ids": ["[]", "null", '"finra-3220-gifts"'],
        "/rule_ids/0": [*TEXTS, "null", '"no-such-rule"'],
        "/recipient_ids": ["[]", '"rec"'],
        "/employer_ids": ["[]", '"emp"'],
        "/effective_from": [*DAYS, "null"],
        "/effective_to": [*DAYS, "null"],
        "/document_ref": [*TEXTS, "null"],
        "/note": LONG_TEXTS,
    },
    "create_view": {
        "/name": [*TEXTS, "null"],
        "/noun": ["null", '"reports"', '"Violations"', "[]"],
        "/query": ["null", "[]", '"state=open"'],
        "/query/sort": ['"colour"', "null", "[]", "5", '["due", "severity"]', '""'],
        "/query/state": ['["open", "ajar"]', '["open", 5]', '[["open"]]', "{}"],
    },
    "update_view": {
        "/name": TEXTS,
        "/query": ["[]", '"state=open"'],
        "/query/sort": ['"colour"', "null", "[]", "5"],
        "/query/kind": ['["gift", "bribe"]', '["gift", null]'],
    },
    "create_subscription": {
        "/url": ['""', '"ftp://127.0.0.1/"', '"https://"', '"127.0.0.1"', f'"https://127.0.0.1/{"u" * 2000}"', "17"],
        "/events": ["[]", "null", '"*"', json.dumps(["*"] * 51)],
        "/events/0": ['""', '"Violation.*"', '"violation"', '"violation.sneezed"', "17", "null"],
        "/description": LONG_TEXTS,
        "/payload": ['"fat"', "null", "1"],
    },
    "change_subscription": {
        "/url": ['""', '"ftp://127.0.0.1/"', "17"],
        "/events": ["[]", '"*"'],
        "/payload": ['"fat"', "1"],
        "/state": ['"asleep"', "1"],
    },
    "rotate_subscription_secret": {"/overlap_hours": ["-1", "169", "2147483648", '"12"', "true", "null"]},
    "create_replay": {
        "/since": ['"2026-06-15"', '"2026-06-15T00:00:00"', '"0000-01-01T00:00:00Z"', '""', "17", '"now"'],
    },
    "create_merge_decision": {"/decision": ['"maybe"', "null", "17"], "/reason": [*LONG_TEXTS, "null"]},
    "create_connection": {
        "/provider": ['"zoho"', "null", "17"],
        "/name": [*NAMES, "null"],
        "/source": WORDS,
        "/account": TEXTS,
        "/secret": ['""', '"short"', '"with a space in it"', "17", "null"],
        "/mapping": ["[]", "17", '"x"'],
        "/mapping/default_type": [*WORDS, "null"],
        "/mapping/default_kind": ['"dinner"', "17"],
        "/mapping/default_rep": TEXTS,
        "/mapping/merges": ['"maybe"', "null"],
        "/mapping/expenses": ['"maybe"', "null"],
        "/mapping/types": ["null", '{"Trustee": "Not A Word"}', '{"": "x"}'],
        "/mapping/employers": ["null", '{"88": ""}'],
        "/mapping/fields": ["null", '{"deal": {}}', '{"contact": {"a": "B"}}'],
        "/base_url": ['""', '"ftp://127.0.0.1/"', '"https://10.0.0.1/"', "17"],
        "/token_url": ['""', '"http://169.254.169.254/"', "17"],
        "/client_id": TEXTS,
    },
    "change_connection": {
        "/name": NAMES,
        "/account": TEXTS,
        "/disabled": ['"x"', "[]"],
        "/mapping": ["[]", "17", '"x"'],
        "/mapping/default_type": [*WORDS, "null"],
        "/mapping/default_kind": ['"dinner"', "17"],
        "/mapping/default_rep": TEXTS,
        "/mapping/merges": ['"maybe"', "null"],
        "/mapping/expenses": ['"maybe"', "null"],
        "/mapping/types": ["null", '{"Trustee": "Not A Word"}', '{"": "x"}'],
        "/mapping/employers": ["null", '{"88": ""}'],
        "/mapping/fields": ["null", '{"deal": {}}', '{"contact": {"a": "B"}}'],
        "/base_url": ['""', '"ftp://127.0.0.1/"', '"https://10.0.0.1/"', "17"],
        "/token_url": ['""', '"http://169.254.169.254/"', "17"],
        "/client_id": TEXTS,
    },
    "rotate_connection_secret": {
        "/purpose": ['"sign"', "null"],
        "/secret": ['""', '"short"', "17", "null"],
        "/overlap_hours": ["-1", "169", "2147483648", '"12"', "true", "null"],
    },
    "create_connection_replay": {
        "/state": ['"lost"', "17"],
        "/since": ['"2026-06-15"', '""', "17", '"now"'],
        "/until": ['"0000-01-01T00:00:00Z"', "17"],
    },
    "create_policy": {
        "/name": [*TEXTS],
        "/description": [*TEXTS[:4], f'"{"y" * 2001}"', "17"],
        "/rules": ["null", "[]", "{}", json.dumps([{}] * 201)],
        "/rules/0": ["null", "[]", '"finra"'],
        "/rules/0/id": ['""', '"a b"', "17", "null"],
        "/rules/0/measure": ['"money"', "1", "null"],
        "/rules/0/limit_schedule": ["{}", "[]"],
        "/rules/0/limit_schedule/0/limit": ["100", '"1e2"', '"1.001"', '"-1.00"'],
        "/rules/0/limit_schedule/0/effective_to": ['"2026-02-30"', "20260504", "true"],
        "/rules/0/currency": ['"usd"', '"XYZ"', "840", "null"],
        "/rules/0/period/type": ['"decade"', "1", "null"],
        "/rules/0/period/start_month": ["0", "13", "2147483648", '"7"', "true"],
        "/rules/0/warn_at": ['"1.01"', '"0"', '"-0.5"', "1"],
        "/settings": ["[]", '"none"'],
        "/settings/nominal_ceiling": ['"x"', "50"],
        "/settings/fx/EUR/2026-05-04": ['"0"', '"-1"', '"1e3"', "1"],
        "/settings/fx/EUR/2026-02-30": ['"1.08"'],
        "/settings/fx/eur": ['{"2026-05-04": "1.08"}'],
    },
}  # fmt: skip
# Policy documents are the firm's own and hold nobody's data: their faults quote what they are about, on purpose.
QUOTING = {"create_policy"}


@pytest.mark.parametrize(
    ("operation", "field"), [pytest.param(one, at, id=f"{one} {at}") for one, fields in OTHERS.items() for at in fields]
)
def test_a_field_that_is_not_valid_is_pointed_out(world: World, prepared: Prepared, operation, field):
    ask = prepared(world, operation)
    with nothing_written(world):
        for fragment in OTHERS[operation][field]:
            asked = ask.but(body=written(ask.body, path_of(field), fragment))
            rejected = "" if operation in QUOTING else what_is_rejected(fragment)
            reply = refused(world, able(operation), asked, rejected=rejected)
            assert reply.status == 422, (fragment, reply.body)
            pointers = {fault["pointer"] for fault in reply.json()["errors"]}
            assert any(one == field or one.startswith(f"{field}/") for one in pointers), (fragment, reply.body)


def test_every_route_with_a_body_has_its_fields_in_a_table():
    assert set(WITH_BODY) == set(OTHERS) | set(ENTRY_ROUTES)


REFUSED = [
    pytest.param(
        "create_recipient", change(("/employer_id", f"emp_{NOWHERE}")), 422, "employer_ambiguous", "/employer",
        id="a recipient's employer by name and id",
    ),
    pytest.param(
        "create_recipient",
        lambda body: without(body, ("employer",)) | {"employer_id": f"emp_{NOWHERE}"},
        422, "unknown_employer", "/employer_id",
        id="a recipient of an employer that is not there",
    ),
    pytest.param(
        "create_recipient",
        lambda body: body | {"external_ids": [body["external_ids"][0]] * 2},
        422, "external_id_twice", "/external_ids/1",
        id="one external id twice",
    ),
    pytest.param(
        "change_recipient", change(("/employer_id", f"emp_{NOWHERE}")), 422, "employer_ambiguous", "/employer",
        id="a change to an employer by name and id",
    ),
    pytest.param(
        "change_recipient",
        instead({"reason": "x", "employer_id": f"emp_{NOWHERE}"}),
        422, "unknown_employer", "/employer_id",
        id="a change to an employer that is not there",
    ),
    pytest.param(
        "create_merge", change(("/recipient_id", f"rec_{NOWHERE}")), 404, "recipient_not_found", "",
        id="a merge with nobody",
    ),
    pytest.param(
        "create_return", change(("/repaid/currency", "EUR")), 422, "repaid_in_other_currency", "/repaid/currency",
        id="a repayment in another currency",
    ),
    pytest.param("create_return", change(("/repaid/amount", "0.00")), 422, "repayment_invalid", "/repaid/amount",
                 id="a repayment of nothing"),
    pytest.param("create_return", change(("/repaid/amount", "1.001")), 422, "repayment_invalid", "/repaid/amount",
                 id="a repayment of a tenth of a cent"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "contradict", "status", "code", "at"), REFUSED)
def test_what_contradicts_itself_is_refused(world: World, prepared: Prepared, operation, contradict, status, code, at):
    ask = prepared(world, operation)
    with nothing_written(world):
        reply = refused(world, able(operation), ask.but(body=contradict(ask.body)))
    assert (reply.status, reply.code) == (status, code), reply.body
    assert not at or [fault["pointer"] for fault in reply.json()["errors"]] == [at], reply.body


# Batches


def test_a_batch_of_too_many_or_none_is_refused(world: World, prepared: Prepared):
    ask = prepared(world, "create_entries")
    item = world.gift("olivia")
    bodies = [{"entries": items} for items in ([], [item] * 501, [item, None], [[item]])]
    with nothing_written(world):
        for body in [*bodies, {"entries": [item], "mode": "atomic"}]:
            assert refused(world, "officer", ask.but(body=body)).status == 422


def test_a_batch_needs_a_key(world: World, prepared: Prepared):
    ask = prepared(world, "create_entries")
    with nothing_written(world):
        reply = refused(world, "officer", Ask(ask.method, ask.path, body=ask.body))
    assert (reply.status, reply.code) == (400, "idempotency_key_required")


# Headers, queries and ids in paths

BAD_KEYS = [
    b"",
    b" ",
    b"a b",
    b'"',
    b'""',
    b'"a',
    b'a"',
    b'"a"b"',
    b"a" * 256,
    b'"' + b"a" * 256 + b'"',
    b"\xc3\xa9",
    b"a\tb",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
@pytest.mark.parametrize("operation", ["create_entry", "create_entries"])
def test_an_idempotency_key_that_cannot_be_read_is_refused(world: World, prepared: Prepared, operation, key):
    ask = prepared(world, operation).but(headers={"Idempotency-Key": key})
    rejected = key.decode("latin-1").strip('" ')
    with nothing_written(world):
        reply = refused(world, "officer", ask, rejected=rejected if len(rejected) > 3 else "")
    assert (reply.status, reply.code) == (400, "bad_idempotency_key")


BAD_VERSIONS = [
    b"",
    b"v1",
    b"1",
    b'"1"',
    b'W/"v1"',
    b"*",
    b'"v0"',
    b'"v01"',
    b'"v-1"',
    b'"v1", "v2"',
    b'"v99999999999"',
    b'"\xef\xbc\x91"',
]


@pytest.mark.parametrize("version", BAD_VERSIONS, ids=repr)
def test_an_if_match_that_names_no_version_is_refused(world: World, prepared: Prepared, version):
    versioned = [operation for operation in WITH_BODY if "If-Match" in OPERATIONS[operation].parameters("header")]
    asks = [prepared(world, operation).but(headers={"If-Match": version}) for operation in versioned]
    with nothing_written(world):
        for operation, ask in zip(versioned, asks, strict=True):
            assert refused(world, able(operation), ask).code == "bad_if_match", operation


def test_a_query_parameter_that_nobody_asked_for_is_refused_on_every_route(world: World, prepared: Prepared):
    asks = [prepared(world, operation) for operation in KNOWN]
    with nothing_written(world):
        for operation, ask in zip(KNOWN, asks, strict=True):
            for name in ("nonsense", "Limit", "limit ", "", "limit[]", "cursor\x00"):
                reply = refused(world, able(operation), ask.but(query=(*ask.query, (name, "17"))))
                assert (reply.status, reply.code) == (400, "unknown_parameter"), (operation, name)


LIMITS = [
    "0",
    "201",
    "-1",
    "1.0",
    "",
    "1e1",
    "+5",
    " 5",
    "5 ",
    "1_0",
    "0x5",
    "５",
    "NaN",
    "null",
    "99999999999999999999",
    "a",
]


@pytest.mark.parametrize("operation", LISTS)
def test_the_size_of_a_page_has_its_bounds(world: World, prepared: Prepared, operation):
    ask = prepared(world, operation)
    for limit in LIMITS:
        asked = ask.but(query=(*((k, v) for k, v in ask.query if k != "limit"), ("limit", limit)))
        assert refused(world, able(operation), asked).status == 400, limit
    twice = refused(world, able(operation), ask.but(query=(*ask.query, ("limit", "5"))))
    assert (twice.status, twice.code) == (400, "parameter_twice")
    for limit in ("1", "200"):
        asked = ask.but(query=(*((k, v) for k, v in ask.query if k != "limit"), ("limit", limit)))
        assert world.ask(able(operation), asked).status == 200


BAD_QUERIES = [
    *[("list_entries", "occurred_on[gte]", day) for day in ("2026-02-30", "today", "20260504", "", "0000-01-01")],
    *[("list_violations", "occurred_on[lte]", day) for day in ("2026-02-30", "9999-12-31", "2026-05-04T00:00:00Z")],
    *[("list_violations", "as_of", f"{day}T00:00:00Z") for day in ("0001-01-01", "1899-12-31", "9999-12-31")],
    *[("get_headroom", "on", day) for day in ("2026-02-30", "9999-12-31", "0001-01-01", "")],
    *[("get_policy_in_force", "on", day) for day in ("2026-02-30", "9999-12-31", "")],
    *[("list_entries", "kind", kind) for kind in ("gifts", "", "gift,meal", "GIFT")],
    *[("list_entries", name, "nonsense") for name in ("direction", "standing")],
    *[("list_violations", name, "Non sense") for name in ("state", "severity", "direction", "kind")],
    *[("list_entries", name, value) for name in ("giver", "recipient_id", "employer_id") for value in ("", "a\x00b")],
    *[("list_recipients", "name", value) for value in ("", " ", "\u200b", "a\x00", "x" * 201)],
    *[("list_recipients", "type", value) for value in ("", "A", "a b")],
    *[("list_policies", "state", value) for value in ("", "open", "draft\n")],
    *[("list_audit_records", name, "a\x00b") for name in ("entity_id", "action", "actor")],
    *[("get_statement", "period", value) for value in ("", "26", "2026-Q5", "2026-13", "2026-00", "0000", "２０２６")],
    *[
        ("get_entry", "as_of", value)
        for value in ("", "2026-05-04", "2026-05-04T12:00:00", "0000-01-01T00:00:00Z", "now")
    ],
    ("delete_merge", "reason", ""),
    ("delete_merge", "reason", "a\x00b"),
    ("delete_merge", "dry_run", "perhaps"),
]


@pytest.mark.parametrize(("operation", "name", "value"), BAD_QUERIES)
def test_a_query_that_cannot_be_meant_is_refused(world: World, prepared: Prepared, operation, name, value):
    ask = prepared(world, operation)
    asked = ask.but(query=(*((k, v) for k, v in ask.query if k != name), (name, value)))
    with nothing_written(world):
        reply = refused(world, able(operation), asked, rejected=value if len(value) > 8 else "")
    assert reply.status == 400, reply.body


IDS = [
    "",
    "x" * 65,
    "a b",
    "\x00",
    "\n",
    "\u00e9",
    "..",
    "a/b",
    "%",
    "'",
    "rec_\ud800",
    "0",
    "-1",
    "null",
    "undefined",
    "*",
]


UNPROVED = {"greet_webhook", "receive_webhook", "receive_outbound_message"}


def test_an_id_in_a_path_that_is_no_id_is_not_found_or_refused(world: World, prepared: Prepared):
    asks = [prepared(world, operation) for operation in KNOWN]
    with nothing_written(world):
        for operation, ask in zip(KNOWN, asks, strict=True):
            for name in OPERATIONS[operation].parameters("path"):
                for id in IDS:
                    reply = refused(world, able(operation), ask.but(ids={name: id}))
                    # To a connection that is none, nothing can be proved; it is not said that there is none.
                    known = (400, 404, 405, 401) if operation in UNPROVED else (400, 404, 405)
                    assert reply.status in known, (operation, id, reply.status)


# What is odd and meant


def test_a_rate_of_a_day_before_the_books_stops_no_publication(world: World):
    """Nor do schedules that begin with the calendar or end with it."""
    draft = example_of("create_policy", world)
    settings = draft.body["settings"] | {"fx": {"SEK": {"0001-01-01": "0.1", "9999-12-31": "0.2"}}}
    rule = draft.body["rules"][0] | {
        "limit_schedule": [{"limit": "1.00", "effective_from": "0001-01-01", "effective_to": "9999-12-31"}],
        "valuation": "cost",
    }
    world.entry("rhea")
    made = world.done("officer", draft.but(body=draft.body | {"rules": [rule], "settings": settings}))
    publish = Ask("POST", f"/v1/policies/{made['id']}/publication", body={"effective_from": "2999-12-31"})
    assert world.ask("second_officer", publish).status == 201
