"""Problem documents (RFC 9457): what every refusal looks like on the wire."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.api.fields import PATTERNS
from app.domain.refusals import Fault, Refusal, Unprocessable

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


class FaultOut(BaseModel):
    """One field that needs attention."""

    pointer: str = Field(description="RFC 6901 pointer into the body; empty where the whole, or a parameter, is meant")
    code: str
    detail: str


class Problem(BaseModel):
    """Why a request was not carried out. `code` never changes; nothing was written."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    errors: list[FaultOut] = []


def document(refusal: Refusal, instance: str | None = None) -> dict[str, Any]:
    """The problem document of a refusal."""
    problem: dict[str, Any] = {
        "type": f"urn:propriety:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
    }
    if instance is not None:
        problem["instance"] = instance
    if refusal.faults:
        problem["errors"] = [fault._asdict() for fault in refusal.faults]
    return problem


def respond(refusal: Refusal, instance: str | None = None) -> Response:
    """The response of a refusal."""
    headers = {"Retry-After": str(refusal.retry_after_s)} if refusal.retry_after_s else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(document(refusal, instance)), refusal.status, headers, MEDIA_TYPE)


def pointer(path: Sequence[str | int]) -> str:
    """An RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


# What the checks of form say to programmers, as it is said to people.
_IN_WORDS = {
    "missing": "this is needed",
    "extra_forbidden": "there is no such field here",
    "string_type": "write a text, in quotes",
    "list_type": "write a list",
    "dict_type": "write an object with named fields",
    "model_type": "write an object with named fields",
    "model_attributes_type": "write an object with named fields",
}


class InvalidBody(Unprocessable):
    code = "invalid_body"
    title = "The request is not valid"


class InvalidParameter(Refusal):
    code = "invalid_parameter"
    status = 400
    title = "A parameter is not valid"


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """The refusal of what a model did not accept; it never repeats the rejected value."""
    in_body = [error for error in errors if error["loc"][:1] == ("body",)]
    if in_body:
        faults = [Fault(pointer(_in_body(error["loc"])), error["type"], in_words(error)) for error in in_body[:50]]
        return InvalidBody(_needs_attention(len(in_body)), faults)
    faults = [Fault("", error["type"], f"{error['loc'][-1]}: {in_words(error)}") for error in errors[:50]]
    return InvalidParameter(_needs_attention(len(errors)), faults)


def in_words(error: Mapping[str, Any]) -> str:
    """What is wrong, in words for whoever wrote the request."""
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS.get(error["ctx"]["pattern"], str(error["msg"]))
    return _IN_WORDS.get(error["type"], str(error["msg"]))


@contextmanager
def below(pointer: str) -> Iterator[None]:
    """What is refused inside points into a part of the request."""
    try:
        yield
    except Refusal as refusal:
        refusal.faults = tuple(fault._replace(pointer=pointer + fault.pointer) for fault in refusal.faults)
        raise


def _in_body(loc: Sequence[str | int]) -> Sequence[str | int]:
    """The way into the body; where a key of an object is at fault, to the member of that key."""
    return loc[1:-1] if loc[-1] == "[key]" else loc[1:]


def _needs_attention(many: int) -> str:
    return "1 field needs attention" if many == 1 else f"{many} fields need attention"


def install(app: FastAPI) -> None:
    """Makes every error a problem document."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return respond(refusal, request.url.path)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return respond(of_validation(error.errors()), request.url.path)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        code = _STATUS_CODES.get(error.status_code, "http_error")
        body = {
            "type": f"urn:propriety:problem:{code}",
            "title": str(error.detail),
            "status": error.status_code,
            "detail": str(error.detail),
            "code": code,
            "instance": request.url.path,
        }
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(request))
        return Response(orjson.dumps(body), error.status_code, headers, MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        _log.error("unforeseen: %s on %s", type(error).__name__, request.url.path, exc_info=error)
        body = {
            "type": "urn:propriety:problem:internal",
            "title": "Our mistake",
            "status": 500,
            "detail": "Something went wrong that should not; nothing was kept",
            "code": "internal",
        }
        return Response(orjson.dumps(body), 500, media_type=MEDIA_TYPE)

    describe = app.openapi
    app.openapi = lambda: _with_problems(describe())  # type: ignore[method-assign]


def _allowed(request: Request) -> list[str]:
    """The methods of everything that is found at a path; the router itself names those of its first route only."""
    here = [one for one in iter_route_contexts(request.app.routes) if one.path_regex.match(request.scope["path"])]
    return sorted({method for one in here for method in one.methods or ()})


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with a problem document for every refusal of every operation."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operation in (one for path in document["paths"].values() for one in path.values()):
        answers = operation["responses"]
        for status in [status for status in answers if status >= "400"]:
            said = answers.pop(status)
            # A parameter that is not valid makes a request malformed; what is 422 is said of bodies.
            kept = status if "requestBody" in operation or status != "422" else "400"
            answers[kept] = {"description": said["description"], "content": content}
        answers["default"] = {"description": "Why the request was not carried out", "content": content}
    for unused in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(unused, None)
    return document
