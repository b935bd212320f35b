"""connected systems tell us things."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mentions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("of_noun", sa.Text(), nullable=False),
        sa.Column("of_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "noun", "external_id", "of_noun", "of_id"),
    )
    op.create_index("mentions_of", "mentions", ["source", "of_noun", "of_id"], unique=False)
    op.create_table(
        "connection_secrets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("connection_secrets_by_connection", "connection_secrets", ["connection_id", "id"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("copies", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("processed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("receipts_about", "receipts", ["connection_id", "noun", "external_id"], unique=False)
    op.create_index("receipts_by_connection", "receipts", ["connection_id", "id"], unique=False)
    op.create_index("receipts_by_state", "receipts", ["connection_id", "state", "id"], unique=False)
    op.create_index(
        "receipts_due",
        "receipts",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index("receipts_once", "receipts", ["connection_id", "fingerprint"], unique=True)
    op.create_table(
        "counterparts",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("applied", sa.Text(), nullable=False),
        sa.Column("ours", sa.BigInteger(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["recipients.id"],
        ),
        sa.PrimaryKeyConstraint("source", "noun", "external_id"),
    )
    op.create_index("counterparts_by_recipient", "counterparts", ["recipient_id"], unique=False)
    op.create_table(
        "merge_proposals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("keep_id", sa.Text(), nullable=False),
        sa.Column("drop_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("merge_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
        ),
        sa.ForeignKeyConstraint(
            ["drop_id"],
            ["recipients.id"],
        ),
        sa.ForeignKeyConstraint(
            ["keep_id"],
            ["recipients.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merge_id"],
            ["merges.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("merge_proposals_by_state", "merge_proposals", ["state", "id"], unique=False)
    op.create_index("merge_proposals_once", "merge_proposals", ["keep_id", "drop_id"], unique=True)


def downgrade() -> None:
    op.drop_index("merge_proposals_once", table_name="merge_proposals")
    op.drop_index("merge_proposals_by_state", table_name="merge_proposals")
    op.drop_table("merge_proposals")
    op.drop_index("counterparts_by_recipient", table_name="counterparts")
    op.drop_table("counterparts")
    op.drop_index("receipts_once", table_name="receipts")
    op.drop_index(
        "receipts_due",
        table_name="receipts",
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.drop_index("receipts_by_state", table_name="receipts")
    op.drop_index("receipts_by_connection", table_name="receipts")
    op.drop_index("receipts_about", table_name="receipts")
    op.drop_table("receipts")
    op.drop_index("connection_secrets_by_connection", table_name="connection_secrets")
    op.drop_table("connection_secrets")
    op.drop_index("mentions_of", table_name="mentions")
    op.drop_table("mentions")
    op.drop_table("connections")
