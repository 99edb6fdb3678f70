"""notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notice_calls",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("called_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_notice_calls_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_calls")),
    )
    with op.batch_alter_table("notice_calls", schema=None) as batch_op:
        batch_op.create_index("ix_notice_calls_device", ["device_id", "version"], unique=False)
        batch_op.create_index("ix_notice_calls_version", ["version", "id"], unique=False)

    with op.batch_alter_table("notice_acceptances", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text_version", sa.String(length=256), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("texts_sha256", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("language", sa.String(length=256), nullable=True))
        batch_op.add_column(sa.Column("proof", sa.Text(), nullable=True))
        batch_op.create_index("ix_notice_acceptances_received", ["received_at", "id"], unique=False)

    # So far a version was that of its texts.
    op.execute(sa.text("UPDATE notice_acceptances SET text_version = version"))
    with op.batch_alter_table("notice_acceptances", schema=None) as batch_op:
        batch_op.alter_column("text_version", server_default=None)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("notice_acceptances", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_acceptances_received")
        batch_op.drop_column("proof")
        batch_op.drop_column("language")
        batch_op.drop_column("texts_sha256")
        batch_op.drop_column("text_version")

    with op.batch_alter_table("notice_calls", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_calls_version")
        batch_op.drop_index("ix_notice_calls_device")

    op.drop_table("notice_calls")
