"""attestation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Chains that came before are judged by the job; their challenge is not known any more."""
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attestation_level", sa.String(length=12), server_default="none", nullable=False))
        batch_op.add_column(sa.Column("attestation_report", Json, nullable=True))
        batch_op.add_column(sa.Column("attestation_basis", sa.String(length=64), nullable=True))
    op.execute("UPDATE devices SET attestation_level = 'unverified' WHERE attestation IS NOT NULL")


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.drop_column("attestation_basis")
        batch_op.drop_column("attestation_report")
        batch_op.drop_column("attestation_level")
