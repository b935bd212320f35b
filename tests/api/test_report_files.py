"""Reports as files: every format says the same, text stays text, and what cannot be asked is refused."""

from __future__ import annotations

import csv
import io
import json

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from app.services import audit
from app.services.erasures import purge
from tests.api.reporting import content, finished, produced, totals
from tests.api.reviewing import done
from tests.api.test_corrections import DANA, gift, post, recorded

FORMULA = '=HYPERLINK("http://evil.example","click")'


def test_the_formats_of_a_report_agree(rep, officer):
    recorded(rep, gift("12.34", "2026-05-04", purpose="Holiday basket"))
    recorded(rep, gift("1000.00", "2026-05-05"))
    made = {form: produced(officer, "gift_log", form) for form in ("json", "csv", "xlsx", "pdf")}
    assert len({one["rows_digest"] for one in made.values()}) == 1
    assert len({one["sha256"] for one in made.values()}) == 4
    assert {(one["rows"], totals(one)["share USD"]) for one in made.values()} == {(2, "1012.34")}
    as_json = json.loads(content(officer, made["json"]))
    as_csv = list(csv.DictReader(io.StringIO(content(officer, made["csv"]).decode())))
    sheet = load_workbook(io.BytesIO(content(officer, made["xlsx"])))["gift-log"]
    heads, *lines = sheet.iter_rows(values_only=True)
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content(officer, made["pdf"]))).pages)
    assert [one["share"]["amount"] for one in as_json["data"]] == ["12.34", "1000.00"]
    assert [(one["share"], one["share_currency"]) for one in as_csv] == [("12.34", "USD"), ("1000.00", "USD")]
    place = heads.index("Share")
    assert [(line[place], line[place + 1]) for line in lines] == [(12.34, "USD"), (1000, "USD")]
    assert "Gift log" in printed
    assert "12.34 USD" in printed
    assert "1012.34 USD" in printed
    assert as_json["about"]["first"] == "2026-01-01"


def test_text_is_never_a_formula_nor_markup(rep, officer):
    markup = "#panic() $x$ *bold* @label <script>"
    recorded(rep, gift("12.34", "2026-05-04", DANA | {"name": f"={markup}"}, purpose=FORMULA, venue=markup))
    rows = list(csv.DictReader(io.StringIO(content(officer, produced(officer, "gift_log", "csv")).decode())))
    assert rows[0]["purpose"] == f"'{FORMULA}"
    book = load_workbook(io.BytesIO(content(officer, produced(officer, "gift_log", "xlsx"))))
    cells = [cell for row in book["gift-log"].iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    assert FORMULA in {cell.value for cell in cells}
    pdf = PdfReader(io.BytesIO(content(officer, produced(officer, "gift_log", "pdf"))))
    printed = "".join(page.extract_text() for page in pdf.pages).replace("\n", " ")
    assert "*bold*" in printed
    assert "<script>" in printed


def test_a_long_report_is_an_operation_with_progress_and_a_result(rep, officer, server):
    for day in range(1, 6):
        recorded(rep, gift("10.00", f"2026-05-0{day}"))
    answer = officer.post(
        "/v1/reports/gift_log/productions",
        json={"format": "csv", "period": "2026"},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 202, answer.text
    operation = finished(officer, answer.json())
    assert (operation["kind"], operation["state"]) == ("report_production", "succeeded")
    assert operation["progress"] == {"done": 5, "total": 5}
    made = operation["result"]
    assert (made["rows"], totals(made)) == (5, {"share USD": "50.00"})
    assert made == officer.get(f"/v1/report-productions/{made['id']}").json()
    assert content(officer, made).count(b"\r\n") == 6
    assert made["expires_at"] is not None


def test_each_production_is_in_the_log(rep, officer, auditor):
    recorded(rep, gift("10.00"))
    made = produced(auditor, "gift_log", "csv")
    [record] = officer.get("/v1/audit/records", params={"action": "report.produced"}).json()["data"]
    said = json.loads(record["body"])
    facts = said["facts"]
    assert (said["entity"], said["actor"]) == (made["id"], "arthur")
    assert (facts["kind"], facts["sha256"], facts["rows_digest"], facts["rows"]) == (
        "gift_log",
        made["sha256"],
        made["rows_digest"],
        1,
    )


def test_a_file_expires_and_a_statement_does_not(rep, officer, server):
    entry = recorded(rep, gift("10.00"))
    log = produced(officer, "gift_log", "csv")
    stated = produced(officer, "recipient_statement", "csv", recipient_id=entry["recipients"][0]["id"])
    server.clock.forward(days=30)
    gone = officer.get(log["content"])
    assert (gone.status_code, gone.json()["code"]) == (410, "file_expired")
    produced(officer, "gift_log", "csv")
    content(officer, stated)
    assert officer.get(f"/v1/report-productions/{log['id']}").json() == log
    assert officer.get(log["content"]).status_code == 410
    listed = officer.get("/v1/report-productions", params={"report": "gift_log"}).json()["data"]
    assert log["id"] in {one["id"] for one in listed}
    assert stated["id"] not in {one["id"] for one in listed}


Q = {"period": "2026-Q2"}
BACKWARDS = {"first": "2026-02-01", "last": "2026-01-31"}
WRONG = [
    ("no period", "gift_log", {}, "wrong_period", "/period"),
    ("no last day", "gift_log", {"first": "2026-01-01"}, "wrong_period", "/period"),
    ("two periods", "gift_log", Q | {"last": "2026-02-01"}, "wrong_period", "/period"),
    ("backwards", "gift_log", BACKWARDS, "wrong_period", "/last"),
    ("not taken", "gift_log", Q | {"days": 3}, "wrong_parameters", "/days"),
    ("needed", "employer_statement", Q, "wrong_parameters", "/employer_id"),
    ("nobody", "employer_statement", Q | {"employer_id": "emp_no"}, "unknown_subject", "/employer_id"),
    ("no rule", "near_limit", Q | {"rule_id": "no-rule"}, "unknown_report_rule", "/rule_id"),
    ("the future", "gift_log", Q | {"as_of": "2026-06-15T16:00:01Z"}, "as_of_in_future", "/as_of"),
    ("no percent", "near_limit", Q | {"at_least": 0}, "invalid_body", "/at_least"),
]


@pytest.mark.parametrize(("report", "body", "code", "pointer"), [pytest.param(*rest, id=id) for id, *rest in WRONG])
def test_what_cannot_be_asked_is_refused(officer, report, body, code, pointer):
    answer = officer.post(f"/v1/reports/{report}/productions", json={"format": "json"} | body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), answer.text
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert officer.get("/v1/report-productions").json()["data"] == []


def test_a_purge_takes_the_files_of_old_reports_unless_something_is_held(rep, officer, server):
    entry = recorded(rep, gift("10.00"))
    dana = entry["recipients"][0]["id"]
    stated = produced(officer, "recipient_statement", "csv", recipient_id=dana)
    hold = done(
        officer.post("/v1/legal-holds", json={"matter": "inquiry 7", "giver": "nobody", "reason": "an inquiry"})
    )
    server.clock.forward(days=365 * 8)
    later = server.as_("officer", "olive")
    assert purge(server.desk, by="tests").reports == 0
    content(later, stated)
    released = post(later, f"/v1/legal-holds/{hold['id']}/release", {"reason": "it is over"}, 1)
    assert released.status_code in (200, 201), released.text
    assert purge(server.desk, by="tests").reports == 1
    for path in ("content", "differences"):
        answer = later.get(f"/v1/report-productions/{stated['id']}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "file_expired")
    kept = later.get(f"/v1/report-productions/{stated['id']}").json()
    assert kept["sha256"] == stated["sha256"]
    with server.desk.database.reading() as connection:
        assert audit.verify(connection, server.desk.settings.log_id).holds


def test_a_period_and_its_days_are_one_statement(rep, officer):
    entry = recorded(rep, gift("10.00"))
    dana = entry["recipients"][0]["id"]
    one = produced(officer, "recipient_statement", period="2026-Q2", recipient_id=dana)
    other = produced(officer, "recipient_statement", first="2026-04-01", last="2026-06-30", recipient_id=dana)
    assert other["restates"] == {"production_id": one["id"], "differs": False}
