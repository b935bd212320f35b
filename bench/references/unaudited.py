"""The service without its history: everything it does but write audit records. Arguments as of `propriety`."""

from __future__ import annotations

from typing import Any

from app.cli import main
from app.services.journal import Journal


def _nothing(*_said: Any, **_more: Any) -> None:
    """Takes no note."""


if __name__ == "__main__":
    Journal.note = Journal.seal = _nothing  # type: ignore[method-assign]
    main()
