"""Imports as a whole: the same as one by one, the same after a crash, and no file that breaks anything."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.access import Principal, Role
from app.services import imports
from app.services.desk import Desk
from app.services.imports import tables
from app.settings import Settings
from app.storage.database import Database
from tests.api.importing import apply, checked, counts, csv_of
from tests.api.reviewing import Json, done
from tests.processes import ServerProcess, key_for, read, run
from tests.server import Caller, serving

PEOPLE = ["Dana Diaz (Northgate)", "Eli Egg (Calder)", "Fay Fox (Northgate)", "Gus Gray"]
HEADER = "expense_id,rep,date,kind,amount,currency,attendees,rep_present\n"
ROUNDS = int(os.environ.get("PROPRIETY_TEST_IMPORT_ROUNDS", "3"))
MUTATIONS = int(os.environ.get("PROPRIETY_TEST_MUTATIONS", "150"))


class Expense:
    """One expense, as a row of a file and as the body of an entry."""

    def __init__(self, chance: random.Random, number: int, people: Sequence[str] = PEOPLE) -> None:
        self.number = number
        self.rep = chance.choice(["rhea", "ravi"])
        self.day = f"2026-05-{chance.randrange(1, 29):02d}"
        self.kind = chance.choice(["gift", "gift", "meal"])
        self.minor = chance.randrange(500, 30_000)
        self.people = chance.sample(people, chance.randrange(1, 4))

    @property
    def row(self) -> str:
        amount = f"{self.minor // 100}.{self.minor % 100:02d}"
        return f'e{self.number},{self.rep},{self.day},{self.kind},{amount},USD,"{"; ".join(self.people)}",yes'

    @property
    def body(self) -> Json:
        people = [one.rstrip(")").partition(" (") for one in self.people]
        return {
            "occurred_on": self.day,
            "kind": self.kind,
            "giver": self.rep,
            "total": {"amount": f"{self.minor // 100}.{self.minor % 100:02d}", "currency": "USD"},
            "recipients": [
                {"name": name, "type": "institutional_employee"} | ({"employer": firm} if firm else {})
                for name, _, firm in people
            ],
        } | ({"hosts_present": True} if self.kind == "meal" else {})


def judged(caller: Caller) -> list[Any]:
    """Everything that the books say of entries, but for ids and moments."""
    found = []
    for one in done(caller.get("/v1/entries", params={"limit": 200}))["data"]:
        names = {person["id"]: person["name"] for person in one["recipients"]}
        results = [
            (answer["rule_id"], names.get(answer.get("recipient_id", ""), ""), answer["outcome"], answer["aggregate"])
            for answer in one["assessments"]
        ]
        opened = [(case["rule_id"], case["over_by"], case["state"]) for case in one["violations"]]
        who = [(person["name"], person["employer"], person["share"]["amount"]) for person in one["recipients"]]
        found.append(
            (
                one["occurred_on"],
                one["giver"],
                one["kind"],
                one["total"]["amount"],
                who,
                sorted(results),
                sorted(opened),
            )
        )
    return sorted(found, key=repr)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_file_comes_to_what_its_lines_come_to_one_by_one(fresh_database, database_kind, turn: int, tell):
    seed = random.randrange(2**32) if turn else 7
    tell(f"seed {seed}")
    chance = random.Random(seed)
    expenses = [Expense(chance, number) for number in range(40)]
    with serving(fresh_database(database_kind)) as server:
        officer = server.as_("officer", "olivia")
        one = checked(officer, csv_of(*(expense.row for expense in expenses), header=HEADER))
        applied = apply(officer, one)
        assert counts(applied["applied"]) == counts(one["check"])
        by_file = judged(officer)
    with serving(fresh_database(database_kind)) as server:
        officer = server.as_("officer", "olivia")
        for expense in expenses:
            done(officer.post("/v1/entries", json=expense.body))
        assert judged(officer) == by_file
        violations = done(officer.get("/v1/violations", params={"limit": 200}))["data"]
    assert applied["applied"].get("violations", 0) == len(violations)


# Crashes


@pytest.mark.race
def test_whoever_finds_an_import_half_done_goes_on_where_it_ended(database_url: str, tmp_path: Path):
    """The service is killed in the middle, more than once; in the end every line is there exactly once."""
    chance = random.Random(11)
    crowd = [f"Person {number} (Firm {number % 30})" for number in range(2000)]
    expenses = [Expense(chance, number, crowd) for number in range(2000)]
    key = key_for(database_url)
    run(database_url, "migrate")
    (tmp_path / "one").mkdir()
    server = ServerProcess(database_url, tmp_path / "one")
    server.start()
    server.wait()
    caller = Caller(f"http://127.0.0.1:{server.port}", key=key)
    one = checked(caller, csv_of(*(expense.row for expense in expenses), header=HEADER))
    asked = caller.post(f"/v1/imports/{one['id']}/application", headers={"If-Match": f'"v{one["version"]}"'})
    assert asked.status_code == 202, asked.text
    kills = 0
    while kills < 3 and _applied(database_url) < len(expenses):
        before = _applied(database_url)
        while _applied(database_url) == before < len(expenses):
            pass
        server.kill()
        kills += 1
        partly = _applied(database_url)
        assert partly == read(database_url, lambda c: c.scalar(text("SELECT COUNT(*) FROM entries")))
        (tmp_path / f"again{kills}").mkdir()
        server = ServerProcess(database_url, tmp_path / f"again{kills}")
        server.start()
        server.wait()
    caller = Caller(f"http://127.0.0.1:{server.port}", key=key)
    while (now := done(caller.get(f"/v1/imports/{one['id']}")))["state"] == "applying":
        pass
    assert (now["state"], now["applied"]["new"], now["applied"]["refused"]) == ("applied", len(expenses), 0)
    assert kills > 0
    books = {
        "entries": "SELECT COUNT(*) FROM entries",
        "expenses": "SELECT COUNT(*) FROM expenses WHERE entry_id IS NOT NULL",
        "records": "SELECT COUNT(*) FROM audit_records WHERE action = 'entry.recorded'",
        "lines": "SELECT COUNT(DISTINCT entry_id) FROM import_lines WHERE outcome = 'new'",
    }
    said = read(database_url, lambda c: {name: c.scalar(text(asked)) for name, asked in books.items()})
    server.kill()
    assert said == dict.fromkeys(books, len(expenses))
    code, output = run(database_url, "audit", "verify")
    assert code == 0, output


def _applied(url: str) -> int:
    return int(read(url, lambda connection: connection.scalar(text("SELECT applied FROM imports"))) or 0)


# Files that are out to break something


@pytest.fixture(scope="module")
def quiet_desk(databases) -> Iterator[Desk]:
    """A desk without a server on SQLite: reading a file needs no more."""
    with databases.fresh("sqlite") as url:
        database = Database(url)
        yield Desk(Settings(database_url=url), database)
        database.close()


OLIVIA = Principal("key_tests", "olivia", Role.OFFICER, "olivia")


def taken(desk: Desk, folder: Path, file: bytes, profile: str = "generic") -> Json | str:
    """What becomes of a file: the counts of its dry run, or the code of what is wrong with the whole."""
    path = folder / "file"
    path.write_bytes(file)
    try:
        with imports.handed(desk, [path], profile, "entries") as handed:
            one, _ = imports.receive(desk, OLIVIA, handed)
    except Exception as refusal:
        code = getattr(refusal, "code", None)
        if not code:
            raise
        return str(code)
    while imports.work_once(desk):
        pass
    with desk.database.reading() as connection:
        one = imports.get(connection, OLIVIA, one.id)
    assert one.state == "checked", (one, file)
    return dict(json.loads(one.summary)["check"])


def workbook(*sheets: list[list[Any]]) -> bytes:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet(["expenses", "attendees"][number])
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return held.getvalue()


WHOLE = csv_of(*(Expense(random.Random(5), number).row for number in range(5)), header=HEADER)
JOINED = (
    b'{"expense_id":"1","rep":"rhea","date":"2026-05-04","kind":"gift","amount":12.50,"currency":"USD",'
    b'"attendees":[{"name":"Dana","company":"North","attendee_type":"institutional_employee"}]}\n'
)


def test_json_lines_with_attendees_inside(quiet_desk: Desk, tmp_path: Path):
    assert taken(quiet_desk, tmp_path, JOINED, "generic-joined") == {"new": 1, "creates": 1}


def test_two_files_in_a_zip_are_joined(quiet_desk: Desk, tmp_path: Path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("expenses.csv", "expense_id,rep,date,kind,amount,currency\n1,rhea,2026-05-04,gift,20.00,USD\n")
        archive.writestr(
            "attendees.csv",
            "expense_id,name,attendee_type,attendee_amount\n"
            "1,Zoe One,institutional_employee,12.00\n1,Zoe Two,institutional_employee,8.00\n9,Lost,x,1.00\n",
        )
    assert taken(quiet_desk, tmp_path, held.getvalue(), "generic-joined") == {"new": 1, "refused": 1, "creates": 2}


ENCODED = [
    pytest.param("utf-8", id="UTF-8"),
    pytest.param("utf-8-sig", id="UTF-8 with its mark"),
    pytest.param("cp1252", id="cp1252"),
    pytest.param("utf-16", id="UTF-16 with its mark"),
]


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_name_is_the_same_in_every_encoding(quiet_desk: Desk, tmp_path: Path, encoding: str):
    row = f"x{encoding},rhea,2026-05-04,gift,20.00,USD,Zoë Müller ({encoding}),yes"
    assert taken(quiet_desk, tmp_path, (HEADER + row + "\r\n").encode(encoding)) == {"new": 1, "creates": 1}
    rows = tables._csv(io.BytesIO((HEADER + row).encode(encoding)), "auto", None)
    assert [one.cells[6] for one in rows][1] == f"Zoë Müller ({encoding})"


def bomb(sheet: bytes, *, name: str = "xl/worksheets/sheet1.xml") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr(name, sheet)
    return held.getvalue()


def lying(file: bytes, says: int) -> bytes:
    """The same archive, which says of the size of its last member what is not so."""
    size = len(zlib.decompress(zlib.compress(b"")))
    place = file.rindex(b"PK\x01\x02")
    assert size == 0
    return file[: place + 24] + says.to_bytes(4, "little") + file[place + 28 :]


BOMBS = [
    pytest.param(bomb(b"0" * (300 << 20)), "file_too_rich", id="a thousand times its size"),
    pytest.param(bomb(b'<c r="XFD1048576"/>'), "file_too_rich", id="a cell far out"),
    pytest.param(lying(bomb(b"0" * (300 << 20)), 10), "file_too_rich", id="a bomb that says it is none"),
    pytest.param(lying(bomb(b"0" * 1000), 10), "file_unreadable", id="an archive that lies"),
    pytest.param(bomb(b"<worksheet>"), "file_unreadable", id="a workbook of nothing"),
]


@pytest.mark.parametrize(("file", "code"), BOMBS)
def test_a_bomb_does_not_go_off(quiet_desk: Desk, tmp_path: Path, file: bytes, code: str):
    assert len(file) < 1 << 20
    assert taken(quiet_desk, tmp_path, file) == code


def mutated(chance: random.Random, file: bytes) -> bytes:
    """A file with a few bytes that are not as they were."""
    body = bytearray(file)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(body))
        match chance.randrange(4):
            case 0:
                body[place] = chance.randrange(256)
            case 1:
                del body[place : place + chance.randrange(1, 20)]
            case 2:
                body[place:place] = chance.randbytes(chance.randrange(1, 8))
            case _:
                body[place:place] = chance.choice(
                    [b'"', b",", b"\n", b"\x00", b"(", b"=1", b"\xff\xfe", b"9" * 30, b"{"]
                )
        if not body:
            return b"x"
    return bytes(body)


@pytest.mark.parametrize(
    ("file", "profile"), [pytest.param(WHOLE, "generic", id="csv"), pytest.param(JOINED, "generic-joined", id="json")]
)
def test_whatever_happened_to_a_file_it_is_refused_or_read(
    quiet_desk: Desk, tmp_path: Path, file: bytes, profile: str, tell
):
    seed = random.randrange(2**32)
    tell(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(MUTATIONS):
        became = taken(quiet_desk, tmp_path, mutated(chance, file), profile)
        assert isinstance(became, dict) or became in {"file_unreadable", "columns_missing", "file_too_rich"}, became


def test_a_damaged_workbook_is_refused_or_read(quiet_desk: Desk, tmp_path: Path, tell):
    seed = random.randrange(2**32)
    tell(f"seed {seed}")
    chance = random.Random(seed)
    rows = [line.split(",") for line in (HEADER + "w1,rhea,2026-05-04,gift,20.5,USD,Dana,yes").splitlines()]
    whole = workbook(rows)
    assert taken(quiet_desk, tmp_path, whole)["new"] == 1
    for _ in range(MUTATIONS):
        became = taken(quiet_desk, tmp_path, mutated(chance, whole))
        assert isinstance(became, dict) or became in {"file_unreadable", "columns_missing", "file_too_rich"}, became


# The command line


def test_the_command_line_tries_and_applies_and_takes_the_same_file_once(database_url: str, tmp_path: Path):
    run(database_url, "migrate")
    key_for(database_url)
    with serving(database_url):
        pass
    file, result = tmp_path / "may.csv", tmp_path / "result.csv"
    file.write_bytes(WHOLE)
    code, output = run(database_url, "import", str(file))
    assert (code, "5 expenses, checked" in output) == (0, True), output
    for _ in range(2):
        code, output = run(database_url, "import", str(file), "--apply", "--result", str(result))
        assert (code, "5 expenses, applied" in output) == (0, True), output
    assert read(database_url, lambda connection: connection.scalar(text("SELECT COUNT(*) FROM entries"))) == 5
    assert len(result.read_text().splitlines()) == 6
    code, output = run(database_url, "import", str(tmp_path / "nothing.csv"))
    assert code == 1, output
