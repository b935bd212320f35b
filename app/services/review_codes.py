"""Review codes: the shipped words, or the firm's own file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from app.domain.refusals import Fault
from app.domain.review_codes import InvalidReviewCodes, ReviewCodes, read

_SHIPPED = files("app") / "codes" / "review.yaml"


@cache
def load(file: Path | None) -> ReviewCodes:
    """The codes of a file, by default those that ship. Raises InvalidReviewCodes."""
    try:
        text = file.read_text("utf-8") if file else _SHIPPED.read_text(encoding="utf-8")
        return read(YAML(typ="safe", pure=True).load(text))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        why = str(error).splitlines()[0]
        detail = f"{file or _SHIPPED} cannot be read: {why}"
        raise InvalidReviewCodes(detail, [Fault("", "unreadable", detail)]) from error
