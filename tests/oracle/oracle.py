"""The oracle: every result by full replay, from the examples' conventions alone. Our choices are marked "Reading"."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

HOSTED = ("meal", "entertainment", "travel")
NOT_BUSINESS = ("retail_customer", "own_associated_person")
CLAIMS = ("compensation_agreement", "disaster_donation", "bereavement", "personal")
CLAIMS += ("commemorative", "promotional", "de_minimis")
OUTSIDE = ("cancelled", "returned", "direction_not_covered", *NOT_BUSINESS, "non_member_affiliate")
STRONGEST_FIRST = (*OUTSIDE, *CLAIMS, "business_entertainment", "prior_approval", "below_item_floor")
FAMILY = ["employee", "parent", "parent_in_law", "sibling", "child", "spouse"]
SETTINGS = {"entertainment_split": "all_attendees", "guest_attribution": "to_client", "host_absent": "treat_as_gift"}
SETTINGS |= {"entertainment_tax_tip": "include", "nominal_ceiling": "50.00", "bereavement_relations": FAMILY}
SETTINGS |= {"aggregate_affiliates": False, "fx": {}}
PLACES = {"JPY": 0, "KRW": 0, "KWD": 3}  # Reading: "cents" are the minor unit of the rules' currency; else 2 places
ZERO = Decimal(0)

Key = tuple[str, str, str]  # rule, recipient, entry
Step = namedtuple("Step", "event changed withdrawn refused")
Line = namedtuple("Line", "key pot day counted exclusion limit banned")  # lines of one rule and pot are added up


class Refused(Exception):
    """The event (or the policy) is not accepted and changes nothing. The text is a short code of the reason."""


@dataclass(frozen=True)
class Result:
    counted: str
    aggregate: str
    violation: bool
    warning: bool
    exclusion: str | None


def day(value: object) -> date:
    return date.fromisoformat(str(value)[:10])


def refuse_if(condition: bool, reason: str) -> None:
    if condition:
        raise Refused(reason)


@dataclass
class Entry:
    """What is known of one entry now. `place` is its rank by first record, which no amendment changes."""

    policy: dict
    fields: dict
    place: int
    ended: str | None = None
    repaid: Decimal = ZERO

    def __post_init__(self) -> None:
        self.settings = SETTINGS | {k: v for k, v in (self.policy.get("settings") or {}).items() if v is not None}
        self.flags, self.facts = self.fields.get("flags") or [], self.fields.get("facts") or {}
        self.rows, self.value = self.fields.get("recipients") or [], self.fields.get("value") or {}
        self.day, self.kind = day(self.fields["date"]), self.fields["kind"]
        if self.fields.get("hosts_present") is False and self.settings["host_absent"] == "treat_as_gift":
            self.kind = "gift" if self.kind in HOSTED else self.kind

    def checked(self) -> "Entry":
        refuse_if(self.kind not in ("gift", *HOSTED), "unknown_kind")
        refuse_if(self.kind in HOSTED and self.fields.get("hosts_present") is None, "hosts_present_unknown")
        refuse_if(len({row["person"] for row in self.rows}) < len(self.rows), "listed_twice")
        # Reading: "absent" looks at the names as written; a client who is there only as somebody's guest is absent.
        clients = {row["person"] for row in self.rows if not row.get("guest_of")}
        orphans = [row for row in self.rows if row.get("guest_of") and row["guest_of"] not in clients]
        refuse_if(any(not row.get("client_type") for row in orphans), "client_type_unknown")
        refuse_if(self.cost() < 0, "below_zero")
        refuse_if(self.rate() is None, "no_rate")
        return self

    def money(self, name: str) -> Decimal:
        return Decimal(self.value.get(name) or 0)

    def cost(self) -> Decimal:
        """A hosted bill, or what a gift cost. Reading: value.cost replaces the sum, nothing more comes off it."""
        hosted, off = self.kind in HOSTED, ("tax", "delivery", "tip")
        if not hosted and self.value.get("cost") is not None:
            return self.money("cost")
        if hosted:
            off = ("tax", "tip") if self.settings["entertainment_tax_tip"] == "exclude" else ()
        return Decimal(self.fields["amount"]["total"]) - sum(self.money(name) for name in off)

    def worth(self, rule: dict) -> Decimal:
        """Under the rule's valuation and after repayments, in the entry's currency."""
        worth, market = self.cost(), self.value.get("market")
        if self.kind == "gift":
            worth = max(worth, self.money("face")) if "ticket" in self.flags else worth
            if rule.get("valuation") == "higher_of_cost_or_market":
                worth = max(worth, self.money("market"))
            elif rule.get("valuation") == "market" and market is not None:
                worth = self.money("market")
        return worth if rule.get("repay_nets") is False else max(ZERO, worth - self.repaid)

    def rate(self) -> Decimal | None:
        """Of the event date and no other day."""
        currency = self.fields["amount"]["currency"]
        if currency in {rule["currency"] for rule in self.policy["rules"]}:
            return Decimal(1)
        return {day(on): Decimal(rate) for on, rate in self.settings["fx"].get(currency, {}).items()}.get(self.day)

    def shares(self, rule: dict) -> list[Decimal]:
        """Each listed recipient's part; what the hosts had is nobody's."""
        heads, hosts = len(self.rows), self.fields.get("hosts")
        if self.kind in HOSTED and self.settings["entertainment_split"] == "all_attendees":
            heads += 1 if hosts is None else len(hosts)
        places = PLACES.get(rule["currency"], 2)
        cents = (self.worth(rule) * self.rate()).scaleb(places).quantize(Decimal(1), ROUND_HALF_UP)
        each, spare = divmod(int(cents), max(heads, 1))
        return [Decimal(each + (index < spare)).scaleb(-places) for index in range(len(self.rows))]

    def reasons(self, rule: dict, type_: str, share: Decimal) -> list[str]:
        """Every exclusion that holds for a person's share, the strongest first."""
        fields, facts, nominal = self.fields, self.facts, share <= Decimal(self.settings["nominal_ceiling"])
        close = facts.get("relationship") in ("family", "close_friend") and bool(facts.get("life_event"))
        mourned = facts.get("bereaved") in self.settings["bereavement_relations"]
        agreed, approved, giver = facts.get("agreement_on"), fields.get("preapproved_on"), fields.get("giver_type")
        floor = rule.get("item_floor") or {"lt": "0.00"}
        operator, amount = (floor["operator"], floor["amount"]) if "operator" in floor else next(iter(floor.items()))
        holds = {
            self.ended: True,
            "direction_not_covered": fields["direction"] != rule["direction"],
            type_: type_ in NOT_BUSINESS and type_ not in rule["applies_to"],
            "non_member_affiliate": giver == "non_member_affiliate" and not self.settings["aggregate_affiliates"],
            "compensation_agreement": agreed and day(agreed) < self.day,
            "disaster_donation": bool(facts.get("declaration")),
            "bereavement": mourned and facts.get("reasonable") is True,
            "personal": close and fields.get("paid_by") == "associated_person",
            "commemorative": facts.get("decorative_only") is True,
            "promotional": nominal and facts.get("logo") is True,
            "de_minimis": nominal,
            "business_entertainment": self.kind not in rule["counts"],
            "prior_approval": rule.get("cleared_by") == "prior_approval" and approved and day(approved) <= self.day,
            "below_item_floor": share < Decimal(amount) or (operator == "lte" and share == Decimal(amount)),
        }
        unclaimed = set(CLAIMS) - (set(self.flags) & set(rule.get("excludes") or []))
        return [reason for reason in STRONGEST_FIRST if holds.get(reason) and reason not in unclaimed]

    def acted_on(self, op: str, action: dict) -> "Entry":
        refuse_if(self.ended is not None, f"already_{self.ended}")
        if op == "amend":
            refuse_if("amount" in action["set"] and self.repaid > 0, "amount_after_repayment")
            return replace(self, fields=self.fields | action["set"] | {"id": self.fields["id"]}).checked()
        if op == "repay":
            return replace(self, repaid=self.repaid + Decimal(action["amount"]))
        refuse_if(op not in ("approve", "cancel", "return"), "unknown_action")
        return replace(self, ended={"cancel": "cancelled", "return": "returned"}.get(op))


class Books:
    def __init__(self, policy: dict) -> None:
        self.policy, self.entries, self.merged = policy, {}, {}  # merged: drop to keep
        for rule in policy["rules"]:
            refuse_if(rule["measure"] == "prohibition" and rule["period"]["type"] != "per_event", "prohibition_period")
            spans = sorted(span(row) for row in rule.get("limit_schedule") or [])
            refuse_if(any(earlier[1] >= later[0] for earlier, later in pairwise(spans)), "overlapping_schedule")

    def apply(self, event: dict) -> None:
        op = event.get("op")
        if op is None:
            refuse_if(event["id"] in self.entries, "recorded_twice")
            self.entries[event["id"]] = Entry(self.policy, event, len(self.entries)).checked()
        elif op == "merge":
            refuse_if(event["drop"] in self.merged, "merged_already")
            refuse_if(event["drop"] in self.chain(event["keep"]), "circle")
            self.merged[event["drop"]] = event["keep"]
        elif op == "unmerge":
            refuse_if(self.merged.get(event["drop"]) != event["keep"], "not_merged")
            del self.merged[event["drop"]]
        else:
            refuse_if(event["target"] not in self.entries, "unknown_entry")
            self.entries[event["target"]] = self.entries[event["target"]].acted_on(op, event)

    def chain(self, person: str) -> list[str]:
        return [person, *(self.chain(self.merged[person]) if person in self.merged else [])]  # the last is shown

    def results(self) -> dict[Key, Result]:
        found: dict[Key, Result] = {}
        for rule in self.policy["rules"]:
            lines: list[Line] = []
            for entry in sorted(self.entries.values(), key=lambda entry: (entry.day, entry.place)):
                for line in self.lines(rule, entry):
                    lines.append(line)
                    found[line.key] = judged(rule, line, [each for each in lines if each.pot == line.pot])
        return found

    def lines(self, rule: dict, entry: Entry) -> Iterator[Line]:
        """One line per recipient, or per employer where the rule looks at employers; none where there is no result."""
        # Reading: a day without a row has no result and adds nothing; a prohibition without a schedule is in force.
        banned, counts = rule["measure"] == "prohibition", rule["counts"]
        rows = [row for row in rule.get("limit_schedule") or [{}] * banned if span(row)[0] <= entry.day <= span(row)[1]]
        listed = entry.kind in counts or (entry.kind in HOSTED and set(counts) == {"gift"})
        if not rows or not listed or "unnamed_group" in entry.flags or (banned and rule["when"] not in entry.flags):
            return
        groups: dict[tuple, list[tuple]] = {}
        for person, employer, type_, share in self.people(rule, entry):
            if type_ in rule["applies_to"] or "business" in rule["applies_to"]:
                apart = {"per_recipient_employer": employer, "per_giver_recipient": entry.fields["giver"]}
                pot = (employer if rule["basis"] == "per_employer" else person, apart.get(rule["basis"]))
                amount = Decimal(1) if rule["measure"] == "count" else share
                groups.setdefault(pot, []).append((amount, *entry.reasons(rule, type_, share)[:1]))
        banned = banned or (rule.get("cash") == "prohibited" and "cash_equivalent" in entry.flags)
        for pot, parts in groups.items():
            counted = [part[0] for part in parts if len(part) == 1]
            exclusion = None if counted else min((part[1] for part in parts), key=STRONGEST_FIRST.index)
            key, limit = (rule["id"], pot[0], entry.fields["id"]), Decimal(rows[0].get("limit") or 0)
            yield Line(key, pot, entry.day, sum(counted, ZERO), exclusion, limit, banned)

    def people(self, rule: dict, entry: Entry) -> Iterator[tuple[str, str, str, Decimal]]:
        """Person, employer, type and the sum of their own and their guests' shares."""
        # Reading: of merged records the one fewest merges away from the one shown gives the place, then first-listed.
        parts: dict[str, list[tuple]] = {}
        for index, (row, share) in enumerate(zip(entry.rows, entry.shares(rule), strict=True)):
            guest = bool(row.get("guest_of")) and entry.settings["guest_attribution"] != "own_person"
            chain = self.chain(row["guest_of" if guest else "person"])
            place = [row.get(f"client_{name}" if guest else name) for name in ("employer", "type")]
            if not guest or entry.settings["guest_attribution"] == "to_client":
                parts.setdefault(chain[-1], []).append((guest, len(chain), index, *place, share))
        for person, mine in parts.items():
            yield person, *min(mine)[3:5], sum(part[-1] for part in mine)


def span(row: dict) -> tuple[date, date]:
    return day(row.get("effective_from") or date.min), day(row.get("effective_to") or date.max)


def another_year(of: date, years: int, for_leap_day: tuple[int, int]) -> date:
    return date(of.year + years, *(for_leap_day if (of.month, of.day) == (2, 29) else (of.month, of.day)))


def first_day(period: dict, on: date, counted: list[date]) -> date | None:
    """Of the window that contains `on`, or None on a day that no first-gift year contains."""
    if period["type"] in ("calendar_year", "fiscal_year"):
        month = period["start_month"] if period["type"] == "fiscal_year" else 1
        return date(on.year - (on.month < month), month, 1)
    if period["type"] == "rolling_365d":
        return on - timedelta(days=364)
    if period["type"] == "rolling_12m":
        return another_year(on, -1, (2, 28)) + timedelta(days=1)
    opened, closed = None, date.min  # first_gift_year; `closed` is the first day after the year
    for gift_day in counted:
        if gift_day >= closed:
            opened, closed = gift_day, another_year(gift_day, 1, (3, 1))
    return opened if on < closed else None


def judged(rule: dict, line: Line, pot: list[Line]) -> Result:
    """Zero is within every limit, but what is banned stays banned, unless it is excluded. `pot` ends with the line."""
    total = line.counted
    if rule["period"]["type"] != "per_event":
        first = first_day(rule["period"], line.day, [each.day for each in pot if each.counted > 0])
        total = sum((each.counted for each in pot if first is not None and each.day >= first), ZERO)
    over = line.counted > 0 and (total >= line.limit if rule.get("exceed") == "gte" else total > line.limit)
    near = line.counted > 0 and rule.get("warn_at") is not None and total >= Decimal(rule["warn_at"]) * line.limit
    violation = line.exclusion is None and (over or line.banned)
    places = 0 if rule["measure"] == "count" else PLACES.get(rule["currency"], 2)
    counted, aggregate = (f"{amount:.{places}f}" for amount in (line.counted, total))
    return Result(counted, aggregate, violation, near and not violation, line.exclusion)


def course(case: dict) -> Iterator[tuple[str, Refused | None, dict[Key, Result]]]:
    """Event by event, as the system learns of them: entries before actions on one day, then file order."""
    entries = [(day(entry.get("recorded") or entry["date"]), 0, entry) for entry in case.get("entries") or []]
    actions = [(day(action["at"]), 1, action) for action in case.get("actions") or []]
    books = Books(case["policy"])
    for *_, event in sorted(entries + actions, key=lambda each: each[:2]):
        try:
            books.apply(event)
            yield event["id"], None, books.results()
        except Refused as refusal:
            yield event["id"], refusal, books.results()


def replay(case: dict, upto: str | None = None, *, skip_refused: bool = False) -> dict[Key, Result]:
    """All results after the events up to and including `upto` (None: all). A refused event raises, or is skipped."""
    results: dict[Key, Result] = {}
    for event, refused, results in course(case):  # noqa: B007
        if refused and not skip_refused:
            raise refused
        if event == upto:
            break
    return results


def steps(case: dict) -> Iterator[Step]:
    """What each event adds, changes and withdraws; a refused one changes nothing. A refused policy raises at once."""
    before: dict[Key, Result] = {}
    for event, refused, after in course(case):
        changed = {key: result for key, result in after.items() if before.get(key) != result}
        yield Step(event, changed, set(before) - set(after), str(refused) if refused else None)
        before = after
