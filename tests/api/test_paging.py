"""Lists: every item exactly once, whatever is added meanwhile; filters that mean what they say; cursors that fit."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.api.document import LISTS
from tests.api.examples import (
    a_merge_proposal,
    a_receipt,
    connected,
    create_connection,
    create_delegation,
    create_distinction,
    create_draft,
    create_exemption,
    create_legal_hold,
    create_merge,
    create_question,
    create_report_of_late_entries,
    create_subscription,
    handed_in,
)
from tests.api.judging import nothing_written, refused
from tests.api.wire import Ask
from tests.api.world import Json, World, standing
from tests.databases import Databases, Kind

BEGIN = date(2026, 1, 1)


class Listing(NamedTuple):
    """A list: whom it is shown to, what one item is called and where it stands, and how one more comes about.

    `falling` says that the greatest place comes first.
    """

    path: str
    who: str
    name: Callable[[Json], Any]
    place: Callable[[Json], Any]
    falling: bool
    more: Callable[[World, int], object]
    other: dict[str, str]  # filters under which a cursor of the list does not fit
    only: Mapping[str, str] = MappingProxyType({})  # filters that leave out what other tests and preparations put there


def by_id(item: Json) -> str:
    return str(item["id"])


def a_gift(world: World, number: int, amount: str) -> Json:
    """Several a day, so that pages end in the middle of one."""
    return world.entry("rhea", amount, occurred_on=(BEGIN + timedelta(days=number % 4)).isoformat())


def two_of_a_name(world: World, number: int) -> None:
    for employer in ("Osprey Point", "Osprey Point Advisors"):
        world.recipient(name=f"Theodora Quill{'abcdefghijklmnopqrstuvwxyz'[number % 26] * 4}", employer=employer)


def a_test_message(world: World, _: int) -> None:
    world.done("officer", Ask("POST", f"/v1/subscriptions/{subscription_of(world)}/tests"))


_SUBSCRIPTIONS: dict[int, str] = {}
_CONNECTIONS: dict[int, Json] = {}


def connection_of(world: World) -> Json:
    """The one connection whose receipts are listed."""
    if id(world) not in _CONNECTIONS:
        _CONNECTIONS[id(world)] = connected(world, "cloudevents")
    return _CONNECTIONS[id(world)]


def subscription_of(world: World) -> str:
    """The one subscription whose deliveries are listed."""
    if id(world) not in _SUBSCRIPTIONS:
        _SUBSCRIPTIONS[id(world)] = world.done("officer", create_subscription(world, None))["id"]
    return _SUBSCRIPTIONS[id(world)]


LISTINGS: dict[str, Listing] = {
    "list_entries": Listing(
        "/v1/entries",
        "officer",
        by_id,
        lambda one: (one["occurred_on"], one["id"]),
        True,
        lambda world, number: a_gift(world, number, "20.00"),
        {"direction": "given"},
    ),
    "list_violations": Listing(
        "/v1/violations",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, number: a_gift(world, number, "400.00"),
        {"state": "open"},
    ),
    "list_recipients": Listing(
        "/v1/recipients",
        "officer",
        by_id,
        lambda one: (one["name"].casefold(), one["id"]),
        False,
        lambda world, number: world.recipient(name=f"{'mnopqrsabc'[number % 10]} person {number % 3}", type="listed"),
        {"type": "listed", "name": "person"},
        {"type": "listed"},
    ),
    "list_employers": Listing(
        "/v1/employers",
        "officer",
        by_id,
        lambda one: (one["name"].casefold(), one["id"]),
        False,
        lambda world, _: world.employer(),
        {"name": "employer"},
    ),
    "list_policies": Listing(
        "/v1/policies",
        "officer",
        by_id,
        lambda one: one["version"],
        True,
        lambda world, _: world.policy(),
        {"state": "draft"},
    ),
    "list_keys": Listing("/v1/keys", "admin", by_id, by_id, True, lambda world, _: world.key(), {}),
    "list_users": Listing("/v1/users", "admin", by_id, by_id, True, lambda world, _: world.user(), {"role": "rep"}),
    "list_reads": Listing(
        "/v1/audit/reads",
        "auditor",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", Ask("GET", "/v1/entries")),
        {"person": "arthur"},
        {"person": "olivia"},
    ),
    "list_delegations": Listing(
        "/v1/delegations",
        "admin",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("admin", create_delegation(world, None)),
        {},
    ),
    "list_teams": Listing("/v1/teams", "admin", by_id, by_id, True, lambda world, _: world.team(), {}),
    "list_memberships": Listing(
        "/v1/teams/{team}/memberships",
        "admin",
        by_id,
        by_id,
        True,
        lambda world, _: world.join(world.the_team, world.new("member")),
        {"on": "2026-05-04"},
    ),
    "list_audit_records": Listing(
        "/v1/audit/records",
        "auditor",
        lambda one: one["position"],
        lambda one: one["position"],
        False,
        lambda world, _: world.employer(),
        {"action": "key.created"},
        {"action": "employer.created"},
    ),
    "list_report_productions": Listing(
        "/v1/report-productions",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_report_of_late_entries(world, "rhea")),
        {"report": "gift_log"},
    ),
    "list_merges": Listing(
        "/v1/merges",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_merge(world, "rhea")),
        {"recipient_id": "rec_1"},
    ),
    "list_distinctions": Listing(
        "/v1/recipient-distinctions",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_distinction(world, "rhea")),
        {"recipient_id": "rec_1"},
    ),
    "list_matches": Listing(
        "/v1/recipient-matches",
        "officer",
        lambda one: tuple(sorted(person["id"] for person in one["recipients"])),
        lambda one: (one["crosses"], one["score"]),
        True,
        two_of_a_name,
        {"min_score": "0.60"},
    ),
    "list_subscriptions": Listing(
        "/v1/subscriptions",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_subscription(world, None)),
        {},
    ),
    "list_deliveries": Listing(
        "/v1/subscriptions/{subscription}/deliveries",
        "officer",
        by_id,
        by_id,
        True,
        a_test_message,
        {"state": "pending"},
    ),
    "list_questions": Listing(
        "/v1/questions",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("second_officer", create_question(world, "rhea")),
        {"state": "open"},
    ),
    "list_drafts": Listing(
        "/v1/drafts",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_draft(world, "rhea")),
        {"state": "open"},
    ),
    "list_reconciliations": Listing(
        "/v1/reconciliations",
        "officer",
        lambda one: one["rep"],
        lambda one: one["rep"],
        False,
        lambda world, number: world.entry(world.new(f"{'mnopqrsabc'[number % 10]} giver"), "40.00"),
        {"month": "2026-04"},
        {"month": "2026-05"},
    ),
    "list_imports": Listing(
        "/v1/imports",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: handed_in(world, "olivia"),
        {"state": "checked"},
    ),
    "list_legal_holds": Listing(
        "/v1/legal-holds",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_legal_hold(world, None)),
        {"state": "active"},
    ),
    "list_exemptions": Listing(
        "/v1/exemptions",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("officer", create_exemption(world, None)),
        {},
    ),
    "list_merge_proposals": Listing(
        "/v1/merge-proposals",
        "officer",
        by_id,
        by_id,
        True,
        lambda world, _: a_merge_proposal(world),
        {"state": "declined"},
    ),
    "list_connections": Listing(
        "/v1/connections",
        "admin",
        by_id,
        by_id,
        True,
        lambda world, _: world.done("admin", create_connection(world, None)),
        {},
    ),
    "list_receipts": Listing(
        "/v1/connections/{connection}/receipts",
        "admin",
        by_id,
        by_id,
        True,
        lambda world, _: a_receipt(world, connection_of(world)),
        {"state": "waiting"},
    ),
}  # fmt: skip
# What a worker, a file or a publication writes and no request can add to: tested where those are.
ELSEWHERE = {"list_delivery_attempts", "list_import_lines", "list_policy_changes"}


@pytest.fixture(scope="session")
def shelves(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Callable[[Kind], World]]:
    """A world of each kind with nine of everything."""
    with ExitStack() as stack:
        kept: dict[Kind, World] = {}

        def of(kind: Kind) -> World:
            if kind not in kept:
                if kind == "postgres":
                    request.getfixturevalue("postgres_server")
                kept[kind] = stack.enter_context(standing(stack.enter_context(databases.fresh(kind))))
                for listing in LISTINGS.values():
                    for number in range(9):
                        listing.more(kept[kind], number)
            return kept[kind]

        yield of


@pytest.fixture
def shelf(shelves: Callable[[Kind], World], database_kind: Kind) -> World:
    return shelves(database_kind)


def the_list(world: World, listing: Listing, **filters: str) -> Ask:
    path = listing.path.replace("{subscription}", subscription_of(world)).replace("{team}", world.the_team["id"])
    path = path.replace("{connection}", connection_of(world)["id"] if "{connection}" in path else "")
    return Ask("GET", path, query=tuple((listing.only | filters).items()))


def walk(world: World, who: str, ask: Ask, limit: int, between: Callable[[int], object] = lambda _: None) -> list[Json]:
    """All items of a list, page by page. Something may happen between two pages."""
    found: list[Json] = []
    cursor: tuple[tuple[str, str], ...] = ()
    for number in range(2000):
        body = world.done(who, ask.but(query=(*ask.query, ("limit", str(limit)), *cursor)))
        found += body["data"]
        page = body["page"]
        assert page["has_more"] == (page["next_cursor"] is not None)
        assert len(body["data"]) == limit if page["has_more"] else len(body["data"]) <= limit
        if not page["has_more"]:
            return found
        cursor = (("cursor", page["next_cursor"]),)
        between(number)
    raise AssertionError("the list does not end")


def test_every_list_has_its_row():
    assert set(LISTS) == set(LISTINGS) | ELSEWHERE


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize("operation", LISTINGS)
def test_every_item_comes_exactly_once_while_others_are_added(shelf: World, operation: str, limit: int):
    listing = LISTINGS[operation]
    ask = the_list(shelf, listing)
    before = [listing.name(one) for one in walk(shelf, listing.who, ask, 200)]
    added = 0

    def add(number: int) -> None:
        nonlocal added
        if added < 3:
            listing.more(shelf, number * 7)
            added += 1

    items = walk(shelf, listing.who, ask, limit, add)
    found = [listing.name(one) for one in items]
    assert len(before) >= 9
    assert len(set(found)) == len(found)
    assert [one for one in found if one in set(before)] == before
    places = [listing.place(one) for one in items]
    assert all((a >= b) if listing.falling else (a <= b) for a, b in pairwise(places))


@pytest.mark.parametrize("operation", LISTINGS)
def test_a_cursor_fits_one_question_only(shelf: World, operation: str):
    listing = LISTINGS[operation]
    ask = the_list(shelf, listing, limit="1")
    cursor = shelf.done(listing.who, ask)["page"]["next_cursor"]
    held = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    elsewhere = LISTINGS["list_keys" if operation != "list_keys" else "list_subscriptions"]
    strange = shelf.done(elsewhere.who, the_list(shelf, elsewhere, limit="1"))["page"]["next_cursor"]
    unfit = {"of another list": strange, "of another question": _cursor(["0" * 12, *held[1:]])}
    garbage = {
        "no base64": "!!!",
        "padding": cursor + "==",
        "cut off": cursor[:-3],
        "empty": "",
        "not a list": _cursor("abc"),
        "a number": _cursor(17),
        "null": _cursor(None),
        "an object": _cursor({"a": 1}),
        "too short": _cursor(held[:-1]),
        "too long": _cursor([*held, "more"]),
        "of other kinds": _cursor([held[0], *([None] * (len(held) - 1))]),
        "of lists": _cursor([held[0], *([[]] * (len(held) - 1))]),
        "booleans": _cursor([held[0], *([True] * (len(held) - 1))]),
        "a fraction": base64.urlsafe_b64encode(json.dumps([held[0], *([1.5] * (len(held) - 1))]).encode())
        .decode()
        .strip("="),
        "below zero": _cursor([held[0], *([-1] * (len(held) - 1))]),
        "beyond 64 bits": _cursor([held[0], *([2**63] * (len(held) - 1))]),
        "NUL": _cursor([held[0], *(["\x00"] * (len(held) - 1))]),
        "a surrogate": _cursor([held[0], *(["\ud800"] * (len(held) - 1))]),
        "deep": base64.urlsafe_b64encode(b"[" * 740).decode().strip("="),
        "not UTF-8": base64.urlsafe_b64encode(b"\xff\xfe").decode().strip("="),
        "very long": "A" * 1001,
    }
    with nothing_written(shelf):
        for name, value in {**unfit, **garbage}.items():
            reply = refused(shelf, listing.who, ask.but(query=(*ask.query, ("cursor", value))))
            assert reply.status == 400, (name, reply)
            assert reply.code in ("cursor_mismatch",) if name in unfit else ("bad_cursor", "invalid_parameter"), (
                name,
                reply,
            )
        if listing.other:
            asked = the_list(shelf, listing, limit="1", cursor=cursor, **listing.other)
            assert refused(shelf, listing.who, asked).code == "cursor_mismatch"
    assert shelf.ask(listing.who, the_list(shelf, listing, limit="7", cursor=cursor)).status == 200


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().strip("=")


def test_a_cursor_of_somebody_else_does_not_fit(shelf: World):
    for path in ("/v1/entries", "/v1/violations"):
        cursor = shelf.done("officer", Ask("GET", path, query=(("limit", "1"),)))["page"]["next_cursor"]
        reply = refused(shelf, "auditor", Ask("GET", path, query=(("cursor", cursor),)))
        assert reply.code == "cursor_mismatch"


def test_a_list_of_nothing_is_an_empty_page(shelf: World):
    for path in ("/v1/entries", "/v1/violations"):
        body = shelf.done("officer", Ask("GET", path, query=(("giver", "nobody at all"),)))
        assert body == {"data": [], "page": {"next_cursor": None, "has_more": False}}


# Filters, held against the plain list


def various(world: World, chance: random.Random) -> None:
    """Entries of many kinds, days, givers, people and firms."""
    clients = [world.person(employer=f"Employer of {number % 3}") for number in range(5)]
    for _ in range(40):
        kind = chance.choice(["gift", "meal", "travel"])
        body = world.gift(
            chance.choice(["rhea", "ravi", "susan"]),
            f"{chance.choice([20, 90, 250, 400])}.00",
            *chance.sample(clients, chance.randrange(1, 3)),
            kind=kind,
            occurred_on=(BEGIN + timedelta(days=chance.randrange(60))).isoformat(),
            direction=chance.choice(["given", "given", "received"]),
        )
        made = world.done(
            "officer", Ask("POST", "/v1/entries", body=body | ({} if kind == "gift" else {"hosts_present": True}))
        )
        if chance.random() < 0.15:
            path = f"/v1/entries/{made['id']}/withdrawal"
            world.done("officer", Ask("POST", path, headers={"If-Match": '"v1"'}, body={"reason": "never happened"}))


def of_entries(one: Json) -> dict[str, Any]:
    """What each filter looks at in an entry."""
    return {
        "kind": {one["kind"]},
        "direction": {one["direction"]},
        "giver": {one["giver"]},
        "standing": {one["standing"]},
        "recipient_id": {person["id"] for person in one["recipients"]},
        "employer_id": {person["employer_id"] for person in one["recipients"]},
    }


def of_violations(one: Json) -> dict[str, Any]:
    named = ("state", "rule_id", "severity", "direction", "kind", "giver", "recipient_id", "entry_id")
    return {name: {one.get(name)} for name in named} | {"employer_id": {one["employer_id"]}}


QUESTIONS = {"/v1/entries": of_entries, "/v1/violations": of_violations}
SEVERAL = {"/v1/entries": {"kind"}, "/v1/violations": {"state", "rule_id", "severity", "kind"}}


@pytest.mark.parametrize("path", QUESTIONS)
def test_filters_combine(databases: Databases, database_kind: Kind, path: str, request: pytest.FixtureRequest):
    """Any combination of filters, in pages of any size, gives what the plain list gives when it is filtered by hand."""
    if database_kind == "postgres":
        request.getfixturevalue("postgres_server")
    chance, looks = random.Random(7), QUESTIONS[path]
    with databases.fresh(database_kind) as url, standing(url) as world:
        various(world, chance)
        everything = walk(world, "officer", Ask("GET", path), 200)
        assert len(everything) >= 10
        answered = 0
        for _ in range(60):
            query, wanted = any_question(chance, everything, looks, SEVERAL[path])
            found = walk(world, "officer", Ask("GET", path, query=tuple(query)), chance.choice([1, 3, 200]))
            assert [one["id"] for one in found] == [one["id"] for one in everything if wanted(one)], query
            answered += bool(found)
        assert answered >= 20


def any_question(
    chance: random.Random, everything: list[Json], looks: Callable[[Json], dict[str, set[Any]]], several: set[str]
) -> tuple[list[tuple[str, str]], Callable[[Json], bool]]:
    """A query after what one item is like (and often one thing that it is not), and the same as a function."""
    model = looks(chance.choice(everything))
    names = chance.sample(sorted(model), chance.randrange(1, 4))
    strict: dict[str, set[Any]] = {}
    for name in names:
        values = [one for one in sorted(model[name], key=str) if one is not None]
        if not values:
            continue
        strict[name] = {chance.choice(values)}
        if name in several and chance.random() < 0.5:
            strict[name] |= looks(chance.choice(everything))[name] - {None}
    days = sorted(chance.choice(everything)["occurred_on"] for _ in range(2))
    between = {"occurred_on[gte]": days[0], "occurred_on[lte]": days[1]} if chance.random() < 0.4 else {}
    query = [(name, value) for name, values in strict.items() for value in sorted(values)] + list(between.items())

    def wanted(one: Json) -> bool:
        seen = looks(one)
        in_time = not between or days[0] <= one["occurred_on"] <= days[1]
        return in_time and all(seen[name] & values for name, values in strict.items())

    return query, wanted


SEARCHES = [
    pytest.param("theo", ["Theo Adler", "Theodor Quill"], id="the beginning of the name"),
    pytest.param("ADLER", ["Theo Adler"], id="a later word, in capitals"),
    pytest.param("quill the", [], id="words in another order"),
    pytest.param("heo", [], id="the middle of a word"),
    pytest.param("100%", ["100% Wolf_gang"], id="a percent sign is a percent sign"),
    pytest.param("wolf_", ["100% Wolf_gang"], id="an underscore is an underscore"),
    pytest.param("wolf%gang", [], id="and no wildcard"),
    pytest.param("zoë", ["Zoe\u0308 Ångström"], id="however its letters are composed"),
    pytest.param("  Theo   Adler ", ["Theo Adler"], id="with blanks to spare"),
    pytest.param("o'", ["Shea O'Brien"], id="with a quote in it"),
]  # fmt: skip


@pytest.fixture(scope="session")
def searched() -> set[int]:
    return set()


@pytest.mark.parametrize(("name", "found"), SEARCHES)
def test_recipients_are_found_by_the_beginning_of_a_word(shelf: World, searched: set[int], name: str, found: list[str]):
    if id(shelf) not in searched:
        searched.add(id(shelf))
        for one in ("Theo Adler", "Theodor Quill", "100% Wolf_gang", "Zoe\u0308 Ångström", "Shea O'Brien"):
            shelf.recipient(name=one, type="searched_for")
    asked = Ask("GET", "/v1/recipients", query=(("name", name), ("type", "searched_for")))
    assert [one["name"] for one in walk(shelf, "officer", asked, 2)] == found


def test_history_is_narrowed_by_what_who_and_where(shelf: World):
    everything = walk(shelf, "auditor", Ask("GET", "/v1/audit/records"), 200)
    assert [one["position"] for one in everything] == list(range(len(everything)))
    chance = random.Random(3)
    for model in chance.sample(everything, 12):
        for names in (["entity_id"], ["action"], ["actor"], ["action", "actor"], ["entity_id", "action", "actor"]):
            query = tuple((name, model[name]) for name in names)
            found = walk(shelf, "auditor", Ask("GET", "/v1/audit/records", query=query), 50)
            assert found == [one for one in everything if all(one[name] == model[name] for name in names)]
