"""Nobody inside is ever connected to: every spelling, every address of a name, and a name that changes its mind."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.domain.subscriptions import Result
from app.domain.targets import Allowed
from app.services import targets
from app.services.targets import Caller
from tests.domain.test_targets import DENIED, NEVER, PUBLIC
from tests.services.post_office import done, open_office
from tests.sink import Sink, receiving

HTTP = Allowed(http=True)
NEAR = Allowed(http=True, loopback=True)


class Watched(Caller):
    """A caller whose connections are only written down: to which address, for which name."""

    def __init__(self, allowed: Allowed, timeout_s: int = 5) -> None:
        super().__init__(allowed, timeout_s)
        self.opened: list[httpx.Request] = []

    def connecting(self) -> httpx.AsyncBaseTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            self.opened.append(request)
            return httpx.Response(204, content=_nothing())

        return httpx.MockTransport(answer)


async def _nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


class Names:
    """A name server that a test writes: each look-up takes the next answer, and the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self._real = targets.socket.getaddrinfo
        monkeypatch.setattr(targets.socket, "getaddrinfo", self._look_up)

    def say(self, name: str, *answers: list[str]) -> None:
        self.answers[name] = list(answers)

    def _look_up(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in self.answers:
            return self._real(host, port, *more, **named)
        self.asked.append(name)
        planned = self.answers[name]
        found = planned.pop(0) if len(planned) > 1 else planned[0]
        kinds = [targets.socket.AF_INET6 if ":" in address else targets.socket.AF_INET for address in found]
        return [(kind, 1, 6, "", (address, port)) for kind, address in zip(kinds, found, strict=True)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.fixture
def sinks() -> Iterator[list[Sink]]:
    """Receivers on this machine, on IPv4 and IPv6, that must hear of nothing."""
    with receiving() as four:
        try:
            with receiving(host="::1") as six:
                yield [four, six]
        except OSError:
            yield [four]


def heard(sinks: list[Sink]) -> int:
    return sum(sink.connections for sink in sinks)


def test_no_spelling_leads_inside(sinks: list[Sink]):
    really, watched = Caller(HTTP, 2), Watched(HTTP)
    for port in [sink.port for sink in sinks]:
        for url in NEVER:
            for caller in (really, watched):
                result, _ = caller.post(url.format(port=port), {}, b"{}")
                assert result.status is None, url
    assert watched.opened == []
    assert heard(sinks) == 0


def test_no_name_leads_inside(sinks: list[Sink], names: Names):
    really, watched = Caller(HTTP, 2), Watched(HTTP)
    for address in DENIED:
        for beside in ([], ["1.1.1.1"]):
            for answer in ([*beside, address], [address, *beside]):
                names.say("hooks.example.com", answer)
                for caller in (really, watched):
                    result, _ = caller.post(f"http://hooks.example.com:{sinks[0].port}/", {}, b"{}")
                    assert result == Result(None, "target_not_allowed"), answer
    assert watched.opened == []
    assert heard(sinks) == 0


def test_a_name_is_looked_up_once_and_called_where_it_was_checked(names: Names):
    """Rebinding: public when it is checked, inside a moment later."""
    names.say("hooks.example.com", ["1.1.1.1"], ["127.0.0.1"])
    caller = Watched(Allowed())
    assert caller.post("https://hooks.example.com:8443/a?b=c", {"X-A": "b"}, b"{}")[0] == Result(204)
    [request] = caller.opened
    assert (request.url.host, request.url.port, request.url.raw_path) == ("1.1.1.1", 8443, b"/a?b=c")
    assert request.headers["host"] == "hooks.example.com:8443"
    assert request.extensions["sni_hostname"] == "hooks.example.com"
    assert request.headers["x-a"] == "b"
    assert names.asked == ["hooks.example.com"]
    assert caller.post("https://hooks.example.com:8443/a", {}, b"{}")[0].error == "target_not_allowed"
    assert len(caller.opened) == 1


@pytest.mark.parametrize("path", ["", "/", "/a?b=c&d=%20e", "/%7Euser/|x", "?only=query"])
@pytest.mark.parametrize("host", ["hooks.example.com", "xn--bcher-kva.example", "1password.com"])
def test_the_client_reads_a_url_as_we_do(names: Names, host: str, path: str):
    names.say(host, ["1.1.1.1"])
    caller = Watched(Allowed())
    assert caller.post(f"https://{host}{path}", {}, b"{}")[0] == Result(204)
    assert caller.opened[0].headers["host"] == caller.opened[0].extensions["sni_hostname"] == host


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_connected_to_as_it_is(names: Names, address: str):
    names.say("hooks.example.com", [address])
    caller = Watched(Allowed())
    assert caller.post("https://hooks.example.com/", {}, b"{}")[0] == Result(204)
    assert ip_address(caller.opened[0].url.host) == ip_address(address)


def test_the_next_address_is_tried_where_nobody_answers_at_the_first(names: Names):
    with receiving() as sink:
        names.say("hooks.example.com", ["127.255.255.1", "127.0.0.1"])
        result, _ = Caller(NEAR, 5).post(f"http://hooks.example.com:{sink.port}/x", {}, b"{}")
        assert result == Result(200)
        assert sink.received[0].headers["host"] == f"hooks.example.com:{sink.port}"


def test_no_proxy_of_the_environment_hears_of_it(monkeypatch: pytest.MonkeyPatch):
    with receiving() as proxy, receiving() as sink:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert Caller(NEAR, 5).post(sink.url, {}, b"{}")[0] == Result(200)
        assert (proxy.connections, sink.connections) == (0, 1)


def test_a_name_that_nobody_knows_or_nobody_tells_in_time(names: Names, monkeypatch: pytest.MonkeyPatch):
    names.say("hooks.example.com", [])
    assert Watched(Allowed()).post("https://hooks.example.com/", {}, b"{}")[0].error == "name_not_found"
    ended = threading.Event()
    monkeypatch.setattr(targets, "resolve", lambda _: ended.wait(20))
    result, took_ms = Watched(Allowed(), 1).post("https://hooks.example.com/", {}, b"{}")
    ended.set()
    assert result.error == "timeout"
    assert took_ms < 3000


# TLS


class Papers(NamedTuple):
    """A certificate for hooks.example.com, and the contexts of whoever shows it and whoever trusts it."""

    shown: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file: Path = tmp_path_factory.mktemp("papers") / "both"
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(
        certificate.public_bytes(encoding) + key.private_bytes(encoding, form, serialization.NoEncryption())
    )
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(file)
    return Papers(shown, ssl.create_default_context(cafile=str(file)))


def test_the_certificate_is_held_against_the_name_and_not_the_address(names: Names, papers: Papers):
    with receiving(certificate=papers.shown) as sink:
        names.say("hooks.example.com", ["127.0.0.1"])
        names.say("other.example.com", ["127.0.0.1"])
        caller = Caller(Allowed(loopback=True), 5, papers.trusting)
        assert caller.post(f"https://hooks.example.com:{sink.port}/a", {}, b"{}")[0] == Result(200)
        assert sink.received[0].server_name == "hooks.example.com"
        assert sink.received[0].headers["host"] == f"hooks.example.com:{sink.port}"
        assert caller.post(f"https://other.example.com:{sink.port}/a", {}, b"{}")[0] == Result(None, "tls_failed")
        assert caller.post(f"https://127.0.0.1:{sink.port}/a", {}, b"{}")[0] == Result(None, "tls_failed")
        strangers = Caller(Allowed(loopback=True), 5)
        assert strangers.post(f"https://hooks.example.com:{sink.port}/a", {}, b"{}")[0] == Result(None, "tls_failed")
        assert len(sink.received) == 1


# Over HTTP


def test_what_leads_inside_cannot_be_subscribed_to(sinks: list[Sink], names: Names, database_url: str):
    with open_office(database_url, webhooks_allow_loopback=False) as office:
        urls = [url.format(port=sinks[0].port) for url in NEVER if url]
        for address in DENIED:
            names.say(f"a{len(urls)}.example.com", [address])
            urls.append(f"http://a{len(urls)}.example.com:{sinks[0].port}/")
        kept = office.log_size()
        for url in urls:
            answer = office.officer.post("/v1/subscriptions", json={"url": url, "events": ["*"]})
            assert (answer.status_code, answer.json()["code"]) == (422, "target_not_allowed"), (url, answer.text)
            assert answer.json()["errors"][0]["pointer"] == "/url"
        names.say("fine.example.com", ["1.1.1.1"])
        made = done(office.officer.post("/v1/subscriptions", json={"url": "http://fine.example.com/", "events": ["*"]}))
        for url in urls[:5]:
            headers = {"If-Match": '"v1"'}
            answer = office.officer.patch(f"/v1/subscriptions/{made['id']}", json={"url": url}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "target_not_allowed")
        assert office.log_size() == kept + 1
        # What was outside when it was subscribed to, and is inside when it is to be called.
        names.say("fine.example.com", ["127.0.0.1"])
        office.gift()
        office.deliver()
        states = {(one["state"], one["last_error"]) for one in office.deliveries(made["id"])}
        assert states == {("pending", "target_not_allowed")}
    assert heard(sinks) == 0


def test_nobody_without_the_right_makes_us_look_a_name_up(names: Names, database_url: str):
    names.say("hooks.example.com", ["1.1.1.1"])
    with open_office(database_url) as office:
        for caller in (office.rep, office.server.stranger()):
            with suppress(KeyError):
                answer = caller.post("/v1/subscriptions", json={"url": "https://hooks.example.com/", "events": ["*"]})
                assert answer.status_code in (401, 403)
    assert names.asked == []
