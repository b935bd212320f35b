"""Lists as files over HTTP: which format somebody gets, that a file is all of the filtered view, never half of it."""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from app.api.sheets import _ASKED_AS, best
from app.services.exports import Exports, TooManyExports
from app.services.sheets import Format
from tests.api.reviewing import refused
from tests.api.test_corrections import gift, recorded
from tests.server import Caller, Server

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MANY = 130


def people(name: str) -> dict[str, str]:
    return {"name": name, "employer": "Harbor Bank", "type": "institutional_employee"}


@pytest.fixture
def entries(server: Server, officer: Caller) -> list[str]:
    """Many entries of two givers, newest event first."""
    bodies = [
        gift("20.00", f"2026-{1 + n % 5:02}-{1 + n % 28:02}", people(f"Person {n}"), giver="rhea" if n % 3 else "ravi")
        for n in range(MANY)
    ]
    answer = officer.post("/v1/entries/batch", json={"entries": bodies}, headers={"Idempotency-Key": "many"})
    assert answer.json()["recorded"] == MANY, answer.text[:500]
    made = [(one["entry"]["occurred_on"], one["entry"]["id"]) for one in answer.json()["results"]]
    return [id for _, id in sorted(made, reverse=True)]


def file(caller: Caller, path: str, form: str, **query: Any) -> httpx.Response:
    answer = caller.get(path, params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_a_file_is_the_whole_filtered_view_in_the_order_of_the_list(officer: Caller, entries: list[str], monkeypatch):
    monkeypatch.setattr("app.services.exports._PAGE", 50)  # several pages, the last one not full
    as_csv = file(officer, "/v1/entries", "csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert as_csv.headers["content-disposition"] == 'attachment; filename="entries.csv"'
    assert [row["id"] for row in rows(as_csv)] == entries
    assert {(row["total"], row["total_currency"]) for row in rows(as_csv)} == {("20.00", "USD")}
    book = load_workbook(io.BytesIO(file(officer, "/v1/entries", "xlsx").content))
    assert [row[0] for row in book["entries"].iter_rows(min_row=2, values_only=True)] == entries
    lines = [json.loads(line) for line in file(officer, "/v1/entries", "jsonl").text.splitlines()]
    assert lines[:50] == officer.get("/v1/entries", params={"limit": 50}).json()["data"]
    assert [line["id"] for line in lines] == entries
    mine = rows(file(officer, "/v1/entries", "csv", giver="ravi", limit=1))
    assert len(mine) == 44
    assert {row["giver"] for row in mine} == {"ravi"}


def test_a_file_as_of_a_moment_says_what_was_known_then(
    server: Server, officer: Caller, entries: list[str], monkeypatch
):
    monkeypatch.setattr("app.services.exports._PAGE", 50)
    then = (server.clock.now + timedelta(seconds=1)).isoformat()
    server.clock.forward(days=1)
    recorded(officer, gift("30.00", "2026-06-01", people("Late Comer")))
    assert len(rows(file(officer, "/v1/entries", "csv"))) == MANY + 1
    assert sorted(row["id"] for row in rows(file(officer, "/v1/entries", "csv", as_of=then))) == sorted(entries)


def test_everybody_gets_a_file_of_what_they_may_see(rep: Caller, admin: Caller, entries: list[str]):
    own = rows(file(rep, "/v1/entries", "csv"))
    assert len(own) == MANY - 44
    assert {row["giver"] for row in own} == {"rhea"}
    refused(admin.get("/v1/entries", params={"format": "csv"}), 403, "role_forbids")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        (XLSX, XLSX),
        ("application/x-ndjson", "application/jsonl"),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/json;q=0.5, text/csv;q=0.6", "text/csv; charset=utf-8; header=present"),
        ("", "application/json"),
    ],
)
def test_accept_says_which_format(officer: Caller, accept: str, kind: str):
    assert officer.get("/v1/entries", headers={"Accept": accept}).headers["content-type"] == kind


def test_the_parameter_goes_before_the_header(officer: Caller):
    answer = officer.get("/v1/entries", params={"format": "json"}, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "application/json"


def test_what_nobody_can_give_is_refused(officer: Caller):
    refused(officer.get("/v1/entries", headers={"Accept": "image/png"}), 406, "not_acceptable")
    refused(officer.get("/v1/entries", params={"format": "pdf"}), 400, "invalid_parameter")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", Format.JSON),
        ("text/*", Format.CSV),
        ("TEXT/CSV", Format.CSV),
        ("text/csv;q=0, */*", Format.JSON),
        ("application/json;q=0, application/*", None),
        ("text/csv;q=1.5", Format.CSV),
        ("text/csv;q=x", Format.CSV),
        ("text/csv;q=", Format.CSV),
        ("text/csv;q=0.001, application/json;q=0.0009", Format.CSV),
        (";;;,,q=1", None),
        ("text/csv;q=99999999999999999999", Format.CSV),
    ],
)
def test_what_an_accept_header_likes_best(accept: str, form: Format | None):
    assert best(accept, _ASKED_AS) is form


# Half a file


def test_a_file_that_could_not_be_finished_is_not_taken_for_a_whole_one(
    officer: Caller, entries: list[str], monkeypatch
):
    from app.api.entries import files

    monkeypatch.setattr("app.services.exports._PAGE", 50)
    kept, seen = files.entry_out, []

    def failing(one: Any, *, fresh: bool) -> Any:
        seen.append(one)
        if len(seen) > 100:
            raise RuntimeError("planted")
        return kept(one, fresh=fresh)

    monkeypatch.setattr(files, "entry_out", failing)
    monkeypatch.setattr("app.services.sheets._ROWS_A_PIECE", 10)
    with pytest.raises(httpx.RemoteProtocolError):
        officer.get("/v1/entries", params={"format": "jsonl"})


def test_as_many_files_are_written_at_once_as_may_be(server: Server, officer: Caller):
    exports: Exports = server.app.state.exports
    hold = threading.Event()

    def waiting(_connection: Any):
        hold.wait(30)
        yield b"done"

    under_way = [exports.begin(waiting) for _ in range(server.desk.settings.pool_size // 2)]
    try:
        with pytest.raises(TooManyExports):
            exports.begin(waiting)
        answer = officer.get("/v1/entries", params={"format": "csv"})
        refused(answer, 503, "too_many_exports")
        assert answer.headers["retry-after"] == "5"
        assert officer.get("/v1/entries").status_code == 200
    finally:
        hold.set()
    assert [export.read() for export in under_way] == [b"done"] * len(under_way)
    assert officer.get("/v1/entries", params={"format": "csv"}).status_code == 200


def test_nobody_is_waited_for_who_went_away(server: Server):
    """The writing of a file that nobody reads any more ends, and its place is free again."""
    exports: Exports = server.app.state.exports
    begun, ended = threading.Event(), threading.Event()

    def endless(_connection: Any):
        try:
            while True:
                yield b"x" * 1000
                begun.set()
        finally:
            ended.set()

    export = exports.begin(endless)
    assert begun.wait(30)
    export.close()
    assert ended.wait(30)


def test_a_slow_reader_keeps_no_connection(server: Server):
    """All is on disk, and the connection free, before anybody has read the second piece."""
    exports: Exports = server.app.state.exports
    done = threading.Event()

    def long(_connection: Any):
        yield from (b"x" * 1000 for _ in range(1000))
        done.set()

    export = exports.begin(long)
    first = export.read()
    assert done.wait(30)
    rest = list(iter(export.read, b""))
    assert len(first) + sum(map(len, rest)) == 1_000_000
