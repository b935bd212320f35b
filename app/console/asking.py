"""Who asks: the user behind a browser's session, with the desk and a connection to answer from, or a way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Annotated, Any, TypeVar, get_args

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from app.domain.access import Permission, Principal
from app.services import access, sessions
from app.services.access import Credentials
from app.services.desk import Connection, Desk

T = TypeVar("T")
_OPENED = "opened_by_its_page"
_SAFE_NAME, _LOOPBACK_NAME = "__Host-propriety", "propriety"


def desk_of(request: Request) -> Desk:
    """The process's desk."""
    desk: Desk = request.app.state.desk
    return desk


def is_secure(request: Request) -> bool:
    """Whether browsers reach this service by https."""
    return desk_of(request).settings.public_url.startswith("https://") or request.url.scheme == "https"


def cookie_name(request: Request) -> str:
    """The session's cookie. A browser takes the one with the prefix from this host alone, and by https only."""
    return _SAFE_NAME if is_secure(request) else _LOOPBACK_NAME


def credentials_of(request: Request) -> Credentials:
    """The session of the request, not yet looked up. Raises BadKey where there is none."""
    return sessions.read_token(request.cookies.get(cookie_name(request)))


@dataclass(slots=True)
class Asked:
    """Somebody who is signed in asks, and everything is read from one consistent state.

    `opened` takes the connection and gives it back in the thread that answers, so that nobody holds one while waiting
    for a thread. Who asks stands when a page begins.
    """

    request: Request
    desk: Desk
    credentials: Credentials
    connection: Connection = field(init=False)
    principal: Principal = field(init=False)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Recognises the user and lets questions be asked until the block ends. Raises BadKey."""
        with self.desk.database.reading() as connection:
            self.connection = connection
            self.principal = access.require(connection, self.desk, self.credentials)
            yield

    def require(self, permission: Permission) -> None:
        """Raises RoleForbids unless they have the permission."""
        self.principal.require(permission)


async def asked(request: Request) -> Asked:
    """The visitor as somebody who asks, opened by `Page` around its endpoint. Raises BadKey without a session."""
    return Asked(request, desk_of(request), credentials_of(request))


class Page(APIRoute):
    """A route whose endpoint, where it asks, runs with that opened, all in one thread."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _opening(endpoint), **options)


def _opening(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    named = [name for name, one in signature(endpoint, eval_str=True).parameters.items() if _is_asked(one.annotation)]
    if not named or hasattr(endpoint, _OPENED):
        return endpoint
    if iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__} asks the database, so it is no coroutine")

    @wraps(endpoint)
    def answering(**values: Any) -> Any:
        by: Asked = values[named[0]]
        sessions.keep_alive(by.desk, by.credentials)
        with by.opened():
            shown = endpoint(**values)
            _note(by.request, by.principal)
            return shown

    setattr(answering, _OPENED, True)
    return answering


def _is_asked(annotation: Any) -> bool:
    return any(getattr(one, "dependency", None) is asked for one in get_args(annotation))


_NO_CASE_DATA = ("/me/", "/admin/", "/policies", "/home", "/entries/new", "/queue/count")


def _note(request: Request, principal: Principal) -> None:
    """Notes what somebody has just looked at who may read what is not their own."""
    path = request.url.path.removeprefix("/console")
    reads_others = principal.may(Permission.READ_ALL) or principal.oversees.teams
    if request.method != "GET" or not reads_others or path.startswith(_NO_CASE_DATA):
        return
    query = f"?{request.url.query}" if request.url.query else ""
    about = next(iter(request.path_params.values()), None)
    asked = f"{request.url.path}{query}"[:1000]
    request.app.state.reads.note(principal, what=request.scope["route"].name, about=about, asked=asked)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody wants to change something; who they are is established in the same transaction."""

    request: Request
    desk: Desk
    credentials: Credentials

    def write(self, work: Callable[[Connection, Principal], T]) -> T:
        """Runs `work` in a transaction as the user, and returns after the commit. Raises BadKey."""
        return self.desk.database.write(self._as_user(work))

    def rehearse(self, work: Callable[[Connection, Principal], T]) -> T:
        """What `write` would do, with nothing written. Raises BadKey."""
        return self.desk.database.rehearse(self._as_user(work))

    def read(self, work: Callable[[Asked], T]) -> T:
        """Answers from one consistent state as the user. Raises BadKey."""
        by = Asked(self.request, self.desk, self.credentials)
        with by.opened():
            return work(by)

    def _as_user(self, work: Callable[[Connection, Principal], T]) -> Callable[[Connection], T]:
        def whole(connection: Connection) -> T:
            return work(connection, access.require(connection, self.desk, self.credentials))

        return whole


def acting(request: Request) -> Acting:
    """The user as somebody who acts."""
    desk, credentials = desk_of(request), credentials_of(request)
    sessions.keep_alive(desk, credentials)
    return Acting(request, desk, credentials)


AskedBy = Annotated[Asked, Depends(asked)]
ActingAs = Annotated[Acting, Depends(acting)]
