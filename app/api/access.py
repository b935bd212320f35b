"""Access over HTTP: who am I, and the API keys of the firm."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, StrictInt

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Email, In, Limit, MoneyIn, MoneyOut, Text, currency_of, minor, money
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.access import Permission, Principal, Role
from app.domain.audit import iso
from app.domain.refusals import Unprocessable
from app.services import access
from app.services.access import KnownKey
from app.services.desk import Connection

router = APIRouter(prefix="/v1", tags=["access"], route_class=StrictRoute)
KeyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class BadWaiverLimit(Unprocessable):
    code = "bad_waiver_limit"
    title = "The waiver limit is not an amount of money"


class MeOut(BaseModel):
    """Whoever asks. `user_id` where they are a user, whichever way they came in."""

    id: str
    user_id: str | None
    name: str
    role: Role
    person: str
    waiver_limit: MoneyOut | None
    permissions: list[Permission]


class KeyIn(In):
    """A new key. `person` is how entries name its holder as giver.

    `waiver_limit` is what an officer may waive without a second person; without it, nothing.
    """

    name: Text
    role: Role
    person: Text
    waiver_limit: MoneyIn | None = None
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=3650)] | None = 365
    email: Annotated[Email, Field(description="where the daily digest goes, once mail is configured")] | None = None
    scopes: (
        Annotated[
            list[Permission], Field(min_length=1, max_length=30, description="of what the role allows, only this")
        ]
        | None
    ) = None


class RotationIn(In):
    """For how long the old key still opens beside the new one."""

    overlap_hours: Annotated[StrictInt, Field(ge=0, le=720)] = 24


class KeyOut(BaseModel):
    """A key without its secret."""

    id: str
    version: int
    name: str
    role: Role
    person: str
    email: str | None
    waiver_limit: MoneyOut | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    scopes: list[Permission] | None
    replaces: str | None
    last_used_at: Annotated[datetime | None, Field(description="noted once a minute at most")]


class NewKeyOut(KeyOut):
    """A new key; `secret` is shown this once."""

    secret: str


@router.get("/me", response_model=MeOut)
def get_me(by: AskedBy) -> Response:
    """Who you are, and what your role allows."""
    one = by.principal
    return answer(
        {
            "id": one.id,
            "user_id": one.user_id,
            "name": one.name,
            "role": one.role,
            "person": one.person,
            "waiver_limit": waiver_out(one.waiver_minor, one.waiver_currency),
            "permissions": sorted(one.permissions),
        }
    )


@router.post("/keys", status_code=201, response_model=NewKeyOut)
def create_key(body: KeyIn, acting: ActingAs) -> Response:
    """Make a key. Its secret is in this answer and nowhere else."""
    lifetime = timedelta(days=body.expires_in_days) if body.expires_in_days else None
    waiver = waiver_in(body.waiver_limit)

    def create(connection: Connection, principal: Principal) -> tuple[KnownKey, str]:
        principal.require(Permission.MANAGE_KEYS)
        return access.create_key(
            connection,
            acting.desk,
            name=body.name,
            role=body.role,
            person=body.person,
            lifetime=lifetime,
            by=principal.person,
            email=body.email,
            waiver=waiver,
            scopes=body.scopes,
        )

    key, secret = acting.write(create)
    return answer(_key(key) | {"secret": secret}, 201, {"Cache-Control": "no-store"})


@router.get("/keys", response_model=ListOut[KeyOut])
def list_keys(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Keys, newest first, without their secrets."""
    by.principal.require(Permission.MANAGE_KEYS)
    question = fingerprint("keys")
    after = read_cursor(cursor, question, str)
    found = access.keys(by.connection, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda key: (key.id,))
    return answer({"data": [_key(key) for key in shown], "page": where})


@router.delete("/keys/{key_id}", response_model=KeyOut)
def revoke_key(key_id: KeyId, acting: ActingAs) -> Response:
    """End a key; the next request with it is refused. The record of it stays."""

    def revoke(connection: Connection, principal: Principal) -> KnownKey:
        principal.require(Permission.MANAGE_KEYS)
        return access.revoke_key(connection, acting.desk, key_id, by=principal.person)

    return answer(_key(acting.write(revoke)))


@router.post("/keys/{key_id}/rotation", status_code=201, response_model=NewKeyOut, responses={409: {"model": Problem}})
def rotate_key(key_id: KeyId, body: RotationIn, acting: ActingAs) -> Response:
    """Put a new key in the place of one: same rights, same length of life. Whoever uses a key may rotate it."""
    overlap = timedelta(hours=body.overlap_hours)
    key, secret = acting.write(
        lambda connection, principal: access.rotate_key(connection, acting.desk, principal, key_id, overlap=overlap)
    )
    return answer(_key(key) | {"secret": secret}, 201, {"Cache-Control": "no-store"})


def waiver_in(limit: MoneyIn | None) -> tuple[int, str]:
    """A waiver limit in minor units of its currency. Raises BadWaiverLimit."""
    if limit is None:
        return 0, ""
    try:
        currency = currency_of(limit.currency)
        return minor(limit.amount, currency), currency.code
    except ValueError as error:
        raise BadWaiverLimit.at("/waiver_limit", f"waiver_limit: {error}") from error


def waiver_out(waived: int, code: str) -> dict[str, str] | None:
    """A waiver limit as it goes out: nothing, where nothing may be waived alone."""
    return money(waived, currency_of(code)) if waived else None


def _key(key: KnownKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "version": key.version,
        "name": key.name,
        "role": key.role,
        "person": key.person,
        "email": key.email,
        "waiver_limit": waiver_out(key.waiver_minor, key.waiver_currency),
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at) if key.expires_at else None,
        "revoked_at": iso(key.revoked_at) if key.revoked_at else None,
        "scopes": key.scopes.split() if key.scopes else None,
        "replaces": key.replaces,
        "last_used_at": iso(key.last_used_at) if key.last_used_at else None,
    }
