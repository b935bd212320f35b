"""Driving a case: event by event as the service learns of them, every answer held against what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.conformance import actions
from tests.conformance.firm import Case, Firm, Report, Results
from tests.domain.screening.playing import day
from tests.oracle import oracle
from tests.oracle.oracle import Key, Result
from tests.server import Server

NOTHING: Mapping[str, Any] = {"results": []}


class NotYetSupported(Exception):
    """The case needs an action for which the service has no route."""


class Departure(NamedTuple):
    """Where the service departs from the case."""

    event: str
    about: Any
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.event}, {self.about}: expected {self.expected}, found {self.found}"


class Step(NamedTuple):
    """One event: what the case lists for it (None where it does not say), what all results are afterwards."""

    event: Case
    wanted: Case | None
    refused: str | None
    expected: Results


class Answered(NamedTuple):
    """What the service said of an event, and what stood before and stands after it."""

    report: Report
    before: Results
    now: Results


def departures(case: Case, server: Server, routes: set[tuple[str, str]] | None = None) -> Iterator[Departure]:
    """How the service departs from a case, at the first step where it does.

    `routes` are by default those that the server offers. Raises NotYetSupported at the first step that needs another.
    """
    firm = Firm(server, types=types_of(case))
    routes = server.routes if routes is None else routes
    refused = firm.publish(case["policy"])
    if refused_from_the_start(case):
        yield from _unless(refused is not None, "policy", "refused", "a refusal", None)
        yield from _unless(firm.policies() == 1, "policy", "policies", "the default one", firm.policies())
        return
    if refused:
        yield Departure("policy", "refused", None, refused)
        return
    events = {event["id"] for event in (*case["entries"], *case["actions"])}
    yield from (
        Departure(step["after"], "no such event", None, None)
        for step in case["expected"]
        if step["after"] not in events
    )
    before: Results = {}
    for step in expected_steps(case):
        report = _told(firm, step.event, routes)
        answered = Answered(report, before, firm.standing())
        if found := list(_departures(firm, step, answered)):
            yield from found
            return
        before = answered.now
    yield from _unless(not (wrong := firm.disagreeing_proofs()), "the end", "proofs that disagree", [], wrong)


def types_of(case: Case) -> dict[str, str]:
    """What everybody in a case is, as the first line that lists them says."""
    changed = [action["set"] for action in case["actions"] if action["op"] == "amend"]
    rows = [row for fields in (*case["entries"], *changed) for row in fields.get("recipients") or ()]
    clients = {row["guest_of"]: row["client_type"] for row in rows if row.get("client_type")}
    return clients | {row["person"]: row["type"] for row in reversed(rows)}


def refused_from_the_start(case: Case) -> bool:
    return any(step["after"] == "policy" and step.get("refused") for step in case["expected"])


def expected_steps(case: Case) -> Iterator[Step]:
    """The events in the order in which they are learnt of, with the case's own word and the oracle's."""
    events = {event["id"]: event for event in (*case["entries"], *case["actions"])}
    listed = {step["after"]: step for step in case["expected"]}
    unsaid = None if "generated" in case["tags"] or "checkpoints_only" in case["tags"] else NOTHING
    expected: Results = {}
    for step in oracle.steps(dict(case)):
        expected = {key: line for key, line in (expected | step.changed).items() if key not in step.withdrawn}
        wanted = listed.get(step.event, unsaid)
        yield Step(events[step.event], wanted, step.refused if wanted is None else wanted.get("refused"), expected)


def _told(firm: Firm, event: Case, routes: set[tuple[str, str]]) -> Report:
    firm.server.clock.noon_of(day(event.get("recorded") or event.get("at") or event["date"]))
    if "op" not in event:
        return firm.record(event)
    if not actions.supported(event["op"], routes):
        raise NotYetSupported(event["op"])
    return actions.play(firm, event)


def _departures(firm: Firm, step: Step, answered: Answered) -> Iterator[Departure]:
    name, report = step.event["id"], answered.report
    yield from _unless(
        (report.refused is None) == (step.refused is None), name, "refused", step.refused, report.refused
    )
    yield from _of_all_results(name, step.expected, answered.now)
    yield from _of_the_answer(name, answered)
    if step.wanted is not None:
        yield from _of_what_is_listed(firm, name, step.wanted, answered)
    violating = {key: (line.counted, line.aggregate) for key, line in answered.now.items() if line.violation}
    yield from _unless((cases := firm.violations()) == violating, name, "violations", violating, cases)


def _of_all_results(name: str, expected: Results, now: Results) -> Iterator[Departure]:
    """Every result that there is now, against the oracle."""
    for key in sorted(expected.keys() | now.keys()):
        yield from _unless(expected.get(key) == now.get(key), name, key, expected.get(key), now.get(key))


def _of_the_answer(name: str, answered: Answered) -> Iterator[Departure]:
    """The answer tells exactly what became different, what stood before, and which cases were opened."""
    report, before, now = answered
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            told = report.results.get(key) or ("gone" if key in _gone(answered) else "nothing")
            yield from _unless(told == now.get(key, "gone"), name, ("told of", key), now.get(key, "gone"), told)
    for key, line in report.results.items():
        yield from _unless(now.get(key) == line, name, ("told, but not kept", key), now.get(key), line)
    for key, was in report.before.items():
        yield from _unless(before.get(key) == was, name, ("before", key), before.get(key), was)
    opened = {key for key, line in now.items() if line.violation and not _violated(before, key)}
    yield from _unless(opened <= report.violations, name, "cases told of", opened, report.violations)


def _of_what_is_listed(firm: Firm, name: str, wanted: Case, answered: Answered) -> Iterator[Departure]:
    """What a step lists is told or stands so already; what is told is listed, unless it changes nothing."""
    report, before, _ = answered
    listed = {_key(line): _result(line) for line in wanted["results"]}
    for key, line in listed.items():
        found = report.results.get(key) or (before.get(key) and firm.of_entry(key[2]).get(key))
        yield from _unless(found == line, name, ("listed", key), line, found)
    for key, line in report.results.items():
        yield from _unless(key in listed or before.get(key) == line, name, ("unlisted", key), None, line)
    withdrawn = {_key(line) for line in wanted.get("withdrawn") or ()}
    yield from _unless(_gone(answered) == withdrawn, name, "withdrawn", withdrawn, _gone(answered))


def _gone(answered: Answered) -> set[Key]:
    """Results that the answer says are gone: of other entries by name, of its own entry by leaving them out."""
    report, before, _ = answered
    own = {key for key in before if key[2] == report.own and key not in report.results}
    return own | report.gone


def _violated(results: Results, key: Key) -> bool:
    return key in results and results[key].violation


def _key(line: Case) -> Key:
    return line["rule"], line["recipient"], line["entry"]


def _result(line: Case) -> Result:
    return Result(line["counted"], line["aggregate"], line["violation"], line["warning"], line["exclusion"])


def _unless(holds: bool, event: str, about: Any, expected: Any, found: Any) -> Iterator[Departure]:
    if not holds:
        yield Departure(event, about, expected, found)
