"""expenses come in files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("profile_version", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.Text(), nullable=True),
        sa.Column("acting_person", sa.Text(), nullable=False),
        sa.Column("acting_role", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_by_key", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("created_by_key", "idempotency_key", name="imports_one_per_key"),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index("imports_by_creator", ["created_by", "id"], unique=False)
        batch_op.create_index("imports_by_state", ["state", "id"], unique=False)

    op.create_table(
        "expenses",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exponent", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("entry_version", sa.BigInteger(), nullable=True),
        sa.Column("draft_id", sa.Text(), nullable=True),
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
        ),
        sa.PrimaryKeyConstraint("identity"),
    )
    with op.batch_alter_table("expenses", schema=None) as batch_op:
        batch_op.create_index("expenses_by_day", ["occurred_on", "identity"], unique=False)
        batch_op.create_index("expenses_by_entry", ["entry_id"], unique=False)
        batch_op.create_index("expenses_by_giver", ["giver", "occurred_on"], unique=False)

    op.create_table(
        "import_lines",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("last_row", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
        ),
        sa.PrimaryKeyConstraint("import_id", "position"),
    )


def downgrade() -> None:
    op.drop_table("import_lines")
    with op.batch_alter_table("expenses", schema=None) as batch_op:
        batch_op.drop_index("expenses_by_giver")
        batch_op.drop_index("expenses_by_entry")
        batch_op.drop_index("expenses_by_day")

    op.drop_table("expenses")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index("imports_by_state")
        batch_op.drop_index("imports_by_creator")

    op.drop_table("imports")
