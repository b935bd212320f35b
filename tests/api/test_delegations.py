"""Delegations: who stands in for a supervisor sees and approves what the supervisor may, on those days, and no more."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.domain.access import Role
from tests.api.reviewing import done, gift, post, recorded, refused
from tests.api.test_teams import entries, joins, team_of
from tests.server import Caller, Server

DAYS = {"from_on": "2026-06-15", "to_on": "2026-06-20"}


@pytest.fixture
def deputy(server: Server) -> Caller:
    return server.as_(Role.SUPERVISOR, "dora")


@pytest.fixture
def entry(admin: Caller, rep: Caller) -> dict[str, Any]:
    """What a member of susan's team gave."""
    team = team_of(admin, "West")
    joins(admin, team, "susan", "supervisor")
    joins(admin, team, "rhea")
    return recorded(rep, gift("5.00", "2026-05-04"))


def names(caller: Caller, delegate: str, **more: Any) -> Any:
    return caller.post("/v1/delegations", json=DAYS | {"delegate": delegate} | more)


def test_a_deputy_oversees_the_team_on_those_days_under_their_own_name(
    server: Server, supervisor: Caller, deputy: Caller, officer: Caller, entry: dict[str, Any]
):
    path = f"/v1/entries/{entry['id']}"
    assert deputy.get(path).status_code == 404
    made = done(names(supervisor, "dora", from_on="2026-06-16"))
    seen = []
    for day in (15, 16, 20, 21):
        server.clock.noon_of(date(2026, 6, day))
        seen.append(len(entries(deputy)))
    assert seen == [0, 1, 1, 0]
    server.clock.noon_of(date(2026, 6, 20))
    assert done(post(deputy, f"{path}/approvals", {"note": "seen"}, 1))["approval"]["approved_by"] == "dora"
    ended = done(supervisor.delete(f"/v1/delegations/{made['id']}"))
    assert (ended["version"], ended["ended_at"] is not None) == (2, True)
    assert deputy.get(path).status_code == 404
    refused(supervisor.delete(f"/v1/delegations/{made['id']}"), 409, "delegation_ended")
    records = done(officer.get("/v1/audit/records", params={"entity_id": made["id"]}))["data"]
    assert [(one["action"], one["actor"]) for one in records] == [
        ("delegation.created", "susan"),
        ("delegation.ended", "susan"),
    ]


def test_nobody_passes_on_what_they_only_stand_in_for(
    server: Server, supervisor: Caller, deputy: Caller, entry: dict[str, Any]
):
    third = server.as_(Role.SUPERVISOR, "theo")
    done(names(supervisor, "dora"))
    done(names(deputy, "theo"))
    assert (len(entries(deputy)), entries(third)) == (1, [])


@pytest.mark.parametrize("change", [{"active": False}, {"role": "rep"}])
def test_a_deputy_may_no_more_than_the_supervisor_may(
    admin: Caller, supervisor: Caller, deputy: Caller, entry: dict[str, Any], change: dict[str, Any]
):
    user = done(admin.post("/v1/users", json={"person": "susan", "name": "Susan", "role": "supervisor"}))
    done(names(supervisor, "dora"))
    assert len(entries(deputy)) == 1
    done(admin.patch(f"/v1/users/{user['id']}", json=change, headers={"If-Match": '"v1"'}))
    assert entries(deputy) == []


def test_a_deputy_needs_the_role_and_approves_nothing_of_whom_they_stand_in_for(
    server: Server, admin: Caller, supervisor: Caller, deputy: Caller, other_rep: Caller, entry: dict[str, Any]
):
    done(names(supervisor, "ravi"))
    assert entries(other_rep) == []
    done(names(supervisor, "dora"))
    own = recorded(supervisor, gift("5.00", "2026-05-05"))
    east = team_of(admin, "East")
    joins(admin, east, "dora", "supervisor")
    joins(admin, east, "susan")
    assert deputy.get(f"/v1/entries/{own['id']}").status_code == 200
    refused(post(deputy, f"/v1/entries/{own['id']}/approvals", {"note": "fine"}, 1), 403, "self_review")


def test_a_deputy_approves_nothing_that_whom_they_stand_in_for_hosted(
    supervisor: Caller, deputy: Caller, rep: Caller, entry: dict[str, Any]
):
    done(names(supervisor, "dora"))
    hosted = recorded(rep, gift("5.00", "2026-05-05", kind="meal", hosts_present=True, hosts=["rhea", "susan"]))
    refused(post(deputy, f"/v1/entries/{hosted['id']}/approvals", {"note": "fine"}, 1), 403, "self_review")
    done(post(deputy, f"/v1/entries/{entry['id']}/approvals", {"note": "fine"}, 1))


def test_who_may_name_whom(admin: Caller, rep: Caller, supervisor: Caller, officer: Caller):
    refused(names(rep, "ravi"), 403, "role_forbids")
    refused(names(supervisor, "Susan"), 422, "delegated_to_themselves")
    refused(names(supervisor, "dora", supervisor="someone"), 403, "role_forbids")
    refused(names(admin, "ADA", supervisor="susan"), 422, "delegated_to_themselves")
    refused(names(supervisor, "dora", to_on="2026-06-14"), 422, "delegation_days")
    refused(names(supervisor, "dora", to_on="2027-06-17"), 422, "delegation_days")
    one = done(names(admin, "dora", supervisor="susan"))
    for caller in (admin, officer, supervisor):
        assert done(caller.get("/v1/delegations"))["data"] == [one]
    refused(officer.delete(f"/v1/delegations/{one['id']}"), 403, "role_forbids")
    assert admin.delete(f"/v1/delegations/{one['id']}").status_code == 200
