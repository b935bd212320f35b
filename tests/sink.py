"""A receiver of webhooks that can misbehave in every way a real one does, on a loopback port, and remembers all it got.

`sink.answers("/a", FAIL, OK)` says how the requests to a path are answered, one after the other; the last one stays.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

Answer = Callable[["Sink", socket.socket], None]

_PIECE = b"x" * 65_536
_PATIENCE_S = 30


class Received(NamedTuple):
    """One request, as it came. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def status(code: int, **headers: str) -> Answer:
    """Answers with a status and an empty body; `retry_after="9"` is a header."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    def answer(_: Sink, line: socket.socket) -> None:
        line.sendall(f"HTTP/1.1 {code} So\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    return answer


OK, FAIL, GONE = status(200), status(500), status(410)


def redirect(url: str) -> Answer:
    """Sends the caller elsewhere."""
    return status(301, Location=url)


def hang(sink: Sink, line: socket.socket) -> None:
    """Says nothing until the sink lets go of everybody."""
    sink.let_go.wait(_PATIENCE_S)


def reset(_: Sink, line: socket.socket) -> None:
    """Breaks the connection so that the caller is told: a linger of nothing makes the close a reset."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_: Sink, line: socket.socket) -> None:
    """Closes without a word."""


def nonsense(_: Sink, line: socket.socket) -> None:
    """Answers in no protocol."""
    line.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\r\n\x00\x01")


def drip_head(sink: Sink, line: socket.socket) -> None:
    """One byte of an endless header at a time, so that no single read takes long."""
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not sink.ended.wait(0.05):
        line.sendall(b"z")


def drip_body(sink: Sink, line: socket.socket) -> None:
    """Says 200, then one byte of the body at a time."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not sink.ended.wait(0.05):
        line.sendall(b"z")


def flood(sink: Sink, line: socket.socket) -> None:
    """Says 200 and sends a gigabyte; `sink.sent` is how much of it went out before the caller hung up."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(1_073_741_824 // len(_PIECE)):
        sink.sent += line.send(_PIECE)


class Sink:
    """A receiver until the block ends. `connections` counts everybody who connected, whatever they wanted."""

    def __init__(self, *, host: str = "127.0.0.1", certificate: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._certificate = certificate
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._names: dict[int, str | None] = {}
        self.received: list[Received] = []
        self.connections = 0
        self.sent = 0
        self.ended = threading.Event()
        self.let_go = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="sink", daemon=True).start()

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    def answers(self, path: str, *answers: Answer) -> None:
        """How the next requests to a path are answered; the last answer stays."""
        with self._lock:
            self._answers[path] = list(answers)

    def at(self, path: str) -> list[Received]:
        """What came to a path."""
        return [one for one in list(self.received) if one.path == path]

    def wait_for(self, many: int, path: str = "/") -> list[Received]:
        """What came to a path, once that many have come. TimeoutError where they do not."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if len(came := self.at(path)) >= many:
                return came
            time.sleep(0.01)
        raise TimeoutError(f"{len(self.at(path))} of {many} came to {path}")

    def close(self) -> None:
        self.ended.set()
        self.let_go.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                threading.Thread(target=self._serve, args=[line], daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError), line:
            line.settimeout(_PATIENCE_S)
            said: list[str | None] = [None]
            if self._certificate:
                self._certificate.sni_callback = lambda _, name, __: said.append(name)
                line = self._certificate.wrap_socket(line, server_side=True)
            with line:
                request = _read(line)._replace(server_name=said[-1])
                with self._lock:
                    self.received.append(request)
                    planned = self._answers.get(request.path, [OK])
                    answer = planned.pop(0) if len(planned) > 1 else planned[0]
                answer(self, line)


def _read(line: socket.socket) -> Received:
    got = b""
    while b"\r\n\r\n" not in got:
        piece = line.recv(65_536)
        if not piece:
            raise ValueError("no request")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65_536)
    return Received(first.split(" ")[1], headers, body, None)


@contextmanager
def receiving(**settings: object) -> Iterator[Sink]:
    """A sink until the block ends."""
    sink = Sink(**settings)  # type: ignore[arg-type]
    try:
        yield sink
    finally:
        sink.close()
