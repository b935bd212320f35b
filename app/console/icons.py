"""Icons: 16 px outlines, and a shape of its own for every severity, so that colour is never the only signal."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from markupsafe import Markup

_DRAWN: dict[str, dict[str, str]] = json.loads((files("app.console") / "icons.json").read_text("utf-8"))
_STROKE = 'fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"'


@cache
def icon(name: str, size: int = 16) -> Markup:
    """A decorative outline; whoever uses it says the word beside it."""
    return _svg(_DRAWN["line"][name], size, f" {_STROKE}")


@cache
def severity_icon(severity: str, size: int = 12) -> Markup:
    """The shape of a severity; `ok` for what is within every limit."""
    return _svg(_DRAWN["severity"][severity], size, "")


def _svg(drawing: str, size: int, attributes: str) -> Markup:
    # The drawings are ours, from the package's own file.
    head = f'<svg width="{size}" height="{size}" viewBox="0 0 16 16" aria-hidden="true"{attributes}>'
    return Markup(f"{head}{drawing}</svg>")  # noqa: S704
