"""Fixtures of every test: databases of both kinds, servers, and a loud word when half of the tests could not run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conformance import lacking
from tests.console.chromium import NO_BROWSER
from tests.databases import (
    KINDS,
    NO_POSTGRES,
    REQUIRED_VARIABLE,
    SERVER_VARIABLE,
    Databases,
    Kind,
    NoPostgres,
    binaries,
)

pytest_plugins = ["tests.server", "tests.telling"]

FreshDatabase = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=[*KINDS, "both"], default="both", help="which databases tests run on")
    parser.addoption("--cases", action="append", default=[], metavar="FILE", help="worked examples to drive, not ours")


def pytest_report_header(config: pytest.Config) -> str:
    if SERVER_VARIABLE in os.environ:
        return f"postgresql: the server in {SERVER_VARIABLE}"
    return f"postgresql: {binaries() or 'NONE FOUND'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with a database runs once on each kind, unless it carries the mark of one."""
    own = any("database_kind" in str(mark.args[:1]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "database_kind" not in metafunc.fixturenames or own:
        return
    marked = [kind for kind in KINDS if metafunc.definition.get_closest_marker(kind)]
    kinds = [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in marked or KINDS]
    metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--database")
    others = [kind for kind in KINDS if wanted not in (kind, "both")]
    left_out = [item for item in items if any(item.get_closest_marker(kind) for kind in others)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lacking.summarise(terminalreporter)
    skipped = sum(NO_POSTGRES in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    browserless = sum(NO_BROWSER in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if browserless:
        terminalreporter.section("CHROMIUM IS MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{browserless} tests were skipped: {NO_BROWSER}. What they hold is UNPROVED by this run.", red=True
        )
    if skipped:
        terminalreporter.section("POSTGRESQL IS MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{skipped} tests were skipped: {NO_POSTGRES}. What they hold is UNPROVED by this run.", red=True
        )
        terminalreporter.line(f"Install PostgreSQL, or give the address of a server in {SERVER_VARIABLE}.", red=True)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """New databases of any kind, for tests that need several: `with databases.fresh("postgres") as url`."""
    kept = Databases(tmp_path_factory.mktemp("databases"))
    try:
        yield kept
    finally:
        kept.close()


@pytest.fixture(scope="session")
def postgres_server(databases: Databases) -> str:
    """A libpq address of a running PostgreSQL; skips where there is none. `databases.server` can crash and restart."""
    try:
        return databases.postgres()
    except NoPostgres as missing:
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(f"{missing}, and {REQUIRED_VARIABLE} is set", pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> Kind:
    """The kind of database of this run of the test: "sqlite" or "postgres"."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def fresh_database(databases: Databases, request: pytest.FixtureRequest) -> Iterator[FreshDatabase]:
    """`fresh_database(kind, migrated=True)` makes one more database, there until the test ends, and returns its URL."""
    with ExitStack() as stack:

        def make(kind: Kind, *, migrated: bool = True) -> str:
            if kind == "postgres":
                request.getfixturevalue("postgres_server")
            return stack.enter_context(databases.fresh(kind, migrated=migrated))

        yield make


@pytest.fixture
def database_url(fresh_database: FreshDatabase, database_kind: Kind) -> str:
    """The SQLAlchemy URL of a new, migrated database. A test that asks for it runs once on each kind."""
    return fresh_database(database_kind)
