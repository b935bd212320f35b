"""Back-dated entries: what is recorded later but dated earlier moves everything after it, at once and with its cause.

However the same entries come in (in any order, one by one or in batches), the books end up the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.services import packs
from app.storage import answers, audit, entries, recipients, screening, violations
from app.storage.tables import Base
from tests.races import books
from tests.server import Caller, Server

RULE = "finra-3220-gifts"


def person(name: str, employer: str = "Northgate") -> dict[str, Any]:
    return {
        "external_id": {"source": "crm", "id": name},
        "name": name,
        "employer": employer,
        "type": "institutional_employee",
    }


def gift(amount: str, on: str, *people: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = list(people) or [person("dana")]
    return {
        "occurred_on": on,
        "kind": "gift",
        "total": {"amount": amount, "currency": "USD"},
        "recipients": listed,
    } | more


def recorded(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    answer = caller.post("/v1/entries", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def result(entry: dict[str, Any], rule: str = RULE) -> tuple[str, str]:
    [one] = [one for one in entry["assessments"] if one["rule_id"] == rule]
    return one["aggregate"], one["outcome"]


def cases(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/v1/violations").json()["data"]
    return found


# One earlier entry


def test_an_earlier_entry_opens_a_violation_on_a_later_one_and_is_its_cause(rep, officer):
    later = recorded(rep, gift("200.00", "2026-05-10"))
    assert (result(later), cases(officer)) == (("200.00", "within"), [])
    earlier = recorded(rep, gift("150.00", "2026-05-04"))
    assert result(earlier) == ("150.00", "within")
    [moved] = earlier["reassessed"]
    assert (moved["entry_id"], moved["before"]["aggregate"], moved["after"]["aggregate"]) == (
        later["id"],
        "200.00",
        "350.00",
    )
    assert result(rep.get(f"/v1/entries/{later['id']}").json()) == ("350.00", "violation")
    [case] = cases(officer)
    assert (case["state"], case["entry_id"], case["cause"]) == ("open", later["id"], f"{earlier['id']}:1")
    assert (case["aggregate"], case["over_by"]) == ("350.00", "50.00")
    assert officer.get(f"/v1/violations/{case['id']}/proof").json()["agrees"]


def test_the_answer_before_it_is_kept_with_the_moment_until_which_it_held(server, rep):
    later = recorded(rep, gift("200.00", "2026-05-10"))
    recorded(rep, gift("150.00", "2026-05-04"))
    dana = later["recipients"][0]["id"]
    with server.desk.database.reading() as connection:
        before, after = screening.history(connection, rule_id=RULE, entry_id=later["id"], shown=dana)
    assert (before.assessment.aggregate, after.assessment.aggregate) == (200_00, 350_00)
    assert before.known_until == after.known_from
    assert (before.cause, after.known_until) == (None, None)


def test_every_later_entry_of_the_period_moves_and_none_of_another(rep):
    months = [recorded(rep, gift("20.00", f"2026-{month:02d}-10")) for month in range(4, 7)]
    other_year = recorded(rep, gift("20.00", "2025-12-31"))
    other_person = recorded(rep, gift("20.00", "2026-06-01", person("lee")))
    earlier = recorded(rep, gift("100.00", "2026-04-01"))
    assert {one["entry_id"] for one in earlier["reassessed"]} == {entry["id"] for entry in months}
    assert [result(rep.get(f"/v1/entries/{entry['id']}").json())[0] for entry in months] == [
        "120.00",
        "140.00",
        "160.00",
    ]
    for entry in (other_year, other_person):
        assert result(rep.get(f"/v1/entries/{entry['id']}").json()) == ("20.00", "within")


def test_whoever_submitted_the_later_entry_need_not_be_told_of_it_to_have_it_judged(rep, other_rep, officer):
    later = recorded(other_rep, gift("200.00", "2026-05-10"))
    earlier = recorded(rep, gift("150.00", "2026-05-04"))
    assert (earlier["reassessed"], earlier["violations"]) == ([], []), "another's entry is not this rep's business"
    assert [case["entry_id"] for case in cases(officer)] == [later["id"]]
    assert result(other_rep.get(f"/v1/entries/{later['id']}").json()) == ("350.00", "violation")


def test_a_violation_that_loses_its_ground_is_withdrawn_and_comes_back_with_it(rep, officer):
    earlier = recorded(rep, gift("150.00", "2026-05-04"))
    later = recorded(rep, gift("200.00", "2026-05-10"))
    [case] = cases(officer)
    less = {"reason": "it was 15", "set": {"total": {"amount": "15.00", "currency": "USD"}}}
    amended = rep.post(f"/v1/entries/{earlier['id']}/amendments", json=less, headers={"If-Match": '"v1"'})
    assert amended.status_code == 201, amended.text
    [gone] = cases(officer)
    assert (gone["id"], gone["state"], gone["cause"]) == (case["id"], "withdrawn", f"{earlier['id']}:2")
    cause = recorded(rep, gift("100.00", "2026-05-01"))
    [back] = cases(officer)
    assert (back["id"], back["state"], back["cause"]) == (case["id"], "open", f"{cause['id']}:1")
    assert (back["entry_id"], back["aggregate"]) == (later["id"], "315.00")


def test_a_batch_can_hold_both(rep, officer):
    several = [gift("200.00", "2026-05-10"), gift("150.00", "2026-05-04"), gift("10.00", "2026-05-02")]
    answer = rep.post("/v1/entries/batch", json={"entries": several}, headers={"Idempotency-Key": "both"}).json()
    later, earlier, earliest = (item["entry"] for item in answer["results"])
    assert result(later) == ("200.00", "within"), "when it was recorded, nothing came before it"
    assert [one["entry_id"] for one in earlier["reassessed"]] == [later["id"]]
    assert {one["entry_id"] for one in earliest["reassessed"]} == {later["id"], earlier["id"]}
    [case] = cases(officer)
    assert (case["version"], case["aggregate"], case["cause"]) == (2, "360.00", f"{earliest['id']}:1")


# All of it or nothing


WRITES = [
    (entries, "add"),
    (entries, "add_versions"),
    (recipients, "touch"),
    (screening, "close"),
    (screening, "add"),
    (violations, "add"),
    (answers, "keep"),
    (audit, "append"),
]


def everything(server: Server) -> dict[str, Any]:
    """What every table says."""
    tables = Base.metadata.sorted_tables
    with server.desk.database.reading() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("module", "name"), WRITES, ids=lambda one: getattr(one, "__name__", one))
def test_if_any_part_fails_nothing_has_happened(server, rep, monkeypatch, module, name, after):
    recorded(rep, gift("200.00", "2026-05-10"))
    before, write = everything(server), getattr(module, name)

    def failing(*arguments: Any, **more: Any) -> None:
        if after:
            write(*arguments, **more)
        raise RuntimeError("this part fails")

    monkeypatch.setattr(module, name, failing)
    headers = {"Idempotency-Key": "back-dated", "Connection": "close"}  # the server hangs up after a 500
    earlier = gift("150.00", "2026-05-04", person("dana"), person("new", "Another employer"))
    answer = rep.post("/v1/entries", json=earlier, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert everything(server) == before
    monkeypatch.undo()
    again = rep.post("/v1/entries", json=earlier, headers=headers)
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)
    assert books.faults(server.desk.database.url) == []


# Any order


def policy() -> dict[str, Any]:
    """Rules of every period and basis, with limits that a handful of entries cross."""
    document = packs.default_document()
    [gifts] = [rule for rule in document["rules"] if rule["id"] == RULE]
    periods: list[dict[str, Any]] = [
        {"type": "calendar_year"},
        {"type": "fiscal_year", "start_month": 4},
        {"type": "rolling_365d"},
        {"type": "rolling_12m"},
        {"type": "first_gift_year"},
        {"type": "per_event"},
    ]
    bases = ["per_recipient", "per_recipient_employer", "per_employer", "per_giver_recipient"]
    document["rules"] += [
        gifts
        | {"id": f"own-{period['type'].replace('_', '-')}-{basis.replace('_', '-')}", "period": period, "basis": basis}
        | {"authority": "firm", "counts": ["gift", "meal"], "excludes": []}
        | {"limit_schedule": [{"limit": "150.00", "effective_from": None, "effective_to": None}], "valuation": "cost"}
        for period in periods
        for basis in bases
    ]
    return document


@pytest.fixture
def strict(server: Server, officer: Caller, second_officer: Caller) -> None:
    drafted = officer.post("/v1/policies", json=policy())
    assert drafted.status_code == 201, drafted.text
    answer = second_officer.post(
        f"/v1/policies/{drafted.json()['id']}/publication", json={"effective_from": "2024-01-01"}
    )
    assert answer.status_code == 201, answer.text


def some_entries(rng: random.Random, many: int) -> list[dict[str, Any]]:
    """Entries on days of their own over two years, to one to three of three people with two employers."""
    days = rng.sample(range(730), many)
    made = []
    for number, day in enumerate(days):
        names = rng.sample(["ann", "bob", "cho"], rng.choice([1, 1, 2, 3]))
        people = [person(name, "East" if name == "ann" else "West") for name in names]
        kind = rng.choice(["gift", "gift", "meal"])
        hosted = {"kind": kind, "hosts_present": True, "hosts": []} if kind == "meal" else {}
        on = (date(2024, 6, 1) + timedelta(days=day)).isoformat()
        amount = f"{rng.randint(1, 160)}.{rng.randint(0, 99):02d}"
        giver = rng.choice(["rhea", "ravi"])
        made.append(gift(amount, on, *people, giver=giver, purpose=f"#{number}") | hosted)
    return made


def apart(entry: dict[str, Any], world: str) -> dict[str, Any]:
    """The same entry among people whom no other world knows."""
    people = [
        one
        | {"external_id": {"source": "crm", "id": f"{world} {one['name']}"}, "employer": f"{world} {one['employer']}"}
        for one in entry["recipients"]
    ]
    return entry | {"recipients": people, "giver": f"{world} {entry['giver']}"}


def in_parts(rng: random.Random, several: Sequence[Any]) -> Iterator[Sequence[Any]]:
    place = 0
    while place < len(several):
        size = rng.randint(1, len(several) - place)
        yield several[place : place + size]
        place += size


def come_in(
    caller: Caller, bodies: Sequence[dict[str, Any]], world: str, parts: Sequence[Sequence[dict[str, Any]]]
) -> None:
    for number, part in enumerate(parts):
        if len(part) == 1:
            recorded(caller, apart(part[0], world))
            continue
        sent = {"entries": [apart(body, world) for body in part]}
        answer = caller.post("/v1/entries/batch", json=sent, headers={"Idempotency-Key": f"{world}-{number}"})
        assert (answer.status_code, answer.json()["refused"]) == (200, 0), answer.text


def outcome(caller: Caller, world: str) -> tuple[Counter[Any], Counter[Any]]:
    """The current results and the open violations of a world, by what they are about and not by whose they are."""
    pages = list(every_page(caller, "/v1/entries"))
    mine = {one["id"]: one for one in pages if one["giver"].startswith(f"{world} ")}
    names = {one["id"]: one["name"] for entry in mine.values() for one in entry["recipients"]}
    names |= {
        one["employer_id"]: one["employer"].removeprefix(f"{world} ")
        for entry in mine.values()
        for one in entry["recipients"]
    }

    def whom(one: dict[str, Any]) -> str:
        return names[one["recipient_id"] if one.get("recipient_id") else one["employer_id"]]

    def figures(one: dict[str, Any], *more: str) -> tuple[Any, ...]:
        return (mine[one["entry_id"]]["purpose"], one["rule_id"], whom(one), *(one[name] for name in more))

    results = [
        figures(one, "counted", "aggregate", "limit", "outcome", "exclusion")
        for entry in mine.values()
        for one in entry["assessments"]
    ]
    standing = [
        figures(one, "counted", "aggregate", "limit", "severity")
        for one in every_page(caller, "/v1/violations?state=open")
        if one["entry_id"] in mine
    ]
    return Counter(results), Counter(standing)


def every_page(caller: Caller, path: str) -> Iterator[dict[str, Any]]:
    cursor, joint = "", "&" if "?" in path else "?"
    while True:
        answer = caller.get(f"{path}{joint}limit=200{cursor}").json()
        yield from answer["data"]
        if not answer["page"].get("next_cursor"):
            return
        cursor = f"&cursor={answer['page']['next_cursor']}"


def orders(rng: random.Random, bodies: list[dict[str, Any]], many: int) -> list[list[Sequence[dict[str, Any]]]]:
    """By date one by one; the other way round; and shuffled: one by one, all at once, or in parts."""
    by_date = sorted(bodies, key=lambda body: body["occurred_on"])
    found: list[list[Sequence[dict[str, Any]]]] = [[[body] for body in by_date], [[body] for body in reversed(by_date)]]
    ways: list[Callable[[list[dict[str, Any]]], list[Sequence[dict[str, Any]]]]] = [
        lambda mixed: [[body] for body in mixed],
        lambda mixed: [mixed],
        lambda mixed: list(in_parts(rng, mixed)),
    ]
    while len(found) < many:
        found.append(ways[len(found) % 3](rng.sample(bodies, len(bodies))))
    return found


def any_order(server: Server, caller: Caller, rng: random.Random, sets: int, ways: int) -> str:
    violations_seen = 0
    for number in range(sets):
        bodies = some_entries(rng, rng.randint(4, 9))
        worlds = [f"w{number}.{way}" for way in range(ways)]
        for world, parts in zip(worlds, orders(rng, bodies, ways), strict=True):
            come_in(caller, bodies, world, parts)
        expected, *others = [outcome(caller, world) for world in worlds]
        violations_seen += expected[1].total()
        for other in others:
            assert other[0] - expected[0] == expected[0] - other[0] == Counter()
            assert other[1] == expected[1]
    assert books.faults(server.desk.database.url) == []
    return f"{sets} sets in {ways} orders each, {violations_seen} violations, 0 differences"


@pytest.mark.usefixtures("strict")
def test_the_order_in_which_entries_come_in_makes_no_difference(server, officer, tell):
    seed = random.randrange(10**6)
    tell(f"seed {seed}: {any_order(server, officer, random.Random(seed), sets=4, ways=5)}")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("strict")
def test_no_order_of_many_makes_a_difference(server, officer, tell):
    seed = random.randrange(10**6)
    tell(f"seed {seed}: {any_order(server, officer, random.Random(seed), sets=100, ways=20)}")
