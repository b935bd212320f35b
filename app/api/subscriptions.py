"""Subscriptions over HTTP: who outside is told of what, and what came of it. The messages are in docs/webhooks.md."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field, StrictInt, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.api.asking import ActingAs, AskedBy, answer
from app.api.fields import Cursor, In, Limit, LongText, Moment, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Permission
from app.domain.audit import iso
from app.domain.subscriptions import DeliveryState, Payload, SubscriptionState
from app.services import deliveries, subscriptions
from app.services.deliveries import Attempt, DeliveryFilter, KnownDelivery, KnownReplay
from app.services.subscriptions import KnownSecret, KnownSubscription

router = APIRouter(prefix="/v1", tags=["subscriptions"], route_class=StrictRoute)
AnyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000), Field(examples=["https://hooks.example.com/g"])]
EventName = Annotated[
    str, StringConstraints(pattern=r"^(\*|[a-z_]{1,32}\.(\*|[a-z_]{1,32}))$"), Field(examples=["violation.*"])
]
Events = Annotated[list[EventName], Field(min_length=1, max_length=50)]
_NO_STORE = {"Cache-Control": "no-store"}
_REFUSED: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


class SubscriptionIn(In):
    """Where to send what. A `full` payload adds figures to ids, never names; only who reads all may ask for it."""

    url: Url
    events: Events
    description: LongText | None = None
    payload: Payload = Payload.THIN


class SubscriptionChangeIn(In):
    """What to change. Made active again, a subscription goes on where it stopped."""

    url: Url | None = None
    events: Events | None = None
    description: LongText | None = None
    payload: Payload | None = None
    state: Annotated[SubscriptionState, Field(description="active or disabled")] | None = None

    @model_validator(mode="after")
    def _not_ended_so(self) -> Self:
        if self.state is SubscriptionState.ENDED:
            raise PydanticCustomError("not_a_state", "DELETE ends a subscription")
        return self


class SubscriptionOut(BaseModel):
    """A subscription without its secrets. `position` is the next place in the audit log that it is to be told of."""

    id: str
    version: int
    url: str
    events: list[str]
    description: str
    payload: Payload
    state: SubscriptionState
    position: int
    failing_since: datetime | None
    paused_until: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_by: str
    created_at: datetime
    changed_at: datetime


class SecretOut(BaseModel):
    """A secret that signs, until it expires, without its text."""

    id: str
    created_at: datetime
    expires_at: datetime | None


class StandingOut(BaseModel):
    """How many deliveries were ever made, by how they stand."""

    pending: int
    delivered: int
    dead: int


class SubscriptionDetailOut(SubscriptionOut):
    """A subscription with the secrets that hold and how its deliveries stand."""

    secrets: list[SecretOut]
    deliveries: StandingOut


class NewSubscriptionOut(SubscriptionOut):
    """A new subscription; `secret` is shown this once."""

    secret: str


class RotationIn(In):
    """How long the secret before goes on signing beside the new one; 0 ends it now."""

    overlap_hours: Annotated[StrictInt, Field(ge=0, le=168)] = 24


class NewSecretOut(SecretOut):
    """A new secret, shown this once, and the other one that still signs."""

    secret: str
    also_valid: list[SecretOut]


class DeliveryOut(BaseModel):
    """A message on its way. `message_id` is the `webhook-id` of all attempts and replays."""

    id: str
    subscription_id: str
    message_id: str
    event: str
    entity_id: str
    position: int | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    replay_id: str | None
    created_at: datetime
    finished_at: datetime | None


class AttemptOut(BaseModel):
    """One attempt: the status of the answer, or a word for why there was none."""

    id: str
    delivery_id: str
    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None


class ReplayIn(In):
    """What to send again: one delivery, or everything recorded since a moment."""

    delivery_id: Text | None = None
    since: Moment | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.delivery_id is None) == (self.since is None):
            raise PydanticCustomError("one_of_both", "write either delivery_id or since")
        return self


class ReplayOut(BaseModel):
    """A replay; its deliveries carry its id."""

    id: str
    subscription_id: str
    delivery_id: str | None
    since: datetime | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None


@router.post("/subscriptions", status_code=201, response_model=NewSubscriptionOut, responses={422: {"model": Problem}})
def create_subscription(body: SubscriptionIn, acting: ActingAs) -> Response:
    """Subscribe to what happens from now on. The secret is in this answer and nowhere else."""
    acting.require(Permission.MANAGE_SUBSCRIPTIONS)
    subscriptions.check_url(acting.desk, body.url)
    made, _, secret = acting.write(
        lambda connection, principal: subscriptions.create(
            connection,
            acting.desk,
            principal,
            url=body.url,
            events=list(dict.fromkeys(body.events)),
            description=body.description or "",
            payload=body.payload,
        )
    )
    return answer(_subscription(made) | {"secret": secret}, 201, etag(made.version) | _NO_STORE)


@router.get("/subscriptions", response_model=ListOut[SubscriptionOut])
def list_subscriptions(by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Subscriptions, newest first, without their secrets."""
    question = fingerprint("subscriptions")
    after = read_cursor(cursor, question, str)
    found = subscriptions.listed(by.connection, by.principal, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_subscription(one) for one in shown], "page": where})


@router.get("/subscriptions/{subscription_id}", response_model=SubscriptionDetailOut, responses=_REFUSED)
def get_subscription(subscription_id: AnyId, by: AskedBy) -> Response:
    """One subscription: whether it is heard, and how its deliveries stand."""
    found = subscriptions.get(by.connection, by.principal, subscription_id)
    held = subscriptions.secrets_of(by.connection, found.id, by.desk.clock())
    more = {
        "secrets": [_secret(one) for one in held],
        "deliveries": deliveries.standing(by.connection, found.id),
    }
    return answer(_subscription(found) | more, headers=etag(found.version))


@router.patch(
    "/subscriptions/{subscription_id}",
    response_model=SubscriptionOut,
    responses=_REFUSED | {412: {"model": Problem}, 422: {"model": Problem}},
)
def change_subscription(
    subscription_id: AnyId, body: SubscriptionChangeIn, version: MeantVersion, acting: ActingAs
) -> Response:
    """Change where, what or how much is sent, stop it for a while, or let it go on where it stopped."""
    if body.url is not None:
        acting.require(Permission.MANAGE_SUBSCRIPTIONS)
        subscriptions.check_url(acting.desk, body.url)
    changed = acting.write(
        lambda connection, principal: subscriptions.change(
            connection,
            acting.desk,
            principal,
            subscription_id,
            version=version,
            url=body.url,
            events=list(dict.fromkeys(body.events)) if body.events else None,
            description=body.description,
            payload=body.payload,
            state=body.state,
        )
    )
    return answer(_subscription(changed), headers=etag(changed.version))


@router.delete("/subscriptions/{subscription_id}", response_model=SubscriptionOut, responses=_REFUSED)
def end_subscription(subscription_id: AnyId, acting: ActingAs) -> Response:
    """End a subscription: nothing more is sent, its secrets are forgotten, the record of it stays."""
    ended = acting.write(
        lambda connection, principal: subscriptions.end(connection, acting.desk, principal, subscription_id)
    )
    return answer(_subscription(ended))


@router.post(
    "/subscriptions/{subscription_id}/secrets", status_code=201, response_model=NewSecretOut, responses=_REFUSED
)
def rotate_subscription_secret(subscription_id: AnyId, body: RotationIn, acting: ActingAs) -> Response:
    """A new secret, shown this once. Until the overlap ends, messages carry a signature of both."""
    secret, text, older = acting.write(
        lambda connection, principal: subscriptions.rotate(
            connection, acting.desk, principal, subscription_id, overlap=timedelta(hours=body.overlap_hours)
        )
    )
    shown = _secret(secret) | {"secret": text, "also_valid": [_secret(one) for one in older]}
    return answer(shown, 201, _NO_STORE)


@router.get("/subscriptions/{subscription_id}/deliveries", response_model=ListOut[DeliveryOut], responses=_REFUSED)
def list_deliveries(
    subscription_id: AnyId,
    by: AskedBy,
    state: DeliveryState | None = None,
    event: Annotated[EventName | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Deliveries of a subscription, newest first."""
    wanted = DeliveryFilter(state.value if state else None, event)
    question = fingerprint("deliveries", subscription_id, wanted)
    after = read_cursor(cursor, question, str)
    found = deliveries.listed(
        by.connection,
        by.principal,
        subscription_id,
        wanted,
        after=after[0] if after else None,
        limit=limit + 1,
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_delivery(one) for one in shown], "page": where})


@router.get("/deliveries/{delivery_id}/attempts", response_model=ListOut[AttemptOut], responses=_REFUSED)
def list_delivery_attempts(
    delivery_id: AnyId, by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None
) -> Response:
    """The attempts at a delivery, first one first."""
    question = fingerprint("attempts", delivery_id)
    after = read_cursor(cursor, question, str)
    found = deliveries.attempts(
        by.connection, by.principal, delivery_id, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [_attempt(one) for one in shown], "page": where})


@router.post(
    "/subscriptions/{subscription_id}/replays",
    status_code=201,
    response_model=ReplayOut,
    responses=_REFUSED | {409: {"model": Problem}, 422: {"model": Problem}},
)
def create_replay(subscription_id: AnyId, body: ReplayIn, acting: ActingAs) -> Response:
    """Send again, under the same message ids: one delivery, or everything since a moment."""
    desk = acting.desk
    if body.since is not None:
        since = body.since
        made = acting.write(
            lambda connection, who: deliveries.replay_since(connection, desk, who, subscription_id, since)
        )
    else:
        again = body.delivery_id or ""
        made = acting.write(lambda connection, who: deliveries.replay(connection, desk, who, subscription_id, again))
    return answer(_replay(made), 201)


@router.post(
    "/subscriptions/{subscription_id}/tests",
    status_code=201,
    response_model=DeliveryOut,
    responses=_REFUSED | {409: {"model": Problem}},
)
def create_subscription_test(subscription_id: AnyId, acting: ActingAs) -> Response:
    """Send a message of type `subscription.test`, by the way all others go."""
    made = acting.write(
        lambda connection, principal: deliveries.test(connection, acting.desk, principal, subscription_id)
    )
    return answer(_delivery(made), 201)


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _subscription(one: KnownSubscription) -> dict[str, Any]:
    moments = ("failing_since", "paused_until", "disabled_at", "created_at", "changed_at")
    return one._asdict() | {name: _moment(getattr(one, name)) for name in moments}


def _secret(one: KnownSecret) -> dict[str, Any]:
    return {"id": one.id, "created_at": iso(one.created_at), "expires_at": _moment(one.expires_at)}


def _delivery(one: KnownDelivery) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in DeliveryOut.model_fields}
    return shown | {name: _moment(shown[name]) for name in ("next_attempt_at", "created_at", "finished_at")}


def _attempt(one: Attempt) -> dict[str, Any]:
    return one._asdict() | {"started_at": iso(one.started_at)}


def _replay(one: KnownReplay) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in ReplayOut.model_fields}
    return shown | {name: _moment(shown[name]) for name in ("since", "created_at", "finished_at")}
