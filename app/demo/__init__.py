"""`propriety demo`: a worked year, played over HTTP against a real server, with what was flagged and the proof of it.

Refusal
├── Conflict         409
│   └── FileThere         the file to keep the database in is there already
└── Unavailable      503
    ├── NotServing        the server did not start or did not stop
    └── NotAnswered       it answered otherwise than a year without refusals needs
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.demo import playing, proving, telling
from app.demo.drafts import FIRST_DAY, Planned
from app.demo.findings import Findings, found
from app.demo.firm import OFFICER, REPS, SECOND_OFFICER
from app.demo.rules import policy
from app.demo.serving import ToldClock, serving, settings_for
from app.demo.year import DAYS, LAST_RECORDED, year
from app.domain.access import Principal, Role
from app.domain.refusals import Conflict
from app.services import access, audit, sessions, users
from app.services.audit import Verification
from app.services.desk import Connection, Desk
from app.services.users import UserDraft
from app.settings import Settings
from app.storage import database
from app.storage.database import Database

_WIDTH = 100
_CAST_KEY_LIFETIME = timedelta(days=400)
_VISITOR = "visitor of the demonstration"
_VISITOR_KEY_LIFETIME = timedelta(days=90)


class FileThere(Conflict):
    code = "demo_file_there"
    title = "The file is there already"


@dataclass(frozen=True)
class Told:
    """A year that was played: what it came to, the status of every answer, and whether proof and log hold."""

    findings: Findings
    statuses: Sequence[int]
    sent_again: int
    seconds: float
    log: Verification
    proof_holds: bool


def play(*, seed: int, entries: int, keep: Path | None, console: Console | None = None) -> Told:
    """Plays a year and prints what it came to. Exit status 1 where the printed proof or the log does not hold.

    Raises FileThere where the database is to be kept in a file that exists.
    """
    console = console or _console()
    with _file(keep) as file:
        settings = settings_for(f"sqlite:///{file}")
        told = _tell(settings, console, seed=seed, entries=entries)
        key, link = (_visitors_key(settings), _visitors_link(settings)) if keep else (None, None)
    telling.how_to_go_on(console, keep, key, link)
    if not (told.proof_holds and told.log.holds):
        raise SystemExit(1)
    return told


def _console() -> Console:
    console = Console()
    return Console(width=min(console.width, _WIDTH) if console.is_terminal else _WIDTH)


@contextmanager
def _file(keep: Path | None) -> Iterator[Path]:
    """Where the database is: the file to keep, removed where the year is broken off, or one in a temporary folder."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="propriety-demo-") as folder:
            yield Path(folder) / "demo.db"
        return
    if keep.exists():
        raise FileThere(f"{keep} exists and is left as it is: name another file, or remove it first")
    try:
        yield keep.absolute()
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            keep.with_name(keep.name + suffix).unlink(missing_ok=True)
        raise


def _tell(settings: Settings, console: Console, *, seed: int, entries: int) -> Told:
    started = time.monotonic()
    clock = ToldClock(FIRST_DAY + timedelta(days=1))
    planned = year(seed=seed, entries=entries)
    database.migrate(settings.database_url)
    keys = _casts_keys(settings, clock)
    with serving(settings, clock) as url, playing.calling(url, keys) as caller:
        playing.publish(caller, policy(seed=seed, days=DAYS), FIRST_DAY)
        with _progress(console, planned) as told:
            playing.play(caller, clock, planned, told)
        seconds = time.monotonic() - started
        findings = found(caller)
    telling.year(console, findings, f"seed {seed}, {len(planned) / seconds:,.0f} entries a second")
    telling.answers(console, caller.statuses, len(caller.sent_again))
    proof_holds = proving.proof(console, findings)
    proving.pair(console, findings.pair)
    log = _verified(settings)
    telling.log(console, log)
    return Told(findings, caller.statuses, len(caller.sent_again), seconds, log, proof_holds)


@contextmanager
def _progress(console: Console, planned: Sequence[Planned]) -> Iterator[Callable[[date, int], None]]:
    columns = (TextColumn("{task.description:<15}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(planned))
        yield lambda day, sent: progress.update(task, advance=sent, description=f"{day:%B %Y}")


@contextmanager
def _open(settings: Settings) -> Iterator[Database]:
    opened = Database(settings.database_url, pool_size=2)
    try:
        yield opened
    finally:
        opened.close()


def _casts_keys(settings: Settings, clock: ToldClock) -> dict[str, str]:
    """A key for both officers and for every representative, by name."""
    roles = {OFFICER: Role.OFFICER, SECOND_OFFICER: Role.OFFICER} | {rep.name: Role.REP for rep in REPS}
    with _open(settings) as opened:
        desk = Desk(settings, opened, clock)

        def make(connection: Connection) -> dict[str, str]:
            return {name: _key(connection, desk, name, role, _CAST_KEY_LIFETIME) for name, role in roles.items()}

        return opened.write(make)


def _visitors_key(settings: Settings) -> str:
    """An officer's key for whoever goes on with the database, now or when the year that was told is over."""
    clock = ToldClock(LAST_RECORDED)
    lifetime = max(datetime.now(UTC) - clock(), timedelta()) + _VISITOR_KEY_LIFETIME
    with _open(settings) as opened:
        desk = Desk(settings, opened, clock)
        return opened.write(lambda connection: _key(connection, desk, _VISITOR, Role.OFFICER, lifetime))


def _visitors_link(settings: Settings) -> str:
    """What signs an officer in to the console once, from now on by the clock on the wall."""
    with _open(settings) as opened:
        desk = Desk(settings, opened)

        def make(connection: Connection) -> str:
            admin = Principal("demo", "demo", Role.ADMIN, "demo")
            user = users.create(connection, desk, admin, _VISITOR, UserDraft("Visitor", None, Role.OFFICER))
            return sessions.make_link(connection, desk, user.id, by="demo", door="cli")

        return opened.write(make)


def _key(connection: Connection, desk: Desk, name: str, role: Role, lifetime: timedelta) -> str:
    _, secret = access.create_key(
        connection, desk, name=name, role=role, person=name, lifetime=lifetime, by="demo", door="cli"
    )
    return secret


def _verified(settings: Settings) -> Verification:
    with _open(settings) as opened, opened.reading() as connection:
        return audit.verify(connection, settings.log_id)
