"""entries are proposed before they are recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("source_document", sa.Text(), nullable=False),
        sa.Column("settled_document", sa.Text(), nullable=True),
        sa.Column("source_withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'confirmed') = (entry_id IS NOT NULL)", name="drafts_confirmed_by_an_entry"),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "external_id", name="drafts_one_per_source"),
    )
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.create_index(
            "drafts_by_entry",
            ["entry_id"],
            unique=True,
            postgresql_where=sa.text("entry_id IS NOT NULL"),
            sqlite_where=sa.text("entry_id IS NOT NULL"),
        )
        batch_op.create_index("drafts_by_owner", ["owner", "state", "id"], unique=False)
        batch_op.create_index("drafts_by_state", ["state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.drop_index("drafts_by_state")
        batch_op.drop_index("drafts_by_owner")
        batch_op.drop_index(
            "drafts_by_entry",
            postgresql_where=sa.text("entry_id IS NOT NULL"),
            sqlite_where=sa.text("entry_id IS NOT NULL"),
        )

    op.drop_table("drafts")
