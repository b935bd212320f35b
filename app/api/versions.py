"""Versions on the wire: the ETag that names one, and the If-Match that says which one is meant."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

from app.domain.refusals import Malformed, VersionRequired

_ETAG = re.compile(r'"v([1-9][0-9]{0,9})"', re.ASCII)


class IfMatchRequired(VersionRequired):
    code = "if_match_required"


class BadIfMatch(Malformed):
    code = "bad_if_match"
    title = "If-Match cannot be read"


def etag(version: int) -> dict[str, str]:
    """The header that names a version."""
    return {"ETag": f'"v{version}"'}


async def _meant(if_match: Annotated[str | None, Header(alias="If-Match", description='such as "v3"')] = None) -> int:
    """The version meant. Raises IfMatchRequired without one, BadIfMatch for anything but one ETag of ours."""
    if if_match is None:
        raise IfMatchRequired("Send If-Match with the ETag that you read")
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise BadIfMatch('If-Match holds one ETag as it was given, such as "v3"')
    return int(found[1])


MeantVersion = Annotated[int, Depends(_meant)]
