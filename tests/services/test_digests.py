"""The daily digest, by a real mail server on this machine: who gets one, what it says, and that it comes once."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from app.domain.access import Role
from app.domain.digests import Waiting, compose
from app.services import digests
from app.services.desk import Desk
from app.settings import Settings
from app.worker import Background
from tests.services.post_office import PostOffice, done, open_office

SENDER = "propriety@firm.example"

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class Mailbox:
    """What a mail server took in. `refuses` is what it says to an addressee instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.addressees: list[str] = []
        self.refuses: dict[str, str] = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if address not in self.refuses:
            envelope.rcpt_tos.append(address)
        return self.refuses.get(address, "250 OK")

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, EmailMessage, policy=policy.default))  # type: ignore[arg-type]
        self.addressees += envelope.rcpt_tos
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def post(mailbox: Mailbox) -> Iterator[str]:
    """The address of a mail server that lets in whoever knows the password."""

    def knows(*asked: Any) -> AuthResult:
        return AuthResult(success=(asked[-1].login, asked[-1].password) == (b"pro priety", b"p@ss"))

    server = Controller(
        mailbox, "127.0.0.1", free_port(), authenticator=knows, auth_required=True, auth_require_tls=False
    )
    server.start()
    yield f"smtp://pro%20priety:p%40ss@127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def office(database_url: str) -> Iterator[PostOffice]:
    with open_office(database_url) as opened:
        yield opened


def desk_with(office: PostOffice, url: str | None, **more: Any) -> Desk:
    """The server's desk, as it would be with mail set up."""
    kept = office.server.desk
    settings = Settings(
        database_url=kept.settings.database_url,
        smtp_url=url,
        mail_from=SENDER,
        public_url="https://propriety.firm.example/",
        **more,
    )
    return replace(kept, settings=settings)


def key(office: PostOffice, person: str, role: str, email: str | None) -> dict[str, Any]:
    """A key that an administrator makes for somebody."""
    admin = office.server.as_(Role.ADMIN, "ada")
    return done(admin.post("/v1/keys", json={"name": person, "person": person, "role": role, "email": email}))


def asked(office: PostOffice, action: str, entity: str, **facts: object) -> None:
    """What whoever asks a question writes into history."""
    desk = office.server.desk

    def note(connection: Any) -> None:
        journal = desk.journal()
        version = 1 if action == "question.asked" else 2
        journal.note(entity, version, action, facts, desk.stamp("olivia"))
        journal.seal(connection)

    desk.database.write(note)


def test_an_officer_reads_what_waits_and_nobody_is_named(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    key(office, "nobody", "officer", None)
    office.gift("400.00", "old")
    office.clock.forward(days=11)
    office.gift("500.00", "new")
    assert digests.send_due(desk_with(office, post)) == 1
    [mail] = mailbox.mails
    assert mailbox.addressees == ["oscar@firm.example"]
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == (SENDER, "oscar@firm.example", "auto-generated")
    assert mail["Subject"] == f"Propriety, {office.clock.today}: 2 open, 1 overdue"
    text = mail.get_content()
    assert "Violations waiting for a decision: 2" in text
    assert "new in the last day: 1" in text
    assert "https://propriety.firm.example/v1/violations?state=open" in text
    for word in ("Old", "New Person", "Northgate", "rhea", "oscar"):
        assert word not in text


def test_one_digest_a_day_from_the_hour_on(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    office.gift("400.00")
    late = desk_with(office, post, digest_hour=13)
    assert digests.send_due(late) == 0
    office.clock.forward(hours=1)
    assert [digests.send_due(late) for _ in range(3)] == [1, 0, 0]
    office.clock.forward(days=1)
    assert [digests.send_due(late) for _ in range(2)] == [1, 0]
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert len(set(ids)) == len(ids) == 2


def test_where_nothing_waits_nothing_is_sent(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    key(office, "ravi", "rep", "ravi@firm.example")
    desk = desk_with(office, post)
    assert digests.send_due(desk) == 0
    office.gift("400.00")
    assert digests.send_due(desk) == 0, "one look a day"
    assert mailbox.mails == []
    assert office.count("SELECT count(*) FROM digests WHERE state = 'empty'") == 2


def test_a_representative_hears_of_questions_and_nothing_else(office: PostOffice, mailbox: Mailbox, post: str):
    for person in ("rhea", "ravi", "arun"):
        key(office, person, "rep", f"{person}@firm.example")
    office.gift("400.00")
    asked(office, "question.asked", "qst_1", asked="rhea")
    asked(office, "question.asked", "qst_2", asked="rhea")
    asked(office, "question.asked", "qst_3", asked="ravi")
    asked(office, "question.answered", "qst_3")
    desk = desk_with(office, post)
    assert digests.send_due(desk) == 1
    [mail] = mailbox.mails
    assert (mail["To"], mail["Subject"].split(": ")[1]) == ("rhea@firm.example", "2 questions for you")
    assert "iolation" not in mail.get_content()
    office.clock.forward(days=1)
    assert digests.send_due(desk) == 0, "it has been said"


def test_the_owner_of_a_subscription_hears_that_it_stopped(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "ada", "admin", "ada@firm.example")
    made = office.subscribe("/a", "entry.recorded", by=office.server.as_(Role.ADMIN, "ada"))
    office.sink.answers("/a", lambda _, line: line.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"))
    office.gift("400.00")
    office.deliver()
    assert digests.send_due(desk_with(office, post)) == 1
    [mail] = mailbox.mails
    assert made["id"] in mail.get_content()
    assert "iolation" not in mail.get_content(), "an administrator sees no cases"


def test_an_ended_key_is_not_written_to(office: PostOffice, mailbox: Mailbox, post: str):
    office.gift("400.00")
    made = key(office, "oscar", "officer", "oscar@firm.example")
    key(office, "olga", "officer", "old@firm.example")
    key(office, "olga", "officer", "olga@firm.example")
    done(office.server.as_(Role.ADMIN, "ada").delete(f"/v1/keys/{made['id']}"))
    assert digests.send_due(desk_with(office, post)) == 1
    assert mailbox.addressees == ["olga@firm.example"]


def test_a_mail_server_that_is_away_is_asked_again(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    office.gift("400.00")
    nobody = desk_with(office, f"smtp://127.0.0.1:{free_port()}")
    assert digests.send_due(nobody) == 0
    assert digests.send_due(desk_with(office, post)) == 0, "not before its time"
    office.clock.forward(minutes=5)

    def not_us(_: EmailMessage) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"who are you?")

    assert digests.send_due(desk_with(office, post), not_us) == 0
    office.clock.forward(minutes=30)
    assert digests.send_due(desk_with(office, post)) == 1
    assert len(mailbox.mails) == 1
    assert office.count("SELECT attempts FROM digests WHERE person = 'oscar'") == 3


def test_an_address_that_is_refused_is_left_alone(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    key(office, "olga", "officer", "olga@firm.example")
    mailbox.refuses["oscar@firm.example"] = "550 no such user"
    office.gift("400.00")
    desk = desk_with(office, post)
    assert digests.send_due(desk) == 1, "one that fails does not take the others along"
    office.clock.forward(hours=6)
    assert digests.send_due(desk) == 0
    assert office.count("SELECT count(*) FROM digests WHERE state = 'failed'") == 1


def test_two_workers_send_it_once(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    office.gift("400.00")
    desk = desk_with(office, post)
    sent: list[int] = []

    def meanwhile(message: EmailMessage) -> None:
        sent.append(digests.send_due(desk))
        raise smtplib.SMTPServerDisconnected

    assert digests.send_due(desk, meanwhile) == 0
    assert sent == [0]


def test_without_a_mail_server_there_is_no_mail(office: PostOffice):
    key(office, "oscar", "officer", "oscar@firm.example")
    office.gift("400.00")
    assert not digests.configured(office.server.desk)
    assert digests.send_due(office.server.desk) == 0
    assert office.count("SELECT count(*) FROM digests") == 0


def test_the_worker_sends_it(office: PostOffice, mailbox: Mailbox, post: str):
    key(office, "oscar", "officer", "oscar@firm.example")
    office.gift("400.00")
    background = Background(desk_with(office, post))
    try:
        for _ in range(500):
            if mailbox.mails:
                break
            office.sink.ended.wait(0.02)
    finally:
        background.close()
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("url", ["http://mail.example", "mail.example:25", "smtp://", "smtp:///x"])
def test_an_address_of_no_mail_server_is_refused_at_the_start(url: str):
    with pytest.raises(ValueError, match="smtp://"):
        Settings(smtp_url=url)


@pytest.mark.parametrize(
    ("waiting", "subject"),
    [
        (Waiting(), None),
        (Waiting(cases={"high": 0}), None),
        (Waiting(cases={"high": 1}), "1 open"),
        (Waiting(cases={"high": 1, "low": 2}, overdue=1), "3 open, 1 overdue"),
        (Waiting(questions=1), "1 question for you"),
        (Waiting(cases={"odd": 2}, questions=2), "2 open; 2 questions for you"),
        (Waiting(stopped=["sub_1"]), "a webhook is disabled"),
    ],
)
def test_a_digest_says_what_waits(waiting: Waiting, subject: str | None):
    mail = compose(waiting, date(2026, 6, 15))
    assert (mail and mail.subject) == (f"Propriety, 2026-06-15: {subject}" if subject else None)
