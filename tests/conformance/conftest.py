"""Conformance: which files of worked examples are driven."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
FILES = (HERE / "cases.yaml", HERE / "more_cases.yaml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per worked example, of our files or of those given with --cases."""
    if "worked_example" not in metafunc.fixturenames:
        return
    files = [Path(given) for given in metafunc.config.getoption("--cases")] or FILES
    read = [(file, case) for file in files for case in YAML(typ="safe").load(file)["cases"]]
    metafunc.parametrize(
        "worked_example", [pytest.param(case, id=f"{file.stem} {case['id']} {case['title']}") for file, case in read]
    )
