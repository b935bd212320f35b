"""Telling: what a long or random test looked at, shown at the end of the run whatever process it ran in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Tell = Callable[[str], None]
_TOLD = "told"


@pytest.fixture
def tell(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Tell:
    """`tell("300 rounds, none missed")` is shown at the end of the run beside the name of the test."""
    return lambda line: record_property(_TOLD, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every line that was told, test by test."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    lines = [
        (report.nodeid.partition("::")[2], line)
        for report in reports
        if report.when == "call"
        for name, line in report.user_properties
        if name == _TOLD
    ]
    if lines:
        terminalreporter.section("what was looked at")
        for test, line in lines:
            terminalreporter.line(f"{test}: {line}")
