"""C10: the versions of the policy and what each says, to read."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.console import sentences
from app.console.asking import AskedBy, Page
from app.console.pages import page
from app.console.showing import of_rule
from app.domain.access import Permission
from app.domain.policies import Rule
from app.services import policies

router = APIRouter(route_class=Page)
_SHOWN = 50


@router.get("/policies")
def list_policies(by: AskedBy, before: Annotated[str, Query(max_length=9)] = "") -> Response:
    """All versions, newest first, and which is in force."""
    by.require(Permission.READ_POLICIES)
    place = int(before) if before.isascii() and before.isdigit() else None
    found = policies.listed(by.connection, state=None, before=place, limit=_SHOWN + 1)
    book = policies.current(by.connection, by.desk)
    now = book.in_force(by.desk.today())
    return page(
        by,
        "policies/list.html",
        active="policies",
        rows=found[:_SHOWN],
        in_force=now,
        rules=[] if now is None else [(rule, _limits(rule)) for rule in now.rules],
        sentences=sentences,
        next=f"/console/policies?before={found[_SHOWN - 1].version}" if len(found) > _SHOWN else None,
    )


@router.get("/policies/{policy_id}")
def show_policy(by: AskedBy, policy_id: Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$")]) -> Response:
    """One version: its rules as sentences, with their limits and since when, and the document itself."""
    by.require(Permission.READ_POLICIES)
    known = policies.get(by.connection, policy_id)
    book = policies.current(by.connection, by.desk)
    policy = book.by_id.get(known.id)
    return page(
        by,
        "policies/page.html",
        active="policies",
        known=known,
        rules=[] if policy is None else [(rule, _limits(rule)) for rule in policy.rules],
        is_in_force=(now := book.in_force(by.desk.today())) is not None and now.id == known.id,
        document=json.dumps(json.loads(known.document), indent=2, ensure_ascii=False),
        sentences=sentences,
    )


def _limits(rule: Rule) -> list[tuple[str, str]]:
    """Every limit of the schedule with its days in words."""
    told = []
    for row in rule.limit_schedule:
        first = f"from {row.effective_from:%-d %b %Y}" if row.effective_from else ""
        last = f"until {row.effective_to:%-d %b %Y}" if row.effective_to else ""
        told.append((of_rule(row.value, rule), " ".join(one for one in (first, last) if one) or "always"))
    return told
