"""Security of the pages: what a browser may load, who may post, and that nothing is kept on the way."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.console.asking import desk_of
from app.domain.refusals import Forbidden

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types propriety"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class CrossSite(Forbidden):
    code = "cross_site"
    title = "This came from another site"


class Headers:
    """Gives every answer the headers of a page, where the answer does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def require_same_site(request: Request) -> None:
    """Raises CrossSite for a change that another site's page asked for.

    Browsers say in Sec-Fetch-Site where a request comes from; old ones say at least the Origin of a post. No token
    stands in any form.
    """
    if request.method in _SAFE_METHODS:
        return
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        if said not in ("same-origin", "none"):
            raise CrossSite("This was sent from another site, so nothing was done")
        return
    settings = desk_of(request).settings
    own = settings.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("origin") != own:
        raise CrossSite("It cannot be told that this was sent from our own pages, so nothing was done")
