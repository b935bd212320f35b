"""Matches over HTTP: who may be one person, what they would have together, and who is known not to be."""

from __future__ import annotations

import random
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import event, text

from app.domain.entries import Direction, Draft, DraftPerson, Kind
from app.domain.money import Currency
from app.domain.recipients import Named
from app.services import matches, recipients
from tests.api.test_corrections import gift, post, recorded

Json = dict[str, Any]
MANY = "limit=200"


def person(caller: Any, name: str, employer: str | None = "Northgate", **more: Any) -> str:
    """A new recipient's id."""
    return created(caller, name, employer, **more)["id"]


def created(caller: Any, name: str, employer: str | None = "Northgate", **more: Any) -> Json:
    body = {"name": name, "type": "institutional_employee"} | ({"employer": employer} if employer else {}) | more
    answer = post(caller, "/v1/recipients", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(caller: Any, query: str = "") -> list[Json]:
    answer = caller.get(f"/v1/recipient-matches?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def by_pair(found: list[Json]) -> dict[tuple[str, ...], Json]:
    return {tuple(one["id"] for one in match["recipients"]): match for match in found}


def pairs(caller: Any, query: str = MANY) -> list[tuple[str, ...]]:
    return list(by_pair(listed(caller, query)))


def test_a_match_says_who_why_and_what_they_would_have_together(rep, officer):
    dana = person(officer, "Dana Reyes", email="dana.reyes@northgate.com")
    again = person(officer, "D. Reyes", "Northgate, Inc.")
    recorded(rep, gift("200.00", "2026-05-04", {"id": dana}))
    recorded(rep, gift("150.00", "2026-05-05", {"id": again}))
    [match] = listed(officer)
    assert match["recipients"] == [
        {
            "id": dana,
            "name": "Dana Reyes",
            "employer": "Northgate",
            "type": "institutional_employee",
            "email": "dana.reyes@northgate.com",
        },
        {
            "id": again,
            "name": "D. Reyes",
            "employer": "Northgate, Inc.",
            "type": "institutional_employee",
            "email": None,
        },
    ]
    assert (match["score"], match["crosses"]) == ("0.60", True)
    assert match["reasons"] == [
        {"code": "initial", "detail": "Dana Reyes / D. Reyes", "weight": "0.30"},
        {"code": "same_employer", "detail": "Northgate / Northgate, Inc.", "weight": "0.30"},
    ]
    [gifts] = [one for one in match["joint"] if one["rule_id"] == "finra-3220-gifts"]
    period = {"type": "calendar_year", "start": "2026-01-01", "end": "2026-12-31"}
    assert gifts == gifts | {"unit": "USD", "together": "350.00", "limit": "300.00", "over_by": "50.00"}
    assert (gifts["crosses"], gifts["period"]) == (True, period)


def test_what_a_match_says_is_what_a_merge_does(rep, officer):
    dana, again = person(officer, "Dana Reyes"), person(officer, "Dana Reyes")
    recorded(rep, gift("200.00", "2026-05-04", {"id": dana}))
    recorded(rep, gift("150.00", "2026-05-05", {"id": again}))
    [match] = listed(officer)
    said = {one["rule_id"]: one["together"] for one in match["joint"] if one["crosses"]}
    rehearsed = post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "x", "dry_run": True})
    assert said == {one["rule_id"]: one["aggregate"] for one in rehearsed.json()["violations"]} != {}


def test_pairs_that_jointly_cross_a_limit_come_first_then_the_most_likely(rep, officer):
    sure = {person(officer, "Bob Smith", email="bob@gmail.com"), person(officer, "Bob Smith", email="bob@gmail.com")}
    small = person(officer, "Lee Okafor", "Calder Bank"), person(officer, "L. Okafor", "Calder Bank")
    likely = {person(officer, "Ann Vega", "Calder Bank"), person(officer, "Ann Vega", "Calder Bank")}
    for id in small:
        recorded(rep, gift("151.00", "2026-05-04", {"id": id}))
    recorded(rep, gift("299.00", "2026-05-04", {"id": max(sure)}))
    found = listed(officer)
    assert [{one["id"] for one in match["recipients"]} for match in found] == [set(small), sure, likely]
    assert [match["crosses"] for match in found] == [True, False, False]
    assert [set(pair) for pair in pairs(officer, "crosses=true")] == [set(small)]
    assert [set(pair) for pair in pairs(officer, "crosses=false")] == [sure, likely]


def test_who_crosses_alone_does_not_cross_jointly(rep, officer):
    one, _ = person(officer, "Bob Smith"), person(officer, "Bob Smith")
    recorded(rep, gift("400.00", "2026-05-04", {"id": one}))
    [match] = listed(officer)
    assert match["crosses"] is False
    assert [one["over_by"] for one in match["joint"] if one["rule_id"] == "finra-3220-gifts"] == ["100.00"]


def test_last_years_gifts_do_not_count_together_with_this_years(rep, officer, clock):
    one, other = person(officer, "Bob Smith"), person(officer, "Bob Smith")
    recorded(rep, gift("80.00", "2025-12-31", {"id": one}))
    recorded(rep, gift("250.00", "2026-05-04", {"id": other}))
    [match] = listed(officer)
    assert [one["together"] for one in match["joint"] if one["rule_id"] == "finra-3220-gifts"] == ["250.00"]


def test_the_list_is_narrowed_by_recipient_employer_and_score(officer):
    one, other = person(officer, "Bob Smith"), person(officer, "R. Smith", "Northgate Capital")
    person(officer, "Ann Vega", "Calder Bank")
    vega = person(officer, "Ann Vega", "Calder Bank")
    assert len(pairs(officer)) == 2
    assert pairs(officer, f"recipient_id={one}") == pairs(officer, f"recipient_id={other}") == [(one, other)]
    at = officer.get(f"/v1/recipients/{vega}").json()["employer_id"]
    assert [vega in pair for pair in pairs(officer, f"employer_id={at}")] == [True]
    assert [vega in pair for pair in pairs(officer, "min_score=0.70")] == [True]
    assert pairs(officer, f"recipient_id={one}&employer_id={at}") == []
    assert pairs(officer, "recipient_id=rec_0") == pairs(officer, "employer_id=emp_0") == []


def test_namesakes_at_different_employers_are_shown_to_whoever_asks_for_them(officer):
    one, other = person(officer, "Bob Smith"), person(officer, "Bob Smith", "Calder Bank")
    assert pairs(officer) == []
    assert pairs(officer, "min_score=0.40") == pairs(officer, f"recipient_id={one}&min_score=0.4") == [(one, other)]


@pytest.mark.parametrize("query", ["min_score=1.5", "min_score=.5", "min_score=0.505", "crosses=perhaps", "limit=0"])
def test_a_question_that_cannot_be_read_is_refused(officer, query):
    assert officer.get(f"/v1/recipient-matches?{query}").status_code in (400, 422)


def test_pages_show_every_match_once_and_in_order(rep, officer):
    crowd = [person(officer, name) for name in ("Bob Smith", "Robert Smith", "R. Smith", "Smith, Bob", "Rob Smyth")]
    for id in crowd[:3]:
        recorded(rep, gift("160.00", "2026-05-04", {"id": id}))
    whole = pairs(officer)
    assert len(whole) > 4
    turned, cursor = [], ""
    while True:
        body = officer.get(f"/v1/recipient-matches?limit=2{cursor}").json()
        turned += [tuple(one["id"] for one in match["recipients"]) for match in body["data"]]
        if not body["page"]["has_more"]:
            break
        cursor = f"&cursor={body['page']['next_cursor']}"
    assert turned == whole
    other = officer.get(f"/v1/recipient-matches?limit=2&min_score=0.60{cursor}")
    assert (other.status_code, other.json()["code"]) == (400, "cursor_mismatch")


def test_one_person_is_never_proposed_to_themselves(officer):
    dana, again, third = (person(officer, name) for name in ("Dana Reyes", "D. Reyes", "Dana Rayes"))
    assert (dana, again) in pairs(officer)
    merged = post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": again, "reason": "one mailbox"}).json()
    assert pairs(officer) == [(dana, third)]
    officer.delete(f"/v1/merges/{merged['merge']['id']}", params={"reason": "two people after all"})
    assert (dana, again) in pairs(officer)


def test_what_a_merged_record_says_still_finds_its_likes(officer):
    dana, before = person(officer, "Dana Whitfield"), person(officer, "Dana Reyes")
    post(officer, f"/v1/recipients/{dana}/merges", {"recipient_id": before, "reason": "married"})
    again = created(officer, "D. Reyes")
    assert [one["id"] for one in again["looks_like"]] == [dana]
    assert pairs(officer) == pairs(officer, f"recipient_id={before}") == [(dana, again["id"])]


def test_our_own_people_are_never_proposed_as_clients(officer):
    person(officer, "Ada Nine", type="own_associated_person")
    assert created(officer, "Ada Nine")["looks_like"] == []
    assert pairs(officer, "min_score=0&limit=200") == []


def test_a_corrected_recipient_is_found_by_what_is_known_now(officer):
    one = person(officer, "Dana Reyes", None, email="dana.reyes@northgate.com")
    other = person(officer, "Kim Park", "Calder Bank")
    assert pairs(officer) == []

    def change(version: int, **said: Any) -> None:
        body = {"reason": "as she says"} | said
        answer = officer.patch(f"/v1/recipients/{other}", json=body, headers={"If-Match": f'"v{version}"'})
        assert answer.status_code == 200, answer.text

    for version, said in enumerate(
        (
            {"aliases": ["D. Reyes"], "email": "dana.reyes@northgate.com"},
            {"aliases": [], "email": "kim@calder.com"},
            {"name": "Dana Reyes", "phone": "+1 212 555 0100"},
        ),
        start=1,
    ):
        change(version, **said)
        assert bool(pairs(officer, "min_score=0.40")) is (version != 2)
    assert pairs(officer, "min_score=0.40") == [(one, other)]


def test_a_former_employer_still_speaks_for_it(officer):
    one = person(officer, "Dana Reyes")
    moved = {"employer": "Calder Bank", "effective_from": "2026-05-01", "reason": "moved"}
    assert officer.patch(f"/v1/recipients/{one}", json=moved, headers={"If-Match": '"v1"'}).status_code == 200
    again = created(officer, "D. Reyes")
    assert [(one["id"], one["score"]) for one in again["looks_like"]] == [(one, "0.60")]
    assert pairs(officer) == [(one, again["id"])]


# Distinctions


def distinct(caller: Any, one: str, other: str, reason: str = "father and son") -> Any:
    return post(caller, "/v1/recipient-distinctions", {"recipient_ids": [one, other], "reason": reason})


def test_who_is_not_the_same_person_is_not_proposed_again_until_that_is_withdrawn(officer, auditor):
    one, other = person(officer, "John Smith"), person(officer, "John Smith")
    drawn = distinct(officer, other, one)
    assert drawn.status_code == 201, drawn.text
    said = drawn.json()
    assert said["id"].startswith("dst_")
    assert drawn.headers["location"] == f"/v1/recipient-distinctions/{said['id']}"
    assert (said["recipient_ids"], said["reason"], said["decided_by"]) == ([one, other], "father and son", "olivia")
    assert pairs(officer) == pairs(officer, f"recipient_id={one}") == []
    assert officer.get(f"/v1/recipient-distinctions?recipient_id={one}").json()["data"] == [said]
    assert officer.get(drawn.headers["location"]).json() == said

    withdrawn = officer.delete(drawn.headers["location"], params={"reason": "it was one man"})
    assert withdrawn.status_code == 200, withdrawn.text
    assert (withdrawn.json()["version"], withdrawn.json()["withdrawn_reason"]) == (2, "it was one man")
    assert pairs(officer) == [(one, other)]
    again = officer.delete(drawn.headers["location"], params={"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "distinction_withdrawn")
    records = auditor.get(f"/v1/audit/records?entity_id={said['id']}").json()["data"]
    assert [record["action"] for record in records] == ["distinction.drawn", "distinction.withdrawn"]
    assert distinct(officer, one, other).status_code == 201


def test_who_is_distinct_stays_distinct_when_a_record_is_merged(officer):
    son, father = person(officer, "John Smith"), person(officer, "John Smith")
    distinct(officer, son, father)
    again = person(officer, "J. Smith")
    post(officer, f"/v1/recipients/{again}/merges", {"recipient_id": son, "reason": "one mailbox"})
    assert pairs(officer) == []
    assert created(officer, "Ann Vega")["looks_like"] == []


def test_a_new_record_is_held_against_everybody_but_who_is_distinct(officer):
    assert created(officer, "Dana Reyes")["looks_like"] == []
    again = created(officer, "Dana Reyes", email="dana@gmail.com")
    [alike] = again["looks_like"]
    assert (alike["name"], alike["employer"], alike["score"]) == ("Dana Reyes", "Northgate", "0.80")
    assert [reason["code"] for reason in alike["reasons"]] == ["same_name", "same_employer"]


@pytest.mark.parametrize(
    ("one", "other", "status", "code"),
    [
        pytest.param("dana", "dana", 422, "distinct_from_self", id="from themselves"),
        pytest.param("dana", "absent", 422, "unknown_recipient", id="from nobody"),
        pytest.param("dana", "again", 409, "one_person", id="from who they turned out to be"),
        pytest.param("dana", "lee", 409, "already_distinct", id="twice"),
        pytest.param("lee", "dana", 409, "already_distinct", id="twice, the other way round"),
    ],
)
def test_a_distinction_that_cannot_be_is_refused(officer, one, other, status, code):
    ids = {"dana": person(officer, "Dana Reyes"), "again": person(officer, "D. Reyes"), "absent": "rec_0"}
    ids["lee"] = person(officer, "Lee Okafor")
    post(officer, f"/v1/recipients/{ids['dana']}/merges", {"recipient_id": ids["again"], "reason": "x"})
    assert distinct(officer, ids["dana"], ids["lee"]).status_code == 201
    answer = distinct(officer, ids[one], ids[other])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(officer.get("/v1/recipient-distinctions").json()["data"]) == 1


@pytest.mark.parametrize("who", ["rep", "supervisor", "auditor", "admin", "integration"])
def test_matches_are_for_those_who_may_merge(request, officer, who):
    caller = request.getfixturevalue(who)
    one, other = person(officer, "Dana Reyes"), person(officer, "D. Reyes")
    drawn = distinct(officer, one, other).json()["id"]
    for answer in (
        caller.get("/v1/recipient-matches"),
        caller.get("/v1/recipient-distinctions"),
        caller.get(f"/v1/recipient-distinctions/{drawn}"),
        caller.delete(f"/v1/recipient-distinctions/{drawn}", params={"reason": "x"}),
        distinct(caller, one, other),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "role_forbids")


# A crowd

GIVEN = ("Bob", "Robert", "R.", "Liz", "Elizabeth", "José", "Jose", "Мария", "Maria", "Kim")
FAMILY = ("Smith", "Smyth", "Smith-Jones", "Jones", "García", "Ivanova", "Иванова")
FIRMS = ("Northgate", "Northgate, Inc.", "Northgate Capital", "Calder Bank", None)


def crowd(caller: Any, size: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    return [
        person(
            caller,
            dice.choice(("{0} {1}", "{1} {0}", "{1}, {0}")).format(dice.choice(GIVEN), dice.choice(FAMILY)),
            dice.choice(FIRMS),
            type=dice.choice(("institutional_employee",) * 4 + ("own_associated_person",)),
            **dice.choice([{"email": "smith@gmail.com"}, {"email": "b@northgate.com"}, {}, {}, {}]),
        )
        for _ in range(size)
    ]


def test_in_a_crowd_everybody_finds_the_same_matches_from_either_side(server, officer):
    ids = crowd(officer, 60, seed=7)
    for keep, drop in list(combinations(ids, 2))[::97]:
        post(officer, f"/v1/recipients/{keep}/merges", {"recipient_id": drop, "reason": "x"})
    for one, other in list(combinations(ids, 2))[::31]:
        distinct(officer, one, other)
    people = {id: officer.get(f"/v1/recipients/{id}").json() for id in ids}
    shown_as = {id: people[id]["merged_into"] or id for id in ids}
    whole = by_pair(listed(officer, MANY))
    assert len(whole) > 20
    assert [*whole] == pairs(officer), "the list is the same when it is asked for again"
    assert all(shown_as[id] == id for pair in whole for id in pair)
    assert all((people[one]["type"] == people[other]["type"]) for one, other in whole)
    drawn = officer.get(f"/v1/recipient-distinctions?{MANY}").json()["data"]
    assert len(drawn) > 20
    assert not {tuple(sorted(shown_as[id] for id in one["recipient_ids"])) for one in drawn} & set(whole)
    for id in ids:
        mine = by_pair(listed(officer, f"{MANY}&recipient_id={id}"))
        assert all(mine[pair] == match for pair, match in whole.items() if shown_as[id] in pair)
    before = [*whole]
    with server.desk.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM recipient_keys"))
    assert pairs(officer) == []
    matches.backfill(server.desk.database, at_a_time=7)
    assert pairs(officer) == before


# New people on entries


def draft_of(name: str, employer: str = "Northgate") -> Any:
    return {"name": name, "employer": employer, "type": "institutional_employee"}


def test_an_entry_that_creates_people_asks_once_whom_they_look_like(server, rep, officer):
    person(officer, "Dana Reyes")
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(server.desk.database.engine, "before_cursor_execute", note)
    known = recorded(rep, gift("10.00", "2026-05-04", {"name": "Dana Reyes", "employer": "Northgate"}))
    assert [statement for statement in asked if "recipient_keys" in statement] == []
    asked.clear()
    body = gift("30.00", "2026-05-04", draft_of("D. Reyes"), draft_of("Lee Okafor"), draft_of("L. Okafor"))
    fresh = recorded(rep, body)
    event.remove(server.desk.database.engine, "before_cursor_execute", note)
    assert [one["found_by"] for one in fresh["recipients"]] == ["created"] * 3
    assert len([one for one in asked if "recipient_keys" in one and one.lstrip().startswith("SELECT")]) == 1
    ids = [one["id"] for one in fresh["recipients"]]
    dana = known["recipients"][0]["id"]
    assert set(pairs(officer)) == {tuple(sorted((dana, ids[0]))), tuple(sorted(ids[1:]))}


def test_people_about_to_be_created_are_held_against_everybody(server, officer):
    dana = person(officer, "Dana Reyes", email="dana@northgate.com")
    again = person(officer, "Ann Vega", "Calder Bank")
    ann = person(officer, "Ann Vega-Lopez", "Calder Bank")
    post(officer, f"/v1/recipients/{ann}/merges", {"recipient_id": again, "reason": "married"})
    named = [
        Named(name="D. Reyes", employer="Northgate, Inc.", type="institutional_employee"),
        Named(name="Ann Vega", employer="Calder Bank LLC", type="institutional_employee"),
        Named(name="Kim Park", employer="Northgate", type="institutional_employee"),
        Named(name="Dana Reyes", email="dana@northgate.com"),
    ]
    people = tuple(DraftPerson(who) for who in named)
    draft = Draft(date(2026, 5, 4), Kind.GIFT, Direction.GIVEN, "rhea", 100, Currency("USD", 2), people)
    with server.desk.database.reading() as connection:
        stamp = server.desk.stamp("tests")
        roster = recipients.resolve(connection, [draft], stamp, hold=False, employers_too=False)
    found = [(match.how, [one.id for one in match.looks_like]) for match in map(roster.matches.get, named)]
    assert found == [("created", [dana]), ("created", [ann]), ("created", []), ("email", [])]
