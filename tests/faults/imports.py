"""Single-line faults that somebody could make in drafts, imports and reconciliation, and the check that must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.api import test_drafts, test_imports, test_reconciliations
from tests.server import Caller, Server

Check = Callable[[Server], None]


class Fault(NamedTuple):
    """A line of a function, what somebody wrote instead, and who notices."""

    sentence: str
    function: str
    right: str
    wrong: str
    noticed_by: Check


def again_without_doubling(server: Server) -> None:
    test_imports.test_a_second_hand_in_changes_what_changed_and_doubles_nothing(_officer(server), server)


def _officer(server: Server) -> Caller:
    return server.as_("officer", "olivia")


def amended_here(server: Server) -> None:
    test_imports.test_an_entry_that_was_amended_here_is_left_to_people(_officer(server))


def tried_first(server: Server) -> None:
    test_imports.test_a_file_is_tried_first_and_nothing_is_recorded_until_it_is_applied(_officer(server), server)


def refused_lines(server: Server) -> None:
    test_imports.test_a_refused_line_leaves_its_neighbours_alone_and_says_where_it_is_wrong(_officer(server))


def own_lines(server: Server) -> None:
    rep, other = server.as_("rep", "rhea"), server.as_("rep", "ravi")
    test_imports.test_reps_import_what_is_theirs(rep, other, _officer(server))


def reached_by_its_source(server: Server) -> None:
    crm = server.as_("integration", "crm")
    test_drafts.test_a_confirmed_draft_is_never_reached_by_its_source(server.as_("rep", "rhea"), crm)


def filled_in(server: Server) -> None:
    crm = server.as_("integration", "crm")
    test_drafts.test_what_a_person_filled_in_stays_and_the_rest_follows_the_source(server.as_("rep", "rhea"), crm)


def confirmed_twice(server: Server) -> None:
    crm = server.as_("integration", "crm")
    test_drafts.test_a_repeated_confirmation_is_the_same_entry(server.as_("rep", "rhea"), crm, _officer(server))


def a_month(server: Server) -> None:
    rep, other = server.as_("rep", "rhea"), server.as_("rep", "ravi")
    auditor = server.as_("auditor", "arthur")
    test_reconciliations.test_a_month_by_rep_and_a_reps_month_line_by_line(_officer(server), rep, other, auditor)


_APPLYING = "app.services.imports.applying:"
FAULTS = [
    Fault(
        "an unchanged expense is done again",
        f"{_APPLYING}_settle",
        "before.document == line.document and",
        "before.document != line.document and",
        again_without_doubling,
    ),
    Fault(
        "a known expense becomes another entry",
        f"{_APPLYING}_settle",
        "before is None or before.entry_id is None",
        "True",
        again_without_doubling,
    ),
    Fault(
        "what was amended here is written over",
        f"{_APPLYING}_amend",
        "version=before.entry_version or 1",
        'version=entries.get(at_work.connection, at_work.desk, at_work.principal, before.entry_id or "").version',
        amended_here,
    ),
    Fault(
        "the dry run stays",
        "app.services.imports.working:_check_portion",
        "desk.database.rehearse(",
        "desk.database.write(",
        tried_first,
    ),
    Fault(
        "a doubtful date is taken for month first",
        "app.domain.imports.cells:_by_order",
        "day <= 12 and day != month",
        "False",
        refused_lines,
    ),
    Fault(
        "a credit is taken for an expense",
        "app.domain.imports.lines:_entry",
        'total = reader.minor("amount", currency) if currency else None',
        'total = abs(reader.minor("amount", currency) or 0) or None if currency else None',
        refused_lines,
    ),
    Fault(
        "a row that has slipped is read",
        "app.services.imports.grouping:_Columns.row",
        "row.cells[self.width :]",
        "row.cells[self.width + 9 :]",
        refused_lines,
    ),
    Fault(
        "one expense twice in a file is two",
        "app.services.imports.receiving:_begin_check",
        "rows.second_ones(connection, begun.id)",
        "[]",
        refused_lines,
    ),
    Fault(
        "whoever imports is allowed everything",
        "app.services.imports.working:principal_of",
        "Role(role)",
        "Role.OFFICER",
        own_lines,
    ),
    Fault(
        "a source goes on past the confirmation",
        "app.services.drafts:propose",
        "now.state is DraftState.OPEN",
        "True",
        reached_by_its_source,
    ),
    Fault(
        "what a person filled in is written over",
        "app.domain.drafts:brought_up_to_date",
        "if untouched:",
        "if True:",
        filled_in,
    ),
    Fault(
        "a repeated confirmation is refused",
        "app.services.drafts:confirm",
        "known.version == version + 1",
        "known.version == version",
        confirmed_twice,
    ),
    Fault(
        "other amounts of a day are a match",
        "app.domain.reconciliations:_same",
        "(expense.on, expense.minor, expense.currency) == (entry.on, entry.minor, entry.currency)",
        "(expense.on, expense.currency) == (entry.on, entry.currency)",
        a_month,
    ),
]
