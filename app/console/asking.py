"""Who asks: the user behind a browser's session, with the desk and a connection to answer from, or a way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from app.domain.access import Permission, Principal
from app.services import access, sessions
from app.services.access import Credentials
from app.services.desk import Connection, Desk

T = TypeVar("T")
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who is signed in asks, and everything is read from one consistent state."""

    request: Request
    connection: Connection
    desk: Desk
    principal: Principal
    credentials: Credentials

    def require(self, permission: Permission) -> None:
        """Raises RoleForbids unless they have the permission."""
        self.principal.require(permission)


def asked(request: Request) -> Iterator[Asked]:
    """Recognises the user. Raises BadKey where nobody is signed in."""
    desk, credentials = desk_of(request), credentials_of(request)
    sessions.keep_alive(desk, credentials)
    with desk.database.reading() as connection:
        principal = access.require(connection, desk, credentials)
        yield Asked(request, connection, desk, principal, credentials)
        _note(request, principal)


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
        with self.desk.database.reading() as connection:
            principal = access.require(connection, self.desk, self.credentials)
            return work(Asked(self.request, connection, self.desk, principal, self.credentials))

    def _as_user(self, work: Callable[[Connection, Principal], T]) -> Callable[[Connection], T]:
        def whole(connection: Connection) -> T:
            return work(connection, access.require(connection, self.desk, self.credentials))

        return whole


def acting(request: Request) -> Acting:
    """The user as somebody who acts."""
    desk, credentials = desk_of(request), credentials_of(request)
    sessions.keep_alive(desk, credentials)
    return Acting(request, desk, credentials)


AskedBy = Annotated[Asked, Depends(asked, scope="function")]
ActingAs = Annotated[Acting, Depends(acting)]
