"""Packs: ready-made rules that ship as files, the firm's own policy file, and how they become one policy document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import iso4217
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from app.domain.policies import InvalidPolicy, ParsedPolicy, parse
from app.domain.refusals import Fault, NotFound

MOST_CHARACTERS = 262_144
_MOST_DEPTH = 12
_FOLDER = files("app") / "packs"
_DEFAULT = "default"


class UnknownPack(NotFound):
    code = "unknown_pack"
    title = "There is no such pack"


class _Constructor(SafeConstructor):
    """As safe as its parent. Dates stay text, which the form takes too, so that a wrong one is refused by its place."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


# Reading


def load_yaml(text: str) -> dict[str, Any]:
    """A document from YAML 1.2 (or JSON, which is YAML).

    Raises InvalidPolicy, with the line, where the YAML is broken, gives a key twice, is longer than MOST_CHARACTERS or
    uses anchors, aliases or tags, which a policy needs none of.
    """
    if len(text) > MOST_CHARACTERS:
        raise _unreadable("too_large", f"A policy file has at most {MOST_CHARACTERS} characters; this has {len(text)}")
    try:
        _refuse_tricks(text)
        loaded = _yaml().load(text)
    except DuplicateKeyError as twice:
        what = str(twice.problem).partition(" with value")[0]
        raise _unreadable("duplicate_key", f"{_where(twice.problem_mark)}{what}; keep one of them") from twice
    except MarkedYAMLError as broken:
        why = " ".join(str(part) for part in (broken.context, broken.problem) if part)
        raise _unreadable("broken_yaml", f"{_where(broken.problem_mark or broken.context_mark)}{why}") from broken
    except (YAMLError, ValueError, ArithmeticError, TypeError) as broken:
        raise _unreadable("broken_yaml", f"The YAML cannot be read: {str(broken).splitlines()[0]}") from broken
    if not isinstance(loaded, dict):
        raise _unreadable("wrong_type", "A policy file is a mapping with the keys name, rules and settings")
    return loaded


def check(text: str) -> ParsedPolicy:
    """The policy of a file, its packs included. Raises InvalidPolicy, each fault with the line it is on."""
    document = load_yaml(text)
    try:
        return parse(expand(document), exponent)
    except InvalidPolicy as refused:
        root = _yaml().compose(text)
        faults = [
            fault._replace(detail=f"line {_line(root, fault.pointer)}: {fault.detail}") for fault in refused.faults
        ]
        raise InvalidPolicy.of(faults) from refused


def exponent(code: str) -> int | None:
    """Decimals of an ISO 4217 currency in use; None for any other code, and for metals, which have no minor unit."""
    try:
        return iso4217.Currency(code).exponent
    except ValueError:
        return None


# Packs


@cache
def pack_names() -> tuple[str, ...]:
    """The packs that can be included, by name."""
    names = (file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml"))
    return tuple(sorted(name for name in names if name != _DEFAULT))


def pack(name: str) -> dict[str, Any]:
    """A pack as a policy document of its own. Raises UnknownPack."""
    if name not in pack_names():
        raise UnknownPack(_no_such_pack(name))
    return deepcopy(_shipped(name))


def compose(names: Sequence[str], name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a policy made of packs. Raises InvalidPolicy where there is no such pack."""
    return expand({"name": name, "include": list(names), "settings": dict(settings)})


def default_document() -> dict[str, Any]:
    """The document that a fresh installation has in force."""
    return expand(deepcopy(_shipped(_DEFAULT)))


def expand(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the rules of the packs that it includes after its own: the form that can be published.

    Raises InvalidPolicy where `include` is no list of packs.
    """
    expanded = {key: value for key, value in document.items() if key != "include"}
    if "include" not in document:
        return expanded
    names = _included(document["include"])
    own = expanded.get("rules", [])
    if isinstance(own, list):
        expanded["rules"] = [*own, *(rule for name in names for rule in pack(name)["rules"])]
    return expanded


def _included(names: object) -> list[str]:
    if not isinstance(names, list):
        detail = f"include: write a list of packs, such as [{', '.join(pack_names()[:2])}]"
        raise InvalidPolicy.of([Fault("/include", "wrong_type", detail)])
    faults = [
        Fault(f"/include/{place}", "unknown_pack", f"include, item {place + 1}: {_no_such_pack(name)}")
        for place, name in enumerate(names)
        if not isinstance(name, str) or name not in pack_names()
    ]
    if faults:
        raise InvalidPolicy.of(faults)
    return list(dict.fromkeys(names))


@cache
def _shipped(name: str) -> dict[str, Any]:
    return load_yaml((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _no_such_pack(name: object) -> str:
    called = name if isinstance(name, str) and len(name) <= 64 else "of that name"
    close = get_close_matches(called, pack_names(), n=1)
    near = f"did you mean {close[0]}?" if close else f"the packs are {', '.join(pack_names())}"
    return f"there is no pack {called}; {near}"


# YAML


def _yaml() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = _Constructor
    return reader


def _refuse_tricks(text: str) -> None:
    """What makes a small file a large document, or text something else than it seems, is refused before it is built."""
    depth = 0
    for event in _yaml().parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        anchored = isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None)
        if anchored:
            raise _trick(event.start_mark, "anchors and aliases are not taken here; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _trick(event.start_mark, "tags are not taken here; write the plain value")
        if depth > _MOST_DEPTH:
            raise _trick(event.start_mark, f"more than {_MOST_DEPTH} levels deep; no policy is")


def _trick(mark: StringMark, detail: str) -> InvalidPolicy:
    return _unreadable("yaml_feature", f"{_where(mark)}{detail}")


def _unreadable(code: str, detail: str) -> InvalidPolicy:
    return InvalidPolicy.of([Fault("", code, detail)])


def _where(mark: StringMark | None) -> str:
    return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "


def _line(root: Node, pointer: str) -> int:
    """The line of what a pointer leads to, or of the nearest thing around it that is written."""
    line = int(root.start_mark.line)
    for step in pointer.split("/")[1:]:
        found = _step(root, step.replace("~1", "/").replace("~0", "~"))
        if found is None:
            break
        line, root = found
    return line + 1


def _step(node: Node, step: str) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item = node.value[int(step)]
        return item.start_mark.line, item
    return None
