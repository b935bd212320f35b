"""Violations as a reviewer asks for them: every filter, every order, any depth, as it is and as it was, as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.api.reviewing import CONFIRMED, act, done, refused
from tests.api.test_corrections import post
from tests.databases import Databases, Kind
from tests.server import Caller, Clock, Server, serving

Json = dict[str, Any]
SORTS = ("due", "severity", "amount_over", "newest")
PEOPLE = [
    {"name": "Dana Whitfield", "employer": "Northwind Pension", "type": "institutional_employee"},
    {"name": "Omar Haddad", "employer": "Harbor Bank", "type": "institutional_employee"},
    {"name": "Ines Marchetti", "employer": "Local 12", "type": "union_officer"},
]


class Firm:
    """A firm with a score of violations of every sort. Nobody changes it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.officer, self.other = server.as_("officer", "olivia"), server.as_("officer", "oscar")
        self.rep, self.auditor = server.as_("rep", "rhea"), server.as_("auditor", "arthur")
        self.system = server.as_("integration", "crm")
        for number in range(8):
            self._record("gift", f"{310 + 7 * number}.00", number)
            self._record("meal", f"{600 + 20 * (number % 3)}.00", number)
            server.clock.forward(days=1)
        self.before = self._moment()
        early = self._entry("gift", "30.00", 3, "2026-01-02")  # moves what came later for the same person
        self.cause = early["id"]
        cases = self.all()
        self._decide(cases[0])
        self._withdraw(cases[3])
        done(act(self.officer, self._now(cases[5]), "assignment", {"assignee": "oscar"}))
        done(act(self.officer, self._now(cases[6]), "snoozes", {"until": "2026-07-01", "reason": "a later receipt"}))
        server.clock.forward(days=12)

    def _moment(self) -> str:
        self.server.clock.forward(seconds=5)
        moment = self.server.clock.now.isoformat()
        self.server.clock.forward(seconds=5)
        return moment

    def _record(self, kind: str, amount: str, number: int) -> Json:
        day = self.server.clock.today - timedelta(days=3 * number if number % 2 else 0)
        return self._entry(kind, amount, number, day.isoformat())

    def _entry(self, kind: str, amount: str, number: int, day: str) -> Json:
        giver = "rhea" if number % 3 else "ravi"
        body: Json = {
            "occurred_on": day,
            "kind": kind,
            "giver": giver,
            "total": {"amount": amount, "currency": "USD"},
            "recipients": [PEOPLE[number % len(PEOPLE)]],
        }
        if kind == "meal":
            body["hosts_present"] = True
        return done(post(self.system, "/v1/entries", body))

    def _now(self, case: Json) -> Json:
        return done(self.officer.get(f"/v1/violations/{case['id']}"))

    def _decide(self, case: Json) -> None:
        done(act(self.officer, self._now(case), "dispositions", CONFIRMED))

    def _withdraw(self, case: Json) -> None:
        entry = self.officer.get(f"/v1/entries/{case['entry_id']}")
        body = {"reason": "it was another firm's"}
        headers = {"If-Match": entry.headers["etag"]}
        done(self.system.post(f"/v1/entries/{case['entry_id']}/withdrawal", json=body, headers=headers))

    def ask(self, caller: Caller | None = None, **query: Any) -> Json:
        return done((caller or self.officer).get("/v1/violations", params={"limit": 200, **query}))

    def all(self, caller: Caller | None = None, **query: Any) -> list[Json]:
        return self.ask(caller, **query)["data"]

    def file(self, form: str, **query: Any) -> Any:
        answer = self.officer.get("/v1/violations", params={"format": form, **query})
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module")
def firms(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Callable[[Kind], Firm]]:
    """The firm on a database of each kind."""
    with ExitStack() as stack:
        made: dict[Kind, Firm] = {}

        def firm_on(kind: Kind) -> Firm:
            if kind == "postgres":
                request.getfixturevalue("postgres_server")
            if kind not in made:
                url = stack.enter_context(databases.fresh(kind, migrated=True))
                made[kind] = Firm(
                    stack.enter_context(serving(url, clock=Clock(date(2026, 5, 26)), worker_inside=False))
                )
            return made[kind]

        yield firm_on


@pytest.fixture
def firm(firms: Callable[[Kind], Firm], database_kind: Kind) -> Firm:
    return firms(database_kind)


def test_the_firm_has_something_of_everything(firm: Firm):
    """What the filters are tested on: more than a few, and no field that always says the same."""
    cases = firm.all()
    assert len(cases) >= 15
    for name in (
        "state",
        "severity",
        "rule_id",
        "kind",
        "giver",
        "recipient_type",
        "days_late",
        "cause_kind",
        "due_on",
    ):
        assert len({case[name] for case in cases}) > 1, name


# Filters: each finds exactly what the field says


def all_of_them(_: Json) -> bool:
    return True


def recorded_on(one: Json) -> str:
    return (date.fromisoformat(one["occurred_on"]) + timedelta(days=one["days_late"])).isoformat()


def none_of_them(_: Json) -> bool:
    return False


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Json], bool]]] = {
    "rule": ({"rule_id": "finra-3220-gifts"}, lambda one: one["rule_id"] == "finra-3220-gifts"),
    "state": ({"state": "decided"}, lambda one: one["state"] == "decided"),
    "states": ({"state": ["decided", "withdrawn"]}, lambda one: one["state"] in ("decided", "withdrawn")),
    "outcome": ({"outcome": "confirmed"}, lambda one: one["outcome"] == "confirmed"),
    "reason code": ({"reason_code": "breach_education"}, lambda one: one["reason_code"] == "breach_education"),
    "severity": ({"severity": "high"}, lambda one: one["severity"] == "high"),
    "kind": ({"kind": "meal"}, lambda one: one["kind"] == "meal"),
    "direction": ({"direction": "given"}, all_of_them),
    "giver": ({"giver": "ravi"}, lambda one: one["giver"] == "ravi"),
    "submitter": ({"submitted_by": "crm"}, all_of_them),
    "recipient type": ({"recipient_type": "union_officer"}, lambda one: one["recipient_type"] == "union_officer"),
    "amount over from": ({"over_by[gte]": "60.5"}, lambda one: Decimal(one["over_by"]) >= Decimal("60.5")),
    "amount over to": ({"over_by[lte]": "60"}, lambda one: Decimal(one["over_by"]) <= 60),
    "unit": ({"unit": "USD"}, lambda one: one["unit"] == "USD"),
    "percent from": ({"percent_of_limit[gte]": "120"}, lambda one: Decimal(one["percent_of_limit"]) >= 120),
    "percent to": ({"percent_of_limit[lte]": "119.9"}, lambda one: Decimal(one["percent_of_limit"]) < 120),
    "event from": ({"occurred_on[gte]": "2026-05-15"}, lambda one: one["occurred_on"] >= "2026-05-15"),
    "event to": ({"occurred_on[lte]": "2026-05-14"}, lambda one: one["occurred_on"] < "2026-05-15"),
    "opened from": ({"opened_on[gte]": "2026-05-29"}, lambda one: one["opened_on"] >= "2026-05-29"),
    "opened to": ({"opened_on[lte]": "2026-05-28"}, lambda one: one["opened_on"] < "2026-05-29"),
    "recorded from": ({"recorded_on[gte]": "2026-05-29"}, lambda one: recorded_on(one) >= "2026-05-29"),
    "recorded to": ({"recorded_on[lte]": "2026-05-28"}, lambda one: recorded_on(one) < "2026-05-29"),
    "late": ({"days_late[gte]": "14"}, lambda one: one["days_late"] >= 14),
    "in time": ({"days_late[lte]": "13"}, lambda one: one["days_late"] < 14),
    "source": ({"source": "api"}, all_of_them),
    "no such source": ({"source": "hubspot"}, none_of_them),
    "recalculated": ({"recalculated": "true"}, lambda one: one["cause"] is not None),
    "as recorded": ({"recalculated": "false"}, lambda one: one["cause"] is None),
    "moved by an entry": ({"cause_kind": "entry"}, lambda one: one["cause_kind"] == "entry"),
    "moved by a correction": ({"cause_kind": "correction"}, lambda one: one["cause_kind"] == "correction"),
    "assignee": ({"assignee": "oscar"}, lambda one: one["assignee"] == "oscar"),
    "nobody": ({"assignee": "none"}, lambda one: one["assignee"] is None),
    "due from": ({"due_on[gte]": "2026-06-01"}, lambda one: one["due_on"] >= "2026-06-01"),
    "due to": ({"due_on[lte]": "2026-05-31"}, lambda one: one["due_on"] < "2026-06-01"),
    "overdue": ({"overdue": "true"}, lambda one: one["overdue"]),
    "not overdue": ({"overdue": "false"}, lambda one: not one["overdue"]),
    "snoozed": ({"snoozed": "true"}, lambda one: one["snoozed_until"] is not None),
    "several": (
        {"kind": "gift", "over_by[gte]": "20", "giver": "rhea", "recalculated": "false"},
        lambda one: (
            one["kind"] == "gift" and Decimal(one["over_by"]) >= 20 and one["giver"] == "rhea" and not one["cause"]
        ),
    ),
}
FOUND_NOWHERE = {"no such source"}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("known", ["now", "as of now"])
def test_a_filter_finds_what_it_says_and_nothing_else(firm: Firm, name: str, known: str):
    query, holds = FILTERS[name]
    at = {} if known == "now" else {"as_of": firm.server.clock.now.isoformat()}
    expected = [one["id"] for one in firm.all() if holds(one)]
    assert bool(expected) != (name in FOUND_NOWHERE)
    assert [one["id"] for one in firm.all(**query, **at)] == expected


def test_ids_are_filters(firm: Firm):
    [case, *_] = firm.all(kind="gift")
    for name in ("recipient_id", "employer_id", "entry_id", "policy_id"):
        found = firm.all(**{name: case[name]})
        assert found
        assert {one[name] for one in found} == {case[name]}
    assert firm.all(policy_id=f"pol_{'0' * 32}") == []


def test_a_cause_is_asked_for_with_its_version_or_without(firm: Firm):
    moved = [one["id"] for one in firm.all() if (one["cause"] or "").startswith(firm.cause)]
    assert moved
    for cause in (firm.cause, f"{firm.cause}:1"):
        assert [one["id"] for one in firm.all(cause=cause)] == moved
    assert firm.all(cause=f"{firm.cause}:2") == []
    assert firm.all(cause=firm.cause[:-1]) == []


def test_me_is_whoever_asks(firm: Firm):
    mine = firm.all(firm.other, assignee="me")
    assert [one["assignee"] for one in mine] == ["oscar"]
    assert firm.all(assignee="me") == []


# Orders

RANKS = {"critical": 0, "high": 1, "medium": 2, "low": 3}
KEYS: dict[str, Callable[[Json], tuple[Any, ...]]] = {
    "due": lambda one: (one["due_on"], one["id"]),
    "severity": lambda one: (RANKS[one["severity"]], one["id"]),
    "amount_over": lambda one: (Decimal(one["over_by"]), one["id"]),
    "newest": lambda one: (one["id"],),
}
FALLING = {"amount_over", "newest"}


@pytest.mark.parametrize("reverse", [False, True], ids=["", "reverse"])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("known", ["now", "as of before"])
def test_an_order_holds_over_all_pages_and_nothing_is_left_out(firm: Firm, sort: str, reverse: bool, known: str):
    at = {} if known == "now" else {"as_of": firm.before}
    everything = firm.all(**at)
    expected = [one["id"] for one in sorted(everything, key=KEYS[sort], reverse=(sort in FALLING) is not reverse)]
    query = {"sort": ("-" if reverse else "") + sort, "limit": 3, **at}
    found, cursor = [], {}
    while True:
        answer = firm.ask(**query, **cursor)
        found += [one["id"] for one in answer["data"]]
        if not answer["page"]["has_more"]:
            break
        cursor = {"cursor": answer["page"]["next_cursor"]}
    assert found == expected


def test_what_was_known_then_is_filtered_by_what_was_known_then(firm: Firm):
    then = {one["id"]: one for one in firm.all(as_of=firm.before)}
    assert {one["state"] for one in then.values()} == {"open"}
    assert firm.all(as_of=firm.before, state="decided") == []
    assert firm.all(as_of=firm.before, cause=firm.cause) == []
    moved = {one["id"] for one in then.values() if one["cause"]}
    assert {one["id"] for one in firm.all(as_of=firm.before, recalculated="true")} == moved
    assert any(one["over_by"] != then[one["id"]]["over_by"] for one in firm.all() if one["id"] in then)


# Totals


def test_a_total_is_given_where_it_is_asked_for(firm: Firm, monkeypatch):
    assert "total" not in firm.ask(limit=1)["page"]
    many = len(firm.all())
    for more in ({}, {"as_of": firm.server.clock.now.isoformat()}):
        assert firm.ask(limit=1, include="total", **more)["page"]["total"] == {"count": many, "capped": False}
    assert firm.ask(include="total", kind="meal")["page"]["total"]["count"] == len(firm.all(kind="meal"))
    monkeypatch.setattr("app.api.violations.MOST_COUNTED", many - 1)
    assert firm.ask(limit=1, include="total")["page"]["total"] == {"count": many - 1, "capped": True}
    monkeypatch.setattr("app.api.violations.MOST_COUNTED", many)
    assert firm.ask(limit=1, include="total")["page"]["total"] == {"count": many, "capped": False}


# Files


def test_a_file_is_exactly_the_filtered_view(firm: Firm, monkeypatch):
    monkeypatch.setattr("app.services.exports._PAGE", 4)
    query = {"kind": "gift", "sort": "amount_over"}
    cases = firm.all(**query)
    ids = [one["id"] for one in cases]
    rows = list(csv.DictReader(io.StringIO(firm.file("csv", **query).text, newline="")))
    assert [row["id"] for row in rows] == ids
    for row, case in zip(rows, cases, strict=True):
        same = ("state", "severity", "rule", "giver", "over_by", "due_on", "days_late", "percent_of_limit", "opened_at")
        assert {name: row[name] for name in same} == {name: str(case[name]) for name in same}
        assert (row["over_by_currency"], row["overdue"] == "yes") == (case["unit"], case["overdue"])
    assert [json.loads(line) for line in firm.file("jsonl", **query).text.splitlines()] == cases
    page = load_workbook(io.BytesIO(firm.file("xlsx", **query).content))["violations"]
    heads, *found = page.iter_rows(values_only=True)
    assert [row[0] for row in found] == ids
    over = heads.index("Over by")
    assert [Decimal(str(row[over])) for row in found] == [Decimal(case["over_by"]) for case in cases]
    assert page.cell(2, over + 1).number_format == "#,##0.00"


def test_a_rep_has_a_file_of_their_own_without_what_is_the_reviewers(firm: Firm):
    answer = firm.rep.get("/v1/violations", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["giver"] for row in rows} == {"rhea"}
    assert {row["assignee"] for row in rows} == {""}
    assert len(rows) == len([one for one in firm.all() if one["giver"] == "rhea"])


# Refusals


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"flavour": "mint"}, "unknown_parameter"),
        ({"sort": "colour"}, "invalid_parameter"),
        ({"sort": "--due"}, "invalid_parameter"),
        ({"include": "everything"}, "invalid_parameter"),
        ({"format": "docx"}, "invalid_parameter"),
        ({"over_by[gte]": "1e3"}, "invalid_parameter"),
        ({"over_by[gte]": "1.23456"}, "invalid_parameter"),
        ({"percent_of_limit[gte]": "-1"}, "invalid_parameter"),
        ({"days_late[gte]": "1.5"}, "invalid_parameter"),
        ({"days_late[gte]": "9999999"}, "invalid_parameter"),
        ({"unit": "dollars"}, "invalid_parameter"),
        ({"severity": "grave"}, "invalid_parameter"),
        ({"cause_kind": "fate"}, "invalid_parameter"),
        ({"occurred_on[gte]": "2026-02-30"}, "invalid_parameter"),
        ({"overdue": "perhaps"}, "invalid_parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused(firm: Firm, query: dict[str, str], code: str):
    refused(firm.officer.get("/v1/violations", params=query), 400, code)


def test_a_cursor_belongs_to_its_order_and_its_filters(firm: Firm):
    held = firm.ask(sort="due", limit=2)["page"]["next_cursor"]
    for other in ({"sort": "-due"}, {"sort": "severity"}, {}, {"sort": "due", "kind": "gift"}):
        refused(firm.officer.get("/v1/violations", params={"cursor": held, **other}), 400, "cursor_mismatch")
    refused(firm.auditor.get("/v1/violations", params={"cursor": held, "sort": "due"}), 400, "cursor_mismatch")


@pytest.mark.parametrize(
    "query",
    [
        {"assignee": "olivia"},
        {"snoozed": "true"},
        {"cause": "ent_1"},
        {"cause_kind": "entry"},
        {"recalculated": "false"},
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_whoever_sees_only_their_own_asks_nothing_of_the_reviewers(firm: Firm, query: dict[str, str], form: str):
    refused(firm.rep.get("/v1/violations", params={"format": form, **query}), 403, "role_forbids")
    assert firm.auditor.get("/v1/violations", params={"format": form, **query}).status_code == 200
