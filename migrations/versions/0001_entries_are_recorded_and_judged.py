"""entries are recorded and judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("waiver_minor", sa.BigInteger(), nullable=False),
        sa.Column("waiver_currency", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "assessments",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_until", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("limit_value", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("exclusion", sa.Text(), nullable=True),
        sa.Column("forbidden", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", "rule_id", "shown", "known_from"),
    )
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.create_index(
            "assessments_current_by_subject",
            ["subject", "rule_id", "occurred_on", "counted"],
            unique=False,
            postgresql_where=sa.text("known_until IS NULL"),
            sqlite_where=sa.text("known_until IS NULL"),
        )

    op.create_table(
        "audit_heads",
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
    )
    op.create_table(
        "audit_records",
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("entity_version", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.CheckConstraint("position >= 0", name="audit_records_position_is_not_negative"),
        sa.PrimaryKeyConstraint("log_id", "position"),
        sa.UniqueConstraint("entity_id", "entity_version", name="audit_records_contiguous"),
    )
    op.create_table(
        "digests",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "day"),
    )
    op.create_table(
        "employers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("touched_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("total_minor > 0", name="entries_total_is_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("entries_by_day", ["occurred_on", "id"], unique=False)
        batch_op.create_index("entries_by_giver", ["giver", "occurred_on", "id"], unique=False)
        batch_op.create_index("entries_by_submitter", ["submitted_by", "occurred_on", "id"], unique=False)

    op.create_table(
        "exemptions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("rule_ids", sa.Text(), nullable=False),
        sa.Column("recipient_ids", sa.Text(), nullable=False),
        sa.Column("employer_ids", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=False),
        sa.Column("document_ref", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("effective_from <= effective_to", name="exemptions_end_after_they_begin"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issued_by", "number", name="exemptions_one_per_number"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "route", "key"),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("known_from", sa.BigInteger(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("version"),
    )
    op.create_table(
        "policy_epoch",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "recipient_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "recipient_id"),
    )
    with op.batch_alter_table("recipient_keys", schema=None) as batch_op:
        batch_op.create_index("recipient_keys_by_recipient", ["recipient_id"], unique=False)

    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("paused_until", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "violation_versions",
        sa.Column("violation_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("violation_id", "version"),
    )
    with op.batch_alter_table("violation_versions", schema=None) as batch_op:
        batch_op.create_index("violation_versions_by_known", ["violation_id", "known_from"], unique=False)

    op.create_table(
        "approvals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("entry_version", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("fell_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("entry_id", "entry_version", name="approvals_one_per_version"),
    )
    op.create_table(
        "entry_versions",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("entry_id", "version"),
    )
    op.create_table(
        "publication_changes",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policies.id"],
        ),
        sa.PrimaryKeyConstraint("policy_id", "entry_id", "rule_id", "shown"),
    )
    op.create_table(
        "recipients",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("match_key", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("canonical_id", sa.Text(), nullable=False),
        sa.Column("place_from", sa.Date(), nullable=True),
        sa.Column("touched_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["employer_id"],
            ["employers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("match_key"),
    )
    with op.batch_alter_table("recipients", schema=None) as batch_op:
        batch_op.create_index("recipients_by_canonical", ["canonical_id"], unique=False)
        batch_op.create_index("recipients_by_employer", ["employer_id", "id"], unique=False)
        batch_op.create_index("recipients_by_name", ["name_key", "id"], unique=False)

    op.create_table(
        "replays",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("until_position", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.create_index(
            "replays_unfinished",
            ["subscription_id", "id"],
            unique=False,
            postgresql_where=sa.text("finished_at IS NULL"),
            sqlite_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "subscription_secrets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("subscription_secrets", schema=None) as batch_op:
        batch_op.create_index("subscription_secrets_by_subscription", ["subscription_id", "id"], unique=False)

    op.create_table(
        "violations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Text(), nullable=True),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("limit_value", sa.BigInteger(), nullable=False),
        sa.Column("over_by", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("corrective_action", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("disposition_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("entry_id", "rule_id", "shown", name="violations_one_per_result"),
    )
    with op.batch_alter_table("violations", schema=None) as batch_op:
        batch_op.create_index("violations_by_assignee", ["assignee", "id"], unique=False)
        batch_op.create_index("violations_by_day", ["occurred_on", "id"], unique=False)
        batch_op.create_index("violations_by_due", ["due_on", "id"], unique=False)
        batch_op.create_index("violations_by_giver", ["giver", "id"], unique=False)
        batch_op.create_index("violations_by_rule", ["rule_id", "id"], unique=False)
        batch_op.create_index("violations_by_shown", ["shown", "id"], unique=False)
        batch_op.create_index("violations_by_state", ["state", "id"], unique=False)
        batch_op.create_index("violations_by_submitter", ["submitted_by", "id"], unique=False)

    op.create_table(
        "aliases",
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("recipient_id", "name"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("last_status", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("replay_id", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["replay_id"],
            ["replays.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("deliveries_by_event", ["subscription_id", "event", "id"], unique=False)
        batch_op.create_index("deliveries_by_state", ["subscription_id", "state", "id"], unique=False)
        batch_op.create_index("deliveries_by_subscription", ["subscription_id", "id"], unique=False)
        batch_op.create_index(
            "deliveries_due",
            ["subscription_id", "next_attempt_at", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(
            "deliveries_once_per_message",
            ["subscription_id", "message_id"],
            unique=True,
            postgresql_where=sa.text("replay_id IS NULL"),
            sqlite_where=sa.text("replay_id IS NULL"),
        )

    op.create_table(
        "dispositions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("violation_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("corrective_action", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("exemption_id", sa.Text(), nullable=True),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("limit_value", sa.BigInteger(), nullable=False),
        sa.Column("needs_second_person", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("confirmation_note", sa.Text(), nullable=True),
        sa.Column("fell_at", UtcDateTime(), nullable=True),
        sa.Column("fell_because", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome <> 'duplicate' OR duplicate_of IS NOT NULL", name="dispositions_duplicate_of_one"),
        sa.CheckConstraint("outcome <> 'waived' OR authority = 'firm'", name="dispositions_no_regulator_waived"),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> decided_by", name="dispositions_four_eyes"),
        sa.ForeignKeyConstraint(
            ["duplicate_of"],
            ["violations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["exemption_id"],
            ["exemptions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["violation_id"],
            ["violations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dispositions", schema=None) as batch_op:
        batch_op.create_index("dispositions_by_violation", ["violation_id", "id"], unique=False)
        batch_op.create_index(
            "dispositions_one_standing",
            ["violation_id"],
            unique=True,
            postgresql_where=sa.text("fell_at IS NULL"),
            sqlite_where=sa.text("fell_at IS NULL"),
        )

    op.create_table(
        "distinctions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("one_id", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["one_id"],
            ["recipients.id"],
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("distinctions", schema=None) as batch_op:
        batch_op.create_index("distinctions_by_other", ["other_id"], unique=False)
        batch_op.create_index(
            "distinctions_one_per_pair",
            ["one_id", "other_id"],
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
            sqlite_where=sa.text("withdrawn_at IS NULL"),
        )

    op.create_table(
        "external_ids",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("source", "external_id"),
    )
    with op.batch_alter_table("external_ids", schema=None) as batch_op:
        batch_op.create_index("external_ids_by_recipient", ["recipient_id"], unique=False)

    op.create_table(
        "merges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("keep_id", sa.Text(), nullable=False),
        sa.Column("drop_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["drop_id"],
            ["recipients.id"],
        ),
        sa.ForeignKeyConstraint(
            ["keep_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.create_index("merges_by_keep", ["keep_id"], unique=False)
        batch_op.create_index(
            "merges_one_per_drop",
            ["drop_id"],
            unique=True,
            postgresql_where=sa.text("known_until IS NULL"),
            sqlite_where=sa.text("known_until IS NULL"),
        )

    op.create_table(
        "places",
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["employer_id"],
            ["employers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("recipient_id", "effective_from"),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("violation_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["violation_id"],
            ["violations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.create_index("questions_by_violation", ["violation_id", "id"], unique=False)

    op.create_table(
        "shares",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("entry_version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Text(), nullable=True),
        sa.Column("client_employer_id", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="shares_amount_is_not_negative"),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("entry_id", "entry_version", "position"),
    )
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.create_index("shares_by_client", ["client_id", "entry_id"], unique=False)
        batch_op.create_index(
            "shares_by_client_employer",
            ["client_employer_id", "entry_id"],
            unique=False,
            postgresql_where=sa.text("client_employer_id IS NOT NULL"),
            sqlite_where=sa.text("client_employer_id IS NOT NULL"),
        )
        batch_op.create_index("shares_by_employer", ["employer_id", "entry_id"], unique=False)
        batch_op.create_index("shares_by_recipient", ["recipient_id", "entry_id"], unique=False)

    op.create_table(
        "violation_links",
        sa.Column("one_id", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["one_id"],
            ["violations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["violations.id"],
        ),
        sa.PrimaryKeyConstraint("one_id", "other_id"),
    )
    with op.batch_alter_table("violation_links", schema=None) as batch_op:
        batch_op.create_index("violation_links_by_other", ["other_id"], unique=False)

    op.create_table(
        "delivery_attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("delivery_attempts", schema=None) as batch_op:
        batch_op.create_index("delivery_attempts_by_delivery", ["delivery_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("delivery_attempts", schema=None) as batch_op:
        batch_op.drop_index("delivery_attempts_by_delivery")

    op.drop_table("delivery_attempts")
    with op.batch_alter_table("violation_links", schema=None) as batch_op:
        batch_op.drop_index("violation_links_by_other")

    op.drop_table("violation_links")
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.drop_index("shares_by_recipient")
        batch_op.drop_index("shares_by_employer")
        batch_op.drop_index(
            "shares_by_client_employer",
            postgresql_where=sa.text("client_employer_id IS NOT NULL"),
            sqlite_where=sa.text("client_employer_id IS NOT NULL"),
        )
        batch_op.drop_index("shares_by_client")

    op.drop_table("shares")
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.drop_index("questions_by_violation")

    op.drop_table("questions")
    op.drop_table("places")
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.drop_index(
            "merges_one_per_drop",
            postgresql_where=sa.text("known_until IS NULL"),
            sqlite_where=sa.text("known_until IS NULL"),
        )
        batch_op.drop_index("merges_by_keep")

    op.drop_table("merges")
    with op.batch_alter_table("external_ids", schema=None) as batch_op:
        batch_op.drop_index("external_ids_by_recipient")

    op.drop_table("external_ids")
    with op.batch_alter_table("distinctions", schema=None) as batch_op:
        batch_op.drop_index(
            "distinctions_one_per_pair",
            postgresql_where=sa.text("withdrawn_at IS NULL"),
            sqlite_where=sa.text("withdrawn_at IS NULL"),
        )
        batch_op.drop_index("distinctions_by_other")

    op.drop_table("distinctions")
    with op.batch_alter_table("dispositions", schema=None) as batch_op:
        batch_op.drop_index(
            "dispositions_one_standing",
            postgresql_where=sa.text("fell_at IS NULL"),
            sqlite_where=sa.text("fell_at IS NULL"),
        )
        batch_op.drop_index("dispositions_by_violation")

    op.drop_table("dispositions")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(
            "deliveries_once_per_message",
            postgresql_where=sa.text("replay_id IS NULL"),
            sqlite_where=sa.text("replay_id IS NULL"),
        )
        batch_op.drop_index(
            "deliveries_due", postgresql_where=sa.text("state = 'pending'"), sqlite_where=sa.text("state = 'pending'")
        )
        batch_op.drop_index("deliveries_by_subscription")
        batch_op.drop_index("deliveries_by_state")
        batch_op.drop_index("deliveries_by_event")

    op.drop_table("deliveries")
    op.drop_table("aliases")
    with op.batch_alter_table("violations", schema=None) as batch_op:
        batch_op.drop_index("violations_by_submitter")
        batch_op.drop_index("violations_by_state")
        batch_op.drop_index("violations_by_shown")
        batch_op.drop_index("violations_by_rule")
        batch_op.drop_index("violations_by_giver")
        batch_op.drop_index("violations_by_due")
        batch_op.drop_index("violations_by_day")
        batch_op.drop_index("violations_by_assignee")

    op.drop_table("violations")
    with op.batch_alter_table("subscription_secrets", schema=None) as batch_op:
        batch_op.drop_index("subscription_secrets_by_subscription")

    op.drop_table("subscription_secrets")
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.drop_index(
            "replays_unfinished",
            postgresql_where=sa.text("finished_at IS NULL"),
            sqlite_where=sa.text("finished_at IS NULL"),
        )

    op.drop_table("replays")
    with op.batch_alter_table("recipients", schema=None) as batch_op:
        batch_op.drop_index("recipients_by_name")
        batch_op.drop_index("recipients_by_employer")
        batch_op.drop_index("recipients_by_canonical")

    op.drop_table("recipients")
    op.drop_table("publication_changes")
    op.drop_table("entry_versions")
    op.drop_table("approvals")
    with op.batch_alter_table("violation_versions", schema=None) as batch_op:
        batch_op.drop_index("violation_versions_by_known")

    op.drop_table("violation_versions")
    op.drop_table("subscriptions")
    with op.batch_alter_table("recipient_keys", schema=None) as batch_op:
        batch_op.drop_index("recipient_keys_by_recipient")

    op.drop_table("recipient_keys")
    op.drop_table("policy_epoch")
    op.drop_table("policies")
    op.drop_table("operations")
    op.drop_table("idempotency_keys")
    op.drop_table("exemptions")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index("entries_by_submitter")
        batch_op.drop_index("entries_by_giver")
        batch_op.drop_index("entries_by_day")

    op.drop_table("entries")
    op.drop_table("employers")
    op.drop_table("digests")
    op.drop_table("audit_records")
    op.drop_table("audit_heads")
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.drop_index(
            "assessments_current_by_subject",
            postgresql_where=sa.text("known_until IS NULL"),
            sqlite_where=sa.text("known_until IS NULL"),
        )

    op.drop_table("assessments")
    op.drop_table("api_keys")
