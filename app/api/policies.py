"""Policies over HTTP: drafts, publication by a second person, and what is in force on a day."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.asking import Acting, ActingAs, AskedBy, answer
from app.api.fields import Cursor, Day, In, Limit, Text
from app.api.knowing import KnownAt
from app.api.operations import AskedBeside, OperationOut, accepted
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.access import Permission, Principal
from app.domain.audit import iso
from app.domain.money import format_minor
from app.domain.policies import PolicyBook
from app.services import policies, publications
from app.services.desk import Connection
from app.services.operations import Operations
from app.services.policies import KnownPolicy
from app.services.publications import KeptChange, Publication

router = APIRouter(prefix="/v1", tags=["policies"], route_class=StrictRoute)
PolicyId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]


class PolicyIn(In):
    """A draft of the firm's policy: rules and settings."""

    name: Text | None = None
    description: Text | None = None
    rules: list[dict[str, Any]] = Field(min_length=1, max_length=200)
    settings: dict[str, Any] = Field(default_factory=dict)


class PublicationIn(In):
    """From which day a draft is in force. It may lie in the past: everything it touches is judged anew."""

    effective_from: Day


class PolicyOut(BaseModel):
    """A version of the firm's policy. Published versions never change."""

    id: str
    version: int
    name: str
    state: str
    effective_from: date | None
    drafted_by: str
    drafted_at: datetime
    published_by: str | None
    published_at: datetime | None
    reassessed: ReassessmentOut | None
    rules: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None


class ViolatingOut(BaseModel):
    """What counts, in one currency or as a count, in those results that violate, before and after."""

    unit: str
    before: str
    after: str


class ReassessmentOut(BaseModel):
    """How many results a publication changed, for how many people, how many violations it moved, and how much money.

    Opened are those that were reopened, too; changed are those that stay and say something else.
    """

    new: int
    changed: int
    withdrawn: int
    violations_opened: int
    violations_changed: int = 0
    violations_withdrawn: int
    people: int
    violating: list[ViolatingOut] = []


class ChangeOut(BaseModel):
    """One result that a publication changed; amounts as decimal strings, null where there was or is no result."""

    entry_id: str
    rule_id: str
    shown: str
    before: dict[str, str | None] | None
    after: dict[str, str | None] | None


class PublicationOut(BaseModel):
    """The published version and what it changed."""

    policy: PolicyOut
    reassessed: ReassessmentOut


@router.post("/policies", status_code=201, response_model=PolicyOut, responses={422: {"model": Problem}})
def create_policy(body: PolicyIn, acting: ActingAs) -> Response:
    """Draft a version; it is in force nowhere until a second person publishes it."""
    document = {"name": body.name, "rules": body.rules, "settings": body.settings}

    def draft(connection: Connection, principal: Principal) -> KnownPolicy:
        principal.require(Permission.WRITE_POLICIES)
        said = {key: value for key, value in document.items() if value is not None}
        return policies.draft(connection, acting.desk, said, name=body.name, by=principal.person)

    policy = acting.write(draft)
    return answer(_whole(policy), 201, {"Location": f"/v1/policies/{policy.id}"})


@router.post(
    "/policies/{policy_id}/publication",
    status_code=201,
    response_model=PublicationOut,
    responses={202: {"model": OperationOut}, 403: {"model": Problem}, 409: {"model": Problem}},
)
def publish_policy(
    policy_id: PolicyId,
    body: PublicationIn,
    acting: ActingAs,
    request: Request,
    beside: AskedBeside,
) -> Response:
    """Put a draft in force from a day on; all it touches is judged anew. Whoever drafted it cannot publish it."""
    if beside:
        return _publish_beside(policy_id, body, acting, request)

    def publish(connection: Connection, principal: Principal) -> Publication:
        principal.require(Permission.WRITE_POLICIES)
        return publications.publish(
            connection, acting.desk, policy_id, effective_from=body.effective_from, by=principal.person
        )

    done = acting.write(publish)
    return answer(_published(done), 201)


def _published(done: Publication) -> dict[str, Any]:
    return {"policy": _whole(done.policy), "reassessed": done.summary()}


def _publish_beside(policy_id: str, body: PublicationIn, acting: Acting, request: Request) -> Response:
    """Starts the publication beside the requests. What would refuse it at once, refuses it here."""

    def check(connection: Connection, principal: Principal) -> str:
        principal.require(Permission.WRITE_POLICIES)
        policies.require_publishable(connection, policy_id, by=principal.person)
        return principal.person

    by = acting.write(check)
    running: Operations = request.app.state.operations
    operation = running.start(
        "policy_publication",
        lambda connection, progress: _published(
            publications.publish(
                connection, acting.desk, policy_id, effective_from=body.effective_from, by=by, progress=progress
            )
        ),
        by=by,
    )
    return accepted(operation)


@router.get("/policies/{policy_id}/changes", response_model=ListOut[ChangeOut], responses={404: {"model": Problem}})
def list_policy_changes(policy_id: PolicyId, by: AskedBy, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """What a publication changed, result by result."""
    by.principal.require(Permission.READ_ALL)
    policies.get(by.connection, policy_id)
    question = fingerprint("changes", policy_id)
    after = read_cursor(cursor, question, str, str, str)
    found = publications.changes_of(by.connection, policy_id, after=after, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.entry_id, one.rule_id, one.shown))
    book = policies.current(by.connection, by.desk)
    return answer({"data": [_change(book, one) for one in shown], "page": where})


def _change(book: PolicyBook, one: KeptChange) -> dict[str, Any]:
    return {
        "entry_id": one.entry_id,
        "rule_id": one.rule_id,
        "shown": one.shown,
        "before": _figures(book, one.rule_id, one.before),
        "after": _figures(book, one.rule_id, one.after),
    }


def _figures(book: PolicyBook, rule_id: str, kept: str | None) -> dict[str, str | None] | None:
    """What a result came to, in the decimals of the version that gave it."""
    if kept is None:
        return None
    answered = json.loads(kept)
    digits = book.by_id[answered["policy"]].by_id[rule_id].exponent
    amounts = {name: format_minor(answered[name], digits) for name in ("counted", "aggregate", "limit")}
    return amounts | {"outcome": answered["outcome"], "exclusion": answered["exclusion"]}


@router.get("/policies/in-force", response_model=PolicyOut, responses={404: {"model": Problem}})
def get_policy_in_force(
    by: AskedBy, at: KnownAt, on: Annotated[Day | None, Query(description="default: today")] = None
) -> Response:
    """The version in force on a day."""
    by.principal.require(Permission.READ_POLICIES)
    return answer(_whole(policies.in_force(by.connection, by.desk, on or by.desk.today(), at)))


@router.get("/policies/{policy_id}", response_model=PolicyOut, responses={404: {"model": Problem}})
def get_policy(policy_id: PolicyId, by: AskedBy) -> Response:
    """One version, whole."""
    by.principal.require(Permission.READ_POLICIES)
    return answer(_whole(policies.get(by.connection, policy_id)))


@router.get("/policies", response_model=ListOut[PolicyOut])
def list_policies(
    by: AskedBy,
    state: Annotated[str | None, Query(pattern="^(draft|published)$")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Versions, newest first, without their rules."""
    by.principal.require(Permission.READ_POLICIES)
    question = fingerprint("policies", state)
    after = read_cursor(cursor, question, int)
    found = policies.listed(by.connection, state=state, before=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.version,))
    return answer({"data": [_policy(one) for one in shown], "page": where})


def _policy(policy: KnownPolicy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "version": policy.version,
        "name": policy.name,
        "state": policy.state,
        "effective_from": policy.effective_from.isoformat() if policy.effective_from else None,
        "drafted_by": policy.drafted_by,
        "drafted_at": iso(policy.drafted_at),
        "published_by": policy.published_by,
        "published_at": iso(policy.published_at) if policy.published_at else None,
        "reassessed": json.loads(policy.changes) if policy.changes else None,
    }


def _whole(policy: KnownPolicy) -> dict[str, Any]:
    document = json.loads(policy.document)
    return _policy(policy) | {"rules": document["rules"], "settings": document["settings"]}
