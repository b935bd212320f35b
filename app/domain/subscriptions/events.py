"""What can be told to the outside: events named as history names them, and the message that tells one.

A message never carries a name or a word that a person wrote. `thin` says which thing went to which version; `full`
adds figures and the ids of what is concerned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.audit import canonical, iso
from app.domain.money import format_minor
from app.domain.policies import Measure, Rule


class Payload(StrEnum):
    THIN = "thin"
    FULL = "full"


# By noun: where such a thing is read, and what can happen to it. An action that is not here is never told.
_TOLD = {
    "entry": ("/v1/entries/{}", "recorded amended withdrawn returned repaid"),
    "approval": ("", "given fell"),
    "violation": (
        "/v1/violations/{}",
        "opened changed withdrawn reopened restored assigned snoozed escalated linked proposed decided",
    ),
    "question": ("", "asked answered"),
    "policy": ("/v1/policies/{}", "drafted published"),
    "recipient": ("/v1/recipients/{}", "created changed"),
    "employer": ("/v1/employers/{}", "created"),
    "merge": ("/v1/merges/{}", "made undone"),
}
EVENTS = tuple(f"{noun}.{verb}" for noun, (_, verbs) in _TOLD.items() for verb in verbs.split())
TEST = "subscription.test"


def known_pattern(pattern: str) -> bool:
    """Whether something can be subscribed to: the name of an event, all of a noun (`violation.*`), or all (`*`)."""
    noun, _, verb = pattern.partition(".")
    return pattern == "*" or pattern in EVENTS or (verb == "*" and noun in _TOLD)


def matches(patterns: Iterable[str], action: str) -> bool:
    """Whether what happened is told to somebody who subscribed to these."""
    noun = action.partition(".")[0]
    return action in EVENTS and any(pattern in ("*", action, f"{noun}.*") for pattern in patterns)


def message(
    action: str,
    at: datetime,
    entity_id: str,
    version: int,
    *,
    base_url: str = "",
    more: Mapping[str, object] | None = None,
) -> str:
    """The body that tells an event: canonical JSON of type, moment of the fact, and what it was about."""
    path = _TOLD[action.partition(".")[0]][0]
    data: dict[str, object] = {"id": entity_id, "version": version}
    if path:
        data["href"] = base_url + path.format(entity_id)
    return canonical({"type": action, "timestamp": iso(at), "data": data | dict(more or {})})


def message_of_test(subscription_id: str, version: int, at: datetime, *, base_url: str = "") -> str:
    """The body of a test: it is about the subscription itself."""
    href = f"{base_url}/v1/subscriptions/{subscription_id}"
    data = {"id": subscription_id, "version": version, "href": href}
    return canonical({"type": TEST, "timestamp": iso(at), "data": data})


def figures(action: str, facts: Mapping[str, Any], rule: Rule | None = None) -> dict[str, object]:
    """What `full` adds, from what history says: amounts, days, states and ids, chosen one by one.

    `rule` is the one that gave a violation's figures; without it they are left out.
    """
    noun = action.partition(".")[0]
    if noun == "entry":
        return _of_entry(facts.get("entry", {}))
    if noun == "violation":
        return _ids(facts, "entry", "rule", "policy") | _only(facts, "state", "outcome") | _sums(facts, rule)
    if noun == "merge":
        return _ids(facts, "keep", "drop")
    if noun == "policy":
        return _only(facts, "effective_from")
    return {}


def _only(facts: Mapping[str, Any], *names: str) -> dict[str, object]:
    return {name: facts[name] for name in names if isinstance(facts.get(name), str)}


def _ids(facts: Mapping[str, Any], *names: str) -> dict[str, object]:
    return {f"{name}_id": facts[name] for name in names if isinstance(facts.get(name), str)}


def _of_entry(entry: Mapping[str, Any]) -> dict[str, object]:
    said = _only(entry, "occurred_on", "kind", "direction", "standing")
    if "total" in entry:
        said["total"] = {"amount": format_minor(entry["total"], entry["exponent"]), "currency": entry["currency"]}
    return said


def _sums(facts: Mapping[str, Any], rule: Rule | None) -> dict[str, object]:
    if rule is None:
        return {}
    sums: dict[str, object] = {
        name: format_minor(facts[name], rule.exponent)
        for name in ("counted", "aggregate", "limit")
        if isinstance(facts.get(name), int)
    }
    unit = "count" if rule.measure is Measure.COUNT else rule.currency.code
    return sums | ({"unit": unit} if sums else {})
