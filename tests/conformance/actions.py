"""The actions of the worked examples as calls of our API. Each is switched on by the route that it needs.

An action of a case is played when the server's own OpenAPI document offers the route; until then every case that needs
it is reported as not yet supported, by name and number. A new action is one function and one line of ACTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx

from tests.conformance.firm import SOURCE, Case, Firm, Report, plain, refusal


class Action(NamedTuple):
    """The route that an action needs, and how it is carried out; None where there is nothing to act on."""

    route: tuple[str, str]
    play: Callable[[Firm, Case], httpx.Response | None]


# The service refuses an amendment that says nothing new; to a case it is one that is accepted and changes nothing.
HARMLESS = {"nothing_changes"}
FIELDS = {"date": "occurred_on", "amount": "total"}


def amend(firm: Firm, action: Case) -> httpx.Response | None:
    """`set` replaces whole fields: of the case's entry, and so of the body that would record it."""
    if action["target"] not in firm.entry_ids:
        return None
    amended = {**firm.fields[action["target"]], **action["set"]}
    body = firm.body(amended)
    changes = {name: body.get(name) for name in (FIELDS.get(key, key) for key in action["set"])}
    answered = on_entry(firm, action, "amendments", {"reason": "as it was", "set": changes})
    if answered is not None and answered.status_code < 300:
        firm.fields[action["target"]] = amended
        firm.meet(amended, answered.json())
    return answered


def cancel(firm: Firm, action: Case) -> httpx.Response | None:
    return on_entry(firm, action, "withdrawal", {"reason": action["reason"]})


def give_back(firm: Firm, action: Case) -> httpx.Response | None:
    return on_entry(firm, action, "returns", {"reason": action["reason"]})


def repay(firm: Firm, action: Case) -> httpx.Response | None:
    if action["target"] not in firm.entry_ids:
        return None
    currency = firm.fields[action["target"]]["amount"]["currency"]
    money = {"amount": plain(action["amount"]), "currency": currency}
    return on_entry(firm, action, "returns", {"reason": "paid back", "repaid": money})


def approve(firm: Firm, action: Case) -> httpx.Response | None:
    return on_entry(firm, action, "approvals", {"note": "seen"}, by_second_officer=True)


def merge(firm: Firm, action: Case) -> httpx.Response | None:
    keep, drop = (known(firm, action[side]) for side in ("keep", "drop"))
    answered = firm.officer.post(
        f"/v1/recipients/{keep}/merges", json={"recipient_id": drop, "reason": "one person with two records"}
    )
    if answered.status_code < 300:
        firm.merge_ids[action["keep"], action["drop"]] = answered.json()["merge"]["id"]
    return answered


def unmerge(firm: Firm, action: Case) -> httpx.Response | None:
    standing = firm.merge_ids.get((action["keep"], action["drop"]))
    return firm.officer.delete(f"/v1/merges/{standing}", params={"reason": "two people"}) if standing else None


ACTIONS: Mapping[str, Action] = {
    "amend": Action(("POST", "/v1/entries/{entry_id}/amendments"), amend),
    "cancel": Action(("POST", "/v1/entries/{entry_id}/withdrawal"), cancel),
    "return": Action(("POST", "/v1/entries/{entry_id}/returns"), give_back),
    "repay": Action(("POST", "/v1/entries/{entry_id}/returns"), repay),
    "approve": Action(("POST", "/v1/entries/{entry_id}/approvals"), approve),
    "merge": Action(("POST", "/v1/recipients/{recipient_id}/merges"), merge),
    "unmerge": Action(("DELETE", "/v1/merges/{merge_id}"), unmerge),
}


def supported(operation: str, routes: set[tuple[str, str]]) -> bool:
    return operation in ACTIONS and ACTIONS[operation].route in routes


def play(firm: Firm, action: Case) -> Report:
    """What the service says of an action; one that has nothing to act on is refused before it is asked."""
    answered = ACTIONS[action["op"]].play(firm, action)
    if answered is None:
        return Report(refused="nothing_to_act_on")
    if answered.status_code >= 300:
        code = refusal(answered)
        return Report() if code in HARMLESS else Report(refused=code)
    return firm.report(answered.json() if answered.content else {})


def on_entry(
    firm: Firm, action: Case, what: str, body: dict[str, Any], *, by_second_officer: bool = False
) -> httpx.Response | None:
    """An act on one entry, at the version at which it stands."""
    id = firm.entry_ids.get(action["target"])
    if id is None:
        return None
    by = firm.second_officer if by_second_officer else firm.officer
    version = by.get(f"/v1/entries/{id}").headers["ETag"]
    return by.post(f"/v1/entries/{id}/{what}", json=plain(body), headers={"If-Match": version})


def known(firm: Firm, person: str) -> str:
    """Our id of a person; somebody whom no entry has named yet is created."""
    if person not in firm.people_ids:
        type = firm.types.get(person, "institutional_employee")
        body = {"name": person, "type": type, "external_ids": [{"source": SOURCE, "id": person}]}
        answered = firm.officer.post("/v1/recipients", json=body)
        assert answered.status_code == 201, answered.text
        firm.introduce(person, answered.json()["id"])
    return firm.people_ids[person]
