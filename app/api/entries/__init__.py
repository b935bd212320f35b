"""Entries over HTTP: record one, record many, ask beforehand, read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api import problems
from app.api.asking import Asked, AskedBy, answer, credentials_without_waiting, desk_of
from app.api.entries.files import entries_file
from app.api.entries.reading import EntryIn, draft_of, read_item
from app.api.entries.writing import EntryOut, entry_out
from app.api.fields import Cursor, Day, In, Limit, Text
from app.api.knowing import KnownAt
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.requests import StrictRoute
from app.api.sheets import FILES, AskedFormat, Format, streamed
from app.domain.access import Principal
from app.domain.entries import Direction, Kind, Standing
from app.domain.refusals import Malformed, Refusal
from app.services import entries
from app.services.desk import Connection
from app.services.entries import EntryFilter, Outcome, Recorded, Submission
from app.services.exports import every
from app.services.writer import Writer

router = APIRouter(prefix="/v1", tags=["entries"], route_class=StrictRoute)
_KEY = re.compile(r'"([\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})', re.ASCII)
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="1 to 255 visible characters, quoted or not")
]
EntryId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class BadIdempotencyKey(Malformed):
    code = "bad_idempotency_key"
    title = "The idempotency key cannot be read"


class IdempotencyKeyRequired(Malformed):
    code = "idempotency_key_required"
    title = "An idempotency key is required here"


class BatchTooLarge(Malformed):
    code = "batch_too_large"
    title = "Too many entries in one batch"


class BatchIn(In):
    """Up to 500 entries, each recorded or refused by itself."""

    entries: list[dict[str, Any]] = Field(min_length=1, max_length=500)


class ItemOut(BaseModel):
    """What became of one item: 201 with the entry, or its refusal."""

    index: int
    status: int
    entry: EntryOut | None = None
    problem: problems.Problem | None = None


class BatchOut(BaseModel):
    """What became of every item, in the order of the request."""

    recorded: int
    refused: int
    results: list[ItemOut]


@router.post("/entries", status_code=201, response_model=EntryOut, responses={422: {"model": problems.Problem}})
async def create_entry(body: EntryIn, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Record an entry: judged under every rule before the answer, which leaves after the commit.

    The answer has the entry, one assessment per rule and recipient, what changed for other entries (`reassessed`), and
    the violations that were opened, changed or withdrawn.
    """
    return await _submit(request, "POST /v1/entries", [body], _one, idempotency_key)


@router.post("/entries/batch", response_model=BatchOut, responses={400: {"model": problems.Problem}})
async def create_entries(body: BatchIn, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Record up to 500 entries together; a refused one leaves its neighbours alone. Needs an Idempotency-Key."""
    if idempotency_key is None:
        raise IdempotencyKeyRequired("Send an Idempotency-Key, so that a repeated batch records nothing twice")
    most = desk_of(request).settings.batch_limit
    if len(body.entries) > most:
        raise BatchTooLarge(f"At most {most} entries in one batch")
    return await _submit(request, "POST /v1/entries/batch", body.entries, _many, idempotency_key)


async def _submit(
    request: Request, route: str, items: Sequence[EntryIn | dict[str, Any]], render: entries.Render, key: str | None
) -> Response:
    parsed = await request.json()
    submission = Submission(
        credentials=await credentials_without_waiting(request),
        route=route,
        items=[_item(item) for item in items],
        render=render,
        key=read_key(key),
        fingerprint=hashlib.sha256(orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)).hexdigest() if key else "",
    )
    writer: Writer = request.app.state.writer
    status, text, replayed = await writer.submit(submission)
    return Response(text, status, {"Idempotency-Replayed": "true"} if replayed else None, "application/json")


def _item(item: EntryIn | dict[str, Any]) -> entries.Item:
    if isinstance(item, dict):
        return read_item(item, "")
    return draft_of(item, "")


def read_key(header: str | None) -> str | None:
    """The idempotency key of a request. Raises BadIdempotencyKey."""
    if header is None:
        return None
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise BadIdempotencyKey("An Idempotency-Key has 1 to 255 visible characters")
    return found[1] or found[2]


def _one(principal: Principal, outcomes: Sequence[Outcome]) -> tuple[int, str]:
    [outcome] = outcomes
    if isinstance(outcome, Refusal):
        return outcome.status, ""
    return 201, orjson.dumps(entry_out(outcome, fresh=True)).decode()


def _many(principal: Principal, outcomes: Sequence[Outcome]) -> tuple[int, str]:
    recorded = sum(isinstance(outcome, Recorded) for outcome in outcomes)
    results = [_result(place, outcome) for place, outcome in enumerate(outcomes)]
    body = {"recorded": recorded, "refused": len(outcomes) - recorded, "results": results}
    return 200, orjson.dumps(body).decode()


def _result(place: int, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        return {"index": place, "status": outcome.status, "problem": problems.document(outcome)}
    return {"index": place, "status": 201, "entry": entry_out(outcome, fresh=True)}


@router.post("/assessments", response_model=EntryOut, responses={422: {"model": problems.Problem}})
def create_assessment(body: EntryIn, by: AskedBy) -> Response:
    """May I? The same answer that recording would give at this moment, and nothing is written. Dates may lie ahead."""
    draft = draft_of(body, by.principal.person)
    return answer(entry_out(entries.assess(by.connection, by.desk, by.principal, draft), fresh=True))


@router.get("/entries/{entry_id}", response_model=EntryOut, responses={404: {"model": problems.Problem}})
def get_entry(entry_id: EntryId, by: AskedBy, at: KnownAt) -> Response:
    """One entry with its assessments and violations, as it stands or as it was known."""
    one = entries.get(by.connection, by.desk, by.principal, entry_id, at=at)
    return answer(entry_out(one, fresh=False), headers={"ETag": f'"v{one.version}"'})


@router.get("/entries", response_model=ListOut[EntryOut], responses=FILES)
def list_entries(
    request: Request,
    by: AskedBy,
    at: KnownAt,
    form: AskedFormat,
    occurred_from: Annotated[Day | None, Query(alias="occurred_on[gte]")] = None,
    occurred_to: Annotated[Day | None, Query(alias="occurred_on[lte]")] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=5)] = None,
    direction: Direction | None = None,
    giver: Text | None = None,
    recipient_id: Text | None = None,
    employer_id: Text | None = None,
    standing: Standing | None = None,
    team_id: Annotated[Text | None, Query(description="a team and those beneath it, on its members' days")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Entries, newest event first; with `as_of`, newest record first.

    Whoever may not read all sees their own, a supervisor the team's too.


    As CSV, XLSX or JSON Lines it is a file with all pages.
    """
    wanted = EntryFilter(
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        kind=tuple(kind or ()),
        direction=direction,
        giver=giver,
        recipient_id=recipient_id,
        employer_id=employer_id,
        standing=standing,
        team_id=team_id,
    )
    found = _Found(by, wanted, at)
    question = fingerprint("entries", by.principal.id, wanted, at)
    after = read_cursor(cursor, question, *((date, str) if at is None else (str,)))
    if form is not Format.JSON:
        return streamed(request, form, "entries", lambda own: entries_file(found.every(own, after), form))
    shown, where = page(found.after(by.connection, after, limit + 1), limit, question, found.place)
    return answer({"data": [entry_out(one, fresh=False) for one in shown], "page": where})


class _Found:
    """The entries that somebody asks for, in their order: by event now, by record as of a moment."""

    def __init__(self, by: Asked, wanted: EntryFilter, at: int | None) -> None:
        self._by, self._wanted, self._at = by, wanted, at

    def after(self, connection: Connection, after: Any, limit: int) -> list[Recorded]:
        """So many after a place."""
        desk, principal, wanted = self._by.desk, self._by.principal, self._wanted
        if self._at is None:
            return entries.listed(connection, desk, principal, wanted, after=after, limit=limit)
        return entries.listed_as_of(connection, desk, principal, wanted, self._at, after=after, limit=limit)

    def place(self, one: Recorded) -> tuple[Any, ...]:
        """Where an entry stands."""
        return (one.entry.id,) if self._at is not None else (one.entry.occurred_on, one.entry.id)

    def every(self, connection: Connection, after: Any) -> Iterator[Recorded]:
        """All after a place."""
        return every(lambda place, limit: self.after(connection, place, limit), self.place, after)
