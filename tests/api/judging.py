"""What every refusal must be: a problem document that points into the request, repeats nothing, and wrote nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.api.wire import NOTHING, PROBLEM, Ask, Reply
from tests.api.world import World, moved

_FIELDS = {"type": str, "title": str, "status": int, "detail": str, "code": str, "instance": str}
_FAULT = {"pointer": str, "code": str, "detail": str}
_ABSENT = object()


def complaints(ask: Ask, reply: Reply, *, rejected: str = "") -> list[str]:
    """What is wrong with a refusal; nothing where it is as it must be. `rejected` is what it may not repeat."""
    if reply.kind != PROBLEM:
        return [f"is {reply.status} {reply.kind}, no problem document"]
    body = reply.json()
    return [
        *_form(reply, body),
        *_wrong_pointers(ask, body.get("errors", [])),
        *([f"repeats {rejected[:60]!r}"] if _repeats(body, rejected) else []),
    ]


def _form(reply: Reply, body: dict[str, Any]) -> Iterator[str]:
    if not 400 <= reply.status < 500:
        yield f"has the status {reply.status}"
    if body.get("status") != reply.status:
        yield f"says {body.get('status')} and is {reply.status}"
    if body.get("type") != f"urn:propriety:problem:{body.get('code')}":
        yield f"is of the type {body.get('type')}"
    yield from _members(body, _FIELDS, {"errors"})
    for fault in body.get("errors", []):
        yield from _members(fault, _FAULT, set())


def _members(body: dict[str, Any], fields: dict[str, type], more: set[str]) -> Iterator[str]:
    for name, kind in fields.items():
        if not isinstance(body.get(name), kind) or (body[name] == "" and name != "pointer"):
            yield f"has no {name}"
    if unknown := body.keys() - fields.keys() - more:
        yield f"has {sorted(unknown)}"


def _wrong_pointers(ask: Ask, faults: list[dict[str, Any]]) -> Iterator[str]:
    """A pointer leads to something in the request, or to the place where something is missing."""
    sent = _sent(ask)
    for fault in faults:
        if fault["pointer"] and (sent is NOTHING or not leads(sent, fault["pointer"])):
            yield f"points to {fault['pointer']}, where nothing is"


def _sent(ask: Ask) -> Any:
    if not isinstance(ask.body, bytes):
        return ask.body
    try:
        return json.loads(ask.body)
    except (ValueError, RecursionError):
        return NOTHING


def leads(value: Any, pointer: str) -> bool:
    """Whether an RFC 6901 pointer leads to something, or to a member that an object lacks."""
    if not pointer.startswith("/"):
        return pointer == ""
    *way, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    for step in way:
        value = _step(value, step)
    return isinstance(value, dict) or _step(value, last) is not _ABSENT


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and step.isdecimal() and step.isascii() and int(step) < len(value):
        return value[int(step)]
    return _ABSENT


def _repeats(body: dict[str, Any], rejected: str) -> bool:
    """The path of the request is said on purpose, and so is the way to a fault, by the names of keys."""
    said = [body.get("title"), body.get("detail"), *(fault.get("detail") for fault in body.get("errors", []))]
    return bool(rejected) and any(rejected in str(one) for one in said)


@contextmanager
def nothing_written(world: World) -> Iterator[None]:
    """Every table, and the audit head among them, says afterwards what it said before."""
    before = world.kept()
    yield
    assert moved(before, world.kept()) == {}


def refused(world: World, who: str, ask: Ask, *, rejected: str = "") -> Reply:
    """The answer to what must be refused, held against everything that holds for all refusals."""
    reply = world.ask(who, ask)
    assert complaints(ask, reply, rejected=rejected) == [], (reply.status, reply.body[:1500])
    return reply
