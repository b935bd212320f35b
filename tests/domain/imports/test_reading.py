"""What stands in a spreadsheet: days, amounts and attendees, read without guessing; lines with their faults."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.imports import Line, ProfileInvalid, Row, read_line, read_profile
from app.domain.imports.attendees import Attendee, split
from app.domain.imports.cells import CellRefused, read_amount, read_count, read_day, read_flag
from app.domain.money import Currency, format_minor

NEW_YORK_SUMMER = timezone(timedelta(hours=-4))
MAY_4 = date(2026, 5, 4)

DAYS = [
    pytest.param("2026-05-04", None, MAY_4, id="ISO needs no order"),
    pytest.param("2026-05-04 19:30", "dmy", MAY_4, id="the time of day does not matter"),
    pytest.param("2026-05-05T01:30:00Z", None, MAY_4, id="a moment is the day it was here"),
    pytest.param("2026-05-04T23:30:00-04:00", None, MAY_4, id="a moment with our own offset"),
    pytest.param("05/04/2026", "mdy", MAY_4, id="month first"),
    pytest.param("04/05/2026", "dmy", MAY_4, id="day first"),
    pytest.param("4.5.2026", "dmy", MAY_4, id="day first with full stops"),
    pytest.param("26/05/04", "ymd", MAY_4, id="a short year first"),
    pytest.param("5/4/26", "mdy", MAY_4, id="a short year last"),
    pytest.param("05/25/2026", None, date(2026, 5, 25), id="no doubt without an order, month first"),
    pytest.param("25/05/2026", None, date(2026, 5, 25), id="no doubt without an order, day first"),
    pytest.param("05/05/2026", None, date(2026, 5, 5), id="no doubt, alike both ways"),
    pytest.param("4 May 2026", None, MAY_4, id="in letters"),
    pytest.param("May 4th, 2026", None, MAY_4, id="in letters, month first"),
    pytest.param("04-MAY-26", None, MAY_4, id="in capitals"),
]


@pytest.mark.parametrize(("text", "order", "day"), DAYS)
def test_a_day_is_read(text: str, order: str | None, day: date):
    assert read_day(text, order, NEW_YORK_SUMMER) == day


NO_DAYS = [
    pytest.param("04/05/2026", None, "date_ambiguous", id="either could be the month"),
    pytest.param("25/05/2026", "mdy", "date_format", id="no such month in the declared order"),
    pytest.param("02/30/2026", "mdy", "date_format", id="no such day"),
    pytest.param("46146", None, "date_format", id="a serial number"),
    pytest.param("yesterday", None, "date_format", id="a word"),
    pytest.param("5 Foo 2026", None, "date_format", id="no month of that name"),
    pytest.param("05/04/126", "mdy", "date_format", id="a year of three digits"),
    pytest.param("0001-01-01", None, "date_format", id="long ago"),
    pytest.param("0001-01-01T00:00:00+14:00", None, "date_format", id="before the beginning"),
    pytest.param("２０２６-05-04", None, "date_format", id="digits of another script"),
]


@pytest.mark.parametrize(("text", "order", "code"), NO_DAYS)
def test_what_is_no_day_or_two_is_refused(text: str, order: str | None, code: str):
    with pytest.raises(CellRefused) as refused:
        read_day(text, order, NEW_YORK_SUMMER)
    assert refused.value.code == code


AMOUNTS = [
    ("120", ".", 12000), ("120.5", ".", 12050), ("1,234.50", ".", 123450), ("1.234,50", ",", 123450),
    ("1 234,50", ",", 123450), ("1'234.50", ".", 123450), ("12.000", ".", 1200), ("(12.00)", ".", -1200),
    ("-12.00", ".", -1200), ("12.00-", ".", -1200), ("1,234,567.00", ".", 123456700), ("0.00", ".", 0),
]  # fmt: skip
NO_AMOUNTS = [
    ("12.345", "."), ("1,23", "."), ("1.23", ","), ("12,34,567.00", "."), ("1.234.50", "."), ("$12.00", "."),
    ("1e3", "."), ("", "."), ("12.", "."), ("١٢", "."), ("1,234 567.00", "."), ("12 .00.1", "."), ("9" * 20, "."),
    ("--1", "."), ("+1", "."), ("NaN", "."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mark", "minor"), AMOUNTS)
def test_an_amount_is_read(text: str, mark: str, minor: int):
    assert read_amount(text, mark, 2) == minor


@pytest.mark.parametrize(("text", "mark"), NO_AMOUNTS)
def test_what_is_no_amount_is_refused(text: str, mark: str):
    with pytest.raises(CellRefused):
        read_amount(text, mark, 2)


@given(st.integers(-(10**14), 10**14), st.sampled_from(".,"), st.sampled_from([0, 2, 3]))
def test_every_amount_comes_back(minor: int, mark: str, exponent: int):
    written = format_minor(minor, exponent)
    whole, _, decimals = written.lstrip("-").partition(".")
    if len(whole) <= 13:
        grouped = f"{int(whole):,}".replace(",", "," if mark == "." else ".")
        text = ("-" if minor < 0 else "") + grouped + (mark + decimals if decimals else "")
        assert read_amount(text, mark, exponent) == minor


@given(st.text(max_size=30), st.sampled_from([None, "mdy", "dmy", "ymd"]))
def test_whatever_stands_in_a_cell_is_read_or_refused(text: str, order: str | None):
    for read in (
        lambda: read_day(text, order, UTC),
        lambda: read_amount(text, ".", 2),
        lambda: read_flag(text),
        lambda: read_count(text),
    ):
        with suppress(CellRefused):
            read()


LISTS = [
    pytest.param("Dana Diaz", [Attendee("Dana Diaz")], 0, id="one"),
    pytest.param("Dana Diaz, Eli Egg", [Attendee("Dana Diaz"), Attendee("Eli Egg")], 0, id="commas"),
    pytest.param("Diaz, Dana; Egg, Eli", [Attendee("Diaz, Dana"), Attendee("Egg, Eli")], 0,
                 id="semicolons are stronger"),
    pytest.param("Dana\nEli\n", [Attendee("Dana"), Attendee("Eli")], 0, id="lines are strongest"),
    pytest.param("Dana (North, Inc.), Eli [Calder]", [Attendee("Dana", "North, Inc."), Attendee("Eli", "Calder")], 0,
                 id="no comma inside of brackets"),
    pytest.param("Dana - Northgate; Eli", [Attendee("Dana", "Northgate"), Attendee("Eli")], 0, id="a dash"),
    pytest.param("Jean-Luc Oh", [Attendee("Jean-Luc Oh")], 0, id="no dash inside of a name"),
    pytest.param("Dana <d@n.com> (Northgate)", [Attendee("Dana", "Northgate", "d@n.com")], 0, id="an address"),
    pytest.param("Dana; 3 guests", [Attendee("Dana")], 3, id="guests without a name"),
    pytest.param("Dana; +2 other attendees", [Attendee("Dana")], 2, id="others without a name"),
    pytest.param(" ; ", [], 0, id="nobody"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "people", "unnamed"), LISTS)
def test_attendees_of_one_cell(cell: str, people: list[Attendee], unnamed: int):
    assert split(cell, ("\n", ";", ",")) == (people, unnamed)


@given(st.text(max_size=200))
def test_any_cell_can_be_split(cell: str):
    people, unnamed = split(cell, ("\n", ";", ","))
    assert unnamed >= 0
    assert all(one.name for one in people)


# Lines

PROFILE: dict[str, Any] = {
    "profile": "rows",
    "version": 1,
    "title": "Rows",
    "layout": "attendee",
    "source_system": "rows",
    "columns": {
        "source_expense_id": "id",
        "rep_ref": "rep",
        "occurred_on": "date",
        "expense_kind": "kind",
        "amount": "amount",
        "currency": "currency",
        "attendee_name": "who",
        "attendee_company": "firm",
        "attendee_type": "type",
        "attendee_amount": "part",
        "attendee_count": "count",
        "unnamed_guests": "more",
        "rep_present": "present",
    },
    "values": {
        "attendee_type": {"guest": "institutional_employee", "us": "host", "spouse": "guest", "away": "no_show"},
        "expense_kind": {"meal": "meal", "gift": "gift", "taxi": "skip"},
    },
    "defaults": {"rep_present": "yes"},
}
WHOLE = {
    "source_expense_id": "7", "rep_ref": "rhea", "occurred_on": "2026-05-04", "expense_kind": "meal",
    "amount": "100.00", "currency": "USD",
}  # fmt: skip


def money(code: str) -> Currency | None:
    return {"USD": Currency("USD", 2), "JPY": Currency("JPY", 0)}.get(code)


def line(*attendees: dict[str, str], **main: str) -> Line:
    rows = [Row(number, {**WHOLE, **main, **one}) for number, one in enumerate(attendees or ({},), 2)]
    profile = read_profile(PROFILE)
    return read_line(profile, [Row(row.number, {k: v for k, v in row.cells.items() if v}) for row in rows], money, UTC)


def who(name: str, type: str = "guest", **more: str) -> dict[str, str]:
    return {"attendee_name": name, "attendee_type": type, **more}


def shares(one: Line) -> list[int | None]:
    assert one.faults == ()
    assert one.entry is not None
    return [person.share for person in one.entry.people]


def test_a_line_is_an_entry_of_everybody_it_lists():
    one = line(who("Dana", attendee_company="North"), who("Eli"), who("Rhea", "us"))
    assert shares(one) == [None, None]
    assert one.entry is not None
    assert (one.first_row, one.last_row, one.identity) == (2, 4, '["rows","7",""]')
    assert (one.entry.hosts, one.entry.hosts_present, one.entry.missing) == (("Rhea",), True, ())


def test_parts_that_are_stated_are_kept_and_must_add_up():
    parts = [who("Dana", attendee_amount="40.00"), who("Eli", attendee_amount="35.00")]
    one = line(*parts, who("Rhea", "us", attendee_amount="25.00"))
    assert shares(one) == [4000, 3500]
    assert one.entry is not None
    assert one.entry.hosts_share == 2500
    assert [fault.code for fault in line(*parts).faults] == ["shares_do_not_add_up"]
    assert [fault.code for fault in line(parts[0], who("Eli")).faults] == ["shares_do_not_add_up"]


@pytest.mark.parametrize(
    ("attendees", "parts", "rest"),
    [
        pytest.param([who("Dana"), who("Eli", "away")], [3334], 6666, id="whoever did not come keeps their part"),
        pytest.param([who("Dana", attendee_count="3")], [7500], 2500, id="people without a name count with their host"),
        pytest.param([who("Dana"), {"unnamed_guests": "2"}], [2500], 7500, id="people without a name and a host"),
    ],
)
def test_nobody_gets_the_part_of_somebody_without_a_name(attendees, parts, rest):
    one = line(*attendees)
    assert shares(one) == parts
    assert one.entry is not None
    assert one.entry.hosts_share == rest


def test_a_spouse_is_the_guest_of_the_client_above():
    one = line(who("Dana"), who("Sam", "spouse"))
    assert one.entry is not None
    assert one.entry.people[1].guest_of == one.entry.people[0].who
    assert [fault.code for fault in line(who("Sam", "spouse"), who("Dana")).faults] == ["guest_of_nobody"]


@pytest.mark.parametrize(
    ("one", "faults"),
    [
        pytest.param(line(who("Dana"), amount="-5.00"), [(2, "amount", "credit_line")], id="a credit"),
        pytest.param(line(who("Dana"), amount="0"), [(2, "amount", "amount_not_positive")], id="nothing"),
        pytest.param(line(who("Dana"), currency="XXB"), [(2, "currency", "unknown_currency")], id="no currency"),
        pytest.param(line(who("Dana", "alien")), [(2, "attendee_type", "unknown_attendee_type")], id="no type"),
        pytest.param(line(who("Dana"), expense_kind="bribe"), [(2, "expense_kind", "unknown_expense_kind")],
                     id="no kind"),
        pytest.param(line(who("Dana"), amount="", occurred_on=""),
                     [(2, "occurred_on", "missing"), (2, "amount", "missing")], id="two things at once"),
        pytest.param(line(who("Dana"), who("Eli", amount="90.00")), [(3, "amount", "rows_disagree")], id="two amounts"),
        pytest.param(line(), [(2, "attendee_name", "nobody_listed")], id="nobody"),
        pytest.param(line(who("...")), [(2, "attendee_name", "no_name")], id="no name"),
        pytest.param(line(who("x" * 5000)), [(2, "attendee_name", "cell_too_long")], id="an endless name"),
        pytest.param(line(who("Dana"), {"unnamed_guests": "1"}, expense_kind="gift"),
                     [(2, "attendee_name", "unnamed_guests_of_nobody")], id="a gift to nobody in particular"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_row_and_column(one: Line, faults):
    assert [(fault.row, fault.column, fault.code) for fault in one.faults] == faults
    assert one.entry is None


def test_what_is_nothing_of_ours_is_left_out():
    assert line(who("Dana"), expense_kind="taxi").skipped
    assert line(who("Rhea", "us")).skipped


CELLS = st.dictionaries(
    st.sampled_from([*PROFILE["columns"], "receipt_ref"]),
    st.one_of(st.text(max_size=12), st.sampled_from(["2026-05-04", "10.00", "USD", "meal", "guest", "us", "3", "yes"])),
    max_size=12,
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_any_rows_make_a_complete_entry_or_say_why_not(rows: list[dict[str, str]]):
    one = read_line(
        read_profile(PROFILE),
        [Row(number, {k: v for k, v in cells.items() if v}) for number, cells in enumerate(rows)],
        money,
        UTC,
    )
    if one.entry is not None:
        draft = one.entry.draft()
        stated = [person.share for person in draft.people if person.share is not None]
        assert not stated or sum(stated) + draft.hosts_share == draft.total
    else:
        assert one.faults or one.skipped


# Profiles


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"columns": {}}, "/columns/occurred_on", id="no columns"),
        pytest.param({"date_order": "ydm"}, "/date_order", id="no order"),
        pytest.param({"layout": "c"}, "/layout", id="no layout"),
        pytest.param({"nonsense": 1}, "/nonsense", id="no field"),
        pytest.param({"version": "1"}, "/version", id="no number"),
        pytest.param({"values": {"expense_kind": {"x": "bribe"}}}, "/values/expense_kind/x", id="no kind"),
        pytest.param({"values": {"expense_kind": {"x": True}}}, "/values/expense_kind/x", id="yes without quotes"),
        pytest.param({"defaults": {"rep_present": True}}, "/defaults/rep_present", id="a default without quotes"),
        pytest.param({"columns": PROFILE["columns"] | {"nonsense": "x"}}, "/columns/nonsense", id="no such column"),
        pytest.param({"columns": PROFILE["columns"] | {"venue": "who"}}, "/columns", id="one header for two"),
        pytest.param({"separators": []}, "/separators", id="no separators"),
    ],
)  # fmt: skip
def test_a_profile_says_where_it_is_wrong(change: dict[str, Any], pointer: str):
    with pytest.raises(ProfileInvalid) as refused:
        read_profile({**PROFILE, **change})
    assert pointer in [fault.pointer for fault in refused.value.faults]
