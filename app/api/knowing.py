"""As it was known: the `as_of` parameter, which asks what the service would have answered at a moment."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from app.api.fields import Moment
from app.services.desk import place_at


async def _place(
    as_of: Annotated[Moment | None, Query(description="what was known at this moment; default: now")] = None,
) -> int | None:
    """The place in the order of record that the moment stands for; None means now."""
    return None if as_of is None else place_at(as_of)


KnownAt = Annotated[int | None, Depends(_place)]
