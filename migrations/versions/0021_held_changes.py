"""held_changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "policy_held_changes",
        sa.Column("approval_id", sa.String(length=36), nullable=False),
        sa.Column("operation", sa.String(length=40), nullable=False),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("base", Json, nullable=False),
        sa.Column("loosened", Json, nullable=False),
        sa.Column("result", Json, nullable=True),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_policy_held_changes")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("policy_held_changes")
