"""Static files: served under the hash of what they hold, so that a browser may keep them for ever."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Response

from app.domain.refusals import NotFound

router = APIRouter()
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


class NoSuchFile(NotFound):
    code = "file_not_found"


class Held(NamedTuple):
    """A file's bytes, their type, and the beginning of their hash."""

    body: bytes
    type: str
    digest: str


@cache
def held() -> dict[str, Held]:
    """All files that ship, by name."""
    folder = files("app.console") / "static"
    found = {}
    for file in folder.iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            body = file.read_bytes()
            found[file.name] = Held(body, kind, sha256(body).hexdigest()[:16])
    return found


def address(name: str) -> str:
    """Where a file is found, below the console."""
    return f"/console/static/{held()[name].digest}/{name}"


@router.get("/static/{digest}/{name}")
def get_file(
    digest: Annotated[str, Path(pattern="^[0-9a-f]{16}$")], name: Annotated[str, Path(max_length=64)]
) -> Response:
    """One file. Under another hash than its own there is nothing."""
    file = held().get(name)
    if file is None or file.digest != digest:
        raise NoSuchFile("There is no such file")
    return Response(file.body, headers={"Cache-Control": _FOR_EVER}, media_type=file.type)
