"""What the demonstration prints: the year in figures, whether the log holds, and how to go on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from app.demo.findings import Findings
from app.demo.firm import FIRM, Json
from app.services.audit import Verification

_KINDS = ("gift", "meal", "entertainment", "travel", "lodging")
_LARGEST = 10


def year(console: Console, findings: Findings, how: str) -> None:
    """The year in figures."""
    console.rule(f"[bold]2026 at {FIRM}")
    console.print(f"{len(findings.entries):,} entries for {len(findings.people):,} people ({how})\n")
    console.print(_kinds(findings))
    console.print(_exclusions(findings))
    console.print(_rules(findings))
    console.print(_movements(findings))
    console.print(_largest(findings))


def answers(console: Console, statuses: Sequence[int], again: int) -> None:
    """How the service answered."""
    by_status = ", ".join(f"{many:,} × {status}" for status, many in sorted(Counter(statuses).items()))
    console.print(
        f"HTTP answers: {by_status}. {again} entries were sent twice with one Idempotency-Key, as after a broken"
        " connection, and recorded once.\n"
    )


def ledger(title: str, *columns: str) -> Table:
    """A table whose first column is text; columns that begin with `>` hold figures."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return table


def _kinds(findings: Findings) -> Table:
    table = ledger("What was recorded, by kind and gravest result", "kind", ">entries")
    outcomes = ("violation", "warning", "within", "excluded")
    for outcome in outcomes:
        table.add_column(outcome, justify="right")
    found = findings.outcomes()
    for kind in _KINDS:
        counts = found.get(kind, Counter())
        table.add_row(kind, f"{counts.total():,}", *(f"{counts[outcome]:,}" for outcome in outcomes))
    total = sum(found.values(), Counter[str]())
    table.add_section()
    table.add_row("all", f"{total.total():,}", *(f"{total[outcome]:,}" for outcome in outcomes))
    return table


def _exclusions(findings: Findings) -> Table:
    """Reasons side by side, so that they take few lines."""
    table = ledger("What did not count, by reason (each rule and recipient a result)", "reason", ">results")
    table.add_column("   reason")
    table.add_column("results", justify="right")
    reasons = [(reason, f"{many:,}") for reason, many in findings.exclusions().most_common()]
    half = (len(reasons) + 1) // 2
    for place in range(half):
        right = reasons[half + place] if half + place < len(reasons) else ("", "")
        table.add_row(*reasons[place], f"   {right[0]}", right[1])
    return table


def _rules(findings: Findings) -> Table:
    table = ledger("Violations by rule", "rule", "severity", ">violations", ">people", ">largest over", "in")
    by_rule: dict[str, list[Json]] = {}
    for violation in findings.standing:
        by_rule.setdefault(violation["rule_id"], []).append(violation)
    for rule, found in sorted(by_rule.items(), key=lambda pair: -len(pair[1])):
        people = len({one.get("recipient_id") for one in found})
        largest = max(found, key=lambda one: Decimal(one["over_by"]))
        table.add_row(
            rule, largest["severity"], f"{len(found):,}", f"{people:,}", _figure(largest["over_by"]), largest["unit"]
        )
    return table


def _movements(findings: Findings) -> str:
    caused = sum(one["cause"] is not None for one in findings.violations)
    late = sum((entry["recorded_at"][:10] > _a_month_after(entry["occurred_on"])) for entry in findings.entries)
    return (
        f"{late:,} entries were recorded more than a month late. {caused:,} violations were opened or changed by"
        " another entry that was recorded later.\n"
    )


def _a_month_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=31)).isoformat()


def _largest(findings: Findings) -> Table:
    table = ledger(
        f"The {_LARGEST} largest violations, one of each person and rule",
        "",
        "what",
        "date",
        ">total",
        ">limit",
        ">over by",
    )
    for place, one in enumerate(findings.largest(_LARGEST), start=1):
        what = f"{one['rule_id']}\n{findings.people[one['recipient_id']]}\n[dim]{one['entry_id']}[/]"
        figures = (_figure(one[name]) for name in ("aggregate", "limit", "over_by"))
        table.add_row(str(place), what, one["occurred_on"], *figures)
    return table


def log(console: Console, found: Verification) -> None:
    """Whether the written history holds."""
    console.rule("[bold]The log")
    console.print(f"{found.size:,} records, root {found.root}", soft_wrap=True)
    for fault in found.faults:
        console.print(f"[bold red]fault[/]: {fault}")
    console.print("Recomputed from the stored bytes: the log holds.\n" if found.holds else "The log does NOT hold.\n")


def how_to_go_on(console: Console, keep: Path | None, key: str | None, link: str | None = None) -> None:
    """What to do next, with the exact commands."""
    console.rule("[bold]How to go on")
    if keep is None or key is None:
        console.print("Nothing was kept. To look around in the year that was told, keep it in a file:\n")
        _command(console, "propriety demo --keep year.db")
        return
    console.print(f"The year is in {keep}. Serve it:\n", soft_wrap=True)
    _command(console, f"propriety serve --database {shlex.quote(f'sqlite:///{keep}')}")
    console.print("Then work with it in a browser, as an officer; this link signs in once, within two days:\n")
    _command(console, f"http://127.0.0.1:8000/console/sign-in/link?token={link}")
    console.print("Or ask it, with an officer's key that is shown this once:\n")
    _command(console, f"export KEY={key}")
    _command(console, 'curl -s -H "Authorization: Bearer $KEY" "http://127.0.0.1:8000/v1/violations?limit=3"')
    console.print("Everything that it answers is described at http://127.0.0.1:8000/docs")


def _command(console: Console, text: str) -> None:
    console.print(f"    {text}", soft_wrap=True, markup=False, highlight=False)


def _figure(amount: str) -> str:
    return f"{Decimal(amount):,}"
