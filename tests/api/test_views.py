"""Views: a person's own questions and those that ship, checked as the list would check them, asked by their link."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.views import MOST_PER_PERSON
from tests.api.reviewing import done, kept, over_the_gift_limit, refused
from tests.server import Caller, Server

Json = dict[str, Any]


def saved(caller: Caller, name: str = "High and mine", noun: str = "violations", **query: Any) -> Json:
    asked = query or {"severity": "high", "assignee": "me", "over_by[gte]": "50.00", "sort": "-amount_over"}
    return done(caller.post("/v1/views", json={"name": name, "noun": noun, "query": asked}))


def changed(caller: Caller, view: Json, body: Json, version: int | None = None):
    headers = {"If-Match": f'"v{version or view["version"]}"'}
    return caller.patch(f"/v1/views/{view['id']}", json=body, headers=headers)


def removed(caller: Caller, view: Json, version: int | None = None):
    return caller.delete(f"/v1/views/{view['id']}", headers={"If-Match": f'"v{version or view["version"]}"'})


def names(caller: Caller, **query: str) -> list[str]:
    return [one["name"] for one in done(caller.get("/v1/views", params=query))["data"] if not one["shipped"]]


def test_a_view_is_saved_read_changed_and_removed_by_its_owner(officer: Caller, clock: Any):
    view = saved(officer)
    assert (view["version"], view["shipped"], view["query"]["severity"]) == (1, False, ["high"])
    answer = officer.get(f"/v1/views/{view['id']}")
    assert (answer.json(), answer.headers["etag"]) == (view, '"v1"')
    clock.forward(days=1)
    after = done(changed(officer, view, {"name": "Severe"}))
    assert after == view | {"name": "Severe", "version": 2, "changed_at": after["changed_at"]}
    assert after["changed_at"] > view["changed_at"]
    other = done(changed(officer, after, {"query": {"kind": ["gift", "meal"]}}))
    assert (other["name"], other["query"], other["href"]) == (
        "Severe",
        {"kind": ["gift", "meal"]},
        "/v1/violations?kind=gift&kind=meal",
    )
    assert done(removed(officer, other)) == other
    refused(officer.get(f"/v1/views/{view['id']}"), 404, "view_not_found")
    assert names(officer) == []


def test_every_act_on_a_view_is_one_record(officer: Caller):
    view = saved(officer)
    after = done(changed(officer, view, {"name": "Severe"}))
    done(removed(officer, after))
    records = done(officer.get("/v1/audit/records", params={"entity_id": view["id"]}))["data"]
    assert sorted((one["entity_version"], one["action"]) for one in records) == [
        (1, "view.saved"),
        (2, "view.changed"),
        (3, "view.removed"),
    ]


def test_a_view_asks_its_question(officer: Caller, rep: Caller):
    case = over_the_gift_limit(rep, "400.00")
    over_the_gift_limit(
        rep, "301.00", {"name": "Omar Haddad", "employer": "Harbor Bank", "type": "institutional_employee"}
    )
    view = saved(officer, "Far over", **{"over_by[gte]": "50", "sort": "due"})
    assert [one["id"] for one in done(officer.get(view["href"]))["data"]] == [case["id"]]


def test_every_view_that_ships_can_be_asked_by_whoever_finds_it(officer: Caller, rep: Caller, auditor: Caller):
    for caller in (officer, rep, auditor):
        shipped = done(caller.get("/v1/views"))["data"]
        assert shipped
        for view in shipped:
            assert view["shipped"]
            assert caller.get(view["href"]).status_code == 200, view
            assert done(caller.get(f"/v1/views/{view['id']}")) == view
    everything = {one["id"] for one in done(officer.get("/v1/views"))["data"]}
    assert {"view_overdue", "view_officials_and_unions", "view_caused_by_a_correction", "view_mine"} <= everything
    assert "view_mine" not in {one["id"] for one in done(rep.get("/v1/views"))["data"]}


def test_nobody_sees_or_touches_the_views_of_another(officer: Caller, second_officer: Caller):
    view = saved(officer)
    assert names(second_officer) == []
    refused(second_officer.get(f"/v1/views/{view['id']}"), 404, "view_not_found")
    refused(changed(second_officer, view, {"name": "Mine now"}), 404, "view_not_found")
    refused(removed(second_officer, view), 404, "view_not_found")
    assert saved(second_officer)["name"] == view["name"]  # the same name, another's


def test_views_are_listed_by_noun_and_name(officer: Caller):
    for name, noun in (("b", "violations"), ("a", "violations"), ("c", "entries")):
        saved(officer, name, noun, direction="given")
    assert names(officer) == ["a", "b", "c"]
    assert names(officer, noun="entries") == ["c"]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"flavour": "mint"}, "/query/flavour", "unknown_parameter"),
        ({"limit": "5"}, "/query/limit", "unknown_parameter"),
        ({"cursor": "x"}, "/query/cursor", "unknown_parameter"),
        ({"sort": "colour"}, "/query/sort", "literal_error"),
        ({"state": ["open", "ajar"]}, "/query/state", "enum"),
        ({"overdue": ["true", "false"]}, "/query/overdue", "parameter_twice"),
        ({"due_on[gte]": "soon"}, "/query/due_on[gte]", "day_format"),
        ({"state": []}, "/query/state", "values_format"),
        ({"sort": 5}, "/query/sort", "values_format"),
        ({"state": ["open", ""]}, "/query/state", "fact_format"),
    ],
)
def test_a_query_that_the_list_would_not_take_is_not_saved(
    server: Server, officer: Caller, query: Json, pointer: str, code: str
):
    before = kept(server)
    body = refused(
        officer.post("/v1/views", json={"name": "x", "noun": "violations", "query": query}), 422, "invalid_body"
    )
    assert [(one["pointer"], one["code"]) for one in body["errors"]] == [(pointer, code)]
    assert kept(server) == before
    view = saved(officer)
    refused(changed(officer, view, {"query": query}), 422, "invalid_body")
    assert done(officer.get(f"/v1/views/{view['id']}")) == view


def test_what_one_list_takes_another_may_not(officer: Caller):
    body = {"name": "x", "noun": "entries", "query": {"severity": "high"}}
    refused(officer.post("/v1/views", json=body), 422, "invalid_body")


def test_a_name_is_taken_once(officer: Caller):
    first, second = saved(officer, "one"), saved(officer, "two")
    refused(officer.post("/v1/views", json={"name": "one", "noun": "violations", "query": {}}), 409, "view_exists")
    refused(changed(officer, second, {"name": "one"}), 409, "view_exists")
    assert done(changed(officer, first, {"name": "one"}))["version"] == 2


def test_a_change_says_which_version_it_means(officer: Caller):
    view = saved(officer)
    refused(officer.patch(f"/v1/views/{view['id']}", json={"name": "x"}), 428, "if_match_required")
    refused(changed(officer, view, {"name": "x"}, version=2), 412, "view_changed")
    refused(removed(officer, view, version=2), 412, "view_changed")


def test_what_ships_stays_as_it_is(officer: Caller):
    overdue = done(officer.get("/v1/views/view_overdue"))
    refused(changed(officer, overdue, {"name": "Mine"}), 409, "view_shipped")
    refused(removed(officer, overdue), 409, "view_shipped")


def test_there_is_a_bound_to_what_one_person_saves(officer: Caller, second_officer: Caller):
    for number in range(MOST_PER_PERSON):
        saved(officer, f"view {number}")
    refused(officer.post("/v1/views", json={"name": "more", "noun": "violations", "query": {}}), 409, "too_many_views")
    saved(second_officer)
