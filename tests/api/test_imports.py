"""Imports over HTTP: handed in, tried, applied, handed in again; nothing doubles and nothing is lost in silence."""

from __future__ import annotations

import csv
import io

import pytest

from tests.api.importing import (
    apply,
    checked,
    counts,
    csv_of,
    entries,
    faults,
    hand_in,
    imported,
    lines,
)
from tests.api.reviewing import done, kept, refused

DINNER = 'e-1,rhea,2026-05-04,meal,120.00,USD,"Dana Diaz (Northgate Capital); Eli Egg (Calder Ridge)",review'
GIFT = "e-2,rhea,2026-05-05,gift,250.00,USD,Dana Diaz (Northgate Capital),birthday"
OVER = "e-3,rhea,2026-05-06,gift,100.00,USD,Dana Diaz (Northgate Capital),thanks"
HEADED = "expense_id,rep,date,kind,amount,currency,attendees,purpose,rep_present\n"


def file(*rows: str) -> bytes:
    return csv_of(*(f"{row},yes" for row in rows), header=HEADED)


def test_a_file_is_tried_first_and_nothing_is_recorded_until_it_is_applied(officer, server):
    one = checked(officer, file(DINNER, GIFT, OVER), file_name="may.csv")
    assert counts(one["check"]) == {"new": 3, "creates": 2, "violations": 1}
    assert (one["applied"], one["lines"], one["file_name"]) == (None, 3, "may.csv")
    assert entries(officer) == []
    assert done(officer.get("/v1/recipients"))["data"] == []
    [over] = [line for line in lines(officer, one) if line["violations"]]
    assert (over["first_row"], over["violations"][0]["over_by"]) == (4, "50.00")
    applied = apply(officer, one)
    assert counts(applied["applied"]) == counts(one["check"])
    assert [entry["total"]["amount"] for entry in entries(officer)] == ["120.00", "250.00", "100.00"]
    assert [line["entry_id"] for line in lines(officer, applied)] == [entry["id"] for entry in entries(officer)]
    operation = done(officer.get(f"/v1/operations/{applied['operation_id']}"))
    assert (operation["state"], operation["progress"]) == ("succeeded", {"done": 3, "total": 3})


def test_a_second_hand_in_changes_what_changed_and_doubles_nothing(officer, server):
    imported(officer, file(DINNER, GIFT))
    before = kept(server)
    again = checked(officer, file(DINNER, GIFT))
    assert counts(again["check"]) == {"unchanged": 2}
    assert counts(apply(officer, again)["applied"]) == {"unchanged": 2}
    after = kept(server)
    assert {table for table in after if after[table] != before[table]} <= {
        "imports", "import_lines", "operations", "audit_records", "audit_heads"
    }  # fmt: skip
    dearer = GIFT.replace("250.00", "320.00")
    changed = checked(officer, file(DINNER, dearer, OVER))
    assert counts(changed["check"]) == {"new": 1, "unchanged": 1, "changed": 1, "violations": 2}
    apply(officer, changed)
    dinner, gift, over = entries(officer)
    assert [one["total"]["amount"] for one in (dinner, gift, over)] == ["120.00", "320.00", "100.00"]
    assert [one["version"] for one in (dinner, gift, over)] == [1, 2, 1]
    [_, second] = done(officer.get(f"/v1/entries/{gift['id']}/versions"))["data"]
    assert second["reason"].startswith("the expense changed, import imp_")


def test_an_entry_that_was_amended_here_is_left_to_people(officer):
    imported(officer, file(GIFT))
    [entry] = entries(officer)
    body = {"reason": "the receipt", "set": {"venue": "by post"}}
    done(officer.post(f"/v1/entries/{entry['id']}/amendments", json=body, headers={"If-Match": '"v1"'}))
    one = checked(officer, file(GIFT.replace("250.00", "20.00")))
    assert faults(officer, one) == [(2, None, "entry_changed")]
    apply(officer, one)
    assert [one["total"]["amount"] for one in entries(officer)] == ["250.00"]


def test_a_refused_line_leaves_its_neighbours_alone_and_says_where_it_is_wrong(officer):
    rows = file(
        DINNER,
        GIFT.replace("2026-05-05", "05/06/2026"),
        OVER.replace("100.00", "(100.00)"),
        "e-4,rhea,2026-05-06,bribe,1.00,USD,Dana Diaz,x",
        "e-5,rhea,2027-05-06,gift,1.00,USD,Dana Diaz,x",
        "e-6,,2026-05-06,gift,1.00,USD,Dana Diaz,x",
        "e-7,rhea,2026-05-06,gift,1.00,XXB,Dana Diaz,x",
        "e-8,rhea,2026-05-06,gift,1.00,USD,,x",
        DINNER,
        "e-9,rhea,2026-05-06,gift,1.00,USD,Dana Diaz,x,yes,slipped",
    )
    one = checked(officer, rows)
    assert counts(one["check"]) == {"new": 1, "refused": 9, "creates": 2}
    assert sorted(faults(officer, one)) == [
        (3, "occurred_on", "date_ambiguous"),
        (4, "amount", "credit_line"),
        (5, "expense_kind", "unknown_expense_kind"),
        (6, "occurred_on", "in_the_future"),
        (7, "rep_ref", "missing"),
        (8, "currency", "unknown_currency"),
        (9, "attendees", "nobody_listed"),
        (10, "source_expense_id", "twice_in_file"),
        (11, None, "too_many_cells"),
    ]
    apply(officer, one)
    assert len(entries(officer)) == 1


def test_the_result_is_a_file(officer):
    one = imported(officer, file(DINNER, GIFT, OVER, "=e-4,rhea,yesterday,gift,1.00,USD,=cmd(),x"))
    answer = officer.get(f"/v1/imports/{one['id']}/result")
    assert answer.headers["content-type"].startswith("text/csv")
    first, *rest = csv.DictReader(io.StringIO(answer.text))
    [dinner] = [entry for entry in entries(officer) if entry["kind"] == "meal"]
    assert (first["outcome"], first["entry_id"]) == ("new", dinner["id"])
    assert [row["outcome"] for row in rest] == ["new", "new", "refused"]
    assert rest[1]["violations"] == "finra-3220-gifts: 50.00 USD over"
    assert (rest[2]["first_row"], rest[2]["column"], rest[2]["code"]) == ("5", "occurred_on", "date_format")


def test_the_same_request_again_is_the_same_import(officer):
    first = hand_in(officer, file(GIFT), key="may")
    again = hand_in(officer, file(GIFT), key="may")
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    refused(hand_in(officer, file(OVER), key="may"), 422, "idempotency_key_reused")
    refused(hand_in(officer, file(GIFT), key="may", purpose="drafts"), 422, "idempotency_key_reused")
    no_key = officer.post("/v1/imports", content=file(GIFT), headers={"Content-Type": "text/csv"})
    refused(no_key, 400, "idempotency_key_required")


def test_reps_import_what_is_theirs(rep, other_rep, officer):
    one = checked(rep, file(GIFT, OVER.replace("rhea", "ravi"), "e-9,,2026-05-06,gift,1.00,USD,Dana Diaz,x"))
    assert [line["expected"] for line in lines(rep, one)] == ["new", "refused", "new"]
    assert faults(rep, one) == [(3, "rep_ref", "not_your_entry")]
    apply(rep, one)
    assert {entry["giver"] for entry in entries(officer)} == {"rhea"}
    refused(other_rep.get(f"/v1/imports/{one['id']}"), 404, "import_not_found")
    assert done(other_rep.get("/v1/imports"))["data"] == []
    assert [found["id"] for found in done(officer.get("/v1/imports", params={"state": "applied"}))["data"]] == [
        one["id"]
    ]


def test_an_import_is_applied_at_the_version_that_was_read_and_once(officer):
    one = checked(officer, file(GIFT))
    path = f"/v1/imports/{one['id']}/application"
    refused(officer.post(path), 428, "if_match_required")
    refused(officer.post(path, headers={"If-Match": '"v1"'}), 412, "import_changed")
    applied = apply(officer, one)
    refused(officer.post(path, headers={"If-Match": f'"v{applied["version"]}"'}), 409, "import_not_ready")
    assert len(entries(officer)) == 1


def test_a_cancelled_import_stays_undone(officer):
    one = checked(officer, file(GIFT))
    answer = officer.post(f"/v1/imports/{one['id']}/cancellation", headers={"If-Match": f'"v{one["version"]}"'})
    assert done(answer)["state"] == "cancelled"
    path = f"/v1/imports/{one['id']}/application"
    refused(officer.post(path, headers={"If-Match": answer.headers["etag"]}), 409, "import_not_ready")
    assert entries(officer) == []


def test_lines_can_become_drafts_for_their_reps(officer, rep):
    one = imported(officer, file(DINNER), purpose="drafts")
    assert counts(one["applied"]) == {"new": 1}
    assert entries(officer) == []
    [draft] = done(rep.get("/v1/drafts"))["data"]
    assert (draft["source"], draft["missing"], draft["about"]) == ({"system": "file", "id": "e-1"}, [], "expense")
    assert counts(imported(officer, file(DINNER), purpose="drafts")["applied"]) == {"unchanged": 1}
    imported(officer, file(DINNER.replace("120.00", "130.00")), purpose="drafts")
    [draft] = done(rep.get("/v1/drafts"))["data"]
    assert draft["entry"]["total"]["amount"] == "130.00"
    done(rep.post(f"/v1/drafts/{draft['id']}/confirmation", json={}, headers={"If-Match": f'"v{draft["version"]}"'}))
    assert [entry["total"]["amount"] for entry in entries(officer)] == ["130.00"]


USELESS = [
    pytest.param(b"", "columns_missing", id="nothing at all"),
    pytest.param(b"a,b,c\n1,2,3\n", "columns_missing", id="other columns"),
    pytest.param(csv_of(), "file_unreadable", id="a header and no rows"),
    pytest.param(csv_of('"broken'), "file_unreadable", id="a quotation without an end"),
    pytest.param(csv_of("x" * 200_000), "file_unreadable", id="an immense cell"),
    pytest.param(csv_of("," * 600), "file_unreadable", id="immense width"),
    pytest.param(b"PK\x03\x04" + bytes(100), "file_unreadable", id="no archive at all"),
    pytest.param(b"\x00\x01\x02", "file_unreadable", id="bytes"),
]


@pytest.mark.parametrize(("file", "code"), USELESS)
def test_a_file_that_is_of_no_use_leaves_nothing_behind(officer, server, file, code):
    before = kept(server)
    refused(hand_in(officer, file), 422, code)
    assert kept(server) == before


def test_only_files_are_taken_and_only_by_profiles_that_are_there(officer, auditor, admin):
    refused(hand_in(officer, b"{}", kind="application/json"), 415, "file_expected")
    refused(hand_in(officer, file(GIFT), profile="nonsense"), 404, "profile_not_found")
    refused(hand_in(auditor, file(GIFT)), 403, "role_forbids")
    refused(hand_in(admin, file(GIFT)), 403, "role_forbids")
    assert {"concur-attendees", "expensify", "ramp", "brex", "generic"} <= {
        one["name"] for one in done(officer.get("/v1/import-profiles"))["data"]
    }


@pytest.mark.parametrize("server_settings", [{"import_limit_bytes": 2000, "import_lines_limit": 3}])
def test_a_file_has_its_limits(officer, server):
    before = kept(server)
    refused(hand_in(officer, b"x" * 2001), 413, "body_too_large")
    refused(
        hand_in(officer, file(*(f"e-{n},rhea,2026-05-06,gift,1.00,USD,Dana,x" for n in range(4)))), 422, "file_too_rich"
    )
    assert kept(server) == before
