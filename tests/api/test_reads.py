"""Reads: every look of an officer, an auditor or a supervisor at what is not their own is there to be looked up."""

from __future__ import annotations

import threading
from typing import Any

from tests.api.document import OPERATIONS
from tests.api.examples import able, example_of
from tests.api.reviewing import done, gift, over_the_gift_limit, recorded, refused
from tests.api.world import World
from tests.server import Caller, Server, serving


def reads(caller: Caller, **filters: Any) -> list[dict[str, Any]]:
    return done(caller.get("/v1/audit/reads", params=filters))["data"]


def test_who_read_what_is_there_and_what_was_refused_is_not(
    rep: Caller, officer: Caller, auditor: Caller, server: Server
):
    case = over_the_gift_limit(rep)
    client = done(rep.get(f"/v1/entries/{case['entry_id']}"))["recipients"][0]["id"]
    done(officer.get(f"/v1/violations/{case['id']}"))
    server.clock.forward(seconds=1)
    done(officer.get("/v1/recipients", params={"name": "dana"}))
    server.clock.forward(seconds=1)
    done(auditor.get(f"/v1/recipients/{client}/statement", params={"period": "2026"}))
    refused(officer.get("/v1/violations/vio_none"), 404, "violation_not_found")
    done(officer.get("/v1/policies"))
    done(officer.get("/v1/me"))
    found = reads(auditor)
    assert [(one["person"], one["what"], one["about"]) for one in found] == [
        ("arthur", "get_statement", client),
        ("olivia", "list_recipients", None),
        ("olivia", "get_violation", case["id"]),
    ]
    assert found[1]["asked"] == "/v1/recipients?name=dana"
    assert (found[2]["role"], found[2]["principal"]) == ("officer", officer.key_id)
    assert [one["what"] for one in reads(auditor, about=case["id"])] == ["get_violation"]
    assert {one["person"] for one in reads(auditor, person="olivia")} == {"olivia"}
    assert [one["what"] for one in reads(auditor, what="list_reads")] == ["list_reads"] * 3
    assert [one["what"] for one in reads(auditor, **{"at[lt]": found[1]["at"]})] == ["get_violation"]
    assert reads(auditor, **{"at[gte]": found[0]["at"], "what": "get_violation"}) == []


def test_a_supervisors_look_at_the_team_is_noted(admin: Caller, rep: Caller, supervisor: Caller, auditor: Caller):
    one = recorded(rep, gift("5.00", "2026-05-04"))
    team = done(admin.post("/v1/teams", json={"name": "West"}))
    for person, part in (("rhea", "member"), ("susan", "supervisor")):
        body = {"person": person, "part": part, "from_on": "2026-01-01"}
        done(admin.post(f"/v1/teams/{team['id']}/memberships", json=body))
    done(supervisor.get(f"/v1/entries/{one['id']}"))
    done(rep.get(f"/v1/entries/{one['id']}"))
    assert [(read["person"], read["about"]) for read in reads(auditor)] == [("susan", one["id"])]


NO_CASE_DATA = {"access", "health", "operations", "policies", "subscriptions"}


def test_every_route_that_shows_case_data_notes_its_reader(world: World):
    """Enumerated from the document: a new route is noted, unless it is one of those that show none."""
    silent = []
    for id, one in OPERATIONS.items():
        tags = set(one.said["tags"])
        if one.method != "GET" or tags & NO_CASE_DATA or able(id) not in ("officer", "second_officer", "auditor"):
            continue
        before = len(_noted(world, id))
        assert world.ask("officer", example_of(id, world)).status == 200, id
        if len(_noted(world, id)) <= before:
            silent.append(id)
    assert silent == []


def _noted(world: World, what: str) -> list[Any]:
    return reads(world.keys["auditor"], what=what, limit=200)


def test_what_waits_is_written_at_the_end_and_by_the_clock(database_url: str, clock: Any):
    with serving(database_url, clock=clock) as server:
        done(server.as_("officer", "olivia").get("/v1/entries"))
    with serving(database_url, clock=clock, reads_flush_s=0.01) as server:
        written = threading.Event()
        flush = server.app.state.reads.flush
        server.app.state.reads.flush = lambda: (flush(), written.set())
        done(server.as_("officer", "oscar").get("/v1/entries"))
        assert written.wait(30)
    with serving(database_url, clock=clock) as server:
        assert [one["person"] for one in reads(server.as_("auditor", "arthur"))] == ["oscar", "olivia"]
