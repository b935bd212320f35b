"""Mapping profiles: those that ship, and the firm's own from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from app.domain.imports import Profile, ProfileInvalid, read_profile
from app.domain.money import Currency
from app.domain.refusals import Fault, NotFound
from app.services import packs

_SHIPPED = files("app") / "profiles"
_LONGEST = 100_000


class ProfileNotFound(NotFound):
    code = "profile_not_found"
    title = "There is no such mapping profile"


def check(text: str) -> Profile:
    """The profile of a file's text. Raises ProfileInvalid with everything that is wrong."""
    if len(text) > _LONGEST:
        raise _unreadable(f"a profile has at most {_LONGEST} characters")
    try:
        loaded: Any = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(str(error).splitlines()[0]) from error
    return read_profile(loaded if isinstance(loaded, Mapping) else {})


@cache
def load(folder: Path | None) -> Mapping[str, Profile]:
    """All profiles by name; the firm's own stand in place of shipped ones. Raises ProfileInvalid, naming the file."""
    found = {}
    for file in _SHIPPED.iterdir():
        if file.name.endswith(".yaml"):
            profile = check(file.read_text(encoding="utf-8"))
            found[profile.name] = profile
    for path in sorted(folder.glob("*.yaml")) if folder else []:
        try:
            profile = check(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(f"{path.name}: {error.__class__.__name__}") from error
        except ProfileInvalid as invalid:
            raise ProfileInvalid(f"{path.name}: {invalid.detail}", invalid.faults) from invalid
        found[profile.name] = profile
    return found


def get(folder: Path | None, name: str) -> Profile:
    """One profile. Raises ProfileNotFound."""
    found = load(folder).get(name)
    if found is None:
        raise ProfileNotFound(f"Known are: {', '.join(sorted(load(folder)))}")
    return found


@cache
def currency(code: str) -> Currency | None:
    """The ISO 4217 currency of a code."""
    digits = packs.exponent(code)
    return None if digits is None else Currency(code, digits)


def _unreadable(why: str) -> ProfileInvalid:
    return ProfileInvalid(f"The profile cannot be read: {why}", [Fault("", ProfileInvalid.code, why)])
