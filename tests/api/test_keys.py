"""Keys: scopes, rotation with an overlap, when they were last used, and how often they may be used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.reviewing import done, gift, refused
from tests.server import Caller, Server

Json = dict[str, Any]


def key_of(admin: Caller, role: str = "rep", person: str = "rhea", **more: Any) -> Json:
    return done(admin.post("/v1/keys", json={"name": "key", "role": role, "person": person, **more}))


def the_key(admin: Caller, key_id: str) -> Json:
    [one] = [one for one in done(admin.get("/v1/keys"))["data"] if one["id"] == key_id]
    return one


# Scopes


def test_a_key_allows_no_more_than_its_scopes(server: Server, admin: Caller, rep: Caller):
    made = key_of(admin, scopes=["read_own", "read_policies", "read_own"])
    caller = server.stranger(made["secret"])
    assert made["scopes"] == ["read_own", "read_policies"]
    assert done(caller.get("/v1/me"))["permissions"] == ["read_own", "read_policies"]
    assert caller.get("/v1/entries").status_code == 200
    refused(caller.post("/v1/entries", json=gift("5.00", "2026-05-04")), 403, "role_forbids")
    refused(caller.get("/v1/recipients"), 403, "role_forbids")
    assert rep.get("/v1/recipients").status_code == 200


def test_scopes_are_of_the_role(admin: Caller):
    body = {"name": "key", "role": "rep", "person": "rhea", "scopes": ["read_own", "review"]}
    problem = refused(admin.post("/v1/keys", json=body), 422, "beyond_role")
    assert problem["errors"][0]["pointer"] == "/scopes/1"


# Rotation


def test_a_rotated_key_and_the_new_one_open_for_a_while(server: Server, admin: Caller, officer: Caller):
    old = key_of(admin, scopes=["read_own"], expires_in_days=30)
    server.clock.forward(days=10)
    before = server.stranger(old["secret"])
    new = done(before.post(f"/v1/keys/{old['id']}/rotation", json={"overlap_hours": 2}))
    after = server.stranger(new["secret"])
    same = ("name", "role", "person", "scopes", "waiver_limit", "email")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert new["replaces"] == old["id"]
    assert [one.get("/v1/me").status_code for one in (before, after)] == [200, 200]
    server.clock.forward(hours=2)
    assert [one.get("/v1/me").status_code for one in (before, after)] == [401, 200]
    server.clock.forward(days=29)
    assert after.get("/v1/me").status_code == 200, "as long as the old one was to last, from the rotation on"
    server.clock.forward(days=1)
    assert after.get("/v1/me").status_code == 401
    records = done(officer.get("/v1/audit/records", params={"entity_id": old["id"]}))["data"]
    assert [(one["action"], one["actor"]) for one in records] == [("key.created", "ada"), ("key.rotated", "rhea")]


def test_who_may_rotate_what(server: Server, admin: Caller, rep: Caller):
    one = key_of(admin)
    refused(rep.post(f"/v1/keys/{one['id']}/rotation", json={}), 403, "role_forbids")
    assert done(admin.post(f"/v1/keys/{one['id']}/rotation", json={"overlap_hours": 0}))["created_by"] == "ada"
    assert server.stranger(one["secret"]).get("/v1/me").status_code == 401
    refused(admin.post(f"/v1/keys/{one['id']}/rotation", json={}), 409, "key_ended")
    other = key_of(admin)
    assert admin.delete(f"/v1/keys/{other['id']}").status_code == 200
    refused(admin.post(f"/v1/keys/{other['id']}/rotation", json={}), 409, "key_ended")


def test_an_overlap_never_lengthens_a_life(server: Server, admin: Caller):
    one = key_of(admin, expires_in_days=1)
    done(admin.post(f"/v1/keys/{one['id']}/rotation", json={"overlap_hours": 720}))
    assert the_key(admin, one["id"])["expires_at"] == one["expires_at"]


# Last use


def test_the_last_use_of_a_key_is_noted_once_a_minute(server: Server, admin: Caller):
    one = key_of(admin)
    caller, reads = server.stranger(one["secret"]), server.app.state.reads
    assert the_key(admin, one["id"])["last_used_at"] is None
    first = server.clock.now
    for seconds in (0, 30, 29):
        server.clock.forward(seconds=seconds)
        done(caller.get("/v1/me"))
        reads.flush()
        assert the_key(admin, one["id"])["last_used_at"] == first.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    server.clock.forward(seconds=1)
    done(caller.post("/v1/entries", json=gift("5.00", "2026-05-04")))
    reads.flush()
    noted = the_key(admin, one["id"])["last_used_at"]
    assert noted == (first + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert the_key(admin, one["id"])["version"] == 1


# Rates


@pytest.mark.parametrize("server_settings", [{"rate_limit": 6}])
def test_whoever_asks_too_often_waits(server: Server, admin: Caller, rep: Caller):
    replies = [rep.get("/v1/me") for _ in range(7)]
    assert [one.status_code for one in replies] == [200] * 6 + [429]
    assert [one.headers.get("ratelimit") for one in replies[:2]] == ['"default";r=5;t=60', '"default";r=4;t=60']
    assert replies[0].headers["ratelimit-policy"] == '"default";q=6;w=60'
    problem = refused(replies[6], 429, "asked_too_often")
    assert problem["status"] == 429
    assert replies[6].headers["retry-after"] == "10"
    assert rep.post("/v1/entries", json=gift("5.00", "2026-05-04")).status_code == 429
    assert admin.get("/v1/me").status_code == 200, "everybody has their own"
    forged = server.stranger(rep.key[:-1] + ("A" if rep.key[-1] != "A" else "B"))
    assert [forged.get("/v1/me").status_code for _ in range(7)] == [401] * 6 + [429]
    server.clock.forward(seconds=10)
    assert rep.get("/v1/me").status_code == 200
    invented = server.stranger(f"prp_{'0' * 32}_{'A' * 43}")
    assert {invented.get("/health/live").status_code for _ in range(9)} == {200}
    assert server.app.state.reads.used_lately() == {rep.key_id, admin.key_id}, "an invented key was never used"


def test_there_is_no_limit_unless_one_is_set(rep: Caller):
    reply = rep.get("/v1/me")
    assert not {name for name in reply.headers if name.startswith("ratelimit")}
