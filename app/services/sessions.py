"""Sessions: signing in to the console with a password or a one-time link, and out again."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection

from app.domain.access import BadKey, Principal, Role
from app.domain.refusals import Forbidden, Unauthenticated, Unprocessable
from app.services import access
from app.services.access import Credentials
from app.services.desk import Desk
from app.storage import sessions as rows
from app.storage import users
from app.storage.ids import new_id
from app.storage.sessions import KnownLink, KnownPassword, KnownSession
from app.storage.users import KnownUser, UserFilter

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
_TOKEN = re.compile(r"(ses|lnk)_([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)
_LINK_LIFETIME = timedelta(days=2)
_SEEN_EVERY = timedelta(minutes=1)
_FAILURES_ALLOWED = 5
_LOCKED_FOR = timedelta(minutes=5)
_FIRST_PERSON = "admin"

_hasher = PasswordHasher()
# Whoever names nobody waits as long as whoever names somebody.
_NOBODYS = _hasher.hash(secrets.token_urlsafe())
# One hash takes 64 MiB; a crowd at the door must not take the machine's memory.
_few_at_once = threading.BoundedSemaphore(2)


class SignInRefused(Unauthenticated):
    code = "sign_in_refused"
    title = "Nobody was signed in"


class LinkEnded(Unauthenticated):
    code = "link_ended"
    title = "The link does not sign in any more"


class PasswordTooShort(Unprocessable):
    code = "password_too_short"
    title = "The password is too short"


class PasswordWrong(Forbidden):
    code = "password_wrong"
    title = "The password is not right"


class Opened(NamedTuple):
    """A session that was opened: its token is in the answer and nowhere else."""

    token: str
    user: KnownUser
    has_password: bool


def read_token(text: str | None) -> Credentials:
    """The session that a cookie names, not yet looked up. Raises BadKey for anything else."""
    found = _TOKEN.fullmatch(text or "")
    if found is None or found[1] != "ses":
        raise BadKey("Nobody is signed in")
    return Credentials(f"ses_{found[2]}", _digest(found[3]))


def sign_in(desk: Desk, name: str, password: str) -> Opened:
    """Opens a session for whoever knows the password of a person or address. Raises SignInRefused, alike for all else.

    The hash is worked out between two transactions, so that nobody waits for it.
    """
    now = desk.clock()
    with desk.database.reading() as connection:
        user = _named(connection, name)
        known = rows.password_of(connection, user.id) if user is not None else None
    locked = known is not None and known.locked_until is not None and now < known.locked_until
    right = _verify(known.hash if known else _NOBODYS, password) and known is not None and not locked
    if user is None or known is None or not right:
        if known is not None and not locked:
            desk.database.write(lambda connection: _count_failure(connection, known, now))
        raise SignInRefused("Name or password is not right. After five wrong attempts, wait for five minutes")
    return desk.database.write(lambda connection: _opened(connection, desk, user, how="password"))


def _named(connection: Connection, name: str) -> KnownUser | None:
    user = users.by_email(connection, name) or users.by_person(connection, [name]).get(users.key(name))
    return user if user is not None and user.active else None


def _count_failure(connection: Connection, known: KnownPassword, now: datetime) -> None:
    fresh = rows.password_of(connection, known.user_id) or known
    failures = fresh.failures + 1
    if failures >= _FAILURES_ALLOWED:
        rows.tried(connection, known.user_id, failures=0, locked_until=now + _LOCKED_FOR)
    else:
        rows.tried(connection, known.user_id, failures=failures, locked_until=fresh.locked_until)


def _opened(connection: Connection, desk: Desk, user: KnownUser, *, how: str) -> Opened:
    stamp = desk.stamp(user.person, door="console")
    session_id, secret = new_id("ses"), secrets.token_urlsafe(32)
    expires_at = stamp.at + timedelta(hours=desk.settings.session_hours)
    rows.add(connection, KnownSession(session_id, user.id, _digest(secret), stamp.at, stamp.at, expires_at))
    password = rows.password_of(connection, user.id)
    if password is not None:
        rows.tried(connection, user.id, failures=0, locked_until=None)
    journal = desk.journal()
    journal.note(session_id, 1, "session.opened", {"user": user.id, "how": how}, stamp)
    journal.seal(connection)
    return Opened(f"{session_id}.{secret}", user, password is not None)


def sign_out(connection: Connection, desk: Desk, presented: Credentials) -> None:
    """Ends a session. Nothing happens where it had ended."""
    principal = access.identify(connection, desk, [presented]).get(presented)
    if principal is None:
        return
    stamp = desk.stamp(principal.person, door="console")
    if rows.end(connection, presented.key_id, stamp.at):
        journal = desk.journal()
        journal.note(presented.key_id, 2, "session.ended", {}, stamp)
        journal.seal(connection)


def keep_alive(desk: Desk, presented: Credentials) -> None:
    """Remembers, once a minute, that a session is in use. One that has ended stays ended."""
    now = desk.clock()
    with desk.database.reading() as connection:
        alive = access.identify(connection, desk, [presented])
        found = rows.with_users(connection, [presented.key_id]).get(presented.key_id) if alive else None
    if found is not None and now - found[0].seen_at >= _SEEN_EVERY:
        desk.database.write(lambda connection: rows.seen(connection, presented.key_id, now))


# Links


def make_link(connection: Connection, desk: Desk, user_id: str, *, by: str, door: str = "console") -> str:
    """A token that signs a user in once within two days; whoever gives it away lets somebody in as that user."""
    stamp = desk.stamp(by, door=door)
    link_id, secret = new_id("lnk"), secrets.token_urlsafe(32)
    link = KnownLink(link_id, user_id, _digest(secret), by, stamp.at, stamp.at + _LINK_LIFETIME)
    rows.add_link(connection, link)
    journal = desk.journal()
    journal.note(link_id, 1, "sign_in_link.made", {"user": user_id}, stamp)
    journal.seal(connection)
    return f"{link_id}.{secret}"


def use_link(connection: Connection, desk: Desk, token: str) -> Opened:
    """Opens a session by a link, and uses the link up. Raises LinkEnded, alike for unknown, used and expired ones."""
    found = _TOKEN.fullmatch(token)
    link = rows.link_by_id(connection, f"lnk_{found[2]}") if found is not None and found[1] == "lnk" else None
    now = desk.clock()
    if found is None or link is None or not compare_digest(link.secret_digest, _digest(found[3])):
        raise LinkEnded("This link does not sign in. Ask an administrator for a new one")
    user = users.by_id(connection, link.user_id)
    if now >= link.expires_at or user is None or not user.active or not rows.use_link(connection, link.id, now):
        raise LinkEnded("This link was used or is too old. Ask an administrator for a new one")
    journal = desk.journal()
    journal.note(link.id, 2, "sign_in_link.used", {"user": user.id}, desk.stamp(user.person, door="console"))
    journal.seal(connection)
    return _opened(connection, desk, user, how="link")


def link_for_person(connection: Connection, desk: Desk, person: str, *, by: str) -> str | None:
    """A sign-in link for a person who is a user; None where nobody is."""
    user = users.by_person(connection, [person]).get(users.key(person))
    return make_link(connection, desk, user.id, by=by, door="cli") if user is not None else None


def first_link(connection: Connection, desk: Desk) -> str | None:
    """The administrator's link of a fresh installation: while nobody ever signed in, every start makes a new one."""
    if rows.anybody_ever(connection):
        return None
    admin = next(iter(users.listed(connection, UserFilter(role=Role.ADMIN, active=True), after=None, limit=1)), None)
    if admin is None and not users.listed(connection, UserFilter(), after=None, limit=1):
        admin = _first_user(connection, desk)
    return make_link(connection, desk, admin.id, by="command-line", door="cli") if admin is not None else None


def _first_user(connection: Connection, desk: Desk) -> KnownUser:
    stamp = desk.stamp("command-line", door="cli")
    facts = {"name": "Administrator", "email": None, "role": Role.ADMIN.value, "active": True}
    user = KnownUser(
        new_id("usr"), 1, _FIRST_PERSON, "Administrator", None, Role.ADMIN.value, True, 0, "", stamp.actor, stamp.at,
        stamp.at,
    )  # fmt: skip
    users.add(connection, user)
    journal = desk.journal()
    nothing_waived = {"waiver_minor": 0, "waiver_currency": ""}
    journal.note(user.id, 1, "user.created", {"person": user.person, **facts, **nothing_waived}, stamp)
    journal.seal(connection)
    return user


# Passwords


def has_password(connection: Connection, user_id: str) -> bool:
    """Whether a user has a password."""
    return rows.password_of(connection, user_id) is not None


def set_password(desk: Desk, principal: Principal, presented: Credentials, *, now: str, new: str) -> None:
    """A user's own password from now on; their other sessions end. `now` is the one they have, if any.

    Raises PasswordTooShort, or PasswordWrong where there is one and `now` is another.
    """
    if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
        raise PasswordTooShort.at("/new", f"Choose a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    user_id = principal.user_id or ""
    with desk.database.reading() as connection:
        known = rows.password_of(connection, user_id)
    if known is not None and not _verify(known.hash, now):
        raise PasswordWrong.at("/now", "This is not your present password")
    with _few_at_once:
        hashed = _hasher.hash(new)

    def keep(connection: Connection) -> None:
        stamp = desk.stamp(principal.person, door="console")
        last = rows.password_of(connection, user_id)
        version = last.version + 1 if last else 1
        rows.keep_password(connection, KnownPassword(user_id, version, hashed, stamp.at))
        rows.end_others(connection, user_id, but=presented.key_id, at=stamp.at)
        journal = desk.journal()
        journal.note(f"pwd_{user_id.removeprefix('usr_')}", version, "password.set", {"user": user_id}, stamp)
        journal.seal(connection)

    desk.database.write(keep)


def _verify(hashed: str, password: str) -> bool:
    with _few_at_once:
        try:
            return _hasher.verify(hashed, password[: LONGEST_PASSWORD + 1])
        except VerificationError:
            return False


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
