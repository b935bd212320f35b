"""History: one record for every change, in its place, and no way to alter the log that verification does not notice."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from app.domain import audit as domain
from app.domain.audit import EMPTY, Stamp, canonical, iso, leaf_hash
from app.domain.refusals import Refusal
from app.services import audit, packs
from app.services.desk import wall_clock
from app.services.journal import Journal
from app.storage import audit as rows
from app.storage.audit import Record, RecordFilter
from app.storage.database import Database
from app.storage.tables import Base
from tests.faults.history import DEFECTS, leaves_look_like_nodes, records_are_sealed_apart
from tests.processes import run
from tests.races import books
from tests.server import Caller, Server

LOG = "main"


# One record for every change


@dataclass
class Firm:
    """A server, and everybody who changes something on it."""

    server: Server
    rep: Caller
    officer: Caller
    second_officer: Caller
    admin: Caller

    def reading(self) -> Any:
        return self.server.desk.database.reading()


@pytest.fixture
def firm(server: Server, rep: Caller, officer: Caller, second_officer: Caller, admin: Caller) -> Firm:
    return Firm(server, rep, officer, second_officer, admin)


def person(name: str) -> dict[str, Any]:
    return {
        "external_id": {"source": "crm", "id": name},
        "name": name.title(),
        "employer": "Northgate — Zürich",
        "type": "institutional_employee",
    }


def gift(amount: str, on: str, *people: str, **more: Any) -> dict[str, Any]:
    listed = [person(name) for name in people or ("dana",)]
    return {
        "occurred_on": on,
        "kind": "gift",
        "total": {"amount": amount, "currency": "USD"},
        "recipients": listed,
    } | more


def done(answer: Any) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def a_busy_day(firm: Firm) -> None:
    """Every kind of change that the service knows, some of them refused."""
    rep, officer = firm.rep, firm.officer
    first = done(rep.post("/v1/entries", json=gift("200.00", "2026-05-04")))
    second = done(rep.post("/v1/entries", json=gift("150.00", "2026-05-05", "dana", "lee")))
    early = done(rep.post("/v1/entries", json=gift("90.00", "2026-05-01")))
    done(rep.post("/v1/entries", json=gift("280.00", "2026-05-08")))
    twin = done(rep.post("/v1/entries", json=gift("260.00", "2026-05-06", "dana-again")))
    mixed = [gift("1.00", "2026-05-07"), gift("1.00", "2099-01-01"), gift("1.00", "2026-05-07", "omar")]
    done(rep.post("/v1/entries/batch", json={"entries": mixed}, headers={"Idempotency-Key": "mixed"}))
    done(rep.post("/v1/entries/batch", json={"entries": mixed}, headers={"Idempotency-Key": "mixed"}))
    assert rep.post("/v1/entries", json=gift("1.00", "2099-01-01", "nobody")).status_code == 422
    correct(
        rep, first, "amendments", {"reason": "it was 120", "set": {"total": {"amount": "120.00", "currency": "USD"}}}
    )
    correct(rep, second, "withdrawal", {"reason": "never given"})
    dana, again = (entry["recipients"][0]["id"] for entry in (early, twin))
    merged = done(officer.post(f"/v1/recipients/{dana}/merges", json={"recipient_id": again, "reason": "same e-mail"}))
    officer.delete(f"/v1/merges/{merged['merge']['id']}", params={"reason": "two people after all"}).raise_for_status()
    publish(firm, "50.00")
    key = done(firm.admin.post("/v1/keys", json={"name": "crm", "role": "integration", "person": "crm"}))
    firm.admin.delete(f"/v1/keys/{key['id']}")
    done(officer.post("/v1/recipients", json={"name": "Sam", "type": "institutional_employee"}))


def correct(caller: Caller, entry: dict[str, Any], what: str, body: dict[str, Any]) -> None:
    done(caller.post(f"/v1/entries/{entry['id']}/{what}", json=body, headers={"If-Match": f'"v{entry["version"]}"'}))


def publish(firm: Firm, limit: str) -> None:
    document = packs.default_document()
    [rule] = [one for one in document["rules"] if one["id"] == "finra-3220-gifts"]
    rule["limit_schedule"][1]["limit"] = limit
    drafted = done(firm.officer.post("/v1/policies", json=document))
    path = f"/v1/policies/{drafted['id']}/publication"
    done(firm.second_officer.post(path, json={"effective_from": "2026-05-01"}))


def log_of(connection: Connection) -> list[Record]:
    found = list[Record]()
    while page := rows.listed(connection, LOG, RecordFilter(), after=len(found) - 1, limit=1000):
        found += page
    return found


def not_one_record_per_change(connection: Connection) -> list[str]:
    """Where the versions of a thing and its records differ. Things have an opaque id and a version."""
    records: dict[str, list[int]] = {}
    for record in log_of(connection):
        records.setdefault(record.entity_id, []).append(record.entity_version)
    versions = dict[str, int]()
    for table in Base.metadata.sorted_tables:
        if {"id", "version"} <= set(table.columns.keys()) and table.name != "policies":
            versions |= dict(books.pairs(connection, select(table.c.id, table.c.version)))
    policies = Base.metadata.tables["policies"].c
    for id, state in connection.execute(select(policies.id, policies.state)):
        versions[id] = 2 if state == "published" else 1
    return [
        f"{id} is at version {versions.get(id)} and has the records {records.get(id)}"
        for id in versions.keys() | records.keys()
        if records.get(id) != list(range(1, versions.get(id, 0) + 1))
    ]


def not_canonical(connection: Connection) -> list[str]:
    """Records whose bytes are not the one form of what they say, or not what was hashed."""
    return [
        f"position {record.position}"
        for record in log_of(connection)
        if canonical(json.loads(record.body)) != record.body
        or sha256(b"\x00" + record.body.encode()).hexdigest() != record.leaf
    ]


def test_every_change_has_one_record_and_every_record_its_change(firm):
    a_busy_day(firm)
    with firm.reading() as connection:
        assert not_one_record_per_change(connection) == []
        actions = Counter(record.action for record in log_of(connection))
        assert audit.verify(connection, LOG).faults == []
    assert actions.keys() >= {
        "entry.recorded", "entry.amended", "entry.withdrawn", "recipient.created", "employer.created", "merge.made",
        "merge.undone", "violation.opened", "violation.changed", "violation.withdrawn", "policy.drafted",
        "policy.published", "key.created", "key.revoked",
    }  # fmt: skip


def test_every_record_says_who_when_and_through_which_door_in_one_form(firm):
    a_busy_day(firm)
    with firm.reading() as connection:
        assert not_canonical(connection) == []
        records = log_of(connection)
    assert [record.position for record in records] == list(range(len(records)))
    for record in records:
        said = json.loads(record.body)
        assert said.keys() == {"position", "entity", "version", "action", "actor", "at", "door", "reason", "facts"}
        assert (said["entity"], said["version"]) == (record.entity_id, record.entity_version)
        assert (said["action"], said["actor"], said["at"]) == (record.action, record.actor, iso(record.at))
        assert said["actor"]
        assert said["door"]


def test_what_does_not_come_to_pass_leaves_no_record(firm):
    a_busy_day(firm)
    assert unfulfilled(firm) == []


def unfulfilled(firm: Firm) -> list[str]:
    """Records of a change whose transaction failed after it was sealed."""
    database, before = firm.server.desk.database, _size(firm)

    def failing(connection: Connection) -> None:
        journal = firm.server.desk.journal()
        journal.note("ent_never", 1, "entry.recorded", {}, firm.server.desk.stamp("nobody"))
        journal.seal(connection)
        raise Refusal("after all")

    with pytest.raises(Refusal):
        database.write(failing)
    return [f"{after - before} records too many" for after in [_size(firm)] if after != before]


def _size(firm: Firm) -> int:
    with firm.reading() as connection:
        return len(log_of(connection))


def test_without_a_change_nothing_is_sealed(firm):
    before = _size(firm)
    firm.server.desk.database.write(lambda connection: firm.server.desk.journal().seal(connection))
    assert _size(firm) == before


def caught(firm: Firm) -> list[str]:
    """What any of the checks above finds on a busy day."""
    found = list[str]()
    try:
        a_busy_day(firm)
    except AssertionError as error:
        found.append(f"a request fails: {error}"[:200])
    with firm.reading() as connection:
        found += not_one_record_per_change(connection) + not_canonical(connection)
        found += audit.verify(connection, LOG).faults
    return found


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_in_writing_history_is_caught(firm, monkeypatch, defect):
    defect(monkeypatch)
    assert caught(firm)


@pytest.mark.postgres  # on SQLite nobody else can write meanwhile
def test_history_that_is_sealed_apart_is_caught(firm, monkeypatch):
    a_busy_day(firm)
    records_are_sealed_apart(monkeypatch)
    assert unfulfilled(firm)


def test_a_wrong_prefix_is_caught_even_where_writing_and_verifying_agree(monkeypatch):
    leaves_look_like_nodes(monkeypatch)
    one_empty_record = EMPTY.plus([domain.leaf_hash(b"")]).root.hex()
    assert one_empty_record != "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


# Verification


@pytest.fixture
def log(database_url: str) -> Iterator[Engine]:
    """A log of 60 records about 20 entities, in transactions of one to five, with letters of several alphabets."""
    with closing(Database(database_url)) as database:
        fill(database, 60)
        yield database.engine


def fill(database: Database, size: int, rng: random.Random | None = None) -> None:
    rng, versions, written = rng or random.Random(7), Counter[str](), 0
    while written < size:
        journal = Journal(LOG)
        stamp = Stamp(
            f"key_{rng.randrange(4)}", wall_clock(), rng.choice(["api", "cli"]), rng.choice(["", "Zoë’s «receipt»"])
        )
        for _ in range(min(rng.randint(1, 5), size - written)):
            entity = f"ent_{rng.randrange(max(size // 3, 1)):04d}"
            versions[entity] += 1
            facts = {"total": rng.randrange(10**6), "purpose": rng.choice(["lunch", "обед", "昼食", 'a "quoted" one'])}
            journal.note(entity, versions[entity], rng.choice(["entry.recorded", "entry.amended"]), facts, stamp)
            written += 1
        database.write(journal.seal)


class Attempts:
    """Alterations that are tried one by one on the same log and taken back again; counts what was noticed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.tried = self.unnoticed = self.prevented = 0
        self.examples: list[str] = []

    def alter(self, statement: str, **values: Any) -> list[str]:
        """Alters the log by SQL and verifies it; the faults found. What the database refuses counts as prevented."""
        self.tried += 1
        with self._engine.connect() as connection, connection.begin() as transaction:
            try:
                for part in statement.split(";"):
                    used = {name: value for name, value in values.items() if f":{name}" in part}
                    connection.execute(text(part), used)
            except Exception:  # noqa: BLE001 - a constraint, a wrong encoding: whatever it is, nothing was altered
                self.prevented += 1
                transaction.rollback()
                return ["prevented"]
            found = audit.verify(connection, LOG).faults
            transaction.rollback()
        if not found:
            self.unnoticed += 1
            self.examples.append(f"{statement} {values}"[:300])
        return found

    def __str__(self) -> str:
        return f"{self.tried} alterations, {self.prevented} prevented, {self.unnoticed} unnoticed {self.examples[:5]}"


def originals(engine: Engine) -> list[Record]:
    with engine.connect() as connection:
        return log_of(connection)


def flipped(engine: Engine, record: Record, column: str, rng: random.Random) -> Iterator[dict[str, Any]]:
    """The values of a column with every byte in turn changed; on PostgreSQL, which checks text, every letter."""
    value = str(getattr(record, column))
    if engine.dialect.name == "sqlite":
        for place in range(len(value.encode())):
            changed = bytearray(value.encode())
            changed[place] ^= 1 << rng.randrange(8)
            yield {"value": bytes(changed), "position": record.position}
        return
    for place, letter in enumerate(value):
        other = chr(ord(letter) ^ (1 << rng.randrange(1, 5)))
        yield {"value": value[:place] + other + value[place + 1 :], "position": record.position}


def flip_every_byte(engine: Engine, attempts: Attempts, records: Sequence[Record], rng: random.Random) -> None:
    new = "CAST(:value AS TEXT)"
    for record in records:
        for column in ("body", "leaf", "actor", "action", "entity_id"):
            for values in flipped(engine, record, column, rng):
                statement = f"UPDATE audit_records SET {column} = {new} WHERE position = :position"
                found = attempts.alter(statement, **values)
                assert any(f"position {record.position}:" in fault or fault == "prevented" for fault in found), (
                    column,
                    values,
                    found,
                )


def test_no_byte_can_be_changed(log, tell):
    rng, attempts = random.Random(1), Attempts(log)
    flip_every_byte(log, attempts, rng.sample(originals(log), 2), rng)
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts
    assert attempts.prevented < attempts.tried / 10


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_byte_of_many_records_can_be_changed(database_url, tell):
    with closing(Database(database_url)) as database:
        fill(database, 1000)
        rng, attempts = random.Random(), Attempts(database.engine)
        flip_every_byte(database.engine, attempts, rng.sample(originals(database.engine), 50), rng)
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


def test_no_record_can_be_removed_added_moved_or_repeated(log, tell):
    attempts, records = Attempts(log), originals(log)
    size = len(records)
    for record in records:
        here = record.position
        found = attempts.alter("DELETE FROM audit_records WHERE position = :here", here=here)
        assert f"position {here}: there is no record here" in found[0] or here == size - 1
        # The same bytes twice, at the end, under another version of the entity.
        attempts.alter(
            "INSERT INTO audit_records SELECT log_id, :end, entity_id, entity_version + 50, action, actor, at, body, "
            "leaf FROM audit_records WHERE position = :here",
            here=here, end=size,
        )  # fmt: skip
        # Two neighbours change places: their columns only, their bytes only, or all of them.
        there = (here + 1) % size
        attempts.alter(
            "UPDATE audit_records SET position = 10000 WHERE position = :here;"
            "UPDATE audit_records SET position = :here WHERE position = :there;"
            "UPDATE audit_records SET position = :there WHERE position = 10000",
            here=here, there=there,
        )  # fmt: skip
        other = records[there]
        attempts.alter(
            "UPDATE audit_records SET body = :body, leaf = :leaf WHERE position = :here;"
            "UPDATE audit_records SET body = :own, leaf = :own_leaf WHERE position = :there",
            here=here, there=there, body=other.body, leaf=other.leaf, own=record.body, own_leaf=record.leaf,
        )  # fmt: skip
        # A record put in its place from here on, with all others moved up.
        attempts.alter(
            "UPDATE audit_records SET position = position + 10000 WHERE position >= :here;"
            "UPDATE audit_records SET position = position - 9999 WHERE position >= 10000;"
            "INSERT INTO audit_records SELECT log_id, :here, 'ent_forged', 1, action, actor, at, :body, :leaf "
            "FROM audit_records WHERE position = :end",
            here=here, end=size, body=record.body + " ", leaf=leaf_hash((record.body + " ").encode()).hex(),
        )  # fmt: skip
        attempts.alter("UPDATE audit_records SET log_id = 'other' WHERE position = :here", here=here)
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


def test_no_column_beside_the_bytes_can_be_changed(log, tell):
    attempts = Attempts(log)
    for record in originals(log):
        for column, value in (
            ("actor", "key_9"),
            ("action", "entry.withdrawn"),
            ("entity_id", "ent_9999"),
            ("entity_version", record.entity_version + 100),
            ("at", wall_clock() if log.dialect.name == "postgresql" else iso(wall_clock())),
            ("leaf", "00" * 32),
            ("leaf", record.leaf.upper() if record.leaf.upper() != record.leaf else ""),
            ("position", record.position + 1000),
        ):
            found = attempts.alter(
                f"UPDATE audit_records SET {column} = :value WHERE position = :here", value=value, here=record.position
            )
            assert found, (column, record)
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


@pytest.mark.sqlite
@pytest.mark.parametrize("column", [*Record._fields[1:], "size", "frontier"])
@pytest.mark.parametrize(
    "value", [None, "", "garbage", b"\xff\xfe\x00", "9" * 5000, "2026-02-31", "[]", "{}", "null", -1]
)
def test_rubbish_in_a_column_is_a_fault_and_not_a_breakdown(log, column, value):
    attempts = Attempts(log)
    table = "audit_heads" if column in ("size", "frontier") else "audit_records WHERE position = 7"
    where = " WHERE position = 7" if table.startswith("audit_records") else ""
    table = table.split()[0]
    assert attempts.alter(f"UPDATE {table} SET {column} = CAST(:value AS BLOB){where}", value=value)
    assert attempts.alter(f"UPDATE {table} SET {column} = :value{where}", value=value)


def test_the_bytes_cannot_be_rewritten_with_their_hash(log, tell):
    attempts = Attempts(log)
    for record in originals(log):
        body = canonical(json.loads(record.body) | {"reason": "another"})
        attempts.alter(
            "UPDATE audit_records SET body = :body, leaf = :leaf WHERE position = :here",
            body=body, leaf=leaf_hash(body.encode()).hex(), here=record.position,
        )  # fmt: skip
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


def test_the_log_cannot_be_cut_off_while_its_head_stays(log, tell):
    attempts, size = Attempts(log), len(originals(log))
    for left in range(size):
        assert f"the head says {size} records, {left} are stored" in attempts.alter(
            "DELETE FROM audit_records WHERE position >= :left", left=left
        )
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


def test_the_head_cannot_be_changed(log, tell):
    attempts = Attempts(log)
    with log.connect() as connection:
        tree = rows.head(connection, LOG)
    digests = [digest.hex() for digest in tree.frontier]
    frontiers = [
        [],
        [tree.root.hex()],  # the same root by another tree
        digests[::-1],
        digests[:-1],
        digests[1:],
        [*digests, digests[-1]],
        *([*digests[:place], "00" * 32, *digests[place + 1 :]] for place in range(len(digests))),
    ]
    for size in (0, tree.size - 1, tree.size + 1, 2 * tree.size):
        attempts.alter("UPDATE audit_heads SET size = :size", size=size)
    for frontier in frontiers:
        attempts.alter("UPDATE audit_heads SET frontier = :frontier", frontier=json.dumps(frontier))
    attempts.alter("UPDATE audit_heads SET frontier = 'not json'")
    attempts.alter("DELETE FROM audit_heads")
    attempts.alter("UPDATE audit_heads SET log_id = 'other'")
    tell(str(attempts))
    assert attempts.unnoticed == 0, attempts


def test_what_only_a_checkpoint_elsewhere_can_tell(log):
    """The known limit: whoever cuts off the end and writes the head anew leaves a shorter log in perfect order."""
    attempts, records = Attempts(log), originals(log)
    shorter = EMPTY.plus(bytes.fromhex(record.leaf) for record in records[:40])
    size, frontier = rows.written(shorter)
    assert attempts.alter(
        "DELETE FROM audit_records WHERE position >= 40; UPDATE audit_heads SET size = :size, frontier = :frontier",
        size=int(size), frontier=frontier,
    ) == []  # fmt: skip


def clean_logs(make: Callable[..., str], kind: str, many: int, rng: random.Random) -> int:
    """Logs that nobody has touched, grown step by step and verified at every step; how often there was a fault."""
    alarms = 0
    with closing(Database(make(kind))) as database:
        for size in range(many):
            with database.reading() as connection:
                found = audit.verify(connection, f"log-{size % 5}")
                alarms += not found.holds or found.size != len(range(size % 5, size, 5))
            journal = Journal(f"log-{size % 5}")
            journal.note(
                f"ent_{size}",
                1,
                "entry.recorded",
                {"n": rng.random() < 0.5, "s": chr(rng.randrange(32, 0xD7FF))},
                Stamp("k", wall_clock()),
            )
            database.write(journal.seal)
    return alarms


def test_a_clean_log_raises_no_alarm(fresh_database, database_kind, tell):
    alarms = clean_logs(fresh_database, database_kind, 150, random.Random(3))
    tell(f"150 clean logs, {alarms} false alarms")
    assert alarms == 0


@pytest.mark.soak
def test_a_thousand_clean_logs_raise_no_alarm(fresh_database, database_kind, tell):
    alarms = clean_logs(fresh_database, database_kind, 1000, random.Random())
    tell(f"1000 clean logs, {alarms} false alarms")
    assert alarms == 0


def test_faults_are_told_up_to_a_number_and_with_their_positions(log):
    with log.connect() as connection:
        connection.execute(text("UPDATE audit_records SET body = '{}'"))
        found = audit.verify(connection, LOG, most=5)
        assert [fault.partition(":")[0] for fault in found.faults[:5]] == [f"position {n}" for n in range(5)]
        assert len(found.faults) == 6, "and one of the head"
        connection.rollback()


def test_the_command_line_says_so_and_by_its_exit_status(log, database_url):
    code, said = run(database_url, "audit", "verify")
    assert (code, "60 records" in said, "The log holds." in said) == (0, True, True), said
    with log.connect() as connection, connection.begin():
        connection.execute(text("UPDATE audit_records SET actor = 'somebody else' WHERE position = 11"))
    code, said = run(database_url, "audit", "verify")
    assert (code, "position 11" in said, "does NOT hold" in said) == (1, True, True), said
