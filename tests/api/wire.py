"""Requests as bytes: what a polite client library would refuse to send, and answers as they came."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

NOTHING: Any = object()
JSON = "application/json"
PROBLEM = "application/problem+json"

_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `body` is a value to be written as JSON, or the very bytes; `path` holds {names} for `ids`."""

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    body: Any = NOTHING

    def but(self, **changes: Any) -> Ask:
        """The same with something different; headers are added to those that are there."""
        if "headers" in changes:
            changes["headers"] = {**self.headers, **changes["headers"]}
        return replace(self, **changes)

    @property
    def target(self) -> str:
        """The path with its ids and its query, escaped."""
        path = self.path
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", quote(value, safe="", errors="surrogatepass"))
        return path + ("?" + urlencode(self.query, errors="surrogatepass") if self.query else "")

    @property
    def payload(self) -> bytes | None:
        """The bytes of the body."""
        if self.body is NOTHING or isinstance(self.body, bytes):
            return None if self.body is NOTHING else self.body
        return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self) -> Any:
        """The body as a value; there is no body of ours that is anything else."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code; empty where it is none."""
        return str(self.json().get("code", "")) if self.kind == PROBLEM else ""


class Wire:
    """One connection to a server, kept open from request to request."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_PATIENCE_S)
        self._headers = dict(headers or {})

    def __call__(self, ask: Ask) -> Reply:
        """Sends and waits. A connection that was closed in between is opened anew, once."""
        try:
            return self._asked(ask)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._line.close()
            return self._asked(ask)
        except OSError:  # nobody there: the next request begins anew
            self._line.close()
            raise

    def _asked(self, ask: Ask) -> Reply:
        body = ask.payload
        said = {**self._headers, **ask.headers}
        if body is not None and not any(name.lower() == "content-type" for name in said):
            said["Content-Type"] = JSON
        own_host = any(name.lower() == "host" for name in said)
        self._line.putrequest(ask.method, ask.target, skip_host=own_host, skip_accept_encoding=True)
        for name, value in said.items():
            self._line.putheader(name, value)
        if body is not None and not any(name.lower() == "transfer-encoding" for name in said):
            self._line.putheader("Content-Length", str(len(body)))
        self._line.endheaders()
        if body is not None:
            # A server that has seen enough answers and hangs up; its answer is still there to be read.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._line.send(_chunked(body) if "Transfer-Encoding" in said else body)
        return self._answered()

    def _answered(self) -> Reply:
        answer = self._line.getresponse()
        body = answer.read()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def close(self) -> None:
        self._line.close()


def _chunked(body: bytes, size: int = 65_536) -> Iterable[bytes]:
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
