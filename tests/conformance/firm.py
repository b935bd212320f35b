"""A firm that lives through a case over HTTP, and what it answers in the words of the worked examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import httpx

from tests.domain.screening.playing import without_warnings_of_prohibitions
from tests.oracle.oracle import Key, Result
from tests.server import Caller, Server

Case = Mapping[str, Any]
Results = dict[Key, Result]
ALWAYS = "2000-01-01"
SOURCE = "case"


@dataclass(frozen=True)
class Report:
    """What the service says of one event: why it is refused, or each result that is new or changed, and which are gone.

    `own` is the entry whose results are told in full. `before` is what the service says stood before, for the results
    of other entries; `violations` are the results whose cases moved.
    """

    refused: str | None = None
    own: str | None = None
    results: Results = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    before: dict[Key, Result | None] = field(default_factory=dict)
    violations: set[Key] = field(default_factory=set)


class Firm:
    """Two officers on a server, and the names that a case has for people, employers and entries."""

    def __init__(self, server: Server, *, types: Mapping[str, str] | None = None) -> None:
        self.server = server
        self.types = types or {}
        self.officer: Caller = server.as_("officer", "olivia")
        self.second_officer: Caller = server.as_("officer", "oscar")
        self.fields: dict[str, Case] = {}
        self.entry_ids: dict[str, str] = {}
        self.people_ids: dict[str, str] = {}
        self.merge_ids: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}

    # The policy

    def publish(self, policy: Case) -> str | None:
        """Put the case's policy in force for ever; the code of the refusal where it is not accepted."""
        document = {"name": "Case", **plain(without_warnings_of_prohibitions(policy))}
        drafted = self.officer.post("/v1/policies", json=document)
        if drafted.status_code != 201:
            return refusal(drafted)
        where = f"/v1/policies/{drafted.json()['id']}/publication"
        published = self.second_officer.post(where, json={"effective_from": ALWAYS})
        return None if published.status_code == 201 else refusal(published)

    def policies(self) -> int:
        """How many versions of the policy there are, drafts too; the first is the one that every installation has."""
        return len(self._everything("/v1/policies"))

    # Entries

    def record(self, entry: Case) -> Report:
        """Record an entry by itself."""
        answered = self.officer.post("/v1/entries", json=self.body(entry))
        if answered.status_code != 201:
            return Report(refused=refusal(answered))
        return self._recorded(entry, answered.json())

    def record_together(self, entries: Sequence[Case], key: str) -> list[Report]:
        """Record entries in one batch, in order."""
        answered = self.officer.post(
            "/v1/entries/batch",
            json={"entries": [self.body(entry) for entry in entries]},
            headers={"Idempotency-Key": key},
        )
        assert answered.status_code == 200, answered.text
        items = answered.json()["results"]
        assert [item["index"] for item in items] == list(range(len(entries)))
        return [
            self._recorded(entry, item["entry"]) if item["status"] == 201 else Report(refused=item["problem"]["code"])
            for entry, item in zip(entries, items, strict=True)
        ]

    def _recorded(self, entry: Case, body: Case) -> Report:
        self.learn(entry, body)
        return self.report(body)

    def learn(self, entry: Case, body: Case) -> None:
        """Remember what an entry that was recorded, and everybody on it, is called in the service's books."""
        self.fields[entry["id"]] = entry
        self.entry_ids[entry["id"]], self._names[body["id"]] = body["id"], entry["id"]
        self.meet(entry, body)

    def meet(self, entry: Case, body: Case) -> None:
        """Remember who the people on an entry are."""
        for row, shown in zip(entry["recipients"], body["recipients"], strict=True):
            self.introduce(row["person"], shown["id"])
            if row.get("guest_of"):
                self.introduce(row["guest_of"], shown["guest_of"])

    def introduce(self, person: str, id: str) -> None:
        """The first name that an id goes by is its own; later ones are those of people merged into it."""
        if id not in self._names:
            assert self.people_ids.setdefault(person, id) == id, f"{person} became a second record"
            self._names[id] = person

    def body(self, entry: Case) -> dict[str, Any]:
        """The case's entry as our API takes it."""
        plainly = plain(entry)
        same = ("kind", "direction", "giver", "giver_type", "paid_by", "hosts_present", "hosts", "flags", "value")
        here = {row["person"] for row in plainly["recipients"]}
        return {
            "occurred_on": plainly["date"],
            "total": {"amount": plainly["amount"]["total"], "currency": plainly["amount"]["currency"]},
            "recipients": [recipient(row, here) for row in plainly["recipients"]],
            "facts": {name: fact for name, fact in (plainly.get("facts") or {}).items() if fact is not None},
            **{name: plainly[name] for name in (*same, "preapproved_on") if plainly.get(name) is not None},
        }

    # What the service says

    def report(self, body: Case) -> Report:
        """An answer's own results, those of other entries, and the cases that moved."""
        results = dict(self._told(one) for one in body.get("assessments") or ())
        before: dict[Key, Result | None] = {}
        gone: set[Key] = set()
        for change in body.get("reassessed") or ():
            was, now = (change[side] and self._told(change[side]) for side in ("before", "after"))
            key = (now or was)[0]
            before[key] = was[1] if was else None
            if now:
                results[key] = now[1]
            else:
                gone.add(key)
        cases = {self._key(case) for case in body.get("violations") or ()}
        own = self._names[body["id"]] if "assessments" in body else None
        return Report(own=own, results=results, gone=gone, before=before, violations=cases)

    def standing(self) -> Results:
        """Every current result of every entry."""
        entries = self._everything("/v1/entries")
        return dict(self._told(one) for entry in entries for one in entry["assessments"])

    def of_entry(self, name: str) -> Results:
        """The current results of one entry."""
        answered = self.officer.get(f"/v1/entries/{self.entry_ids[name]}")
        assert answered.status_code == 200, answered.text
        return dict(self._told(one) for one in answered.json()["assessments"])

    def violations(self) -> dict[Key, tuple[str, str]]:
        """The counted amount and the total of every case that is not withdrawn."""
        cases = [case for case in self._everything("/v1/violations") if case["state"] != "withdrawn"]
        return {self._key(case): (case["counted"], case["aggregate"]) for case in cases}

    def disagreeing_proofs(self) -> list[Key]:
        """Results whose proof, worked out anew, comes to another sum than the one that was kept."""
        proofs = [
            proof for id in self.entry_ids.values() for proof in self.officer.get(f"/v1/entries/{id}/proofs").json()
        ]
        return [self._key(proof["assessment"]) for proof in proofs if not proof["agrees"]]

    def _everything(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answered = self.officer.get(path, params={"limit": "200", **cursor})
            assert answered.status_code == 200, answered.text
            found += answered.json()["data"]
            following = answered.json()["page"].get("next_cursor")
            if not following:
                return found
            cursor = {"cursor": following}

    def _told(self, one: Case) -> tuple[Key, Result]:
        return self._key(one), Result(
            counted=one["counted"],
            aggregate=one["aggregate"],
            violation=one["outcome"] == "violation",
            warning=one["outcome"] == "warning",
            exclusion=one["exclusion"],
        )

    def _key(self, one: Case) -> Key:
        person = one.get("recipient_id")
        shown = self._names[person] if person else self._employer(one["employer_id"])
        return one["rule_id"], shown, self._names[one["entry_id"]]

    def _employer(self, id: str) -> str:
        if id not in self._names:
            self._names[id] = self.officer.get(f"/v1/employers/{id}").json()["name"]
        return self._names[id]


def recipient(row: Case, here: Iterable[str]) -> dict[str, Any]:
    """A case's recipient; a client who is not on the entry is introduced by their guest."""
    said = {
        "external_id": {"source": SOURCE, "id": row["person"]},
        **{key: row[key] for key in ("name", "employer", "type", "client_employer", "client_type") if row.get(key)},
    }
    client = row.get("guest_of")
    if not client:
        return said
    known_as = {"external_id": {"source": SOURCE, "id": client}}
    if client not in here:
        place = {"employer": row.get("client_employer"), "type": row.get("client_type")}
        known_as |= {"name": client, **{key: value for key, value in place.items() if value}}
    return {**said, "guest_of": known_as}


def plain(value: Any) -> Any:
    """Days as text: what YAML reads as dates, JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def refusal(answered: httpx.Response) -> str:
    """The code of a refusal; anything else but a 4xx is a failure of the service."""
    assert 400 <= answered.status_code < 500, f"{answered.status_code}: {answered.text}"
    return str(answered.json()["code"])
