"""The command line: serve, work, migrate, demonstrate, import a file, check a policy, manage keys, verify history."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from app.domain.access import Principal, Role
from app.domain.money import parse_minor
from app.domain.refusals import Refusal
from app.services import access, audit, connections, erasures, imports, packs, sessions
from app.services.desk import Desk
from app.services.imports import KnownImport
from app.settings import Settings
from app.storage import database
from app.storage.database import Database

T = TypeVar("T")
out = Console()
err = Console(stderr=True)
cli = typer.Typer(
    name="propriety",
    help="Gifts and entertainment limits for broker-dealers: recorded, added up, judged and proved.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
policy_cli = typer.Typer(help="Policy documents.", no_args_is_help=True)
keys_cli = typer.Typer(help="API keys.", no_args_is_help=True)
users_cli = typer.Typer(help="People who sign in to the console.", no_args_is_help=True)
audit_cli = typer.Typer(help="The audit log.", no_args_is_help=True)
cli.add_typer(policy_cli, name="policy")
cli.add_typer(keys_cli, name="keys")
connections_cli = typer.Typer(help="Connected systems.", no_args_is_help=True)
cli.add_typer(audit_cli, name="audit")
cli.add_typer(users_cli, name="users")
cli.add_typer(connections_cli, name="connections")

DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="database URL; default: PROPRIETY_DATABASE_URL, else ./propriety.db")
]


def main() -> None:
    """Runs the command line; what is refused is one sentence and exit status 1."""
    try:
        cli()
    except Refusal as refusal:
        _complain(refusal)
        sys.exit(1)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            name = "PROPRIETY_" + "_".join(map(str, one["loc"])).upper()
            err.print(f"[bold red]{name}[/]: {one['msg']}")
        sys.exit(2)


def _complain(refusal: Refusal) -> None:
    err.print(f"[bold red]{refusal.title}[/]: {refusal.detail}", highlight=False)
    for fault in refusal.faults:
        err.print(f"  {fault.pointer or '/'}  {fault.detail}", highlight=False, markup=False)


def _settings(url: str | None) -> Settings:
    return Settings(database_url=url) if url else Settings()


@contextmanager
def _desk(url: str | None, *, pool_size: int = 2) -> Iterator[Desk]:
    settings = _settings(url)
    opened = Database(settings.database_url, pool_size=pool_size)
    try:
        database.require_schema(opened)
        yield Desk(settings, opened)
    finally:
        opened.close()


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on; default: PROPRIETY_HOST, 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="port; default: PROPRIETY_PORT, 8000; 0 takes a free one")] = None,
    url: DatabaseUrl = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "info",
) -> None:
    """Start the service. SQLite is brought to the newest schema first; PostgreSQL waits for `propriety migrate`."""
    settings = _settings(url)
    if settings.database_url.startswith("sqlite"):
        database.migrate(settings.database_url)
    from app.main import create_app

    with _desk(url):
        app = create_app(settings)
    address = settings.public_url or f"http://{host or settings.host}:{settings.port if port is None else port}"
    # Beside the start, not before it: whoever writes to the database at this moment must not hold the service up.
    threading.Thread(target=_welcome, args=(url, address), daemon=True).start()
    # After a graceful end uvicorn raises the signal again; to whoever supervises the service that end is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What start-up made stays for good, so no collection needs to look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    uvicorn.run(
        app,
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_level=log_level,
        access_log=False,
        timeout_graceful_shutdown=30,
        server_header=False,
    )


def _welcome(url: str | None, address: str) -> None:
    """Where the console is; on a fresh installation with the link by which its first administrator signs in."""
    token = None
    with suppress(Refusal):  # a database that is busy or away at this moment is no reason not to serve
        token = _write(url, sessions.first_link)
    # On standard error, unbuffered and uncut: a supervisor's log must not hold a link that waits in a buffer.
    print(f"Console: {address}/console", file=sys.stderr)
    if token is not None:
        print(f"First sign-in, works once: {_link(address, token)}", file=sys.stderr, flush=True)


def _link(address: str, token: str) -> str:
    return f"{address}/console/sign-in/link?token={token}"


@cli.command()
def worker(url: DatabaseUrl = None) -> None:
    """Run the work that waits in the background, until interrupted."""
    from app.worker import run

    with _desk(url, pool_size=_settings(url).pool_size) as desk:
        run(desk)


@cli.command()
def migrate(url: DatabaseUrl = None) -> None:
    """Bring the database to the newest schema; safe to run from several places at once."""
    settings = _settings(url)
    database.migrate(settings.database_url)
    out.print(f"The database is at revision {database.newest_revision()}.")


@cli.command()
def demo(
    seed: Annotated[int, typer.Option(help="another seed makes another year")] = 2026,
    entries: Annotated[int, typer.Option(min=50, max=100_000, help="how many entries to record")] = 4000,
    keep: Annotated[Path | None, typer.Option(help="keep the database in this file, to go on with")] = None,
) -> None:
    """Play a worked year over HTTP on a fresh SQLite database and show what was flagged and why."""
    from app.demo import play

    play(seed=seed, entries=entries, keep=keep)


@cli.command()
def health(
    url: Annotated[str, typer.Option("--url", help="the running service")] = "http://127.0.0.1:8000",
) -> None:
    """Ask a running service whether it is ready; exit status 1 where it is not."""
    try:
        answer = httpx.get(f"{url}/health/ready", timeout=5)
    except httpx.HTTPError as error:
        err.print(f"[bold red]not reachable[/]: {type(error).__name__} at {url}")
        raise typer.Exit(1) from error
    out.print(f"{url}: {answer.json().get('status', answer.status_code)}")
    raise typer.Exit(0 if answer.status_code == 200 else 1)


@cli.command()
def purge(
    url: DatabaseUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
) -> None:
    """Erase the words of what has been kept for PROPRIETY_RETENTION_YEARS and is on no legal hold; sums stay."""
    with _desk(url) as desk:
        with desk.database.reading() as connection:
            found = erasures.due(connection, desk)
        out.print(
            f"Kept long enough, until {found.until}: {found.entries} entries and {found.recipients} recipients may go; "
            f"{found.held} entries are on legal hold."
        )
        if dry_run:
            return
        with Progress(SpinnerColumn(), TextColumn("{task.completed} erased"), console=err, transient=True) as progress:
            task = progress.add_task("purge", total=None)
            done = erasures.purge(desk, by="command-line", progress=lambda n: progress.update(task, completed=n))
    out.print(
        f"Erased: {done.entries} entries, {done.recipients} recipients, {done.answers} kept answers, "
        f"{done.drafts} drafts that were never confirmed, {done.messages} messages, {done.lines} lines of files, "
        f"{done.reads} notes of who read what, {done.reports} files of reports."
    )


@cli.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON Lines, or a zip of two CSV files")],
    attendees: Annotated[Path | None, typer.Argument(help="a second CSV file, with the attendees")] = None,
    profile: Annotated[str, typer.Option(help="the mapping profile: its name, or a YAML file")] = "generic",
    purpose: Annotated[str, typer.Option(help="entries, drafts or expenses")] = "entries",
    by: Annotated[str, typer.Option(help="in whose name")] = "command-line",
    apply: Annotated[
        bool, typer.Option("--apply", help="carry it out; without, only what it would do is shown")
    ] = False,
    result: Annotated[Path | None, typer.Option(help="write what every line comes to into this CSV file")] = None,
    url: DatabaseUrl = None,
) -> None:
    """Import a file of expenses: try it and show what it would do; with --apply carry it out."""
    principal = Principal("command-line", "command-line", Role.OFFICER, by)
    with _desk(url) as desk, imports.handed(desk, [file, *filter(None, [attendees])], profile, purpose) as handed:
        one, _ = imports.receive(desk, principal, handed)
        one = _worked(desk, principal, one.id)
        if apply and one.state in ("checked", "failed"):
            desk.database.write(
                lambda connection: imports.apply(connection, desk, principal, one.id, version=one.version)
            )
            one = _worked(desk, principal, one.id)
        _tell_import(one)
        if result is not None:
            with result.open("w", encoding="utf-8", newline="") as opened:
                opened.writelines(imports.result(desk.database, one.id))


def _worked(desk: Desk, principal: Principal, import_id: str) -> KnownImport:
    """An import when nothing more happens to it by itself; a running service may do its part."""
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("import", total=None)
        while True:
            with desk.database.reading() as connection:
                one = imports.get(connection, principal, import_id)
            if one.state not in ("checking", "applying"):
                return one
            progress.update(task, total=one.lines, completed=one.checked if one.state == "checking" else one.applied)
            if not imports.work_once(desk):
                time.sleep(0.2)


def _tell_import(one: KnownImport) -> None:
    summary = json.loads(one.summary)
    table = Table("", "would be", "applied", title=f"{one.id}: {one.lines} expenses, {one.state}")
    for name in ("new", "unchanged", "changed", "refused", "skipped", "creates", "violations"):
        counts = [str(summary.get(part, {}).get(name, "")) for part in ("check", "applied")]
        if any(counts):
            table.add_row(name, *counts)
    out.print(table)


@policy_cli.command("check")
def policy_check(file: Annotated[Path, typer.Argument(help="a policy document, YAML or JSON")]) -> None:
    """Check a policy document without publishing it: every fault with its rule, field and allowed values."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        err.print(f"[bold red]{file}[/] cannot be read: {error.__class__.__name__}")
        raise typer.Exit(1) from error
    policy = packs.check(text)
    table = Table("rule", "name", "measure", "limit today and before", "period", title=f"{file}: valid")
    for rule in policy.rules:
        limits = ", ".join(f"{row.value / 10**rule.exponent:.{rule.exponent}f}" for row in rule.limit_schedule)
        table.add_row(rule.id, rule.name, rule.measure, limits, rule.period.type)
    out.print(table)


@policy_cli.command("packs")
def policy_packs() -> None:
    """List the policy packs that come with the service."""
    table = Table("pack", "rules")
    for name in packs.pack_names():
        table.add_row(name, ", ".join(rule["id"] for rule in packs.pack(name).get("rules", [])))
    out.print(table)


def _write(url: str | None, work: Callable[[Any, Desk], T]) -> T:
    with _desk(url) as desk:
        return desk.database.write(lambda connection: work(connection, desk))


@keys_cli.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="what the key is for")],
    role: Annotated[Role, typer.Option(help="what its holder may do")],
    person: Annotated[str | None, typer.Option(help="how entries name the holder as giver; default: the name")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long it is valid")] = 365,
    email: Annotated[str | None, typer.Option(help="where the daily digest goes, once mail is configured")] = None,
    waiver_limit: Annotated[
        str,
        typer.Option(help='what an officer may waive without a second person, such as "500.00 USD"; default: nothing'),
    ] = "",
    url: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Make an API key and print it, this once."""
    settings = _settings(url)
    if settings.database_url.startswith("sqlite"):
        database.migrate(settings.database_url)
    key, secret = _write(
        url,
        lambda connection, desk: access.create_key(
            connection,
            desk,
            name=name,
            role=role,
            person=person or name,
            lifetime=timedelta(days=days),
            by="command-line",
            door="cli",
            email=email,
            waiver=_amount(waiver_limit),
        ),
    )
    if as_json:
        print(json.dumps({"id": key.id, "role": key.role, "secret": secret}))
        return
    out.print(f"{key.id} ({key.role}), valid until {key.expires_at:%Y-%m-%d}. The key is shown this once:")
    print(secret)


def _amount(said: str) -> tuple[int, str]:
    """Minor units and currency of an amount such as "500.00 USD"; nothing, where nothing is said."""
    if not said:
        return 0, ""
    amount, _, code = said.partition(" ")
    digits = packs.exponent(code)
    try:
        if digits is None:
            raise ValueError(f"{code or 'nothing'} is not a currency")
        return parse_minor(amount, digits), code
    except ValueError as error:
        raise typer.BadParameter(f"write the limit as '500.00 USD': {error}") from error


@keys_cli.command("list")
def keys_list(url: DatabaseUrl = None) -> None:
    """List the keys, newest first, without their secrets."""
    with _desk(url) as desk, desk.database.reading() as connection:
        table = Table("key", "name", "role", "person", "expires", "revoked")
        for key in access.keys(connection, after=None, limit=1000):
            expires = f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never"
            revoked = f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
            table.add_row(key.id, key.name, key.role, key.person, expires, revoked)
    out.print(table)


@keys_cli.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="key_…")], url: DatabaseUrl = None) -> None:
    """End a key; the next request with it is refused."""
    key = _write(
        url, lambda connection, desk: access.revoke_key(connection, desk, key_id, by="command-line", door="cli")
    )
    out.print(f"{key.id} is revoked.")


@users_cli.command("link")
def users_link(
    person: Annotated[str, typer.Argument(help="the user, as entries name them")],
    address: Annotated[str, typer.Option(help="where the console is")] = "http://127.0.0.1:8000",
    url: DatabaseUrl = None,
) -> None:
    """Make a link that signs a user in once within two days, such as the first time or after a forgotten password."""
    token = _write(url, lambda connection, desk: sessions.link_for_person(connection, desk, person, by="command-line"))
    if token is None:
        err.print("There is no such user")
        raise typer.Exit(1)
    print(_link(_settings(url).public_url or address, token))


@audit_cli.command("verify")
def audit_verify(url: DatabaseUrl = None) -> None:
    """Recompute the log's tree from the stored bytes and hold it against the head; exit status 1 where it differs."""
    with (
        _desk(url) as desk,
        desk.database.reading() as connection,
        Progress(SpinnerColumn(), TextColumn("{task.completed} records"), console=err, transient=True) as progress,
    ):
        task = progress.add_task("verify", total=None)
        found = audit.verify(
            connection, desk.settings.log_id, progress=lambda done: progress.update(task, completed=done)
        )
    out.print(f"{found.size} records, root {found.root}", highlight=False, soft_wrap=True)
    for fault in found.faults:
        err.print(f"[bold red]fault[/]: {fault}", highlight=False)
    out.print("The log holds." if found.holds else "The log does NOT hold.")
    raise typer.Exit(0 if found.holds else 1)


@connections_cli.command("test")
def connections_test(
    connection_id: Annotated[str, typer.Argument(help="con_…")],
    at: Annotated[
        str | None, typer.Option("--at", help="the running service; default: PROPRIETY_PUBLIC_URL, else this machine")
    ] = None,
    url: DatabaseUrl = None,
) -> None:
    """Send a message that means nothing, proved as the connected system would; exit status 1 where it is not taken."""
    with _desk(url) as desk:
        settings = desk.settings
        service = at or settings.public_url or f"http://127.0.0.1:{settings.port}"
        checks = connections.look(desk, connection_id, at=service.rstrip("/"))
    table = Table("what", "holds", "found", title=connection_id)
    for one in checks:
        table.add_row(one.name, "yes" if one.holds else "NO", one.found)
    out.print(table)
    raise typer.Exit(0 if all(one.holds for one in checks) else 1)
