"""commands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "command_batches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("selector", Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_by_name", sa.String(length=200), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_batches")),
    )
    with op.batch_alter_table("command_batches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_command_batches_requested_at"), ["requested_at"], unique=False)

    op.create_table(
        "command_freeze",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("by_id", sa.String(length=64), nullable=True),
        sa.Column("by_name", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_freeze")),
    )
    op.create_table(
        "command_steps",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("command_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("old", sa.String(length=20), nullable=True),
        sa.Column("new", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_steps")),
    )
    with op.batch_alter_table("command_steps", schema=None) as batch_op:
        batch_op.create_index("ix_command_steps_command", ["command_id", "id"], unique=False)

    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("batch_id", sa.String(length=36), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("args", sa.LargeBinary(), nullable=False),
        sa.Column("destructive", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_by_name", sa.String(length=200), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("approval_id", sa.String(length=36), nullable=True),
        sa.Column("held", sa.String(length=20), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("grace_s", sa.BigInteger(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("offers", sa.BigInteger(), nullable=False),
        sa.Column("first_offer_at", UtcDateTime(), nullable=True),
        sa.Column("last_exp", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("result_iat", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("after_cancel", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_commands_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index("ix_commands_approval", ["approval_id"], unique=False)
        batch_op.create_index("ix_commands_asked", ["type", "requested_at"], unique=False)
        batch_op.create_index("ix_commands_batch", ["batch_id", "id"], unique=False)
        batch_op.create_index("ix_commands_device", ["device_id", "requested_at", "id"], unique=False)
        batch_op.create_index(
            "ix_commands_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )
        batch_op.create_index(
            "ix_commands_expires",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )
        batch_op.create_index("ix_commands_offered", ["type", "first_offer_at"], unique=False)
        batch_op.create_index(
            "ix_commands_open",
            ["device_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_commands_open",
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )
        batch_op.drop_index("ix_commands_offered")
        batch_op.drop_index(
            "ix_commands_expires",
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )
        batch_op.drop_index(
            "ix_commands_due",
            sqlite_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
            postgresql_where=sa.text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')"),
        )
        batch_op.drop_index("ix_commands_device")
        batch_op.drop_index("ix_commands_batch")
        batch_op.drop_index("ix_commands_asked")
        batch_op.drop_index("ix_commands_approval")

    op.drop_table("commands")
    with op.batch_alter_table("command_steps", schema=None) as batch_op:
        batch_op.drop_index("ix_command_steps_command")

    op.drop_table("command_steps")
    op.drop_table("command_freeze")
    with op.batch_alter_table("command_batches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_command_batches_requested_at"))

    op.drop_table("command_batches")
