"""Connections over HTTP: systems that tell us things, their secrets, and how they are doing. See docs/connections/."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, StringConstraints

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, Identifier, In, Limit, Name, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Permission
from app.domain.audit import iso
from app.domain.connections import (
    ConnectionMapping,
    ConnectionState,
    ExpensePolicy,
    MergePolicy,
    Noun,
    Provider,
    Purpose,
)
from app.domain.entries import Kind
from app.services import connections, receipts
from app.services.connections import KnownConnection, KnownConnectionSecret, Said
from app.services.desk import Desk

router = APIRouter(prefix="/v1", tags=["connections"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000), Field(examples=["https://api.example.com"])]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=400), Field(description="16 to 400 characters")]
_NO_STORE = {"Cache-Control": "no-store"}
_REFUSED: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
_MANY = 500


class MappingIn(In):
    """What the words of the other system are in ours. `reps` and `default_rep` say who gave: our person by their owner.

    `fields`: per noun, our name of a field by theirs. Where an activity or expense is no kind that is listed, it is of
    `default_kind`; with an empty one, nothing comes of it.
    """

    fields: dict[Noun, dict[Text, Identifier]] = Field({}, max_length=4)
    types: dict[Text, Identifier] = Field({}, max_length=_MANY)
    default_type: Identifier = "institutional_employee"
    employers: dict[Text, Name] = Field({}, max_length=_MANY)
    reps: dict[Text, Text] = Field({}, max_length=_MANY)
    default_rep: Text | None = None
    kinds: dict[Text, Kind] = Field({}, max_length=_MANY)
    default_kind: Kind | None = Kind.MEAL
    merges: Annotated[MergePolicy, Field(description="propose to an officer, or apply")] = MergePolicy.PROPOSE
    expenses: Annotated[ExpensePolicy, Field(description="make a draft, or an entry")] = ExpensePolicy.DRAFT

    def meant(self) -> ConnectionMapping:
        """The mapping as the domain has it."""
        return ConnectionMapping(
            fields={noun.value: names for noun, names in self.fields.items()},
            types=self.types,
            default_type=self.default_type,
            employers=self.employers,
            reps=self.reps,
            default_rep=self.default_rep or "",
            kinds={their: kind.value for their, kind in self.kinds.items()},
            default_kind=self.default_kind.value if self.default_kind else "",
            merges=self.merges,
            expenses=self.expenses,
        )


class ConnectionIn(In):
    """Whose messages to take. Without a `secret` one is made, except where the provider makes it (HubSpot).

    `source` is how external ids name the system; `account`, which account of theirs is ours; `base_url`, where its
    records are fetched that messages only point to, with the token or, where `token_url` is said, one from there.
    """

    provider: Provider
    name: Name
    source: Identifier | None = None
    account: Text | None = None
    secret: Secret | None = None
    mapping: MappingIn | None = None
    base_url: Url | None = None
    token_url: Url | None = None
    client_id: Text | None = None


class ConnectionChangeIn(In):
    """What to change. A disabled connection takes nothing until it is active again."""

    name: Name | None = None
    account: Text | None = None
    mapping: MappingIn | None = None
    base_url: Url | None = None
    token_url: Url | None = None
    client_id: Text | None = None
    disabled: StrictBool | None = None


class MappingOut(BaseModel):
    """A mapping as it holds."""

    fields: dict[str, dict[str, str]]
    types: dict[str, str]
    default_type: str
    employers: dict[str, str]
    reps: dict[str, str]
    default_rep: str | None
    kinds: dict[str, str]
    default_kind: str | None
    merges: MergePolicy
    expenses: ExpensePolicy


class ConnectionOut(BaseModel):
    """A connection without its secrets. `url` is where the other system sends its messages."""

    id: str
    version: int
    name: str
    provider: Provider
    source: str
    account: str | None
    url: str
    mapping: MappingOut
    base_url: str | None
    token_url: str | None
    client_id: str | None
    state: ConnectionState
    created_by: str
    created_at: datetime
    changed_at: datetime


class ConnectionSecretOut(BaseModel):
    """A secret that holds until it expires, without its text."""

    id: str
    purpose: Purpose
    created_at: datetime
    expires_at: datetime | None


class HealthOut(BaseModel):
    """How a connection is doing. `lag_s`: how long the message that waits longest has waited; `failing` try again."""

    last_received_at: datetime | None
    waiting: int
    lag_s: int
    failing: int
    dead: int
    counts: dict[str, int]


class ConnectionDetailOut(ConnectionOut):
    """A connection with the secrets that hold, and how it is doing."""

    secrets: list[ConnectionSecretOut]
    health: HealthOut


class NewConnectionOut(ConnectionOut):
    """A new connection; `secret` is shown this once, null where you gave it."""

    secret: str | None


class ConnectionSecretIn(In):
    """A new secret: `verify` proves messages (made here where none is given), `fetch` opens their system to us.

    The one before it goes on proving for `overlap_hours`; 0 ends it now.
    """

    purpose: Purpose = Purpose.VERIFY
    secret: Secret | None = None
    overlap_hours: Annotated[StrictInt, Field(ge=0, le=168)] = 24


class NewConnectionSecretOut(ConnectionSecretOut):
    """A new secret, shown this once where we made it, with the URL it may stand in, and the other that still proves."""

    secret: str | None
    url: str
    also_valid: list[ConnectionSecretOut]


@router.post("/connections", status_code=201, response_model=NewConnectionOut, responses={422: {"model": Problem}})
def create_connection(body: ConnectionIn, acting: ActingAs) -> Response:
    """Connect a system. Its URL, and a secret that we made, are in this answer; the secret is nowhere else."""
    acting.require(Permission.MANAGE_CONNECTIONS)
    said = Said(
        name=body.name,
        source=body.source,
        account=body.account,
        mapping=body.mapping.meant() if body.mapping else None,
        base_url=body.base_url,
        token_url=body.token_url,
        client_id=body.client_id,
    )
    connections.check_urls(acting.desk, said)
    made, secret = acting.write(
        lambda connection, principal: connections.create(
            connection, acting.desk, principal, body.provider, said, secret=body.secret
        )
    )
    shown = _connection(acting.desk, made, secret=secret or body.secret) | {"secret": secret}
    return answer(shown, 201, etag(made.version) | _NO_STORE)


@router.get("/connections", response_model=ListOut[ConnectionOut])
def list_connections(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Connections, newest first, without their secrets."""
    question = fingerprint("connections")
    after = read_cursor(cursor, question, str)
    found = connections.listed(by.connection, by.principal, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_connection(by.desk, one) for one in shown], "page": where})


@router.get("/connections/{connection_id}", response_model=ConnectionDetailOut, responses=_REFUSED)
def get_connection(connection_id: AnyId, by: AskedBy) -> Response:
    """One connection: its secrets without their text, the last message, how far behind it is, and what failed."""
    found = connections.get(by.connection, by.principal, connection_id)
    held = connections.secrets_of(by.connection, found.id, by.desk.clock())
    health = receipts.health(by.connection, by.desk, found.id)
    more = {
        "secrets": [_secret(one) for one in held],
        "health": health._asdict() | {"last_received_at": _moment(health.last_received_at)},
    }
    return answer(_connection(by.desk, found) | more, headers=etag(found.version))


@router.patch(
    "/connections/{connection_id}",
    response_model=ConnectionOut,
    responses=_REFUSED | {412: {"model": Problem}, 422: {"model": Problem}},
)
def change_connection(
    connection_id: AnyId, body: ConnectionChangeIn, version: MeantVersion, acting: ActingAs
) -> Response:
    """Change a connection, stop it for a while, or let it go on. A mapping holds as a whole, in place of the other."""
    acting.require(Permission.MANAGE_CONNECTIONS)
    said = Said(
        name=body.name,
        account=body.account,
        mapping=body.mapping.meant() if body.mapping else None,
        base_url=body.base_url,
        token_url=body.token_url,
        client_id=body.client_id,
        state=None if body.disabled is None else _STATES[body.disabled],
    )
    connections.check_urls(acting.desk, said)
    changed = acting.write(
        lambda connection, principal: connections.change(
            connection, acting.desk, principal, connection_id, said, version=version
        )
    )
    return answer(_connection(acting.desk, changed), headers=etag(changed.version))


_STATES = {True: ConnectionState.DISABLED, False: ConnectionState.ACTIVE}


@router.delete("/connections/{connection_id}", response_model=ConnectionOut, responses=_REFUSED)
def end_connection(connection_id: AnyId, acting: ActingAs) -> Response:
    """End a connection: nothing more is taken, its secrets are forgotten, the record of it stays."""
    ended = acting.write(
        lambda connection, principal: connections.end(connection, acting.desk, principal, connection_id)
    )
    return answer(_connection(acting.desk, ended))


@router.post(
    "/connections/{connection_id}/secrets",
    status_code=201,
    response_model=NewConnectionSecretOut,
    responses=_REFUSED | {422: {"model": Problem}},
)
def rotate_connection_secret(connection_id: AnyId, body: ConnectionSecretIn, acting: ActingAs) -> Response:
    """A new secret. Until the overlap ends, messages are taken that either of both proves."""
    (secret, text, older), found = acting.write(
        lambda connection, principal: (
            connections.rotate(
                connection,
                acting.desk,
                principal,
                connection_id,
                purpose=body.purpose,
                secret=body.secret,
                overlap=timedelta(hours=body.overlap_hours),
            ),
            connections.get(connection, principal, connection_id),
        )
    )
    proving = (text or body.secret) if body.purpose is Purpose.VERIFY else None
    more = {"secret": text, "url": connections.url_of(acting.desk, found, proving)}
    return answer(_secret(secret) | more | {"also_valid": [_secret(one) for one in older]}, 201, _NO_STORE)


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _connection(desk: Desk, one: KnownConnection, *, secret: str | None = None) -> dict[str, Any]:
    mapping = one.mapping.kept()
    return one._asdict() | {
        "mapping": mapping | {name: mapping[name] or None for name in ("default_rep", "default_kind")},
        "url": connections.url_of(desk, one, secret),
        "created_at": iso(one.created_at),
        "changed_at": iso(one.changed_at),
        **{name: getattr(one, name) or None for name in ("account", "base_url", "token_url", "client_id")},
    }


def _secret(one: KnownConnectionSecret) -> dict[str, Any]:
    moments = {"created_at": iso(one.created_at), "expires_at": _moment(one.expires_at)}
    return {"id": one.id, "purpose": one.purpose} | moments
