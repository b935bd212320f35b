"""One valid request per operation: what the access matrix, the hostile values and the tour of the document send.

An example prepares what its request is about, for the person `whose` it is or, where that is None, about something that
does not exist, and gives the request. An operation without an example fails the build: a new one gets its example here
and its row in `access_matrix.yaml`. Every field of every body stands in some example of its operation (what cannot
stand beside the rest, in a second one), so that every slot of the document is reached.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from app.services import merge_proposals
from tests.api.wire import Ask
from tests.api.world import DAY, PERSON, Json, World

Example = Callable[[World, str | None], Ask]

NOWHERE = "0" * 32
EXAMPLES: dict[str, list[Example]] = {}
_ABLE: dict[str, str] = {}


def example(operation: str, by: str = "officer") -> Callable[[Example], Example]:
    """Makes a function an example of an operation: the first is the plain one. `by` is somebody who may do it."""

    def keep(make: Example) -> Example:
        EXAMPLES.setdefault(operation, []).append(make)
        _ABLE.setdefault(operation, by)
        return make

    return keep


def able(operation: str) -> str:
    """Somebody who may do it, whoever it concerns."""
    return _ABLE[operation]


def example_of(operation: str, world: World, whose: str | None = "rhea") -> Ask:
    """The plain example of an operation, about something that somebody has (or nobody)."""
    return EXAMPLES[operation][0](world, whose)


# Entries


def full_entry(world: World, giver: str) -> Json:
    """An entry that says everything an entry can say."""
    client, at = world.recipient()["id"], world.employer()["id"]
    client_of_guest = {"id": client, "type": "institutional_employee", "employer_id": at}
    named = world.person(email=f"{world.new('mail').replace(' ', '-')}@example.com")
    return {
        "occurred_on": DAY,
        "kind": "entertainment",
        "direction": "given",
        "giver": giver,
        "giver_type": "associated_person",
        "total": {"amount": "500.00", "currency": "USD"},
        "value": {
            "tax": "10.00",
            "delivery": "5.00",
            "tip": "20.00",
            "cost": "480.00",
            "face": "490.00",
            "market": "510.00",
        },
        "hosts_present": True,
        "hosts": [giver, "Hanna Host"],
        "hosts_share": "100.00",
        "recipients": [
            named | {"share": "100.00"},
            {"id": client, "employer_id": at, "type": "institutional_employee", "share": "100.00"},
            world.person(type="guest", share="100.00", guest_of=client_of_guest),
            world.person(type="guest", share="50.00", guest_of=dict(named)),
            world.person(
                type="guest",
                share="25.00",
                guest_of=world.person(),
                client_type="institutional_employee",
                client_employer="Calder Ridge",
            ),
            world.person(
                type="guest",
                share="25.00",
                guest_of={**world.person(), "email": f"{world.new('mail').replace(' ', '-')}@example.com"},
                client_type="institutional_employee",
                client_employer_id=at,
            ),
        ],
        "paid_by": "firm",
        "flags": ["promotional", "de_minimis"],
        "facts": {"logo": True, "agreement_on": "2026-01-05", "life_event": "wedding"},
        "preapproved_on": "2026-05-01",
        "purpose": "Quarterly review",
        "venue": "The Long Room",
    }


@example("create_entry")
def create_entry(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/entries", body=full_entry(world, whose or ""))


@example("create_entries")
def create_entries(world: World, whose: str | None) -> Ask:
    body = {"entries": [full_entry(world, whose or "")]}
    return Ask(
        "POST", "/v1/entries/batch", headers={"Idempotency-Key": world.new("batch").replace(" ", "-")}, body=body
    )


@example("create_assessment")
def create_assessment(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/assessments", body=full_entry(world, whose or ""))


@example("list_entries")
def list_entries(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/entries", query=(("limit", "5"),))


def of_entry(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    entry_id = f"ent_{NOWHERE}" if whose is None else world.entry(whose, "400.00")["id"]
    return Ask(method, f"/v1/entries/{{entry_id}}{path}", {"entry_id": entry_id}, **more)


def correction(world: World, whose: str | None, path: str, body: Json) -> Ask:
    return of_entry(world, whose, path, "POST", headers={"If-Match": '"v1"'}, body={"reason": "the receipt"} | body)


@example("get_entry")
def get_entry(world: World, whose: str | None) -> Ask:
    return of_entry(world, whose)


@example("list_entry_versions")
def list_entry_versions(world: World, whose: str | None) -> Ask:
    return of_entry(world, whose, "/versions")


@example("get_entry_proofs")
def get_entry_proofs(world: World, whose: str | None) -> Ask:
    return of_entry(world, whose, "/proofs")


@example("create_amendment")
def create_amendment(world: World, whose: str | None) -> Ask:
    return correction(world, whose, "/amendments", {"set": full_entry(world, whose or "nobody")})


@example("create_withdrawal")
def create_withdrawal(world: World, whose: str | None) -> Ask:
    return correction(world, whose, "/withdrawal", {})


@example("create_approval", by="second_officer")
def create_approval(world: World, whose: str | None) -> Ask:
    return correction(world, whose, "/approvals", {}).but(body={"note": "seen the receipt"})


@example("create_return")
def create_return(world: World, whose: str | None) -> Ask:
    return correction(world, whose, "/returns", {"repaid": {"amount": "10.00", "currency": "USD"}})


# Recipients and employers


@example("create_recipient")
def create_recipient(world: World, whose: str | None) -> Ask:
    body = {
        "name": world.new("Rita"),
        "type": "institutional_employee",
        "employer": "Northgate Capital",
        "email": f"{world.new('rita').replace(' ', '-')}@example.com",
        "external_ids": [{"source": "crm", "id": world.new("rita")}, {"source": "hr", "id": world.new("rita")}],
    }
    return Ask("POST", "/v1/recipients", body=body)


@example("create_recipient")
def create_recipient_of_known_employer(world: World, whose: str | None) -> Ask:
    body = {"name": world.new("Rita"), "type": "institutional_employee", "employer_id": world.employer()["id"]}
    return Ask("POST", "/v1/recipients", body=body)


@example("list_recipients")
def list_recipients(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/recipients", query=(("limit", "5"),))


def of_recipient(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    recipient_id = f"rec_{NOWHERE}" if whose is None else world.recipient()["id"]
    return Ask(method, f"/v1/recipients/{{recipient_id}}{path}", {"recipient_id": recipient_id}, **more)


@example("get_recipient")
def get_recipient(world: World, whose: str | None) -> Ask:
    return of_recipient(world, whose)


@example("get_headroom")
def get_headroom(world: World, whose: str | None) -> Ask:
    return of_recipient(world, whose, "/headroom")


@example("get_statement")
def get_statement(world: World, whose: str | None) -> Ask:
    return of_recipient(world, whose, "/statement", query=(("period", "2026-Q2"),))


@example("change_recipient")
def change_recipient(world: World, whose: str | None) -> Ask:
    body = {
        "reason": "the card says so",
        "name": world.new("Rita"),
        "email": f"{world.new('rita').replace(' ', '-')}@example.com",
        "phone": "+1 212 555 0100",
        "aliases": ["Rita R.", "R. Reyes"],
        "external_ids": [{"source": "crm", "id": world.new("rita")}],
        "type": "municipal_entity_employee",
        "employer": "Port of Calder Sound",
        "effective_from": "2026-05-01",
    }
    return of_recipient(world, whose, "", "PATCH", headers={"If-Match": '"v1"'}, body=body)


@example("change_recipient")
def change_recipient_to_known_employer(world: World, whose: str | None) -> Ask:
    body = {"reason": "the card says so", "employer_id": world.employer()["id"]}
    return of_recipient(world, whose, "", "PATCH", headers={"If-Match": '"v1"'}, body=body)


@example("create_employer")
def create_employer(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/employers", body={"name": world.new("Employer")})


@example("list_employers")
def list_employers(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/employers", query=(("limit", "5"),))


@example("get_employer")
def get_employer(world: World, whose: str | None) -> Ask:
    employer_id = f"emp_{NOWHERE}" if whose is None else world.employer()["id"]
    return Ask("GET", "/v1/employers/{employer_id}", {"employer_id": employer_id})


@example("create_merge")
def create_merge(world: World, whose: str | None) -> Ask:
    body = {"recipient_id": world.recipient()["id"], "reason": "same e-mail", "dry_run": False}
    return of_recipient(world, whose, "/merges", "POST", body=body)


def of_merge(world: World, whose: str | None, method: str, **more: Any) -> Ask:
    merge_id = f"mrg_{NOWHERE}"
    if whose is not None:
        merge_id = world.done("officer", create_merge(world, whose))["merge"]["id"]
    return Ask(method, "/v1/merges/{merge_id}", {"merge_id": merge_id}, **more)


@example("get_merge")
def get_merge(world: World, whose: str | None) -> Ask:
    return of_merge(world, whose, "GET")


@example("delete_merge")
def delete_merge(world: World, whose: str | None) -> Ask:
    return of_merge(world, whose, "DELETE", query=(("reason", "two people after all"),))


@example("list_merges")
def list_merges(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/merges", query=(("limit", "5"),))


@example("list_matches")
def list_matches(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/recipient-matches", query=(("limit", "5"),))


@example("create_distinction")
def create_distinction(world: World, whose: str | None) -> Ask:
    other = f"rec_{NOWHERE}" if whose is None else world.recipient()["id"]
    body = {"recipient_ids": [world.recipient()["id"], other], "reason": "father and son"}
    return Ask("POST", "/v1/recipient-distinctions", body=body)


def of_distinction(world: World, whose: str | None, method: str, **more: Any) -> Ask:
    distinction_id = f"dst_{NOWHERE}"
    if whose is not None:
        distinction_id = world.done("officer", create_distinction(world, whose))["id"]
    return Ask(method, "/v1/recipient-distinctions/{distinction_id}", {"distinction_id": distinction_id}, **more)


@example("get_distinction")
def get_distinction(world: World, whose: str | None) -> Ask:
    return of_distinction(world, whose, "GET")


@example("delete_distinction")
def delete_distinction(world: World, whose: str | None) -> Ask:
    return of_distinction(world, whose, "DELETE", query=(("reason", "one person after all"),))


@example("list_distinctions")
def list_distinctions(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/recipient-distinctions", query=(("limit", "5"),))


# Drafts


@example("create_draft")
def create_draft(world: World, whose: str | None) -> Ask:
    body = {"owner": whose, "about": "meeting", "label": "Dinner", "entry": full_entry(world, whose or "")}
    return Ask("POST", "/v1/drafts", body=body)


@example("create_draft")
def create_draft_of_a_source(world: World, whose: str | None) -> Ask:
    source = {"system": "crm", "id": world.new("meeting")}
    entry = {"occurred_on": None, "kind": None, "total": None, "recipients": []}
    return Ask("POST", "/v1/drafts", body={"owner": whose, "about": "expense", "source": source, "entry": entry})


@example("list_drafts")
def list_drafts(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/drafts", query=(("limit", "5"),))


def of_draft(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    draft_id = f"drf_{NOWHERE}"
    if whose is not None:
        body = {"owner": whose, "about": "meeting", "entry": world.gift(whose)}
        draft_id = world.done("officer", Ask("POST", "/v1/drafts", body=body))["id"]
    return Ask(method, f"/v1/drafts/{{draft_id}}{path}", {"draft_id": draft_id}, **more)


@example("get_draft")
def get_draft(world: World, whose: str | None) -> Ask:
    return of_draft(world, whose)


@example("change_draft")
def change_draft(world: World, whose: str | None) -> Ask:
    body = {"set": full_entry(world, whose or "nobody")}
    return of_draft(world, whose, "", "PATCH", headers={"If-Match": '"v1"'}, body=body)


@example("create_draft_confirmation")
def create_draft_confirmation(world: World, whose: str | None) -> Ask:
    body = {"set": {"purpose": "Quarterly review"}}
    return of_draft(world, whose, "/confirmation", "POST", headers={"If-Match": '"v1"'}, body=body)


@example("create_draft_dismissal")
def create_draft_dismissal(world: World, whose: str | None) -> Ask:
    body = {"reason": "nobody came"}
    return of_draft(world, whose, "/dismissal", "POST", headers={"If-Match": '"v1"'}, body=body)


# Imports


def a_file(world: World, *rows: str) -> Ask:
    number = world.new("file").replace(" ", "-")
    header = "expense_id,date,kind,amount,currency,attendees"
    lines = rows or (f"{number},{DAY},gift,40.00,USD,Person {number} (Northgate Capital)",)
    headers = {"Content-Type": "text/csv", "Idempotency-Key": number}
    query = (("profile", "generic"), ("purpose", "entries"), ("file_name", "may.csv"))
    return Ask("POST", "/v1/imports", query=query, headers=headers, body="\n".join((header, *lines)).encode())


@example("create_import", by="rep")
def create_import(world: World, whose: str | None) -> Ask:
    return a_file(world)


@example("list_imports")
def list_imports(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/imports", query=(("limit", "5"),))


def handed_in(world: World, whose: str | None) -> Json:
    """A file of somebody's after its dry run; one that does not exist, where it is nobody's."""
    if whose is None:
        return {"id": f"imp_{NOWHERE}", "version": 2}
    who = next((name for name, person in PERSON.items() if person == whose), "rep")
    who = who if who not in ("auditor", "admin") else "rep"
    # Without a column that says whose they are, officers import what is their own.
    one = world.done(who, a_file(world))
    while one["state"] == "checking":
        time.sleep(0.01)
        one = world.done(who, Ask("GET", "/v1/imports/{import_id}", {"import_id": one["id"]}))
    return one


def of_import(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    one = handed_in(world, whose)
    headers = {"If-Match": f'"v{one["version"]}"'} if method == "POST" else {}
    return Ask(method, f"/v1/imports/{{import_id}}{path}", {"import_id": one["id"]}, headers=headers, **more)


@example("get_import")
def get_import(world: World, whose: str | None) -> Ask:
    return of_import(world, whose)


@example("list_import_lines")
def list_import_lines(world: World, whose: str | None) -> Ask:
    return of_import(world, whose, "/lines", query=(("limit", "5"),))


@example("get_import_result")
def get_import_result(world: World, whose: str | None) -> Ask:
    return of_import(world, whose, "/result")


@example("create_import_application")
def create_import_application(world: World, whose: str | None) -> Ask:
    return of_import(world, whose, "/application", "POST")


@example("create_import_cancellation")
def create_import_cancellation(world: World, whose: str | None) -> Ask:
    return of_import(world, whose, "/cancellation", "POST")


@example("list_reconciliations")
def list_reconciliations(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/reconciliations", query=(("month", "2026-05"), ("limit", "5")))


@example("get_reconciliation")
def get_reconciliation(world: World, whose: str | None) -> Ask:
    if whose is not None:
        world.entry(whose, "40.00")
    where = {"rep": whose or "nora"}
    return Ask("GET", "/v1/reconciliations/{rep}", where, query=(("month", "2026-05"),))


@example("list_import_profiles")
def list_import_profiles(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/import-profiles")


# Violations


@example("list_violations")
def list_violations(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/violations", query=(("limit", "5"),))


def of_violation(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    violation_id = f"vio_{NOWHERE}" if whose is None else world.entry(whose, "400.00")["violations"][0]["id"]
    return Ask(method, f"/v1/violations/{{violation_id}}{path}", {"violation_id": violation_id}, **more)


@example("get_violation")
def get_violation(world: World, whose: str | None) -> Ask:
    return of_violation(world, whose)


@example("get_violation_proof")
def get_violation_proof(world: World, whose: str | None) -> Ask:
    return of_violation(world, whose, "/proof")


# Reviews


def to_review(world: World, whose: str | None, kind: str = "gift") -> tuple[str, int]:
    """A violation of somebody's that no officer has anything to do with, and its version."""
    if whose is None:
        return f"vio_{NOWHERE}", 1
    more = {"kind": kind, "hosts_present": True} if kind == "meal" else {}
    entry = world.entry(whose, "800.00" if kind == "meal" else "400.00", by="integration", **more)
    return entry["violations"][0]["id"], 1


def review(world: World, whose: str | None, path: str, body: Json, case: tuple[str, int] | None = None) -> Ask:
    violation_id, version = case or to_review(world, whose)
    where = f"/v1/violations/{{violation_id}}{path}"
    return Ask("POST", where, {"violation_id": violation_id}, headers={"If-Match": f'"v{version}"'}, body=body)


CONFIRMED = {
    "outcome": "confirmed",
    "reason_code": "breach_education",
    "corrective_action": "training",
    "note": "over the limit",
}
WAIVED = {"outcome": "waived", "reason_code": "exception_granted", "note": "the annual conference"}


@example("create_assignment")
def create_assignment(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/assignment", {"assignee": "oscar"})


@example("create_assignments")
def create_assignments(world: World, whose: str | None) -> Ask:
    violation_id, version = to_review(world, whose)
    body = {"violations": [{"id": violation_id, "version": version}], "assignee": "oscar"}
    return Ask("POST", "/v1/violations/assignments", body=body)


@example("create_comment")
def create_comment(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/comments", {"text": "the receipt is missing"})


@example("create_snooze")
def create_snooze(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/snoozes", {"until": "2026-06-30", "reason": "the rep is away"})


@example("create_link")
def create_link(world: World, whose: str | None) -> Ask:
    other, _ = to_review(world, "rhea")
    return review(world, whose, "/links", {"violation_id": other, "note": "the same dinner"})


@example("list_links")
def list_links(world: World, whose: str | None) -> Ask:
    return of_violation(world, whose, "/links")


@example("create_escalation")
def create_escalation(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/escalation", {"reason": "a member of the board"})


@example("create_disposition")
def create_disposition(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/dispositions", CONFIRMED)


@example("create_disposition")
def create_disposition_of_a_duplicate(world: World, whose: str | None) -> Ask:
    other, _ = to_review(world, "rhea")
    body = {"outcome": "duplicate", "reason_code": "duplicate", "note": "twice", "duplicate_of": other}
    return review(world, whose, "/dispositions", body)


@example("create_disposition")
def create_disposition_by_exemption(world: World, whose: str | None) -> Ask:
    exemption = world.done("officer", create_exemption(world, whose))
    body = {"outcome": "no_violation", "reason_code": "exemption_accepted", "note": "covered"}
    return review(world, whose, "/dispositions", body | {"exemption_id": exemption["id"]})


@example("create_dispositions")
def create_dispositions(world: World, whose: str | None) -> Ask:
    violation_id, version = to_review(world, whose)
    body = {**CONFIRMED, "violations": [{"id": violation_id, "version": version}]}
    return Ask("POST", "/v1/violations/dispositions", body=body)


@example("create_dispositions")
def create_dispositions_that_name_records(world: World, whose: str | None) -> Ask:
    body = create_dispositions(world, whose).body
    return Ask("POST", "/v1/violations/dispositions", body=body | {"duplicate_of": None, "exemption_id": None})


def proposed(world: World, whose: str | None) -> tuple[str, int]:
    """A waiver that waits for a second person, and the version of its violation."""
    if whose is None:
        return f"dsp_{NOWHERE}", 2
    case = to_review(world, whose, "meal")
    waiting = world.done("second_officer", review(world, whose, "/dispositions", WAIVED, case))
    return waiting["disposition_id"], waiting["version"]


@example("create_confirmation")
def create_confirmation(world: World, whose: str | None) -> Ask:
    disposition_id, version = proposed(world, whose)
    where, ids = "/v1/dispositions/{disposition_id}/confirmation", {"disposition_id": disposition_id}
    return Ask("POST", where, ids, headers={"If-Match": f'"v{version}"'}, body={"note": "agreed"})


@example("get_disposition")
def get_disposition(world: World, whose: str | None) -> Ask:
    disposition_id, _ = proposed(world, whose)
    return Ask("GET", "/v1/dispositions/{disposition_id}", {"disposition_id": disposition_id})


@example("create_reopening")
def create_reopening(world: World, whose: str | None) -> Ask:
    violation_id, version = to_review(world, whose)
    if whose is not None:
        case = (violation_id, version)
        version = world.done("second_officer", review(world, whose, "/dispositions", CONFIRMED, case))["version"]
    return review(world, whose, "/reopenings", {"reason": "there is another receipt"}, (violation_id, version))


@example("get_violation_history")
def get_violation_history(world: World, whose: str | None) -> Ask:
    return of_violation(world, whose, "/history")


@example("create_question")
def create_question(world: World, whose: str | None) -> Ask:
    return review(world, whose, "/questions", {"text": "who else was there?", "due_on": "2026-06-22"})


def asked(world: World, whose: str | None) -> tuple[str, int]:
    """A question about a violation of somebody's, and the version of the violation."""
    if whose is None:
        return f"qst_{NOWHERE}", 2
    question = world.done("second_officer", create_question(world, whose))
    return question["id"], question["violation_version"]


@example("create_answer", by="rep")
def create_answer(world: World, whose: str | None) -> Ask:
    question_id, version = asked(world, whose)
    headers = {"If-Match": f'"v{version}"'}
    body = {"text": "nobody"}
    return Ask("POST", "/v1/questions/{question_id}/answer", {"question_id": question_id}, headers=headers, body=body)


@example("list_questions")
def list_questions(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/questions", query=(("limit", "5"),))


@example("get_question")
def get_question(world: World, whose: str | None) -> Ask:
    question_id, _ = asked(world, whose)
    return Ask("GET", "/v1/questions/{question_id}", {"question_id": question_id})


@example("create_exemption")
def create_exemption(world: World, whose: str | None) -> Ask:
    body = {
        "number": world.new("EX"),
        "issued_by": "FINRA",
        "rule_ids": ["finra-3220-gifts"],
        "effective_from": "2026-01-01",
        "effective_to": "2026-12-31",
        "document_ref": "vault/2026/7",
        "note": "a letter of January",
    }
    return Ask("POST", "/v1/exemptions", body=body)


@example("create_exemption")
def create_exemption_for_somebody(world: World, whose: str | None) -> Ask:
    scope = {"recipient_ids": [world.recipient()["id"]], "employer_ids": [world.employer()["id"]]}
    return Ask("POST", "/v1/exemptions", body=create_exemption(world, whose).body | scope)


@example("list_exemptions")
def list_exemptions(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/exemptions", query=(("limit", "5"),))


@example("get_exemption")
def get_exemption(world: World, whose: str | None) -> Ask:
    exemption_id = f"exm_{NOWHERE}"
    if whose is not None:
        exemption_id = world.done("officer", create_exemption(world, whose))["id"]
    return Ask("GET", "/v1/exemptions/{exemption_id}", {"exemption_id": exemption_id})


@example("create_legal_hold")
def create_legal_hold(world: World, whose: str | None) -> Ask:
    body = {"matter": world.new("Matter"), "reason": "an examination", "giver": "nobody at all"}
    return Ask("POST", "/v1/legal-holds", body=body)


@example("create_legal_hold")
def create_legal_hold_on_somebody(world: World, whose: str | None) -> Ask:
    scope = {"recipient_id": world.recipient()["id"], "employer_id": world.employer()["id"]}
    days = {"starts_on": "2019-01-01", "ends_on": "2019-12-31"}
    return Ask("POST", "/v1/legal-holds", body=create_legal_hold(world, whose).body | scope | days)


@example("list_legal_holds")
def list_legal_holds(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/legal-holds", query=(("state", "active"), ("limit", "5")))


def held(world: World, whose: str | None) -> str:
    """The id of a hold."""
    return f"hld_{NOWHERE}" if whose is None else str(world.done("officer", create_legal_hold(world, whose))["id"])


@example("get_legal_hold")
def get_legal_hold(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/legal-holds/{hold_id}", {"hold_id": held(world, whose)})


@example("create_release")
def create_release(world: World, whose: str | None) -> Ask:
    where, ids = "/v1/legal-holds/{hold_id}/release", {"hold_id": held(world, whose)}
    return Ask("POST", where, ids, headers={"If-Match": '"v1"'}, body={"reason": "the matter is closed"})


@example("get_review_codes")
def get_review_codes(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/review-codes")


# Views


def view(world: World) -> Json:
    return {"name": world.new("view"), "noun": "violations", "query": {"state": ["open", "decided"], "sort": "due"}}


def of_view(world: World, whose: str | None, method: str = "GET", **more: Any) -> Ask:
    view_id = f"view_{NOWHERE}"
    if whose is not None:
        who = next((name for name, person in PERSON.items() if person == whose and name != "admin"), "rep")
        view_id = world.done(who, Ask("POST", "/v1/views", body=view(world)))["id"]
    return Ask(method, "/v1/views/{view_id}", {"view_id": view_id}, **more)


@example("create_view", by="rep")
def create_view(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/views", body=view(world))


@example("list_views", by="rep")
def list_views(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/views", query=(("noun", "violations"),))


@example("get_view", by="rep")
def get_view(world: World, whose: str | None) -> Ask:
    return of_view(world, whose)


@example("update_view", by="rep")
def update_view(world: World, whose: str | None) -> Ask:
    body = {"name": world.new("view"), "query": {"kind": ["gift"], "sort": "-due"}}
    return of_view(world, whose, "PATCH", headers={"If-Match": '"v1"'}, body=body)


@example("delete_view", by="rep")
def delete_view(world: World, whose: str | None) -> Ask:
    return of_view(world, whose, "DELETE", headers={"If-Match": '"v1"'})


# Policies


@example("create_policy")
def create_policy(world: World, whose: str | None) -> Ask:
    rule = {
        "id": world.new("rule").replace(" ", "-"),
        "name": "Gifts",
        "measure": "amount",
        "limit_schedule": [
            {"limit": "100.00", "effective_from": None, "effective_to": "2026-03-29"},
            {"limit": "300.00", "effective_from": "2026-03-30", "effective_to": None},
        ],
        "currency": "USD",
        "exceed": "gt",
        "period": {"type": "fiscal_year", "start_month": 7},
        "basis": "per_recipient",
        "direction": "given",
        "counts": ["gift", "meal"],
        "applies_to": ["business", "official"],
        "excludes": ["promotional"],
        "valuation": [{"valuation": "cost", "effective_from": None, "effective_to": None}],
        "warn_at": "0.80",
        "cash": "prohibited",
        "item_floor": {"amount": "20.00", "operator": "lte"},
        "cleared_by": "prior_approval",
        "repay_nets": True,
        "authority": "firm",
        "source": "written by hand",
        "severity": "high",
    }
    forbidden = {
        "id": world.new("rule").replace(" ", "-"),
        "name": "Never",
        "measure": "prohibition",
        "currency": "USD",
        "when": "sales_target",
    }
    settings = {
        "entertainment_split": "all_attendees",
        "guest_attribution": "to_client",
        "host_absent": "treat_as_gift",
        "entertainment_tax_tip": "include",
        "nominal_ceiling": "50.00",
        "bereavement_relations": ["parent", "child"],
        "aggregate_affiliates": False,
        "fx": {"EUR": {"2026-05-04": "1.08"}},
    }
    body = {"name": world.new("Policy"), "description": "By hand.", "rules": [rule, forbidden], "settings": settings}
    return Ask("POST", "/v1/policies", body=body)


@example("list_policies")
def list_policies(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/policies", query=(("limit", "5"),))


DRAFTER = {"olivia": "officer", "selma": "senior_officer"}


def of_policy(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    """A draft; an officer's own is drafted by that officer, everybody else's by the second one."""
    policy_id = f"pol_{NOWHERE}"
    if whose is not None:
        policy_id = world.policy(DRAFTER.get(whose, "second_officer"))["id"]
    return Ask(method, f"/v1/policies/{{policy_id}}{path}", {"policy_id": policy_id}, **more)


@example("get_policy")
def get_policy(world: World, whose: str | None) -> Ask:
    return of_policy(world, whose)


@example("publish_policy")
def publish_policy(world: World, whose: str | None) -> Ask:
    return of_policy(world, whose, "/publication", "POST", body={"effective_from": "2026-06-15"})


@example("list_policy_changes")
def list_policy_changes(world: World, whose: str | None) -> Ask:
    return of_policy(world, whose, "/changes", query=(("limit", "5"),))


@example("get_policy_in_force")
def get_policy_in_force(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/policies/in-force", query=(("on", DAY),))


# Subscriptions


@example("create_subscription")
def create_subscription(world: World, whose: str | None) -> Ask:
    body = {
        "url": "https://127.0.0.1:9/hook",
        "events": ["violation.*"],
        "description": "to the desk",
        "payload": "thin",
    }
    return Ask("POST", "/v1/subscriptions", body=body)


def of_subscription(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    subscription_id = f"sub_{NOWHERE}"
    if whose is not None:
        subscription_id = world.done("officer", create_subscription(world, whose))["id"]
    return Ask(method, f"/v1/subscriptions/{{subscription_id}}{path}", {"subscription_id": subscription_id}, **more)


@example("get_subscription")
def get_subscription(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose)


@example("list_subscriptions")
def list_subscriptions(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/subscriptions", query=(("limit", "5"),))


@example("change_subscription")
def change_subscription(world: World, whose: str | None) -> Ask:
    body = {"url": "https://127.0.0.1:9/other", "events": ["entry.*"], "description": "x", "payload": "full"}
    body["state"] = "disabled"
    return of_subscription(world, whose, "", "PATCH", headers={"If-Match": '"v1"'}, body=body)


@example("end_subscription")
def end_subscription(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose, "", "DELETE")


@example("rotate_subscription_secret")
def rotate_subscription_secret(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose, "/secrets", "POST", body={"overlap_hours": 12})


@example("create_subscription_test")
def create_subscription_test(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose, "/tests", "POST")


@example("list_deliveries")
def list_deliveries(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose, "/deliveries", query=(("limit", "5"),))


def a_delivery(world: World) -> Json:
    """A test message, not sent yet: no worker runs beside these tests."""
    return world.done("officer", create_subscription_test(world, "rhea"))


@example("list_delivery_attempts")
def list_delivery_attempts(world: World, whose: str | None) -> Ask:
    delivery_id = f"dlv_{NOWHERE}" if whose is None else a_delivery(world)["id"]
    return Ask("GET", "/v1/deliveries/{delivery_id}/attempts", {"delivery_id": delivery_id}, query=(("limit", "5"),))


@example("create_replay")
def create_replay(world: World, whose: str | None) -> Ask:
    return of_subscription(world, whose, "/replays", "POST", body={"since": "2026-06-15T00:00:00Z"})


@example("create_replay")
def create_replay_of_one(world: World, whose: str | None) -> Ask:
    made = a_delivery(world)
    path, ids = "/v1/subscriptions/{subscription_id}/replays", {"subscription_id": made["subscription_id"]}
    return Ask("POST", path, ids, body={"delivery_id": made["id"]})


# Connections


def connection_body() -> Json:
    """Everything that can be said of a connection."""
    mapping = {
        "fields": {"contact": {"job_kind": "type"}},
        "types": {"Trustee": "union_trustee"},
        "default_type": "institutional_employee",
        "employers": {"88": "Northgate Capital"},
        "reps": {"771": "rhea"},
        "default_rep": "ravi",
        "kinds": {"Dinner": "meal"},
        "default_kind": "meal",
        "merges": "propose",
        "expenses": "draft",
    }
    fetched = {"base_url": "https://127.0.0.1:9", "token_url": "https://127.0.0.1:9/token", "client_id": "propriety"}
    more = {"source": "crm", "account": "48201933", "secret": "a-client-secret-of-an-app", "mapping": mapping}
    return {"provider": "hubspot", "name": "Our CRM", **more, **fetched}


@example("create_connection", by="admin")
def create_connection(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/connections", body=connection_body())


@example("list_connections", by="admin")
def list_connections(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/connections", query=(("limit", "5"),))


def connected(world: World, provider: str) -> Json:
    """A connection of a provider whose secret was made here."""
    return world.done("admin", Ask("POST", "/v1/connections", body={"provider": provider, "name": "x"}))


def of_connection(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    connection_id = f"con_{NOWHERE}"
    if whose is not None:
        connection_id = world.done("admin", create_connection(world, whose))["id"]
    return Ask(method, f"/v1/connections/{{connection_id}}{path}", {"connection_id": connection_id}, **more)


@example("get_connection", by="admin")
def get_connection(world: World, whose: str | None) -> Ask:
    return of_connection(world, whose)


@example("change_connection", by="admin")
def change_connection(world: World, whose: str | None) -> Ask:
    body = {name: value for name, value in connection_body().items() if name not in ("provider", "secret", "source")}
    return of_connection(world, whose, "", "PATCH", headers={"If-Match": '"v1"'}, body=body | {"disabled": True})


@example("end_connection", by="admin")
def end_connection(world: World, whose: str | None) -> Ask:
    return of_connection(world, whose, "", "DELETE")


@example("rotate_connection_secret", by="admin")
def rotate_connection_secret(world: World, whose: str | None) -> Ask:
    body = {"purpose": "verify", "secret": "another-client-secret", "overlap_hours": 12}
    return of_connection(world, whose, "/secrets", "POST", body=body)


@example("list_receipts", by="admin")
def list_receipts(world: World, whose: str | None) -> Ask:
    query = (
        ("state", "dead"),
        ("kind", "contact.updated"),
        ("external_id", "90125"),
        ("received_from", "2026-06-15T00:00:00Z"),
        ("received_to", "2026-06-16T00:00:00Z"),
        ("limit", "5"),
    )
    return of_connection(world, whose, "/receipts", query=query)


def a_receipt(world: World, connection: Json | None = None) -> Json:
    """A message that arrived, not processed yet: no worker runs beside these tests."""
    connection = connection or connected(world, "cloudevents")
    event = {"specversion": "1.0", "id": world.new("event"), "source": "crm", "type": "contact.updated"}
    event |= {"time": "2026-06-15T12:00:00Z", "data": {"id": "c1"}}
    world.done("anonymous", cloudevents_to(connection, [event]))
    path, ids = "/v1/connections/{connection_id}/receipts", {"connection_id": connection["id"]}
    return world.done("admin", Ask("GET", path, ids))["data"][0]


def cloudevents_to(connection: Json, events: list[Json]) -> Ask:
    headers = {
        "Authorization": f"Bearer {connection['secret']}",
        "Content-Type": "application/cloudevents-batch+json",
    }
    path, ids = "/v1/webhooks/{connection_id}", {"connection_id": connection["id"]}
    return Ask("POST", path, ids, headers=headers, body=json.dumps(events).encode())


@example("get_receipt", by="admin")
def get_receipt(world: World, whose: str | None) -> Ask:
    ids = {"connection_id": f"con_{NOWHERE}", "receipt_id": f"rcp_{NOWHERE}"}
    if whose is not None:
        made = a_receipt(world)
        ids = {"connection_id": made["connection_id"], "receipt_id": made["id"]}
    return Ask("GET", "/v1/connections/{connection_id}/receipts/{receipt_id}", ids)


@example("create_connection_replay", by="admin")
def create_connection_replay(world: World, whose: str | None) -> Ask:
    body = {"state": "dead", "since": "2026-06-15T00:00:00Z", "until": "2026-06-16T00:00:00Z"}
    return of_connection(world, whose, "/replays", "POST", body=body)


@example("create_connection_replay", by="admin")
def create_connection_replay_of_one(world: World, whose: str | None) -> Ask:
    made = a_receipt(world)
    path, ids = "/v1/connections/{connection_id}/replays", {"connection_id": made["connection_id"]}
    return Ask("POST", path, ids, body={"receipt_id": made["id"]})


@example("receive_webhook", by="anonymous")
def receive_webhook(world: World, whose: str | None) -> Ask:
    """A batch of nothing, so that whoever proves it writes nothing."""
    connection = connected(world, "cloudevents")
    return cloudevents_to(connection if whose else {**connection, "id": f"con_{NOWHERE}"}, [])


@example("receive_outbound_message", by="anonymous")
def receive_outbound_message(world: World, whose: str | None) -> Ask:
    connection = connected(world, "salesforce")
    soap, outbound = "http://schemas.xmlsoap.org/soap/envelope/", "http://soap.sforce.com/2005/09/outbound"
    body = f'<e:Envelope xmlns:e="{soap}"><e:Body><notifications xmlns="{outbound}">'
    body += "<OrganizationId>00D5g000004XyzAEAS</OrganizationId></notifications></e:Body></e:Envelope>"
    ids = {"connection_id": connection["id"] if whose else f"con_{NOWHERE}", "secret": connection["secret"]}
    headers = {"Content-Type": "text/xml"}
    return Ask("POST", "/v1/webhooks/{connection_id}/{secret}", ids, headers=headers, body=body.encode())


@example("greet_webhook", by="anonymous")
def greet_webhook(world: World, whose: str | None) -> Ask:
    connection_id = connected(world, "cloudevents")["id"] if whose else f"con_{NOWHERE}"
    return Ask("OPTIONS", "/v1/webhooks/{connection_id}", {"connection_id": connection_id})


def a_merge_proposal(world: World) -> str:
    """Two recipients that a connected system made one; without the worker, which would find that out."""
    desk = world.server.desk
    keep, drop = world.recipient()["id"], world.recipient()["id"]
    connection_id = connected(world, "pipedrive")["id"]
    made = desk.database.write(
        lambda connection: merge_proposals.propose(connection, desk, connection_id, keep, drop, apply=False)
    )
    return made.id


@example("list_merge_proposals")
def list_merge_proposals(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/merge-proposals", query=(("state", "proposed"), ("limit", "5")))


@example("create_merge_decision")
def create_merge_decision(world: World, whose: str | None) -> Ask:
    proposal_id = a_merge_proposal(world) if whose is not None else f"mpr_{NOWHERE}"
    body = {"decision": "accept", "reason": "they are one person"}
    return Ask("POST", "/v1/merge-proposals/{proposal_id}/decision", {"proposal_id": proposal_id}, body=body)


# Operations, audit, keys, health


@example("get_operation")
def get_operation(world: World, whose: str | None) -> Ask:
    operation_id = f"opr_{NOWHERE}"
    if whose is not None:
        asked = publish_policy(world, whose).but(headers={"Prefer": "respond-async"})
        operation_id = world.done("officer" if whose != "olivia" else "second_officer", asked)["id"]
        wait_for(world, operation_id)
    return Ask("GET", "/v1/operations/{operation_id}", {"operation_id": operation_id})


def wait_for(world: World, operation_id: str) -> None:
    """Until an operation is over, so that nothing is written behind the back of the next test."""
    deadline = time.monotonic() + 30
    while world.done("officer", Ask("GET", f"/v1/operations/{operation_id}"))["finished_at"] is None:
        assert time.monotonic() < deadline, f"{operation_id} does not end"
        time.sleep(0.01)


@example("list_audit_records")
def list_audit_records(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/audit/records", query=(("limit", "5"),))


@example("get_me")
def get_me(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/me")


@example("create_key", by="admin")
def create_key(world: World, whose: str | None) -> Ask:
    body = {
        "name": world.new("key"),
        "role": "rep",
        "person": "kim",
        "email": "kim@firm.example",
        "expires_in_days": 30,
    }
    return Ask("POST", "/v1/keys", body=body)


@example("create_key", by="admin")
def create_key_of_an_officer(world: World, whose: str | None) -> Ask:
    limit = {"amount": "500.00", "currency": "USD"}
    body = {"name": world.new("key"), "role": "officer", "person": "kim", "waiver_limit": limit}
    return Ask("POST", "/v1/keys", body=body)


@example("list_keys", by="admin")
def list_keys(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/keys", query=(("limit", "5"),))


@example("revoke_key", by="admin")
def revoke_key(world: World, whose: str | None) -> Ask:
    key_id = f"key_{NOWHERE}" if whose is None else world.key(whose)["id"]
    return Ask("DELETE", "/v1/keys/{key_id}", {"key_id": key_id})


@example("create_key", by="admin")
def create_key_with_scopes(world: World, whose: str | None) -> Ask:
    body = {"name": world.new("key"), "role": "rep", "person": "kim", "scopes": ["submit", "read_own"]}
    return Ask("POST", "/v1/keys", body=body)


@example("rotate_key", by="admin")
def rotate_key(world: World, whose: str | None) -> Ask:
    key_id = f"key_{NOWHERE}" if whose is None else world.key(whose)["id"]
    return Ask("POST", "/v1/keys/{key_id}/rotation", {"key_id": key_id}, body={"overlap_hours": 24})


@example("list_reads", by="auditor")
def list_reads(world: World, whose: str | None) -> Ask:
    days = (("at[gte]", "2026-01-01T00:00:00Z"), ("at[lt]", "2027-01-01T00:00:00Z"))
    return Ask("GET", "/v1/audit/reads", query=(("person", "olivia"), *days, ("limit", "5")))


@example("create_user", by="admin")
def create_user(world: World, whose: str | None) -> Ask:
    body = {
        "person": world.new("user"),
        "name": "Una Usher",
        "email": f"{world.new('una').replace(' ', '-')}@firm.example",
        "role": "officer",
        "waiver_limit": {"amount": "500.00", "currency": "USD"},
    }
    return Ask("POST", "/v1/users", body=body)


@example("list_users", by="admin")
def list_users(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/users", query=(("role", "rep"), ("active", "true"), ("limit", "5")))


def of_user(world: World, whose: str | None, method: str = "GET", **more: Any) -> Ask:
    user_id = f"usr_{NOWHERE}" if whose is None else world.user("officer")["id"]
    return Ask(method, "/v1/users/{user_id}", {"user_id": user_id}, **more)


@example("get_user", by="admin")
def get_user(world: World, whose: str | None) -> Ask:
    return of_user(world, whose)


@example("change_user", by="admin")
def change_user(world: World, whose: str | None) -> Ask:
    body = {
        "name": "Una Upton",
        "email": f"{world.new('una').replace(' ', '-')}@firm.example",
        "role": "senior_officer",
        "active": True,
        "waiver_limit": {"amount": "900.00", "currency": "USD"},
    }
    return of_user(world, whose, "PATCH", headers={"If-Match": '"v1"'}, body=body)


# Teams: one's own is the one that somebody supervises or is in


def of_team(world: World, whose: str | None, path: str = "", method: str = "GET", **more: Any) -> Ask:
    mine = world.the_team if whose in ("susan", "tess", "rhea") else None
    team_id = f"team_{NOWHERE}" if whose is None else (mine or world.team())["id"]
    return Ask(method, f"/v1/teams/{{team_id}}{path}", {"team_id": team_id}, **more)


@example("create_team", by="admin")
def create_team(world: World, whose: str | None) -> Ask:
    return Ask("POST", "/v1/teams", body={"name": world.new("Team"), "parent_id": world.team()["id"]})


@example("list_teams", by="admin")
def list_teams(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/teams", query=(("limit", "5"),))


@example("get_team", by="admin")
def get_team(world: World, whose: str | None) -> Ask:
    return of_team(world, whose)


@example("change_team", by="admin")
def change_team(world: World, whose: str | None) -> Ask:
    team_id = f"team_{NOWHERE}" if whose is None else world.team()["id"]
    body = {"name": world.new("Team")}
    return Ask("PATCH", "/v1/teams/{team_id}", {"team_id": team_id}, headers={"If-Match": '"v1"'}, body=body)


@example("create_membership", by="admin")
def create_membership(world: World, whose: str | None) -> Ask:
    body = {"person": world.new("member"), "part": "member", "from_on": "2026-01-01", "to_on": "2026-12-31"}
    return of_team(world, whose, "/memberships", "POST", body=body)


@example("list_memberships", by="admin")
def list_memberships(world: World, whose: str | None) -> Ask:
    return of_team(world, whose, "/memberships", query=(("on", DAY), ("limit", "5")))


@example("change_membership", by="admin")
def change_membership(world: World, whose: str | None) -> Ask:
    one = {"id": f"mem_{NOWHERE}"} if whose is None else world.join(world.team(), "mona")
    path, body = "/v1/memberships/{membership_id}", {"to_on": "2026-12-31"}
    return Ask("PATCH", path, {"membership_id": one["id"]}, headers={"If-Match": '"v1"'}, body=body)


# Delegations: one's own is what one stands in for


@example("create_delegation", by="admin")
def create_delegation(world: World, whose: str | None) -> Ask:
    body = {"supervisor": "susan", "delegate": world.new("deputy"), "from_on": "2026-06-01", "to_on": "2026-06-30"}
    return Ask("POST", "/v1/delegations", body=body)


def of_delegation(world: World, whose: str | None, method: str = "GET") -> Ask:
    one = {"id": f"dlg_{NOWHERE}"}
    if whose is not None:
        deputy = whose if whose != "ada" else world.new("deputy")  # who names nobody in their own favour
        body = {"supervisor": world.new("supervisor"), "delegate": deputy, "from_on": DAY, "to_on": DAY}
        one = world.done("admin", Ask("POST", "/v1/delegations", body=body))
    return Ask(method, "/v1/delegations/{delegation_id}", {"delegation_id": one["id"]})


@example("list_delegations", by="admin")
def list_delegations(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/delegations", query=(("limit", "5"),))


@example("get_delegation", by="admin")
def get_delegation(world: World, whose: str | None) -> Ask:
    return of_delegation(world, whose)


@example("end_delegation", by="admin")
def end_delegation(world: World, whose: str | None) -> Ask:
    return of_delegation(world, whose, "DELETE")


@example("get_liveness")
def get_liveness(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/health/live")


@example("get_readiness")
def get_readiness(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/health/ready")


# Reports


@example("list_reports")
def list_reports(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/reports")


def report(whose: str | None, name: str, **asked: Any) -> Ask:
    body = {"format": "json", "first": "2026-01-01", "last": "2026-06-30"} | asked
    name = "no_such_report" if whose is None else name
    return Ask("POST", "/v1/reports/{report}/productions", {"report": name}, body=body)


@example("create_report")
def create_report(world: World, whose: str | None) -> Ask:
    asked = {"kind": ["gift", "meal"], "direction": "given", "giver": "rhea", "rule_id": "finra-3220-gifts"}
    return report(whose, "officials_and_unions", as_of="2026-06-01T12:00:00Z", types=["congress"], **asked)


@example("create_report")
def create_report_of_a_period(world: World, whose: str | None) -> Ask:
    ask = report(whose, "near_limit")
    return ask.but(body={"format": "csv", "period": "2026-Q2", "at_least": 90})


@example("create_report")
def create_report_of_late_entries(world: World, whose: str | None) -> Ask:
    return report(whose, "late_entries", days=30)


@example("create_report")
def create_report_of_an_employer(world: World, whose: str | None) -> Ask:
    return report(whose, "employer_statement", employer_id=world.employer()["id"])


@example("create_report")
def create_report_of_a_recipient(world: World, whose: str | None) -> Ask:
    return report(whose, "recipient_statement", recipient_id=world.recipient()["id"])


def of_production(world: World, whose: str | None, path: str = "", **more: Any) -> Ask:
    production_id = f"rpt_{NOWHERE}"
    if whose is not None:
        production_id = world.done("officer", create_report_of_a_recipient(world, whose))["id"]
    return Ask("GET", f"/v1/report-productions/{{production_id}}{path}", {"production_id": production_id}, **more)


@example("list_report_productions")
def list_report_productions(world: World, whose: str | None) -> Ask:
    return Ask("GET", "/v1/report-productions", query=(("limit", "5"),))


@example("get_report_production")
def get_report_production(world: World, whose: str | None) -> Ask:
    return of_production(world, whose)


@example("get_report_content")
def get_report_content(world: World, whose: str | None) -> Ask:
    return of_production(world, whose, "/content")


@example("list_report_differences")
def list_report_differences(world: World, whose: str | None) -> Ask:
    return of_production(world, whose, "/differences")
