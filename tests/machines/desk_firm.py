"""A firm at its desk: operations carried out by calling the services in real transactions, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, text

from app.domain.access import Principal, Role
from app.domain.entries import DATED_FACTS, Direction, Draft, DraftPerson, Kind, Value
from app.domain.money import Currency, parse_minor
from app.domain.recipients import Named
from app.domain.refusals import Refusal
from app.domain.violations import Outcome as Verdict
from app.services import (
    access,
    approvals,
    dispositions,
    entries,
    merges,
    particulars,
    policies,
    publications,
    recipients,
)
from app.services.access import Credentials
from app.services.desk import Desk
from app.services.dispositions import Decision
from app.services.entries import Outcome, Submission
from app.services.packs import exponent
from app.services.particulars import Particulars
from app.services.reviews import carry_out
from app.settings import Settings
from app.storage.database import Database
from tests.domain.screening.playing import without_warnings_of_prohibitions
from tests.machines.facts import Facts, Fields, Op
from tests.oracle.oracle import day

T = TypeVar("T")
SOURCE = "case"
START = datetime(2041, 1, 3, 12, tzinfo=UTC)
HARMLESS = "nothing_changes"


class Told(NamedTuple):
    """What became of an operation: the codes of what was refused, one per entry of a batch; empty where nothing was.

    `cause` is what results that it changed are put down to; None for a recording, where it is the entry itself.
    `nothing` marks an amendment that says what is known already.
    """

    refused: Sequence[str] = ()
    cause: str | None = None
    nothing: bool = False


class Ticking:
    """A clock that says what it is told to, and moves on with every operation. `skew` is how wrong it is."""

    def __init__(self, now: datetime, skew: timedelta) -> None:
        self.now = now
        self.skew = skew

    def __call__(self) -> datetime:
        return self.now + self.skew


class DeskFirm:
    """Two officers at one or several desks on one database, and what everything is called in its books."""

    def __init__(
        self, url: str, *, skews: Sequence[timedelta] = (timedelta(0),), now: datetime = START, **settings: Any
    ) -> None:
        self.database = Database(url)
        self.clocks = [Ticking(now, skew) for skew in skews]
        self.desks = [Desk(Settings(database_url=url, **settings), self.database, clock) for clock in self.clocks]
        self.turn = 0
        self.within: Connection | None = None
        self.facts = Facts()
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.merge_ids: dict[str, str] = {}
        self.policy_ids: dict[int, str] = {}
        self.versions: dict[str, int] = {}
        self._officer, self._other = self._key("olivia"), self._key("oscar")
        self.officer, self.other = self._principal(self._officer), self._principal(self._other)
        self.reader = self.officer

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> DeskFirm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def desk(self) -> Desk:
        """Whose turn it is."""
        return self.desks[self.turn % len(self.desks)]

    def write(self, work: Callable[[Connection], T]) -> T:
        """One transaction; in a rehearsal, a part of one."""
        if self.within is None:
            return self.database.write(work)
        with self.within.begin_nested():
            return work(self.within)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions."""
        if self.within is not None:
            yield self.within
        else:
            with self.database.reading() as connection:
                yield connection

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Whatever is done in the block is taken back at its end, in the books and in what is remembered of them."""
        remembered = [dict(one) for one in self._remembered]
        immediate = self.database.engine.connect().execution_options(immediate=True)
        with immediate as connection, connection.begin() as whole:
            try:
                self.within = connection
                self.restart()
                yield
            finally:
                whole.rollback()
                self.within = None
                self.ids, self.names, self.merge_ids, self.policy_ids, self.versions = remembered

    @property
    def _remembered(self) -> tuple[dict[Any, Any], ...]:
        return self.ids, self.names, self.merge_ids, self.policy_ids, self.versions

    def _key(self, person: str) -> Credentials:
        _, secret = self.write(
            lambda connection: access.create_key(
                connection, self.desk, name=person, role=Role.OFFICER, person=person, lifetime=None, by="tests"
            )
        )
        return access.read_credentials(f"Bearer {secret}")

    def _principal(self, credentials: Credentials) -> Principal:
        with self.reading() as connection:
            return access.require(connection, self.desk, credentials)

    def call(self, name: str, id: str) -> None:
        """What something is called, and under which id it is kept."""
        assert self.ids.setdefault(name, id) == id, f"{name} became a second record"
        self.names.setdefault(id, name)

    # What happens

    def begin(self, facts: Facts) -> None:
        """Everybody who is on record from the start."""
        for person, [place] in facts.people.items():
            who = Named(name=person, type=place.type, employer=place.employer)
            made = self.write(
                lambda connection, who=who, person=person: recipients.create(
                    connection, self.desk, who, [(SOURCE, person)], by="olivia"
                )
            )
            self.call(person, made.id)

    def do(self, op: Op, facts: Facts) -> Told:
        """Carries out an operation, in one transaction of its own. `facts` are those before it."""
        for clock in self.clocks:
            clock.now += timedelta(seconds=1)
        self.turn += 1
        self.facts = facts
        return _DONE[op["op"]](self, op)

    def restart(self) -> None:
        """Other processes take over: whatever a desk remembered is gone."""
        self.desks = [Desk(desk.settings, self.database, desk.clock) for desk in self.desks]

    def _carry_out(self, work: Callable[[Connection], str]) -> Told:
        try:
            return Told(cause=self.write(work))
        except Refusal as refusal:
            return Told([refusal.code])

    def record(self, op: Op) -> Told:
        return self.batch({"entries": [op["entry"]]})

    def batch(self, op: Op) -> Told:
        drafts = [draft_of(fields) for fields in op["entries"]]
        outcomes: list[Outcome] = []

        def render(_principal: Principal, found: Sequence[Outcome]) -> tuple[int, str]:
            outcomes[:] = found
            return 201, ""

        asked = Submission(self._officer, "test", drafts, render)
        try:
            self.write(lambda connection: entries.record(connection, self.desk, [asked]))
        except Refusal as refusal:
            return Told([refusal.code] * len(drafts))
        refused = []
        for fields, outcome in zip(op["entries"], outcomes, strict=True):
            if isinstance(outcome, Refusal):
                refused.append(outcome.code)
            else:
                self._learn(fields, outcome.entry.id, outcome.version)
                self.call_people(fields, outcome.entry.recipients)
        return Told(refused)

    def _learn(self, fields: Fields, id: str, version: int) -> None:
        self.call(fields["id"], id)
        self.versions[fields["id"]] = version

    def call_people(self, fields: Fields, listed: Sequence[Any]) -> None:
        for row, one in zip(fields["recipients"], listed, strict=True):
            self.call(row["person"], one.recipient_id)

    def _on_entry(self, op: Op, act: Callable[[Connection, str, int], Any]) -> Told:
        name = op["target"]
        id = self.ids[name]

        def work(connection: Connection) -> str:
            done = act(connection, id, self.versions[name])
            self._after(name, done)
            return f"{id}:{done.version}"

        return self._carry_out(work)

    def _after(self, name: str, done: Any) -> None:
        self.versions[name] = done.version

    def amend(self, op: Op) -> Told:
        fields = {**self.facts.entries[op["target"]].fields, **op["set"]}
        draft = draft_of(fields)

        def act(connection: Connection, id: str, version: int) -> Any:
            done = entries.amend(connection, self.desk, self.officer, id, draft, version=version, reason="as it was")
            self.call_people(fields, done.entry.recipients)
            return done

        told = self._on_entry(op, act)
        return Told(nothing=True) if list(told.refused) == [HARMLESS] else told

    def withdraw(self, op: Op) -> Told:
        return self._on_entry(
            op, lambda c, id, v: entries.withdraw(c, self.desk, self.officer, id, version=v, reason="x")
        )

    def give_back(self, op: Op) -> Told:
        return self._on_entry(
            op, lambda c, id, v: entries.give_back(c, self.desk, self.officer, id, version=v, reason="x")
        )

    def repay(self, op: Op) -> Told:
        currency = self.facts.entries[op["target"]].fields["amount"]["currency"]
        minor = parse_minor(op["amount"], exponent(currency) or 0)
        return self._on_entry(
            op,
            lambda c, id, v: entries.repay(
                c, self.desk, self.officer, id, minor=minor, currency=currency, version=v, reason="x"
            ),
        )

    def approve(self, op: Op) -> Told:
        return self._on_entry(op, lambda c, id, v: approvals.approve(c, self.desk, self.other, id, version=v, note="x"))

    def decide(self, op: Op) -> Told:
        """The second officer confirms: the first one submitted everything."""
        with self.reading() as connection:
            case = case_of(connection, op["key"], self.names)
        said = Decision(Verdict.CONFIRMED, "breach_education", "training", "as it was")

        def work(connection: Connection) -> str:
            carry_out(
                connection,
                self.desk,
                self.other,
                lambda reviewer: dispositions.decide(reviewer, case["id"], case["version"], said),
            )
            return str(case["id"])

        return self._carry_out(work)

    def merge(self, op: Op) -> Told:
        keep, drop = self.ids[op["keep"]], self.ids[op["drop"]]

        def work(connection: Connection) -> str:
            return merges.merge(connection, self.desk, keep, drop, reason="one", by="olivia").merge.id

        told = self._carry_out(work)
        if told.cause:
            self.merge_ids[op["drop"]] = told.cause
        return told

    def unmerge(self, op: Op) -> Told:
        merge_id = self.merge_ids[op["drop"]]
        return self._carry_out(
            lambda connection: merges.undo(connection, self.desk, merge_id, reason="two", by="olivia").merge.id
        )

    def change(self, op: Op) -> Told:
        id = self.ids[op["person"]]
        said = Particulars(type=op.get("type"), employer=op.get("employer"), effective_from=day(op["from"]))
        with self.reading() as connection:
            version = recipients.get(connection, id).version

        def work(connection: Connection) -> str:
            done = particulars.change(connection, self.desk, id, said, version=version, reason="x", by="olivia")
            return f"{id}:{done.person.version}"

        told = self._carry_out(work)
        self._moved_on()
        return told

    def _moved_on(self) -> None:
        """Entries may have gone to their next version by what became known of a person."""
        with self.reading() as connection:
            by_id = dict(connection.exec_driver_sql("SELECT id, version FROM entries").all())
        self.versions = {name: by_id[self.ids[name]] for name in self.versions}

    def draft(self, op: Op) -> Told:
        document = {"name": "Case", **without_warnings_of_prohibitions(op["policy"])}
        made = self.write(lambda connection: policies.draft(connection, self.desk, document, name="Case", by="olivia"))
        self.policy_ids[op["number"]] = made.id
        return Told()

    def publish(self, op: Op) -> Told:
        if op["number"] not in self.policy_ids:
            self.draft(op)
        policy_id, since = self.policy_ids[op["number"]], day(op["effective_from"])

        def work(connection: Connection) -> str:
            publications.publish(connection, self.desk, policy_id, effective_from=since, by="oscar")
            return policy_id

        return self._carry_out(work)


_DONE: Mapping[str, Callable[[DeskFirm, Op], Told]] = {
    "record": DeskFirm.record,
    "batch": DeskFirm.batch,
    "amend": DeskFirm.amend,
    "withdraw": DeskFirm.withdraw,
    "return": DeskFirm.give_back,
    "repay": DeskFirm.repay,
    "approve": DeskFirm.approve,
    "decide": DeskFirm.decide,
    "merge": DeskFirm.merge,
    "unmerge": DeskFirm.unmerge,
    "change": DeskFirm.change,
    "draft": DeskFirm.draft,
    "publish": DeskFirm.publish,
}


def case_of(connection: Connection, key: Sequence[str], names: Mapping[str, str]) -> Mapping[str, Any]:
    """The row of the case of a result, which is named as the facts name it."""
    rule_id, shown, entry = key
    question = text(
        "SELECT v.*, e.name AS employer FROM violations v LEFT JOIN employers e ON e.id = v.shown WHERE rule_id = :rule"
    )
    found = [row._mapping for row in connection.execute(question, {"rule": rule_id})]
    [case] = [
        row
        for row in found
        if names[row["entry_id"]] == entry and (row["employer"] or names.get(row["shown"])) == shown
    ]
    return case


def draft_of(fields: Fields) -> Draft:
    """An entry of the examples as a draft; people by the ids they have in another system."""
    currency = Currency(fields["amount"]["currency"], exponent(fields["amount"]["currency"]) or 0)
    return Draft(
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
        people=tuple(_person(row) for row in fields["recipients"]),
        flags=frozenset(fields.get("flags") or ()),
        facts=tuple(
            (name, day(fact) if name in DATED_FACTS else fact)
            for name, fact in (fields.get("facts") or {}).items()
            if fact is not None
        ),
        preapproved_on=day(fields["preapproved_on"]) if fields.get("preapproved_on") else None,
    )


def _person(row: Fields) -> DraftPerson:
    name = row["name"] if row.get("newcomer") else None
    who = Named(source=SOURCE, external_id=row["person"], name=name, employer=row.get("employer"), type=row.get("type"))
    guest_of = Named(source=SOURCE, external_id=row["guest_of"]) if row.get("guest_of") else None
    return DraftPerson(who, guest_of, row.get("client_type"), row.get("client_employer"))
