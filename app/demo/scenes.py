"""What happens in every year of the demonstration, whatever the seed: the edges of the rules, one after another."""

from __future__ import annotations

from datetime import date

from app.demo.drafts import Planned, gift, hosted
from app.demo.firm import FIRM, OFFICER, SPONSORS, Recipient, people_at, rep, retail_customers


def scenes() -> list[Planned]:
    """All scenes, in no particular order."""
    return [
        *_a_total_that_builds_up(),
        *_either_side_of_the_limit_change(),
        *_claims_that_hold(),
        *_claims_that_fail(),
        *_outside_business(),
        *_tables_and_tickets(),
        *_approvals(),
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
    """Six of our people give to one client. One entry comes three weeks late and takes a later one over the limit."""
    _, imogen, william, margaret, *_ = people_at("Meridian Cove Asset Management")
    desk = [william.named(), imogen.named(), margaret.named()]
    alone, immy = [imogen.named()], [imogen.named(name=imogen.nickname)]
    return [
        gift(_day(1, 22), "Rhea Castell", alone, "46.50", "Fountain pen, by courier").saying(
            value={"delivery": "7.50", "market": "44.00"}
        ),
        gift(_day(2, 24), "Jonas Brandt", immy, "24.00", "Umbrella with our logo").claiming("promotional", logo=True),
        gift(_day(3, 19), "Mara Ellington", desk, "125.00", "Hamper for the desk").in_currency("EUR").late(_day(4, 9)),
        gift(_day(3, 27), "Grant Ostrander", alone, "21.25", "Book on bridges"),
        gift(_day(4, 16), "Leila Farouk", alone, "70.00", "Champagne, London").in_currency("GBP"),
        hosted("meal", _day(5, 7), "Colm Gaffney", desk[:2], "286.40", "Dinner after the results call"),
        gift(_day(6, 11), "Tobias Vance", desk, "100.00", "Conference chocolates"),
        gift(_day(9, 8), "Sunita Rao", alone, "89.90", "Leather folio"),
    ]


def _either_side_of_the_limit_change() -> list[Planned]:
    """The same bag four days before and one day after, and gifts at the new limit and a cent above it."""
    *_, samuel, priya, katherine, theodore = people_at("Meridian Cove Asset Management")
    return [
        gift(_day(3, 26), "Grant Ostrander", [katherine.named()], "185.00", "Carry-on bag"),
        gift(_day(3, 31), "Grant Ostrander", [theodore.named()], "185.00", "Carry-on bag"),
        gift(_day(5, 12), "Rhea Castell", [samuel.named()], "300.00", "Case of wine"),
        gift(_day(5, 12), "Rhea Castell", [priya.named()], "300.01", "Case of wine"),
    ]


def _claims_that_hold() -> list[Planned]:
    mourner, bride, issuer, visitor, lecturer, flooded, _ = ([one.named()] for one in people_at("Marlow Mutual"))
    return [
        gift(_day(2, 11), "Helena Strand", mourner, "120.00", "Flowers and food for mourners").claiming(
            "bereavement", bereaved="parent", reasonable=True
        ),
        gift(_day(6, 20), "Dexter Pike", bride, "150.00", "Wedding present")
        .claiming("personal", relationship="close_friend", life_event="wedding")
        .saying(paid_by="associated_person"),
        gift(_day(4, 22), "Ravi Menon", issuer, "340.00", "Lucite tombstone of the note issue").claiming(
            "commemorative", decorative_only=True
        ),
        gift(_day(1, 14), "Wendy Sloane", visitor, "9.50", "Notepad").claiming("de_minimis"),
        gift(_day(3, 3), "Paolo Ricci", lecturer, "400.00", "Lecture fee, by written agreement").claiming(
            "compensation_agreement", agreement_on="2026-01-15"
        ),
        gift(_day(9, 15), "Amara Nwosu", flooded, "500.00", "Repairs after the flood").claiming(
            "disaster_donation", declaration="DR-4911"
        ),
    ]


def _claims_that_fail() -> list[Planned]:
    """A cousin is not close enough, the firm paid, the jacket is worth too much, and a bowl can be used."""
    mourner, parent, golfer, issuer, _ = ([one.named()] for one in people_at("Longshore Credit"))
    return [
        gift(_day(2, 17), "Kenji Mori", mourner, "60.00", "Flowers").claiming(
            "bereavement", bereaved="cousin", reasonable=True
        ),
        gift(_day(5, 5), "Bridget Hale", parent, "95.00", "For the new baby").claiming(
            "personal", relationship="close_friend", life_event="birth"
        ),
        gift(_day(2, 6), "Kenji Mori", golfer, "145.00", "Jacket with our logo").claiming("promotional", logo=True),
        gift(_day(3, 12), "Bridget Hale", issuer, "130.00", "Silver bowl of the offering").claiming(
            "commemorative", decorative_only=False
        ),
    ]


def _outside_business() -> list[Planned]:
    """What the rules on gifts leave alone: to a retail customer, to our own people, from an affiliate."""
    customer, colleague = retail_customers()[0].named(), rep("Hugh Lockwood").as_recipient()
    tenant = _first_at("Ironbridge Trust Company").named()
    return [
        gift(_day(12, 18), "Stella Marchetti", [customer], "320.00", "Case of wine"),
        gift(_day(6, 30), OFFICER, [colleague], "450.00", "Watch after 25 years").saying(giver=FIRM),
        gift(_day(10, 6), OFFICER, [tenant], "140.00", "Decanter").saying(
            giver="Larkfield Property Advisers", giver_type="non_member_affiliate"
        ),
    ]


def _tables_and_tickets() -> list[Planned]:
    """A bill that does not divide by seven, a suite by stated shares, and tickets without a host, which are a gift."""
    table = [one.named() for one in people_at("Redwing Macro")]
    stated = [table[0] | {"share": "310.00"}, table[1] | {"share": "140.05"}]
    client = people_at("Marlow Mutual")[6]
    couple = [client.named(), client.partner()]
    return [
        hosted("meal", _day(7, 14), "Tobias Vance", table, "1000.00", "Dinner for seven").saying(
            hosts=["Tobias Vance", "Rhea Castell"]
        ),
        hosted("entertainment", _day(8, 20), "Rhea Castell", stated, "600.00", "Suite at the arena").saying(
            hosts_share="149.95"
        ),
        hosted(
            "entertainment", _day(10, 17), "Tobias Vance", couple, "360.00", "Tickets nobody of ours could use"
        ).saying(hosts_present=False, flags=["ticket"], value={"face": "420.00"}),
    ]


def _approvals() -> list[Planned]:
    """With approval beforehand, with one that came too late, and without."""
    one, other = ([person.named()] for person in people_at("Longshore Credit")[:2])
    traveller, late_traveller = ([person.named()] for person in people_at("Redwing Macro")[2:4])
    final, flight = "Tennis final, box seat", "Flight to the plant visit"
    return [
        hosted("entertainment", _day(9, 12), "Jonas Brandt", one, "840.00", final).saying(preapproved_on="2026-09-01"),
        hosted("entertainment", _day(9, 12), "Colm Gaffney", other, "840.00", final).saying(
            preapproved_on="2026-09-14"
        ),
        hosted("travel", _day(4, 28), "Helena Strand", traveller, "612.30", flight).saying(preapproved_on="2026-04-20"),
        hosted("lodging", _day(4, 28), "Helena Strand", traveller, "274.15", "A night").saying(
            preapproved_on="2026-04-20"
        ),
        hosted("travel", _day(7, 21), "Dexter Pike", late_traveller, "488.00", flight),
    ]


def _prohibited() -> list[Planned]:
    """What is wrong at any price, and cash where a rule forbids it and where it merely counts."""
    seller, student = people_at("Hartline Investor Services")[:2]
    treasurer = [_first_at("City of Eastmere").named()]
    trustee, banker = _first_at("Halvorsen Steel Retirement Trust"), _first_at("First Pinewood Bank")
    return [
        hosted(
            "entertainment", _day(11, 5), "Theo Granger", [seller.named()], "620.00", "Courtside, once target is met"
        ).saying(flags=["sales_precondition"]),
        hosted(
            "meal", _day(5, 19), "Theo Granger", [student.named(), student.partner()], "240.00", "Training weekend"
        ).saying(flags=["training_guest_expense"]),
        hosted("meal", _day(8, 4), "Carla Munoz", treasurer, "180.00", "Closing dinner, charged to the issue").saying(
            flags=["offering_proceeds"]
        ),
        gift(_day(10, 13), "Dana Whitcombe", [trustee.named()], "50.00", "Gift card").saying(flags=["cash_equivalent"]),
        gift(_day(10, 13), "Ravi Menon", [banker.named()], "60.00", "Gift card").saying(flags=["cash_equivalent"]),
    ]


def _sister_rules() -> list[Planned]:
    """Other limits than FINRA's, with their own operators and floors."""
    trustee, official = _first_at("Corwin Paper Savings Plan"), people_at("Tamarack County")[1]
    steward, clerk = _first_at("Eastmere Stagehands Local 5"), _first_at("Office of Representative Alder")
    statistician, examiner = _first_at("Bureau of Harbor Statistics"), _first_at("FINRA")
    return [
        gift(_day(2, 19), "Felix Amador", [trustee.named()], "130.00", "Desk clock"),
        hosted("meal", _day(6, 9), "Greta Lund", [trustee.named()], "120.00", "Lunch, to exactly 250.00").saying(
            hosts=[]
        ),
        gift(_day(5, 20), "Desmond Achebe", [official.named()], "120.00", "Framed map of the county"),
        gift(_day(3, 10), "Isaac Thorne", [steward.named()], "18.00", "Paperback"),
        gift(_day(4, 2), "Ilse Vogel", [clerk.named()], "8.00", "Coffee"),
        gift(_day(3, 18), "Rory Tate", [statistician.named()], "18.00", "Book on tides"),
        gift(_day(9, 2), "Rory Tate", [statistician.named()], "24.00", "Book on charts"),
        gift(_day(11, 17), OFFICER, [examiner.named()], "62.00", "Engraved pen").saying(giver=FIRM),
    ]


def _received() -> list[Planned]:
    """From fund sponsors to one of our own people."""
    uma = rep("Uma Krishnan")
    to, (sponsor, other, *_) = [uma.as_recipient()], SPONSORS
    return [
        gift(_day(2, 3), uma.name, to, "120.00", "Pen set").saying(direction="received", giver=sponsor),
        gift(_day(6, 16), uma.name, to, "95.00", "Headphones").saying(direction="received", giver=other),
        hosted("meal", _day(9, 24), uma.name, to, "164.00", "Dinner").saying(
            direction="received", giver=sponsor, hosts=[sponsor]
        ),
    ]
