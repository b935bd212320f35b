"""Digests: once a day, from a certain hour, everybody with an address gets a mail of what waits for them."""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from app.domain.access import GRANTS, Permission, Role
from app.domain.digests import DigestState, Mail, Waiting, compose, next_attempt
from app.services import audit
from app.services.audit import RecordFilter
from app.services.desk import Desk
from app.storage import digests, subscriptions
from app.storage.digests import Addressee, KnownDigest

_log = logging.getLogger(__name__)
_TIMEOUT_S = 15
_CLAIMED_FOR = timedelta(minutes=10)
_A_DAY = timedelta(days=1)
# A record of history that asks somebody something says whom in one of these facts.
ASKED, ANSWERED, WHOM = "question.asked", "question.answered", ("asked", "person", "to")

Send = Callable[[EmailMessage], None]


class History:
    """What happened since a place in the log, read once for everybody whose last digest was at the same place."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._read: dict[tuple[str, int], list[audit.Record]] = {}

    def of(self, connection: Connection, action: str, since: int) -> list[audit.Record]:
        """The records of one action since a place."""
        if (action, since) not in self._read:
            wanted = RecordFilter(action=action)
            self._read[action, since] = audit.records(connection, self._desk, wanted, after=since - 1, limit=10_000)
        return self._read[action, since]


def configured(desk: Desk) -> bool:
    """Whether mail can be sent at all."""
    return desk.settings.smtp_url is not None and bool(desk.settings.mail_from)


def send_due(desk: Desk, send: Send | None = None) -> int:
    """Sends the digests of today that are due, each to one person; how many went out. Nothing before the hour."""
    day = desk.today()
    if not configured(desk) or desk.clock() < datetime.combine(
        day, time(desk.settings.digest_hour), desk.settings.zone
    ):
        return 0
    with desk.database.reading() as connection:
        everybody = digests.addressees(connection, desk.clock())
        known = digests.of_day(connection, day)
    missing = {one.person for one in everybody} - known.keys()
    if missing:
        desk.database.write(lambda connection: _plan(connection, desk, missing, day))
    over = {person for person, one in known.items() if one.state != DigestState.WAITING}
    addresses: dict[str, list[Addressee]] = {}
    for one in everybody:
        if one.person not in over:
            addresses.setdefault(one.person, []).append(one)
    send, history = send or _by_smtp(desk), History(desk)
    return sum(_send_one(desk, person, theirs, day, send, history) for person, theirs in addresses.items())


def _plan(connection: Connection, desk: Desk, people: set[str], day: date) -> None:
    position, now = audit.size(connection, desk), desk.clock()
    there = digests.of_day(connection, day)
    waiting = DigestState.WAITING.value
    digests.add(connection, [KnownDigest(one, day, waiting, 0, now, position) for one in sorted(people - there.keys())])


def _send_one(desk: Desk, person: str, theirs: list[Addressee], day: date, send: Send, history: History) -> bool:
    now = desk.clock()
    mine = desk.database.write(
        lambda connection: digests.claim(connection, person, day, now=now, until=now + _CLAIMED_FOR)
    )
    if mine is None:
        return False
    with desk.database.reading() as connection:
        waiting = waiting_for(connection, desk, theirs, mine, history)
    mail = compose(waiting, day, base_url=desk.settings.public_url)
    if mail is None:
        after = mine._replace(state=DigestState.EMPTY.value, next_attempt_at=None)
    else:
        after = _sent(desk, mine, theirs[-1].email, mail, send)
    desk.database.write(lambda connection: digests.keep(connection, after))
    return after.state == DigestState.SENT


def _sent(desk: Desk, digest: KnownDigest, address: str, mail: Mail, send: Send) -> KnownDigest:
    made = digest.attempts + 1
    try:
        send(_message(desk, digest, address, mail))
    except (OSError, ValueError, smtplib.SMTPException) as error:
        # Neither the address nor what the server said of it: a log is read by more people than a mailbox.
        _log.error("the digest of %s could not be sent: %s", digest.day, type(error).__name__)
        wait = None if isinstance(error, smtplib.SMTPRecipientsRefused | ValueError) else next_attempt(made)
        if wait is None:
            return digest._replace(state=DigestState.FAILED.value, attempts=made, next_attempt_at=None)
        return digest._replace(attempts=made, next_attempt_at=desk.clock() + wait)
    return digest._replace(state=DigestState.SENT.value, attempts=made, next_attempt_at=None)


def waiting_for(
    connection: Connection, desk: Desk, theirs: list[Addressee], digest: KnownDigest, history: History
) -> Waiting:
    """What waits for one person, in all of their roles."""
    may = {permission for one in theirs for permission in GRANTS[Role(one.role)]}
    last = digests.before(connection, digest.person, digest.day)
    since = last.position if last else audit.place_of(connection, desk, desk.clock() - _A_DAY)
    decides = Permission.REVIEW in may
    now = desk.clock()
    return Waiting(
        cases=digests.undecided(connection) if decides else {},
        new=digests.undecided_since(connection, after=now - _A_DAY) if decides else 0,
        overdue=digests.overdue(connection, digest.day) if decides else 0,
        questions=_questions(connection, history, digest.person, since, digest.position),
        stopped=[one.id for one in subscriptions.disabled(connection) if _is_news(one, digest.person)],
    )


def _is_news(one: subscriptions.KnownSubscription, person: str) -> bool:
    return one.created_by == person and one.disabled_reason != "by_owner"


def _questions(connection: Connection, history: History, person: str, since: int, until: int) -> int:
    """How many questions were put to somebody between two places in the log, less those answered since."""
    asked = set()
    for record in history.of(connection, ASKED, since):
        facts = json.loads(record.body)["facts"]
        if record.position < until and person in [facts.get(name) for name in WHOM]:
            asked.add(record.entity_id)
    answered = {record.entity_id for record in history.of(connection, ANSWERED, since)} if asked else set()
    return len(asked - answered)


def _message(desk: Desk, digest: KnownDigest, address: str, mail: Mail) -> EmailMessage:
    sender = desk.settings.mail_from
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, address, mail.subject
    message["Date"] = format_datetime(desk.clock())
    # The same in every attempt, so that a mailbox can tell a repetition.
    who = sha256(f"{desk.settings.log_id}:{digest.person}".encode()).hexdigest()[:16]
    message["Message-ID"] = f"<digest-{digest.day.isoformat()}-{who}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _by_smtp(desk: Desk) -> Send:
    """Sends by the firm's mail server. Raises OSError or SMTPException."""
    url = urlsplit(desk.settings.smtp_url.get_secret_value() if desk.settings.smtp_url else "")
    host, context = str(url.hostname), ssl.create_default_context()

    def send(message: EmailMessage) -> None:
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, url.port or (587 if url.username else 25), timeout=_TIMEOUT_S)
        with server:
            if url.scheme == "smtp+starttls":
                server.starttls(context=context)
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(message)

    return send
