"""Who asks: the principal behind a request, with the desk and a connection to answer from, or a way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Annotated, Any, TypeVar, get_args

import orjson
from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.domain.access import Permission, Principal
from app.services import access
from app.services.access import Credentials, Presented
from app.services.desk import Connection, Desk

T = TypeVar("T")


def desk_of(request: Request) -> Desk:
    """The process's desk."""
    desk: Desk = request.app.state.desk
    return desk


def credentials_of(request: Request) -> Presented:
    """The API key of the request, not yet looked up, or what its token says. May wait for the identity provider."""
    return access.check(desk_of(request), access.read_credentials(request.headers.get("authorization")))


async def credentials_without_waiting(request: Request) -> Presented:
    """The same for the event loop, which never waits: a key is only read, a token is checked elsewhere."""
    presented = access.read_credentials(request.headers.get("authorization"))
    if isinstance(presented, Credentials):
        return presented
    return await run_in_threadpool(access.check, desk_of(request), presented)


@dataclass(slots=True)
class Asked:
    """Somebody asks, and everything is read from one consistent state; who they are stands when a route begins.

    `opened` takes the connection and gives it back in the thread that answers. Nobody holds one while waiting for a
    thread: as many who did as there are connections would wait for those who have the threads and want a connection.
    """

    desk: Desk
    request: Request
    connection: Connection = field(init=False)
    principal: Principal = field(init=False)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Recognises the caller, lets questions be asked until the block ends, and notes the reading. Raises BadKey."""
        credentials = credentials_of(self.request)
        with self.desk.database.reading() as connection:
            self.connection = connection
            self.principal = access.require(connection, self.desk, credentials)
            yield
            _note(self.request, self.principal)


async def asked(request: Request) -> Asked:
    """The caller as somebody who asks; `StrictRoute` opens it around the endpoint."""
    return Asked(desk_of(request), request)


OPENED = "opened_as"


def opening(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint of a route with its Asked opened around it; any other endpoint as it is."""
    named = [name for name, one in signature(endpoint, eval_str=True).parameters.items() if _is_asked(one.annotation)]
    if not named or hasattr(endpoint, OPENED):
        return endpoint
    if iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__} asks the database, so it is no coroutine")

    @wraps(endpoint)
    def answering(**values: Any) -> Any:
        with values[named[0]].opened():
            return endpoint(**values)

    setattr(answering, OPENED, named[0])
    return answering


def _is_asked(annotation: Any) -> bool:
    return any(getattr(one, "dependency", None) is asked for one in get_args(annotation))


def require_known(request: Request) -> None:
    """Raises BadKey unless somebody known asks."""
    desk, credentials = desk_of(request), credentials_of(request)
    with desk.database.reading() as connection:
        access.require(connection, desk, credentials)


_NO_CASE_DATA = {"access", "health", "operations", "policies", "subscriptions"}


def _note(request: Request, principal: Principal) -> None:
    """Notes what somebody has just read who may read what is not their own."""
    route = request.scope["route"]
    reads_others = principal.may(Permission.READ_ALL) or principal.oversees.teams
    if request.method != "GET" or not reads_others or _NO_CASE_DATA & set(route.tags):
        return
    query = f"?{request.url.query}" if request.url.query else ""
    about = next(iter(request.path_params.values()), None)
    request.app.state.reads.note(principal, what=route.name, about=about, asked=f"{request.url.path}{query}"[:1000])


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody wants to change something; who they are is established in the same transaction."""

    desk: Desk
    credentials: Presented

    def write(self, work: Callable[[Connection, Principal], T]) -> T:
        """Runs `work` in a transaction as the caller, and returns after the commit. Raises BadKey."""
        return self.desk.database.write(self._as_caller(work))

    def read(self, work: Callable[[Connection, Principal], T]) -> T:
        """Runs `work` as the caller on one state of the database, before something that writes later. Raises BadKey."""
        with self.desk.database.reading() as connection:
            return self._as_caller(work)(connection)

    def rehearse(self, work: Callable[[Connection, Principal], T]) -> T:
        """What `write` would do, with nothing written. Raises BadKey."""
        return self.desk.database.rehearse(self._as_caller(work))

    def require(self, permission: Permission) -> None:
        """Before anything is done that costs something: raises BadKey, or RoleForbids."""
        with self.desk.database.reading() as connection:
            self._as_caller(lambda _, principal: principal.require(permission))(connection)

    def _as_caller(self, work: Callable[[Connection, Principal], T]) -> Callable[[Connection], T]:
        def whole(connection: Connection) -> T:
            return work(connection, access.require(connection, self.desk, self.credentials))

        return whole


async def acting(request: Request) -> Acting:
    """The caller as somebody who acts."""
    return Acting(desk_of(request), await credentials_without_waiting(request))


AskedBy = Annotated[Asked, Depends(asked)]
ActingAs = Annotated[Acting, Depends(acting)]


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, headers, "application/json")
