"""Crowds: recipients with names as uneven as real ones, some of them there twice, written straight into the books."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import NamedTuple

from nicknames import NickNamer

from app.domain.recipients import name_key
from app.storage.database import Database, insert_rows
from app.storage.tables import AssessmentRow, EmployerRow, RecipientRow


def _sounds(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ONSETS = _sounds("b c d f g h j k l m n p r s t v w br cl dr fr gr kr pl pr st tr sh ch")
_VOWELS = _sounds("a e i o u ai ea oo ou")
_CODAS = _sounds("n r l s t m ck nd rt son ton man ley er ez ov ski well field")
_HOUSES = ("Capital", "Partners", "Bank", "Advisors", "Securities LLC", "Asset Management", "Pension Trust, Inc.")
_JAN_1, _DEC_31 = date(2026, 1, 1), date(2026, 12, 31)


class Somebody(NamedTuple):
    """A recipient before they have an id."""

    given: str
    family: str
    employer: int | None
    email: str | None
    phone: str | None


class Crowd:
    """`size` people at a hundredth as many employers; every fiftieth is another record of somebody before them."""

    def __init__(self, size: int, seed: int = 2026) -> None:
        self._dice = random.Random(seed)
        self._nicknames = {long: sorted(short) for long, short in NickNamer().nickname_lookup.items() if long.isalpha()}
        given = self._shuffled(self._nicknames)
        surnames = self._shuffled({self._surname() for _ in range(3 * 8000)})[:8000]
        self.employers = [f"{self._surname().title()} {self._dice.choice(_HOUSES)}" for _ in range(size // 100)]
        # The commonest given name is one in twenty, the commonest surname one in a hundred and forty.
        self._given = given, list(accumulate(1 / (place + 3) for place in range(len(given))))
        self._families = surnames, list(accumulate(1 / (place + 10) ** 0.8 for place in range(len(surnames))))
        self._places = range(len(self.employers)), list(accumulate(1 / (n + 20) for n in range(len(self.employers))))
        self.people: list[Somebody] = []
        self.twice: list[tuple[int, int]] = []
        for place in range(size):
            again = place > 100 and place % 50 == 0
            self.people.append(self._again(place) if again else self._anybody())
        self.ids = [f"rec_{place * 2654435761 % 2**32:032x}" for place in range(size)]

    def _shuffled(self, names: object) -> list[str]:
        ordered = sorted(names)  # type: ignore[call-overload]
        self._dice.shuffle(ordered)
        return ordered

    def _surname(self) -> str:
        pick = self._dice.choice
        return pick(_ONSETS) + pick(_VOWELS) + pick(_CODAS) + pick(("", pick(_VOWELS) + pick(_CODAS)))

    def _one_of(self, choice: tuple[object, list[int]]) -> object:
        names, weights = choice
        return self._dice.choices(names, cum_weights=weights)[0]  # type: ignore[arg-type]

    def _anybody(self) -> Somebody:
        given, family, employer = (self._one_of(choice) for choice in (self._given, self._families, self._places))
        domain = "".join(letter for letter in self.employers[employer].lower() if letter.isalpha())
        number = self._dice.choice(["", "", "", self._dice.randrange(100)])
        address, digits = f"{given}.{family}{number}@{domain}.com", self._dice.randrange(1000000, 9999999)
        email, phone = self._dice.choice((None, address, address)), self._dice.choice((None, None, f"+1 212 {digits}"))
        return Somebody(given, family, self._dice.choice([employer] * 19 + [None]), email, phone)

    def _again(self, place: int) -> Somebody:
        """Another record of somebody: by a short name, an initial, turned round, without employer or mistyped."""
        before = self._dice.randrange(place)
        who = self.people[before]
        self.twice.append((before, place))
        middle = max(1, len(who.family) // 2)
        return self._dice.choice(
            (
                who._replace(given=self._dice.choice(self._nicknames.get(who.given, [who.given])), email=None),
                who._replace(given=f"{who.given[0]}.", email=None),
                who._replace(given=who.family, family=who.given),
                who._replace(employer=None),
                who._replace(family=who.family[:middle] + who.family[middle + 1 :] + who.family[middle]),
            )
        )

    def settle(self, database: Database) -> None:
        """Writes everybody; two in five have got gifts this year."""
        now = datetime.now(UTC)
        database.write(lambda connection: [insert_rows(connection, *rows) for rows in self._rows(now)])

    def _rows(self, now: datetime) -> Iterator[tuple[object, tuple[str, ...], list[tuple[object, ...]]]]:
        employers = [f"emp_{place:032x}" for place in range(len(self.employers))]
        yield (
            EmployerRow,
            ("id", "version", "name", "name_key", "created_at"),
            [(id, 1, name, f"{name_key(name)} {id}", now) for id, name in zip(employers, self.employers, strict=True)],
        )
        columns = (
            "id",
            "version",
            "name",
            "name_key",
            "type",
            "employer_id",
            "email",
            "phone",
            "canonical_id",
            "created_at",
        )
        yield (
            RecipientRow,
            columns,
            [
                (
                    id,
                    1,
                    name := f"{who.given.title()} {who.family.title()}",
                    name_key(name),
                    "institutional_employee",
                    None if who.employer is None else employers[who.employer],
                    who.email,
                    who.phone,
                    id,
                    now,
                )
                for id, who in zip(self.ids, self.people, strict=True)
            ],
        )
        yield (
            AssessmentRow,
            tuple(_assessment("", "", 1, 0)),
            [
                tuple(_assessment(f"ent_{place:024x}{month:08x}", id, month, self._dice.randrange(1000, 9000)).values())
                for place, id in enumerate(self.ids)
                if place % 5 < 2
                for month in (1, 2, 3, 4)
            ],
        )


def _assessment(entry: str, who: str, month: int, cents: int) -> dict[str, object]:
    return {
        "entry_id": entry,
        "rule_id": "finra-3220-gifts",
        "shown": who,
        "known_from": 1,
        "subject": who,
        "policy_id": "pol_1",
        "occurred_on": date(2026, month, 3),
        "sequence": 1,
        "counted": cents,
        "aggregate": cents,
        "limit_value": 30000,
        "outcome": "within",
        "forbidden": 0,
        "period_start": _JAN_1,
        "period_end": _DEC_31,
    }
