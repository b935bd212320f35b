"""A firm over HTTP: the same operations as requests, and answers that tell exactly what became different."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx
from sqlalchemy import Connection

from app.domain.access import Principal, Role
from app.services.desk import Desk
from tests.conformance.firm import SOURCE, Firm, plain, refusal
from tests.domain.screening.playing import without_warnings_of_prohibitions
from tests.machines.checking import Checker
from tests.machines.desk_firm import HARMLESS, Told, case_of
from tests.machines.facts import Facts, Op, Results
from tests.oracle.oracle import Key, Result
from tests.server import Server

ID = re.compile(r"\b([a-z]{3})_[0-9a-f]{32}\b")
FIELDS = {"date": "occurred_on", "amount": "total"}
Change = tuple[Result | None, Result | None]


class HttpFirm(Firm):
    """Two officers on a server. `log` is every answer with names for ids, the same on whatever database."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.merge_of: dict[str, str] = {}
        self.policy_ids: dict[int, str] = {}
        self.versions: dict[str, int] = {}
        self.facts = Facts()
        self.log: list[str] = []
        self.told: dict[Key, Change] | None = None

    # What the checker asks for

    reader = Principal("key_tests", "tests", Role.AUDITOR, "arthur")

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for questions."""
        return self.server.desk.database.reading()

    @property
    def desk(self) -> Desk:
        """The server's desk."""
        return self.server.desk

    @property
    def ids(self) -> dict[str, str]:
        """What entries and people are kept under."""
        return {**self.people_ids, **self.entry_ids}

    @property
    def names(self) -> dict[str, str]:
        """What is kept, by its id."""
        return {id: name for id, name in self._names.items() if not id.startswith("emp_")}

    # What happens

    def begin(self, facts: Facts) -> None:
        """Everybody who is on record from the start."""
        for person, [place] in facts.people.items():
            body = {"name": person, "type": place.type, "employer": place.employer}
            answered = self.officer.post(
                "/v1/recipients", json=body | {"external_ids": [{"source": SOURCE, "id": person}]}
            )
            assert answered.status_code == 201, answered.text
            self.introduce(person, answered.json()["id"])

    def do(self, op: Op, facts: Facts) -> Told:
        """Carries out an operation. `facts` are those before it."""
        self.server.clock.forward(seconds=1)
        self.facts, self.told = facts, None
        return _DONE[op["op"]](self, op)

    def restart(self) -> None:
        """A server that is asked over HTTP goes on."""

    def _heard(self, answered: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = answered.json()
        self.log.append(json.dumps([answered.status_code, self._named(body)], sort_keys=True))
        return body

    def _named(self, said: Any) -> Any:
        """An answer with names for ids, and lists in an order that does not depend on them."""
        if isinstance(said, Mapping):
            return {self._named(key): self._named(value) for key, value in said.items()}
        if isinstance(said, list):
            named = [self._named(one) for one in said]
            return sorted(named, key=str) if any(isinstance(one, Mapping) for one in named) else named
        return ID.sub(lambda id: self._name(id[0], id[1]), said) if isinstance(said, str) else said

    def _name(self, id: str, kind: str) -> str:
        if kind == "emp":
            return self._employer(id)
        return self._names.get(id, kind)

    def _changed(self, body: Mapping[str, Any]) -> dict[Key, Change]:
        """What an answer says became different."""
        found: dict[Key, Change] = {}
        for change in body.get("reassessed") or ():
            was, now = (change[side] and self._told(change[side]) for side in ("before", "after"))
            found[(now or was)[0]] = (was and was[1], now and now[1])
        return found

    def record(self, op: Op) -> Told:
        answered = self.officer.post("/v1/entries", json=self.body(op["entry"]))
        if answered.status_code == 201:
            return self._recorded_now([(op["entry"], 201, answered.json())], answered)
        return self._refused(answered)

    def batch(self, op: Op) -> Told:
        answered = self.officer.post(
            "/v1/entries/batch",
            json={"entries": [self.body(entry) for entry in op["entries"]]},
            headers={"Idempotency-Key": op["entries"][0]["id"]},
        )
        assert answered.status_code == 200, answered.text
        results = answered.json()["results"]
        items = [
            (entry, one["status"], one.get("entry") or one["problem"])
            for entry, one in zip(op["entries"], results, strict=True)
        ]
        return self._recorded_now(items, answered)

    def _recorded_now(self, items: Sequence[tuple[Any, int, dict[str, Any]]], answered: httpx.Response) -> Told:
        for entry, status, body in items:
            if status == 201:
                self.learn(entry, body)
                self.versions[entry["id"]] = 1
        self._heard(answered)
        self.told = {}
        for _, status, body in items:
            if status == 201:
                own = {key: (None, result) for key, result in map(self._told, body["assessments"])}
                changed = self._changed(body)
                firsts = {key: self.told[key][0] for key in changed if key in self.told}
                self.told |= own | {key: (firsts.get(key, was), now) for key, (was, now) in changed.items()}
        return Told([body["code"] for _, status, body in items if status != 201])

    def _refused(self, answered: httpx.Response) -> Told:
        self._heard(answered)
        self.told = {}
        code = refusal(answered)
        return Told(nothing=True) if code == HARMLESS else Told([code])

    def _on_entry(self, op: Op, what: str, body: dict[str, Any], *, by: Any = None) -> Told:
        name = op["target"]
        id = self.entry_ids[name]
        answered = (by or self.officer).post(
            f"/v1/entries/{id}/{what}", json=plain(body), headers={"If-Match": f'"v{self.versions[name]}"'}
        )
        if answered.status_code != 201:
            return self._refused(answered)
        said = answered.json()
        if op["op"] == "amend":
            self.meet({**self.facts.entries[name].fields, **op["set"]}, said)
        said = self._heard(answered)
        self.versions[name] = said["version"]
        own = dict(map(self._told, said["assessments"]))
        self.told = {key: (None, result) for key, result in own.items()} | self._changed(said)
        return Told(cause=f"{id}:{said['version']}")

    def amend(self, op: Op) -> Told:
        body = self.body({**self.facts.entries[op["target"]].fields, **op["set"]})
        changes = {name: body.get(name) for name in (FIELDS.get(key, key) for key in op["set"])}
        return self._on_entry(op, "amendments", {"reason": "as it was", "set": changes})

    def withdraw(self, op: Op) -> Told:
        return self._on_entry(op, "withdrawal", {"reason": "x"})

    def give_back(self, op: Op) -> Told:
        return self._on_entry(op, "returns", {"reason": "x"})

    def repay(self, op: Op) -> Told:
        currency = self.facts.entries[op["target"]].fields["amount"]["currency"]
        return self._on_entry(op, "returns", {"reason": "x", "repaid": {"amount": op["amount"], "currency": currency}})

    def approve(self, op: Op) -> Told:
        return self._on_entry(op, "approvals", {"note": "seen"}, by=self.second_officer)

    def decide(self, op: Op) -> Told:
        """The second officer confirms: the first one submitted everything."""
        with self.reading() as connection:
            case = case_of(connection, op["key"], self.names)
        said = {"outcome": "confirmed", "reason_code": "breach_education", "corrective_action": "training"}
        answered = self.second_officer.post(
            f"/v1/violations/{case['id']}/dispositions",
            json=said | {"note": "as it was"},
            headers={"If-Match": f'"v{case["version"]}"'},
        )
        if answered.status_code != 201:
            return self._refused(answered)
        self._heard(answered)
        self.told = {}
        return Told(cause=case["id"])

    def _told_of(self, answered: httpx.Response, cause: Callable[[dict[str, Any]], str]) -> Told:
        if answered.status_code >= 300:
            return self._refused(answered)
        body = self._heard(answered)
        self.told = self._changed(body)
        return Told(cause=cause(body))

    def merge(self, op: Op) -> Told:
        """First asked what it would change, then done: both must say the same."""
        keep, drop = self.people_ids[op["keep"]], self.people_ids[op["drop"]]
        asked = {"recipient_id": drop, "reason": "one person"}
        rehearsed = self.officer.post(f"/v1/recipients/{keep}/merges", json=asked | {"dry_run": True})
        answered = self.officer.post(f"/v1/recipients/{keep}/merges", json=asked)
        told = self._told_of(answered, lambda body: str(body["merge"]["id"]))
        if told.cause:
            self.merge_of[op["drop"]] = told.cause
            assert self._changed(rehearsed.json()) == self.told, "the rehearsal of a merge says something else"
        return told

    def unmerge(self, op: Op) -> Told:
        answered = self.officer.delete(f"/v1/merges/{self.merge_of[op['drop']]}", params={"reason": "two people"})
        return self._told_of(answered, lambda body: str(body["merge"]["id"]))

    def change(self, op: Op) -> Told:
        id = self.people_ids[op["person"]]
        body = {"reason": "x", "effective_from": op["from"]} | {k: op[k] for k in ("type", "employer") if k in op}
        version = self.officer.get(f"/v1/recipients/{id}").headers["ETag"]
        answered = self.officer.patch(f"/v1/recipients/{id}", json=body, headers={"If-Match": version})
        told = self._told_of(answered, lambda body: f"{id}:{body['version']}")
        self.versions = {self._names[one["id"]]: one["version"] for one in self._everything("/v1/entries")}
        return told

    def draft(self, op: Op) -> Told:
        document = {"name": "Case", **plain(without_warnings_of_prohibitions(op["policy"]))}
        answered = self.officer.post("/v1/policies", json=document)
        assert answered.status_code == 201, answered.text
        id = answered.json()["id"]
        self.policy_ids[op["number"]] = id
        self._names[id] = f"version {op['number']}"
        return Told()

    def publish(self, op: Op) -> Told:
        if op["number"] not in self.policy_ids:
            self.draft(op)
        id = self.policy_ids[op["number"]]
        answered = self.second_officer.post(
            f"/v1/policies/{id}/publication", json={"effective_from": op["effective_from"]}
        )
        if answered.status_code != 201:
            return self._refused(answered)
        self._heard(answered)
        self.told = dict(self._published(id))
        return Told(cause=id)

    def _published(self, id: str) -> Iterator[tuple[Key, Change]]:
        for one in self._everything(f"/v1/policies/{id}/changes"):
            shown = one["shown"]
            name = self._employer(shown) if shown.startswith("emp_") else self._names[shown]
            yield (one["rule_id"], name, self._names[one["entry_id"]]), (_kept(one["before"]), _kept(one["after"]))


def _kept(said: Mapping[str, Any] | None) -> Result | None:
    if said is None:
        return None
    outcome = said["outcome"]
    return Result(said["counted"], said["aggregate"], outcome == "violation", outcome == "warning", said["exclusion"])


_DONE: Mapping[str, Callable[[HttpFirm, Op], Told]] = {
    "record": HttpFirm.record,
    "batch": HttpFirm.batch,
    "amend": HttpFirm.amend,
    "withdraw": HttpFirm.withdraw,
    "return": HttpFirm.give_back,
    "repay": HttpFirm.repay,
    "approve": HttpFirm.approve,
    "decide": HttpFirm.decide,
    "merge": HttpFirm.merge,
    "unmerge": HttpFirm.unmerge,
    "change": HttpFirm.change,
    "draft": HttpFirm.draft,
    "publish": HttpFirm.publish,
}


class HttpChecker(Checker):
    """Looks at the books behind the server, and at what the server says of them."""

    def __init__(self, firm: HttpFirm) -> None:
        super().__init__(firm)
        self.last: Results = {}
        self.moment = ""

    def faults(self, facts: Facts, told: Told | None = None) -> list[str]:
        """Everything that is not as it must be, in the books and on the wire."""
        return [*super().faults(facts, told), *self._on_the_wire(told)]

    def _on_the_wire(self, told: Told | None) -> Iterator[str]:
        firm, wanted = self.firm, self.before.told
        found = firm.standing()
        yield from _differences(wanted, found, "result over HTTP")
        violating = {key: (one.counted, one.aggregate) for key, one in wanted.items() if one.violation}
        yield from _differences(violating, firm.violations(), "violation over HTTP")
        if self.moment:
            then = dict(self._as_of(self.moment))
            yield from _differences(self.last, then, "as of the operation before")
        if told is not None and firm.told is not None:
            yield from self._of_the_answer(firm.told, wanted)
        firm.log.append(json.dumps(sorted([[*key, *_tuple(one)] for key, one in found.items()], key=str)))
        firm.server.clock.forward(seconds=1)
        self.last, self.moment = found, firm.server.clock.now.isoformat().replace("+00:00", "Z")

    def _as_of(self, moment: str) -> Iterator[tuple[Key, Result]]:
        cursor: dict[str, str] = {}
        while True:
            asked = {"as_of": moment, "limit": "200", **cursor}
            body = self.firm.officer.get("/v1/entries", params=asked).json()
            yield from (self.firm._told(one) for entry in body["data"] for one in entry["assessments"])
            if not body["page"].get("next_cursor"):
                return
            cursor = {"cursor": body["page"]["next_cursor"]}

    def _of_the_answer(self, told: Mapping[Key, Change], now: Results) -> Iterator[str]:
        """The answer tells what became different, of what it was, and nothing that is not so."""
        for key in sorted({*self.last, *now}, key=str):
            was, after = self.last.get(key), now.get(key)
            if was != after and told.get(key, (None, was))[1] != after:
                yield f"told of {key}: {told.get(key)}, was {was}, is {after}"
        for key, (before, after) in told.items():
            if after != now.get(key):
                yield f"told of {key}: {after}, is {now.get(key)}"
            if before is not None and before != self.last.get(key):
                yield f"told of {key}: was {before}, but it was {self.last.get(key)}"

    def at_the_end(self, facts: Facts) -> list[str]:
        """What is looked at once."""
        wrong = [f"proof over HTTP disagrees: {key}" for key in self.firm.disagreeing_proofs()]
        return [*super().at_the_end(facts), *wrong]


def _tuple(one: Result) -> tuple[Any, ...]:
    return (one.counted, one.aggregate, one.violation, one.warning, one.exclusion)


def _differences(wanted: Mapping[Any, Any], found: Mapping[Any, Any], what: str) -> Iterator[str]:
    for key in sorted({*wanted, *found}, key=str):
        if wanted.get(key) != found.get(key):
            yield f"{what} {key}: must be {wanted.get(key)}, is {found.get(key)}"
