"""rollouts: rings by which a change goes to phones step by step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("staged", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("why", Json, nullable=True))
        batch_op.add_column(sa.Column("approval_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("rolls_back", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("created_by_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("evaluated_at", UtcDateTime(), nullable=True))
    _fill("rollouts", staged=False)
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.alter_column("staged", existing_type=sa.Boolean(), nullable=False)
        batch_op.create_index(batch_op.f("ix_rollouts_approval_id"), ["approval_id"], unique=False)

    with op.batch_alter_table("rollout_items", schema=None) as batch_op:
        batch_op.add_column(sa.Column("previous", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("rollout_rings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cursor", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("elapsed_ms", sa.BigInteger(), nullable=True))
    _fill("rollout_rings", cursor="", elapsed_ms=0)
    with op.batch_alter_table("rollout_rings", schema=None) as batch_op:
        batch_op.alter_column("cursor", existing_type=sa.String(length=36), nullable=False)
        batch_op.alter_column("elapsed_ms", existing_type=sa.BigInteger(), nullable=False)

    with op.batch_alter_table("rollout_devices", schema=None) as batch_op:
        batch_op.drop_index("ix_rollout_devices_state")
        batch_op.create_index("ix_rollout_devices_state", ["rollout_id", "ring", "state"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("rollout_devices", schema=None) as batch_op:
        batch_op.drop_index("ix_rollout_devices_state")
        batch_op.create_index("ix_rollout_devices_state", ["rollout_id", "state"], unique=False)
    with op.batch_alter_table("rollout_rings", schema=None) as batch_op:
        batch_op.drop_column("elapsed_ms")
        batch_op.drop_column("cursor")
    with op.batch_alter_table("rollout_items", schema=None) as batch_op:
        batch_op.drop_column("previous")
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollouts_approval_id"))
        for name in ("evaluated_at", "created_by_id", "rolls_back", "approval_id", "why", "staged"):
            batch_op.drop_column(name)


def _fill(table: str, **values: object) -> None:
    """Give the rows that exist what new ones begin with."""
    named = sa.table(table, *(sa.column(name) for name in values))
    op.execute(named.update().values(**values))
