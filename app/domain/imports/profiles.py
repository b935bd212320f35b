"""Mapping profiles: which column of a file means what, and how its cells are to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.entries import Kind
from app.domain.imports.cells import DATE_ORDERS, key
from app.domain.refusals import Fault, Unprocessable

CANONICAL = (
    "source_expense_id", "source_line_id", "rep_ref", "rep_email", "occurred_on", "expense_kind", "description",
    "business_purpose", "venue", "city", "country", "vendor", "amount", "currency", "attendees", "attendee_external_id",
    "attendee_name", "attendee_first", "attendee_last", "attendee_company", "attendee_title", "attendee_email",
    "attendee_type", "attendee_amount", "unnamed_guests", "attendee_count", "rep_present", "payment_type",
    "approval_status", "receipt_ref",
)  # fmt: skip
ATTENDEE = frozenset(name for name in CANONICAL if name.startswith("attendee_")) | {"unnamed_guests"}  # fmt: skip
MAPPED = ("expense_kind", "attendee_type", "payment_type", "approval_status", "rep_ref", "rep_present", "currency")
DEFAULTS = ("expense_kind", "attendee_type", "rep_present", "currency", "paid_by", "attendee_source")
SKIP, HOST, NO_SHOW, GUEST = "skip", "host", "no_show", "guest"
ENCODINGS = ("auto", "utf-8", "cp1252")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_FIELDS = frozenset(
    {
        "profile", "version", "title", "layout", "source_system", "columns", "delimiter", "encoding", "date_order",
        "decimal_mark", "values", "defaults", "separators", "attendee_sheet", "notes",
    }
)  # fmt: skip


class ProfileInvalid(Unprocessable):
    code = "profile_invalid"
    title = "The mapping profile is not valid"


class Layout(StrEnum):
    """A: one row per attendee. B: one row per expense with a list in one cell. C: two tables joined by the expense."""

    ATTENDEE = "attendee"
    EXPENSE = "expense"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class Profile:
    """How the files of one source are read. `columns` gives the headers of each canonical column, as compared."""

    name: str
    version: int
    title: str
    layout: Layout
    source_system: str
    columns: Mapping[str, tuple[str, ...]]
    delimiter: str | None = None
    encoding: str = "auto"
    date_order: str | None = None
    decimal_mark: str = "."
    separators: tuple[str, ...] = ("\n", ";", ",")
    attendee_sheet: str = ""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""

    def mapped(self, column: str, text: str) -> str | None:
        """What a coded value means here: itself where the column has no map, None where the map lacks it."""
        table = self.values.get(column)
        if table is None:
            return text
        return table.get(key(text), table.get("*"))


def read_profile(document: Mapping[str, Any]) -> Profile:
    """A profile from its document. Raises ProfileInvalid with a fault for everything that is wrong."""
    faults: list[Fault] = []
    if not isinstance(document, Mapping):
        raise ProfileInvalid("A profile is a mapping", [Fault("", ProfileInvalid.code, "a mapping of fields")])
    faults += [
        _fault(f"/{name}", f"known are: {', '.join(sorted(_FIELDS))}") for name in document if name not in _FIELDS
    ]
    text = _Texts(document, faults)
    profile = Profile(
        name=text.matching("profile", _NAME, "lower-case letters, digits and dashes"),
        version=_version(document.get("version"), faults),
        title=text.plain("title"),
        layout=Layout(text.one_of("layout", [one.value for one in Layout], Layout.EXPENSE.value)),
        source_system=text.matching("source_system", _IDENTIFIER, "lower-case letters, digits and underscores"),
        columns=_columns(document.get("columns"), faults),
        delimiter=text.one_of("delimiter", [",", ";", "\t", "|"], None),
        encoding=text.one_of("encoding", ENCODINGS, "auto"),
        date_order=text.one_of("date_order", DATE_ORDERS, None),
        decimal_mark=text.one_of("decimal_mark", [".", ","], "."),
        separators=_separators(document.get("separators"), faults),
        attendee_sheet=text.plain("attendee_sheet", needed=False),
        values=_values(document.get("values"), faults),
        defaults=_defaults(document.get("defaults"), faults),
        notes=text.plain("notes", needed=False),
    )
    faults += _whole(profile)
    if faults:
        raise ProfileInvalid(f"{len(faults)} faults in the profile", faults)
    return profile


def _fault(pointer: str, detail: str) -> Fault:
    return Fault(pointer, ProfileInvalid.code, detail)


class _Texts:
    """Reads the texts of a profile and gathers what is wrong with them."""

    def __init__(self, document: Mapping[str, Any], faults: list[Fault]) -> None:
        self._document, self._faults = document, faults

    def plain(self, name: str, *, needed: bool = True) -> str:
        said = self._document.get(name, "")
        if isinstance(said, str) and (said or not needed) and len(said) <= 2000:
            return said
        self._faults.append(_fault(f"/{name}", "a text"))
        return ""

    def matching(self, name: str, pattern: re.Pattern[str], detail: str) -> str:
        said = self._document.get(name)
        if isinstance(said, str) and pattern.fullmatch(said):
            return said
        self._faults.append(_fault(f"/{name}", detail))
        return "x"

    def one_of(self, name: str, known: Sequence[str], default: Any) -> Any:
        said = self._document.get(name, default)
        if said == default or (isinstance(said, str) and said in known):
            return said
        self._faults.append(_fault(f"/{name}", f"one of: {', '.join(map(repr, known))}"))
        return default


def _version(said: object, faults: list[Fault]) -> int:
    if isinstance(said, int) and not isinstance(said, bool) and 1 <= said <= 10**6:
        return said
    faults.append(_fault("/version", "a whole number from 1"))
    return 1


def _columns(said: object, faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if not isinstance(said, Mapping):
        faults.append(_fault("/columns", "a mapping of our columns to the headers of the file"))
        return found
    for name, headers in said.items():
        listed = [headers] if isinstance(headers, str) else headers
        if name not in CANONICAL:
            faults.append(_fault(f"/columns/{name}", f"known are: {', '.join(CANONICAL)}"))
        elif not isinstance(listed, list) or not listed or not all(isinstance(one, str) and key(one) for one in listed):
            faults.append(_fault(f"/columns/{name}", "a header, or a list of headers"))
        else:
            found[name] = tuple(key(one) for one in listed)
    return found


def _separators(said: object, faults: list[Fault]) -> tuple[str, ...]:
    if said is None:
        return ("\n", ";", ",")
    if isinstance(said, list) and said and all(isinstance(one, str) and len(one) == 1 for one in said):
        return tuple(said)
    faults.append(_fault("/separators", "a list of single signs, the strongest first"))
    return ()


def _values(said: object, faults: list[Fault]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    if said is None:
        return found
    if not isinstance(said, Mapping):
        faults.append(_fault("/values", "a mapping by column"))
        return found
    for column, table in said.items():
        if column not in MAPPED or not isinstance(table, Mapping):
            faults.append(_fault(f"/values/{column}", f"a mapping for one of: {', '.join(MAPPED)}"))
            continue
        found[column] = {}
        for value, meaning in table.items():
            if not isinstance(value, str) or not isinstance(meaning, str) or not _is_meaning(column, meaning):
                faults.append(_fault(f"/values/{column}/{value}", _meanings(column)))
            else:
                found[column][key(value) or value] = meaning
    return found


def _meanings(column: str) -> str:
    if column == "expense_kind":
        return f"one of: {', '.join([*Kind, SKIP])}; put the file's value in quotes"
    return "put values in quotes; types are lower-case words with underscores, or host, guest, no_show, skip"


def _is_meaning(column: str, meaning: str) -> bool:
    if column == "expense_kind":
        return meaning == SKIP or meaning in set(Kind)
    if column in ("attendee_type", "payment_type"):
        return _IDENTIFIER.fullmatch(meaning) is not None
    if column == "approval_status":
        return meaning in (SKIP, "take")
    if column == "rep_present":
        return meaning in ("yes", "no")
    if column == "currency":
        return re.fullmatch("[A-Z]{3}", meaning) is not None
    return 1 <= len(meaning) <= 200


def _defaults(said: object, faults: list[Fault]) -> dict[str, str]:
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        faults.append(_fault("/defaults", "a mapping"))
        return {}
    found = {}
    for name, value in said.items():
        column = "attendee_type" if name in ("paid_by", "attendee_source") else name
        if name not in DEFAULTS or not isinstance(value, str) or not _is_meaning(column, value) or value == SKIP:
            faults.append(_fault(f"/defaults/{name}", f"known are: {', '.join(DEFAULTS)}; yes and no in quotes"))
        else:
            found[name] = value
    return found


def _whole(profile: Profile) -> list[Fault]:
    """What must be there besides: who, when, how much, and for whom."""
    there = set(profile.columns)
    needed = [name for name in ("occurred_on", "amount") if name not in there]
    faults = [_fault(f"/columns/{name}", "this column is needed") for name in needed]
    needed = [name for name in ("currency", "expense_kind") if name not in there and name not in profile.defaults]
    faults += [_fault(f"/columns/{name}", f"name the column, or a default for {name}") for name in needed]
    named = {"attendee_name", "attendee_external_id"} & there or {"attendee_first", "attendee_last"} <= there
    if profile.layout is Layout.EXPENSE and "attendees" not in there:
        faults.append(_fault("/columns/attendees", "the layout expense needs the column with the list of attendees"))
    if profile.layout is not Layout.EXPENSE and not named:
        faults.append(_fault("/columns/attendee_name", "name attendees by name, by first and last, or by id"))
    if profile.layout is not Layout.EXPENSE and "source_expense_id" not in there:
        faults.append(_fault("/columns/source_expense_id", "rows are put together by it"))
    headers = [header for columns in profile.columns.values() for header in columns]
    twice = sorted({header for header in headers if headers.count(header) > 1})
    if twice:
        faults.append(_fault("/columns", f"these headers stand for two columns: {', '.join(twice)}"))
    return faults
