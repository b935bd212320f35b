"""Users over HTTP: the firm's people who sign in. Whoever leaves is made inactive; nobody is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, StrictBool

from app.api.access import waiver_in, waiver_out
from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Email, In, Limit, MoneyIn, MoneyOut, Name, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Role
from app.domain.audit import iso
from app.domain.refusals import Unprocessable
from app.services import users
from app.services.users import KnownUser, UserDraft, UserFilter

router = APIRouter(prefix="/v1", tags=["access"], route_class=StrictRoute)
UserId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class NullRefused(Unprocessable):
    code = "null_refused"
    title = "This cannot be taken away"


class UserIn(In):
    """A new user. `person` is how entries name them and never changes.

    `waiver_limit` is what an officer may waive without a second person; without it, nothing.
    """

    person: Text
    name: Name
    email: Email | None = None
    role: Role
    waiver_limit: MoneyIn | None = None


class UserChangeIn(In):
    """What is to be otherwise; what is left out stays. Null takes away an address or a waiver limit."""

    name: Name | None = None
    email: Email | None = None
    role: Role | None = None
    active: (
        Annotated[StrictBool, Field(description="false: no key, session or token of theirs opens anything")] | None
    ) = None
    waiver_limit: MoneyIn | None = None


class UserOut(BaseModel):
    """A user as they stand."""

    id: str
    version: int
    person: str
    name: str
    email: str | None
    role: Role
    active: bool
    waiver_limit: MoneyOut | None
    created_by: str
    created_at: datetime
    changed_at: datetime


@router.post("/users", status_code=201, response_model=UserOut, responses={409: {"model": Problem}})
def create_user(body: UserIn, acting: ActingAs) -> Response:
    """Add a user. Keys of the same person never allow more than the user may."""
    draft = UserDraft(body.name, body.email, body.role, waiver_in(body.waiver_limit))
    user = acting.write(
        lambda connection, principal: users.create(connection, acting.desk, principal, body.person, draft)
    )
    return answer(_user(user), 201, {"Location": f"/v1/users/{user.id}", **etag(user.version)})


@router.get("/users", response_model=ListOut[UserOut])
def list_users(
    by: AskedBy,
    person: Text | None = None,
    role: Role | None = None,
    active: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Users, newest first."""
    wanted = UserFilter(person, role, active)
    question = fingerprint("users", wanted)
    after = read_cursor(cursor, question, str)
    found = users.listed(by.connection, by.principal, wanted, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda user: (user.id,))
    return answer({"data": [_user(user) for user in shown], "page": where})


@router.get("/users/{user_id}", response_model=UserOut)
def get_user(user_id: UserId, by: AskedBy) -> Response:
    """One user as they stand."""
    user = users.get(by.connection, by.principal, user_id)
    return answer(_user(user), headers=etag(user.version))


@router.patch("/users/{user_id}", response_model=UserOut, responses={409: {"model": Problem}, 412: {"model": Problem}})
def change_user(user_id: UserId, body: UserChangeIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Change a user, or end what they may with `active: false`. It holds from their next request on."""
    said: dict[str, object] = {name: getattr(body, name) for name in body.model_fields_set - {"waiver_limit"}}
    for name in ("name", "role", "active"):
        if name in said and said[name] is None:
            raise NullRefused.at(f"/{name}", f"{name}: leave it out, or say what it is to be")
    if "waiver_limit" in body.model_fields_set:
        said["waiver"] = waiver_in(body.waiver_limit)
    user = acting.write(
        lambda connection, principal: users.change(connection, acting.desk, principal, user_id, said, version=version)
    )
    return answer(_user(user), headers=etag(user.version))


def _user(user: KnownUser) -> dict[str, Any]:
    return {
        "id": user.id,
        "version": user.version,
        "person": user.person,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "active": user.active,
        "waiver_limit": waiver_out(user.waiver_minor, user.waiver_currency),
        "created_by": user.created_by,
        "created_at": iso(user.created_at),
        "changed_at": iso(user.changed_at),
    }
