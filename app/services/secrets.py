"""Secrets that we have to know again: sealed with a key that is not in the database, each bound to what it belongs to.

NoSecretKey   503  PROPRIETY_SECRET_KEY is not set, and there is no database file to keep a key beside
"""

from __future__ import annotations

import logging
import os
from base64 import b64decode, b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import make_url

from app.domain.refusals import Unavailable
from app.settings import Settings

_log = logging.getLogger(__name__)
_NONCE_BYTES = 12
_KEY_BYTES = 32


class NoSecretKey(Unavailable):
    code = "no_secret_key"
    title = "This installation cannot keep secrets yet"


class Unreadable(Exception):
    """A sealed secret that none of the keys opens: another key, another owner, or changed bytes."""


def seal(settings: Settings, secret: bytes, *, owner: str) -> str:
    """A secret that may be written into the database. Raises NoSecretKey."""
    nonce = os.urandom(_NONCE_BYTES)
    return b64encode(nonce + AESGCM(_keys(settings)[0]).encrypt(nonce, secret, owner.encode())).decode()


def unseal(settings: Settings, sealed: str, *, owner: str) -> bytes:
    """The secret that was sealed for this owner. Raises Unreadable or NoSecretKey."""
    raw = b64decode(sealed)
    for key in _keys(settings):
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode())
    raise Unreadable(owner)


def _keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys that open; the first one seals."""
    if settings.secret_key is not None:
        return tuple(b64decode(key.strip()) for key in settings.secret_key.get_secret_value().split(","))
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise NoSecretKey(
            "Set PROPRIETY_SECRET_KEY to base64 of 32 random bytes, such as `openssl rand -base64 32` makes"
        )
    database = Path(url.database).expanduser().resolve()
    return (_kept_in(database.with_name(f"{database.name}.key")),)


@lru_cache(maxsize=64)
def _kept_in(file: Path) -> bytes:
    """The key in a file that only its owner may read; made where there is none. Raises NoSecretKey."""
    if not file.exists():
        _make(file)
    if file.stat().st_mode & 0o077:
        _log.warning("%s can be read by others; its mode should be 0600", file.name)
    try:
        key = b64decode(file.read_bytes().strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise NoSecretKey(f"{file.name} beside the database holds no key")
    return key


def _make(file: Path) -> None:
    made = file.with_name(f"{file.name}.{os.getpid()}.new")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as new:
        new.write(b64encode(os.urandom(_KEY_BYTES)) + b"\n")
        new.flush()
        os.fsync(new.fileno())
    # A link appears whole or not at all, and never over a key that is there: of two processes one makes it.
    with suppress(FileExistsError):
        os.link(made, file)
    made.unlink()
