"""What happens in every year of the demonstration, whatever the seed: the edges of the rules, one after another."""

from __future__ import annotations

from datetime import date

from app.demo.drafts import Planned, claimed, gift, hosted
from app.demo.firm import FIRM, OFFICER, SPONSORS, Json, Recipient, people_at, rep, retail_customers

_CLIENT_FIRM = "Meridian Cove Asset Management"
_INSURER = "Marlow Mutual"
_FUND = "Longshore Credit"


def scenes() -> list[Planned]:
    """All scenes, in no particular order."""
    return [
        *_a_total_that_builds_up(),
        *_either_side_of_the_limit_change(),
        *_claims_that_hold(),
        *_claims_that_fail(),
        *_outside_business(),
        *_hospitality(),
        *_prohibited(),
        *_sister_rules(),
        *_received(),
    ]


def taken() -> set[str]:
    """Everybody whose year is in the scenes and nowhere else, so that what the scenes show is the same every year."""
    return {person for scene in scenes() for person in scene.people()}


def _day(month: int, day: int) -> date:
    return date(2026, month, day)


def _first_at(employer: str) -> Recipient:
    return people_at(employer)[0]


def _a_total_that_builds_up() -> list[Planned]:
    """Seven of our people give to one client. One entry comes three weeks late, and its neighbour goes over the limit."""
    _, imogen, william, margaret, *_ = people_at(_CLIENT_FIRM)
    team = [william.named(), imogen.named(), margaret.named()]
    return [
        gift(
            *(_day(1, 22), "Rhea Castell", [imogen.named()], "46.50", "Fountain pen, by courier"),
            value={"delivery": "7.50", "market": "44.00"},
        ),
        gift(
            *(_day(2, 24), "Jonas Brandt", [imogen.named(name=imogen.nickname)], "24.00", "Umbrella with our logo"),
            **claimed("promotional", logo=True),
        ),
        gift(
            *(_day(3, 19), "Mara Ellington", team, "125.00", "Hamper for the desk, from Frankfurt"),
            currency="EUR",
        ).late(_day(4, 9)),
        gift(_day(3, 27), "Grant Ostrander", [imogen.named()], "21.25", "Book on bridges"),
        gift(_day(4, 16), "Leila Farouk", [imogen.named()], "70.00", "Champagne, London", currency="GBP"),
        hosted("meal", _day(5, 7), "Colm Gaffney", team[:2], "286.40", "Dinner after the results call"),
        gift(_day(6, 11), "Tobias Vance", team, "100.00", "Conference chocolates"),
        gift(_day(9, 8), "Sunita Rao", [imogen.named()], "89.90", "Leather folio"),
    ]


def _either_side_of_the_limit_change() -> list[Planned]:
    """The same bag four days before and one day after, and gifts at the new limit and a cent above it."""
    *_, samuel, priya, katherine, theodore = people_at(_CLIENT_FIRM)
    return [
        gift(_day(3, 26), "Grant Ostrander", [katherine.named()], "185.00", "Carry-on bag"),
        gift(_day(3, 31), "Grant Ostrander", [theodore.named()], "185.00", "Carry-on bag"),
        gift(_day(5, 12), "Rhea Castell", [samuel.named()], "300.00", "Case of wine"),
        gift(_day(5, 12), "Rhea Castell", [priya.named()], "300.01", "Case of wine"),
    ]


def _claims_that_hold() -> list[Planned]:
    robert, imogen, william, margaret, samuel, priya = (one.named() for one in people_at(_INSURER)[:6])
    agreed = claimed("compensation_agreement", agreement_on="2026-01-15")
    friend = claimed("personal", relationship="close_friend", life_event="wedding")
    return [
        gift(
            *(_day(2, 11), "Helena Strand", [robert], "120.00", "Flowers and food for mourners"),
            **claimed("bereavement", bereaved="parent", reasonable=True),
        ),
        gift(_day(6, 20), "Dexter Pike", [imogen], "150.00", "Wedding present", paid_by="associated_person", **friend),
        gift(
            *(_day(4, 22), "Ravi Menon", [william], "340.00", "Lucite tombstone of the note issue"),
            **claimed("commemorative", decorative_only=True),
        ),
        gift(_day(1, 14), "Wendy Sloane", [margaret], "9.50", "Notepad", **claimed("de_minimis")),
        gift(_day(3, 3), "Paolo Ricci", [samuel], "400.00", "Lecture fee, by written agreement", **agreed),
        gift(
            *(_day(9, 15), "Amara Nwosu", [priya], "500.00", "Repairs after the flood"),
            **claimed("disaster_donation", declaration="DR-4911"),
        ),
    ]


def _claims_that_fail() -> list[Planned]:
    robert, imogen, william, margaret = (one.named() for one in people_at(_FUND)[:4])
    friend = claimed("personal", relationship="close_friend", life_event="birth")
    return [
        gift(
            *(_day(2, 17), "Kenji Mori", [robert], "60.00", "Flowers, for a cousin"),
            **claimed("bereavement", bereaved="cousin", reasonable=True),
        ),
        gift(_day(5, 5), "Bridget Hale", [imogen], "95.00", "For the new baby, on the firm", paid_by="firm", **friend),
        gift(
            _day(2, 6), "Kenji Mori", [william], "145.00", "Jacket with our logo", **claimed("promotional", logo=True)
        ),
        gift(
            *(_day(3, 12), "Bridget Hale", [margaret], "130.00", "Silver bowl of the offering"),
            **claimed("commemorative", decorative_only=False),
        ),
    ]


def _outside_business() -> list[Planned]:
    """Gifts that no rule of this kind looks at: to a retail customer, to our own people, from an affiliate."""
    return [
        gift(_day(12, 18), "Stella Marchetti", [retail_customers()[0].named()], "320.00", "Case of wine"),
        gift(
            *(_day(6, 30), OFFICER, [rep("Hugh Lockwood").as_recipient()], "450.00", "Watch after 25 years"),
            giver=FIRM,
        ),
        gift(
            *(_day(10, 6), OFFICER, [_first_at("Ironbridge Trust Company").named()], "140.00", "Decanter"),
            giver="Larkfield Property Advisers",
            giver_type="non_member_affiliate",
        ),
    ]


def _hospitality() -> list[Planned]:
    robert, imogen, *_ = people_at(_FUND)
    seventh = people_at(_INSURER)[6]
    table = [one.named() for one in people_at("Redwing Macro")]
    final, suite = "Tennis final, box seat", "Suite at the arena"
    return [
        hosted(
            "entertainment", _day(9, 12), "Jonas Brandt", [robert.named()], "840.00", final, preapproved_on="2026-09-01"
        ),
        hosted(
            "entertainment", _day(9, 12), "Colm Gaffney", [imogen.named()], "840.00", final, preapproved_on="2026-09-14"
        ),
        hosted(
            *("entertainment", _day(10, 17), "Tobias Vance", [seventh.named(), seventh.partner()], "360.00"),
            "Two tickets that nobody of ours could use",
            hosts_present=False,
            flags=["ticket"],
            value={"face": "420.00"},
        ),
        hosted(
            "meal",
            _day(7, 14),
            "Tobias Vance",
            table,
            "1000.00",
            "Dinner for seven",
            hosts=["Tobias Vance", "Rhea Castell"],
        ),
        hosted(
            *("entertainment", _day(8, 20), "Rhea Castell"),
            [table[0] | {"share": "310.00"}, table[1] | {"share": "140.05"}],
            *("600.00", suite),
            hosts_share="149.95",
        ),
        hosted(
            "travel",
            _day(4, 28),
            "Helena Strand",
            [table[2]],
            "612.30",
            "Flight to the plant visit",
            preapproved_on="2026-04-20",
        ),
        hosted("travel", _day(7, 21), "Dexter Pike", [table[3]], "488.00", "Flight to the plant visit"),
        hosted("lodging", _day(4, 28), "Helena Strand", [table[2]], "274.15", "One night", preapproved_on="2026-04-20"),
    ]


def _prohibited() -> list[Planned]:
    """What is wrong at any price, and cash where a rule forbids it."""
    broker, other = people_at("Hartline Investor Services")[:2]
    treasurer = _first_at("City of Eastmere")
    trustee = _first_at("Halvorsen Steel Retirement Trust")
    return [
        hosted(
            *(
                "entertainment",
                _day(11, 5),
                "Theo Granger",
                [broker.named()],
                "620.00",
                "Courtside, once the target is met",
            ),
            flags=["sales_precondition"],
        ),
        hosted(
            *("meal", _day(5, 19), "Theo Granger", [other.named(), other.partner()], "240.00", "Training weekend"),
            flags=["training_guest_expense"],
        ),
        hosted(
            *("meal", _day(8, 4), "Carla Munoz", [treasurer.named()], "180.00", "Closing dinner, charged to the issue"),
            flags=["offering_proceeds"],
        ),
        gift(_day(10, 13), "Dana Whitcombe", [trustee.named()], "50.00", "Gift card", flags=["cash_equivalent"]),
        gift(
            *(_day(10, 13), "Ravi Menon", [_first_at("First Pinewood Bank").named()], "60.00", "Gift card"),
            flags=["cash_equivalent"],
        ),
    ]


def _sister_rules() -> list[Planned]:
    """Other limits than FINRA's, with their own operators and floors."""
    trustee, finance_officer = _first_at("Corwin Paper Savings Plan"), people_at("Tamarack County")[1]
    steward, clerk = _first_at("Eastmere Stagehands Local 5"), _first_at("Office of Representative Alder")
    statistician, examiner = _first_at("Bureau of Harbor Statistics"), _first_at("FINRA")
    alone: Json = {"hosts": []}
    return [
        gift(_day(2, 19), "Felix Amador", [trustee.named()], "130.00", "Desk clock"),
        hosted("meal", _day(6, 9), "Greta Lund", [trustee.named()], "120.00", "Lunch, to exactly 250.00", **alone),
        gift(_day(5, 20), "Desmond Achebe", [finance_officer.named()], "120.00", "Framed map of the county"),
        gift(_day(3, 10), "Isaac Thorne", [steward.named()], "18.00", "Paperback"),
        gift(_day(4, 2), "Ilse Vogel", [clerk.named()], "8.00", "Coffee"),
        gift(_day(3, 18), "Rory Tate", [statistician.named()], "18.00", "Book on tides"),
        gift(_day(9, 2), "Rory Tate", [statistician.named()], "24.00", "Book on charts"),
        gift(_day(11, 17), OFFICER, [examiner.named()], "62.00", "Engraved pen", giver=FIRM),
    ]


def _received() -> list[Planned]:
    """From fund sponsors to our own people."""
    uma = rep("Uma Krishnan")
    return [
        gift(_day(2, 3), uma.name, [uma.as_recipient()], "120.00", "Pen set", direction="received", giver=SPONSORS[0]),
        gift(
            _day(6, 16), uma.name, [uma.as_recipient()], "95.00", "Headphones", direction="received", giver=SPONSORS[1]
        ),
        hosted(
            *("meal", _day(9, 24), uma.name, [uma.as_recipient()], "164.00", "Dinner"),
            direction="received",
            giver=SPONSORS[0],
            hosts=[SPONSORS[0]],
        ),
    ]
