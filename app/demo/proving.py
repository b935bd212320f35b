"""The proof that the demonstration prints, to be checked by hand, and one gift on either side of the limit change."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console
from rich.table import Table

from app.demo.findings import Findings, Pair, result_of
from app.demo.firm import Json
from app.demo.telling import ledger


def proof(console: Console, findings: Findings) -> bool:
    """One proof like a page of a ledger, and whether its lines, added up here, come to the total that was kept."""
    proof, violation = findings.proof, findings.proved
    console.rule("[bold]One violation, proved")
    console.print(f"GET /v1/violations/{violation['id']}/proof")
    console.print(f"[bold]{findings.people[violation['recipient_id']]}[/]: {proof['rule']['name']}")
    period, operator = proof["period"], proof["rule"]["operator"]
    console.print(f"{period['start']} to {period['end']}; a total {operator} the limit is a violation")
    console.print(_page(findings))
    console.print(proof["sentence"])
    agrees = adds_up(proof)
    figures = " + ".join(line["counted"] for line in proof["lines"] if Decimal(line["counted"]))
    console.print(f"Checked here: {figures} = {_total(proof)}; this {'agrees' if agrees else 'does NOT agree'}.")
    for line in _opened_later(findings):
        console.print(line)
    console.print()
    return agrees


def adds_up(proof: Json) -> bool:
    """Whether each amount is its last step's, each running total the sum so far, and the last of them what was kept."""
    so_far = Decimal()
    for line in proof["lines"]:
        so_far += Decimal(line["counted"])
        if so_far != Decimal(line["running_total"]) or Decimal(line["steps"][-1]["amount"]) != Decimal(line["counted"]):
            return False
    return so_far == Decimal(proof["assessment"]["aggregate"]) and proof["agrees"] is True


def _total(proof: Json) -> Decimal:
    return sum((Decimal(line["counted"]) for line in proof["lines"]), Decimal())


def _page(findings: Findings) -> Table:
    page = ledger("", "date", "what", ">amount", "in", ">counts", ">so far", ">limit")
    for line in findings.proof["lines"]:
        entry = findings.by_id[line["entry_id"]]
        _write(page, line, entry, result_of(entry, findings.proved)["limit"])
    return page


def _write(page: Table, line: Json, entry: Json, limit: str) -> None:
    """An entry: what it was, the steps of the arithmetic, and beside the last of them what it adds."""
    total, figures = line["total"], (line["counted"], line["running_total"], limit)
    what = f"[bold]{line['giver']}[/]: {entry['purpose']}"
    page.add_row(line["occurred_on"], what, total["amount"], total["currency"])
    page.add_row("", f"[dim]{line['entry_id']}[/]")
    for part, amount in entry["value"].items():
        page.add_row("", f"{part} stated as {amount}")
    for step in line["steps"]:
        last = step is line["steps"][-1]
        page.add_row("", step["what"], step["amount"], step["unit"], *(figures if last else ()), end_section=last)


def _opened_later(findings: Findings) -> list[str]:
    """What else was flagged for the same person when an entry was recorded that had happened before."""
    return [
        f"When the entry of {(cause := findings.by_id[one['cause'].partition(':')[0]])['occurred_on']} was recorded on"
        f" {cause['recorded_at'][:10]}, that of {one['occurred_on']} came to {one['aggregate']} and went over"
        f" {one['limit']}."
        for one in findings.standing
        if one["cause"]
        and (one["rule_id"], one.get("recipient_id")) == (findings.proved["rule_id"], findings.proved["recipient_id"])
        and one["id"] != findings.proved["id"]
    ]


def pair(console: Console, pair: Pair) -> None:
    """One gift on either side of the limit change."""
    console.rule("[bold]The same gift before and after 30 March 2026")
    page = ledger("", "date", "gift", "to", ">total", ">limit", "result")
    for entry in (pair.before, pair.after):
        result = result_of(entry, {**pair.violation, "recipient_id": entry["recipients"][0]["id"]})
        left = Decimal(result["left"])
        verdict = f"{result['outcome']}, {f'{-left} over' if left < 0 else f'{left} left'}"
        figures = (result["aggregate"], result["limit"])
        page.add_row(entry["occurred_on"], entry["purpose"], entry["recipients"][0]["name"], *figures, verdict)
    console.print(page)
    console.print(
        "The limit on the day of the gift decides: the earlier violation stands, whatever the limit is now.\n"
    )
