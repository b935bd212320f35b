"""The firm of the demonstration and everybody around it: 40 representatives in teams, 60 employers, 400 recipients.

All of them are invented. The cast is the same whatever the seed; only what happens to it differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Any

Json = dict[str, Any]

FIRM = "Larkfield & Pryce Securities"
OFFICER = "Olivia Marsh"
SECOND_OFFICER = "Oscar Bell"


@dataclass(frozen=True, slots=True)
class Employer:
    """A firm or office that recipients work for. `types` are those of its people, in turn."""

    name: str
    types: tuple[str, ...]
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets something, with the number that the client list (CRM) knows them by."""

    number: str
    name: str
    nickname: str
    type: str
    employer: Employer | None

    @property
    def currency(self) -> str:
        """What is paid with where they work."""
        return self.employer.currency if self.employer else "USD"

    def named(self, *, name: str = "") -> Json:
        """How an entry names them: by number, so that a nickname in `name` finds the same person."""
        return {"external_id": {"source": "crm", "id": self.number}} | self.by_name(name or self.name)

    def by_name(self, name: str) -> Json:
        """How an entry names them where nobody looked up the number."""
        at = {"employer": self.employer.name} if self.employer else {}
        return {"name": name, "type": self.type} | at

    def partner(self) -> Json:
        """Whoever comes along with them: a guest, whose part counts for the client."""
        client = {"guest_of": self.named(), "client_type": self.type}
        if self.employer:
            client |= {"client_employer": self.employer.name}
        number = {"external_id": {"source": "crm", "id": f"{self.number}-guest"}}
        first, _ = _FIRST_NAMES[int(self.number[-2:]) % len(_FIRST_NAMES)]
        return number | {"name": f"{first} {self.name.split()[-1]}", "type": "guest"} | client


@dataclass(frozen=True, slots=True)
class Rep:
    """A representative of the firm. Teams that work with an expense system send whole months at once."""

    name: str
    team: str
    sends_months: bool

    def as_recipient(self) -> Json:
        """How an entry names one of our own people who receives something."""
        return {"name": self.name, "employer": FIRM, "type": "own_associated_person"}


# Employers

_INSTITUTION = ("institutional_employee",)
_ASSET_MANAGERS = [
    *("Meridian Cove Asset Management", "Northgate Capital Partners", "Calder Ridge Investments", "Fairhaven Global"),
    *("Bluestem Asset Management", "Osprey Point Advisors", "Kestrel Hill Investors", "Tallgrass Equity Partners"),
    *("Harbor & Vale Management", "Quarry Lane Capital", "Sable Creek Investments", "Windrose Fund Management"),
    *("Copperleaf Investors", "Granite Bay Funds", "Linden Square Capital", "Summit Ridge Funds"),
]
_ABROAD = [
    ("Aldermoor Investment Management, London", "GBP"),
    ("Pemberley Street Partners, London", "GBP"),
    ("Thornfield Wealth, Edinburgh", "GBP"),
    ("Rheingau Kapital, Frankfurt", "EUR"),
    ("Maison Delorme Gestion, Paris", "EUR"),
    ("Zuiderhof Vermogensbeheer, Amsterdam", "EUR"),
    ("Asahikawa Trust, Tokyo", "JPY"),
    ("Minato Bay Asset Management, Tokyo", "JPY"),
]
_BANKS = [
    *("First Pinewood Bank", "Calder Bank Trust Department", "Riverbend National Bank", "Old Stone Savings"),
    *("Evergate Life Insurance", "Marlow Mutual", "Bellweather Reinsurance", "Ironbridge Trust Company"),
]
_HEDGE_FUNDS = [
    *("Redwing Macro", "Blackthorn Arbitrage", "Cinder Peak Capital", "Longshore Credit", "Nine Elms Event Fund"),
]
_MUNICIPALITIES = [
    *("City of Eastmere", "Port of Calder Sound", "Ashlake School District", "Tamarack County", "City of Pell Harbor"),
    *("Eastmere Water Authority", "Veldt Valley Transit"),
]
_PLANS = [
    *("Brightwater Teachers Pension Plan", "Halvorsen Steel Retirement Trust", "Ashlake Nurses Annuity Fund"),
    *("Corwin Paper Savings Plan", "Delmont Rail Pension Trust"),
]
_UNIONS = ["Calder Dockworkers Local 12", "Tamarack Electricians Local 88", "Eastmere Stagehands Local 5"]
_BROKERS = [
    *(
        "Pinnacle Lane Brokerage",
        "Westover Financial Network",
        "Juniper Street Securities",
        "Hartline Investor Services",
    ),
    "Copper Kettle Financial",
]
_OFFICES = [
    ("Bureau of Harbor Statistics", "federal_executive"),
    ("Office of Representative Alder", "congress"),
    ("FINRA", "finra_staff"),
]

EMPLOYERS = (
    *(Employer(name, _INSTITUTION) for name in _ASSET_MANAGERS),
    *(Employer(name, _INSTITUTION, currency) for name, currency in _ABROAD),
    *(Employer(name, _INSTITUTION) for name in _BANKS),
    *(Employer(name, _INSTITUTION) for name in _HEDGE_FUNDS),
    *(Employer(name, ("municipal_official",)) for name in _MUNICIPALITIES),
    *(Employer(name, ("plan_fiduciary", "plan_fiduciary", *_INSTITUTION)) for name in _PLANS),
    *(Employer(name, ("union_official",)) for name in _UNIONS),
    *(Employer(name, ("third_party_representative",)) for name in _BROKERS),
    *(Employer(name, (type,)) for name, type in _OFFICES),
)
_HEADCOUNTS = (
    *((_ASSET_MANAGERS, 8), (_ABROAD, 8), (_BANKS, 7), (_HEDGE_FUNDS, 5), (_MUNICIPALITIES, 5), (_PLANS, 5)),
    *((_UNIONS, 4), (_BROKERS, 6)),
)
_OFFICE_HEADCOUNTS = (4, 4, 1)
_RETAIL_CUSTOMERS = 16

# People

# Two lists whose lengths share no factor, so that going through both in step gives every pair once before it repeats.
_FIRST_NAMES = [
    *(("Robert", "Bob"), ("Imogen", "Immy"), ("William", "Bill"), ("Margaret", "Peggy"), ("Samuel", "Sam")),
    *(("Priya", "Priya"), ("Katherine", "Kate"), ("Theodore", "Ted"), ("Hiroshi", "Hiro"), ("Elizabeth", "Liz")),
    *(("Diego", "Diego"), ("Patricia", "Trish"), ("Michael", "Mike"), ("Abigail", "Abby"), ("Joseph", "Joe")),
    *(("Ngozi", "Ngozi"), ("Alexander", "Alex"), ("Christine", "Chris"), ("Daniel", "Dan"), ("Josephine", "Jo")),
    *(("Nicholas", "Nick"), ("Victoria", "Vicky"), ("Lars", "Lars"), ("Rebecca", "Becky"), ("Anthony", "Tony")),
    *(("Mei", "Mei"), ("Benjamin", "Ben"), ("Jennifer", "Jen"), ("Frederick", "Fred"), ("Susannah", "Sue")),
    *(("Omar", "Omar"), ("Deborah", "Debbie"), ("Gregory", "Greg"), ("Pamela", "Pam"), ("Matthew", "Matt")),
    *(("Yusuf", "Yusuf"), ("Timothy", "Tim"), ("Cynthia", "Cindy"), ("Lawrence", "Larry"), ("Beatrice", "Bea")),
    ("Andrew", "Andy"),
]
_LAST_NAMES = [
    *("Falk", "Okafor", "Lindqvist", "Achterberg", "Reyes", "Haddad", "Castellan", "Munro", "Fischer", "Tanaka"),
    *(
        "Abara",
        "Whitlock",
        "Desrosiers",
        "Kowalski",
        "Ferreira",
        "Nakamura",
        "Oyelaran",
        "Pettibone",
        "Quill",
        "Rasmussen",
    ),
    *(
        "Santangelo",
        "Thibault",
        "Underhill",
        "Vasquez",
        "Wexford",
        "Yamada",
        "Zielinski",
        "Ashdown",
        "Birch",
        "Carraway",
    ),
    *("Dunleavy", "Ekwueme", "Fairbanks", "Gallagher", "Holloway", "Ibarra", "Jessup", "Kimura", "Larkin", "Mbeki"),
    *("Norwood", "Ogden", "Prakash", "Renard", "Sorensen", "Tremblay", "Ustinov", "Voss", "Winslow", "Xu"),
    *("Yarrow", "Zamora", "Ainsley", "Blackwood", "Corrigan", "Drummond", "Ellery", "Fontaine", "Goswami"),
]
_TEAMS = {
    "Institutional Equities": (
        *("Rhea Castell", "Jonas Brandt", "Mara Ellington", "Tobias Vance", "Leila Farouk", "Grant Ostrander"),
        *("Sunita Rao", "Colm Gaffney"),
    ),
    "Fixed Income": (
        *("Ravi Menon", "Helena Strand", "Dexter Pike", "Amara Nwosu", "Paolo Ricci", "Wendy Sloane", "Kenji Mori"),
        "Bridget Hale",
    ),
    "Municipal Finance": (
        *("Carla Munoz", "Desmond Achebe", "Ilse Vogel", "Rory Tate", "Naomi Whitfield", "Silas Crane", "Petra Novak"),
        "Hugh Lockwood",
    ),
    "Retirement Services": (
        *(
            "Dana Whitcombe",
            "Felix Amador",
            "Greta Lund",
            "Isaac Thorne",
            "Maribel Ortega",
            "Neville Shaw",
            "Opal Jensen",
        ),
        "Quentin Burke",
    ),
    "Wealth and Wholesale": (
        *("Stella Marchetti", "Theo Granger", "Uma Krishnan", "Vincent Arden", "Willa Prescott", "Xavier Dumont"),
        *("Yolanda Pierce", "Zachary Flood"),
    ),
}
_MONTHLY_TEAMS = {"Retirement Services", "Wealth and Wholesale"}
REPS = tuple(Rep(name, team, team in _MONTHLY_TEAMS) for team, names in _TEAMS.items() for name in names)

# The other side's people, who give to ours.
SPONSORS = (
    *("Dale Orr, Summit Ridge Funds", "Fiona Keane, Granite Bay Funds", "Marcus Hale, Windrose Fund Management"),
    *("Tess Arnaud, Copperleaf Investors", "Gil Prosser, Evergate Life Insurance"),
)


def _people() -> Iterator[Recipient]:
    names = zip(count(1), cycle(_FIRST_NAMES), cycle(_LAST_NAMES))
    for employer, heads in zip(EMPLOYERS, _headcounts(), strict=True):
        for type in islice(cycle(employer.types), heads):
            yield _recipient(next(names), type, employer)
    for _ in range(_RETAIL_CUSTOMERS):
        yield _recipient(next(names), "retail_customer", None)


def _headcounts() -> list[int]:
    return [heads for group, heads in _HEADCOUNTS for _ in group] + list(_OFFICE_HEADCOUNTS)


def _recipient(name: tuple[int, tuple[str, str], str], type: str, employer: Employer | None) -> Recipient:
    number, (first, nickname), last = name
    return Recipient(f"C-{number:04d}", f"{first} {last}", f"{nickname} {last}", type, employer)


RECIPIENTS = tuple(_people())

_COVERAGE = {
    "Institutional Equities": (_ASSET_MANAGERS, [name for name, _ in _ABROAD], _HEDGE_FUNDS),
    "Fixed Income": (_BANKS, _ASSET_MANAGERS[8:], [name for name, _ in _ABROAD]),
    "Municipal Finance": (_MUNICIPALITIES, [name for name, _ in _OFFICES[:2]], _BANKS),
    "Retirement Services": (_PLANS, _UNIONS, _ASSET_MANAGERS[:6]),
    "Wealth and Wholesale": (_BROKERS, _ASSET_MANAGERS[4:10]),
}
_REPS_PER_EMPLOYER = 3


def clients_of(rep: Rep) -> list[Recipient]:
    """Whom a representative looks after. Every employer has several of our people calling on it."""
    team = [one for one in REPS if one.team == rep.team]
    place = team.index(rep)
    names = [name for group in _COVERAGE[rep.team] for name in group]
    mine = {name for turn, name in enumerate(names) if (place - turn) % len(team) < _REPS_PER_EMPLOYER}
    known = [one for one in RECIPIENTS if one.employer and one.employer.name in mine]
    return known + retail_customers()[place * 2 : place * 2 + 2] if rep.team == "Wealth and Wholesale" else known


def retail_customers() -> list[Recipient]:
    """Individuals who are customers for themselves."""
    return [one for one in RECIPIENTS if one.type == "retail_customer"]


def people_at(employer: str) -> list[Recipient]:
    """The recipients of one employer, in the order of the client list."""
    return [one for one in RECIPIENTS if one.employer is not None and one.employer.name == employer]


def rep(name: str) -> Rep:
    """The representative of that name."""
    return next(one for one in REPS if one.name == name)
