"""Lists that people keep; commands in the order in which they were asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("page", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_saved_views_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.create_index("uq_saved_views_name", ["person_id", "page", "name"], unique=True)

    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index("ix_commands_requested", ["requested_at", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index("ix_commands_requested")

    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.drop_index("uq_saved_views_name")

    op.drop_table("saved_views")
