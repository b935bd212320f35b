"""What is given and what it costs: a catalogue of presents and hospitality, and what people claim of them."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from app.demo.firm import Json


class Thing(NamedTuple):
    """Something that is given, with the whole dollars that it costs from and to; what is hosted costs that a head."""

    what: str
    least: int
    most: int

    def price(self, chance: Random) -> int:
        """What one costs, in cents: round, or as shops write prices, or anything."""
        return 100 * chance.randrange(self.least, self.most) + chance.choice([0, 0, 50, 95, 99, chance.randrange(100)])


class Claim(NamedTuple):
    """What a submitter says of a gift so that it does not count: facts that carry it, and facts that do not."""

    name: str
    of: Thing
    often: int
    facts: Json
    unfit: Json


GIFTS = [
    Thing("Box of chocolates", 14, 38),
    Thing("Bottle of wine", 22, 65),
    Thing("Coffee-table book", 25, 50),
    Thing("Fruit basket", 28, 70),
    Thing("Golf balls", 20, 45),
    Thing("Notebook, leather", 22, 55),
    Thing("Flowers", 25, 60),
    Thing("Cheese and crackers", 24, 55),
    Thing("Scarf", 30, 80),
]
FINE_GIFTS = [
    Thing("Carry-on bag", 150, 280),
    Thing("Magnum of champagne", 150, 240),
    Thing("Fountain pen", 155, 260),
    Thing("Headphones", 180, 280),
    Thing("Case of wine", 170, 280),
]
SMALL_GIFTS = [Thing("Coffee and pastries", 6, 18), Thing("Paperback", 12, 24), Thing("Mug", 9, 19)]
CLAIMS = [
    Claim("promotional", Thing("Umbrella with our logo", 12, 46), 8, {"logo": True}, {"logo": False}),
    Claim("de_minimis", Thing("Notepads and pens", 4, 20), 4, {}, {}),
    Claim(
        "commemorative",
        of=Thing("Lucite tombstone", 90, 260),
        often=2,
        facts={"decorative_only": True},
        unfit={"decorative_only": False},
    ),
    Claim(
        "bereavement",
        of=Thing("Flowers for mourners", 60, 180),
        often=1,
        facts={"bereaved": "parent", "reasonable": True},
        unfit={"bereaved": "cousin", "reasonable": True},
    ),
    Claim(
        "personal",
        of=Thing("Wedding present", 50, 220),
        often=1,
        facts={"relationship": "close_friend", "life_event": "wedding"},
        unfit={"relationship": "colleague", "life_event": "wedding"},
    ),
]

MEALS = [Thing("Breakfast", 16, 38), Thing("Lunch", 28, 75), Thing("Drinks", 18, 55), Thing("Dinner", 60, 140)]
PLAIN_MEALS = [Thing("Breakfast", 12, 28), Thing("Lunch", 18, 48)]
SNACKS = [Thing("Coffee and sandwiches", 6, 15)]
EVENTS = [
    Thing("Baseball", 60, 180),
    Thing("Theatre", 90, 240),
    Thing("Golf round", 110, 260),
    Thing("Basketball, lower bowl", 120, 340),
    Thing("Opera", 90, 260),
    Thing("Jazz club", 40, 110),
]
TICKETS = Thing("Two tickets", 50, 130)
JOURNEYS = [Thing("Flight to the plant visit", 220, 780), Thing("Train to the conference", 70, 240)]
NIGHTS = [Thing("One night", 150, 330), Thing("Two nights", 300, 640)]


def dollars(cents: int) -> str:
    """An amount as a request writes it."""
    return f"{cents // 100}.{cents % 100:02d}"


def abroad(cents: int, currency: str) -> Json:
    """About as much in another currency."""
    if currency == "JPY":
        return {"amount": f"{cents * 3 // 20}0", "currency": currency}
    return {"amount": dollars(cents * 4 // 5), "currency": currency}
