"""Counting: what one entry adds, and for whom: worth, shares, guests, conversion and exclusions, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.domain.entries import (
    Direction,
    GuestOfNobody,
    Kind,
    ListedTwice,
    SharesDoNotAddUp,
    Standing,
    ValueBelowZero,
    check,
)
from app.domain.policies import CLAIMS, Basis, Dated, ItemFloor, Measure, Period, PeriodType, Policy, Valuation
from app.domain.screening import Weighing, count
from app.domain.screening.counting import NoRate, apportion
from tests.domain.screening.cast import (
    CLIENT,
    DANA,
    EUR,
    EVERYTHING,
    HOSTED,
    JPY,
    LENA,
    MAX,
    MAY_4,
    OMAR,
    USD,
    answers,
    counted,
    dinner,
    gift,
    of_one,
    prohibited,
    rule,
    settings,
)

DAY = timedelta(days=1)
HOSPITALITY = rule(counts=HOSTED)
ALL = rule(counts=EVERYTHING)
COST, MARKET = rule(), rule(valuation=(Dated(Valuation.MARKET),))
HIGHER = rule(valuation=(Dated(Valuation.HIGHER_OF_COST_OR_MARKET),))
NEW_YEAR = date(2027, 1, 1)
FROM_2027 = rule(
    valuation=(
        Dated(Valuation.COST, None, NEW_YEAR - DAY),
        Dated(Valuation.HIGHER_OF_COST_OR_MARKET, NEW_YEAR, None),
    )
)
IN_2027 = gift("100.00", NEW_YEAR, value={"market": "150.00"})


def counts(under, entry, how=None) -> list[str]:
    """What each result counts, or why it does not."""
    return [amount if word not in EXCLUDED else word for _, (amount, _, word) in answers(under, [entry], how)]


EXCLUDED = {
    "cancelled",
    "returned",
    "direction_not_covered",
    "retail_customer",
    "own_associated_person",
    "non_member_affiliate",
    *CLAIMS,
    "business_entertainment",
    "prior_approval",
    "below_item_floor",
}


# Worth


@pytest.mark.parametrize(
    ("under", "entry", "worth"),
    [
        pytest.param(COST, gift("100.00"), "100.00", id="a gift is worth what was paid"),
        pytest.param(
            COST,
            gift("100.00", value={"tax": "8.00", "delivery": "10.00", "tip": "2.00"}),
            "80.00",
            id="tax, delivery and tip come off a gift",
        ),
        pytest.param(
            COST, gift("100.00", value={"tax": "8.00", "cost": "95.00"}), "95.00", id="a stated cost is taken as it is"
        ),
        pytest.param(COST, gift("100.00", value={"market": "150.00"}), "100.00", id="cost looks at no market"),
        pytest.param(HIGHER, gift("100.00", value={"market": "150.00"}), "150.00", id="the higher is the market"),
        pytest.param(HIGHER, gift("100.00", value={"market": "50.00"}), "100.00", id="the higher is the cost"),
        pytest.param(MARKET, gift("100.00", value={"market": "50.00"}), "50.00", id="market may be lower"),
        pytest.param(MARKET, gift("100.00"), "100.00", id="market unknown falls back to cost"),
        pytest.param(
            COST, gift("100.00", flags={"ticket"}, value={"face": "120.00"}), "120.00", id="a ticket's face value"
        ),
        pytest.param(
            COST, gift("100.00", flags={"ticket"}, value={"face": "80.00"}), "100.00", id="a ticket over its face value"
        ),
        pytest.param(COST, gift("100.00", value={"face": "120.00"}), "100.00", id="a face value without a ticket"),
        pytest.param(
            MARKET,
            gift("100.00", flags={"ticket"}, value={"face": "120.00"}),
            "120.00",
            id="the face value where market falls back to cost",
        ),
        pytest.param(FROM_2027, gift("100.00", NEW_YEAR - DAY, value={"market": "150.00"}), "100.00", id="last year"),
        pytest.param(FROM_2027, IN_2027, "150.00", id="a rule that values otherwise from New Year on"),
        pytest.param(
            HOSPITALITY,
            dinner("100.00", hosts=(), value={"tax": "8.00", "tip": "20.00", "delivery": "2.00"}),
            "100.00",
            id="a hosted bill is taken whole",
        ),
        pytest.param(
            rule(counts=HOSTED, valuation=(Dated(Valuation.MARKET),)),
            dinner("100.00", hosts=(), flags={"ticket"}, value={"market": "1.00", "cost": "2.00", "face": "300.00"}),
            "100.00",
            id="cost, face and market are nothing to a dinner",
        ),
        pytest.param(COST, gift("100.00", repaid=30_00), "70.00", id="what was repaid comes off"),
        pytest.param(
            HIGHER,
            gift("100.00", value={"market": "150.00"}, repaid=30_00),
            "120.00",
            id="it comes off after the valuation",
        ),
        pytest.param(COST, gift("100.00", repaid=130_00), "0.00", id="never below nothing"),
        pytest.param(rule(repay_nets=False), gift("100.00", repaid=30_00), "100.00", id="no buying down"),
    ],
)
def test_what_an_entry_is_worth_under_a_rule(under, entry, worth):
    assert counts(under, entry) == [worth]


def test_tax_and_tip_come_off_a_hosted_bill_where_the_firm_says_so():
    bill = dinner("100.00", hosts=(), value={"tax": "8.00", "tip": "20.00", "delivery": "2.00"})
    assert counts(HOSPITALITY, bill, settings(entertainment_tax_tip="exclude")) == ["72.00"]


@pytest.mark.parametrize(
    ("entry", "how"),
    [
        pytest.param(gift("10.00", value={"tax": "8.00", "delivery": "2.01"}), settings(), id="a gift"),
        pytest.param(
            dinner("10.00", value={"tip": "10.01"}), settings(entertainment_tax_tip="exclude"), id="a hosted bill"
        ),
    ],
)
def test_what_comes_off_is_never_more_than_was_paid(entry, how):
    with pytest.raises(ValueBelowZero):
        count(Policy("policy", 1, "Policy", date.min, (ALL,), how), entry)


# Shares


@pytest.mark.parametrize(
    ("under", "entry", "parts"),
    [
        pytest.param(COST, gift("100.00", MAY_4, DANA, OMAR, LENA), ["33.34", "33.33", "33.33"], id="a gift to three"),
        pytest.param(HOSPITALITY, dinner("100.00"), ["50.00"], id="the giver eats too"),
        pytest.param(HOSPITALITY, dinner("100.00", hosts=("rhea", "ravi")), ["33.34"], id="two hosts eat too"),
        pytest.param(HOSPITALITY, dinner("100.00", hosts=()), ["100.00"], id="no host eats"),
        pytest.param(
            COST, dinner("100.00", hosts_present=False, hosts=("rhea",)), ["100.00"], id="a host who was not there"
        ),
        pytest.param(
            COST,
            gift("90.00", MAY_4, replace(DANA, share=60_00), replace(OMAR, share=30_00)),
            ["60.00", "30.00"],
            id="stated shares",
        ),
        pytest.param(
            COST,
            gift("90.00", MAY_4, replace(DANA, share=60_00), replace(OMAR, share=30_00), value={"tax": "9.00"}),
            ["54.00", "27.00"],
            id="stated shares of what is left after tax",
        ),
        pytest.param(
            HOSPITALITY,
            dinner("90.00", MAY_4, replace(DANA, share=50_00), replace(OMAR, share=10_00), hosts_share=30_00),
            ["50.00", "10.00"],
            id="stated shares beside the hosts'",
        ),
        pytest.param(counted("4"), dinner("100.00", MAY_4, DANA, OMAR), ["1", "1"], id="one event for each"),
    ],
)
def test_each_persons_part(under, entry, parts):
    check(entry)
    assert counts(under, entry) == parts


def test_only_recipients_divide_a_bill_where_the_firm_says_so():
    assert counts(HOSPITALITY, dinner("100.00"), settings(entertainment_split="recipients_only")) == ["100.00"]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(gift("90.00", MAY_4, replace(DANA, share=60_00), OMAR), id="for some and not for others"),
        pytest.param(gift("90.00", MAY_4, replace(DANA, share=89_99)), id="a cent too little"),
        pytest.param(
            dinner("90.00", MAY_4, replace(DANA, share=90_00), hosts_share=1), id="a cent too much with the hosts'"
        ),
        pytest.param(
            dinner("90.00", MAY_4, replace(DANA, share=0), hosts_share=90_00, hosts_present=False),
            id="hosts who were not there have no share",
        ),
    ],
)
def test_stated_shares_add_up_to_the_total(entry):
    with pytest.raises(SharesDoNotAddUp):
        check(entry)


# Guests


OF_LENA = replace(MAX, guest_of="lena", client_employer_id="calder", client_type=CLIENT)


@pytest.mark.parametrize(
    ("under", "how", "found"),
    [
        pytest.param(HOSPITALITY, {}, [("dana", "66.66"), ("lena", "33.34")], id="the client's, absent or not"),
        pytest.param(counted("4"), {}, [("dana", "1"), ("lena", "1")], id="as one event for each client"),
        pytest.param(
            HOSPITALITY,
            {"guest_attribution": "own_person"},
            [("mia", "33.34"), ("dana", "33.33"), ("max", "33.33")],
            id="their own",
        ),
        pytest.param(
            counted("4"),
            {"guest_attribution": "own_person"},
            [("mia", "1"), ("dana", "1"), ("max", "1")],
            id="as an event of their own",
        ),
        pytest.param(HOSPITALITY, {"guest_attribution": "not_counted"}, [("dana", "33.33")], id="nobody's"),
        pytest.param(
            replace(HOSPITALITY, basis=Basis.PER_EMPLOYER),
            {},
            [("calder", "33.34"), ("northgate", "66.66")],
            id="their client's employer's",
        ),
    ],
)
def test_whose_a_guests_share_is(under, how, found):
    """Max came with Dana, Mia in Lena's place; nobody of ours ate."""
    mia = replace(OF_LENA, recipient_id="mia", type=CLIENT)
    bill = dinner("100.00", MAY_4, mia, DANA, replace(MAX, type=CLIENT), hosts=())
    assert sorted((who, answer[0]) for who, answer in answers(under, [bill], settings(**how))) == sorted(found)


def test_a_client_who_is_there_is_what_their_own_line_says():
    """The guest says that Dana is one of our own people, who would be excluded; Dana's line says otherwise."""
    guest = replace(MAX, client_type="own_associated_person")
    assert answers(HOSPITALITY, [dinner("100.00", MAY_4, guest, DANA, hosts=())]) == [
        ("dana", ("100.00", "100.00", "within"))
    ]


@pytest.mark.parametrize("attribution", ["to_client", "own_person", "not_counted"])
def test_somebody_says_who_an_absent_client_is(attribution):
    with pytest.raises(GuestOfNobody):
        check(dinner("100.00", MAY_4, replace(OF_LENA, client_type=None)))


def test_nobody_is_listed_twice():
    with pytest.raises(ListedTwice):
        check(gift("100.00", MAY_4, DANA, DANA))


# Merged records


ONE = {"lena": "dana"}


@pytest.mark.parametrize(
    ("people", "merged", "employer"),
    [
        pytest.param((LENA, DANA), {"lena": "dana"}, "northgate", id="the kept one's place wins, wherever it stands"),
        pytest.param((LENA, OMAR), {"lena": "dana", "omar": "dana"}, "calder", id="of two dropped ones the first"),
        pytest.param((LENA, OMAR), {"lena": "omar", "omar": "dana"}, "northgate", id="or the one fewer merges away"),
        pytest.param(
            (replace(MAX, guest_of="dana", client_employer_id="harrow", client_type=CLIENT), LENA),
            {"lena": "dana"},
            "calder",
            id="a line of their own before what a guest says",
        ),
    ],
)
def test_where_somebody_with_several_records_works(people, merged, employer):
    entry = dinner("100.00", MAY_4, *people, hosts=()).with_people(merged)
    under = replace(HOSPITALITY, basis=Basis.PER_EMPLOYER)
    assert answers(under, [entry]) == [(employer, ("100.00", "100.00", "within"))]


def test_shares_of_merged_records_are_one_persons():
    entry = gift("100.01", MAY_4, DANA, LENA).with_people(ONE)
    assert answers(COST, [entry]) == [("dana", ("100.01", "100.01", "within"))]


def test_a_guest_follows_the_merged_client():
    entry = dinner("100.00", MAY_4, DANA, OF_LENA, hosts=()).with_people(ONE)
    assert answers(HOSPITALITY, [entry]) == [("dana", ("100.00", "100.00", "within"))]


# Currencies


FX = settings(fx={"EUR": {MAY_4: "1.0835"}, "JPY": {MAY_4: "0.00671"}})


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        pytest.param(gift("100.00", currency=EUR), ["108.35"], id="euros"),
        pytest.param(gift("0.10", currency=EUR), ["0.11"], id="0.10835 half up"),
        pytest.param(gift("1000", currency=JPY), ["6.71"], id="yen, which have no cents"),
        pytest.param(
            gift("100.01", MAY_4, DANA, OMAR, LENA, currency=EUR),
            ["36.12", "36.12", "36.12"],
            id="converted before it is divided",
        ),
        pytest.param(
            gift("100.00", currency=EUR, repaid=10_00), ["97.52"], id="a repayment comes off before the conversion"
        ),
        pytest.param(gift("100.00", MAY_4 + DAY, currency=USD), ["100.00"], id="dollars need no rate"),
    ],
)
def test_an_amount_in_another_currency(entry, parts):
    assert counts(COST, entry, FX) == parts


def test_without_a_rate_of_the_day_nothing_is_counted():
    with pytest.raises(NoRate):
        count(Policy("policy", 1, "Policy", date.min, (COST,), FX), gift("100.00", MAY_4 + DAY, currency=EUR))


# Exclusions


def claiming(claim: str, amount: str = "40.00", **changes) -> object:
    return gift(amount, flags={claim}, **changes)


AGREED = {"agreement_on": MAY_4 - DAY}
NEAR = {"relationship": "close_friend", "life_event": "wedding"}
MOURNED = {"bereaved": "parent", "reasonable": True}
COUSIN = MOURNED | {"bereaved": "cousin"}
LOGO = {"logo": True}
OURS = {"paid_by": "associated_person"}
COMPENSATION, DISASTER = "compensation_agreement", "disaster_donation"


@pytest.mark.parametrize(
    ("under", "entry", "reason"),
    [
        pytest.param(COST, claiming(COMPENSATION, facts=AGREED), COMPENSATION, id="agreed before"),
        pytest.param(COST, claiming(COMPENSATION, facts={"agreement_on": MAY_4}), "40.00", id="agreed on the day"),
        pytest.param(COST, claiming(COMPENSATION), "40.00", id="agreed at no time"),
        pytest.param(COST, claiming(DISASTER, facts={"declaration": "DR-1"}), DISASTER, id="a disaster"),
        pytest.param(COST, claiming(DISASTER), "40.00", id="a disaster nobody declared"),
        pytest.param(COST, claiming("bereavement", facts=MOURNED), "bereavement", id="a parent's death"),
        pytest.param(COST, claiming("bereavement", facts=COUSIN), "40.00", id="a cousin's death"),
        pytest.param(COST, claiming("bereavement", facts=MOURNED | {"reasonable": False}), "40.00", id="too much"),
        pytest.param(COST, claiming("personal", facts=NEAR, **OURS), "personal", id="a friend's wedding"),
        pytest.param(COST, claiming("personal", facts=NEAR), "40.00", id="a friend's wedding on the firm"),
        pytest.param(
            COST,
            claiming("personal", facts=NEAR | {"relationship": "colleague"}, **OURS),
            "40.00",
            id="a colleague's wedding",
        ),
        pytest.param(
            COST,
            claiming("personal", facts={"relationship": "family"}, **OURS),
            "40.00",
            id="family without an occasion",
        ),
        pytest.param(
            COST, claiming("commemorative", facts={"decorative_only": True}), "commemorative", id="a tombstone"
        ),
        pytest.param(COST, claiming("commemorative"), "40.00", id="a tombstone of some use"),
        pytest.param(COST, claiming("promotional", "50.00", facts=LOGO), "promotional", id="a logo, at the ceiling"),
        pytest.param(COST, claiming("promotional", "50.01", facts=LOGO), "50.01", id="a logo, over the ceiling"),
        pytest.param(COST, claiming("promotional"), "40.00", id="no logo"),
        pytest.param(COST, claiming("de_minimis", "50.00"), "de_minimis", id="little, at the ceiling"),
        pytest.param(COST, claiming("de_minimis", "50.01"), "50.01", id="little, over the ceiling"),
        pytest.param(COST, gift("1.00"), "1.00", id="little, but nobody said so"),
        pytest.param(rule(excludes=frozenset()), claiming("de_minimis"), "40.00", id="a claim the rule does not take"),
    ],
)
def test_a_claim_needs_its_flag_and_its_facts(under, entry, reason):
    assert counts(under, entry) == [reason]


APPROVED = rule(cleared_by_prior_approval=True)
UNDER_20, TO_20 = rule(item_floor=ItemFloor(20_00, inclusive=False)), rule(item_floor=ItemFloor(20_00, inclusive=True))


@pytest.mark.parametrize(
    ("under", "entry", "found"),
    [
        pytest.param(COST, gift("9.00", standing=Standing.CANCELLED), ["cancelled"], id="withdrawn"),
        pytest.param(COST, gift("9.00", standing=Standing.RETURNED), ["returned"], id="given back"),
        pytest.param(COST, gift("9.00", direction=Direction.RECEIVED), ["direction_not_covered"], id="received"),
        pytest.param(rule(direction="both"), gift("9.00", direction=Direction.RECEIVED), ["9.00"], id="either way"),
        pytest.param(
            COST, gift("9.00", MAY_4, replace(DANA, type="retail_customer")), ["retail_customer"], id="a customer"
        ),
        pytest.param(
            COST,
            gift("9.00", MAY_4, replace(DANA, type="own_associated_person")),
            ["own_associated_person"],
            id="one of us",
        ),
        pytest.param(
            rule(applies_to=("business", "retail_customer")),
            gift("9.00", MAY_4, replace(DANA, type="retail_customer")),
            ["9.00"],
            id="customers too",
        ),
        pytest.param(rule(applies_to=("municipal_official",)), gift("9.00"), [], id="a type outside a named list"),
        pytest.param(
            rule(applies_to=("retail_customer",)),
            gift("9.00", MAY_4, replace(DANA, type="retail_customer")),
            ["9.00"],
            id="a named list",
        ),
        pytest.param(
            COST, gift("9.00", giver_type="non_member_affiliate"), ["non_member_affiliate"], id="an affiliate's"
        ),
        pytest.param(COST, dinner("9.00"), ["business_entertainment"], id="a dinner under a rule for gifts alone"),
        pytest.param(COST, dinner("9.00", hosts_present=False), ["9.00"], id="a dinner without a host is a gift"),
        pytest.param(HOSPITALITY, gift("9.00"), [], id="a gift under a rule for dinners"),
        pytest.param(HOSPITALITY, dinner("9.00", kind=Kind.TRAVEL), [], id="a trip under a rule for dinners"),
        pytest.param(
            rule(counts=frozenset({Kind.GIFT, Kind.MEAL})), dinner("9.00", kind=Kind.TRAVEL), [], id="a trip unlisted"
        ),
        pytest.param(APPROVED, gift("9.00", preapproved_on=MAY_4), ["prior_approval"], id="approved on the day"),
        pytest.param(APPROVED, gift("9.00", preapproved_on=MAY_4 + DAY), ["9.00"], id="approved too late"),
        pytest.param(COST, gift("9.00", preapproved_on=MAY_4), ["9.00"], id="approval clears nothing here"),
        pytest.param(UNDER_20, gift("19.99"), ["below_item_floor"], id="under the floor"),
        pytest.param(UNDER_20, gift("20.00"), ["20.00"], id="at the floor"),
        pytest.param(TO_20, gift("20.00"), ["below_item_floor"], id="at the floor, which takes it in"),
        pytest.param(TO_20, gift("20.01"), ["20.01"], id="over the floor"),
        pytest.param(
            replace(TO_20, counts=HOSTED),
            dinner("40.02", MAY_4, DANA, MAX, hosts=()),
            ["40.02"],
            id="the floor looks at a client with their guest",
        ),
        pytest.param(COST, gift("9.00", flags={"unnamed_group"}), [], id="nobody knows who got it"),
        pytest.param(rule(limit_schedule=(Dated(1, MAY_4 + DAY),)), gift("9.00"), [], id="before the rule existed"),
        pytest.param(prohibited("bribe"), gift("9.00"), [], id="what is not flagged is not forbidden"),
    ],
)
def test_what_counts_nothing_or_has_no_result(under, entry, found):
    assert counts(under, entry) == found


@pytest.mark.parametrize(
    ("under", "how", "entry", "found"),
    [
        pytest.param(
            COST,
            {"aggregate_affiliates": True},
            gift("9.00", giver_type="non_member_affiliate"),
            "9.00",
            id="affiliates",
        ),
        pytest.param(COST, {"nominal_ceiling": 8_99}, claiming("de_minimis", "9.00"), "9.00", id="a lower ceiling"),
        pytest.param(
            COST,
            {"bereavement_relations": frozenset({"cousin"})},
            claiming("bereavement", facts=COUSIN),
            "bereavement",
            id="cousins",
        ),
        pytest.param(
            HOSPITALITY,
            {"host_absent": "keep_kind"},
            dinner("9.00", hosts_present=False, hosts=()),
            "9.00",
            id="a dinner",
        ),
    ],
)
def test_what_the_firm_says_otherwise(under, how, entry, found):
    assert counts(under, entry, settings(**how)) == [found]


def test_of_several_reasons_the_first_in_the_decided_order_is_shown():
    """Everything that can be said against a gift at once, and then without the strongest, one after the other."""
    everything = rule(
        excludes=frozenset(CLAIMS), cleared_by_prior_approval=True, item_floor=ItemFloor(50_00, inclusive=True)
    )
    entry = gift(
        "9.00",
        MAY_4,
        replace(DANA, type="retail_customer"),
        standing=Standing.CANCELLED,
        direction=Direction.RECEIVED,
        giver_type="non_member_affiliate",
        flags=set(CLAIMS),
        facts=AGREED | NEAR | MOURNED | {"declaration": "DR-1", "decorative_only": True, "logo": True},
        preapproved_on=MAY_4,
        **OURS,
    )
    weaker = [
        {"standing": Standing.RETURNED},
        {"standing": Standing.LIVE},
        {"direction": Direction.GIVEN},
        {"recipients": (DANA,)},
        {"giver_type": "associated_person"},
        *({"flags": frozenset(CLAIMS[place:])} for place in range(1, len(CLAIMS) + 1)),
        {"preapproved_on": None},
    ]
    shown = counts(everything, entry)
    for change in weaker:
        entry = replace(entry, **change)
        shown += counts(everything, entry)
    assert shown == [
        "cancelled",
        "returned",
        "direction_not_covered",
        "retail_customer",
        "non_member_affiliate",
        *CLAIMS,
        "prior_approval",
        "below_item_floor",
    ]


def test_an_employer_is_excluded_only_if_all_its_people_are():
    under = rule(basis=Basis.PER_EMPLOYER)
    customer, colleague = (replace(OMAR, type=type) for type in ("retail_customer", "own_associated_person"))
    assert answers(under, [gift("90.00", MAY_4, DANA, customer)]) == [("northgate", ("45.00", "45.00", "within"))]
    both = gift("90.00", MAY_4, replace(colleague, recipient_id="other"), customer)
    assert answers(under, [both]) == [("northgate", ("0.00", "0.00", "retail_customer"))]


# The whole


def test_a_weighing_divides_the_whole_worth():
    policy = Policy("policy", 1, "Policy", date.min, (ALL,), settings())
    for entry in (gift("100.01", MAY_4, DANA, OMAR, LENA), dinner("77.77", MAY_4, DANA, MAX, hosts=("rhea", "ravi"))):
        assert sum(Weighing(policy, entry).parts(Valuation.COST, True)) == entry.total


def test_an_entrys_shares_add_back_to_its_total():
    assert apportion(gift("100.00", MAY_4, DANA, OMAR, LENA), settings()) == [
        ("dana", 33_34),
        ("omar", 33_33),
        ("lena", 33_33),
    ]


def test_each_rule_has_lines_of_its_own():
    two = (rule(id="gifts"), counted("4", id="events", counts=EVERYTHING))
    policy = Policy("policy", 1, "Policy", date.min, two, settings())
    assert [(line.rule_id, line.shown, line.counted) for line in count(policy, gift("10.00", MAY_4, DANA, OMAR))] == [
        ("gifts", "dana", 5_00),
        ("gifts", "omar", 5_00),
        ("events", "dana", 1),
        ("events", "omar", 1),
    ]


def test_a_prohibition_counts_what_it_forbids():
    assert of_one(prohibited("bribe"), [gift("9.00", flags={"bribe"})]) == [("9.00", "9.00", "violation")]
    assert Measure.PROHIBITION is prohibited("bribe").measure
    assert prohibited("bribe").period == Period(PeriodType.PER_EVENT)
