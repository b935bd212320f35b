"""Drafts over HTTP: proposed once per source, completed by their owner, confirmed into an entry or dismissed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from app.domain.drafts import ProposedEntry
from app.domain.entries import DraftPerson, Kind
from app.domain.recipients import Named
from app.services import drafts
from app.services.drafts import KnownDraft, Proposal
from tests.api.reviewing import DANA, Json, done, kept, refused
from tests.server import Caller, Server

MEETING = {
    "occurred_on": "2026-05-04",
    "kind": "meal",
    "hosts_present": True,
    "recipients": [DANA],
    "venue": "The Long Room",
}
WHOLE = {"total": {"amount": "400.00", "currency": "USD"}}


def propose(caller: Caller, entry: Json, **more: Any) -> Json:
    return done(caller.post("/v1/drafts", json={"about": "meeting", "entry": entry} | more))


def from_crm(crm: Caller, entry: Json, id: str = "m-1", owner: str = "rhea", **more: Any) -> Json:
    return propose(crm, entry, owner=owner, source={"system": "crm", "id": id}, **more)


def seen(caller: Caller, draft: Json) -> Json:
    return done(caller.get(f"/v1/drafts/{draft['id']}"))


def act(caller: Caller, draft: Json, path: str, body: Json, version: int | None = None):
    headers = {"If-Match": f'"v{version or draft["version"]}"'}
    return caller.request(
        "PATCH" if not path else "POST", f"/v1/drafts/{draft['id']}{path}", json=body, headers=headers
    )


def confirm(caller: Caller, draft: Json, version: int | None = None, **said: Any):
    return act(caller, draft, "/confirmation", {"set": said} if said else {}, version)


def ids(caller: Caller, **filters: Any) -> list[str]:
    return [one["id"] for one in done(caller.get("/v1/drafts", params=filters))["data"]]


def test_a_meeting_becomes_an_entry_when_its_rep_has_said_what_it_cost(rep, other_rep, officer, integration):
    draft = from_crm(integration, MEETING, label="Dinner with Dana")
    assert (draft["state"], draft["owner"], draft["missing"]) == ("open", "rhea", ["total"])
    assert ids(rep) == ids(officer) == [draft["id"]]
    assert ids(other_rep) == ids(integration) == []
    refused(other_rep.get(f"/v1/drafts/{draft['id']}"), 404, "draft_not_found")
    problem = refused(confirm(rep, draft), 422, "draft_incomplete")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/set/total"]
    recorded = confirm(rep, draft, **WHOLE)
    entry = done(recorded)
    assert (entry["submitted_by"], entry["giver"], entry["venue"]) == ("rhea", "rhea", "The Long Room")
    assert (entry["draft_id"], recorded.headers["location"]) == (draft["id"], f"/v1/entries/{entry['id']}")
    assert done(rep.get(f"/v1/entries/{entry['id']}"))["draft_id"] == draft["id"]
    after = seen(rep, draft)
    assert [after[name] for name in ("state", "entry_id", "closed_by")] == ["confirmed", entry["id"], "rhea"]
    assert ids(rep, state="open") == []


def test_a_confirmed_draft_is_judged_as_if_it_had_been_typed(rep, other_rep, integration):
    whole = MEETING | {"kind": "gift", "total": {"amount": "400.00", "currency": "USD"}, "hosts_present": None}
    draft = from_crm(integration, whole)
    ahead = seen(rep, draft)
    assert ahead["obstacle"] is None
    entry = done(confirm(rep, draft))
    assert [one["aggregate"] for one in ahead["preview"]["assessments"]] == [
        one["aggregate"] for one in entry["assessments"]
    ]
    [case] = entry["violations"]
    assert case["over_by"] == "100.00"


def test_a_repeated_confirmation_is_the_same_entry(rep, integration, officer):
    draft = from_crm(integration, MEETING | WHOLE)
    first, again = confirm(rep, draft), confirm(rep, draft)
    assert done(first)["id"] == done(again)["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    refused(confirm(rep, draft, venue="elsewhere"), 409, "draft_closed")
    refused(confirm(rep, draft, version=7), 409, "draft_closed")
    assert len(done(officer.get("/v1/entries"))["data"]) == 1


@pytest.mark.race
def test_confirmed_by_many_at_once_it_is_one_entry(rep, officer, integration):
    draft = from_crm(integration, MEETING | WHOLE)
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda who: confirm(who, draft), [rep, officer] * 3))
    assert {answer.status_code for answer in answers} <= {201, 409, 412}
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {
        one["id"] for one in done(officer.get("/v1/entries"))["data"]
    }
    assert len(done(officer.get("/v1/entries"))["data"]) == 1


@pytest.mark.race
def test_proposed_by_many_at_once_it_is_one_draft(rep, integration):
    with ThreadPoolExecutor(6) as crowd:
        drafts = list(crowd.map(lambda number: from_crm(integration, MEETING | {"purpose": f"p{number}"}), range(6)))
    assert len({draft["id"] for draft in drafts}) == 1
    assert sorted(draft["version"] for draft in drafts) == [1, 2, 3, 4, 5, 6]


def test_the_same_proposal_again_changes_nothing(integration, server):
    draft = from_crm(integration, MEETING, label="Dinner")
    before = kept(server)
    assert from_crm(integration, MEETING, label="Dinner") == draft
    assert kept(server) == before


def test_what_a_person_filled_in_stays_and_the_rest_follows_the_source(rep, integration):
    draft = from_crm(integration, MEETING)
    mine = done(act(rep, draft, "", {"set": {"venue": "The Short Room", **WHOLE}}))
    later = from_crm(integration, MEETING | {"venue": "The Third Room", "purpose": "fund review"})
    assert (later["id"], later["version"]) == (draft["id"], mine["version"] + 1)
    entry = later["entry"]
    assert [entry[name] for name in ("venue", "purpose", "total")] == ["The Short Room", "fund review", WHOLE["total"]]
    assert later["said_otherwise"] == [{"field": "venue", "draft": "The Short Room", "source": "The Third Room"}]
    refused(confirm(rep, draft), 412, "draft_changed")


def test_a_confirmed_draft_is_never_reached_by_its_source(rep, integration):
    draft = from_crm(integration, MEETING | WHOLE)
    entry = done(confirm(rep, draft))
    later = from_crm(integration, MEETING | {"total": {"amount": "4.00", "currency": "USD"}})
    assert later["state"] == "confirmed"
    assert later["entry"]["total"] == WHOLE["total"]
    [otherwise] = later["said_otherwise"]
    assert (otherwise["field"], otherwise["source"]["amount"]) == ("total", "4.00")
    assert done(rep.get(f"/v1/entries/{entry['id']}"))["total"] == entry["total"]


def test_officers_see_what_was_dismissed_and_why(rep, other_rep, officer, auditor, integration):
    draft = from_crm(integration, MEETING)
    refused(act(other_rep, draft, "/dismissal", {"reason": "mine"}), 404, "draft_not_found")
    refused(act(auditor, draft, "/dismissal", {"reason": "mine"}), 403, "role_forbids")
    gone = done(act(rep, draft, "/dismissal", {"reason": "it was called off"}))
    assert (gone["state"], gone["reason"], gone["closed_by"]) == ("dismissed", "it was called off", "rhea")
    assert ids(officer, state="dismissed") == ids(auditor, state="dismissed", owner="rhea") == [draft["id"]]
    refused(confirm(rep, gone), 409, "draft_closed")
    refused(act(rep, gone, "", {"set": WHOLE}), 409, "draft_closed")
    again = from_crm(integration, MEETING | {"venue": "elsewhere"})
    assert (again["state"], [one["field"] for one in again["said_otherwise"]]) == ("dismissed", ["venue"])


def test_whoever_is_not_found_is_shown_with_candidates_and_the_others_with_headroom(rep, officer, integration):
    dana = done(officer.post("/v1/recipients", json={"name": "Dana Diaz", "type": "institutional_employee"}))
    draft = propose(
        integration,
        {"recipients": [{"id": dana["id"]}, {"name": "Dana Diaz", "employer": "Northgate Capital"}]},
        owner="rhea",
    )
    known, unknown = seen(rep, draft)["people"]
    assert (known["recipient_id"], known["found_by"], known["name"]) == (dana["id"], "id", "Dana Diaz")
    assert "300.00" in {line["left"] for line in known["headroom"] if line["rule_id"] == "finra-3220-gifts"}
    assert (unknown["recipient_id"], unknown["headroom"]) == (None, [])
    assert [one["id"] for one in unknown["looks_like"]] == [dana["id"]]


def test_a_new_person_without_a_type_is_the_obstacle_until_one_is_said(rep, integration):
    person = {"name": "Nora New"}
    draft = from_crm(integration, MEETING | WHOLE | {"recipients": [person]})
    assert seen(rep, draft)["obstacle"]["code"] == "recipient_incomplete"
    problem = refused(confirm(rep, draft), 422, "recipient_incomplete")
    assert problem["errors"][0]["pointer"] == "/set/recipients/0/type"
    done(confirm(rep, draft, recipients=[person | {"type": "institutional_employee"}]))


def test_a_meeting_that_lies_ahead_waits_for_its_day(rep, integration, server: Server):
    draft = from_crm(integration, MEETING | WHOLE | {"occurred_on": "2026-06-20"})
    assert seen(rep, draft)["obstacle"]["code"] == "in_the_future"
    refused(confirm(rep, draft), 422, "in_the_future")
    server.clock.forward(days=10)
    assert seen(rep, draft)["age_days"] == 10
    assert seen(rep, draft)["preview"]["total"] == WHOLE["total"]
    done(confirm(rep, draft))


def test_reps_propose_for_themselves_and_speak_for_no_system(rep):
    own = propose(rep, {})
    assert (own["owner"], own["source"], own["missing"]) == (
        "rhea",
        None,
        ["occurred_on", "kind", "total", "recipients"],
    )
    other = {"about": "meeting", "owner": "ravi", "entry": {}}
    refused(rep.post("/v1/drafts", json=other), 403, "not_your_draft")
    sourced = {"about": "meeting", "source": {"system": "crm", "id": "m"}, "entry": {}}
    refused(rep.post("/v1/drafts", json=sourced), 403, "not_your_draft")


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        pytest.param({"total": {"amount": "1.234", "currency": "USD"}}, "/set/total/amount", id="too many decimals"),
        pytest.param({"total": {"amount": "1.23", "currency": "XXB"}}, "/set/total/currency", id="no currency"),
        pytest.param({"hosts_share": "5.00"}, "/set/hosts_share", id="an amount of unknown currency"),
        pytest.param({"recipients": [{}]}, "/set/recipients/0", id="nobody"),
        pytest.param({"kind": "bribe"}, "/set/kind", id="no kind"),
        pytest.param({"nonsense": 1}, "/set/nonsense", id="no field"),
    ],
)
def test_what_cannot_be_said_of_an_entry_cannot_be_said_of_a_draft(rep, server, said, pointer):
    draft = propose(rep, {})
    before = kept(server)
    answer = act(rep, draft, "", {"set": said})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert kept(server) == before


def test_amounts_do_not_slip_into_another_currency(rep):
    shares = [DANA | {"share": "400.00"}]
    draft = propose(rep, WHOLE | {"recipients": shares})
    yen = {"total": {"amount": "400", "currency": "JPY"}}
    problem = refused(act(rep, draft, "", {"set": yen}), 422, "entry_not_valid")
    assert [fault["code"] for fault in problem["errors"]] == ["currency_changed"]
    changed = done(act(rep, draft, "", {"set": yen | {"recipients": [DANA | {"share": "400"}]}}))
    assert changed["entry"]["recipients"][0]["share"] == "400"


@pytest.mark.parametrize("about", ["an address", "an id elsewhere"])
def test_a_person_of_whom_no_name_is_known_is_shown_all_the_same(server, rep, officer, about):
    """As systems propose them, which know an address or an id of their own."""
    dana = done(officer.post("/v1/recipients", json={"name": "Dana Diaz", "type": "institutional_employee"}))
    who = Named(email="dana.diaz@example.com") if about == "an address" else Named(source="crm", external_id="c-9")
    draft = proposed(server, ProposedEntry(people=(DraftPerson(who),)))
    [person] = seen(rep, {"id": draft.id})["people"]
    assert person["recipient_id"] is None
    assert [one["id"] for one in person["looks_like"]] == ([dana["id"]] if about == "an address" else [])


def proposed(server: Server, entry: ProposedEntry, label: str = "Dinner") -> KnownDraft:
    """As another part of the service proposes."""

    def work(connection):
        journal = server.desk.journal()
        proposal = Proposal("rhea", entry, "meeting", label, "con_1", "m-1")
        draft = drafts.propose(connection, proposal, journal=journal, stamp=server.desk.stamp("con_1"))
        journal.seal(connection)
        return draft

    return server.desk.database.write(work)


def called_off(server: Server) -> None:
    def work(connection):
        journal = server.desk.journal()
        drafts.withdraw(connection, "con_1", "m-1", journal=journal, stamp=server.desk.stamp("con_1"))
        journal.seal(connection)

    server.desk.database.write(work)


def test_a_meeting_that_is_called_off_takes_its_open_draft_along_and_brings_it_back(server, rep):
    entry = ProposedEntry(occurred_on=date(2026, 5, 4), kind=Kind.MEAL)
    draft = proposed(server, entry)
    called_off(server)
    gone = seen(rep, {"id": draft.id})
    assert (gone["state"], gone["closed_by"]) == ("withdrawn", "con_1")
    assert gone["source_withdrawn_at"] is not None
    before = kept(server)
    called_off(server)
    assert kept(server) == before
    assert proposed(server, entry).id == draft.id
    again = seen(rep, {"id": draft.id})
    assert [again[name] for name in ("state", "closed_by", "reason", "source_withdrawn_at")] == [
        "open",
        None,
        None,
        None,
    ]


def test_a_meeting_called_off_after_its_entry_leaves_a_note_and_no_more(server, rep):
    draft = proposed(server, ProposedEntry(occurred_on=date(2026, 5, 4), kind=Kind.MEAL, hosts_present=True))
    entry = done(confirm(rep, {"id": draft.id, "version": 1}, recipients=[DANA], **WHOLE))
    called_off(server)
    after = seen(rep, {"id": draft.id})
    assert (after["state"], after["source_withdrawn_at"] is not None) == ("confirmed", True)
    assert done(rep.get(f"/v1/entries/{entry['id']}"))["standing"] == "live"


def test_what_a_system_writes_without_measure_is_cut_to_what_can_be_kept(server, rep):
    wild = "a\x00b\ud800" + "x" * 5000
    who = Named(name=wild, employer=wild, email="no address", source="crm", external_id=wild)
    draft = proposed(server, ProposedEntry(people=(DraftPerson(who),) * 300, purpose=wild, venue=wild), label=wild)
    after = seen(rep, {"id": draft.id})
    assert len(after["entry"]["recipients"]) == len(after["people"]) == 200
    assert {len(after["entry"]["venue"]), len(after["label"])} == {200}
    assert len(after["entry"]["purpose"]) == 2000
    assert after["entry"]["recipients"][0].get("email") is None
