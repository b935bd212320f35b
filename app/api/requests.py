"""Reading requests strictly: bounded bodies, JSON without doubt, and no parameter that nobody asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.domain.refusals import Fault, Malformed, TooLarge, WrongMediaType
from app.settings import Settings

_DEEPEST = 16


class NotJson(Malformed):
    code = "not_json"
    title = "The body is not JSON"


class DuplicateKey(Malformed):
    code = "duplicate_key"
    title = "A key stands twice in one object"


class NumberRefused(Malformed):
    code = "number_refused"
    title = "A number that cannot be exact"


class TooDeep(Malformed):
    code = "too_deep"
    title = "The body is nested too deeply"


class BodyTooLarge(TooLarge):
    code = "body_too_large"


class NotJsonType(WrongMediaType):
    code = "json_expected"


class UnknownParameter(Malformed):
    code = "unknown_parameter"
    title = "A query parameter that is not known here"


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises NotJson, DuplicateKey, NumberRefused or TooDeep.

    Fractions and exponents are refused, since money is written as a string and everything else is whole.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        _check_depth(value, 1)
    except RecursionError as error:
        raise TooDeep(f"The body may be nested {_DEEPEST} levels deep") from error
    except ValueError as error:
        raise NotJson("The body is not valid JSON in UTF-8") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise DuplicateKey("A key stands twice in one object; which one is meant?")
    return value


def _no_fraction(_text: str) -> Any:
    raise NumberRefused('Numbers are whole here; write money as a string such as "125.00"')


def _whole(text: str) -> int:
    if len(text) > 19:
        raise NumberRefused("This number is too large")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_no_fraction, parse_constant=_no_fraction, parse_int=_whole
)


def _check_depth(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth > _DEEPEST:
            raise TooDeep(f"The body may be nested {_DEEPEST} levels deep")
        for one in value.values() if isinstance(value, dict) else value:
            _check_depth(one, depth + 1)


class StrictRequest(Request):
    """A request whose body is read once, up to a limit, and parsed without doubt."""

    async def read(self, limit: int) -> None:
        """Reads and parses the body. Raises BodyTooLarge before more than that is held, NotJsonType, and `parse`'s."""
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise NotJsonType("Send application/json")
        chunks, size = [], 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(f"The body may have {limit} bytes")
            chunks.append(chunk)
        self._body = b"".join(chunks)
        self._json = parse(self._body)


class StrictRoute(APIRoute):
    """A route that reads its body strictly and knows all of its query parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the strict reading."""
        handler = super().get_route_handler()
        known = set(_query_names(self.dependant))
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            for name in request.query_params:
                if name not in known:
                    raise _unknown(name, known)
            if takes_body:
                request = StrictRequest(request.scope, request.receive)
                settings: Settings = request.app.state.desk.settings
                await request.read(settings.body_limit_bytes)
            return await handler(request)

        return strict


def _query_names(dependant: Dependant) -> Iterator[str]:
    """The query parameters of a route and of everything it depends on."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for other in dependant.dependencies:
        yield from _query_names(other)


def _unknown(name: str, known: set[str]) -> UnknownParameter:
    takes = ", ".join(sorted(known)) or "none"
    return UnknownParameter(
        "A query parameter is not known here", [Fault("", "unknown_parameter", f"known are: {takes}")]
    )
