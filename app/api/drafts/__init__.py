"""Drafts over HTTP: entries that are proposed; their owners complete, confirm or dismiss them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from app.api import problems
from app.api.asking import ActingAs, AskedBy, answer
from app.api.drafts.reading import ProposedEntryIn, completion, proposed
from app.api.drafts.writing import DraftOut, SeenDraftOut, draft_out, seen_out
from app.api.entries.writing import EntryOut, entry_out
from app.api.fields import Cursor, Day, Identifier, In, Limit, LongText, Text
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import below
from app.api.requests import StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Principal
from app.services import drafts
from app.services.desk import Connection, Desk
from app.services.drafts import DraftFilter, KnownDraft, Proposal
from app.services.entries import Recorded

router = APIRouter(prefix="/v1", tags=["drafts"], route_class=StrictRoute)
DraftId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
State = Literal["open", "confirmed", "dismissed", "withdrawn"]
About = Literal["meeting", "expense", "entry"]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": problems.Problem} for status in (403, 404, 409, 412, 422, 428)
}


class SourceIn(In):
    """Which thing of which system a draft is about; about one thing there is one draft."""

    system: Identifier
    id: Text


class DraftIn(In):
    """A proposed entry. Without `owner` it is your own; systems and officers may speak for others and for a source."""

    owner: Text | None = None
    about: About = "entry"
    label: Text | None = Field(None, description="what it is called where it comes from")
    source: SourceIn | None = None
    entry: ProposedEntryIn


class CompletionIn(In):
    """What is known by now. Each field in `set` replaces that field of the proposed entry as a whole."""

    set: dict[str, Any] = Field(min_length=1, description="fields as in POST /v1/entries; null for not known")


class ConfirmationIn(In):
    """That it was so; `set` fills in what is still missing."""

    set: dict[str, Any] = Field({}, description="fields as in POST /v1/entries")


class DismissalIn(In):
    """Why there is nothing to record."""

    reason: LongText


@router.post("/drafts", status_code=201, response_model=DraftOut, responses=_REFUSALS)
def create_draft(body: DraftIn, acting: ActingAs) -> Response:
    """Propose an entry. A second proposal about the same thing of the same source brings the first up to date."""
    entry = proposed(body.entry)

    def create(connection: Connection, principal: Principal) -> KnownDraft:
        source = body.source
        proposal = Proposal(
            owner=body.owner or principal.person,
            entry=entry,
            about=body.about,
            label=body.label or "",
            source=source.system if source else None,
            external_id=source.id if source else None,
        )
        return drafts.create(connection, acting.desk, principal, proposal)

    one = acting.write(create)
    headers = etag(one.version) | {"Location": f"/v1/drafts/{one.id}"}
    return answer(_draft(acting.desk, one), 201, headers)


@router.get("/drafts", response_model=ListOut[DraftOut])
def list_drafts(
    by: AskedBy,
    owner: Text | None = None,
    state: State | None = None,
    about: About | None = None,
    source: Identifier | None = None,
    external_id: Text | None = None,
    occurred_from: Annotated[Day | None, Query(alias="occurred_on[gte]")] = None,
    occurred_to: Annotated[Day | None, Query(alias="occurred_on[lte]")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """Drafts, newest first. Whoever may not read all sees their own."""
    wanted = DraftFilter(owner, state, source, external_id, about, occurred_from, occurred_to)
    question = fingerprint("drafts", by.principal.id, wanted)
    after = read_cursor(cursor, question, str)
    found = drafts.listed(by.connection, by.principal, wanted, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": _drafts(by.desk, shown), "page": where})


@router.get("/drafts/{draft_id}", response_model=SeenDraftOut, responses={404: {"model": problems.Problem}})
def get_draft(draft_id: DraftId, by: AskedBy) -> Response:
    """One draft: who its people are or may be, what is left for them, and what confirming it would answer."""
    one = drafts.get(by.connection, by.principal, draft_id)
    seen = drafts.seen(by.connection, by.desk, by.principal, one)
    return answer(_draft(by.desk, one) | seen_out(seen), headers=etag(one.version))


@router.patch("/drafts/{draft_id}", response_model=DraftOut, responses=_REFUSALS)
def change_draft(draft_id: DraftId, body: CompletionIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Fill in or correct a draft. What a person filled in stays, whatever the source says later."""
    change = completion(body.set)

    def complete(connection: Connection, principal: Principal) -> KnownDraft:
        with below("/set"):
            return drafts.complete(connection, acting.desk, principal, draft_id, version=version, completion=change)

    one = acting.write(complete)
    return answer(_draft(acting.desk, one), headers=etag(one.version))


@router.post("/drafts/{draft_id}/confirmation", status_code=201, response_model=EntryOut, responses=_REFUSALS)
def create_draft_confirmation(
    draft_id: DraftId, body: ConfirmationIn, version: MeantVersion, acting: ActingAs
) -> Response:
    """Record the entry that a draft proposes. Repeated with the same If-Match, it answers the same entry again."""
    change = completion(body.set)

    def confirm(connection: Connection, principal: Principal) -> tuple[KnownDraft, Recorded, bool]:
        with below("/set"):
            return drafts.confirm(connection, acting.desk, principal, draft_id, version=version, completion=change)

    _, entry, repeated = acting.write(confirm)
    headers = etag(entry.version) | {"Location": f"/v1/entries/{entry.entry.id}"}
    headers |= {"Idempotency-Replayed": "true"} if repeated else {}
    return answer(entry_out(entry, fresh=not repeated), 201, headers)


@router.post("/drafts/{draft_id}/dismissal", status_code=201, response_model=DraftOut, responses=_REFUSALS)
def create_draft_dismissal(draft_id: DraftId, body: DismissalIn, version: MeantVersion, acting: ActingAs) -> Response:
    """Close a draft without an entry. Officers see what was dismissed, by whom and why."""
    one = acting.write(
        lambda connection, principal: drafts.dismiss(
            connection, acting.desk, principal, draft_id, version=version, reason=body.reason
        )
    )
    return answer(_draft(acting.desk, one), 201, etag(one.version))


def _draft(desk: Desk, one: KnownDraft) -> dict[str, Any]:
    closed_on = desk.day_of(one.closed_at) if one.closed_at else None
    return draft_out(one, desk.today(), closed_on, desk.day_of(one.proposed_at))


def _drafts(desk: Desk, found: Sequence[KnownDraft]) -> list[dict[str, Any]]:
    return [_draft(desk, one) for one in found]
