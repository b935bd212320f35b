"""Scale-out: one PostgreSQL behind 1, 2 and 4 processes, under SERIALIZABLE with refused commits, behind a pooler."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.databases import _end_with_parent, _free_port, _unprivileged
from tests.faults.races import planted, restarts
from tests.processes import PROPRIETY, serving
from tests.races.rounds import Findings, Shape, play, play_rings

pytestmark = [pytest.mark.race, pytest.mark.postgres]

SOME = [Shape(8, 12), Shape(32, 3)]
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
postgres_only = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


def played(url, servers, seed, tell, shapes=SOME) -> Iterator[Findings]:
    for shape in shapes:
        for found in (play(url, servers, shape, seed=seed), play_rings(url, servers, shape, seed=seed)):
            tell(f"{len(servers)} processes, {shape} {found}")
            yield found


@postgres_only
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_books_are_the_same_however_many_processes_keep_them(database_url, processes, seed, tell):
    with serving(database_url, processes, program=PROPRIETY) as servers:
        for found in played(database_url, servers, seed, tell):
            assert found.wrong == {}


@postgres_only
@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_is_lost_or_doubled_where_commits_are_refused(database_url, processes, seed, tell):
    """SERIALIZABLE, and of the commits one in five is refused with 40001, as a distributed engine may do."""
    with serving(database_url, processes, program=planted("refused_commits")) as servers:
        for found in played(database_url, servers, seed, tell, [Shape(8, 12)]):
            # Whoever collides too often is told that nothing was kept, and nothing was.
            assert set(found.refused) <= {503}, found
            assert {name for name in found.wrong if name not in ("refused", "missed")} == set(), found
        again = sum(sum(restarts(server.log).values()) for server in servers)
        refused = sum(server.log.count("injected") for server in servers)
        tell(f"{again} transactions started again, {refused} of them because the commit was refused")
        assert refused > 0


@contextmanager
def pgbouncer(url: str, folder: Path) -> Iterator[str]:
    """A pooler in transaction mode before a database, with fewer connections to it than clients have to the pooler."""
    server, port = make_url(url), _free_port()
    account = _unprivileged()
    (folder / "users.txt").write_text(f'"{server.username}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server.host} port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\n"
    )
    if account:
        for place in (*folder.parents, folder):
            if place.is_relative_to(tempfile.gettempdir()) and place != Path(tempfile.gettempdir()):
                place.chmod(0o711)
        for place in (folder, *folder.iterdir()):
            shutil.chown(place, account.pw_uid)
    process = subprocess.Popen(
        [str(PGBOUNCER), "-q", str(folder / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "pgbouncer.log").open("wb"),
        user=account.pw_uid if account else None,
        preexec_fn=_end_with_parent,  # noqa: PLW1509
    )
    pooled = server.set(port=port, query={"pooler": "transaction"})
    try:
        _wait_for(pooled.set(drivername="postgresql", query={}).render_as_string(hide_password=False))
        yield pooled.render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("pgbouncer does not answer")


@postgres_only
@pytest.mark.skipif(PGBOUNCER is None, reason="NO PGBOUNCER on this machine: `apt-get install pgbouncer`")
def test_a_pooler_in_transaction_mode_may_stand_between(database_url, seed, tell, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pgbouncer")
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)
    with pgbouncer(database_url, folder) as pooled, serving(pooled, 2, program=PROPRIETY) as servers:
        for found in played(database_url, servers, seed, tell):
            assert found.wrong == {}
        assert not [line for server in servers for line in server.log.splitlines() if "Traceback" in line]
