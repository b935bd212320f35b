"""Papers: documents for people, set by Typst from a template of ours and data that is never read as markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import typst

_TEMPLATES = files("app") / "papers"


def case_file(said: Mapping[str, Any], *, printed_at: datetime) -> bytes:
    """The case file of one violation as a tagged PDF. `said` is what the template asks for."""
    return _set("case-file.typ", said, printed_at)


def _set(name: str, said: Mapping[str, Any], at: datetime) -> bytes:
    """PDF/UA-1, unless a letter is in no font of this machine: that standard lets none be missing."""
    try:
        return _compiled(name, said, at, ["ua-1"])
    except typst.TypstError:
        return _compiled(name, said, at, [])


def _compiled(name: str, said: Mapping[str, Any], at: datetime, standards: Any) -> bytes:
    return typst.compile(
        _template(name),
        format="pdf",
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(said)},
        pdf_standards=standards,
        timestamp=at.replace(microsecond=0),
    )


@cache
def _template(name: str) -> bytes:
    return (_TEMPLATES / name).read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """Those of the wheel; the machine's own stand in for letters that those lack."""
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)
