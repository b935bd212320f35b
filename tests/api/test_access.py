"""Who may ask what, and what they learn: every route for everybody, held against a table that a person has read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.domain.access import GRANTS, Permission, Principal, Role, RoleForbids
from tests.api.document import OPERATIONS, WITH_BODY, routes
from tests.api.examples import EXAMPLES, example_of
from tests.api.judging import complaints
from tests.api.wire import Ask, Reply
from tests.api.world import KEYLESS, PERSON, ROLES, Json, World, ids_in_order, moved, standing
from tests.databases import Databases, Kind

MATRIX: dict[str, dict[str, str]] = YAML(typ="safe").load(Path(__file__).with_name("access_matrix.yaml").read_text())
BY_ROUTE = {f"{one.method} {one.path}": one.id for one in OPERATIONS.values()}


RELATIONS = ("own", "team", "other", "absent")
LIKE = {"senior_officer": "officer", "team_rep": "rep", "token_rep": "rep", "other_rep": "rep"}
ABOUT_A_GIVER = {"create_entry", "create_entries", "create_assessment", "create_draft"}


def relations(route: str) -> tuple[str, ...]:
    """Which of own, team, other and absent make sense on a route."""
    return RELATIONS if "{" in route else RELATIONS[:3] if BY_ROUTE.get(route) in ABOUT_A_GIVER else RELATIONS[:1]


def expected(route: str, who: str) -> dict[str, int]:
    """The statuses that somebody is answered, by relation."""
    row = MATRIX[route]
    named = [row.get("nobody" if who in KEYLESS else who), row.get(LIKE.get(who, who)), row.get("others")]
    said = row.get("everybody") or next(cell for cell in named if cell)
    statuses = [int(status) for status in str(said).split()]
    asked = relations(route)
    if len(statuses) == len(asked) - 1 > 0:  # what is the team's is answered as what is anybody else's
        statuses.insert(1, statuses[1])
    return dict(zip(asked, statuses * len(asked) if len(statuses) == 1 else statuses, strict=True))


# The matrix


def test_every_route_has_its_row_and_every_row_its_route():
    assert {f"{method} {path}" for method, path in routes()} == set(MATRIX)


def test_every_row_speaks_of_everybody():
    for route, row in MATRIX.items():
        named = set(row) - {"others"}
        assert named == {"everybody"} or ("nobody" in named and named <= {"nobody", *ROLES} and "others" in row), route
        assert all(expected(route, who) for who in (*KEYLESS, *ROLES))


@pytest.mark.parametrize("route", [route for route in MATRIX if BY_ROUTE.get(route) in EXAMPLES])
def test_everybody_is_answered_as_the_matrix_says(world: World, route: str):
    assert deviations(world, route) == []


def deviations(world: World, route: str) -> list[str]:
    """Where the answers of one route depart from its row. Whoever is refused wrote nothing, and learns nothing."""
    asks = Asks(world, route)
    cells = [(who, relation, status) for who in ROLES for relation, status in expected(route, who).items()]
    for who, relation, _ in cells:
        asks.of(who, relation)
    before = world.kept()
    wrong = [*_strangers(world, route, asks), *_refused(world, asks, [one for one in cells if one[2] >= 400])]
    if changed := moved(before, world.kept()):
        wrong.append(f"somebody was refused and wrote something all the same: {changed}")
    return [*wrong, *_answered(world, asks, [one for one in cells if one[2] < 400])]


class Asks:
    """The requests of one route: each is prepared for whoever owns what it is about, and again once it is used up."""

    def __init__(self, world: World, route: str) -> None:
        self._world, self._operation = world, BY_ROUTE[route]
        self._made: dict[str | None, Ask] = {}

    def of(self, who: str, relation: str) -> Ask:
        team = PERSON["team_rep" if who != "team_rep" else "rep"]
        other = PERSON["other_rep" if who != "other_rep" else "rep"]
        owner = {"own": PERSON.get(who, "rhea"), "team": team, "other": other, "absent": None}[relation]
        if owner not in self._made:
            self._made[owner] = example_of(self._operation, self._world, owner)
        return self._made[owner]

    def used_up(self, ask: Ask) -> None:
        self._made = {owner: one for owner, one in self._made.items() if one is not ask}


def _strangers(world: World, route: str, asks: Asks) -> Iterator[str]:
    ask = asks.of("rep", "own")
    replies = [(who, world.ask(who, ask)) for who in KEYLESS]
    for who, reply in replies:
        if reply.status != expected(route, who)["own"]:
            yield f"{who} is answered {reply.status}, not {expected(route, who)['own']}"
        if reply.status == 401 and (reply.headers.get("www-authenticate") != "Bearer" or complaints(ask, reply)):
            yield f"{who} is not told how to come in: {reply.headers}"
    bodies = {reply.body for who, reply in replies if who not in ("anonymous", "malformed", "other_audience")}
    if len(bodies) > 1 and expected(route, "expired")["own"] == 401:
        yield "a wrong, an expired and a revoked key can be told apart"


def _refused(world: World, asks: Asks, cells: list[tuple[str, str, int]]) -> Iterator[str]:
    replies: dict[tuple[str, str], Reply] = {}
    for who, relation, status in cells:
        ask = asks.of(who, relation)
        replies[who, relation] = reply = world.ask(who, ask)
        if reply.status != status:
            yield f"{who} is answered {reply.status} about {relation}, not {status}: {reply.body[:200]!r}"
        if reply.status >= 400 and (found := complaints(ask, reply)):
            yield f"{who} about {relation}: {found}"
    for who in ROLES:
        absent = replies.get((who, "absent"))
        for one in (replies.get((who, "team")), replies.get((who, "other"))):
            if one and absent and one.status == absent.status == 404 and _told_apart(one, absent):
                yield f"{who} can tell what is not theirs from what is not there: {one} {absent}"


def _answered(world: World, asks: Asks, cells: list[tuple[str, str, int]]) -> Iterator[str]:
    for who, relation, status in cells:
        ask = asks.of(who, relation)
        reply = world.ask(who, ask)
        if reply.status != status:
            yield f"{who} is answered {reply.status} about {relation}, not {status}: {reply.body[:200]!r}"
        if ask.method != "GET":
            asks.used_up(ask)


def _told_apart(one: Reply, other: Reply) -> bool:
    """Whether two answers differ in anything but the path that was asked for, and the time."""
    bodies = [{**reply.json(), "instance": ""} for reply in (one, other)]
    headers = [{name: value for name, value in reply.headers.items() if name != "date"} for reply in (one, other)]
    return bodies[0] != bodies[1] or headers[0] != headers[1]


# Methods that nobody declared

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def declared(path: str) -> set[str]:
    """The methods of every route that is found at a path."""
    patterns = {(method, re.sub(r"\{[^}]+\}", "[^/]+", template)) for method, template in routes()}
    return {method for method, pattern in patterns if re.fullmatch(pattern, path)}


@pytest.mark.parametrize("path", sorted({path for _, path in routes()}))
def test_a_method_that_was_not_declared_is_told_which_are(world: World, path: str):
    there = re.sub(r"\{[^}]+\}", "x1", path)
    for method in set(METHODS) - declared(there):
        for who in ("anonymous", "officer"):
            reply = world.ask(who, Ask(method, there))
            assert (reply.status, reply.kind) == (405, "application/problem+json"), (method, reply)
            assert reply.headers["allow"] == ", ".join(sorted(declared(there))), (method, reply)
            assert method == "HEAD" or complaints(Ask(method, there), reply) == []


# Roles

GRANTED = """
                      rep  supervisor  officer  senior_officer  auditor  admin  integration
submit                 x       x          x           x            .       .         x
submit_for_others      .       .          x           x            .       .         x
read_own               x       x          x           x            x       .         x
read_team              .       x          x           x            .       .         .
read_all               .       .          x           x            x       .         .
know_recipients        x       x          x           x            x       .         x
know_particulars       .       .          x           x            x       .         x
write_recipients       .       .          x           x            .       .         x
read_policies          x       x          x           x            x       x         x
merge_recipients       .       .          x           x            .       .         .
approve                .       x          x           x            .       .         .
review                 .       .          x           x            .       .         .
decide_escalated       .       .          .           x            .       .         .
write_policies         .       .          x           x            .       .         .
read_audit             .       .          x           x            x       .         .
hold_records           .       .          x           x            .       .         .
manage_keys            .       .          .           .            .       x         .
manage_users           .       .          .           .            .       x         .
manage_subscriptions   .       .          x           x            .       x         .
manage_connections     .       .          .           .            .       x         .
"""


def test_roles_are_granted_what_the_table_says():
    heading, *rows = GRANTED.strip("\n").splitlines()
    roles = heading.split()
    table = {
        (role, row.split()[0]): mark == "x" for row in rows for role, mark in zip(roles, row.split()[1:], strict=True)
    }
    assert table == {(role, permission): permission in GRANTS[Role(role)] for role in Role for permission in Permission}


@pytest.mark.parametrize("role", Role)
def test_a_principal_may_what_the_role_is_granted_and_nothing_else(role: Role):
    somebody = Principal("key_1", "somebody", role, "somebody")
    for permission in Permission:
        assert somebody.may(permission) == (permission in GRANTS[role])
        if permission in GRANTS[role]:
            somebody.require(permission)
        else:
            with pytest.raises(RoleForbids):
                somebody.require(permission)


def test_a_key_that_ends_is_refused_at_the_next_request(world: World):
    made = world.key("kurt")
    caller = world.server.stranger(made["secret"])
    assert caller.get("/v1/me").status_code == 200
    world.done("admin", Ask("DELETE", f"/v1/keys/{made['id']}"))
    assert caller.get("/v1/me").status_code == 401
    assert caller.post("/v1/entries", json=world.gift("kurt")).status_code == 401


def test_nobody_without_a_key_is_told_what_a_body_lacks(world: World):
    """Or has a large one read: who it is comes first."""
    for operation in WITH_BODY:
        one = OPERATIONS[operation]
        for body in (b"{", b"", b"[]", {"nonsense": 1}, b" " * (2 << 20)):
            ask = Ask(one.method, one.path, dict.fromkeys(one.parameters("path"), "x"), body=body)
            for who in ("anonymous", "malformed"):
                reply = world.ask(who, ask)
                assert (reply.status, reply.code) == (401, "bad_key"), (operation, body[:9])


def test_a_key_is_read_from_its_header_alone(world: World):
    key = world.keys["officer"].key
    ways: list[Ask] = [
        Ask("GET", "/v1/me", query=(("access_token", key),)),
        Ask("GET", "/v1/me", headers={"Cookie": f"access_token={key}"}),
        Ask("GET", "/v1/me", headers={"Authorization": key}),
        Ask("GET", "/v1/me", headers={"Authorization": f"Basic {key}"}),
        Ask("GET", "/v1/me", headers={"Authorization": f"Bearer {key} {key}"}),
        Ask("GET", "/v1/me", headers={"Authorization": f"Bearer {key.upper()}"}),
        Ask("GET", "/v1/me", headers={"X-API-Key": key}),
    ]
    assert {world.ask("anonymous", ask).status for ask in ways} <= {400, 401}
    assert world.ask("anonymous", Ask("GET", "/v1/me", headers={"Authorization": f"bearer  {key}"})).status == 200


# What one representative learns of another

SECRET = {"purpose": "the Kestrel matter", "venue": "Chez Corbeau"}


def observations(world: World, who: str, mine: list[Json]) -> Iterator[tuple[Ask, Reply]]:
    """Everything that somebody can read: all lists from end to end, and everything about what they have."""
    asks = [
        Ask("GET", one.path, query=(("limit", "3"),))
        for one in OPERATIONS.values()
        if one.is_list and "{" not in one.path
    ]
    asks += [Ask("GET", "/v1/me"), Ask("GET", "/v1/policies/in-force")]
    for entry in mine:
        asks += [Ask("GET", f"/v1/entries/{entry['id']}{path}") for path in ("", "/versions", "/proofs")]
        for one in entry["recipients"]:
            about = ("", "/headroom", "/statement?period=2026")
            asks += [Ask("GET", f"/v1/recipients/{one['id']}{path}") for path in about]
            asks += [Ask("GET", f"/v1/{noun}?recipient_id={one['id']}") for noun in ("entries", "violations")]
    seen: set[str] = set()
    while asks:
        ask = asks.pop(0)
        if ask.target in seen:
            continue
        seen.add(ask.target)
        reply = world.ask(who, ask)
        yield ask, reply
        body = reply.json() if reply.status == 200 else {}
        if isinstance(body, dict) and body.get("page", {}).get("next_cursor"):
            asks.append(ask.but(query=(("limit", "3"), ("cursor", body["page"]["next_cursor"]))))
        if ask.path == "/v1/violations" and reply.status == 200:
            asks += [Ask("GET", f"/v1/violations/{one['id']}{path}") for one in body["data"] for path in ("", "/proof")]


def test_nothing_of_one_representative_is_told_to_another(world: World):
    """Also where the other's entry is the reason why one's own is over the limit, and in what posting answers."""
    client = world.person()
    first = world.entry("rhea", "250.00", client, by="rep", occurred_on="2026-05-10")
    before = world.entry("ravi", "100.00", client, by="other_rep", occurred_on="2026-05-01", **SECRET)
    after = world.entry("ravi", "90.00", client, by="other_rep", occurred_on="2026-05-20", **SECRET)
    told = [reply.body.decode() for _, reply in observations(world, "rep", [first])]
    [case] = after["violations"]
    [caused] = world.done("rep", Ask("GET", f"/v1/entries/{first['id']}"))["violations"]
    earlier = world.entry("rhea", "20.00", client, by="rep", occurred_on="2026-04-20")
    amended = world.done(
        "rep",
        Ask(
            "POST",
            f"/v1/entries/{earlier['id']}/amendments",
            headers={"If-Match": '"v1"'},
            body={"reason": "typo", "set": {"total": {"amount": "25.00", "currency": "USD"}}},
        ),
    )
    asked = world.done("rep", Ask("POST", "/v1/assessments", body=world.gift("rhea", "5.00", client)))
    told += [json.dumps(answer) for answer in (first, earlier, amended, asked)]
    told += [reply.body.decode() for _, reply in observations(world, "rep", [first, earlier])]
    assert caused["rule_id"] == "finra-3220-gifts"
    assert any(caused["id"] in one for one in told)
    assert world.ask("rep", Ask("GET", f"/v1/violations/{case['id']}")).status == 404
    leaked = [before["id"], after["id"], case["id"], *SECRET.values(), '"ravi"', world.key_of("other_rep")]
    assert [(word, one[:200]) for word in leaked for one in told if word in one] == []


# Two worlds that differ only in what another representative did

FIGURES = {"aggregate", "left", "used", "over_by", "running_total", "margin", "sentence", "counted"}
IDS = re.compile(r"\b([a-z]{3,4})_[0-9a-f]{32}\b")
CURSOR = re.compile(r'"next_cursor":"[^"]+"')


def _a_life(chance: random.Random, clients: list[Json]) -> list[Json]:
    """Entries of the other representative: any number, of any kind, over the limit or not."""
    made = []
    for _ in range(chance.randrange(5)):
        on = date(2026, 1, 5) + timedelta(days=chance.randrange(150))
        kind = chance.choice(["gift", "meal", "entertainment"])
        body = {
            "occurred_on": on.isoformat(),
            "kind": kind,
            "total": {"amount": f"{chance.randrange(1, 60_000) / 100:.2f}", "currency": "USD"},
            "recipients": chance.sample(clients, chance.randrange(1, 3)),
            "purpose": f"purpose {chance.random()}",
        }
        made.append(body | ({"hosts_present": chance.random() < 0.7} if kind != "gift" else {}))
    return made


def lived(world: World, others: list[Json], clients: list[Json], meeting: str | None) -> list[str]:
    """One representative's day in a world where another one has done this: all that the first is told, in order.

    With a `meeting`, the other one also gave that much to somebody whom the first one has to do with.
    """
    own, shared = people("own", 2), people("shared", 1)[0]
    for person in (*clients, *own, shared):
        world.done("officer", Ask("POST", "/v1/recipients", body=_as_recipient(person)))
    told: list[str] = []

    def tell(ask: Ask) -> Json:
        reply = world.ask("rep", ask)
        told.append(_told(ask, reply))
        return reply.json()

    def record(on: str, person: Json, amount: str = "60.00", **more: Any) -> Json:
        return tell(Ask("POST", "/v1/entries", body=_mine(on, person, amount) | more))

    mine = [record(on, own[place % 2]) for place, on in enumerate(("01-10", "03-31", "05-04"))]
    mine.append(record("02-10", shared, "40.00"))
    theirs = [world.done("other_rep", Ask("POST", "/v1/entries", body=body))["id"] for body in others]
    if meeting is not None:
        world.done("other_rep", Ask("POST", "/v1/entries", body=_mine("02-05", shared, meeting)))
    mine.append(record("06-01", shared, "30.00"))
    mine.append(record("01-02", own[0], "200.00"))
    tell(Ask("POST", "/v1/assessments", body=_mine("06-02", shared, "1.00")))
    record("06-02", shared, "1.00", giver="ravi")
    record("06-02", {"id": f"rec_{'0' * 32}"}, "1.00")
    batch = {"entries": [_mine("06-03", own[1]), {}]}
    tell(Ask("POST", "/v1/entries/batch", headers={"Idempotency-Key": "a"}, body=batch))
    change = {"reason": "typo", "set": {"total": {"amount": "35.00", "currency": "USD"}}}
    tell(Ask("POST", f"/v1/entries/{mine[4]['id']}/amendments", headers={"If-Match": '"v1"'}, body=change))
    not_mine = theirs[0] if theirs else f"ent_{'0' * 32}"
    tell(Ask("POST", f"/v1/entries/{not_mine}/withdrawal", headers={"If-Match": '"v1"'}, body={"reason": "x"}))
    for path in ("", "/versions", "/proofs"):
        tell(Ask("GET", f"/v1/entries/{not_mine}{path}"))
    return told + [_told(ask, reply) for ask, reply in observations(world, "rep", mine)]


def _told(ask: Ask, reply: Reply) -> str:
    target = re.sub("cursor=[^&]+", "cursor=…", ask.target)
    return f"{ask.method} {_masked(target)} {reply.status}\n{_masked(reply.body.decode())}"


def _as_recipient(person: Json) -> Json:
    return {name: person[name] for name in ("name", "type", "employer")} | {"external_ids": [person["external_id"]]}


def _mine(on: str, person: Json, amount: str = "60.00") -> Json:
    body = {"occurred_on": f"2026-{on}", "kind": "gift", "total": {"amount": amount, "currency": "USD"}}
    return body | {"recipients": [person]}


def _masked(text: str) -> str:
    return CURSOR.sub('"next_cursor":"…"', IDS.sub(r"\1_…", text))


def without_figures(told: str) -> str:
    """What was told without what adds up over the whole firm."""
    head, _, body = told.partition("\n")
    return f"{head}\n{json.dumps(_without(json.loads(body)))}"


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: None if name in FIGURES else _without(member) for name, member in value.items()}
    return [_without(one) for one in value] if isinstance(value, list) else value


def people(whose: str, many: int) -> list[Json]:
    return [
        {
            "external_id": {"source": "crm", "id": f"{whose}-{number}"},
            "name": f"Client {whose} {number}",
            "employer": "Osprey Point",
            "type": "institutional_employee",
        }
        for number in range(many)
    ]


def differences(databases: Databases, kind: Kind, seed: int, *, meet: bool) -> list[tuple[str, str]]:
    """What one representative is told differently in two worlds that differ in what another one did."""
    chance, told = random.Random(seed), []
    for meeting in ("10.00", "25.00"):
        clients = people("theirs", 4)
        with databases.fresh(kind) as url, standing(url) as world:
            told.append(lived(world, _a_life(chance, clients), clients, meeting if meet else None))
    one, other = ([without_figures(line) if meet else line for line in lines] for lines in told)
    assert len(one) == len(other) > 40
    return [(a, b) for a, b in zip(one, other, strict=True) if a != b]


@pytest.mark.parametrize("seed", range(1))
@pytest.mark.parametrize("meet", [pytest.param(False, id="apart"), pytest.param(True, id="meeting")])
def test_what_others_do_changes_nothing_but_totals(databases, database_kind: Kind, seed, meet, request, monkeypatch):
    if database_kind == "postgres":
        request.getfixturevalue("postgres_server")
    ids_in_order(monkeypatch)
    assert differences(databases, database_kind, seed, meet=meet) == []


@pytest.mark.soak
@pytest.mark.parametrize("meet", [False, True])
def test_what_others_do_changes_nothing_however_often(databases, database_kind: Kind, meet, request, monkeypatch):
    if database_kind == "postgres":
        request.getfixturevalue("postgres_server")
    ids_in_order(monkeypatch)
    for seed in range(1, 101):
        assert differences(databases, database_kind, seed, meet=meet) == [], seed
