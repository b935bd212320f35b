"""Webhooks that come in: raw bytes, read once, proved by the connection's secret, kept, and answered as its kind wants.

Whatever is not proved is answered alike: an unknown connection, a wrong, a stale or a missing signature.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app.api.asking import answer, desk_of
from app.api.problems import Problem, respond
from app.api.requests import BodyTooLarge, StrictRoute
from app.domain.connections import ACK, Presented, Provider
from app.domain.refusals import Refusal
from app.services import connections
from app.services.connections import Taken

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=StrictRoute)
_ID = Path(description="the connection's id, as in the URL that it was given")
_ACCEPTED = {Provider.SALESFORCE_FLOW, Provider.STANDARD_WEBHOOKS, Provider.CLOUDEVENTS}
_REFUSED: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 413, 415, 503)}


class TakenOut(BaseModel):
    """How many messages of a delivery are new, and how many had come before."""

    received: int
    copies: int


_TAKEN: dict[int | str, dict[str, Any]] = {202: {"model": TakenOut, "description": "Kept, and processed afterwards"}}


class WelcomeOut(BaseModel):
    """Who may send."""

    origin: str | None


@router.post("/webhooks/{connection_id}", response_model=TakenOut, responses=_REFUSED | _TAKEN)
async def receive_webhook(
    connection_id: Annotated[str, _ID],
    request: Request,
    code: Annotated[str | None, Query(description="the WebhookKey of Dataverse, where no header is used")] = None,
) -> Response:
    """What a connected system sends. How it is signed, and what it says, is in docs/connections/."""
    return await _received(request, connection_id, code=code or "")


@router.post(
    "/webhooks/{connection_id}/{secret}",
    response_class=Response,
    responses=_REFUSED | {200: {"description": "The Ack", "content": {"text/xml": {"schema": {"type": "string"}}}}},
)
async def receive_outbound_message(
    connection_id: Annotated[str, _ID],
    secret: Annotated[str, Path(description="the connection's secret")],
    request: Request,
) -> Response:
    """An Outbound Message of Salesforce, which is not signed: its secret stands in the URL. Answered with an Ack."""
    return await _received(request, connection_id, path_secret=secret)


@router.options("/webhooks/{connection_id}", response_model=WelcomeOut, responses={401: {"model": Problem}})
async def greet_webhook(connection_id: Annotated[str, _ID], request: Request) -> Response:
    """The handshake of CloudEvents: whoever asks to send to a connection of that kind is welcome, with its secret."""
    origin = request.headers.get("webhook-request-origin", "")
    await run_in_threadpool(connections.greet, desk_of(request), connection_id)
    allowed = {"Allow": "OPTIONS, POST", "WebHook-Allowed-Rate": "*"}
    named = {"WebHook-Allowed-Origin": origin} if origin else {}
    return answer({"origin": origin or None}, headers=allowed | named)


async def _received(request: Request, connection_id: str, *, path_secret: str = "", code: str = "") -> Response:
    desk, url = desk_of(request), f"/v1/webhooks/{connection_id}"
    try:
        body = await _read(request, desk.settings.body_limit_bytes)
        presented = Presented(request.method, url, _headers(request), body, path_secret, code)
        return _answered(await run_in_threadpool(connections.receive, desk, connection_id, presented))
    except Refusal as refusal:
        # Whatever is answered names the path without the secret that may stand in it.
        return respond(refusal, url)


async def _read(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"The body may have {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _headers(request: Request) -> dict[str, str]:
    """Each header with its one value; one that stands twice has both, which proves nothing."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _answered(taken: Taken) -> Response:
    if taken.provider is Provider.SALESFORCE:
        return Response(ACK, media_type="text/xml")
    body = {"received": taken.received, "copies": taken.copies}
    return answer(body, 202 if taken.provider in _ACCEPTED else 200)
