"""edge: failed sign-ins in the database, headers of remembered answers, the newest revocation at hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, Json, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "failed_sign_ins",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_sign_ins")),
    )
    with op.batch_alter_table("failed_sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_failed_sign_ins_address", ["address", "at"], unique=False)

    with op.batch_alter_table("idempotent_answers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("headers", Json, nullable=True))
    answers = sa.table("idempotent_answers", sa.column("headers", Json))
    op.execute(answers.update().values(headers={"Content-Type": "application/json"}))
    with op.batch_alter_table("idempotent_answers", schema=None) as batch_op:
        batch_op.alter_column("headers", existing_type=Json, nullable=False)

    for table in ("device_certificates", "orphan_revocations"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(batch_op.f(f"ix_{table}_revoked_at"), ["revoked_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    for table in ("orphan_revocations", "device_certificates"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{table}_revoked_at"))
    with op.batch_alter_table("idempotent_answers", schema=None) as batch_op:
        batch_op.drop_column("headers")
    op.drop_table("failed_sign_ins")
