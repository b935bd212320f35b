"""The console as one application of its own, mounted beside the API, with error pages instead of problem documents."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.console import (
    audit,
    drafts,
    exports,
    failures,
    keys,
    policies,
    preferences,
    questions,
    queues,
    recipients,
    reports,
    sessions,
    static_files,
    users,
    violations,
    webhooks,
)
from app.console.entries import reading as entries_read
from app.console.entries import writing as entries_written
from app.console.security import Headers

_ROUTERS = (
    static_files,
    sessions,
    preferences,
    queues,
    violations,
    entries_written,
    entries_read,
    questions,
    drafts,
    recipients,
    policies,
    audit,
    exports,
    reports,
    users,
    keys,
    webhooks,
)


class Doorway:
    """Leads whoever comes to the bare address with a browser to the pages; all else goes on as it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] in ("/", "/console"):
            await RedirectResponse("/console/home", 303)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def create() -> FastAPI:
    """The pages. Whoever mounts them under /console puts the process's desk and writer into their state."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    failures.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)

    @app.get("/")
    def enter() -> RedirectResponse:
        """Where everybody begins is said by their role."""
        return RedirectResponse("/console/home", 303)

    app.add_middleware(Headers)
    return app
