"""The API of a connected system, played on this machine: records in the shapes of each, a token, and bad days."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class TheirApi:
    """Records by path; `statuses` are answered first, one by one, in place of what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.records: dict[str, Any] = {}
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.tokens: list[dict[str, list[str]]] = []

    @property
    def paths(self) -> list[str]:
        return [urlsplit(target).path for _, target, _ in self.asked]


@contextmanager
def their_api() -> Iterator[TheirApi]:
    """A running API until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append(("GET", self.path, {name.lower(): value for name, value in self.headers.items()}))
            record = api.records.get(urlsplit(self.path).path)
            status = api.statuses.pop(0) if api.statuses else 200 if record is not None else 404
            self._answer(status, record if status == 200 else {"message": "no"})

        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"])).decode()
            api.tokens.append(parse_qs(said))
            self._answer(200, {"access_token": f"token-{len(api.tokens)}", "expires_in": 3600})

        def _answer(self, status: int, body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", f"{api.url}/elsewhere")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = TheirApi(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
