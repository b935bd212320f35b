"""violations are found by what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op
from iso4217 import Currency

from app.settings import Settings
from app.storage.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = {
    "violations_by_severity": "severity_rank",
    "violations_by_amount_over": "over_scaled",
    "violations_by_employer": "employer_id",
    "violations_by_policy": "policy_id",
    "violations_by_kind": "kind",
    "violations_by_source": "source",
    "violations_by_recipient_type": "recipient_type",
    "violations_by_opened": "opened_on",
    "violations_by_of_limit": "of_limit",
    "violations_by_days_late": "days_late",
}
_INDEXES_OF_SOME = {
    "violations_by_cause": "cause",
    "violations_by_cause_kind": "cause_kind",
    "violations_by_snoozed": "snoozed_until",
    "violations_by_outcome": "outcome",
    "violations_by_reason": "reason_code",
}
_SEVERITIES = ("critical", "high", "medium", "low")
_CAUSES = {"pol": "policy", "rec": "particulars", "emp": "particulars"}


def upgrade() -> None:
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), server_default="api", nullable=False))
    with op.batch_alter_table("violations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unit", sa.Text(), server_default="USD", nullable=False))
        batch_op.add_column(sa.Column("over_scaled", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("of_limit", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("severity_rank", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("recipient_type", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.Text(), server_default="api", nullable=False))
        batch_op.add_column(sa.Column("days_late", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("cause_kind", sa.Text(), nullable=True))
        for name, column in _INDEXES.items():
            batch_op.create_index(name, [column, "id"], unique=False)
        for name, column in _INDEXES_OF_SOME.items():
            having = sa.text(f"{column} IS NOT NULL")
            batch_op.create_index(name, [column, "id"], unique=False, postgresql_where=having, sqlite_where=having)
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "noun", "name", name="saved_views_one_per_name"),
    )
    _derive(op.get_bind())


def _derive(connection: sa.Connection) -> None:
    """What is derived, for the cases that are there already, as they stand and as they stood."""
    zone = ZoneInfo(Settings().time_zone)
    units = {(policy, rule): unit for policy, rule, unit in _units(connection)}
    entries = {
        id: (_day(recorded_at, zone), json.loads(document)["recipients"])
        for id, recorded_at, document in connection.execute(
            sa.text(
                "SELECT e.id, e.recorded_at, v.document FROM entries e"
                " JOIN entry_versions v ON v.entry_id = e.id AND v.version = e.version"
                " WHERE e.id IN (SELECT entry_id FROM violations)"
            )
        )
    }
    versions = connection.execute(sa.text("SELECT violation_id, version, document FROM violation_versions")).all()
    for violation_id, version, document in versions:
        case = json.loads(document)
        derived = _derived(case, units, *entries[case["entry_id"]])
        text = json.dumps(case | derived, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        connection.execute(
            sa.text("UPDATE violation_versions SET document = :text WHERE violation_id = :id AND version = :version"),
            {"text": text, "id": violation_id, "version": version},
        )
        connection.execute(
            sa.text(
                "UPDATE violations SET unit = :unit, over_scaled = :over_scaled, of_limit = :of_limit,"
                " severity_rank = :severity_rank, recipient_type = :recipient_type, days_late = :days_late,"
                " cause_kind = :cause_kind WHERE id = :id AND version = :version"
            ),
            derived | {"id": violation_id, "version": version},
        )


def _units(connection: sa.Connection) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """What each rule of each policy adds up, with its decimals."""
    for policy, document in connection.execute(sa.text("SELECT id, document FROM policies")):
        for rule in json.loads(document)["rules"]:
            code = rule.get("currency", "USD")
            count = rule.get("measure") == "count"
            yield policy, rule["id"], ("count", 0) if count else (code, Currency(code).exponent or 0)


def _derived(
    case: dict[str, Any],
    units: dict[tuple[str, str], tuple[str, int]],
    recorded_on: date,
    people: list[dict[str, Any]],
) -> dict[str, Any]:
    unit, exponent = units.get((case["policy_id"], case["rule_id"]), ("USD", 2))
    aggregate, limit, cause = case["aggregate"], case["limit_value"], case["cause"]
    own = (one.get("type") for one in people if case["shown"] in (one["recipient_id"], one.get("listed_as")))
    client = (one.get("client_type") for one in people if one.get("guest_of") == case["shown"])
    return {
        "unit": unit,
        "over_scaled": case["over_by"] * 10 ** (4 - exponent),
        "of_limit": (2000 * aggregate + limit) // (2 * limit) if limit else None,
        "severity_rank": _SEVERITIES.index(case["severity"]),
        "recipient_type": next((type for type in (*own, *client) if type), None),
        "days_late": (recorded_on - date.fromisoformat(case["occurred_on"])).days,
        "cause_kind": _cause_kind(cause),
    }


def _cause_kind(cause: str | None) -> str | None:
    if cause is None:
        return None
    if cause.startswith("ent_"):
        return "entry" if cause.endswith(":1") else "correction"
    return _CAUSES.get(cause[:3], "merge")


def _day(moment: datetime | str, zone: ZoneInfo) -> date:
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return known.astimezone(zone).date()


def downgrade() -> None:
    op.drop_table("saved_views")
    with op.batch_alter_table("violations", schema=None) as batch_op:
        for name in (*_INDEXES_OF_SOME, *_INDEXES):
            batch_op.drop_index(name)
    # Not in a batch: SQLite would make the table anew, and others refer to it.
    for name in (
        "cause_kind",
        "days_late",
        "source",
        "recipient_type",
        "severity_rank",
        "of_limit",
        "over_scaled",
        "unit",
    ):
        op.drop_column("violations", name)
    op.drop_column("entries", "source")
