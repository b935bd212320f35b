"""Targets: what a name resolves to, checked, and calls that go to the checked address and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import httpx

from app.domain.subscriptions import Result
from app.domain.targets import Allowed, Target, TargetNotAllowed, read_target, why_not
from app.settings import Settings

# It writes down whole URLs, and the path of a webhook often opens something.
logging.getLogger("httpx").setLevel(logging.WARNING)

_READ_AT_MOST = 64 * 1024
_READ_FOR_S = 2
_CONNECT_IN_S = 5
_PIECE = 4096
# A pool of its own: the loop's would be waited for at the end of every call, however long a name server takes.
_LOOKING_UP = ThreadPoolExecutor(32, thread_name_prefix="look-up")
_WORDS = [
    (httpx.ConnectTimeout, "timeout"),
    (httpx.TimeoutException, "timeout"),
    (httpx.ConnectError, "connection_failed"),
    (httpx.NetworkError, "connection_lost"),
    (httpx.ProtocolError, "no_http"),
]


class NameNotFound(Exception):
    """A name has no address at this moment."""


def allowed_by(settings: Settings) -> Allowed:
    """What this installation allows."""
    hosts = tuple(host for one in settings.webhook_hosts.split(",") if (host := one.strip().lower()))
    return Allowed(settings.webhooks_allow_http, settings.webhooks_allow_loopback, hosts)


def require_target(url: str, allowed: Allowed) -> Target:
    """The target of a URL whose name, as far as it resolves now, leads outside. Raises TargetNotAllowed.

    A name without an address is taken: it may get one, and it is checked again at every call.
    """
    target = read_target(url, allowed)
    with suppress(NameNotFound):
        checked(resolve(target), allowed)
    return target


def resolve(target: Target) -> list[str]:
    """The addresses of a target at this moment, each once. Raises NameNotFound."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotFound(target.host) from error
    if not found:
        raise NameNotFound(target.host)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def checked(addresses: Sequence[str], allowed: Allowed) -> Sequence[str]:
    """The addresses, every one of them allowed: a name that leads inside with one of them is refused as a whole.

    Raises TargetNotAllowed.
    """
    for address in addresses:
        reason = why_not(address, allowed)
        if reason is not None:
            raise TargetNotAllowed(f"This name leads to an address that is {reason}")
    return addresses


class CheckedTransport(httpx.AsyncBaseTransport):
    """Looks a host up once, checks every address, and connects to those; Host and SNI stay the name's."""

    def __init__(self, allowed: Allowed, inner: httpx.AsyncBaseTransport) -> None:
        self._allowed, self._inner = allowed, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer from the first address that can be connected to. Raises TargetNotAllowed or NameNotFound."""
        target = read_target(str(request.url), self._allowed)
        looked_up = await asyncio.get_running_loop().run_in_executor(_LOOKING_UP, resolve, target)
        addresses = checked(looked_up, self._allowed)
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._inner.handle_async_request(_to(request, target, address))
        return await self._inner.handle_async_request(_to(request, target, addresses[-1]))

    async def aclose(self) -> None:
        """Lets go of the connections."""
        await self._inner.aclose()


def _to(request: httpx.Request, target: Target, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        content=request.content,
        extensions=request.extensions | {"sni_hostname": target.host},
    )


@dataclass
class Caller:
    """Posts to targets: no redirect, no proxy, one deadline for the whole, and little of the answer is read."""

    allowed: Allowed
    timeout_s: int
    certificates: ssl.SSLContext = field(default_factory=cache(httpx.create_ssl_context))

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Result, int]:
        """What came of it and how many milliseconds that took; it never raises."""
        started = time.monotonic_ns()
        result = asyncio.run(self._within_the_deadline(url, headers, body))
        return result, (time.monotonic_ns() - started) // 1_000_000

    async def _within_the_deadline(self, url: str, headers: Mapping[str, str], body: bytes) -> Result:
        said: list[Result] = []
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._post(url, headers, body, said)
        except TimeoutError:
            failed = Result(None, "timeout")
        except TargetNotAllowed:
            failed = Result(None, TargetNotAllowed.code)
        except NameNotFound:
            failed = Result(None, "name_not_found")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            failed = Result(None, _word(error))
        else:
            failed = Result(None, "no_http")
        return said[0] if said else failed

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, said: list[Result]) -> None:
        """Writes down what the receiver said as soon as it has: nothing that happens after its status changes that."""
        transport = CheckedTransport(self.allowed, self.connecting())
        patience = httpx.Timeout(self.timeout_s, connect=min(self.timeout_s, _CONNECT_IN_S))
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, timeout=patience) as client,
            client.stream("POST", url, headers=headers, content=body) as answer,
        ):
            said.append(Result(answer.status_code, None, _seconds(answer.headers.get("retry-after", ""))))
            await self._read_a_little(answer)

    async def _read_a_little(self, answer: httpx.Response) -> None:
        """Lets the receiver finish a short answer, so that it does not take us for somebody who hung up."""
        read = 0
        with suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_READ_FOR_S):
                async for piece in answer.aiter_raw(_PIECE):
                    read += len(piece)
                    if read >= _READ_AT_MOST:
                        break

    def connecting(self) -> httpx.AsyncBaseTransport:
        """What opens the connections; tests put something else here."""
        return httpx.AsyncHTTPTransport(verify=self.certificates, trust_env=False, retries=0)


def _word(error: Exception) -> str:
    causes = (error, error.__cause__, error.__context__)
    if any(isinstance(one, ssl.SSLError) or "CERTIFICATE" in str(one) for one in causes):
        return "tls_failed"
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "connection_failed")


def _seconds(text: str) -> int | None:
    """The seconds of a Retry-After; a date is not taken, since clocks differ."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
