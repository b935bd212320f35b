"""Playing a case of the worked examples on the domain: its policy, and its entries as they stand after each event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from app.domain.entries import DATED_FACTS, Direction, Entry, Kind, Listed, Standing, Value, check
from app.domain.money import Currency, format_minor, parse_minor
from app.domain.policies import Policy, PolicyBook, parse
from app.domain.refusals import Refusal
from app.domain.screening import Assessment, Outcome, Weighing, results
from app.services.packs import exponent
from tests.oracle.oracle import Key, Result, steps

Case = Mapping[str, Any]
Results = dict[Key, Result]

# What the business decides before an event reaches the engine: whether an entry, or a person, can still be acted on.
DECIDED_ELSEWHERE = {
    "already_cancelled",
    "already_returned",
    "amount_after_repayment",
    "circle",
    "merged_already",
    "not_merged",
    "recorded_twice",
    "unknown_entry",
}


class Played(NamedTuple):
    """The books after an event: every entry as it stands, merged people as one; and what the oracle expects of them.

    `refused` is what the engine said, `refusal` the oracle's reason.
    """

    event: str
    refused: bool
    refusal: str | None
    entries: Sequence[Entry]
    expected: Results


def policy_of(case: Case) -> Policy:
    """The case's policy as a version in force for ever. Raises InvalidPolicy."""
    document = {"name": "Case", **without_warnings_of_prohibitions(case["policy"])}
    return parse(document, exponent).published("pol_1", version=1, effective_from=date.min)


def without_warnings_of_prohibitions(policy: Case) -> dict[str, Any]:
    """A prohibition has no limit to come near to, and a document that says otherwise is refused; results are alike."""
    rules = [
        {key: said for key, said in rule.items() if (rule["measure"], key) != ("prohibition", "warn_at")}
        for rule in policy["rules"]
    ]
    return {**policy, "rules": rules}


def entry_of(fields: Case, sequence: int) -> Entry:
    """An entry as written, people and employers by the names that the case gives them."""
    currency = Currency(fields["amount"]["currency"], exponent(fields["amount"]["currency"]) or 0)
    return Entry(
        id=fields["id"],
        sequence=sequence,
        occurred_on=day(fields["date"]),
        kind=Kind(fields["kind"]),
        direction=Direction(fields["direction"]),
        giver=fields["giver"],
        giver_type=fields.get("giver_type") or "associated_person",
        paid_by=fields.get("paid_by") or "firm",
        total=parse_minor(fields["amount"]["total"], currency.exponent),
        currency=currency,
        value=Value(**{k: parse_minor(v, currency.exponent) for k, v in (fields.get("value") or {}).items()}),
        hosts_present=fields.get("hosts_present"),
        hosts=None if fields.get("hosts") is None else tuple(fields["hosts"]),
        recipients=tuple(listed(row) for row in fields["recipients"]),
        flags=frozenset(fields.get("flags") or ()),
        facts={name: fact_of(name, fact) for name, fact in (fields.get("facts") or {}).items()},
        preapproved_on=day(fields["preapproved_on"]) if fields.get("preapproved_on") else None,
    )


def listed(row: Case) -> Listed:
    return Listed(
        recipient_id=row["person"],
        employer_id=row.get("employer"),
        type=row["type"],
        guest_of=row.get("guest_of"),
        client_employer_id=row.get("client_employer"),
        client_type=row.get("client_type"),
    )


def day(written: object) -> date:
    return date.fromisoformat(str(written)[:10])


def fact_of(name: str, fact: object) -> object:
    return day(fact) if name in DATED_FACTS and fact is not None else fact


class Books:
    """Entries as they stand, and who was merged into whom."""

    def __init__(self, case: Case) -> None:
        self.policy = policy_of(case)
        self.fields: dict[str, Case] = {}
        self.entries: dict[str, Entry] = {}
        self.merged_into: dict[str, str] = {}

    def record(self, fields: Case) -> None:
        """Raises what the engine refuses."""
        self._keep(fields, entry_of(fields, len(self.entries) + 1))

    def act(self, action: Case) -> None:
        """Raises what the engine refuses in an amendment."""
        match action["op"]:
            case "merge":
                self.merged_into[action["drop"]] = action["keep"]
            case "unmerge":
                del self.merged_into[action["drop"]]
            case op:
                self._change(op, action, self.entries[action["target"]])

    def _change(self, op: str, action: Case, entry: Entry) -> None:
        match op:
            case "amend":
                fields = {**self.fields[entry.id], **action["set"]}
                self._keep(fields, replace(entry_of(fields, entry.sequence), repaid=entry.repaid))
            case "cancel":
                self.entries[entry.id] = replace(entry, standing=Standing.CANCELLED)
            case "return":
                self.entries[entry.id] = replace(entry, standing=Standing.RETURNED)
            case "repay":
                back = parse_minor(action["amount"], entry.currency.exponent)
                self.entries[entry.id] = replace(entry, repaid=entry.repaid + back)

    def _keep(self, fields: Case, entry: Entry) -> None:
        check(entry)
        Weighing(self.policy, entry.with_people(self.merged_into))
        self.fields[entry.id], self.entries[entry.id] = fields, entry

    def standing(self) -> list[Entry]:
        """Every entry, with the people whom results are shown under."""
        return [entry.with_people(self.merged_into) for entry in self.entries.values()]


def played(case: Case) -> Iterator[Played]:
    """The books after each event, beside what the oracle expects of them."""
    events = {event["id"]: event for event in (*case["entries"], *case["actions"])}
    books, expected = Books(case), {}
    for step in steps(case):
        expected = {key: line for key, line in (expected | step.changed).items() if key not in step.withdrawn}
        refused = step.refused in DECIDED_ELSEWHERE or _refuses(books, events[step.event])
        yield Played(step.event, refused, step.refused, books.standing(), expected)


def _refuses(books: Books, event: Case) -> bool:
    try:
        if "op" in event:
            books.act(event)
        else:
            books.record(event)
    except Refusal:
        return True
    return False


def judged(policy: Policy, entries: Sequence[Entry]) -> Results:
    """What the engine says of a whole history, in the words of the worked examples."""
    return dict(told(policy, one) for one in results(PolicyBook([policy]), entries))


def told(policy: Policy, one: Assessment) -> tuple[Key, Result]:
    line, digits = one.line, policy.by_id[one.line.rule_id].exponent
    return (line.rule_id, line.shown, line.entry_id), Result(
        counted=format_minor(line.counted, digits),
        aggregate=format_minor(one.aggregate, digits),
        violation=one.outcome is Outcome.VIOLATION,
        warning=one.outcome is Outcome.WARNING,
        exclusion=line.exclusion,
    )


def disagreement(case: Case) -> str | None:
    """The first event after which engine and oracle differ, and in what; None where they agree to the end."""
    policy = policy_of(case)
    for event, refused, refusal, entries, expected in played(case):
        if refused != (refusal is not None):
            return f"{event}: the engine {'refuses' if refused else 'accepts'}, the oracle says {refusal}"
        found = judged(policy, entries)
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                return f"{event}, {key}: the oracle says {expected.get(key)}, the engine {found.get(key)}"
    return None
