"""Lines: what the rows of one expense say, as an entry, or what is wrong with which column of which row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from hashlib import sha256
from typing import NamedTuple, TypeVar

from app.domain.audit import canonical
from app.domain.drafts import LONG, MOST_PEOPLE, SHORT, ProposedEntry, fitted, to_document
from app.domain.entries import HOSTED_KINDS, DraftPerson, Kind
from app.domain.imports.attendees import split
from app.domain.imports.cells import MOST_IN_A_CELL, CellRefused, read_amount, read_count, read_day, read_flag, tidy
from app.domain.imports.profiles import ATTENDEE, GUEST, HOST, NO_SHOW, SKIP, Layout, Profile
from app.domain.money import Currency, divide
from app.domain.recipients import Named

T = TypeVar("T")
Currencies = Callable[[str], Currency | None]


class RowFault(NamedTuple):
    """What is wrong with a cell: the row of the file, the column in our words, a code, and a sentence."""

    row: int
    column: str
    code: str
    detail: str


class Row(NamedTuple):
    """One row of a file: its number, and its cells by canonical column, those that are not empty."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One expense: its rows, who it belongs to, and the entry it makes; `faults` say why it makes none.

    `identity` is the source's own; None where it has none and `fingerprint` stands in. `skipped` says why a line is
    nothing of ours.
    """

    first_row: int
    last_row: int
    identity: str | None
    rep_email: str | None = None
    entry: ProposedEntry | None = None
    skipped: str = ""
    faults: tuple[RowFault, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What a line without an identity of its own is known by: everything that it says."""
        said = [self.rep_email, to_document(self.entry) if self.entry else None]
        return sha256(canonical(said).encode()).hexdigest()


@dataclass
class _Table:
    """Everybody at the table while a line is read. Shares in minor units; `besides` are heads without a recipient."""

    people: list[DraftPerson] = field(default_factory=list)
    companions: list[int] = field(default_factory=list)
    shares: list[int | None] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    hosts_amount: int = 0
    besides: int = 0
    besides_amount: int = 0
    any_attendee: bool = False


class _Reader:
    """Reads the cells of one line and gathers what is wrong with them."""

    def __init__(self, profile: Profile, rows: Sequence[Row], currencies: Currencies, zone: tzinfo) -> None:
        self.profile, self.rows, self.zone = profile, rows, zone
        self.faults: list[RowFault] = []
        self.main = Row(rows[0].number, self._the_same(rows))
        self._currencies = currencies

    def _the_same(self, rows: Sequence[Row]) -> dict[str, str]:
        """What is said of the expense as a whole, on whichever of its rows; rows that disagree are at fault."""
        said: dict[str, str] = dict(rows[0].cells)
        for row in rows[1:]:
            for column, text in row.cells.items():
                if column in ATTENDEE:
                    continue
                if said.setdefault(column, text) != text:
                    self.refuse(row, column, "rows_disagree", "the rows of one expense say different things")
        return said

    def refuse(self, row: Row, column: str, code: str, detail: str) -> None:
        self.faults.append(RowFault(row.number, column, code, detail))

    def cell(self, column: str, row: Row | None = None) -> str:
        return (row or self.main).cells.get(column, "")

    def read(self, column: str, reader: Callable[[str], T], row: Row | None = None) -> T | None:
        """What a cell says; None where it is empty or at fault."""
        row = row or self.main
        text = self.cell(column, row)
        if not text:
            return None
        try:
            return reader(text)
        except CellRefused as refused:
            self.refuse(row, column, refused.code, refused.detail)
            return None

    def coded(self, column: str, row: Row | None = None) -> str | None:
        """The meaning of a coded value, the default where the cell is empty, None with a fault where it is unknown."""
        row = row or self.main
        text = self.cell(column, row)
        if not text:
            return self.profile.defaults.get(column)
        meaning = self.profile.mapped(column, text)
        if meaning is None:
            self.refuse(row, column, f"unknown_{column}", f"the profile's values say nothing of this {column}")
        return meaning

    def currency(self) -> Currency | None:
        code = self.coded("currency")
        found = self._currencies(code.upper()) if code else None
        if found is None:
            self.refuse(self.main, "currency", "unknown_currency", "an ISO 4217 code such as USD")
        return found

    def minor(self, column: str, currency: Currency, row: Row | None = None) -> int | None:
        return self.read(column, lambda text: read_amount(text, self.profile.decimal_mark, currency.exponent), row)


def read_line(profile: Profile, rows: Sequence[Row], currencies: Currencies, zone: tzinfo) -> Line:
    """The line that the rows of one expense make; the first row says what is the same for all of them."""
    reader = _Reader(profile, rows, currencies, zone)
    first, last = rows[0].number, rows[-1].number
    identity = _identity(profile, reader)
    email = tidy(reader.cell("rep_email"))[:SHORT].casefold() or None
    too_long = [
        RowFault(row.number, column, "cell_too_long", f"at most {MOST_IN_A_CELL} characters")
        for row in rows
        for column, text in row.cells.items()
        if len(text) > MOST_IN_A_CELL
    ]
    if too_long:
        return Line(first, last, identity, email, faults=tuple(too_long[:20]))
    skipped = _skipped(reader)
    if skipped:
        return Line(first, last, identity, email, skipped=skipped)
    entry, table = _entry(reader)
    if entry is not None and not reader.faults and table.any_attendee and not entry.people and not table.besides:
        return Line(first, last, identity, email, skipped="only our own people were there")
    faults = tuple(reader.faults[:50])
    return Line(first, last, identity, email, None if faults else entry, faults=faults)


def _identity(profile: Profile, reader: _Reader) -> str | None:
    expense = tidy(reader.cell("source_expense_id"))
    if not expense:
        return None
    line = tidy(reader.cell("source_line_id"))
    if len(expense) > SHORT or len(line) > SHORT:
        reader.refuse(reader.main, "source_expense_id", "id_too_long", f"at most {SHORT} characters")
    return canonical([profile.source_system, expense[:SHORT], line[:SHORT]])


def _skipped(reader: _Reader) -> str:
    status = reader.cell("approval_status")
    if status and reader.profile.mapped("approval_status", status) == SKIP:
        return "its approval status is skipped"
    kind = reader.cell("expense_kind")
    if kind and reader.profile.mapped("expense_kind", kind) == SKIP:
        return "its kind of expense is skipped"
    return ""


def _entry(reader: _Reader) -> tuple[ProposedEntry | None, _Table]:
    on = reader.read("occurred_on", lambda text: read_day(text, reader.profile.date_order, reader.zone))
    kind = _kind(reader)
    currency = reader.currency()
    total = reader.minor("amount", currency) if currency else None
    _require(reader, "occurred_on", on)
    if currency is not None:
        _require(reader, "amount", total)
    if total is not None and total <= 0:
        detail = "a credit or nothing: withdraw or repay the entry it belongs to" if total < 0 else "more than nothing"
        reader.refuse(reader.main, "amount", "credit_line" if total < 0 else "amount_not_positive", detail)
    table = _attendees(reader, currency or Currency("", 4))
    hosts_present = _hosts_present(reader, kind, table)
    if reader.faults or currency is None or total is None or kind is None or on is None:
        return None, table
    people, hosts_share = _shares(reader, table, total, hosts_present)
    if not people and not table.any_attendee:
        reader.refuse(reader.main, _who(reader.profile), "nobody_listed", "name who got it")
    return fitted(_proposed(reader, on, kind, (total, currency), (people, hosts_share), table, hosts_present)), table


def _proposed(
    reader: _Reader,
    on: date,
    kind: Kind,
    money: tuple[int, Currency],
    people: tuple[tuple[DraftPerson, ...], int],
    table: _Table,
    hosts_present: bool | None,
) -> ProposedEntry:
    facts: list[tuple[str, object]] = []
    if table.besides:
        facts.append(("heads_without_a_name", str(table.besides)))
    if receipt := tidy(reader.cell("receipt_ref")):
        facts.append(("receipt_ref", receipt[:SHORT]))
    rep = reader.coded("rep_ref") or ""
    paid_by = reader.coded("payment_type") if "payment_type" in reader.profile.values else None
    purpose = [tidy(reader.cell(name)) for name in ("business_purpose", "description")]
    return ProposedEntry(
        occurred_on=on,
        kind=kind,
        giver=tidy(rep)[:SHORT],
        total=money[0],
        currency=money[1],
        people=people[0],
        hosts_share=people[1],
        hosts_present=hosts_present,
        hosts=tuple(dict.fromkeys(table.hosts)) or None,
        paid_by=paid_by or reader.profile.defaults.get("paid_by", "firm"),
        facts=tuple(facts),
        purpose=" - ".join(dict.fromkeys(text for text in purpose if text))[:LONG],
        venue=_venue(reader),
    )


def _venue(reader: _Reader) -> str:
    where = [reader.cell("venue") or reader.cell("vendor"), reader.cell("city"), reader.cell("country")]
    return ", ".join(dict.fromkeys(tidy(text) for text in where if tidy(text)))[:SHORT]


def _require(reader: _Reader, column: str, value: object) -> None:
    if value is None and not any(fault.column == column for fault in reader.faults):
        reader.refuse(reader.main, column, "missing", f"{column} is empty")


def _kind(reader: _Reader) -> Kind | None:
    said = reader.coded("expense_kind")
    if said is None:
        _require(reader, "expense_kind", None)
        return None
    if said not in set(Kind):
        reader.refuse(reader.main, "expense_kind", "unknown_expense_kind", f"one of: {', '.join(Kind)}")
        return None
    return Kind(said)


def _hosts_present(reader: _Reader, kind: Kind | None, table: _Table) -> bool | None:
    if reader.cell("rep_present") and "rep_present" not in reader.profile.values:
        said = reader.read("rep_present", read_flag)
    else:
        meaning = reader.coded("rep_present")
        said = None if meaning is None else meaning == "yes"
    if table.hosts:
        return True
    if kind in HOSTED_KINDS and said is None and not any(fault.column == "rep_present" for fault in reader.faults):
        reader.refuse(reader.main, "rep_present", "hosts_present_required", "say whether a host was present")
    return said if kind in HOSTED_KINDS else None


def _who(profile: Profile) -> str:
    return "attendees" if profile.layout is Layout.EXPENSE else "attendee_name"


def _attendees(reader: _Reader, currency: Currency) -> _Table:
    table = _Table()
    if reader.profile.layout is Layout.EXPENSE:
        _listed_in_a_cell(reader, table)
    else:
        for row in reader.rows:
            _row_of_attendee(reader, row, currency, table)
    if len(table.people) > MOST_PEOPLE:
        reader.refuse(reader.main, _who(reader.profile), "too_many_attendees", f"at most {MOST_PEOPLE}")
    return table


def _listed_in_a_cell(reader: _Reader, table: _Table) -> None:
    people, unnamed = split(reader.cell("attendees"), reader.profile.separators)
    unnamed += reader.read("unnamed_guests", read_count) or 0
    table.any_attendee = bool(people or unnamed)
    type = reader.profile.defaults.get("attendee_type")
    for one in people:
        if not any(letter.isalnum() for letter in one.name):
            reader.refuse(reader.main, "attendees", "no_name", "an attendee has no name")
            continue
        who = Named(name=one.name[:SHORT], employer=one.company, email=one.email, type=type)
        table.people.append(DraftPerson(who))
        table.companions.append(0)
        table.shares.append(None)
    table.besides += unnamed


def _row_of_attendee(reader: _Reader, row: Row, currency: Currency, table: _Table) -> None:
    name = _name(reader, row)
    external = tidy(reader.cell("attendee_external_id", row))[:SHORT]
    if not name and not external and not reader.cell("attendee_type", row):
        table.besides += reader.read("unnamed_guests", read_count, row) or 0
        table.any_attendee = table.any_attendee or bool(table.besides)
        return
    type = reader.coded("attendee_type", row)
    unknown = type is None and bool(reader.cell("attendee_type", row))
    amount = reader.minor("attendee_amount", currency, row)
    if amount is not None and amount < 0:
        reader.refuse(row, "attendee_amount", "amount_not_positive", "a part cannot be below nothing")
    if unknown or type == SKIP:
        return
    table.any_attendee = True
    if type == HOST:
        table.hosts.append((name or external)[:SHORT])
        table.hosts_amount += amount or 0
    elif type == NO_SHOW:
        table.besides += 1 + _companions(reader, row)
        table.besides_amount += amount or 0
    else:
        _guest_or_client(reader, row, (name, external, type), amount, table)


def _guest_or_client(
    reader: _Reader, row: Row, who: tuple[str, str, str | None], amount: int | None, table: _Table
) -> None:
    name, external, type = who
    if not any(letter.isalnum() for letter in name + external):
        reader.refuse(row, _who(reader.profile), "no_name", "an attendee has no name")
        return
    clients = [line.who for line in table.people if line.guest_of is None]
    if type == GUEST and not clients:
        reader.refuse(row, "attendee_type", "guest_of_nobody", "a guest stands below the client whose guest they are")
        return
    source = reader.profile.defaults.get("attendee_source", reader.profile.source_system)
    named = Named(
        source=source if external else None,
        external_id=external or None,
        name=name[:SHORT] or None,
        employer=tidy(reader.cell("attendee_company", row))[:SHORT] or None,
        email=tidy(reader.cell("attendee_email", row)) or None,
        type=type,
    )
    table.people.append(DraftPerson(named, guest_of=clients[-1] if type == GUEST else None))
    table.companions.append(_companions(reader, row))
    table.shares.append(amount)


def _companions(reader: _Reader, row: Row) -> int:
    """People without a name who came with somebody; a count of attendees includes the one it stands beside."""
    counted = reader.read("attendee_count", read_count, row)
    return (reader.read("unnamed_guests", read_count, row) or 0) + max(0, (counted or 1) - 1)


def _name(reader: _Reader, row: Row) -> str:
    whole = tidy(reader.cell("attendee_name", row))
    return whole or tidy(f"{reader.cell('attendee_first', row)} {reader.cell('attendee_last', row)}")


def _shares(
    reader: _Reader, table: _Table, total: int, hosts_present: bool | None
) -> tuple[tuple[DraftPerson, ...], int]:
    """The people with their parts, and what falls to our own and to heads without a name; nothing said: equal parts."""
    column = "attendee_amount"
    if table.besides and not hosts_present:
        reader.refuse(reader.main, _who(reader.profile), "unnamed_guests_of_nobody", "name everybody where no host was")
    if any(share is not None for share in table.shares) or table.hosts_amount or table.besides_amount:
        if any(share is None for share in table.shares):
            reader.refuse(reader.main, column, "shares_do_not_add_up", "state a part for everybody or for nobody")
            return (), 0
        parts = [share or 0 for share in table.shares]
        rest = table.hosts_amount + table.besides_amount
        if sum(parts) + rest != total:
            reader.refuse(reader.main, column, "shares_do_not_add_up", "the parts do not add up to the amount")
        return tuple(_with_shares(table.people, parts)), rest
    if not table.besides and not any(table.companions):
        return tuple(table.people), 0
    hosts = (len(table.hosts) or 1) if hosts_present else 0
    weights = [*(1 + more for more in table.companions), hosts, table.besides]
    parts = divide(total, weights)
    return tuple(_with_shares(table.people, parts)), sum(parts[len(table.people) :])


def _with_shares(people: Sequence[DraftPerson], parts: Sequence[int]) -> Iterator[DraftPerson]:
    for line, part in zip(people, parts, strict=False):
        yield DraftPerson(line.who, guest_of=line.guest_of, share=part)
