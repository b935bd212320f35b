"""Health over HTTP: alive, and ready to record."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.asking import answer, desk_of
from app.api.requests import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


@router.get("/health/live")
async def get_liveness() -> Response:
    """The process answers."""
    return answer({"status": "alive"})


@router.get("/health/ready")
def get_readiness(request: Request) -> Response:
    """The database answers too; 503 otherwise."""
    desk = desk_of(request)
    desk.database.ping()
    return answer({"status": "ready"})
