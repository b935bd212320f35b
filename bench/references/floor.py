"""The floor: a FastAPI endpoint that takes the body of POST /v1/entries, checks it as strictly, and keeps nothing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import orjson
import uvicorn
from fastapi import APIRouter, FastAPI, Response

from app.api.entries.reading import EntryIn
from app.api.requests import StrictRoute
from app.settings import Settings

router = APIRouter(route_class=StrictRoute)


@router.post("/v1/entries", status_code=201)
async def create_entry(body: EntryIn) -> Response:
    """What a service costs that does nothing."""
    answer = {"kind": body.kind, "total": body.total.amount, "recipients": len(body.recipients)}
    return Response(orjson.dumps(answer), 201, media_type="application/json")


def main() -> None:
    """Serves on the port that is the one argument."""
    app = FastAPI()
    app.state.desk = SimpleNamespace(settings=Settings())
    app.include_router(router)
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
