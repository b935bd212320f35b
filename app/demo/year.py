"""The year of the demonstration: the scenes, and around them whatever a firm of forty gives and gets, by a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from app.demo.drafts import FIRST_DAY, LAST_DAY, Planned, claimed, entry, gift, hosted
from app.demo.firm import REPS, SPONSORS, Json, Recipient, Rep, clients_of
from app.demo.scenes import scenes, taken

DAYS = [FIRST_DAY + timedelta(days=day) for day in range((LAST_DAY - FIRST_DAY).days + 1)]
LAST_RECORDED = date(2027, 1, 15)
_WORKING_DAYS = [day for day in DAYS if day.weekday() < 5]
_BEFORE_THE_HOLIDAYS = [day for day in _WORKING_DAYS if day.month == 12 and day.day < 24]

_CLOSELY_WATCHED = {"municipal_official", "plan_fiduciary", "union_official", "federal_executive", "congress"}
_HARDLY_ANYTHING = {"federal_executive", "congress"}
_CLAIMABLE = {"promotional": 8, "de_minimis": 4, "commemorative": 2, "bereavement": 1, "personal": 1}


class Thing(NamedTuple):
    """Something that is given, and what it costs: whole dollars, from and to. Hosted things cost that much a head."""

    what: str
    least: int
    most: int


_GIFTS = [
    *(Thing("Box of chocolates", 14, 38), Thing("Bottle of wine", 22, 65), Thing("Coffee-table book", 25, 50)),
    *(Thing("Fruit basket", 28, 70), Thing("Golf balls", 20, 45), Thing("Notebook, leather", 22, 55)),
    *(Thing("Flowers", 25, 60), Thing("Cheese and crackers", 24, 55), Thing("Scarf", 30, 80)),
]
_FINE_GIFTS = [
    *(Thing("Carry-on bag", 150, 280), Thing("Magnum of champagne", 150, 240), Thing("Fountain pen", 155, 260)),
    *(Thing("Headphones", 180, 280), Thing("Case of wine", 170, 280)),
]
_SMALL_GIFTS = [Thing("Coffee and pastries", 6, 18), Thing("Paperback", 12, 24), Thing("Mug", 9, 19)]
_MEALS = [Thing("Lunch", 28, 75), Thing("Dinner", 60, 140), Thing("Breakfast", 16, 38), Thing("Drinks", 18, 55)]
_PLAIN_MEALS = [Thing("Lunch", 18, 48), Thing("Breakfast", 12, 28)]
_SNACKS = [Thing("Coffee and sandwiches", 6, 15)]
_EVENTS = [
    *(Thing("Baseball", 60, 180), Thing("Theatre", 90, 240), Thing("Golf round", 110, 260)),
    *(Thing("Basketball, lower bowl", 120, 340), Thing("Opera", 90, 260), Thing("Jazz club", 40, 110)),
]
_JOURNEYS = [Thing("Flight to the plant visit", 220, 780), Thing("Train to the conference", 70, 240)]
_NIGHTS = [Thing("One night", 150, 330), Thing("Two nights", 300, 640)]
_CLAIMED_THINGS = {
    "promotional": Thing("Umbrella with our logo", 12, 46),
    "de_minimis": Thing("Notepads and pens", 4, 20),
    "commemorative": Thing("Lucite tombstone", 90, 260),
    "bereavement": Thing("Flowers for mourners", 60, 180),
    "personal": Thing("Wedding present", 50, 220),
}
_FACTS: dict[str, Json] = {
    "promotional": {"logo": True},
    "de_minimis": {},
    "commemorative": {"decorative_only": True},
    "bereavement": {"bereaved": "parent", "reasonable": True},
    "personal": {"relationship": "close_friend", "life_event": "wedding"},
}
_UNFIT_FACTS: dict[str, Json] = {
    "promotional": {"logo": False},
    "de_minimis": {},
    "commemorative": {"decorative_only": False},
    "bereavement": {"bereaved": "cousin", "reasonable": True},
    "personal": {"relationship": "colleague", "life_event": "wedding"},
}


def year(*, seed: int, entries: int) -> list[Planned]:
    """So many entries of 2026 in the order in which they are recorded: the same for the same seed."""
    played = scenes()
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    played += Everyday(chance).entries(entries - len(played))
    return sorted(played[:entries], key=lambda one: one.recorded_on)


class Everyday:
    """What happens beside the scenes."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        absent = taken()
        self._clients = {rep: [one for one in clients_of(rep) if one.number not in absent] for rep in REPS}
        self._reps = [rep for rep in REPS if rep.name not in absent]
        self._seen: Counter[str] = Counter()
        for clients in self._clients.values():
            chance.shuffle(clients)
        self._kinds = {self._gift: 42, self._hospitality: 38, self._journey: 8, self._received: 9, self._tickets: 3}

    def entries(self, many: int) -> Iterator[Planned]:
        """So many entries, each with the day on which it is recorded."""
        for _ in range(many):
            [write] = self._chance.choices(list(self._kinds), list(self._kinds.values()))
            rep = self._chance.choice(self._reps)
            yield self._recorded(rep, write(rep))

    # What

    def _gift(self, rep: Rep) -> Planned:
        client = self._client(rep)
        if client.type not in _CLOSELY_WATCHED and self._happens(42):
            return self._claimed_gift(rep, client)
        on = self._day(_BEFORE_THE_HOLIDAYS if self._happens(18) else _WORKING_DAYS)
        to = [client, *self._colleagues(rep, client, most=4 if on.month == 12 else 2, percent=14)]
        thing = self._thing(client)
        total, money = self._price(thing, client, heads=len(to) if thing.least < 100 else 1)
        to = to if thing.least < 100 else to[:1]
        return gift(on, rep.name, self._named(to), total, thing.what, **money, **self._besides(total, money))

    def _thing(self, client: Recipient) -> Thing:
        if client.type in _CLOSELY_WATCHED:
            return self._chance.choice(_SMALL_GIFTS)
        return self._chance.choice(_FINE_GIFTS if self._happens(4) else _GIFTS)

    def _claimed_gift(self, rep: Rep, client: Recipient) -> Planned:
        [claim] = self._chance.choices(list(_CLAIMABLE), list(_CLAIMABLE.values()))
        fits = not self._happens(10)
        total, money = self._price(_CLAIMED_THINGS[claim], client)
        more = claimed(claim, **(_FACTS if fits else _UNFIT_FACTS)[claim])
        if claim == "personal":
            more["paid_by"] = "associated_person"
        what = _CLAIMED_THINGS[claim].what
        return gift(self._day(), rep.name, self._named([client]), total, what, **money, **more)

    def _hospitality(self, rep: Rep) -> Planned:
        client = self._client(rep)
        meal = client.type in _CLOSELY_WATCHED or self._happens(68)
        thing = self._chance.choice(self._meals(client) if meal else _EVENTS)
        clients = [client, *self._colleagues(rep, client, most=3, percent=30)]
        people = self._named(clients)
        if self._happens(4 if meal else 14):
            people.append(client.partner())
        hosts = self._hosts(rep)
        total, money = self._price(thing, client, heads=len(people) + len(hosts))
        on = self._day()
        more: Json = {"hosts": hosts} if len(hosts) > 1 else {}
        if thing.most > 200 and self._happens(35):
            more["preapproved_on"] = (on - timedelta(days=self._chance.randint(2, 20))).isoformat()
        return hosted("meal" if meal else "entertainment", on, rep.name, people, total, thing.what, **money, **more)

    def _meals(self, client: Recipient) -> list[Thing]:
        if client.type in _HARDLY_ANYTHING:
            return _SNACKS
        return _PLAIN_MEALS if client.type in _CLOSELY_WATCHED else _MEALS

    def _journey(self, rep: Rep) -> Planned:
        client = self._client(rep)
        kind, things = ("travel", _JOURNEYS) if self._happens(65) else ("lodging", _NIGHTS)
        thing = self._chance.choice(things)
        total, money = self._price(thing, client)
        on = self._day()
        approved = (on - timedelta(days=self._chance.randint(3, 30))).isoformat()
        more: Json = {"preapproved_on": approved} if self._happens(93) else {}
        return hosted(kind, on, rep.name, self._named([client]), total, thing.what, **money, **more)

    def _tickets(self, rep: Rep) -> Planned:
        """Tickets that nobody of ours goes along with."""
        client = self._client(rep)
        total, money = self._price(Thing("Two tickets", 50, 130), client)
        absent: Json = {"hosts_present": False, "flags": ["ticket"]}
        return hosted(
            "entertainment", self._day(), rep.name, self._named([client]), total, "Two tickets", **money, **absent
        )

    def _received(self, rep: Rep) -> Planned:
        sponsor = self._chance.choice(SPONSORS)
        more: Json = {"direction": "received", "giver": sponsor}
        if self._happens(40):
            thing = self._chance.choice(_MEALS)
            total = self._cents(thing)
            host: Json = {"hosts_present": True, "hosts": [sponsor]}
            return entry("meal", self._day(), rep.name, [rep.as_recipient()], total, thing.what, **host, **more)
        thing = self._chance.choice(_GIFTS)
        return gift(self._day(), rep.name, [rep.as_recipient()], self._cents(thing), thing.what, **more)

    # Who

    def _client(self, rep: Rep) -> Recipient:
        """Of two whom the representative thinks of, whoever has been seen less; seldom one who may take little."""
        clients = self._clients[rep]
        weights = [
            (30 // (place + 8) + 1) * (1 if one.type in _CLOSELY_WATCHED else 5) for place, one in enumerate(clients)
        ]
        client = min(self._chance.choices(clients, weights, k=2), key=lambda one: self._seen[one.number])
        self._seen[client.number] += 1
        return client

    def _colleagues(self, rep: Rep, client: Recipient, *, most: int, percent: int) -> list[Recipient]:
        known = [one for one in self._clients[rep] if one.employer == client.employer and one != client]
        if not self._happens(percent) or not known or client.employer is None:
            return []
        return self._chance.sample(known, min(self._chance.randint(1, most), len(known)))

    def _hosts(self, rep: Rep) -> list[str]:
        team = [one.name for one in REPS if one.team == rep.team and one != rep]
        return [rep.name, *self._chance.sample(team, self._chance.choice([0, 0, 0, 1, 1, 2]))]

    def _named(self, people: Sequence[Recipient]) -> list[Json]:
        return [self._as_written(person) for person in people]

    def _as_written(self, person: Recipient) -> Json:
        """By number and name; now and then by nickname, and rarely by nickname only, as somebody else in the books."""
        if not self._happens(12):
            return person.named()
        unlooked = person.nickname != person.name and self._happens(3)
        return person.by_name(person.nickname) if unlooked else person.named(name=person.nickname)

    # How much

    def _cents(self, thing: Thing) -> str:
        cents = self._chance.choice([0, 0, 50, 95, 99, self._chance.randint(1, 99)])
        return f"{self._chance.randint(thing.least, thing.most - 1)}.{cents:02d}"

    def _price(self, thing: Thing, client: Recipient, *, heads: int = 1) -> tuple[str, Json]:
        """The total for so many heads, and the currency where it is not dollars."""
        cents = sum(int(self._cents(thing).replace(".", "")) for _ in range(heads))
        if client.currency == "USD" or self._happens(30):
            return f"{cents // 100}.{cents % 100:02d}", {}
        if client.currency == "JPY":
            return str(cents * 3 // 20 * 10), {"currency": "JPY"}
        cents = cents * 4 // 5
        return f"{cents // 100}.{cents % 100:02d}", {"currency": client.currency}

    def _besides(self, total: str, money: Json) -> Json:
        """Tax and delivery in the total, or a market value beside it."""
        if money.get("currency") == "JPY" or not self._happens(45):
            return {}
        cents = int(total.replace(".", ""))
        parts = (
            {"tax": cents * 7 // 107, "delivery": cents // 10} if self._happens(60) else {"market": cents * 11 // 10}
        )
        return {"value": {name: f"{part // 100}.{part % 100:02d}" for name, part in parts.items()}}

    # When

    def _day(self, days: Sequence[date] = _WORKING_DAYS) -> date:
        return self._chance.choice(days)

    def _recorded(self, rep: Rep, planned: Planned) -> Planned:
        """Most are recorded within the week, some much later; some teams send a whole month after its end."""
        [delay] = self._chance.choices([0, self._chance.randint(1, 6), self._chance.randint(7, 100)], [55, 37, 8])
        on = planned.occurred_on + timedelta(days=delay)
        if rep.sends_months:
            on = _fifth_of_next_month(on)
        on = min(_at_work(on), LAST_RECORDED)
        return Planned(planned.sender, on, planned.entry, with_the_month=rep.sends_months)

    def _happens(self, percent: int) -> bool:
        return self._chance.randrange(100) < percent


def _at_work(on: date) -> date:
    """The day, or the Monday after a weekend."""
    return on + timedelta(days=7 - on.weekday()) if on.weekday() > 4 else on


def _fifth_of_next_month(on: date) -> date:
    return date(on.year + on.month // 12, on.month % 12 + 1, 5)
