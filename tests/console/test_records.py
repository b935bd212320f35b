"""Recipients with their ledger and identity, policies, the audit trail, and what an administrator does."""

from __future__ import annotations

import csv
import hashlib
import io
import re

from sqlalchemy import text

from tests.api.reviewing import DANA, done, gift, over_the_gift_limit, recorded
from tests.console.visiting import Visitor, breaches, visit
from tests.server import Server

REYEZ = {"name": "Dana Reyez", "employer": "Northgate", "type": "institutional_employee"}
NORA = {
    "name": "Nora Nilsen",
    "person": "nora",
    "email": "nora@firm.example",
    "role": "officer",
    "waiver": "500.00 USD",
}


def recipient(officer, name: str = "dana") -> str:
    return done(officer.get("/v1/recipients", params={"name": name}))["data"][0]["id"]


def test_the_ledger_adds_up_like_the_engine(olivia: Visitor, officer) -> None:
    for amount in ("38.00", "60.00", "87.00"):
        recorded(officer, gift(amount, "2026-05-02", DANA))
    recorded(officer, gift("90.00", "2026-05-03", DANA, kind="meal", hosts_present=True))
    id = recipient(officer)
    page = olivia.page(f"/console/recipients/{id}")
    told = done(officer.get(f"/v1/recipients/{id}/headroom"))
    gifts = next(one for one in told["rules"] if one["rule_id"] == "finra-3220-gifts")
    assert f"${gifts['used']} of ${gifts['limit']}" in page.text
    assert f"${gifts['left']} left" in page.text
    assert "A host was present: business entertainment" in page.text
    running = re.findall(r'<td class="r"><span>\$([\d.]+)</span>', page.html)
    assert running == ["185.00", "98.00", "38.00"]
    assert breaches(page) == []


def test_another_year_and_another_limit_are_a_link_away(olivia: Visitor, officer) -> None:
    recorded(officer, gift("38.00", "2025-05-02", DANA))
    id = recipient(officer)
    assert "Nothing has been recorded for Dana Reyes in 2026" in olivia.page(f"/console/recipients/{id}").text
    assert "$38.00" in olivia.page(f"/console/recipients/{id}", year=2025).text
    page = olivia.page(f"/console/recipients/{id}", limit="firm-entertainment-year")
    assert "Firm: hosted events, per person and year" in page.text
    for odd in ("x", "99999", "-1", ""):
        assert olivia.page(f"/console/recipients/{id}", year=odd).status == 200


def test_reps_do_not_see_ledgers(rhea: Visitor, officer) -> None:
    recorded(officer, gift("38.00", "2026-05-02", DANA))
    assert rhea.page(f"/console/recipients/{recipient(officer)}").status == 403


def test_a_merge_is_shown_before_it_is_made_and_can_be_taken_back(olivia: Visitor, officer) -> None:
    recorded(officer, gift("200.00", "2026-05-02", DANA))
    recorded(officer, gift("150.00", "2026-05-03", REYEZ))
    keep = recipient(officer, "dana reyes")
    drop = recipient(officer, "dana reyez")
    path = f"/console/recipients/{keep}"
    page = olivia.page(f"{path}/identity")
    assert "Dana Reyez" in page.text
    said = {"other": drop, "reason": "same badge"}
    preview = olivia.submit(f"{path}/merges", said)
    assert preview.status == 200
    assert "1 case would open" in preview.text
    assert "$350.00" in preview.text
    assert done(officer.get("/v1/violations"))["data"] == []
    assert breaches(preview) == []
    assert olivia.submit(f"{path}/merges", preview.form(f"{path}/merges") | said | {"act": "go"}).status == 303
    [case] = done(officer.get("/v1/violations"))["data"]
    assert case["aggregate"] == "350.00"
    assert olivia.get(f"/console/recipients/{drop}").headers["location"] == path
    merge = olivia.page(f"{path}/identity").form(f"{path}/partings")["merge"]
    undo = {"merge": merge, "part-reason": "two badges"}
    assert "would be updated" in olivia.submit(f"{path}/partings", undo).text
    assert olivia.submit(f"{path}/partings", undo | {"act": "go"}).status == 303
    assert done(officer.get("/v1/violations"))["data"][0]["state"] == "withdrawn"


def test_a_merge_that_cannot_be_says_why(server: Server, olivia: Visitor, officer) -> None:
    recorded(officer, gift("20.00", "2026-05-02", DANA))
    path = f"/console/recipients/{recipient(officer)}"
    assert (
        "Name the other record" in olivia.submit(f"{path}/merges", {"other": recipient(officer), "reason": "abc"}).text
    )
    assert olivia.submit(f"{path}/merges", {"other": "", "reason": ""}).status == 422
    assert olivia.submit(f"{path}/merges", {"other": "rec_none", "reason": "abc"}).status == 404
    auditor = visit(server, "auditor", "arthur")
    assert auditor.submit(f"{path}/merges", {"other": "rec_none", "reason": "abc"}).status == 403


def test_policies_say_their_limits_with_their_days(rhea: Visitor) -> None:
    page = rhea.page("/console/policies")
    assert "$100.00 until 29 Mar 2026" in page.text
    assert "$300.00 from 30 Mar 2026" in page.text
    assert "Regulator’s rule" in page.text


def test_the_trail_is_newest_first_and_checked(server: Server, olivia: Visitor, officer) -> None:
    case = over_the_gift_limit(officer)
    page = olivia.page("/console/audit")
    numbers = [int(one) for one in re.findall(r'<td class="r mute">(\d+)</td>', page.html)]
    assert numbers == sorted(numbers, reverse=True)
    of_case = olivia.page("/console/audit", entity=case["id"])
    assert "Violation opened" in of_case.text
    checked = olivia.submit("/console/audit", {"act": "verify"})
    assert "No gap, no change" in checked.text
    with server.desk.database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_records SET actor = 'somebody else' WHERE position = 1"))
    broken = olivia.submit("/console/audit", {"act": "verify"})
    assert "The log does not hold" in broken.text
    assert breaches(broken) == []


def test_an_administrator_adds_a_user_who_signs_in_and_is_shut_out_again(server: Server) -> None:
    ada = visit(server, "admin", "ada")
    added = ada.follow("/console/admin/users", NORA)
    path = added.answer.url.path
    assert ada.submit("/console/admin/users", NORA).status == 422
    link = ada.submit(f"{path}/link", {"user": "x"})
    [token] = re.findall(r"token=(lnk_[\w.-]+)", link.html)
    nora = Visitor(server.url)
    assert nora.submit("/console/sign-in/link", {"token": token}).status == 303
    assert nora.page("/console/queue").headings == ["Review queue"]
    fields = ada.page(path).form(path)
    assert fields["waiver"] == "500.00 USD"
    assert ada.submit(path, fields | {"active": "no"}).status == 303
    assert nora.page("/console/queue").headings == ["Sign in"]
    assert ada.submit(path, fields | {"name": "Other"}).status == 409


def test_nobody_raises_their_own_role(server: Server) -> None:
    ada = visit(server, "admin", "ada")
    [path] = [link for link in ada.page("/console/admin/users").links if link.startswith("/console/admin/users/usr")]
    page = ada.submit(path, ada.page(path).form(path) | {"role": "senior_officer"})
    assert page.status == 422
    assert "Somebody else changes your role" in page.text


def test_a_user_that_will_not_do_is_refused_with_reasons(server: Server) -> None:
    ada = visit(server, "admin", "ada")
    wrong = {"name": "", "person": "", "email": "nobody", "role": "king", "waiver": "lots"}
    page = ada.submit("/console/admin/users", wrong)
    assert page.status == 422
    for said in ("Enter their name", "Choose a role", "like name@firm.com", "500.00 USD"):
        assert said in page.text
    assert breaches(page) == []


def test_a_key_is_shown_once_and_ended(server: Server) -> None:
    ada = visit(server, "admin", "ada")
    page = ada.submit("/console/admin/keys", {"name": "CRM", "person": "crm", "role": "integration", "days": "30"})
    [secret] = re.findall(r"prp_[0-9a-f]{32}_[\w-]{43}", page.html)
    caller = server.stranger(secret)
    assert caller.get("/v1/me").json()["role"] == "integration"
    listed = ada.page("/console/admin/keys")
    assert secret not in listed.html
    [end] = [action for action in listed.forms if action.endswith("/end")]
    assert ada.submit(end, {"x": ""}).status == 422
    assert caller.get("/v1/me").status_code == 200
    assert ada.submit(end, {"confirm": "yes"}).status == 303
    assert caller.get("/v1/me").status_code == 401
    assert ada.submit("/console/admin/keys", {"name": "", "role": "x", "days": "0"}).status == 422


def test_the_queue_and_a_ledger_come_as_files_with_the_same_figures(olivia: Visitor, officer) -> None:
    recorded(officer, gift("200.00", "2026-05-02", DANA, purpose="=1+1"))
    case = over_the_gift_limit(officer, "150.00", DANA)
    answer = olivia.get("/console/queue/export.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="queue-open-2026-06-15.csv"'
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["violation_id"], row["total"], row["total_currency"]) == (case["id"], "350.00", "USD")
    assert olivia.get("/console/queue/export.csv", params={"sev": "low"}).text.count("\n") == 1
    ledger = list(csv.DictReader(io.StringIO(olivia.get(f"/console/recipients/{recipient(officer)}/ledger.csv").text)))
    assert [one["total"] for one in ledger if one["rule"].startswith("FINRA")] == ["200.00", "350.00"]
    assert ledger[0]["what"] == "'=1+1"


def test_a_report_is_produced_listed_and_fetched(server: Server, olivia: Visitor, officer) -> None:
    over_the_gift_limit(officer, "350.00", DANA)
    said = {"kind": "gift_log", "first": "2026-01-01", "last": "2026-06-15", "form": "csv"}
    page = olivia.follow("/console/reports", said)
    assert "Gift log: 1 row." in page.text
    [file] = [link for link in page.links if link.endswith("/file")]
    answer = olivia.get(file)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "350.00" in answer.text
    [made] = done(officer.get("/v1/report-productions"))["data"]
    assert hashlib.sha256(answer.content).hexdigest() == made["sha256"]
    assert visit(server, "rep", "rhea").get(file).status_code == 403


def test_a_report_that_cannot_be_says_why(olivia: Visitor) -> None:
    said = {"kind": "recipient_statement", "first": "2026-05-01", "last": "2026-04-01", "form": "doc"}
    page = olivia.submit("/console/reports", said)
    assert page.status == 422
    for fault in ("The last day comes before the first", "Choose a format", "needs to know of whom"):
        assert fault in page.text
    assert breaches(page) == []
    whose = {"kind": "recipient_statement", "first": "2026-05-01", "last": "2026-06-01", "form": "pdf"}
    assert olivia.submit("/console/reports", whose | {"recipient_id": "rec_none"}).status == 422
