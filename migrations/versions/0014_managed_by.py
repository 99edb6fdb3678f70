"""managed by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("managed_by", sa.String(length=10), server_default="api", nullable=False))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.drop_column("managed_by")
