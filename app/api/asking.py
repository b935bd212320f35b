"""Who asks: the principal behind a request, with the desk and a connection to answer from, or a way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Request, Response

from app.domain.access import Permission, Principal
from app.services import access
from app.services.access import Credentials
from app.services.desk import Connection, Desk

T = TypeVar("T")


def desk_of(request: Request) -> Desk:
    """The process's desk."""
    desk: Desk = request.app.state.desk
    return desk


def credentials_of(request: Request) -> Credentials:
    """The API key of the request, not yet looked up."""
    return access.read_credentials(request.headers.get("authorization"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody known asks, and everything is read from one consistent state."""

    connection: Connection
    desk: Desk
    principal: Principal


def asked(request: Request) -> Iterator[Asked]:
    """Recognises the caller. Raises BadKey."""
    desk = desk_of(request)
    credentials = credentials_of(request)
    with desk.database.reading() as connection:
        yield Asked(connection, desk, access.require(connection, desk, credentials))


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody wants to change something; who they are is established in the same transaction."""

    desk: Desk
    credentials: Credentials

    def write(self, work: Callable[[Connection, Principal], T]) -> T:
        """Runs `work` in a transaction as the caller, and returns after the commit. Raises BadKey."""
        return self.desk.database.write(self._as_caller(work))

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


def acting(request: Request) -> Acting:
    """The caller as somebody who acts."""
    return Acting(desk_of(request), credentials_of(request))


AskedBy = Annotated[Asked, Depends(asked, scope="function")]
ActingAs = Annotated[Acting, Depends(acting)]


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, headers, "application/json")
