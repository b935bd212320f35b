"""Regimes: that each rule of each pack does what its regulation says, to the cent and on both sides of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.domain.entries import Direction, Entry, Kind, Listed, Value
from app.domain.money import Currency, parse_minor
from app.domain.policies import PolicyBook, parse
from app.domain.screening import Outcome, results
from app.services import packs

USD = Currency("USD", 2)
BEFORE, AFTER = date(2026, 3, 29), date(2026, 3, 30)
MAY_4 = date(2026, 5, 4)
WITHIN, WARNING, VIOLATION, EXCLUDED = Outcome.WITHIN, Outcome.WARNING, Outcome.VIOLATION, Outcome.EXCLUDED


def entry(amount: str, who: str, on: date = MAY_4, **changes: Any) -> Entry:
    """A gift from one of our people to one person; meals and the like are hosted, and our host eats nothing."""
    kind = changes.pop("kind", Kind.GIFT)
    return Entry(
        **{
            "id": "ent_1",
            "sequence": 1,
            "occurred_on": on,
            "kind": kind,
            "direction": Direction.GIVEN,
            "giver": "rep_1",
            "total": parse_minor(amount, 2),
            "currency": USD,
            "recipients": (Listed("rec_1", "emp_1", who),),
            "hosts_present": None if kind is Kind.GIFT else True,
            "hosts": None if kind is Kind.GIFT else (),
            **changes,
        }
    )


def hosted(amount: str, who: str = "institutional_employee", on: date = MAY_4, **changes: Any) -> Entry:
    return entry(amount, who, on, **{"kind": Kind.MEAL, **changes})


def received(amount: str, on: date = MAY_4, **changes: Any) -> Entry:
    return entry(amount, "own_associated_person", on, **{"direction": Direction.RECEIVED, **changes})


def flagged(amount: str, who: str, *flags: str, **changes: Any) -> Entry:
    return entry(amount, who, flags=frozenset(flags), **changes)


def outcomes(pack: str, rule_id: str, entries: Sequence[Entry]) -> list[Outcome]:
    """What one rule of a pack says of entries, in the order given."""
    numbered = [replace(one, id=f"ent_{place}", sequence=place) for place, one in enumerate(entries)]
    policy = parse(packs.pack(pack), packs.exponent).published("pol_1", version=1, effective_from=date(2000, 1, 1))
    found = {
        one.line.entry_id: one.outcome for one in results(PolicyBook([policy]), numbered) if one.line.rule_id == rule_id
    }
    return [found[one.id] for one in numbered if one.id in found]


CLIENT, REP, OWN = "institutional_employee", "third_party_representative", "own_associated_person"
TICKET = frozenset({"ticket"})
APPROVED = {"preapproved_on": date(2026, 5, 1)}

FINRA_3220 = [
    pytest.param([entry("100.00", CLIENT, BEFORE)], [WARNING], id="100.00 before the change"),
    pytest.param([entry("100.01", CLIENT, BEFORE)], [VIOLATION], id="100.01 before the change"),
    pytest.param([entry("239.99", CLIENT, AFTER)], [WITHIN], id="a cent below the warning"),
    pytest.param([entry("240.00", CLIENT, AFTER)], [WARNING], id="at the warning"),
    pytest.param([entry("300.00", CLIENT, AFTER)], [WARNING], id="300.00 after the change"),
    pytest.param([entry("300.01", CLIENT, AFTER)], [VIOLATION], id="300.01 after the change"),
    pytest.param([entry("90.00", CLIENT, BEFORE), entry("210.01", CLIENT, AFTER)], [WARNING, VIOLATION], id="one year"),
    pytest.param(
        [entry("300.00", CLIENT), entry("300.00", CLIENT, date(2027, 1, 1))], [WARNING, WARNING], id="a new year is new"
    ),
    pytest.param(
        [entry("100.00", CLIENT, BEFORE, value=Value(market=100_01))],
        [VIOLATION],
        id="before: higher of cost or market",
    ),
    pytest.param([entry("300.00", CLIENT, AFTER, value=Value(market=900_00))], [WARNING], id="after: cost"),
    pytest.param([entry("300.00", CLIENT, value=Value(face=300_01), flags=TICKET)], [VIOLATION], id="a ticket's face"),
    pytest.param([hosted("900.00")], [EXCLUDED], id="hosted entertainment is no gift"),
    pytest.param([hosted("900.00", hosts_present=False)], [VIOLATION], id="a ticket nobody of ours uses is a gift"),
    pytest.param([entry("900.00", "retail_customer")], [EXCLUDED], id="a retail customer"),
    pytest.param([entry("900.00", OWN)], [EXCLUDED], id="our own people"),
    pytest.param([received("900.00")], [EXCLUDED], id="received"),
]
FINRA_2341_GIVEN = [
    pytest.param([entry("100.01", REP, BEFORE)], [VIOLATION], id="100.01 before the change"),
    pytest.param([entry("300.00", REP, AFTER)], [WARNING], id="300.00 after the change"),
    pytest.param([entry("300.01", REP, AFTER)], [VIOLATION], id="300.01 after the change"),
    pytest.param([entry("300.01", CLIENT)], [], id="others than representatives"),
]
FINRA_2341_RECEIVED = [
    pytest.param([received("100.01", BEFORE)], [VIOLATION], id="100.01 before the change"),
    pytest.param([received("300.00", AFTER)], [WARNING], id="300.00 after the change"),
    pytest.param([received("300.01", AFTER)], [VIOLATION], id="300.01 after the change"),
    pytest.param(
        [received("200.00", giver="Wholesaler A"), received("100.01", giver="Wholesaler B")],
        [WITHIN, VIOLATION],
        id="whoever gives",
    ),
]
PRECONDITION = [
    pytest.param([flagged("0.01", REP, "sales_precondition")], [VIOLATION], id="one cent"),
    pytest.param([flagged("0.01", CLIENT, "sales_precondition", kind=Kind.MEAL)], [VIOLATION], id="a hosted meal"),
    pytest.param([entry("0.01", REP)], [], id="without a condition"),
    pytest.param([flagged("0.01", OWN, "sales_precondition")], [EXCLUDED], id="inside the firm"),
]
TRAINING = [
    pytest.param([hosted("0.01", REP, flags=frozenset({"training_guest_expense"}))], [VIOLATION], id="theirs"),
    pytest.param([hosted("0.01", OWN, flags=frozenset({"training_guest_expense"}))], [VIOLATION], id="our own"),
    pytest.param([received("0.01", flags=frozenset({"training_guest_expense"}))], [VIOLATION], id="received"),
    pytest.param([hosted("0.01", REP)], [], id="no guest's expense"),
]
G_20 = [
    pytest.param([entry("100.00", "municipal_official")], [WARNING], id="100.00"),
    pytest.param([entry("100.01", "municipal_official")], [VIOLATION], id="100.01"),
    pytest.param([entry("50.00", "municipal_official", value=Value(market=100_01))], [VIOLATION], id="market value"),
    pytest.param([hosted("900.00", "municipal_official")], [EXCLUDED], id="normal business dealings"),
    pytest.param([entry("100.01", CLIENT)], [], id="others than municipal officials"),
]
FIDUCIARY = [
    pytest.param([entry("199.99", "plan_fiduciary")], [WITHIN], id="199.99"),
    pytest.param([entry("249.99", "plan_fiduciary")], [WARNING], id="249.99"),
    pytest.param([entry("250.00", "plan_fiduciary")], [VIOLATION], id="250.00"),
    pytest.param(
        [entry("100.00", "plan_fiduciary"), hosted("150.00", "plan_fiduciary", giver="rep_2")],
        [WITHIN, VIOLATION],
        id="gifts and meals of everybody together",
    ),
    pytest.param([flagged("0.01", "plan_fiduciary", "cash_equivalent")], [VIOLATION], id="cash"),
]
UNION = [
    pytest.param([entry("250.00", "union_official")], [WARNING], id="250.00"),
    pytest.param([entry("250.01", "union_official")], [VIOLATION], id="250.01"),
    pytest.param(
        [entry("20.00", "union_official"), entry("250.00", "union_official")], [EXCLUDED, WARNING], id="20.00"
    ),
    pytest.param(
        [hosted("20.01", "union_official"), entry("230.00", "union_official")], [WITHIN, VIOLATION], id="20.01"
    ),
]
OCCASION = [
    pytest.param([entry("20.00", "federal_executive")], [WITHIN], id="20.00"),
    pytest.param([entry("20.01", "federal_executive")], [VIOLATION], id="20.01"),
    pytest.param([entry("15.00", "federal_executive", value=Value(market=20_01))], [VIOLATION], id="market value"),
    pytest.param([entry("25.00", "federal_executive", repaid=5_00)], [VIOLATION], id="no buying down"),
    pytest.param([flagged("0.01", "federal_executive", "cash_equivalent")], [VIOLATION], id="cash"),
    pytest.param(
        [
            hosted(
                "20.02",
                recipients=(
                    Listed("rec_1", "emp_1", "federal_executive"),
                    Listed("rec_2", None, "family", guest_of="rec_1"),
                ),
            )
        ],
        [VIOLATION],
        id="a spouse's part is theirs",
    ),
]
EXECUTIVE_YEAR = [
    pytest.param(
        [entry(amount, "federal_executive") for amount in ("20.00", "20.00", "10.00")],
        [WITHIN, WARNING, WARNING],
        id="50.00",
    ),
    pytest.param(
        [entry(amount, "federal_executive") for amount in ("20.00", "20.00", "10.01")],
        [WITHIN, WARNING, VIOLATION],
        id="50.01",
    ),
]
CONGRESS_ITEM = [
    pytest.param([entry("49.99", "congress")], [WITHIN], id="49.99"),
    pytest.param([entry("50.00", "congress")], [VIOLATION], id="50.00"),
    pytest.param([flagged("0.01", "congress", "cash_equivalent")], [VIOLATION], id="a gift card is cash"),
    pytest.param([entry("52.00", "congress", value=Value(tax=2_01))], [WITHIN], id="before tax"),
]
CONGRESS_YEAR = [
    pytest.param([entry("49.99", "congress")] * 2, [WITHIN, WARNING], id="99.98"),
    pytest.param([entry("49.99", "congress"), entry("50.01", "congress")], [WITHIN, VIOLATION], id="100.00"),
    pytest.param(
        [entry("9.99", "congress"), entry("99.99", "congress")], [EXCLUDED, WARNING], id="9.99 is not counted"
    ),
    pytest.param([entry("10.00", "congress"), entry("90.00", "congress")], [WITHIN, VIOLATION], id="10.00 is counted"),
]
LOBBYIST = [
    pytest.param([flagged("0.01", "congress", "lobbyist_source")], [VIOLATION], id="one cent"),
    pytest.param([entry("0.01", "congress")], [], id="from anybody else"),
]
STAFF = [
    pytest.param([entry("50.00", "finra_staff")], [WITHIN], id="50.00"),
    pytest.param([hosted("50.01", "finra_staff")], [VIOLATION], id="50.01"),
]
EVENT = [
    pytest.param([hosted("250.00")], [WARNING], id="250.00"),
    pytest.param([hosted("250.01")], [VIOLATION], id="250.01"),
    pytest.param([hosted("500.00", hosts=("rep_1",))], [WARNING], id="a head, our host's included"),
    pytest.param([hosted("250.01", **APPROVED)], [EXCLUDED], id="approved beforehand"),
]
ENTERTAINMENT_YEAR = [
    pytest.param([hosted("1500.00")], [WARNING], id="1,500.00"),
    pytest.param([hosted("1500.01")], [VIOLATION], id="1,500.01"),
    pytest.param([hosted("1500.01", **APPROVED)], [VIOLATION], id="approval of an event clears no year"),
]
FREQUENCY = [
    pytest.param([hosted("9.00")] * 9, [WITHIN] * 9, id="nine events"),
    pytest.param([hosted("9.00")] * 13, [WITHIN] * 9 + [WARNING] * 3 + [VIOLATION], id="the thirteenth"),
    pytest.param(
        [hosted("9.00")] * 12 + [hosted("9.00", on=date(2027, 5, 4))],
        [WITHIN] * 9 + [WARNING] * 3 + [WITHIN],
        id="the thirteenth a year later",
    ),
]
TRAVEL = [
    pytest.param([hosted("0.01", kind=Kind.TRAVEL)], [VIOLATION], id="not approved"),
    pytest.param([hosted("900.00", kind=Kind.LODGING, **APPROVED)], [EXCLUDED], id="approved beforehand"),
]


def behaviours() -> list[Any]:
    """Every table above, as (pack, rule, entries, outcomes)."""
    tables = {
        ("finra-3220", "finra-3220-gifts"): FINRA_3220,
        ("finra-2070", "finra-2070-staff"): STAFF,
        ("finra-2341", "finra-2341-gifts-given"): FINRA_2341_GIVEN,
        ("finra-2341", "finra-2341-gifts-received"): FINRA_2341_RECEIVED,
        ("finra-2341", "finra-2341-sales-precondition"): PRECONDITION,
        ("finra-2341", "finra-2341-sales-precondition-received"): [
            pytest.param([received("0.01", flags=frozenset({"sales_precondition"}))], [VIOLATION], id="one cent"),
        ],
        ("finra-2341", "finra-2341-training-guest-expense"): TRAINING,
        ("msrb-g20", "msrb-g20-gifts"): G_20,
        ("msrb-g20", "msrb-g20-offering-proceeds"): [
            pytest.param([hosted("0.01", flags=frozenset({"offering_proceeds"}))], [VIOLATION], id="one cent"),
        ],
        ("erisa-fiduciary", "erisa-fiduciary-year"): FIDUCIARY,
        ("lm-10", "lm-10-year"): UNION,
        ("executive-branch", "executive-branch-occasion"): OCCASION,
        ("executive-branch", "executive-branch-year"): EXECUTIVE_YEAR,
        ("congress", "congress-item"): CONGRESS_ITEM,
        ("congress", "congress-year"): CONGRESS_YEAR,
        ("congress", "congress-lobbyist"): LOBBYIST,
        ("firm-entertainment", "firm-entertainment-event"): EVENT,
        ("firm-entertainment", "firm-entertainment-year"): ENTERTAINMENT_YEAR,
        ("firm-entertainment", "firm-entertainment-frequency"): FREQUENCY,
        ("firm-entertainment", "firm-travel-approval"): TRAVEL,
    }
    return [
        pytest.param(pack, rule, *case.values, id=f"{rule}: {case.id}")
        for (pack, rule), table in tables.items()
        for case in table
    ]


@pytest.mark.parametrize(("pack", "rule", "entries", "expected"), behaviours())
def test_a_rule_does_what_its_regulation_says(pack, rule, entries, expected):
    assert outcomes(pack, rule, entries) == expected


def test_every_rule_that_ships_is_in_the_tables():
    assert {case.values[1] for case in behaviours()} == {
        rule["id"] for name in packs.pack_names() for rule in packs.pack(name)["rules"]
    }
