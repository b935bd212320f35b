"""Counting: what one entry adds for each person under each rule, or why it adds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from app.domain.entries import HOSTED_KINDS, Entry, GuestOfNobody, Kind, Listed, Standing, ValueBelowZero
from app.domain.money import convert, divide
from app.domain.policies import CLAIMS, OUTSIDE_BUSINESS, Basis, Measure, Policy, Rule, Settings, Valuation
from app.domain.refusals import Unprocessable

_STANDING = {Standing.CANCELLED: "cancelled", Standing.RETURNED: "returned"}
EXCLUSION_ORDER = (
    "cancelled",
    "returned",
    "direction_not_covered",
    *OUTSIDE_BUSINESS,
    "non_member_affiliate",
    *CLAIMS,
    "business_entertainment",
    "prior_approval",
    "below_item_floor",
)


class NoRate(Unprocessable):
    code = "no_exchange_rate"
    title = "There is no exchange rate for that day"


class Line(NamedTuple):
    """What an entry adds under a rule for one subject: the unit of everything that is added up.

    `subject` is whose shares add up, `shown` the recipient (or employer) the result is reported for. `counted` is in
    minor units of the rule's currency, or a plain number. `forbidden` marks what violates whatever it is worth.
    """

    rule_id: str
    subject: str
    shown: str
    entry_id: str
    occurred_on: date
    sequence: int
    counted: int
    exclusion: str | None
    forbidden: bool

    @property
    def order(self) -> tuple[date, int, str]:
        """Event date first, ties in the order of first record."""
        return (self.occurred_on, self.sequence, self.entry_id)


class Client(NamedTuple):
    """A person whom an entry's shares count for; `rows` are the places of the listed people whose parts are theirs."""

    recipient_id: str
    employer_id: str | None
    type: str
    rows: tuple[int, ...]


class Verdict(NamedTuple):
    """What one person adds under a rule, before anything is added up."""

    client: Client
    counted: int
    exclusion: str | None
    forbidden: bool


def count(policy: Policy, entry: Entry) -> list[Line]:
    """All lines that an entry adds under a policy, rule by rule, in the order of the people listed.

    Raises NoRate where the entry's currency has no rate for its day, ValueBelowZero where deductions exceed the amount.
    """
    weighing = Weighing(policy, entry)
    if "unnamed_group" in entry.flags:
        return []
    return [line for rule in policy.rules for line in count_under(rule, weighing)]


def count_under(rule: Rule, weighing: Weighing) -> Iterator[Line]:
    """The lines of one rule."""
    entry = weighing.entry
    if rule.measure is Measure.PROHIBITION and rule.when not in entry.flags:
        return
    covered = _covers(rule, weighing.kind)
    if covered is None or rule.limit_on(entry.occurred_on) is None:
        return
    verdicts = [
        verdict for client in weighing.clients if (verdict := _verdict(rule, weighing, client, covered)) is not None
    ]
    for subject, shown, counted, exclusion, forbidden in _subjects(rule, entry, verdicts):
        yield Line(rule.id, subject, shown, entry.id, entry.occurred_on, entry.sequence, counted, exclusion, forbidden)


class Weighing:
    """One entry on the scales of one policy: who it counts for and what everybody's part is worth, worked out once."""

    def __init__(self, policy: Policy, entry: Entry) -> None:
        self.policy = policy
        self.entry = entry
        self.kind = treated_as(entry, policy.settings)
        self.clients = clients(entry, policy.settings)
        self._parts: dict[tuple[Valuation, bool], list[int]] = {}
        check_value(entry, self.kind, policy.settings)
        require_rate(policy, entry)

    def part(self, rule: Rule, client: Client) -> int:
        """A person's part with their guests', in minor units of the rules' currency."""
        parts = self.parts(rule.valuation_on(self.entry.occurred_on), rule.repay_nets)
        return sum(parts[row] for row in client.rows)

    def parts(self, valuation: Valuation, repay_nets: bool) -> list[int]:
        """Everybody's part, our own people's last, adding back to the entry's worth."""
        if self.kind in HOSTED_KINDS:
            valuation = Valuation.COST
        key = (valuation, repay_nets or not self.entry.repaid)
        if key not in self._parts:
            worth = converted(self.policy, self.entry, self.worth(valuation, repay_nets))
            self._parts[key] = divide(worth, heads(self.entry, self.kind, self.policy.settings))
        return self._parts[key]

    def worth(self, valuation: Valuation, repay_nets: bool) -> int:
        """What the entry is worth under a valuation, after repayments, in minor units of its own currency."""
        gross = worth_of(self.entry, self.kind, self.policy.settings, valuation)
        return max(gross - self.entry.repaid, 0) if repay_nets else gross


def treated_as(entry: Entry, settings: Settings) -> Kind:
    """The kind that the rules see: without a host, a meal, entertainment, travel or lodging is a gift.

    Source: FINRA's 1999 letter to Henry H. Hopkins; unaccompanied tickets are gifts.
    """
    absent = entry.kind in HOSTED_KINDS and entry.hosts_present is False
    return Kind.GIFT if absent and settings.host_absent == "treat_as_gift" else entry.kind


def clients(entry: Entry, settings: Settings) -> list[Client]:
    """Whom the shares count for: a guest's goes to the client whose guest they are; merged people count as one.

    Of several records of one person, their own place wins over what a guest says of it, then the one fewest merges away
    from the person shown, then the first-listed. Raises GuestOfNobody where nobody says who a guest's client is.
    """
    rows: dict[str, list[int]] = {}
    places: dict[str, list[Place]] = {}
    for row, person in enumerate(entry.recipients):
        is_guest = person.guest_of is not None and settings.guest_attribution != "own_person"
        if is_guest and settings.guest_attribution == "not_counted":
            continue
        counted_for, place = _as_client(row, person) if is_guest else _as_themselves(row, person)
        rows.setdefault(counted_for, []).append(row)
        places.setdefault(counted_for, []).append(place)
    return [_client(one, min(places[one]), tuple(rows[one])) for one in rows]


class Place(NamedTuple):
    """Employer and type that a row of the entry gives somebody; the least of several is the one that holds."""

    by_guest: bool
    merges_away: int
    row: int
    employer_id: str | None
    type: str | None


def _as_themselves(row: int, person: Listed) -> tuple[str, Place]:
    return person.recipient_id, Place(False, person.merges_away, row, person.employer_id, person.type)


def _as_client(row: int, guest: Listed) -> tuple[str, Place]:
    place = Place(True, guest.client_merges_away, row, guest.client_employer_id, guest.client_type)
    return guest.guest_of or guest.recipient_id, place


def _client(recipient_id: str, place: Place, rows: tuple[int, ...]) -> Client:
    if place.type is None:
        raise GuestOfNobody("A guest's client is not on the entry: say the client's type and employer")
    return Client(recipient_id, place.employer_id, place.type, rows)


def apportion(entry: Entry, settings: Settings) -> list[tuple[str, int]]:
    """Each listed person's part of the plain total in the entry's currency, with the client for whom it counts."""
    parts = divide(entry.total, heads(entry, treated_as(entry, settings), settings))
    counted_for = {row: client.recipient_id for client in clients(entry, settings) for row in client.rows}
    return [(counted_for.get(row, person.recipient_id), parts[row]) for row, person in enumerate(entry.recipients)]


def heads(entry: Entry, kind: Kind, settings: Settings) -> list[int]:
    """The weights among which an entry is divided: everybody listed, then our hosts where the bill is shared by all."""
    hosted = kind in HOSTED_KINDS
    if entry.recipients and all(person.share is not None for person in entry.recipients):
        shares = [person.share or 0 for person in entry.recipients]
        return [*shares, entry.hosts_share] if hosted else shares
    with_hosts = hosted and settings.entertainment_split == "all_attendees"
    return [1] * (len(entry.recipients) + (entry.host_count if with_hosts else 0))


def worth_of(entry: Entry, kind: Kind, settings: Settings, valuation: Valuation) -> int:
    """The value of the whole entry in minor units of its currency, before repayments."""
    value = entry.value
    if kind in HOSTED_KINDS:
        return entry.total - (value.tax + value.tip if settings.entertainment_tax_tip == "exclude" else 0)
    if valuation is Valuation.MARKET and value.market is not None:
        return value.market
    worth = value.cost if value.cost is not None else entry.total - value.tax - value.delivery - value.tip
    if "ticket" in entry.flags and value.face is not None:
        worth = max(worth, value.face)
    if valuation is Valuation.HIGHER_OF_COST_OR_MARKET and value.market is not None:
        worth = max(worth, value.market)
    return worth


def check_value(entry: Entry, kind: Kind, settings: Settings) -> None:
    """Raises ValueBelowZero where what comes off is more than what was paid."""
    value = entry.value
    if kind in HOSTED_KINDS:
        off = value.tax + value.tip if settings.entertainment_tax_tip == "exclude" else 0
    else:
        off = value.tax + value.delivery + value.tip if value.cost is None else 0
    if off > entry.total:
        raise ValueBelowZero.at("/value", "Tax, delivery and tip together are more than the amount")


def require_rate(policy: Policy, entry: Entry) -> None:
    """Raises NoRate where the entry's currency cannot be turned into the rules' on its day."""
    if entry.currency.code == policy.currency.code:
        return
    if policy.settings.rate(entry.currency.code, entry.occurred_on) is None:
        raise NoRate.at(
            "/total/currency",
            f"There is no rate from {entry.currency.code} to {policy.currency.code} for {entry.occurred_on}",
        )


def converted(policy: Policy, entry: Entry, minor: int) -> int:
    """An amount of the entry in the rules' currency, at the rate of its day, half up to the minor unit."""
    rate = policy.settings.rate(entry.currency.code, entry.occurred_on)
    if entry.currency.code == policy.currency.code or rate is None:
        return minor
    return convert(minor, entry.currency, policy.currency, rate)


def _covers(rule: Rule, kind: Kind) -> bool | None:
    """True: counts; False: shown as business entertainment; None: the rule has nothing to say."""
    if kind in rule.counts:
        return True
    gifts_only = rule.counts == {Kind.GIFT}
    return False if gifts_only and kind in HOSTED_KINDS else None


def _verdict(rule: Rule, weighing: Weighing, client: Client, covered: bool) -> Verdict | None:
    """None where the rule has no result for people of that type."""
    outside = None
    if client.type not in rule.applies_to:
        if "business" not in rule.applies_to:
            return None
        outside = client.type if client.type in OUTSIDE_BUSINESS else None
    exclusion = _exclusion(rule, weighing, client, covered, outside)
    if exclusion is not None:
        return Verdict(client, 0, exclusion, False)
    counted = 1 if rule.measure is Measure.COUNT else weighing.part(rule, client)
    cash = rule.cash_prohibited and "cash_equivalent" in weighing.entry.flags
    return Verdict(client, counted, None, cash or rule.measure is Measure.PROHIBITION)


def _exclusion(rule: Rule, weighing: Weighing, client: Client, covered: bool, outside: str | None) -> str | None:
    """The first reason, in the decided order, why a person's part does not count."""
    reason = _out_of_scope(rule, weighing, outside) or _claimed(rule, weighing, client)
    if reason is not None:
        return reason
    if not covered:
        return "business_entertainment"
    if rule.cleared_by_prior_approval and _approved_before(weighing.entry):
        return "prior_approval"
    return "below_item_floor" if _under_floor(rule, weighing, client) else None


def _out_of_scope(rule: Rule, weighing: Weighing, outside: str | None) -> str | None:
    """Why the entry or the person is none of the rule's business."""
    entry = weighing.entry
    if entry.standing is not Standing.LIVE:
        return _STANDING[entry.standing]
    if rule.direction not in (entry.direction, "both"):
        return "direction_not_covered"
    if outside is not None:
        return outside
    affiliate = entry.giver_type == "non_member_affiliate" and not weighing.policy.settings.aggregate_affiliates
    return "non_member_affiliate" if affiliate else None


def _claimed(rule: Rule, weighing: Weighing, client: Client) -> str | None:
    """The first claim that was flagged, that the rule takes, and that the facts carry."""
    flags = weighing.entry.flags
    if not flags:
        return None
    for claim in CLAIMS:
        if claim in flags and claim in rule.excludes and _claim_holds(claim, rule, weighing, client):
            return claim
    return None


def _under_floor(rule: Rule, weighing: Weighing, client: Client) -> bool:
    floor = rule.item_floor
    if floor is None:
        return False
    part = weighing.part(rule, client)
    return part < floor.amount or (floor.inclusive and part == floor.amount)


def _approved_before(entry: Entry) -> bool:
    return entry.preapproved_on is not None and entry.preapproved_on <= entry.occurred_on


def _claim_holds(claim: str, rule: Rule, weighing: Weighing, client: Client) -> bool:
    """Whether the facts carry the claim that the submitter flagged; a flag alone never excludes."""
    entry, settings = weighing.entry, weighing.policy.settings
    facts = entry.facts
    match claim:
        case "compensation_agreement":
            agreed = facts.get("agreement_on")
            return isinstance(agreed, date) and agreed < entry.occurred_on
        case "disaster_donation":
            return bool(facts.get("declaration"))
        case "bereavement":
            return facts.get("bereaved") in settings.bereavement_relations and facts.get("reasonable") is True
        case "personal":
            near = facts.get("relationship") in ("family", "close_friend")
            return entry.paid_by == "associated_person" and near and bool(facts.get("life_event"))
        case "commemorative":
            return facts.get("decorative_only") is True
        case "promotional":
            return facts.get("logo") is True and weighing.part(rule, client) <= settings.nominal_ceiling
        case _:
            return weighing.part(rule, client) <= settings.nominal_ceiling


def _subjects(
    rule: Rule, entry: Entry, verdicts: Sequence[Verdict]
) -> Iterable[tuple[str, str, int, str | None, bool]]:
    """Verdicts gathered by whose shares add up: (subject, shown, counted, exclusion, forbidden)."""
    if rule.basis is Basis.PER_EMPLOYER:
        yield from _by_employer(verdicts)
        return
    for client, counted, exclusion, forbidden in verdicts:
        person = client.recipient_id
        match rule.basis:
            case Basis.PER_RECIPIENT_EMPLOYER:
                subject = f"{person}|{client.employer_id or ''}"
            case Basis.PER_GIVER_RECIPIENT:
                subject = f"{entry.giver}|{person}"
            case _:
                subject = person
        yield subject, person, counted, exclusion, forbidden


def _by_employer(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, int, str | None, bool]]:
    """An employer's countable people together; excluded only if all are, with the strongest reason."""
    employers: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.client.employer_id is not None:
            employers.setdefault(verdict.client.employer_id, []).append(verdict)
    for employer, people in employers.items():
        counted = [one for one in people if one.exclusion is None]
        reasons = [one.exclusion for one in people if one.exclusion is not None]
        exclusion = None if counted else min(reasons, key=EXCLUSION_ORDER.index)
        yield employer, employer, sum(one.counted for one in counted), exclusion, any(one.forbidden for one in counted)


def gathered(lines: Iterable[Line]) -> Mapping[tuple[str, str], list[Line]]:
    """Lines by rule and subject."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.rule_id, line.subject), []).append(line)
    return groups
