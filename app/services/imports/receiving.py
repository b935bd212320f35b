"""Receiving: a file is read into lines, a few thousand at a time; then its dry run begins."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from app.domain.access import Permission, Principal
from app.domain.audit import canonical
from app.domain.drafts import SHORT, fitted_text, to_document
from app.domain.imports import Line, Profile, RowFault, read_line
from app.domain.refusals import Conflict
from app.services.desk import Desk
from app.services.entries.recording import KeyReused
from app.services.imports import profiles
from app.services.imports.grouping import Group, groups
from app.services.imports.tables import FileTooRich, FileUnreadable
from app.storage import access as access_rows
from app.storage import imports as rows
from app.storage import operations
from app.storage.ids import new_id
from app.storage.imports import KnownImport, KnownLine
from app.storage.operations import KnownOperation

T = TypeVar("T")
PURPOSES = ("entries", "drafts", "expenses")
_AT_ONCE = 2000
_DEAD_AFTER = timedelta(minutes=2)


class ImportUnderWay(Conflict):
    code = "import_under_way"
    title = "This file is being read"


class Handed(NamedTuple):
    """A file as it was handed in, kept at `path` until it is read. `fingerprint` stands for the request as a whole."""

    path: Path
    name: str
    size: int
    sha256: str
    profile: Profile
    purpose: str
    key: str
    fingerprint: str


@contextmanager
def handed(desk: Desk, files: Sequence[Path], profile: str, purpose: str) -> Iterator[Handed]:
    """Files of this machine as one that is handed in; the same again is the same. `profile` may be a YAML file.

    Raises ProfileNotFound, ProfileInvalid, and FileUnreadable for what is not there or too large.
    """
    if purpose not in PURPOSES:
        raise FileUnreadable(f"The purpose is one of: {', '.join(PURPOSES)}")
    with tempfile.TemporaryDirectory(prefix="propriety-import-") as folder:
        try:
            is_file = profile.endswith((".yaml", ".yml"))
            text = Path(profile).read_text("utf-8") if is_file else ""
            path = files[0] if len(files) == 1 else _zipped(Path(folder) / "files.zip", files)
            size = path.stat().st_size
            if size > desk.settings.import_limit_bytes:
                raise FileTooRich(f"A file may have {desk.settings.import_limit_bytes} bytes")
            digest = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        except (OSError, UnicodeDecodeError) as error:
            raise FileUnreadable(f"A file cannot be read: {error.__class__.__name__}") from error
        mapping = profiles.check(text) if is_file else profiles.get(desk.settings.import_profiles, profile)
        print_ = sha256("\n".join([digest, mapping.name, str(mapping.version), purpose]).encode()).hexdigest()
        yield Handed(path, files[0].name, size, digest, mapping, purpose, print_, print_)


def _zipped(path: Path, files: Sequence[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, file in enumerate(files):
            archive.write(file, f"{number}/{file.name}")
    return path


def receive(desk: Desk, principal: Principal, handed: Handed) -> tuple[KnownImport, bool]:
    """Reads a file into lines and begins its dry run: the import, and whether it had been handed in before.

    Raises RoleForbids, KeyReused, ImportUnderWay, and FileUnreadable, FileTooRich or ColumnsMissing for a file
    that is of no use; then nothing is kept.
    """
    principal.require(Permission.SUBMIT)
    begun, before = desk.database.write(lambda connection: _begin(connection, desk, principal, handed))
    if before:
        return begun, True
    try:
        count = _read_all(desk, principal, handed, begun)
        return desk.database.write(lambda connection: _begin_check(connection, desk, begun, count)), False
    except BaseException:
        desk.database.write(lambda connection: rows.forget(connection, begun.id))
        raise


def _begin(connection: Connection, desk: Desk, principal: Principal, handed: Handed) -> tuple[KnownImport, bool]:
    known = rows.by_key(connection, principal.id, handed.key)
    now = desk.clock()
    if known is not None and known.state == rows.READING and now - known.touched_at > _DEAD_AFTER:
        rows.forget(connection, known.id)
        known = None
    if known is not None:
        if known.fingerprint != handed.fingerprint:
            raise KeyReused("This Idempotency-Key was used for another file; take a new key")
        if known.state == rows.READING:
            raise ImportUnderWay("This file is being read; ask again shortly", retry_after_s=2)
        return known, True
    one = KnownImport(
        id=new_id("imp"),
        version=1,
        state=rows.READING,
        purpose=handed.purpose,
        profile=handed.profile.name,
        profile_version=handed.profile.version,
        file_name=fitted_text(handed.name),
        file_bytes=handed.size,
        file_sha256=handed.sha256,
        lines=0,
        checked=0,
        applied=0,
        summary="{}",
        operation_id=None,
        acting_person=principal.person,
        acting_role=allowed(principal),
        created_by=principal.person,
        created_by_key=principal.id,
        idempotency_key=handed.key,
        fingerprint=handed.fingerprint,
        created_at=now,
        touched_at=now,
    )
    rows.add(connection, one)
    return one, False


def _begin_check(connection: Connection, desk: Desk, begun: KnownImport, count: int) -> KnownImport:
    if count == 0:
        raise FileUnreadable("There is not a single expense in the file")
    again = rows.second_ones(connection, begun.id)
    notes = {"faults": [[0, "source_expense_id", rows.TWICE, "this expense stands further up in the file already"]]}
    rows.spoil(connection, begun.id, again, canonical(notes))
    stamp = desk.stamp(begun.created_by, door="import")
    operation = new_operation(connection, desk, "import_check", begun.created_by, count)
    one = begun._replace(state=rows.CHECKING, lines=count, operation_id=operation.id, touched_at=stamp.at)
    rows.keep(connection, one)
    facts = {
        "file": one.file_name,
        "sha256": one.file_sha256,
        "lines": count,
        "profile": f"{one.profile}:{one.profile_version}",
        "purpose": one.purpose,
    }
    journal = desk.journal()
    journal.note(one.id, 1, "import.received", facts, stamp)
    journal.seal(connection)
    return one


def allowed(principal: Principal) -> str:
    """What somebody may do at this moment, for whoever acts in their name later: role, and what the key withholds."""
    ceiling = principal.ceiling
    # A key that allows nothing has no import; so no words behind the role mean no ceiling.
    return " ".join([principal.role.value, *(sorted(ceiling) if ceiling is not None else ())])


def new_operation(connection: Connection, desk: Desk, kind: str, by: str, total: int) -> KnownOperation:
    """An operation by which the work on an import can be followed."""
    operation = KnownOperation(new_id("opn"), kind, "queued", 0, total, None, None, by, desk.clock(), None)
    operations.add(connection, operation)
    return operation


def _read_all(desk: Desk, principal: Principal, handed: Handed, begun: KnownImport) -> int:
    count = 0
    with tempfile.TemporaryDirectory(prefix="propriety-import-") as folder:
        counted = _Occurrences()
        for some in _batches(groups(handed.path, handed.profile, Path(folder)), _AT_ONCE):
            read = [_line(desk, handed.profile, group) for group in some]
            first = count + 1
            count += len(read)
            if count > desk.settings.import_lines_limit:
                raise FileTooRich(f"A file may have {desk.settings.import_lines_limit} expenses; hand in parts of it")
            identities = [line.identity or counted.name(line) for line in read]
            desk.database.write(
                lambda connection, read=read, identities=identities, first=first: _keep(  # type: ignore[misc]
                    connection, desk, principal, (begun.id, handed.profile), read, identities, first
                )
            )
    return count


class _Occurrences:
    """Names lines that have no id: by what they say, and the how manyeth of those that say the same."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}

    def name(self, line: Line) -> str:
        print_ = line.fingerprint
        short = bytes.fromhex(print_)[:12]
        self._seen[short] = self._seen.get(short, 0) + 1
        return f"{print_}#{self._seen[short]}"


def _line(desk: Desk, profile: Profile, group: Group) -> Line:
    if group.fault is not None:
        number = group.fault.row
        return Line(number, number, None, faults=(group.fault,))
    return read_line(profile, group.rows, profiles.currency, desk.settings.zone)


def _keep(
    connection: Connection,
    desk: Desk,
    principal: Principal,
    into: tuple[str, Profile],
    read: Sequence[Line],
    identities: Sequence[str],
    first: int,
) -> None:
    import_id, profile = into
    if not rows.touch(connection, import_id, desk.clock()):
        raise ImportUnderWay("This file was taken up anew by a repetition", retry_after_s=2)
    people = access_rows.people_at(connection, {line.rep_email for line in read if line.rep_email})
    kept = []
    for position, (line, identity) in enumerate(zip(read, identities, strict=True), first):
        named = _with_giver(line, profile, principal, people)
        kept.append(
            KnownLine(
                import_id=import_id,
                position=position,
                first_row=named.first_row,
                last_row=named.last_row,
                identity=identity if not named.faults or named.identity else f"unreadable {import_id} {position}",
                giver=named.entry.giver if named.entry else "",
                document=canonical(to_document(named.entry)) if named.entry else None,
                expected=None,
                outcome=None,
                notes=canonical(_notes(named)),
                entry_id=None,
            )
        )
    rows.add_lines(connection, kept)


def _with_giver(line: Line, profile: Profile, principal: Principal, people: dict[str, str]) -> Line:
    """The line under the name by which entries know its rep; without any column for it, the importer's own."""
    if line.entry is None or line.entry.giver:
        return line
    if line.rep_email is not None:
        person = people.get(line.rep_email)
        if person is None:
            detail = "nobody here has this address; give rep_ref, or make them a key with it"
            return replace(line, entry=None, faults=(RowFault(line.first_row, "rep_email", "unknown_rep", detail),))
        return replace(line, entry=replace(line.entry, giver=person[:SHORT]))
    if {"rep_ref", "rep_email"} & profile.columns.keys() and principal.may(Permission.SUBMIT_FOR_OTHERS):
        fault = RowFault(line.first_row, "rep_ref", "missing", "say whose expense it is")
        return replace(line, entry=None, faults=(fault,))
    return replace(line, entry=replace(line.entry, giver=principal.person))


def _notes(line: Line) -> dict[str, object]:
    if line.faults:
        return {"faults": [list(fault) for fault in line.faults]}
    return {"skipped": line.skipped} if line.skipped else {}


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(items, size)):
        yield some
