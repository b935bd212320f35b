"""Imports over HTTP: hand in a file, see what it would do, apply it, and fetch the result."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from pathlib import Path as FilePath
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api import problems
from app.api.asking import Acting, ActingAs, AskedBy, answer
from app.api.entries import IdempotencyKey, IdempotencyKeyRequired, read_key
from app.api.fields import Cursor, Limit, Text
from app.api.imports.writing import ImportOut, LineOut, ProfileOut, import_out, line_out, profile_out
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.requests import BodyTooLarge, StrictRoute
from app.api.versions import MeantVersion, etag
from app.domain.access import Permission, Principal
from app.domain.refusals import WrongMediaType
from app.services import access, imports
from app.services.desk import Connection
from app.services.imports import Handed, Importer, KnownImport

router = APIRouter(prefix="/v1", tags=["imports"], route_class=StrictRoute)
ImportId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]
Purpose = Literal["entries", "drafts", "expenses"]
State = Literal["checking", "checked", "applying", "applied", "cancelled", "failed"]
Outcome = Literal["new", "unchanged", "changed", "refused", "skipped"]
TYPES = (
    "text/csv",
    "text/plain",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/x-ndjson",
    "application/jsonl",
    "application/zip",
    "application/octet-stream",
)
_BODY = {"required": True, "content": {one: {"schema": {"type": "string", "format": "binary"}} for one in TYPES}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": problems.Problem} for status in (400, 403, 404, 409, 413, 415, 422)
}
_DECIDED: dict[int | str, dict[str, Any]] = {
    status: {"model": problems.Problem} for status in (403, 404, 409, 412, 428)
}


class FileExpected(WrongMediaType):
    code = "file_expected"


@router.post(
    "/imports",
    status_code=202,
    response_model=ImportOut,
    responses=_REFUSALS,
    openapi_extra={"requestBody": _BODY},
)
async def create_import(
    request: Request,
    acting: ActingAs,
    profile: Annotated[str, Query(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="the mapping profile")] = "generic",
    purpose: Annotated[Purpose, Query(description="what its lines become")] = "entries",
    file_name: Annotated[Text | None, Query(description="what the file is called")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hand in a file of expenses: CSV, XLSX, JSON Lines, or a zip of two CSV files, as the body. Nothing is recorded.

    The answer has the import, whose dry run begins at once; follow its operation, read its lines, then apply it. Needs
    an Idempotency-Key: a repetition answers the same import again. Whoever may not submit for others imports their own.
    """
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    await asyncio.to_thread(acting.require, Permission.SUBMIT)
    if kind not in TYPES:
        raise FileExpected(f"Send the file as one of: {', '.join(TYPES)}")
    key = read_key(idempotency_key)
    if key is None:
        raise IdempotencyKeyRequired("Send an Idempotency-Key, so that a repeated file is not read twice")
    mapping = imports.profile(acting.desk.settings.import_profiles, profile)
    with tempfile.NamedTemporaryFile(prefix="propriety-import-") as file:
        size, digest = await _saved(request, file, acting.desk.settings.import_limit_bytes)
        asked = [digest, mapping.name, str(mapping.version), purpose]
        print_ = hashlib.sha256("\n".join(asked).encode()).hexdigest()
        handed = Handed(FilePath(file.name), file_name or "", size, digest, mapping, purpose, key, print_)
        one, before = await asyncio.to_thread(_received, acting, handed)
    if one.state == "checking":
        importer: Importer = request.app.state.importer
        importer.wake()
    headers = etag(one.version) | {"Location": f"/v1/imports/{one.id}", "Retry-After": "1"}
    headers |= {"Idempotency-Replayed": "true"} if before else {}
    return answer(import_out(one), 202, headers)


async def _saved(request: Request, file: IO[bytes], limit: int) -> tuple[int, str]:
    """Puts the body down on disk: its size and SHA-256. Raises BodyTooLarge before more than the limit is held."""
    size, digest = 0, hashlib.sha256()
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"A file may have {limit} bytes")
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    return size, digest.hexdigest()


def _received(acting: Acting, handed: Handed) -> tuple[KnownImport, bool]:
    with acting.desk.database.reading() as connection:
        principal = access.require(connection, acting.desk, acting.credentials)
    return imports.receive(acting.desk, principal, handed)


@router.get("/imports", response_model=ListOut[ImportOut])
def list_imports(by: AskedBy, state: State | None = None, limit: Limit = 50, cursor: Cursor | None = None) -> Response:
    """Imports, newest first. Whoever may not read all sees their own."""
    question = fingerprint("imports", by.principal.id, state)
    after = read_cursor(cursor, question, str)
    found = imports.listed(by.connection, by.principal, state=state, after=after[0] if after else None, limit=limit + 1)
    shown, where = page(found, limit, question, lambda one: (one.id,))
    return answer({"data": [import_out(one) for one in shown], "page": where})


@router.get("/imports/{import_id}", response_model=ImportOut, responses={404: {"model": problems.Problem}})
def get_import(import_id: ImportId, by: AskedBy) -> Response:
    """How an import stands."""
    one = imports.get(by.connection, by.principal, import_id)
    waiting = {"Retry-After": "1"} if one.state in ("checking", "applying") else {}
    return answer(import_out(one), headers=etag(one.version) | waiting)


@router.get("/imports/{import_id}/lines", response_model=ListOut[LineOut], responses={404: {"model": problems.Problem}})
def list_import_lines(
    import_id: ImportId,
    by: AskedBy,
    outcome: Annotated[Outcome | None, Query(description="what they came to, or would")] = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """The lines of an import in the order of its file."""
    question = fingerprint("import lines", by.principal.id, import_id, outcome)
    after = read_cursor(cursor, question, int)
    found = imports.lines(
        by.connection, by.principal, import_id, outcome=outcome, after=after[0] if after else 0, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.position,))
    return answer({"data": [line_out(one) for one in shown], "page": where})


@router.get(
    "/imports/{import_id}/result",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, 404: {"model": problems.Problem}},
)
def get_import_result(import_id: ImportId, by: AskedBy) -> Response:
    """What every line came to, or would come to, as a CSV file."""
    one = imports.get(by.connection, by.principal, import_id)
    headers = {"Content-Disposition": f'attachment; filename="{one.id}.csv"'}
    return StreamingResponse(
        imports.result(by.desk.database, one.id), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.post("/imports/{import_id}/application", status_code=202, response_model=ImportOut, responses=_DECIDED)
def create_import_application(
    import_id: ImportId, version: MeantVersion, acting: ActingAs, request: Request
) -> Response:
    """Carry out a checked import in your name, or go on with one that failed. Refused lines leave the others alone."""

    def apply(connection: Connection, principal: Principal) -> KnownImport:
        return imports.apply(connection, acting.desk, principal, import_id, version=version)

    one = acting.write(apply)
    importer: Importer = request.app.state.importer
    importer.wake()
    headers = etag(one.version) | {"Location": f"/v1/operations/{one.operation_id}", "Retry-After": "1"}
    return answer(import_out(one), 202, headers)


@router.post("/imports/{import_id}/cancellation", status_code=201, response_model=ImportOut, responses=_DECIDED)
def create_import_cancellation(import_id: ImportId, version: MeantVersion, acting: ActingAs) -> Response:
    """Leave an import where it is. What was applied of it stays; each of its entries can be withdrawn."""

    def cancel(connection: Connection, principal: Principal) -> KnownImport:
        return imports.cancel(connection, acting.desk, principal, import_id, version=version)

    one = acting.write(cancel)
    return answer(import_out(one), 201, etag(one.version))


@router.get("/import-profiles", response_model=dict[str, list[ProfileOut]])
def list_import_profiles(by: AskedBy) -> Response:
    """The mapping profiles by which files are read: those that ship, and the firm's own."""
    by.principal.require(Permission.SUBMIT)
    found = imports.profiles(by.desk.settings.import_profiles)
    return answer({"data": [profile_out(found[name]) for name in sorted(found)]})
