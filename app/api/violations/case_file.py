"""The case file of a violation: what its paper says, out of the same documents that the API answers with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, Query, Request

from app.api.sheets import NotAcceptable, best
from app.domain.audit import iso
from app.domain.sheets import share_of
from app.services.desk import Desk
from app.services.violations import Happened

MOST_LINES = 2_000
PDF = "application/pdf"
_FORMS = {"application/json": "json", PDF: "pdf", "application/*": "json", "*/*": "json"}
_DECISION = ("outcome", "reason_code", "corrective_action", "decided_by", "confirmed_by", "closed_on")

Json = Mapping[str, Any]


def _asked(
    request: Request,
    wanted: Annotated[
        Literal["json", "pdf"] | None, Query(alias="format", description="what to answer with; default: `Accept`")
    ] = None,
) -> str:
    accept = ",".join(request.headers.getlist("accept"))
    if wanted is not None or not accept.strip():
        return wanted or "json"
    found = best(accept, _FORMS)
    if found is None:
        raise NotAcceptable("This can be had as application/json or application/pdf")
    return found


JsonOrPdf = Annotated[str, Depends(_asked)]


def case_file_of(desk: Desk, case: Json, proof: Json, history: Sequence[Happened], *, path: str, by: str) -> Json:
    """What the case file says, from a violation and its proof as they go out and the case's history."""
    rule, assessment = proof["rule"], proof["assessment"]
    now = desk.clock()
    day = desk.day_of(now)
    return {
        "id": case["id"],
        "title": f"{rule['name']}: {_over(case)}",
        "date": {"year": day.year, "month": day.month, "day": day.day},
        "printed_at": f"{iso(now)[:16].replace('T', ' ')} UTC",
        "printed_by": by,
        "facts": [
            f"Severity {case['severity']}",
            f"State {_words(case['state'])}",
            f"Due {case['due_on']}{' (overdue)' if case['overdue'] else ''}",
            f"Opened {case['opened_at'][:10]} by the evaluation of {case['entry_id']}",
        ],
        "sentence": proof["sentence"],
        "sums": _sums(case, rule, assessment),
        "rule": [
            f"Rule {rule['id']}, {_words(str(rule['authority']))}",
            *([rule["source"]] if rule["source"] else []),
            f"{rule['policy']}, version {rule['policy_version']}, {rule['policy_id']}",
            f"{_words(assessment['period']['type'])} {assessment['period']['start']} to {assessment['period']['end']}",
        ],
        "proof_note": _note(proof),
        "lines": [_line(line, case["entry_id"]) for line in proof["lines"][-MOST_LINES:]],
        "decision": [[_words(name), _words(str(case[name]))] for name in _DECISION if case[name] is not None],
        "history": list(_history(history)),
        "proof_path": path,
        "digest": hashlib.sha256(orjson.dumps(proof)).hexdigest(),
    }


def _over(case: Json) -> str:
    return f"over by {case['over_by']} {case['unit']}" if case["over_by"][:1] not in "-" else "prohibited"


def _sums(case: Json, rule: Json, assessment: Json) -> list[dict[str, Any]]:
    digits = len(assessment["limit"].partition(".")[2])
    minor = {name: int(assessment[name].replace(".", "")) for name in ("aggregate", "counted", "limit")}
    before = f"{minor['aggregate'] - minor['counted']:0{digits + 1}d}"
    before = f"{before[:-digits]}.{before[-digits:]}" if digits else before
    above = share_of(max(0, minor["aggregate"] - minor["limit"]), minor["limit"])
    figures = (
        ("Counted before", before, ""),
        ("This entry", assessment["counted"], ""),
        ("Running total", assessment["aggregate"], ""),
        ("Limit", assessment["limit"], "reached is over" if rule["operator"] == ">=" else "exactly that is allowed"),
        ("Over by", case["over_by"], "" if above is None else f"{above} % above the limit"),
    )
    return [
        {"what": what, "amount": f"{amount} {case['unit']}", "note": note, "alarm": what == "Over by"}
        for what, amount, note in figures
    ]


def _note(proof: Json) -> str:
    lines = proof["lines"]
    counted = sum(line["exclusion"] is None for line in lines)
    agrees = "worked out anew, it is what was kept" if proof["agrees"] else "WORKED OUT ANEW, IT IS NOT WHAT WAS KEPT"
    cut = f"; the last {MOST_LINES} are shown, the proof as JSON has all" if len(lines) > MOST_LINES else ""
    return f"{len(lines)} entries read, {counted} count; {agrees}{cut}."


def _line(line: Json, own: str) -> dict[str, Any]:
    if line["entry_id"] is None:
        seen = {"day": "", "what": "An entry of somebody else", "who": "", "entry": "", "own": False}
    else:
        seen = {
            "day": line["occurred_on"],
            "what": line["purpose"] or _words(line["kind"]),
            "who": f"{_words(line['kind'])}, {line['giver']}",
            "entry": f"{line['entry_id']} v{line['version']}",
            "own": line["entry_id"] == own,
        }
    return seen | {
        "steps": [f"{step['what']}: {step['amount']} {step['unit']}" for step in line["steps"]],
        "counts": line["exclusion"] is None,
        "counted": line["counted"],
        "exclusion": f"does not count: {_words(line['exclusion'] or '')}",
        "running": line["running_total"],
    }


def _history(lines: Sequence[Happened]) -> Iterator[dict[str, str]]:
    for line in lines:
        text = line.facts.get("text")
        said = [one for one in (line.reason, text if isinstance(text, str) else "", _moved(line.facts)) if one]
        yield {
            "at": iso(line.at)[:16].replace("T", " "),
            "by": line.by or "",
            "what": _words(line.action.removeprefix("violation.")),
            "text": "; ".join(said),
        }


def _moved(facts: Mapping[str, Any]) -> str:
    parts = [f"{_words(name)} {facts[name]}" for name in ("outcome", "cause", "due_on", "assignee") if facts.get(name)]
    return ", ".join(parts)


def _words(name: str) -> str:
    return name.replace("_", " ")
