"""The catalogue: which reports there are, what their columns are, and what one may and must ask of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.domain.refusals import NotFound
from app.domain.sheets import Column, Row
from app.services.reports import decisions, gifts, givers, limits, statements, year_end
from app.services.reports.books import Books


class ReportNotFound(NotFound):
    code = "report_not_found"


@dataclass(frozen=True, slots=True)
class ReportKind:
    """One report. `key` are the columns that tell its rows apart; `kept` that it is a statement which is kept for good.

    `takes` are the parameters it understands beside the period and `as_of`, `needs` those it cannot do without;
    `adds` are the columns whose sums say something.
    """

    id: str
    title: str
    about: str
    columns: tuple[Column, ...]
    rows: Callable[[Books], Iterator[Row]]
    adds: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    kept: bool = False

    @property
    def key_places(self) -> tuple[int, ...]:
        """The places of the key's columns."""
        names = [column.name for column in self.columns]
        return tuple(names.index(name) for name in self.key)


_OF_ENTRIES = ("direction", "kind", "giver")
KINDS = {
    kind.id: kind
    for kind in (
        ReportKind(
            "gift_log",
            "Gift log",
            "The separate record of FINRA Rule 3220(c): every share of any amount, given and received, with what the "
            "rule counted or why it did not.",
            gifts.GIFT_LOG,
            gifts.gift_log,
            ("share",),
            (*_OF_ENTRIES, "rule_id"),
        ),
        ReportKind(
            "recipient_statement",
            "Recipient statement",
            "Everything one person got, rule by rule, with running totals.",
            statements.RECIPIENT,
            statements.recipient_statement,
            (),
            ("recipient_id", *_OF_ENTRIES),
            ("recipient_id",),
            ("entry_id", "rule_id"),
            kept=True,
        ),
        ReportKind(
            "employer_statement",
            "Employer statement",
            "What we gave the people of one firm, share by share, less what was returned or repaid.",
            statements.EMPLOYER,
            statements.employer_statement,
            ("share", "returned", "net"),
            ("employer_id", *_OF_ENTRIES),
            ("employer_id",),
            ("entry_id", "line"),
            kept=True,
        ),
        ReportKind(
            "near_limit",
            "Near limit",
            "Whose totals reached a percentage of a limit, and how close they came.",
            limits.NEAR_LIMIT,
            limits.near_limit,
            (),
            ("at_least", "rule_id"),
        ),
        ReportKind(
            "late_entries",
            "Late entries",
            "Entries recorded more than so many days after the event.",
            gifts.LATE,
            gifts.late_entries,
            ("total", "violations"),
            ("days", *_OF_ENTRIES),
        ),
        ReportKind(
            "exclusions_claimed",
            "Exclusions claimed",
            "Every claim that a gift need not count, rule by rule, with its facts and what came of it.",
            gifts.EXCLUSIONS,
            gifts.exclusions,
            (),
            (*_OF_ENTRIES, "rule_id"),
        ),
        ReportKind(
            "officials_and_unions",
            "Officials and unions",
            "Every share of a public official, regulator, plan fiduciary or union official, or of their guests.",
            gifts.GIFT_LOG,
            gifts.officials,
            ("share",),
            (*_OF_ENTRIES, "rule_id", "types"),
        ),
        ReportKind(
            "decisions",
            "Decisions and turnaround",
            "Every decision that took effect, how long it took and whether it was in time; fallen ones say why.",
            decisions.DECISIONS,
            decisions.decisions,
            (),
            ("rule_id",),
        ),
        ReportKind(
            "rule_quality",
            "Rule quality",
            "Per rule the flags opened: confirmed, dismissed, overturned, and the time to decide.",
            decisions.QUALITY,
            decisions.rule_quality,
            ("flags", "undecided", "confirmed", "dismissed", "waived", "duplicate", "withdrawn", "overturned"),
            ("rule_id",),
        ),
        ReportKind(
            "giver_activity",
            "Giver activity",
            "What each of our people gave, how late and with how many flags, against their peers.",
            givers.GIVERS,
            givers.giver_activity,
            ("entries", "shares", "total", "late", "claims", "violations"),
            ("direction", "kind", "days"),
        ),
        ReportKind(
            "year_end",
            "Year-end summary",
            "The period in numbers, for the supervisory principal.",
            year_end.YEAR_END,
            year_end.year_end,
            (),
            ("days",),
        ),
    )
}


def kind_of(id: str) -> ReportKind:
    """A report by its name. Raises ReportNotFound."""
    if id not in KINDS:
        raise ReportNotFound("There is no such report")
    return KINDS[id]
