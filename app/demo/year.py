"""The year of the demonstration: the scenes, and around them whatever a firm of forty gives and gets, by a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from app.demo import things
from app.demo.drafts import FIRST_DAY, LAST_DAY, Planned, gift, hosted
from app.demo.firm import REPS, SPONSORS, Json, Recipient, Rep, clients_of
from app.demo.scenes import scenes, taken
from app.demo.things import Thing, dollars

DAYS = [FIRST_DAY + timedelta(days=day) for day in range((LAST_DAY - FIRST_DAY).days + 1)]
LAST_RECORDED = date(2027, 1, 15)
_WORKING_DAYS = [day for day in DAYS if day.weekday() < 5]
_BEFORE_THE_HOLIDAYS = [day for day in _WORKING_DAYS if day.month == 12 and day.day < 24]
_HARDLY_ANYTHING = {"federal_executive", "congress"}
_LITTLE = _HARDLY_ANYTHING | {"municipal_official", "plan_fiduciary", "union_official"}


def year(*, seed: int, entries: int) -> list[Planned]:
    """So many entries of 2026 in the order in which they are recorded: the same for the same seed."""
    played = scenes()
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    played += Everyday(chance).entries(entries - len(played))
    return sorted(played, key=lambda one: one.recorded_on)


class Everyday:
    """What happens beside the scenes."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        absent = taken()
        self._clients = {rep: [one for one in clients_of(rep) if one.number not in absent] for rep in REPS}
        for clients in self._clients.values():
            chance.shuffle(clients)
        self._seen: Counter[str] = Counter()

    def entries(self, many: int) -> Iterator[Planned]:
        """So many entries, each with the day on which it is recorded."""
        kinds = {self._gift: 25, self._claimed_gift: 17, self._meal: 26, self._event: 12, self._tickets: 3}
        kinds |= {self._journey: 8, self._received_gift: 5, self._received_meal: 4}
        for _ in range(many):
            [write] = self._chance.choices(list(kinds), list(kinds.values()))
            rep = self._chance.choice(REPS)
            yield self._recorded(rep, write(rep))

    # What

    def _gift(self, rep: Rep) -> Planned:
        client = self._client(rep)
        thing = self._thing(client)
        on = self._day(_BEFORE_THE_HOLIDAYS if self._happens(18) else _WORKING_DAYS)
        colleagues = [] if thing in things.FINE_GIFTS else self._colleagues(rep, client, most=3, percent=14)
        to = [client, *colleagues]
        cents = self._price(thing, len(to))
        planned = self._paid(gift(on, rep.name, self._named(to), dollars(cents), thing.what), cents, client)
        return self._detailed(planned, cents)

    def _thing(self, client: Recipient) -> Thing:
        if client.type in _LITTLE:
            return self._chance.choice(things.SMALL_GIFTS)
        return self._chance.choice(things.FINE_GIFTS if self._happens(4) else things.GIFTS)

    def _claimed_gift(self, rep: Rep) -> Planned:
        client = self._client(rep)
        [claim] = self._chance.choices(things.CLAIMS, [one.often for one in things.CLAIMS])
        cents = self._price(claim.of)
        facts = claim.unfit if self._happens(10) else claim.facts
        payer = "associated_person" if claim.name == "personal" else "firm"
        planned = gift(self._day(), rep.name, self._named([client]), dollars(cents), claim.of.what)
        return self._paid(planned, cents, client).claiming(claim.name, **facts).saying(paid_by=payer)

    def _meal(self, rep: Rep) -> Planned:
        client = self._client(rep)
        plain = things.SNACKS if client.type in _HARDLY_ANYTHING else things.PLAIN_MEALS
        meals = plain if client.type in _LITTLE else things.MEALS
        return self._hosted("meal", rep, client, self._chance.choice(meals), guests_percent=4)

    def _event(self, rep: Rep) -> Planned:
        client = self._client(rep)
        if client.type in _LITTLE:
            return self._meal(rep)
        thing = self._chance.choice(things.EVENTS)
        planned = self._hosted("entertainment", rep, client, thing, guests_percent=14)
        dear = thing.most > 200 and self._happens(35)
        return self._approved(planned) if dear else planned

    def _hosted(self, kind: str, rep: Rep, client: Recipient, thing: Thing, *, guests_percent: int) -> Planned:
        people = self._named([client, *self._colleagues(rep, client, most=3, percent=30)])
        if self._happens(guests_percent):
            people.append(client.partner())
        hosts = self._hosts(rep)
        cents = self._price(thing, len(people) + len(hosts))
        planned = hosted(kind, self._day(), rep.name, people, dollars(cents), thing.what)
        return self._paid(planned, cents, client).saying(hosts=hosts)

    def _tickets(self, rep: Rep) -> Planned:
        """Tickets that nobody of ours goes along with."""
        client = self._client(rep)
        cents = self._price(things.TICKETS)
        to = self._named([client])
        planned = hosted("entertainment", self._day(), rep.name, to, dollars(cents), things.TICKETS.what)
        return self._paid(planned, cents, client).saying(hosts_present=False, flags=["ticket"])

    def _journey(self, rep: Rep) -> Planned:
        client = self._client(rep)
        kind, choice = ("travel", things.JOURNEYS) if self._happens(65) else ("lodging", things.NIGHTS)
        thing = self._chance.choice(choice)
        cents = self._price(thing)
        planned = hosted(kind, self._day(), rep.name, self._named([client]), dollars(cents), thing.what)
        planned = self._paid(planned, cents, client)
        return self._approved(planned) if self._happens(93) else planned

    def _received_gift(self, rep: Rep) -> Planned:
        thing = self._chance.choice(things.GIFTS)
        planned = gift(self._day(), rep.name, [rep.as_recipient()], dollars(self._price(thing)), thing.what)
        return planned.saying(direction="received", giver=self._chance.choice(SPONSORS))

    def _received_meal(self, rep: Rep) -> Planned:
        thing, sponsor = self._chance.choice(things.MEALS), self._chance.choice(SPONSORS)
        planned = hosted("meal", self._day(), rep.name, [rep.as_recipient()], dollars(self._price(thing)), thing.what)
        return planned.saying(direction="received", giver=sponsor, hosts=[sponsor])

    # Who

    def _client(self, rep: Rep) -> Recipient:
        """Of two whom the representative thinks of, whoever has been seen less; seldom one who may take little."""
        clients = self._clients[rep]
        favoured = [30 // (place + 8) + 1 for place in range(len(clients))]
        weights = [weight * (1 if one.type in _LITTLE else 5) for one, weight in zip(clients, favoured, strict=True)]
        client = min(self._chance.choices(clients, weights, k=2), key=lambda one: self._seen[one.number])
        self._seen[client.number] += 1
        return client

    def _colleagues(self, rep: Rep, client: Recipient, *, most: int, percent: int) -> list[Recipient]:
        known = [one for one in self._clients[rep] if one.employer == client.employer and one != client]
        if client.employer is None or not known or not self._happens(percent):
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

    def _price(self, thing: Thing, many: int = 1) -> int:
        return sum(thing.price(self._chance) for _ in range(many))

    def _paid(self, planned: Planned, cents: int, client: Recipient) -> Planned:
        """In the client's currency, or sometimes in dollars nevertheless."""
        if client.currency == "USD" or self._happens(30):
            return planned
        return planned.saying(total=things.abroad(cents, client.currency))

    def _detailed(self, planned: Planned, cents: int) -> Planned:
        """With the tax and delivery in the total, with a market value beside it, or with neither."""
        if planned.entry["total"]["currency"] != "USD" or not self._happens(45):
            return planned
        within = {"tax": dollars(cents * 7 // 107), "delivery": dollars(cents // 10)}
        return planned.saying(value=within if self._happens(60) else {"market": dollars(cents * 11 // 10)})

    # When

    def _day(self, days: Sequence[date] = _WORKING_DAYS) -> date:
        return self._chance.choice(days)

    def _approved(self, planned: Planned) -> Planned:
        before = planned.occurred_on - timedelta(days=self._chance.randint(2, 30))
        return planned.saying(preapproved_on=before.isoformat())

    def _recorded(self, rep: Rep, planned: Planned) -> Planned:
        """Most are recorded within the week, some much later; some teams send a whole month after its end."""
        [delay] = self._chance.choices([0, self._chance.randint(1, 6), self._chance.randint(7, 100)], [55, 37, 8])
        on = planned.occurred_on + timedelta(days=delay)
        on = _at_work(_fifth_of_next_month(on) if rep.sends_months else on)
        return replace(planned, recorded_on=min(on, LAST_RECORDED), with_the_month=rep.sends_months)

    def _happens(self, percent: int) -> bool:
        return self._chance.randrange(100) < percent


def _at_work(on: date) -> date:
    """The day, or the Monday after a weekend."""
    return on + timedelta(days=7 - on.weekday()) if on.weekday() > 4 else on


def _fifth_of_next_month(on: date) -> date:
    return date(on.year + on.month // 12, on.month % 12 + 1, 5)
