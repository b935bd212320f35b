"""Reconciliations: a month of what the expense systems paid for against what was recorded, person by person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.reconciliations import NEAR, Paid, Pair, Standing, reconcile
from app.domain.refusals import NotFound
from app.storage import reconciliations as rows


class NothingToReconcile(NotFound):
    code = "nothing_to_reconcile"


class Reconciled(NamedTuple):
    """One person's month: how many expenses and entries stand how to each other, and which."""

    giver: str
    counts: Mapping[Standing, int]
    pairs: list[Pair]


def month_of(first: date) -> tuple[date, date]:
    """The days of a month that begins on a day, both included."""
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def listed(
    connection: Connection, principal: Principal, month: date, *, after: str | None, limit: int
) -> list[Reconciled]:
    """A month by person, in order of name; without the right to read all, one's own. Raises RoleForbids."""
    own = None
    if not principal.may(Permission.READ_ALL):
        principal.require(Permission.READ_OWN)
        own = principal.person
    first, last = month_of(month)
    givers = rows.givers(connection, first, last, own=own, after=after, limit=limit)
    return _reconciled(connection, givers, first, last)


def get(connection: Connection, principal: Principal, month: date, giver: str) -> Reconciled:
    """One person's month. Raises NothingToReconcile, alike for absent and not theirs."""
    own = principal.may(Permission.READ_OWN) and giver == principal.person
    first, last = month_of(month)
    if not (own or principal.may(Permission.READ_ALL)):
        raise NothingToReconcile("There is nothing to reconcile")
    [one] = _reconciled(connection, [giver], first, last)
    if not one.pairs:
        raise NothingToReconcile("There is nothing to reconcile")
    return one


def _reconciled(connection: Connection, givers: list[str], first: date, last: date) -> list[Reconciled]:
    """What stands near the ends of a month may belong to something beyond them, so a few days more are looked at."""
    spent = rows.expenses(connection, first - NEAR, last + NEAR, givers)
    gave = rows.entries(connection, first - NEAR, last + NEAR, givers)
    found = []
    for giver in givers:
        pairs = [pair for pair in reconcile(spent[giver], gave[giver]) if _in(pair, first, last)]
        counts = Counter(pair.standing for pair in pairs)
        found.append(Reconciled(giver, {standing: counts[standing] for standing in Standing}, pairs))
    return found


def _in(pair: Pair, first: date, last: date) -> bool:
    own: Paid | None = pair.expense or pair.entry
    return own is not None and first <= own.on <= last
