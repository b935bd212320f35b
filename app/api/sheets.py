"""Files over HTTP: which format somebody asks for, and the answer that streams it.

A route that gives its list as a file, too, takes `AskedFormat` and, where that is not JSON, answers with `streamed`:

    if form is not Format.JSON:
        return streamed(request, form, "late-entries", lambda connection: written(sheet, rows(connection), form))

`written` of app.services.sheets makes the pieces of any format. They are produced in a thread with a connection of its
own and all from one state of the database; whoever asks has been let in before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from app.domain.refusals import Refusal
from app.services.exports import Export, Exports, Writing
from app.services.sheets import Format

T = TypeVar("T")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.XLSX: XLSX,
    Format.JSONL: "application/jsonl",
}
_ASKED_AS = {
    "application/json": Format.JSON,
    "text/csv": Format.CSV,
    XLSX: Format.XLSX,
    "application/jsonl": Format.JSONL,
    "application/x-ndjson": Format.JSONL,
    "application/*": Format.JSON,
    "text/*": Format.CSV,
    "*/*": Format.JSON,
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page as JSON, or all of it as a file",
        "content": {kind: {"schema": {"type": "string"}} for kind in ("text/csv", XLSX, "application/jsonl")},
    }
}


class NotAcceptable(Refusal):
    code = "not_acceptable"
    status = 406
    title = "This cannot be had in such a form"


async def _asked(
    request: Request,
    wanted: Annotated[
        Format | None, Query(alias="format", description="what to answer with; default: what `Accept` says")
    ] = None,
) -> Format:
    """The format asked for. Raises NotAcceptable where `Accept` names none of ours."""
    accept = ",".join(request.headers.getlist("accept"))
    if wanted is not None or not accept.strip():
        return wanted or Format.JSON
    found = best(accept, _ASKED_AS)
    if found is None:
        raise NotAcceptable(f"Accept names none of {', '.join(name for name in _ASKED_AS if '*' not in name)}")
    return found


AskedFormat = Annotated[Format, Depends(_asked)]


def best(accept: str, offered: Mapping[str, T]) -> T | None:
    """What an Accept header likes best of what is offered; of equals the first named. None: nothing of it."""
    named = [_weighed(one) for one in accept.split(",")[:50]]
    liked = sorted((one for one in named if one[1] > 0 and one[0] in offered), key=lambda one: -one[1])
    refused = {offered.get(name) for name, weight in named if weight == 0 and "*" not in name}
    return next((offered[name] for name, _ in liked if offered[name] not in refused), None)


def _weighed(media_range: str) -> tuple[str, int]:
    """A media range with its weight in thousandths; what cannot be read weighs as if nothing were said."""
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        whole, _, decimals = value.strip().partition(".")
        if key.strip() == "q" and (whole + decimals).isascii() and (whole + decimals).isdigit():
            return name, min(1000, int(whole[:3] or 0) * 1000 + int(decimals[:3].ljust(3, "0")))
    return name, 1000


def streamed(request: Request, form: Format, name: str, writing: Writing) -> Response:
    """All of something as a file, sent while it is written. Raises TooManyExports, and what the first row raises."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form.value}"', "Cache-Control": "no-store"}
    return sent(request, writing, MEDIA_TYPES[form], headers)


def sent(request: Request, writing: Writing, media_type: str, headers: dict[str, str]) -> Response:
    """A file of any type, sent while it is written. Raises TooManyExports, and what the first piece raises."""
    exports: Exports = request.app.state.exports
    export = exports.begin(writing)
    first = export.read()
    return StreamingResponse(_pieces(first, export), 200, headers, media_type)


async def _pieces(first: bytes, export: Export) -> AsyncIterator[bytes]:
    try:
        piece = first
        while piece:
            yield piece
            piece = await run_in_threadpool(export.read)
    finally:
        export.close()


__all__ = ["FILES", "MEDIA_TYPES", "AskedFormat", "Format", "NotAcceptable", "best", "sent", "streamed"]
