"""Reading requests strictly: bounded bodies, JSON without doubt, and no parameter that nobody asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence, Set
from typing import Any, get_args, get_origin

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.api.asking import OPENED, opening, require_known
from app.api.problems import pointer
from app.domain.refusals import Fault, Malformed, Refusal, TooLarge, TooMany, Unauthenticated, WrongMediaType
from app.services.access import Credentials, Unchecked, read_credentials
from app.services.desk import Desk
from app.settings import Settings

_DEEPEST = 16
_MOST_MEMBERS = 5000
_ONCE = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match")
_OPEN = {"health", "webhooks"}  # who asks there shows no key: neither counted nor taken for its use
_HALF = re.compile("[\ud800-\udfff]")


class NotJson(Malformed):
    code = "not_json"
    title = "The body is not JSON"


class DuplicateKey(Malformed):
    code = "duplicate_key"
    title = "A key stands twice in one object"


class NumberRefused(Malformed):
    code = "number_refused"
    title = "A number that cannot be exact"


class TooManyMembers(Malformed):
    code = "too_many_members"
    title = "An object has too many members"


class NotUnicode(Malformed):
    code = "not_unicode"
    title = "Half a character stands alone"


class TooDeep(Malformed):
    code = "too_deep"
    title = "The body is nested too deeply"


class BodyTooLarge(TooLarge):
    code = "body_too_large"


class NotJsonType(WrongMediaType):
    code = "json_expected"


class AskedTooOften(TooMany):
    code = "asked_too_often"


class UnknownParameter(Malformed):
    code = "unknown_parameter"
    title = "A query parameter that is not known here"


class ParameterTwice(Malformed):
    code = "parameter_twice"
    title = "A query parameter stands twice"


class HeaderTwice(Malformed):
    code = "header_twice"
    title = "A header stands twice"


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises NotJson, DuplicateKey, NumberRefused, NotUnicode, TooManyMembers or TooDeep.

    Fractions and exponents are refused, since money is written as a string and everything else is whole.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        _check(value, ())
    except RecursionError as error:
        raise TooDeep(f"The body may be nested {_DEEPEST} levels deep") from error
    except ValueError as error:
        raise NotJson("The body is not valid JSON in UTF-8") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MOST_MEMBERS:
        raise TooManyMembers(f"An object may have {_MOST_MEMBERS} members")
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


def _check(value: Any, path: tuple[str | int, ...]) -> None:
    """Depth, and text that can be written again: half of a surrogate pair is JSON, but no text in any encoding."""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict | list):
        if len(path) >= _DEEPEST:
            raise TooDeep(f"The body may be nested {_DEEPEST} levels deep")
        for step, one in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(step, str):
                _check_text(step, path)
            _check(one, (*path, step))


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if not text.isascii() and _HALF.search(text):
        raise NotUnicode(
            "A surrogate stands without its other half", [Fault(pointer(path), "not_unicode", "write whole characters")]
        )


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
    """A route that reads its body strictly and knows all of its query parameters.

    Where somebody known has to ask, the endpoint runs with that opened, all in one thread.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, opening(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the strict reading."""
        handler = super().get_route_handler()
        parameters = list(query_parameters(self.dependant))
        known = {one.alias for one in parameters}
        several = {one.alias for one in parameters if takes_several(one.field_info.annotation)}
        takes_body, asked_as = self.body_field is not None, hasattr(self.endpoint, OPENED)
        known_callers = not _OPEN & set(self.tags)

        async def strict(request: Request) -> Response:
            _check_query([name for name, _ in request.query_params.multi_items()], known, several)
            _check_headers(request)
            key = _key_of(request) if known_callers else None
            headers = _admitted(request, key)
            if takes_body:  # nobody without a key is told what a body lacks, or has one read
                read_credentials(request.headers.get("authorization"))
            if takes_body:
                request = StrictRequest(request.scope, request.receive)
                settings: Settings = request.app.state.desk.settings
                await request.read(settings.body_limit_bytes)
            try:
                response = await handler(request)
            except (RequestValidationError, Refusal):
                if asked_as:  # nor what is wrong with their question
                    await run_in_threadpool(require_known, request)
                raise
            response.headers.update(headers)
            if isinstance(key, Credentials):
                request.app.state.reads.used(key.key_id)
            return response

        return strict


def query_parameters(dependant: Dependant) -> Iterator[Any]:
    """The query parameters of a route and of everything it depends on."""
    yield from dependant.query_params
    for other in dependant.dependencies:
        yield from query_parameters(other)


def _key_of(request: Request) -> Credentials | Unchecked | None:
    """What the caller shows for themselves, as far as it can be read."""
    try:
        return read_credentials(request.headers.get("authorization"))
    except Unauthenticated:
        return None


def _admitted(request: Request, key: Credentials | Unchecked | None) -> dict[str, str]:
    """The headers that say how often the caller may ask. Raises AskedTooOften."""
    desk: Desk = request.app.state.desk
    if desk.rates is None or key is None:
        return {}
    taken, most = desk.rates.take(key, desk.clock()), desk.rates.a_minute
    if not taken.allowed:
        raise AskedTooOften(f"{most} requests a minute with one key; wait a moment", retry_after_s=taken.wait_s)
    return {"RateLimit-Policy": f'"default";q={most};w=60', "RateLimit": f'"default";r={taken.left};t=60'}


def _check_headers(request: Request) -> None:
    for name in _ONCE:
        if len(request.headers.getlist(name)) > 1:
            raise HeaderTwice(
                "A header stands twice; which one is meant?", [Fault("", "header_twice", f"{name}: once")]
            )


def takes_several(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))


def _check_query(names: Sequence[str], known: Set[str], several: Set[str]) -> None:
    """Every parameter is one of ours, and stands once where one value is meant."""
    if not set(names) <= known:
        takes = ", ".join(sorted(known)) or "none"
        raise UnknownParameter(
            "A query parameter is not known here", [Fault("", "unknown_parameter", f"known are: {takes}")]
        )
    for name in known - several:
        if names.count(name) > 1:
            raise ParameterTwice(
                "A query parameter stands twice; which one is meant?", [Fault("", "parameter_twice", f"{name}: once")]
            )
