"""Conformance: which files of worked examples are driven, and what they need that the service does not offer yet."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from app.main import create_app
from app.settings import Settings

HERE = Path(__file__).parent
FILES = (HERE / "cases.yaml", HERE / "more_cases.yaml")
NOT_YET = "not yet supported: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per worked example, of our files or of those given with --cases."""
    if "worked_example" not in metafunc.fixturenames:
        return
    files = [Path(given) for given in metafunc.config.getoption("--cases")] or FILES
    read = [(file, case) for file in files for case in YAML(typ="safe").load(file)["cases"]]
    metafunc.parametrize(
        "worked_example", [pytest.param(case, id=f"{file.stem} {case['id']} {case['title']}") for file, case in read]
    )


@pytest.fixture(scope="session")
def routes() -> set[tuple[str, str]]:
    """What a server offers, asked once: writing the OpenAPI document takes longer than driving a case."""
    paths = create_app(Settings(database_url="sqlite://")).openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases were not driven to their end, and for want of what."""
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    found = Counter(lacking[1] for reason in reasons if (lacking := re.search(f"{NOT_YET}(\\w+)", reason)))
    if found:
        terminalreporter.section("NOT YET SUPPORTED", sep="!", yellow=True, bold=True)
        for capability, cases in found.most_common():
            terminalreporter.line(f"{capability}: {cases} tests stopped at the first step that needs it", yellow=True)
