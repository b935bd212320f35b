"""The machines are worth something: whoever gets one line of corrections or identity wrong is caught by them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.faults.corrections import WRITTEN_WRONG, faults, plant
from tests.faults.engine import Fault, forget
from tests.machines.checking import Checker
from tests.machines.dealing import script
from tests.machines.desk_firm import DeskFirm
from tests.machines.playing import played
from tests.telling import Tell

LIVES, LENGTH = 60, 25


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Right and wrong answers that the domain remembers never mix."""
    yield
    forget()


def caught(databases: Databases, life: int) -> str | None:
    """What is found wrong in a dealt life; None where nothing is."""
    start, ops = script(life, LENGTH)
    with databases.fresh("sqlite") as url, DeskFirm(url) as firm:
        try:
            played(firm, start, ops, Checker(firm))
        except Exception as found:  # noqa: BLE001 - a service that breaks is caught too
            return f"{type(found).__name__}: {str(found).partition(chr(10))[0]}"
    return None


@pytest.mark.parametrize(("fault", "life"), [pytest.param(*one, id=one[0].sentence) for one in faults(WRITTEN_WRONG)])
def test_a_dealt_life_catches_that(
    databases: Databases, fault: Fault, life: int, monkeypatch: pytest.MonkeyPatch, tell: Tell
):
    plant(fault, monkeypatch)
    for number in (life, *(other for other in range(LIVES) if other != life)):
        if found := caught(databases, number):
            tell(f"caught in life {number}: {found[:100]}")
            return
    pytest.fail(f"{fault.sentence}: unnoticed in {LIVES} lives")


def test_without_a_fault_nothing_is_found(databases: Databases):
    assert [caught(databases, life) for life in range(3)] == [None] * 3
