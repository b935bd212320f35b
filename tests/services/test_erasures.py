"""Keeping: six years at least, longer on a legal hold; what goes then goes with a record, and the log still holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from app.services import audit, erasures
from app.storage.tables import Base
from tests.processes import run
from tests.server import Caller

OLD, TODAY = "2020-02-03", date(2026, 6, 15)
WORDS = (
    "Dana Reyes",
    "a birthday of hers",
    "Chez Nous",
    "a typing mistake",
    "who was there",
    "everybody was",
    "agreed",
)


@pytest.fixture
def long_ago(clock):
    clock.noon_of(date(2020, 2, 10))
    return clock


def gift(amount: str = "60.00", on: str = OLD, name: str = "Dana Reyes", **more: Any) -> dict[str, Any]:
    return {
        "occurred_on": on,
        "kind": "gift",
        "total": {"amount": amount, "currency": "USD"},
        "purpose": "a birthday of hers",
        "venue": "Chez Nous",
        "recipients": [{"name": name, "employer": "Northgate", "type": "institutional_employee"}],
    } | more


def done(answer: Any) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def act(caller: Caller, path: str, body: dict[str, Any], version: int) -> Any:
    return done(caller.post(path, json=body, headers={"If-Match": f'"v{version}"'}))


def a_case_of_long_ago(rep: Caller, officer: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two gifts over the limit of that year, corrected, asked about and decided: the entries."""
    first = done(rep.post("/v1/entries", json=gift(), headers={"Idempotency-Key": "once"}))
    second = done(rep.post("/v1/entries", json=gift("70.00", "2020-02-04")))
    act(rep, f"/v1/entries/{first['id']}/amendments", {"reason": "a typing mistake", "set": {"purpose": "x"}}, 1)
    [case] = done(officer.get("/v1/violations", params={"entry_id": second["id"]}))["data"]
    asked = act(
        officer,
        f"/v1/violations/{case['id']}/questions",
        {"text": "who was there", "due_on": "2020-02-20"},
        case["version"],
    )
    answered = act(rep, f"/v1/questions/{asked['id']}/answer", {"text": "everybody was"}, asked["violation_version"])
    decision = {"outcome": "confirmed", "reason_code": "over_the_limit", "corrective_action": "education"}
    codes = done(officer.get("/v1/review-codes"))
    decision["reason_code"] = next(
        one["code"] for one in codes["reason_codes"] if "confirmed" in one.get("outcomes", ["confirmed"])
    )
    decision["corrective_action"] = next(one["code"] for one in codes["corrective_actions"] if one["code"] != "none")
    act(
        officer,
        f"/v1/violations/{case['id']}/dispositions",
        decision | {"note": "agreed"},
        answered["violation_version"],
    )
    return first, second


def everything(server: Any) -> str:
    """All that the database holds, as one text."""
    with server.desk.database.reading() as connection:
        return "\n".join(
            str(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))
        )


def holds(server: Any) -> None:
    with server.desk.database.reading() as connection:
        found = audit.verify(connection, "main")
    assert found.holds, found.faults


def proofs(officer: Caller, *entries: dict[str, Any]) -> Any:
    keep = ("assessment", "lines", "margin", "agrees")
    found = [done(officer.get(f"/v1/entries/{entry['id']}/proofs")) for entry in entries]
    lines = [{name: proof[name] for name in keep} for proofs in found for proof in proofs]
    for proof in lines:
        for line in proof["lines"]:
            line.pop("purpose")
    return lines


def test_after_six_years_the_words_are_gone_and_the_sums_stay(long_ago, server, rep, officer):
    entries = a_case_of_long_ago(rep, officer)
    before = proofs(officer, *entries)
    long_ago.noon_of(date(2026, 2, 10))
    assert erasures.purge(server.desk, by="tests").entries == 0, "nothing goes on the last day of its six years"
    said = everything(server)
    assert all(word in said for word in WORDS), "there is something to erase"
    long_ago.noon_of(date(2026, 2, 12))
    with server.desk.database.reading() as connection:
        due = erasures.due(connection, server.desk)
    assert (due.entries, due.held) == (2, 0)
    gone = erasures.purge(server.desk, by="tests")
    assert (gone.entries, gone.recipients) == (2, 1)
    assert gone.answers > 0
    left = everything(server)
    assert [word for word in WORDS if word in left] == []
    assert proofs(officer, *entries) == before
    holds(server)
    assert erasures.purge(server.desk, by="tests") == erasures.Erased(gone.until), "there is nothing left to erase"


def test_an_open_case_and_a_late_correction_keep_an_entry(long_ago, server, rep, officer):
    done(rep.post("/v1/entries", json=gift("400.00")))
    late = done(rep.post("/v1/entries", json=gift("5.00", name="Lee Chan")))
    long_ago.noon_of(date(2023, 1, 9))
    act(rep, f"/v1/entries/{late['id']}/amendments", {"reason": "found out late", "set": {"purpose": "y"}}, 1)
    long_ago.noon_of(date(2026, 3, 1))
    assert erasures.purge(server.desk, by="tests").entries == 0
    assert "Dana Reyes" in everything(server)
    long_ago.noon_of(date(2029, 1, 11))
    assert erasures.purge(server.desk, by="tests").entries == 1, (
        "the correction is six years old, the case is still open"
    )
    holds(server)


SCOPES = {
    "the giver": lambda _: {"giver": "rhea"},
    "the recipient": lambda entry: {"recipient_id": entry["recipients"][0]["id"]},
    "the employer": lambda entry: {"employer_id": entry["recipients"][0]["employer_id"]},
    "the period": lambda _: {"starts_on": "2020-01-01", "ends_on": "2020-12-31"},
    "the giver in the period": lambda _: {"giver": "rhea", "starts_on": OLD},
}
OTHERS = {
    "another giver": lambda _: {"giver": "somebody"},
    "another period": lambda _: {"starts_on": "2020-02-04"},
    "the giver in another period": lambda _: {"giver": "rhea", "ends_on": "2020-02-02"},
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_a_hold_keeps_what_it_names_until_it_is_released(long_ago, server, rep, officer, scope):
    entry = done(rep.post("/v1/entries", json=gift("5.00")))
    held = done(officer.post("/v1/legal-holds", json={"matter": "Doe v. Roe", "reason": "a suit", **scope(entry)}))
    long_ago.noon_of(TODAY)
    with server.desk.database.reading() as connection:
        assert erasures.due(connection, server.desk) == erasures.Due(date(2020, 6, 15), 0, 1, 0)
    assert erasures.purge(server.desk, by="tests") == erasures.Erased(date(2020, 6, 15))
    assert "a birthday of hers" in everything(server)
    act(officer, f"/v1/legal-holds/{held['id']}/release", {"reason": "settled"}, 1)
    assert erasures.purge(server.desk, by="tests").entries == 1
    assert "a birthday of hers" not in everything(server)
    holds(server)


@pytest.mark.parametrize("scope", OTHERS.values(), ids=OTHERS)
def test_a_hold_keeps_nothing_else(long_ago, server, rep, officer, scope):
    entry = done(rep.post("/v1/entries", json=gift("5.00")))
    done(officer.post("/v1/legal-holds", json={"matter": "Doe v. Roe", "reason": "a suit", **scope(entry)}))
    long_ago.noon_of(TODAY)
    assert erasures.purge(server.desk, by="tests").entries == 1


def test_a_hold_on_one_record_keeps_what_was_given_to_the_other_of_the_same_person(long_ago, server, rep, officer):
    one = done(rep.post("/v1/entries", json=gift("5.00")))["recipients"][0]["id"]
    other = done(rep.post("/v1/entries", json=gift("5.00", name="D. Reyes")))["recipients"][0]["id"]
    done(officer.post(f"/v1/recipients/{one}/merges", json={"recipient_id": other, "reason": "the same"}))
    done(officer.post("/v1/legal-holds", json={"matter": "Doe v. Roe", "reason": "a suit", "recipient_id": other}))
    long_ago.noon_of(TODAY)
    assert erasures.purge(server.desk, by="tests") == erasures.Erased(date(2020, 6, 15))


REFUSED = [
    pytest.param({}, 422, "hold_on_everything", id="on everything"),
    pytest.param({"starts_on": "2020-01-02", "ends_on": "2020-01-01"}, 422, "hold_ends_early", id="wrong way round"),
    pytest.param({"recipient_id": "rec_0"}, 422, "unknown_recipient", id="on nobody"),
    pytest.param({"employer_id": "emp_0"}, 422, "unknown_employer", id="on no firm"),
]


@pytest.mark.parametrize(("scope", "status", "code"), REFUSED)
def test_a_hold_that_cannot_be(officer, scope, status, code):
    answer = officer.post("/v1/legal-holds", json={"matter": "Doe v. Roe", "reason": "a suit", **scope})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert done(officer.get("/v1/legal-holds"))["data"] == []


def test_a_hold_is_released_once_and_at_the_version_that_was_read(officer):
    held = done(officer.post("/v1/legal-holds", json={"matter": "Doe v. Roe", "reason": "a suit", "giver": "rhea"}))
    path = f"/v1/legal-holds/{held['id']}/release"
    assert officer.post(path, json={"reason": "x"}).status_code == 428
    assert officer.post(path, json={"reason": "x"}, headers={"If-Match": '"v9"'}).status_code == 412
    released = act(officer, path, {"reason": "settled"}, 1)
    assert (released["released_by"], released["release_reason"]) == ("olivia", "settled")
    again = officer.post(path, json={"reason": "x"}, headers={"If-Match": '"v2"'})
    assert (again.status_code, again.json()["code"]) == (409, "hold_released")
    assert done(officer.get("/v1/legal-holds", params={"state": "active"}))["data"] == []


def test_text_that_vanished_without_an_erasure_is_found(long_ago, server, rep):
    done(rep.post("/v1/entries", json=gift("5.00")))
    server.desk.database.write(
        lambda connection: connection.execute(text("UPDATE audit_records SET body = '' WHERE position = 2"))
    )
    with server.desk.database.reading() as connection:
        found = audit.verify(connection, "main")
    assert found.faults == ["position 2: the text is gone, and no erasure says so"]


def test_the_command_says_what_would_go_and_then_erases_it(long_ago, server, rep, database_url):
    done(rep.post("/v1/entries", json=gift("5.00")))  # the command runs at the machine's own time, after 2026
    code, said = run(database_url, "purge", "--dry-run")
    assert code == 0, said
    assert "1 entries" in said
    assert "a birthday of hers" in everything(server)
    code, said = run(database_url, "purge")
    assert code == 0, said
    assert "Erased: 1 entries, 1 recipients" in said
    assert "a birthday of hers" not in everything(server)
    code, said = run(database_url, "audit", "verify")
    assert (code, "The log holds." in said) == (0, True), said
