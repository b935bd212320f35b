"""Random mutations of valid requests: none is taken, none is our mistake."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import FreshDatabase
from tests.connections.firm import Firm, open_firm
from tests.connections.senders import PROVIDERS, Sent, a_contact, signed
from tests.soaking import share

SEED = 20_261_125
# Whose proof covers the body too; of the others only the proof itself is changed.
COVERED = {"hubspot", "standard_webhooks"}
PROVING = {
    "hubspot": ("X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"),
    "standard_webhooks": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "salesforce_flow": ("X-Propriety-Key",),
    "dataverse": ("X-Propriety-Key",),
    "pipedrive": ("Authorization",),
    "cloudevents": ("Authorization",),
}
_LETTERS = "".join(map(chr, range(0x21, 0x7F)))


def changed_text(text: str, chance: random.Random) -> str:
    """A text that differs in one place, or is cut, doubled, or another one."""
    at = chance.randrange(len(text))
    other = chance.choice([one for one in _LETTERS if one.lower() != text[at].lower()])
    ways = [
        text[:at] + other + text[at + 1 :],
        text[:at],
        text[:at] + text[at + 1 :],
        text + other,
        text + text,
        other * len(text),
    ]
    return chance.choice([one for one in ways if one and one == one.strip() and one != text])


def changed_bytes(body: bytes, chance: random.Random) -> bytes:
    """Bytes that differ in one bit, or are cut, longer, turned around, or others."""
    at = chance.randrange(len(body))
    flipped = body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]
    ways = [
        flipped,
        body[:at],
        body + b" ",
        b"\xef\xbb\xbf" + body,
        body[::-1],
        body.replace(b" ", b""),
        chance.randbytes(at),
    ]
    return chance.choice([one for one in ways if one != body] or [flipped])


def mutations(provider: str, sent: Sent, chance: random.Random, many: int) -> Iterator[Sent]:
    """So many requests that are not the valid one."""
    names = PROVING.get(provider, ())
    for _ in range(many):
        name = chance.choice(names) if names else ""
        if provider == "salesforce":
            head, _, secret = sent.path.rpartition("/")
            letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
            yield sent._replace(path=f"{head}/{''.join(chance.choices(letters, k=len(secret)))}")
        elif provider in COVERED and chance.random() < 0.4:
            yield sent._replace(body=changed_bytes(sent.body, chance))
        elif chance.random() < 0.1:
            yield sent._replace(headers={key: value for key, value in sent.headers.items() if key != name})
        else:
            yield sent._replace(headers={**sent.headers, name: changed_text(sent.headers[name], chance)})


def tried(firm: Firm, many: int, seed: int) -> Counter[int]:
    """Sends so many mutations of every provider's; how they were answered. Nothing of them is kept."""
    chance, answered = random.Random(seed), Counter[int]()
    for provider in PROVIDERS:
        connection = firm.connect(provider)
        sent = signed(provider, connection, a_contact(provider, firm.clock()), firm.clock())
        for one in mutations(provider, sent, chance, many):
            status = firm.send(one).status_code
            answered[status] += 1
            assert status == 401, f"seed {seed}: {provider} answers {status} to {one}"
        assert firm.receipts(connection) == []
        assert firm.send(sent).status_code in (200, 202)
    return answered


@pytest.mark.sqlite
def test_no_mutation_is_taken(firm: Firm, tell: Callable[[str], None]):
    answered = tried(firm, 60, SEED)
    assert answered == {401: 60 * len(PROVIDERS)}
    tell(f"seed {SEED}: {dict(answered)}")


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
@pytest.mark.sqlite
def test_none_of_a_hundred_thousand_mutations_is_taken(fresh_database: FreshDatabase, tell: Callable[[str], None]):
    with open_firm(fresh_database("sqlite")) as firm:
        answered = tried(firm, share(100_000 // len(PROVIDERS) + 1), SEED + 1)
    tell(f"seed {SEED + 1}: {dict(answered)}")
