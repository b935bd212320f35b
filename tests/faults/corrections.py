"""Single faults that somebody could make in corrections, identity and publications, and how one is planted for a test.

Each is one line of one function, and what somebody wrote instead. `first` is where it was found: a dealt life by its
number. Looking there first is quick, and looking elsewhere finds it too.
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from typing import Any, NamedTuple

import pytest

import app
from tests.faults.engine import Fault, forget, rewritten


class Wrong(NamedTuple):
    """What happens then, a line of the function (or a part), what somebody wrote instead, and where it was found."""

    sentence: str
    right: str
    wrong: str
    first: int | str = 0


WRITTEN_WRONG: dict[str, list[Wrong]] = {
    "app.services.screening.judging:replay": [
        Wrong("a replay forgets later entries", "last = until or reached", "last = since"),
        Wrong(
            "a replay begins with the change",
            "first, reached = extent(book, since)",
            "first = since; _, reached = extent(book, since)",
            first=1,
        ),
        Wrong("what is gone stays", "return _differences(book, known, now)", "return _differences(book, {}, now)"),
    ],
    "app.services.screening.judging:with_people": [
        Wrong("merges are not applied", "[entry.with_people(links) for entry in entries]", "list(entries)"),
        Wrong("a chain of merges counts as one", "merge_rows.links(", "recipient_rows.canon(", first=3),
    ],
    "app.services.screening.judging:unchanged": [
        Wrong("a case keeps what the entry said", "return [Change", "return [] and [Change"),
    ],
    "app.services.merges:merge": [
        Wrong(
            "a merge keeps two totals",
            "set_canonical(connection, dropped, person)",
            "set_canonical(connection, [], person)",
        ),
        Wrong("a merge replays only whom it keeps", "{person, drop_id}", "{person}"),
        Wrong(
            "a merge takes along nobody merged before",
            "if person.canonical_id == drop_id",
            "if person.id == drop_id",
            first=3,
        ),
        Wrong(
            "a merge into a merged record ends there",
            "person = held[keep_id].canonical_id",
            "person = keep_id",
            first=4,
        ),
    ],
    "app.services.merges:undo": [
        Wrong(
            "parting judges nobody anew",
            "owners = {*roots.values(), *(person.canonical_id for person in held.values())}",
            "owners = set()",
        ),
        Wrong(
            "parting judges only who is left",
            "owners = {*roots.values(), *(",
            "owners = {*(person.id for person in [] if person), *(",
        ),
    ],
    "app.services.merges:_judged_anew": [
        Wrong("a merge is nobody's cause", "known_from, made.id, stamp", "known_from, None, stamp"),
    ],
    "app.services.entries.correcting:amend": [
        Wrong(
            "an amended entry moves to the end of the record",
            "known.entry.sequence, roster",
            "desk.sequencer.next(), roster",
        ),
        Wrong("an amendment forgets what was repaid", "repaid=known.entry.repaid)", "repaid=0)"),
    ],
    "app.services.entries.correcting:keep_versions": [
        Wrong(
            "a correction judges only its own entry anew",
            "for change in changes],",
            "for change in changes if change.key[1] in by],",
        ),
    ],
    "app.services.entries.correcting:give_back": [
        Wrong("what was returned counts on", "standing=Standing.RETURNED", "standing=Standing.LIVE", first=2),
    ],
    "app.services.entries.correcting:withdraw": [
        Wrong("what is withdrawn counts on", "standing=Standing.CANCELLED", "standing=Standing.LIVE", first=3),
    ],
    "app.services.entries.correcting:repay": [
        Wrong("a second repayment replaces the first", "known.entry.repaid + minor", "minor", first=2),
    ],
    "app.services.entries.correcting:_corrected": [
        Wrong(
            "an amendment keeps the old shares",
            "weigh(book, entry, roster.links)",
            "weigh(book, correction.known.entry, roster.links)",
        ),
    ],
    "app.services.entries.correcting:_owners": [
        Wrong(
            "whom an amendment leaves is not judged anew", "for entry in entries:", "for entry in list(entries)[1:]:"
        ),
    ],
    "app.services.entries.correcting:_span": [
        Wrong(
            "the days that an amendment leaves are not judged anew", "(one.known.entry, one.entry)]", "(one.entry,)]"
        ),
    ],
    "app.services.entries.correcting:_cause": [
        Wrong("a correction is nobody's cause", "return f", "return None and f"),
    ],
    "app.services.entries.correcting:_let_approvals_fall": [
        Wrong(
            "an approval outlives the version",
            "approvals.fell(connection, [",
            "approvals.fell(connection, [] and [",
            first=3,
        ),
    ],
    "app.services.particulars:_placed": [
        Wrong(
            "what an entry says of somebody is overruled",
            "type=type if one.type_from_record else one.type",
            "type=type",
        ),
    ],
    "app.services.recipients:place_on": [
        Wrong("somebody was always what they are now", "if place.effective_from <= on]", "]"),
    ],
    "app.domain.violations:movement": [
        Wrong("a case outlives its ground", "else Movement.WITHDRAWN", "else None"),
        Wrong("a decision outlives facts that got worse", "if worse and state in", "if False and state in"),
        Wrong("what comes back forgets its decision", "if decided and not worse else", "if False else", first=13),
    ],
    "app.domain.violations:why_worse": [
        Wrong(
            "however much more is over, a decision holds", "if now.figures.over_by > before.figures.over_by", "if False"
        ),
        Wrong(
            "a cent less reopens what was decided",
            "now.figures.over_by > before",
            "now.figures.over_by != before",
            first=2,
        ),
    ],
    "app.services.violations.settling:_keep_results": [
        Wrong(
            "a case is looked after, its result is not",
            "screening.close(connection, ended)",
            "screening.close(connection, ended[1:])",
        ),
    ],
    "app.services.publications:publish": [
        Wrong("a publication is nobody's cause", "sequence, policy_id, stamp", "sequence, None, stamp", first=1),
    ],
    "app.services.publications:_first_touched": [
        Wrong("a corrected rate reaches back nowhere", "[effective_from, *rates]", "[effective_from]", first=2),
    ],
    "app.storage.entries:_of_employers": [
        Wrong(
            "the employer of an absent client is not found again",
            "among(connection, ShareRow.client_employer_id, wanted)",
            "among(connection, ShareRow.employer_id, wanted)",
        ),
    ],
    "app.services.screening.knowing:versions_of": [
        Wrong(
            "a proof reads entries as they are now",
            "entry_rows.as_known(connection, ids, at)",
            "entry_rows.as_known(connection, ids, 2**62)",
            first=3,
        ),
    ],
}


def faults(table: dict[str, list[Wrong]]) -> list[tuple[Fault, int | str]]:
    """Every fault of a table, with the life to look in first."""
    return [
        (Fault(one.sentence, function, one.right, one.wrong), one.first)
        for function, wrongs in table.items()
        for one in wrongs
    ]


def plant(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the wrong line in the place of the right one, wherever the application refers to the function."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    name, _, path = fault.function.partition(":")
    owner: Any = import_module(name)
    space = vars(owner)
    *inside, function = path.split(".")
    for cls in inside:
        owner = getattr(owner, cls)
    right = vars(owner)[function]
    wrong = rewritten(right, fault, space)
    forget()
    if inside:
        monkeypatch.setattr(owner, function, wrong)
        return
    for known in [module for name, module in sys.modules.items() if name.startswith("app.")]:
        for attribute in [attribute for attribute, value in vars(known).items() if value is right]:
            monkeypatch.setattr(known, attribute, wrong)
