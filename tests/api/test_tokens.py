"""Tokens of the identity provider: good ones open what their groups may, hostile ones nothing at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.domain.access import Role
from app.settings import RoleName, Settings
from tests.api.reviewing import done, gift, refused
from tests.identity_provider import IdentityProvider, providing, settings_for
from tests.server import Caller, Clock, Server

pytestmark = pytest.mark.usefixtures("provider")
STRANGER = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def provider(clock: Clock) -> Iterator[IdentityProvider]:
    with providing(clock) as one:
        yield one


@pytest.fixture
def server_settings(provider: IdentityProvider) -> dict[str, Any]:
    return settings_for(provider)


def with_token(server: Server, token: str) -> Caller:
    return server.stranger(token)


# Good ones


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_opens_what_its_group_may(server: Server, provider: IdentityProvider, algorithm: str):
    provider.rotate(algorithm)
    rhea = with_token(server, provider.token("rhea@firm.example", "g-other", "g-reps", name="Rhea Reyes"))
    me = done(rhea.get("/v1/me"))
    assert (me["person"], me["name"], me["role"], me["user_id"]) == ("rhea@firm.example", "Rhea Reyes", "rep", None)
    entry = done(rhea.post("/v1/entries", json=gift("5.00", "2026-05-04")))
    assert (entry["giver"], entry["submitted_by"]) == ("rhea@firm.example", "rhea@firm.example")
    again = with_token(server, provider.token("rhea@firm.example"))
    assert done(again.get("/v1/me"))["id"] == me["id"], "the same person, whatever the token"
    assert again.get(f"/v1/entries/{entry['id']}").status_code == 200
    refused(again.get("/v1/audit/records"), 403, "role_forbids")
    other = with_token(server, provider.token("ravi@firm.example"))
    assert other.get(f"/v1/entries/{entry['id']}").status_code == 404
    assert provider.asked == 1


def test_the_first_group_of_the_settings_counts(server: Server, provider: IdentityProvider):
    who = with_token(server, provider.token("x@firm.example", "g-reps", "g-officers", "g-admins"))
    assert done(who.get("/v1/me"))["role"] == "admin"
    one = with_token(server, provider.token("x@firm.example", groups="g-officers"))
    assert done(one.get("/v1/me"))["role"] == "officer"


def test_a_repeated_submission_is_known_by_another_token_of_the_same_person(server: Server, provider: IdentityProvider):
    body = gift("5.00", "2026-05-04")
    said = [
        with_token(server, provider.token(jti=number)).post("/v1/entries", json=body, headers={"Idempotency-Key": "a"})
        for number in ("1", "2")
    ]
    assert done(said[0]) == done(said[1])
    assert said[1].headers["idempotency-replayed"] == "true"


def test_a_user_whom_a_token_names_is_never_more_than_here(server: Server, provider: IdentityProvider, admin: Caller):
    body = {"person": "rhea", "name": "Rhea", "role": "rep", "email": "Rhea@firm.example"}
    user = done(admin.post("/v1/users", json=body))
    caller = with_token(server, provider.token("rhea@firm.example", "g-officers"))
    me = done(caller.get("/v1/me"))
    assert (me["id"], me["user_id"], me["person"]) == (user["id"], user["id"], "rhea")
    refused(caller.get("/v1/audit/records"), 403, "role_forbids")
    gone = admin.patch(f"/v1/users/{user['id']}", json={"active": False}, headers={"If-Match": '"v1"'})
    assert gone.status_code == 200
    refused(caller.get("/v1/me"), 401, "bad_key")
    refused(caller.post("/v1/entries", json=gift("5.00", "2026-05-04")), 401, "bad_key")


def test_keys_are_taken_beside_tokens(rep: Caller):
    assert done(rep.get("/v1/me"))["person"] == "rhea"


# Hostile ones

Forge = Callable[[IdentityProvider], str]


def _part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _with_hmac(provider: IdentityProvider) -> str:
    head = f"{_part({'alg': 'HS256', 'kid': provider.kid})}.{_part(provider.claims())}"
    return f"{head}.{_part(hmac.digest(provider.public_pem(), head.encode(), hashlib.sha256))}"


def _tampered(provider: IdentityProvider) -> str:
    head, _, signature = provider.token().split(".")
    return f"{head}.{_part(provider.claims(groups=['g-admins']))}.{signature}"


def _none(provider: IdentityProvider) -> str:
    return f"{_part({'alg': 'none', 'kid': provider.kid})}.{_part(provider.claims())}.{_part(b'x')}"


def _of_a_stranger(provider: IdentityProvider) -> str:
    return jwt.encode(provider.claims(), STRANGER, "RS256", {"kid": provider.kid})


def _saying(**claims: Any) -> Forge:
    return lambda provider: provider.token(**claims)


def _at(**names: int) -> Forge:
    def forge(provider: IdentityProvider) -> str:
        now = provider.claims()["iat"]
        return provider.token(**{name: now + seconds for name, seconds in names.items()})

    return forge


def _headed(**headers: Any) -> Forge:
    return lambda provider: provider.token(headers=headers)


HOSTILE: dict[str, Forge] = {
    "algorithm none": _none,
    "HMAC with the public key": _with_hmac,
    "tampered": _tampered,
    "signed by a stranger": _of_a_stranger,
    "another audience": _saying(aud="another"),
    "no audience": _saying(aud=None),
    "another issuer": _saying(iss="https://login.evil.example"),
    "several issuers": _saying(iss=["x"]),
    "expired": _at(exp=-31),
    "not valid yet": _at(nbf=31),
    "issued tomorrow": _at(iat=86_400),
    "without expiry": _saying(exp=None),
    "expiry as text": _saying(exp="tomorrow"),
    "expiry as truth": _saying(exp=True),
    "without subject": _saying(sub=None),
    "a number for a subject": _saying(sub=7),
    "without person": _saying(email=None),
    "a list for a person": lambda provider: provider.token(email=["a"]),
    "a person with a control character": lambda provider: provider.token(email="a\x00b"),
    "an address that nobody verified": _saying(email_verified=False),
    "an unknown key": _headed(kid="key-99"),
    "no key": _headed(kid=""),
    "garbage": lambda _: "aaaa.bbbb.cccc",
    "empty parts": lambda _: f"{_part({})}.{_part({})}.{_part(b'x')}",
    "nested": lambda _: f"{_part(b'[' * 9000)}.{_part({})}.{_part(b'x')}",
}


def test_no_hostile_token_opens_anything(server: Server, provider: IdentityProvider):
    assert done(with_token(server, provider.token()).get("/v1/me"))
    wrong = []
    for name, forge in HOSTILE.items():
        caller = with_token(server, forge(provider))
        for reply in (caller.get("/v1/me"), caller.post("/v1/entries", json=gift("5.00", "2026-05-04"))):
            fits = (reply.status_code, reply.json()["code"], reply.headers.get("www-authenticate"))
            if fits != (401, "bad_token", "Bearer"):
                wrong.append((name, reply.text[:200]))
    assert wrong == []
    assert provider.asked <= 2


def test_a_little_difference_of_clocks_is_no_matter(server: Server, provider: IdentityProvider):
    for forge in (_at(exp=-29), _at(nbf=29), _at(iat=29)):
        assert done(with_token(server, forge(provider)).get("/v1/me"))


@pytest.mark.parametrize("groups", [["g-other"], [], None, {"g-reps": 1}, 7, [7, None, {}]])
def test_whose_groups_have_no_role_is_told_so(server: Server, provider: IdentityProvider, groups: Any):
    refused(with_token(server, provider.token(groups=groups)).get("/v1/me"), 403, "no_role")


def test_a_token_is_nothing_where_there_is_no_provider(database_url: str, clock: Clock, provider: IdentityProvider):
    from tests.server import serving

    with serving(database_url, clock=clock) as server:
        refused(with_token(server, provider.token()).get("/v1/me"), 401, "bad_key")


# Keys that come and go, and a provider that is away


def test_a_rotated_key_is_found_and_the_old_one_ends(server: Server, provider: IdentityProvider, clock: Clock):
    old = provider.token(exp=provider.claims()["exp"] + 86_400)
    assert done(with_token(server, old).get("/v1/me"))
    provider.rotate()
    new = with_token(server, provider.token(exp=provider.claims()["exp"] + 86_400))
    refused(new.get("/v1/me"), 401, "bad_token")
    assert provider.asked == 1, "not asked again within half a minute"
    clock.forward(seconds=30)
    assert done(new.get("/v1/me"))
    refused(with_token(server, old).get("/v1/me"), 401, "bad_token")
    assert provider.asked == 2


def test_invented_keys_do_not_make_us_ask_each_time(server: Server, provider: IdentityProvider, clock: Clock):
    for number in range(20):
        refused(with_token(server, provider.token(headers={"kid": f"x{number}"})).get("/v1/me"), 401, "bad_token")
        clock.forward(seconds=2)
    assert provider.asked == 2


def test_keys_are_kept_for_a_day_while_the_provider_is_away(server: Server, provider: IdentityProvider, clock: Clock):
    caller = with_token(server, provider.token(exp=provider.claims()["exp"] + 10 * 86_400))
    assert done(caller.get("/v1/me"))
    provider.down = True
    clock.forward(hours=23)
    assert done(caller.get("/v1/me"))
    provider.down, provider.garbage = False, b'{"keys": []}'
    clock.forward(minutes=5)
    assert done(caller.get("/v1/me")), "nothing to be read is no reason to forget"
    clock.forward(hours=1)
    away = caller.get("/v1/me")
    refused(away, 503, "identity_provider_away")
    assert away.headers["retry-after"] == "30"
    provider.garbage = b""
    clock.forward(seconds=30)
    assert done(caller.get("/v1/me"))


@pytest.mark.parametrize(
    "says",
    [{"issuer": "https://login.evil.example"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": None}, {"jwks_uri": 7}],
)
def test_a_discovery_document_that_is_not_right_gives_no_keys(server: Server, provider: IdentityProvider, says: Any):
    provider.says = says
    refused(with_token(server, provider.token()).get("/v1/me"), 503, "identity_provider_away")


@pytest.mark.parametrize(
    "garbage", [b" ", b"[]", b"{", b'{"keys": 7}', b'{"keys": [7, {"kty": "oct", "k": "AA"}]}', b" " * 600_000]
)
def test_keys_that_are_none_open_nothing(server: Server, provider: IdentityProvider, garbage: bytes):
    provider.garbage = garbage
    refused(with_token(server, provider.token()).get("/v1/me"), 503, "identity_provider_away")


# Settings


def test_the_settings_know_every_role():
    assert set(RoleName.__args__) == set(Role)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "said",
    [
        {"oidc_algorithms": "HS256"},
        {"oidc_algorithms": "RS256,none"},
        {"oidc_issuer": "login.firm.com"},
        {"oidc_issuer": "https://login.firm.com"},
        {"oidc_issuer": "http://login.firm.com", "oidc_audience": "a", "oidc_roles": {"g": "rep"}},
        {"oidc_roles": {"g": "king"}},
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(said: dict[str, Any]):
    with pytest.raises(ValueError, match=r"oidc|OIDC"):
        Settings(**said)
