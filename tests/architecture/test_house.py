"""What import contracts cannot say of the house: no clock below, no float, stable codes, one line of migrations."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine

import app

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
DOMAIN = APP / "domain"

IMPURE_MODULES = {
    "asyncio",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7", "open", "print", "input", "getenv"}

# Where a float may stand on the lower floors: time-outs only, as (file, what carries the number).
FLOATS_THAT_MEASURE_TIME = {("app/storage/database.py", "write")}

NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc", "shared", "lib"}

# Letters in brackets keep these patterns from finding themselves.
NETWORK_ADDRESSES_OF_INDEXES = re.compile(
    r"py[p]i\.(org|python)|pythonhoste[d]|registry\.np[m]js|https?://[^\s\"'<>]+/simpl[e]\b|(--index-ur[l]|-index-ur[l]\s*=)"
)
PATHS_OF_ONE_MACHINE = re.compile(r"\.\./share[d]\b|/wor[k]/(main|shared)|/roo[t]/\.|/opt/py[p]i|/tmp/bas[h]_jobs")


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in the file, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno


def tracked_files() -> list[Path]:
    """What is or is about to be in the repository."""
    asked = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git repository")
    return [file for name in listed.stdout.split("\0") if name and (file := ROOT / name).is_file()]


@pytest.fixture(scope="module")
def whole_app() -> None:
    """Import every module of the application, so that every subclass and every table is known."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


# The rules


def test_the_domain_needs_the_standard_library_only():
    strangers = [
        f"{named(file)}:{line} imports {module}"
        for file in sources(DOMAIN)
        for module, line in imported(parsed(file))
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("app.domain")
    ]
    assert strangers == []


def test_the_domain_asks_neither_clock_nor_chance_nor_machine():
    found = [
        f"{named(file)}:{line} imports {module}"
        for file in sources(DOMAIN)
        for module, line in imported(parsed(file))
        if module in IMPURE_MODULES
    ]
    for file in sources(DOMAIN):
        for node in ast.walk(parsed(file)):
            called = node.func if isinstance(node, ast.Call) else None
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name in IMPURE_CALLS:
                found.append(f"{named(file)}:{called.lineno} calls {name}()")
    assert found == []


def test_only_screening_calls_the_rule_functions():
    """Types of `app.domain.screening` (in CapWords) are everybody's; its functions belong to the one judge."""
    judges = [
        f"{named(file)}:{node.lineno} imports {alias.name}"
        for file in sources(APP)
        if DOMAIN not in file.parents and not is_module(file, "app.services.screening")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ImportFrom) and node.module == "app.domain.screening"
        for alias in node.names
        if not alias.name[0].isupper()
    ]
    whole = [
        f"{named(file)}:{line} imports the whole of {module}"
        for file in sources(APP)
        if DOMAIN not in file.parents and not is_module(file, "app.services.screening")
        for module, line in imported_whole(parsed(file))
        if module.startswith("app.domain.screening")
    ]
    assert judges + whole == []


def is_module(file: Path, module: str) -> bool:
    dotted = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return dotted == module or dotted.startswith(f"{module}.")


def imported_whole(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Modules imported as such: `import a.b`, `from a import b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (f"{node.module}.{alias.name}", node.lineno) for alias in node.names if node.module == "app.domain"
            )


# Money


def floats(node: ast.AST, carrier: str = "") -> Iterator[tuple[str, int]]:
    """Every float literal and use of the type, with the name of what carries it. Refusing one by isinstance is none."""
    match node:
        case ast.Call(func=ast.Name(id="isinstance")):
            return
        case ast.Constant(value=float() | complex()) | ast.Name(id="float" | "complex"):
            yield carrier, node.lineno
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            carrier = name
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            carrier = name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            carrier = name
    for child in ast.iter_child_nodes(node):
        yield from floats(child, carrier)


def test_no_float_where_money_is():
    found = [
        f"{named(file)}:{line} in {carrier or 'the module'}"
        for floor in ("domain", "services", "storage")
        for file in sources(APP / floor)
        for carrier, line in floats(parsed(file))
        if (named(file), carrier) not in FLOATS_THAT_MEASURE_TIME
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "carriers"),
    [
        ("price: float = 0", ["price"]),
        ("limit = 100.0", ["limit"]),
        ("def rate(of): return float(of)", ["rate"]),
        ("wait(timeout_s=0.5)", ["timeout_s"]),
        ("def share(amount: list[float | None]): ...", ["amount"]),
        ("isinstance(value, float)", []),
        ("share = total // 3", []),
    ],
)
def test_a_float_is_found_however_it_is_written(line, carriers):
    assert [carrier for carrier, _ in floats(ast.parse(line))] == carriers


# Refusals


def refusals() -> list[type]:
    from app.domain.refusals import Refusal

    def below(kind: type) -> Iterator[type]:
        for subclass in kind.__subclasses__():
            yield subclass
            yield from below(subclass)

    return sorted(
        {kind for kind in below(Refusal) if kind.__module__.startswith("app.")}, key=lambda kind: kind.__qualname__
    )


@pytest.mark.usefixtures("whole_app")
def test_every_refusal_has_a_code_of_its_own():
    without = [
        kind.__qualname__ for kind in refusals() if not re.fullmatch(r"[a-z][a-z0-9_]*", vars(kind).get("code", ""))
    ]
    assert without == []
    twice = [code for code, times in Counter(vars(kind)["code"] for kind in refusals()).items() if times > 1]
    assert twice == []


@pytest.mark.usefixtures("whole_app")
def test_every_refusal_is_the_callers_or_passes_by_itself():
    others = [
        f"{kind.__qualname__}: {kind.status}"
        for kind in refusals()
        if not (400 <= kind.status < 500 or kind.status == 503)
    ]
    assert others == []


# Migrations


def migrations() -> list[Script]:
    """Oldest first."""
    config = Config(str(ROOT / "alembic.ini"))
    return list(ScriptDirectory.from_config(config).walk_revisions())[::-1]


def test_migrations_are_numbered_sentences_without_a_gap():
    files = sorted(Path(script.path).name for script in migrations())
    assert files, "there are no migrations"
    for number, file in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9]+(_[a-z0-9]+)*\.py", file), f"{file} is number {number}"


def test_migrations_form_one_line_in_the_order_of_their_numbers():
    line = migrations()
    assert [Path(script.path).name for script in line] == sorted(Path(script.path).name for script in line)
    assert [script.down_revision for script in line] == [None, *(script.revision for script in line[:-1])]


@pytest.mark.usefixtures("whole_app")
def test_migrations_arrive_at_the_tables_that_the_code_knows(database_url):
    from app.storage.tables import Base

    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []
    finally:
        engine.dispose()


# Files


def test_every_file_opens_with_a_line_that_says_what_it_is_about():
    silent = [named(file) for file in sources(APP) if not re.match(r'"""\S.*\S', file.read_text())]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing():
    empty = [named(path) for path in APP.rglob("*") if path.stem in NAMES_THAT_SAY_NOTHING]
    assert empty == []


@pytest.mark.parametrize("pattern", [NETWORK_ADDRESSES_OF_INDEXES, PATHS_OF_ONE_MACHINE], ids=["index", "machine"])
def test_the_repository_knows_no_package_index_and_no_machine(pattern):
    found = []
    for file in tracked_files():
        text = file.read_bytes().decode(errors="replace")
        found += [f"{named(file)}: {hit.group()}" for hit in pattern.finditer(text)]
    assert found == []
