"""Teams: who reads and approves what whom gave on which day; supervisors, teams beneath, and lists by team."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.reviewing import CONFIRMED, act, done, gift, over_the_gift_limit, post, recorded, refused
from tests.server import Caller, Server

Json = dict[str, Any]


def team_of(admin: Caller, name: str, parent: Json | None = None) -> Json:
    return done(admin.post("/v1/teams", json={"name": name} | ({"parent_id": parent["id"]} if parent else {})))


def joins(admin: Caller, team: Json, person: str, part: str = "member", since: str = "2026-01-01", **more: Any) -> Json:
    body = {"person": person, "part": part, "from_on": since, **more}
    return done(admin.post(f"/v1/teams/{team['id']}/memberships", json=body))


def ends(admin: Caller, membership: Json, on: str | None) -> Any:
    headers = {"If-Match": f'"v{membership["version"]}"'}
    return admin.patch(f"/v1/memberships/{membership['id']}", json={"to_on": on}, headers=headers)


def entries(caller: Caller, **filters: Any) -> list[str]:
    return [one["occurred_on"] for one in done(caller.get("/v1/entries", params=filters))["data"]]


DAYS = ("2026-03-01", "2026-04-01", "2026-05-04", "2026-06-01")


def test_a_supervisor_reads_what_members_gave_on_their_days(
    admin: Caller, rep: Caller, supervisor: Caller, server: Server
):
    made = {day: recorded(rep, gift("5.00", day)) for day in DAYS}
    assert entries(supervisor) == []
    team = team_of(admin, "West")
    joins(admin, team, "susan", "supervisor", "2026-06-01")
    rhea = joins(admin, team, "rhea", since="2026-04-01", to_on="2026-05-04")
    assert entries(supervisor) == ["2026-05-04", "2026-04-01"], "also from before she supervised"
    assert entries(supervisor, as_of="2026-06-15T17:00:00Z") == ["2026-05-04", "2026-04-01"]
    for day, one in made.items():
        status = 200 if day in ("2026-04-01", "2026-05-04") else 404
        for path in ("", "/versions", "/proofs"):
            assert supervisor.get(f"/v1/entries/{one['id']}{path}").status_code == status, (day, path)
    done(ends(admin, rhea, None))
    assert entries(supervisor) == ["2026-06-01", "2026-05-04", "2026-04-01"]


def test_only_who_supervises_today_reads(admin: Caller, rep: Caller, supervisor: Caller, server: Server):
    recorded(rep, gift("5.00", "2026-05-04"))
    team = team_of(admin, "West")
    joins(admin, team, "rhea")
    susan = joins(admin, team, "susan", "supervisor", "2026-06-16", to_on="2026-06-20")
    seen = []
    for day in (15, 16, 20, 21):
        server.clock.noon_of(date(2026, 6, day))
        seen.append(len(entries(supervisor)))
    assert seen == [0, 1, 1, 0]
    server.clock.noon_of(date(2026, 6, 20))
    done(ends(admin, susan, "2026-06-19"))
    assert entries(supervisor) == []
    assert supervisor.get("/v1/teams").json()["data"] == []


def test_a_supervisor_of_a_team_supervises_those_beneath(
    admin: Caller, rep: Caller, other_rep: Caller, supervisor: Caller
):
    recorded(rep, gift("5.00", "2026-05-04"))
    recorded(other_rep, gift("5.00", "2026-05-05"))
    top, side = team_of(admin, "West"), team_of(admin, "East")
    beneath = team_of(admin, "Far West", team_of(admin, "Near West", top))
    joins(admin, top, "susan", "supervisor")
    joins(admin, beneath, "rhea")
    joins(admin, side, "ravi")
    assert entries(supervisor) == ["2026-05-04"]
    names = {one["name"] for one in done(supervisor.get("/v1/teams"))["data"]}
    assert names == {"West", "Near West", "Far West"}
    assert supervisor.get(f"/v1/teams/{side['id']}/memberships").status_code == 404


def test_a_supervisor_approves_for_the_team_and_corrects_nothing(
    admin: Caller, rep: Caller, supervisor: Caller, officer: Caller
):
    team = team_of(admin, "West")
    joins(admin, team, "susan", "supervisor")
    joins(admin, team, "rhea")
    one = recorded(rep, gift("5.00", "2026-05-04"))
    path = f"/v1/entries/{one['id']}"
    change = {"reason": "typo", "set": gift("6.00", "2026-05-04")}
    refused(post(supervisor, f"{path}/amendments", change, 1), 403, "not_your_entry")
    refused(post(supervisor, f"{path}/withdrawal", {"reason": "x"}, 1), 403, "not_your_entry")
    assert done(post(supervisor, f"{path}/approvals", {"note": "seen"}, 1))["approval"]["approved_by"] == "susan"
    own = recorded(supervisor, gift("5.00", "2026-05-04"))
    refused(post(supervisor, f"/v1/entries/{own['id']}/approvals", {"note": "mine"}, 1), 403, "self_review")
    assert officer.get(path).json()["version"] == 1


def test_a_supervisor_reads_the_teams_violations_without_deciding(
    admin: Caller, rep: Caller, other_rep: Caller, supervisor: Caller, officer: Caller
):
    team = team_of(admin, "West")
    joins(admin, team, "susan", "supervisor")
    joins(admin, team, "rhea")
    case, foreign = over_the_gift_limit(rep), over_the_gift_limit(other_rep, "500.00")
    mine = done(act(officer, case, "assignment", {"assignee": "olivia"}))
    asked = done(act(officer, mine, "questions", {"text": "where is it?", "due_on": "2026-06-22"}))
    [seen] = done(supervisor.get("/v1/violations"))["data"]
    assert (seen["id"], seen["assignee"]) == (case["id"], None), "what reviewers do among themselves stays theirs"
    for path in ("", "/proof", "/history"):
        assert supervisor.get(f"/v1/violations/{case['id']}{path}").status_code == 200
        assert supervisor.get(f"/v1/violations/{foreign['id']}{path}").status_code == 404
    assert [one["id"] for one in done(supervisor.get("/v1/questions"))["data"]] == [asked["id"]]
    refused(post(supervisor, f"/v1/questions/{asked['id']}/answer", {"text": "x"}, 3), 403, "not_your_question")
    refused(act(supervisor, case, "dispositions", CONFIRMED), 403, "role_forbids")


def test_what_was_received_belongs_to_whoever_submitted_it(
    admin: Caller, rep: Caller, supervisor: Caller, officer: Caller
):
    team = team_of(admin, "West")
    joins(admin, team, "susan", "supervisor")
    joins(admin, team, "rhea")
    joins(admin, team, "Vendor Inc")
    body = gift("5.00", "2026-05-04", giver="Vendor Inc", direction="received")
    recorded(rep, body)
    recorded(officer, body | {"occurred_on": "2026-05-05"})
    assert entries(supervisor) == ["2026-05-04"]
    assert entries(supervisor, as_of="2026-06-15T17:00:00Z") == ["2026-05-04"]


def test_lists_are_narrowed_to_a_team(
    admin: Caller, rep: Caller, other_rep: Caller, supervisor: Caller, officer: Caller
):
    west, east = team_of(admin, "West"), team_of(admin, "East")
    joins(admin, west, "susan", "supervisor")
    joins(admin, west, "rhea", since="2026-05-01")
    joins(admin, east, "ravi")
    recorded(rep, gift("5.00", "2026-04-04"))
    over_the_gift_limit(rep)
    recorded(other_rep, gift("5.00", "2026-05-05"))
    for caller in (officer, supervisor):
        assert entries(caller, team_id=west["id"]) == ["2026-05-04"]
        assert len(done(caller.get("/v1/violations", params={"team_id": west["id"]}))["data"]) == 1
        assert entries(caller, team_id="team_none") == []
    assert entries(officer, team_id=west["id"], as_of="2026-06-15T17:00:00Z") == ["2026-05-04"]
    assert entries(officer, team_id=east["id"]) == ["2026-05-05"]
    assert [one["giver"] for one in done(officer.get("/v1/violations", params={"team_id": east["id"]}))["data"]] == [
        "ravi"
    ]
    assert done(supervisor.get("/v1/violations", params={"team_id": east["id"]}))["data"] == []
    assert entries(supervisor, team_id=east["id"]) == []
    refused(rep.get("/v1/entries", params={"team_id": west["id"]}), 403, "role_forbids")


def test_what_a_team_cannot_be_is_refused(admin: Caller):
    team = team_of(admin, "West")
    refused(admin.post("/v1/teams", json={"name": "WEST"}), 409, "team_name_taken")
    refused(admin.post("/v1/teams", json={"name": "East", "parent_id": "team_none"}), 422, "unknown_parent_team")
    where = f"/v1/teams/{team['id']}"
    joins(admin, team, "rhea", since="2026-03-01", to_on="2026-03-31")
    later = joins(admin, team, "rhea", since="2026-04-01")
    for part in ("member", "supervisor"):
        for days in (
            {"from_on": "2026-01-01"},
            {"from_on": "2026-02-01", "to_on": "2026-03-01"},
            {"from_on": "2027-01-01"},
        ):
            refused(
                admin.post(f"{where}/memberships", json={"person": "rhea", "part": part, **days}),
                409,
                "memberships_meet",
            )
    early = {"person": "tess", "from_on": "2026-03-02", "to_on": "2026-03-01"}
    refused(admin.post(f"{where}/memberships", json=early), 422, "membership_ends_early")
    refused(ends(admin, later, "2026-03-31"), 422, "membership_ends_early")
    after = done(ends(admin, later, "2026-04-30"))
    refused(ends(admin, later, "2026-05-30"), 412, "membership_changed")
    assert (after["version"], after["to_on"]) == (2, "2026-04-30")
    assert done(admin.get(f"{where}/memberships", params={"on": "2026-03-15"}))["data"][0]["to_on"] == "2026-03-31"
    stale = admin.patch(where, json={"name": "Wild West"}, headers={"If-Match": '"v2"'})
    refused(stale, 412, "team_changed")
    assert done(admin.patch(where, json={"name": "west"}, headers={"If-Match": '"v1"'}))["name"] == "west"


@pytest.mark.parametrize("part", ["member", "supervisor"])
def test_every_change_of_a_team_is_in_the_log(admin: Caller, officer: Caller, part: str):
    team = team_of(admin, "West")
    one = joins(admin, team, "rhea", part)
    done(ends(admin, one, "2026-12-31"))
    done(admin.patch(f"/v1/teams/{team['id']}", json={"name": "East"}, headers={"If-Match": '"v1"'}))
    said = [
        [record["action"] for record in done(officer.get("/v1/audit/records", params={"entity_id": id}))["data"]]
        for id in (team["id"], one["id"])
    ]
    assert said == [["team.created", "team.renamed"], ["membership.created", "membership.changed"]]
