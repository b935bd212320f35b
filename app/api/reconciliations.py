"""Reconciliations over HTTP: a month of expenses against entries, by person, and one person's month line by line."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, WithJsonSchema

from app.api.asking import AskedBy, answer
from app.api.fields import Cursor, Limit, MoneyOut, currency_of, money, read_day
from app.api.paging import ListOut, fingerprint, page, read_cursor
from app.api.problems import Problem
from app.api.requests import StrictRoute
from app.domain.reconciliations import Paid, Pair, Standing
from app.services import reconciliations
from app.services.reconciliations import Reconciled

router = APIRouter(prefix="/v1", tags=["imports"], route_class=StrictRoute)


def _month(value: Any) -> date:
    return read_day(f"{value}-01" if isinstance(value, str) and len(value) == 7 else None)


def _known(name: str) -> str:
    if not name.isprintable():
        raise ValueError("control characters are not accepted")
    return name


Month = Annotated[
    date,
    BeforeValidator(_month),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$", "examples": ["2026-05"]}),
]
Giver = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_known), Path()]


class ReconciliationOut(BaseModel):
    """One person's month: expenses with their entry, with one that differs, and each without the other."""

    month: str
    rep: str
    matched: int
    differing: int
    missing_entry: int
    missing_expense: int


class PaidOut(BaseModel):
    """An expense (`id` is its id in its own system) or an entry."""

    id: str
    occurred_on: date
    amount: MoneyOut


class PairOut(BaseModel):
    """An expense and the entry it belongs to, or one of them alone."""

    standing: Standing
    expense: PaidOut | None
    entry: PaidOut | None


class ReconciliationLinesOut(ReconciliationOut):
    """One person's month, line by line."""

    lines: list[PairOut]


@router.get("/reconciliations", response_model=ListOut[ReconciliationOut])
def list_reconciliations(
    by: AskedBy,
    month: Annotated[Month, Query(description="such as 2026-05")],
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Response:
    """A month by person, in order of name. Whoever may not read all sees their own."""
    question = fingerprint("reconciliations", by.principal.id, month)
    after = read_cursor(cursor, question, str)
    found = reconciliations.listed(
        by.connection, by.principal, month, after=after[0] if after else None, limit=limit + 1
    )
    shown, where = page(found, limit, question, lambda one: (one.giver,))
    return answer({"data": [_reconciled(month, one) for one in shown], "page": where})


@router.get("/reconciliations/{rep}", response_model=ReconciliationLinesOut, responses={404: {"model": Problem}})
def get_reconciliation(
    rep: Giver,
    by: AskedBy,
    month: Annotated[Month, Query(description="such as 2026-05")],
    standing: Standing | None = None,
) -> Response:
    """One person's month, line by line, in order of day."""
    one = reconciliations.get(by.connection, by.principal, month, rep)
    lines = [_pair(pair) for pair in one.pairs if standing in (None, pair.standing)]
    return answer(_reconciled(month, one) | {"lines": lines})


def _reconciled(month: date, one: Reconciled) -> dict[str, Any]:
    counts = {standing.value: number for standing, number in one.counts.items()}
    return {"month": f"{month:%Y-%m}", "rep": one.giver, **counts}


def _pair(one: Pair) -> dict[str, Any]:
    return {"standing": one.standing, "expense": _paid(one.expense), "entry": _paid(one.entry)}


def _paid(one: Paid | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "id": one.id,
        "occurred_on": one.on.isoformat(),
        "amount": money(one.minor, currency_of(one.currency)),
    }
