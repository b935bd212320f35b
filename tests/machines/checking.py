"""Checking: whether a firm's books say what the facts demand, read past the services that wrote them.

`faults(firm, facts)` compares the complete set of current results and of open violations with the oracle's, in both
directions, and everything that has to hold besides: versions, shares, merges, causes, approvals, what was known when.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app.domain.money import format_minor
from app.domain.policies import PolicyBook
from app.services import audit, policies, proofs
from app.services.packs import exponent
from app.storage import screening
from tests.machines.desk_firm import Told
from tests.machines.facts import Facts, Noted, Results, expected
from tests.oracle.oracle import Key, Result


class Kept(NamedTuple):
    """One current result as it is kept."""

    result: Result
    policy_id: str
    limit: int
    cause: str | None
    known_from: int


class Books(NamedTuple):
    """What is kept at a moment: every current result, and every case that is not withdrawn."""

    results: Mapping[Key, Kept]
    cases: Mapping[Key, Mapping[str, Any]]

    @property
    def told(self) -> Results:
        """The results in the words of the examples."""
        return {key: kept.result for key, kept in self.results.items()}


def rows(connection: Connection, statement: str) -> list[dict[str, Any]]:
    """Rows of the books, by the names of their columns."""
    return [dict(row._mapping) for row in connection.execute(text(statement))]


def read(connection: Connection, names: Mapping[str, str], book: PolicyBook) -> Books:
    """Reads the tables of results and cases. Ids are replaced by what `names` calls them; what it does not, stays."""
    results = {}
    for row in rows(connection, "SELECT * FROM assessments WHERE known_until IS NULL"):
        digits = book.by_id[row["policy_id"]].by_id[row["rule_id"]].exponent
        result = Result(
            counted=format_minor(row["counted"], digits),
            aggregate=format_minor(row["aggregate"], digits),
            violation=row["outcome"] == "violation",
            warning=row["outcome"] == "warning",
            exclusion=row["exclusion"],
        )
        kept = Kept(result, row["policy_id"], row["limit_value"], row["cause"], row["known_from"])
        results[_key(row, names)] = kept
    cases = {_key(row, names): row for row in rows(connection, "SELECT * FROM violations WHERE state <> 'withdrawn'")}
    return Books(results, cases)


def _key(row: Mapping[str, Any], names: Mapping[str, str]) -> Key:
    shown, entry = row["shown"], row["entry_id"]
    return row["rule_id"], names.get(shown, shown), names.get(entry, entry)


def employers(connection: Connection) -> dict[str, str]:
    """The names of all employers."""
    return {row["id"]: row["name"] for row in rows(connection, "SELECT id, name FROM employers")}


def differences(wanted: Mapping[Any, Any], found: Mapping[Any, Any], what: str) -> Iterator[str]:
    """Where two mappings differ, in both directions."""
    for key in sorted({*wanted, *found}, key=str):
        if wanted.get(key) != found.get(key):
            yield f"{what} {key}: must be {wanted.get(key)}, is {found.get(key)}"


class Checker:
    """Checks a firm's books after every operation, and remembers what was known when."""

    def __init__(self, firm: Any, *, one_clock: bool = True, proves: bool = True) -> None:
        self.firm = firm
        self.before = Books({}, {})
        self.one_clock, self.proves = one_clock, proves
        self.known: list[tuple[int, Results]] = []
        self.checked = Counter[str]()

    def faults(self, facts: Facts, told: Told | None = None) -> list[str]:
        """Everything that is not as it must be."""
        with self.firm.reading() as connection:
            return list(self._faults(connection, facts, told))

    def _faults(self, connection: Connection, facts: Facts, told: Told | None) -> Iterator[str]:
        book = policies.read(connection)
        names = {**self.firm.names, **employers(connection)}
        now = read(connection, names, book)
        wanted = expected(facts if self.one_clock else self._as_numbered(connection, facts))
        self.checked.update(steps=1, results=len(wanted), violations=sum(one.violation for one in wanted.values()))
        yield from differences(wanted, now.told, "result")
        yield from self._of_cases(facts, now, wanted)
        yield from self._of_entries(connection, facts, names)
        yield from self._of_people(connection, facts, names)
        yield from self._of_policies(facts, now)
        yield from self._of_history(connection)
        changed = {key for key, kept in now.results.items() if self.before.results.get(key) != kept}
        if told is not None:
            yield from self._of_causes(now, changed, told)
        if self.proves:
            yield from self._of_proofs(connection, {key[2] for key in changed})
        if self.one_clock:
            yield from self._of_what_was_known(connection, names, book, wanted)
        states = [
            {key for key, case in books.cases.items() if case["state"] == "decided"} for books in (self.before, now)
        ]
        self.checked.update(decided=len(states[1] - states[0]), reopened=len(states[0] & now.cases.keys() - states[1]))
        self.checked.update(opened=len(now.cases.keys() - self.before.cases.keys()))
        self.checked.update(closed=len(self.before.cases.keys() - now.cases.keys()))
        self.before = now

    def _as_numbered(self, connection: Connection, facts: Facts) -> Facts:
        """The facts in the order of record that the books give: of what no subject connects, clocks decide it."""
        numbers = {row["id"]: row["sequence"] for row in rows(connection, "SELECT id, sequence FROM entries")}
        ordered = sorted(facts.entries.items(), key=lambda one: numbers[self.firm.ids[one[0]]])
        return replace(facts, entries=dict(ordered))

    def _of_cases(self, facts: Facts, now: Books, wanted: Results) -> Iterator[str]:
        """Exactly the violating results have a case, which says of them and of their entry what is so."""
        violating = {key for key, one in wanted.items() if one.violation}
        yield from (f"missed violation {key}: {wanted[key]}" for key in sorted(violating - now.cases.keys()))
        yield from (f"phantom violation {key}" for key in sorted(now.cases.keys() - violating, key=str))
        held = {key: "decided" if key in facts.decided else "open" for key in violating & now.cases.keys()}
        yield from differences(held, {key: now.cases[key]["state"] for key in held}, "state of case")
        for key in sorted(violating & now.cases.keys() & now.results.keys()):
            case, kept, fields = now.cases[key], now.results[key], facts.entries[key[2]].fields
            digits = 0 if kept.result.counted.isdigit() else len(kept.result.counted.partition(".")[2])
            sums = {"counted": kept.result.counted, "aggregate": kept.result.aggregate}
            said = {name: format_minor(case[name], digits) for name in sums}
            about = {"occurred_on": fields["date"], "giver": fields["giver"], "direction": fields["direction"]}
            here = {"policy_id": kept.policy_id, "limit_value": kept.limit}
            yield from differences(
                sums | about | here, said | {n: _plain(case[n]) for n in (about | here)}, f"case {key}"
            )

    def _of_entries(self, connection: Connection, facts: Facts, names: Mapping[str, str]) -> Iterator[str]:
        """Every entry as it was said last, its versions from 1 on without a gap, its shares adding up."""
        current = {row["id"]: row for row in rows(connection, "SELECT * FROM entries")}
        yield from differences(
            {name: noted.version for name, noted in facts.entries.items()},
            {names.get(id, id): row["version"] for id, row in current.items()},
            "version of entry",
        )
        versions: dict[str, list[dict[str, Any]]] = {}
        for row in rows(connection, "SELECT * FROM entry_versions ORDER BY entry_id, version"):
            versions.setdefault(row["entry_id"], []).append(row)
        shares: dict[str, list[int]] = {}
        for row in rows(
            connection,
            "SELECT s.entry_id, s.amount_minor FROM shares s JOIN entries e ON e.id = s.entry_id AND "
            "e.version = s.entry_version ORDER BY s.entry_id, s.position",
        ):
            shares.setdefault(row["entry_id"], []).append(row["amount_minor"])
        standing = rows(connection, "SELECT entry_id, entry_version FROM approvals WHERE fell_at IS NULL")
        approved = {row["entry_id"]: row["entry_version"] for row in standing}
        for id, row in current.items():
            name, chain = names.get(id, id), versions.get(id, [])
            if [one["version"] for one in chain] != list(range(1, row["version"] + 1)):
                yield f"{name}: versions {[one['version'] for one in chain]}, now at {row['version']}"
            places = [one["known_from"] for one in chain]
            if places != sorted(set(places)):
                yield f"{name}: versions known from {places}"
            if name in facts.entries and chain:
                yield from _of_document(name, facts, json.loads(chain[-1]["document"]), names)
                yield from _of_shares(name, facts.entries[name], shares.get(id, []))
                wanted = row["version"] if facts.entries[name].approved else None
                if approved.get(id) != wanted:
                    yield f"{name}: approved at {approved.get(id)}, must be {wanted}"

    def _of_people(self, connection: Connection, facts: Facts, names: Mapping[str, str]) -> Iterator[str]:
        """Who turned out to be whom, and what everybody is on record as."""
        for row in rows(connection, "SELECT * FROM recipients"):
            name = names.get(row["id"], row["id"])
            if name not in facts.people:
                yield f"{name} is on record, and nobody named them"
                continue
            last = facts.people[name][-1]
            wanted = {"canonical": facts.root(name), "type": last.type, "employer": last.employer}
            canonical, employer = (names.get(row[key], row[key]) for key in ("canonical_id", "employer_id"))
            found = {"canonical": canonical, "type": row["type"], "employer": employer}
            yield from differences(wanted, found, f"record of {name}")

    def _of_policies(self, facts: Facts, now: Books) -> Iterator[str]:
        """Every result was given by the version in force on its day."""
        for key, kept in now.results.items():
            if key[2] in facts.entries:
                version = facts.in_force(facts.entries[key[2]].on)
                if kept.policy_id != self.firm.policy_ids[version.number]:
                    yield f"result {key}: given by another version than the one in force"

    def _of_history(self, connection: Connection) -> Iterator[str]:
        """Of one result, one answer at a time: each ends where, or before, the next begins."""
        last: tuple[Any, ...] | None = None
        until: int | None = 0
        for row in rows(connection, "SELECT * FROM assessments ORDER BY entry_id, rule_id, shown, known_from"):
            key = (row["entry_id"], row["rule_id"], row["shown"])
            if key != last:
                last, until = key, 0
            if until is None or row["known_from"] < until:
                yield f"history of {key}: an answer from {row['known_from']}, while one stood until {until}"
            until = row["known_until"]
            if until is not None and until <= row["known_from"]:
                yield f"history of {key}: from {row['known_from']} until {until}"

    def _of_causes(self, now: Books, changed: set[Key], told: Told) -> Iterator[str]:
        """What is new about a result is put down to what was done; at its first recording, to nothing else."""
        for key in sorted(changed):
            kept, id = now.results[key], self.firm.ids.get(key[2])
            new = key[2] not in {known[2] for known in self.before.results} and kept.cause is None
            causes = (
                {told.cause}
                if told.cause
                else {f"{one}:1" for one in self.firm.ids.values()} | ({None} if new else set())
            )
            if kept.cause not in causes:
                yield f"cause of {key} ({id}): {kept.cause}, done was {told.cause or 'a recording'}"
            moved = key in now.cases and self.before.results.get(key, kept).result != kept.result
            if moved and now.cases[key]["cause"] not in causes:
                yield f"cause of case {key}: {now.cases[key]['cause']}, done was {told.cause or 'a recording'}"

    def _of_proofs(self, connection: Connection, names: set[str]) -> Iterator[str]:
        """What the proofs work out anew is what was kept."""
        for name in sorted(names & self.firm.ids.keys()):
            for shown in proofs.of_entry(
                connection, self.firm.desk, self.firm.reader, self.firm.ids[name], rule_id=None
            ):
                self.checked.update(proofs=1)
                if not shown.proof.agrees:
                    line = shown.proof.known.assessment.line
                    yield f"proof of {line.rule_id} {self.firm.names.get(line.shown, line.shown)} {name} disagrees"

    def _of_what_was_known(
        self, connection: Connection, names: Mapping[str, str], book: PolicyBook, wanted: Results
    ) -> Iterator[str]:
        """What was known at earlier moments is still what was known then."""
        ids = [row["id"] for row in rows(connection, "SELECT id FROM entries")]
        for at, then in self._some_moments():
            found = {}
            for one in screening.of_entries(connection, ids, at):
                line, digits = (
                    one.assessment.line,
                    book.by_id[one.policy_id].by_id[one.assessment.line.rule_id].exponent,
                )
                key = (line.rule_id, names.get(line.shown, line.shown), names.get(line.entry_id, line.entry_id))
                found[key] = Result(
                    format_minor(line.counted, digits),
                    format_minor(one.assessment.aggregate, digits),
                    one.assessment.outcome == "violation",
                    one.assessment.outcome == "warning",
                    line.exclusion,
                )
            self.checked.update(moments=1)
            yield from differences(then, found, f"what was known at {at}:")
        self.known.append((self.firm.desk.sequencer.next(), wanted))

    def _some_moments(self) -> list[tuple[int, Results]]:
        """The last, and one that moves through all there were."""
        if not self.known:
            return []
        return [self.known[-1], self.known[len(self.known) * 7 // 11 % len(self.known)]]

    def at_the_end(self, facts: Facts) -> list[str]:
        """What is looked at once: every proof, and that the log is whole and says every change."""
        with self.firm.reading() as connection:
            found = list(self._of_proofs(connection, set(facts.entries)))
            verified = audit.verify(connection, self.firm.desk.settings.log_id)
            found += [f"audit: {fault}" for fault in verified.faults]
            found += list(_of_the_log(connection))
        return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _of_document(name: str, facts: Facts, document: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    noted = facts.entries[name]
    fields = facts.resolved(noted.fields)
    digits = exponent(fields["amount"]["currency"]) or 0
    wanted = {
        "occurred_on": fields["date"],
        "kind": fields["kind"],
        "giver": fields["giver"],
        "total": fields["amount"]["total"],
        "standing": noted.ended or "live",
        "repaid": format_minor(int(noted.repaid.scaleb(digits)), digits),
        "people": [(row["person"], row["type"], row["employer"], row.get("guest_of")) for row in fields["recipients"]],
    }
    people = [
        tuple(names.get(one.get(key), one.get(key)) for key in ("recipient_id", "type", "employer_id", "guest_of"))
        for one in document["recipients"]
    ]
    found = {key: document.get(key) for key in wanted} | {"people": people}
    found |= {key: format_minor(document[key], digits) for key in ("total", "repaid")}
    yield from differences(wanted, found, f"entry {name}")


def _of_shares(name: str, noted: Noted, shares: list[int]) -> Iterator[str]:
    """A gift's shares add up to its total; of a bill that hosts share, what is missing is their parts of it."""
    digits, rows = exponent(noted.fields["amount"]["currency"]) or 0, noted.fields["recipients"]
    total = int(noted.fields["amount"]["total"].replace(".", "")) if digits else int(noted.fields["amount"]["total"])
    hosts = noted.fields.get("hosts")
    heads = (
        {len(rows)} if noted.fields["kind"] == "gift" else {len(rows), len(rows) + (1 if hosts is None else len(hosts))}
    )
    ways = [[total // n + (place < total % n) for place in range(n)][: len(rows)] for n in heads]
    if shares not in ways:
        yield f"shares of {name}: {shares} of {total} among {heads}"


def _of_the_log(connection: Connection) -> Iterator[str]:
    """Each thing that has versions has exactly as many records in the log."""
    logged = {
        row["entity_id"]: row["n"]
        for row in rows(connection, "SELECT entity_id, count(*) AS n FROM audit_records GROUP BY entity_id")
    }
    for table in ("entries", "recipients", "employers", "violations", "merges"):
        for row in rows(connection, f"SELECT id, version FROM {table}"):
            if logged.get(row["id"]) != row["version"]:
                yield f"{table} {row['id']}: at version {row['version']}, {logged.get(row['id'])} records"
    for row in rows(
        connection,
        "SELECT v.id, v.version, count(*) AS n, max(w.version) AS last FROM violations v "
        "JOIN violation_versions w ON w.violation_id = v.id GROUP BY v.id, v.version",
    ):
        if not row["n"] == row["version"] == row["last"]:
            yield f"violation {row['id']}: at version {row['version']}, {row['n']} are kept"
